package main

import (
	"context"
	"io"
	"strings"

	"saltmine/internal/audit/cover"
	"saltmine/internal/canary"
	"saltmine/internal/forensics"
	"saltmine/internal/registry"
)

// coverOf says what the audit logs that were read cover of the time in which the access
// was: of the access window, or where none fits all hits, of what fits most.
func coverOf(ctx context.Context, reg *registry.Registry, a *forensics.Answer) (*cover.Report, error) {
	spans := accessSpans(a)
	if len(spans) == 0 {
		return nil, nil
	}
	logs := []canary.LogHealth{}
	done := map[canary.Place]bool{}
	for _, s := range spans {
		if done[s.Place] {
			continue
		}
		done[s.Place] = true
		list, err := reg.LogsOf(ctx, s.Place)
		if err != nil {
			return nil, err
		}
		logs = append(logs, list...)
	}
	return cover.Over(logs, spans), nil
}

func accessSpans(a *forensics.Answer) (out []cover.Span) {
	for _, w := range a.Window {
		out = append(out, cover.Span{Place: w.Place, From: w.From, Until: w.Until})
	}
	if len(out) > 0 {
		return out
	}
	for _, p := range a.Peaks {
		out = append(out, cover.Span{Place: p.Place, From: p.From, Until: p.Until})
	}
	return out
}

// printCover prints what the logs cover, as the trace prints what it does not prove.
func printCover(w io.Writer, r *cover.Report) error {
	if r == nil || len(r.Said) == 0 {
		return nil
	}
	const width = 78
	out := []string{"", "What the audit logs cover"}
	for _, said := range r.Said {
		line := "  -"
		for word := range strings.FieldsSeq(said) {
			if len(line)+1+len(word) > width && strings.TrimSpace(line) != "-" && strings.TrimSpace(line) != "" {
				out, line = append(out, line), "   "
			}
			line += " " + word
		}
		out = append(out, line)
	}
	return lines(w, out)
}
