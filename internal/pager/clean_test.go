package pager_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"saltmine/internal/canary"
	"saltmine/internal/pager"
	"saltmine/internal/pager/pagertest"
)

func TestClean(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"P2 db:main: 1 contact of records that do not exist": "P2 db:main: 1 contact of records that do not exist",
		"zweitens: ü 日本 🙂":                                   "zweitens: ü 日本 🙂",
		"a\r\nBcc: x@example.org":                            "a  Bcc: x@example.org",
		"\x1b[31mred\x1b[0m\x07":                             "[31mred[0m",
		"abc\u202ecba\u2066\u200b\u00ad":                     "abccba",
		"\xff\xfe broken \xc3\x28":                           "\uFFFD broken \uFFFD(",
		"=cmd|' /C calc'!A0":                                 "'=cmd|' /C calc'!A0",
		"+1+1":                                               "'+1+1",
		"{{.Secret}} ${jndi:ldap://x/a}":                     "{ {.Secret} } $ {jndi:ldap[:]//x/a}",
		"look at https://evil.example/x ":                    "look at https[:]//evil.example/x",
		"line\u2028separator\u0085next":                      "line separatornext",
		"tag\U000E0041\U000E0042":                            "tag",
		"":                                                   "",
	} {
		got := pager.Clean(canary.Page{Summary: in}).Summary
		if got != want {
			t.Errorf("%q\ngot  %q\nwant %q", in, got, want)
		}
		if again := pager.Clean(canary.Page{Summary: got}).Summary; again != got {
			t.Errorf("%q cleaned again is %q", got, again)
		}
	}
	long := pager.Clean(canary.Page{Summary: strings.Repeat("ü", 10<<20), Reasons: make([]string, 1000), Place: canary.Place(strings.Repeat("a", 1<<20))})
	if n := utf8.RuneCountInString(long.Summary); n != 200 || !strings.HasSuffix(long.Summary, "…") || len(long.Reasons) != 12 || len(long.Place) > 300 {
		t.Errorf("%d characters, %d reasons, a place of %d", n, len(long.Reasons), len(long.Place))
	}
	for link, want := range map[string]string{
		"https://saltmine.example.net/incidents/i_1": "https://saltmine.example.net/incidents/i_1",
		"javascript:alert(1)":                        "",
		"https://user:pw@example.net/":               "",
		"/incidents/1":                               "",
		"https://example.net/a b\"<x>|y":             "https://example.net/a%20b%22%3Cx%3E%7Cy",
	} {
		if got := pager.Clean(canary.Page{Link: link}).Link; got != want {
			t.Errorf("link %q: %q, want %q", link, got, want)
		}
	}
}

// TestEnrichedOnce: what is found out later about a page is the same on every
// route and attempt, and a finding that takes too long holds no page up.
func TestEnrichedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked, box := 0, &pagertest.Box{}
		var seen []string
		fail := true
		send := func(_ context.Context, d pager.Delivery) (pager.Receipt, error) {
			seen = append(seen, strings.Join(d.Page.Suspects, ","))
			if fail = !fail; !fail {
				return "", &pager.Error{Class: "status 500", Retry: true}
			}
			return "ok", nil
		}
		pages(box, 1, "hook")
		p := run(t, box, map[string]pager.Send{"hook": send}, func(c *pager.Config) {
			c.Enrich = func(_ context.Context, page canary.Page) canary.Page {
				asked++
				page.Suspects = []string{"x_1\x1b[0m"}
				return page
			}
		})
		time.Sleep(time.Minute)
		box.Write(pagertest.Page(2, time.Now()), time.Now(), "hook")
		time.Sleep(time.Minute)
		p.stop(t)
		if asked != 2 || strings.Join(seen, " ") != "x_1[0m x_1[0m x_1[0m x_1[0m" {
			t.Errorf("asked %d times, sent with %q", asked, seen)
		}
	})
}
