package render

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"text/template"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/pager"
)

// Form writes the texts of one kind of route.
type Form struct {
	set    *Set
	kind   string // whose template it is
	base   string // whose default stands for it
	escape Escape
}

// Form returns that of a kind. Where there is no template of its own, that of
// base is used, and else the one for everybody.
func (s *Set) Form(kind, base string, escape Escape) *Form {
	return &Form{s, kind, base, escape}
}

// Text writes a page. Title and body have at most so many characters.
func (f *Form) Text(ctx context.Context, d pager.Delivery, title, body int) Text {
	t, err := run(f.pick(f.set.kinds), d, f.escape)
	if err != nil {
		f.set.log.LogAttrs(ctx, slog.LevelError, "template of a page fails, the default is sent",
			slog.String("kind", f.kind), slog.String("page", string(d.Page.ID)), slog.Any("error", err))
		if t, err = run(f.pick(f.set.plain), d, f.escape); err != nil {
			t = Text{Title: d.Page.About(), Body: d.Page.About()} // a page all the same
		}
	}
	return Text{Title: Cut(t.Title, title), Body: Cut(t.Body, body)}
}

func (f *Form) pick(from map[string]*template.Template) *template.Template {
	for _, kind := range []string{f.kind, f.base} {
		if t := from[kind]; t != nil {
			return t
		}
	}
	return from[page]
}

// runTime bounds a template, which may count to any number.
const runTime = 2 * time.Second

// run writes both texts, or says that the template does not come to an end. Then
// it is left to itself: nothing can stop it.
func run(t *template.Template, d pager.Delivery, escape Escape) (Text, error) {
	type result struct {
		text Text
		err  error
	}
	done := make(chan result, 1)
	go func() { // ends with the template
		text, err := execute(t, d, escape)
		done <- result{text, err}
	}()
	limit := time.NewTimer(runTime)
	defer limit.Stop()
	select {
	case r := <-done:
		return r.text, r.err
	case <-limit.C:
		return Text{}, errors.New("it does not come to an end")
	}
}

func execute(t *template.Template, d pager.Delivery, escape Escape) (Text, error) {
	v := view(d, escape)
	var out [2]string
	for i, name := range []string{"title", "body"} {
		w := &bounded{}
		if err := t.ExecuteTemplate(w, name, v); err != nil {
			return Text{}, fmt.Errorf("%s: %w", name, err)
		}
		out[i] = strings.ToValidUTF8(strings.TrimSpace(w.String()), "\uFFFD")
	}
	return Text{Title: strings.Join(strings.Fields(out[0]), " "), Body: out[1]}, nil
}

// bounded takes only so much of what a template writes.
type bounded struct{ strings.Builder }

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxWrite {
		return 0, errors.New("it writes too much")
	}
	return b.Builder.Write(p)
}

func view(d pager.Delivery, escape Escape) View {
	if escape == nil {
		escape = func(s string) string { return s }
	}
	all := func(list []string) []string {
		var out []string
		for _, s := range list {
			out = append(out, escape(s))
		}
		return out
	}
	p := pager.Clean(d.Page)
	return View{
		Severity: p.Severity.String(), Summary: escape(p.Summary), Reasons: all(p.Reasons), Proves: escape(p.Proves),
		ProvesNot: escape(p.ProvesNot), Sure: escape(p.Sure), Window: all(p.Window), Suspects: all(p.Suspects), Next: all(p.Next),
		Link: p.Link, About: escape(p.About()), Notice: p.Notice != "", Place: escape(string(p.Place)), Verdict: string(d.Verdict),
		At: canary.Micro(p.At).Format(time.RFC3339), Contacts: p.Contacts, Canaries: p.Canaries,
		Resolved: d.Kind == pager.Resolve, Quiet: d.Quiet && d.Kind == pager.Trigger, Update: d.Kind == pager.Update, Test: d.Test,
	}
}

// Cut shortens s to n characters, the last of them an ellipsis.
func Cut(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}
