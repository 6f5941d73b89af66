package replay

import (
	"regexp"
	"slices"
	"strings"

	"saltmine/internal/audit"
)

// setMode keeps the sql_mode that a statement sets, where it is written out; any other way of
// setting it leaves it unknown.
func (s *session) setMode(e *audit.Event) {
	lower := strings.ToLower(string(e.Text))
	s.tuned = s.tuned || slices.ContainsFunc(tunes(), func(name string) bool { return strings.Contains(lower, name) })
	if !strings.Contains(lower, "sql_mode") {
		return
	}
	s.mode, s.lost = nil, true
	if m := regexp.MustCompile(`(?i)^\s*SET\s+(?:SESSION\s+|LOCAL\s+|@@(?:SESSION\.|LOCAL\.)?)?sql_mode\s*=\s*['"]([A-Z0-9_,]*)['"]\s*;?\s*$`).FindSubmatch(e.Text); m != nil && e.Code == 0 && !e.Truncated {
		mode := string(m[1])
		s.mode, s.lost = &mode, false
	}
}

// tunes are settings that change what functions give.
func tunes() []string {
	return []string{"lc_time_names", "default_week_format", "div_precision_increment", "old_mode", "default_regex_flags", "block_encryption_mode", "set option"}
}
