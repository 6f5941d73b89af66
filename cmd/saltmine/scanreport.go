package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/scan"
)

// findID names a find by the file, where in it, and the kind: the same find again is
// the same contact.
func findID(sum string, f *scan.Find) canary.ContactID {
	h := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%d\n%s", sum, f.Inside, f.Offset, f.Kind))
	return canary.ContactID("k_dump-" + hex.EncodeToString(h[:20]))
}

// contactsOf are the finds of a report as contacts, of when the file had been seen.
func contactsOf(book *scan.Book, name string, r *scan.Report, weights []scan.Weight, seen time.Time) []canary.Contact {
	at := canary.Micro(seen)
	var out []canary.Contact
	for i := range r.Finds {
		f := &r.Finds[i]
		out = append(out, findContact(book.Token(f.Ref).Text, name, r.SHA256, f, weights[i]))
		out[i].At = at
	}
	return out
}

// findContact is one find. The token goes as its target in canonical form: how it was
// written stands in the evidence.
func findContact(text, name, sum string, f *scan.Find, weight scan.Weight) canary.Contact {
	c := canary.Contact{
		ID: findID(sum, f), Channel: canary.Dump, Ear: canary.EarScan, Source: cut(filepath.Base(name), 200),
		Targets: []canary.Target{{Kind: f.Kind, Text: text}}, Text: string(printable(f.Context)), Raw: f.Context,
		Facts: map[string]string{
			canary.FindFile: sum, canary.FindOffset: strconv.FormatInt(f.Offset, 10), canary.FindLine: strconv.FormatInt(f.Line, 10), "bytes": strconv.Itoa(f.Size),
		},
	}
	for fact, value := range map[string]string{canary.FindInside: f.Inside, "form": f.Form, canary.FindWeight: string(weight)} {
		if value != "" {
			c.Facts[fact] = value
		}
	}
	return c
}

func cut(s string, most int) string { return s[:min(len(s), most)] }

// printable takes what is no text out of a context.
func printable(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for _, c := range b {
		switch {
		case c == 0:
		case c < ' ':
			out = append(out, ' ')
		default:
			out = append(out, c)
		}
	}
	return out
}

func reportOf(book *scan.Book, name string, r *scan.Report, j scan.Judged, contacts []canary.Contact) scannedFile {
	out := scannedFile{
		File: name, SHA256: r.SHA256, Bytes: r.Bytes, Whole: r.Whole && len(r.Faults) == 0, Canaries: j.Canaries, Planted: j.Planted, Placebos: j.Placebos,
		Finds: []scannedFind{}, More: r.More, Faults: faultsOf(r),
	}
	for i := range r.Finds {
		f := &r.Finds[i]
		t := book.Token(f.Ref)
		out.Finds = append(out.Finds, scannedFind{
			Contact: contacts[i].ID, Kind: f.Kind, Role: t.Role, Token: t.ID, Canary: t.Canary, Inside: f.Inside, Offset: f.Offset, Line: f.Line, Bytes: f.Size, Form: f.Form, Weight: j.Weights[i],
		})
	}
	return out
}

func faultsOf(r *scan.Report) []scannedFault {
	out := []scannedFault{}
	for _, f := range r.Faults {
		out = append(out, scannedFault{f.Inside, f.Err.Error()})
	}
	return out
}

// incidentsOf adds the incidents of some contacts to a list. A file has many finds
// of few places: the incidents of some hundred of them are all there are.
func (c *core) incidentsOf(ctx context.Context, contacts []canary.Contact, list []canary.IncidentID) ([]canary.IncidentID, error) {
	const most = 500
	every := max(1, len(contacts)/most)
	for i := 0; i < len(contacts); i += every {
		hits, err := c.reg.HitsOf(ctx, contacts[i].ID)
		if err != nil {
			return list, err
		}
		for _, h := range hits {
			if h.Incident != "" && !slices.Contains(list, h.Incident) {
				list = append(list, h.Incident)
			}
		}
	}
	return list, nil
}

const findsShown = 40 // of a file, to a person; JSON has all

// lines are what a person reads of a file.
func (s *scannedFile) lines(dryRun bool) []string {
	out := []string{fmt.Sprintf("%s  %d bytes  sha256 %s", s.File, s.Bytes, s.SHA256)}
	if len(s.Finds) == 0 {
		out = append(out, "  nothing found")
	}
	for i := range s.Finds[:min(len(s.Finds), findsShown)] {
		out = append(out, "  "+s.Finds[i].line())
	}
	if rest := len(s.Finds) - findsShown + s.More; len(s.Finds) > findsShown || s.More > 0 {
		out = append(out, fmt.Sprintf("  and %d places more (--output json tells of %d)", max(rest, s.More), len(s.Finds)))
	}
	if len(s.Finds) > 0 {
		out = append(out, fmt.Sprintf("  %d canaries%s", s.Canaries, byKind(s.Planted)))
	}
	if len(s.Placebos) > 0 {
		out = append(out, "  placebos"+byKind(s.Placebos)+": never planted anywhere, so they are noise, and show how much of the rest may be")
	}
	for _, f := range s.Faults {
		out = append(out, "  NOT ALL WAS READ: "+inside("", f.Inside)+" "+f.Fault)
	}
	switch {
	case len(s.Finds) == 0:
	case dryRun:
		out = append(out, "  nothing is filed: --dry-run")
	default:
		out = append(out, fmt.Sprintf("  filed: %d contacts, %d were filed before", s.Filed, len(s.Finds)-s.Filed))
	}
	return out
}

func (f *scannedFind) line() string {
	text := fmt.Sprintf("line %d  offset %d  %-6s  %s", f.Line, f.Offset, f.Kind, cmp.Or(string(f.Canary), "placebo: noise"))
	if f.Inside != "" {
		text += "  in " + f.Inside
	}
	if f.Form != "" {
		text += "  " + f.Form
	}
	if f.Weight != "" {
		text += "  " + string(f.Weight)
	}
	return text
}

// byKind counts tokens.
func byKind(n map[canary.Kind]int) string {
	text, sep := "", ": "
	for _, kind := range []canary.Kind{canary.Email, canary.Phone, canary.Ticket} {
		if n[kind] > 0 {
			text += fmt.Sprintf("%s%d %s", sep, n[kind], kind)
			sep = ", "
		}
	}
	return text
}
