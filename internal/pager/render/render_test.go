package render_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"saltmine/internal/pager"
	"saltmine/internal/pager/pagertest"
	"saltmine/internal/pager/render"
)

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func delivery() pager.Delivery {
	p := pagertest.Page(1, time.Date(2026, 8, 5, 10, 0, 0, 0, time.UTC))
	return pager.Delivery{Page: p, Kind: pager.Trigger}
}

func TestUsersTemplatesTakeTheDefaultsPlace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "page.tmpl", `{{define "title"}}all {{.Severity}}{{end}}{{define "body"}}{{template "page body" .}}{{end}}`)
	write(t, dir, "ntfy.tmpl", `{{define "title"}}ntfy {{.About}}{{end}}{{define "body"}}{{range $i, $do := .Next}}{{number $i}} {{$do}};{{end}}{{end}}`)
	write(t, dir, "README", "not one")
	var log bytes.Buffer
	s, err := render.Load(dir, []string{"ntfy"}, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[string]render.Text{
		"ntfy":  {Title: "ntfy i_incident00000001", Body: "1 Look at the incident;2 Run saltmine trace;"},
		"teams": {Title: "all P2"},
	} {
		got := s.Form(kind, "", nil).Text(t.Context(), delivery(), 200, 2000)
		if got.Title != want.Title || want.Body != "" && got.Body != want.Body || !strings.Contains(got.Body, "Look at the incident") {
			t.Errorf("%s: %+v", kind, got)
		}
	}
	if log.Len() > 0 {
		t.Errorf("log: %s", &log)
	}
}

// TestBrokenTemplates: each is reported, and a page goes out all the same.
func TestBrokenTemplates(t *testing.T) {
	t.Parallel()
	const good = `{{define "title"}}mine{{end}}{{define "body"}}mine{{end}}`
	for name, text := range map[string]string{
		"ntfy.tmpl":   `{{define "title"}}{{.Nothing}}{{end}}{{define "body"}}{{end}}`,
		"slack.tmpl":  `{{define "title"}}{{end`,
		"page.tmpl":   `{{define "title"}}no body{{end}}`,
		"voice.tmpl":  `{{define "title"}}{{end}}{{define "body"}}{{index .Reasons 7}}{{end}}`,
		"pigeon.tmpl": good,
		"teams.tmpl":  good + strings.Repeat(" ", 64<<10),
	} {
		dir := t.TempDir()
		write(t, dir, name, text)
		s, err := render.Load(dir, []string{"ntfy", "teams"}, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: loaded with %v", name, err)
		}
		got := s.Form(strings.TrimSuffix(name, ".tmpl"), "", nil).Text(t.Context(), delivery(), 200, 2000)
		if !strings.Contains(got.Title+got.Body, "planted address") {
			t.Errorf("%s: the default was not sent: %+v", name, got)
		}
	}
	if s, err := render.Load(filepath.Join(t.TempDir(), "none"), nil, slog.New(slog.DiscardHandler)); err == nil || s == nil {
		t.Errorf("a folder that is not there: %v, %v", s, err)
	}
}

// TestTemplateThatFailsAtNight: one that only some page breaks is told loudly.
func TestTemplateThatFailsAtNight(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "page.tmpl", `{{define "title"}}t{{end}}{{define "body"}}{{if eq .Contacts 4711}}{{index .Reasons 99}}{{end}}fine{{end}}`)
	var log bytes.Buffer
	s, err := render.Load(dir, nil, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	d := delivery()
	if got := s.Form("ntfy", "", nil).Text(t.Context(), d, 200, 2000); got.Body != "fine" {
		t.Errorf("%+v", got)
	}
	d.Page.Contacts = 4711
	got := s.Form("ntfy", "", nil).Text(t.Context(), d, 200, 2000)
	if !strings.Contains(got.Body, "What it proves: Somebody has the address") || !strings.Contains(log.String(), "level=ERROR") {
		t.Errorf("%+v\n%s", got, &log)
	}
}

// TestATemplateWithoutEnd: it is refused when it is read, and where only some
// pages show it, the default is sent.
func TestATemplateWithoutEnd(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"always": `{{define "title"}}x{{end}}{{define "body"}}{{range 300000000}}{{end}}{{end}}`,
		"seldom": `{{define "title"}}x{{end}}{{define "body"}}{{if eq .Contacts 7}}{{range 300000000}}{{end}}{{end}}y{{end}}`,
	} {
		dir, log := t.TempDir(), &bytes.Buffer{}
		write(t, dir, "page.tmpl", text)
		set, err := render.Load(dir, nil, slog.New(slog.NewTextHandler(log, nil)))
		if (err != nil) != (name == "always") || set == nil {
			t.Fatalf("%s: %v", name, err)
		}
		d := pager.Delivery{Page: pagertest.Page(1, time.Unix(0, 0)), Kind: pager.Trigger}
		d.Page.Contacts = 7
		if got := set.Form("page", "", nil).Text(t.Context(), d, 200, 2000); got.Title == "x" || got.Title == "" {
			t.Errorf("%s: %+v; log:\n%s", name, got, log)
		}
	}
}
