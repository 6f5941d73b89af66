package console_test

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/console"
	"saltmine/internal/registry"
)

// TestOlder: lists that are longer than a page lead to the rest, row after row.
func TestOlder(t *testing.T) {
	t.Parallel()
	var incidents []registry.Case
	var notices []canary.Notice
	for i := range 450 {
		c, n := registry.Case{Incident: inc()}, notice()
		c.ID, n.ID = canary.IncidentID(fmt.Sprintf("i_%016d", i)), canary.NoticeID(fmt.Sprintf("n_%016d", i))
		c.Opened, n.Raised = c.Opened.Add(-time.Duration(i)*time.Minute), n.Raised.Add(-time.Duration(i)*time.Minute)
		incidents, notices = append(incidents, c), append(notices, n)
	}
	s := serve(t, func(c *console.Config) {
		c.Incidents = func(_ context.Context, f registry.CaseFilter) ([]registry.Case, error) {
			from := 1 + slices.IndexFunc(incidents, func(i registry.Case) bool { return i.ID == f.After.ID && i.Opened.Equal(f.After.Opened) })
			return incidents[from:min(from+f.Limit, len(incidents))], nil
		}
		c.Notices = func(_ context.Context, f registry.NoticeFilter) ([]canary.Notice, error) {
			from := 1 + slices.IndexFunc(notices, func(n canary.Notice) bool { return n.ID == f.After.ID && n.Raised.Equal(f.After.Raised) })
			return notices[from:min(from+f.Limit, len(notices))], nil
		}
	})
	older, ids := regexp.MustCompile(`href="(\?after=[^"]+)" rel="next"`), regexp.MustCompile(`<td>(?:<a href="/incidents/i_[0-9]+">)?([in]_[0-9]{16})`)
	for _, list := range []string{"/", "/notices"} {
		seen, next, pages := map[string]int{}, list, 0
		for ; next != "" && pages < 10; pages++ {
			res, body := ask(t, s, http.MethodGet, next)
			if res.StatusCode != http.StatusOK {
				t.Fatalf("%s: %s", next, res.Status)
			}
			for _, id := range ids.FindAllStringSubmatch(body, -1) {
				seen[id[1]]++
			}
			if strings.Contains(body, ">The newest<") != (pages > 0) {
				t.Errorf("%s: the way back", next)
			}
			next = ""
			if link := older.FindStringSubmatch(body); link != nil {
				next = list + link[1]
			}
		}
		if len(seen) != 450 || pages != 3 {
			t.Errorf("%s: %d rows on %d pages", list, len(seen), pages)
		}
		for id, n := range seen {
			if n != 1 {
				t.Errorf("%s: %s is there %d times", list, id, n)
			}
		}
		if res, body := ask(t, s, http.MethodGet, list+"?after=zzmark"); res.StatusCode != http.StatusBadRequest || strings.Contains(body, "zzmark") {
			t.Errorf("%s: a link that somebody made up: %s %s", list, res.Status, body)
		}
	}
}

// TestManyJoined: a page that shows not all that joined says where it is.
func TestManyJoined(t *testing.T) {
	t.Parallel()
	for n, cut := range map[int]bool{200: false, 201: true} {
		s := serve(t, func(c *console.Config) {
			c.Joined = func(_ context.Context, _ canary.IncidentID, limit int) ([]canary.Joined, error) {
				return make([]canary.Joined, min(n, limit)), nil
			}
		})
		_, body := ask(t, s, http.MethodGet, "/incidents/"+string(inc().ID))
		if strings.Count(body, "<li> , at ") != 200 || strings.Contains(body, "/contacts</code> lists all") != cut {
			t.Errorf("%d joined: %s", n, body)
		}
	}
}
