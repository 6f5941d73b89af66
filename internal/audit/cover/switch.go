package cover

import (
	"regexp"
	"strings"

	"saltmine/internal/audit"
	"saltmine/internal/canary"
)

// comments are those of SQL.
var comments = regexp.MustCompile(`(?s)/\*.*?\*/|(^|\s)--\s[^\n]*|#[^\n]*`)

// By these a database stops to log, or logs less: of a text without comments, with one space
// between words and small letters.
var (
	stops        = regexp.MustCompile(`\b(server_audit_logging|audit_log_disable)['"` + "`" + `]? ?:?= ?['"]?(off|0|false|on_disable|default)\b|\baudit_log_disable['"` + "`" + `]? ?:?= ?['"]?(on|1|true)\b`)
	takesOut     = regexp.MustCompile(`\buninstall (plugin|soname|component) .*audit`)
	stopsGeneral = regexp.MustCompile(`\bgeneral_log['"` + "`" + `]? ?:?= ?['"]?(off|0|false|default)\b|\bsql_log_off['"` + "`" + `]? ?:?= ?['"]?(on|1|true)\b`)
	changes      = regexp.MustCompile(`\baudit_log_filter_(set_filter|remove_filter|set_user|remove_user)\b|\bserver_audit_(events|excl_users|incl_users|query_log_limit|output_type)['"` + "`" + `]? ?:?=|\baudit_log_(policy|statement_policy|connection_policy|(exclude|include)_(accounts|commands|databases))['"` + "`" + `]? ?:?=`)
	moves        = regexp.MustCompile(`\b(server_audit_file_path|general_log_file|audit_log_file|log_output)['"` + "`" + `]? ?:?=`)
)

// lessens says what a statement does to the log; "" is nothing.
func lessens(plain string) string {
	switch {
	case stops.MatchString(plain):
		return "switched auditing off"
	case takesOut.MatchString(plain):
		return "took the audit plugin out"
	case stopsGeneral.MatchString(plain):
		return "switched the general log off"
	case changes.MatchString(plain):
		return Changed
	case moves.MatchString(plain):
		return Moved
	}
	return ""
}

// What those do as well who set a log up.
const (
	Changed = "changed what is audited"
	Moved   = "moved the log elsewhere"
)

// longestSwitch is how much of a statement is looked at.
const longestSwitch = 64 << 10

// Switch reports whether an event is a statement by which its database logs less from
// then on. That it was let through is not asked: who tried is to be told as well, as far
// as the log has it.
func Switch(e *audit.Event) (s canary.LogSwitch, ok bool) {
	if e.Kind != audit.Query {
		return s, false
	}
	text := e.Text[:min(len(e.Text), longestSwitch)]
	if !mayswitch.Match(text) {
		return s, false
	}
	words := strings.Fields(comments.ReplaceAllString(unversioned.ReplaceAllString(string(text), " $1 "), " "))
	plain := strings.ToLower(strings.Join(words, " "))
	first, _, _ := strings.Cut(plain, " ")
	switch first {
	case "set", "uninstall", "select", "(select", "with", "call", "do", "begin", "execute", "prepare":
	default:
		return s, false
	}
	what := lessens(plain)
	if what == "" { // what looks like a comment may stand in a string
		what = lessens(strings.ToLower(strings.Join(strings.Fields(string(text)), " ")))
	}
	return canary.LogSwitch{At: e.At, Account: e.User + "@" + e.Host, What: what, Low: e.Low, Line: e.Where.Line, Offset: e.Where.Offset, Failed: e.Code > 0}, what != ""
}

var (
	// mayswitch is a quick look.
	mayswitch = regexp.MustCompile(`(?i)audit|general_log|sql_log_off|log_output`)
	// unversioned are comments that a server runs.
	unversioned = regexp.MustCompile(`(?s)/\*M?!\d*(.*?)\*/`)
)

// AddSwitch keeps one among the last.
func AddSwitch(list []canary.LogSwitch, s canary.LogSwitch) []canary.LogSwitch {
	list = append(list, s)
	return list[max(0, len(list)-canary.MaxLogSteps):]
}
