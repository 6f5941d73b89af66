// Package render writes the texts of pages from templates.
//
// A template file (text/template) defines two templates, "title", one line, and
// "body". They get a [View]. There is a default for everybody, page.tmpl, and
// others for media where that does not read well: slack.tmpl, voice.tmpl. A file
// of the same name, or KIND.tmpl for another kind of route, in the user's folder
// takes its place:
//
//	{{define "title"}}{{.Severity}} {{.Summary}}{{end}}
//	{{define "body"}}{{range .Reasons}}- {{.}}
//	{{end}}{{.Link}}{{end}}
//
// Every text in a View was made inert for the medium before the template sees
// it (pager.Clean, and the route's own [Escape]), and no text is ever run as a
// template. So a template can be wrong or ugly, and not dangerous.
//
// How it fails: [Load] reports every file that cannot be used, and gives all the
// same a set in which the default stands for it; one that fails when it is run
// is told to the log at Error, and the default is sent. A page is never lost for
// a template.
package render

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/pager"
)

//go:embed templates
var defaults embed.FS

const (
	page     = "page"    // the template for everybody
	maxFile  = 64 << 10  // bytes of a template file
	maxWrite = 256 << 10 // bytes that a template may write
)

// View is what a template sees. The texts are clean and escaped.
type View struct {
	Severity  string // "P1" to "P4"
	Summary   string
	Reasons   []string
	Proves    string
	ProvesNot string
	Sure      string
	Window    []string
	Suspects  []string
	Next      []string
	Link      string // empty, or an http or https URL
	About     string // the id of the incident or notice
	Notice    bool
	Place     string
	Verdict   string // empty while it is open
	At        string // RFC 3339
	Contacts  int
	Canaries  int
	Resolved  bool
	Quiet     bool
	Update    bool
	Test      bool
}

// Escape makes a text inert in a medium. Nil leaves it as it is.
type Escape func(string) string

// Text is a page as a person reads it.
type Text struct {
	Title string // one line
	Body  string
}

// Set is the templates of all kinds of routes.
type Set struct {
	log   *slog.Logger
	kinds map[string]*template.Template // the defaults and the user's, by name
	plain map[string]*template.Template // the defaults alone
}

// Load reads the user's folder, none when dir is empty. Names are the kinds of
// routes that may have a file. The set can be used when the error is not nil.
func Load(dir string, names []string, log *slog.Logger) (*Set, error) {
	s := &Set{log: log, kinds: map[string]*template.Template{}, plain: map[string]*template.Template{}}
	entries, err := fs.ReadDir(defaults, "templates")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		text, err := fs.ReadFile(defaults, "templates/"+e.Name())
		if err != nil {
			return nil, err
		}
		kind := strings.TrimSuffix(e.Name(), ".tmpl")
		if s.plain[kind], err = parse(string(text), s.plain[page]); err != nil {
			return nil, fmt.Errorf("render: %s: %w", e.Name(), err)
		}
		s.kinds[kind] = s.plain[kind]
	}
	if dir == "" {
		return s, nil
	}
	return s, s.user(dir, names)
}

// user reads the user's files.
func (s *Set) user(dir string, names []string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("templates: %w", err)
	}
	var faults []error
	for _, e := range entries {
		kind, is := strings.CutSuffix(e.Name(), ".tmpl")
		if !is {
			continue // a backup, a README
		}
		if kind != page && !slices.Contains(names, kind) && s.plain[kind] == nil {
			faults = append(faults, fmt.Errorf("template %s: no kind of route is called so", e.Name()))
			continue
		}
		t, err := s.file(filepath.Join(dir, e.Name()))
		if err != nil {
			faults = append(faults, fmt.Errorf("template %s: %w", e.Name(), err))
			continue
		}
		s.kinds[kind] = t
	}
	return errors.Join(faults...)
}

// file reads one file and tries it.
func (s *Set) file(path string) (*template.Template, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular() || info.Size() > maxFile:
		return nil, fmt.Errorf("no regular file of at most %d bytes", maxFile)
	}
	text, err := os.ReadFile(path) // the operator names the folder
	if err != nil {
		return nil, err
	}
	t, err := parse(string(text), s.plain[page])
	if err != nil {
		return nil, err
	}
	for _, d := range samples() {
		if _, err := run(t, d, nil); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// parse reads a template that may use those of base as "page title" and "page body".
func parse(text string, base *template.Template) (*template.Template, error) {
	t := template.New("").Option("missingkey=error").Funcs(template.FuncMap{"number": func(i int) int { return i + 1 }})
	if base != nil {
		for _, name := range []string{"title", "body"} {
			if _, err := t.AddParseTree(page+" "+name, base.Lookup(name).Tree); err != nil {
				return nil, err
			}
		}
	}
	t, err := t.Parse(text)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"title", "body"} {
		if t.Lookup(name) == nil {
			return nil, fmt.Errorf("no template %q is defined in it", name)
		}
	}
	return t, nil
}

// samples are pages of every shape, so that a fault shows before the night.
func samples() []pager.Delivery {
	full := canary.Page{
		ID: "p_sample", Incident: "i_sample", Severity: canary.P1, At: time.Unix(0, 0).UTC(), Place: "db:main", Summary: "summary",
		Reasons: []string{"one", "two"}, Proves: "proves", ProvesNot: "proves not", Sure: "sure", Window: []string{"from, until"},
		Suspects: []string{"x_1 90 %"}, Next: []string{"do"}, Link: "https://saltmine.example.net/incidents/i_sample", Contacts: 3, Canaries: 3,
	}
	bare := canary.Page{ID: "p_bare", Notice: "n_bare", Severity: canary.P4}
	return []pager.Delivery{
		{Page: full, Kind: pager.Trigger},
		{Page: full, Kind: pager.Resolve, Quiet: true, Verdict: canary.Leak},
		{Page: full, Kind: pager.Update, Quiet: true},
		{Page: bare, Kind: pager.Trigger, Test: true},
	}
}
