package console_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/console"
	"saltmine/internal/picture"
)

// TestPictures: what is drawn of a trace stands in the page, each with a title for who
// does not see it and the same as a table, and nothing that the page's policy forbids.
func TestPictures(t *testing.T) {
	t.Parallel()
	const hostile = `</text></svg><script>alert(1)</script><img src=x onerror="a()">`
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	drawn := []picture.Picture{
		picture.Window(&picture.Access{
			Tokens: []picture.Token{{Name: hostile, Perhaps: []picture.Span{{From: at}}, First: at.Add(48 * time.Hour)}},
			Window: []picture.Span{{From: at, Until: at.Add(24 * time.Hour)}},
		}),
		picture.Suspects([]picture.Candidate{{Kind: picture.Extract, Name: hostile, P: .75}}),
		picture.Contacts([]picture.Contact{{Channel: "smtp", At: at}}),
	}
	s := serve(t, func(c *console.Config) {
		c.Trace = func(context.Context, canary.IncidentID) (console.Report, error) {
			return report{Words: "x", drawn: drawn}, nil
		}
	})
	res, body := ask(t, s, http.MethodGet, "/incidents/i_aaaaaaaaaaaaaaaa")
	if res.StatusCode != http.StatusOK || !guarded(res) {
		t.Fatal(res.Status)
	}
	for _, part := range []string{
		`<title id="window-title">Access window`, `<title id="suspects-title">Suspects`, `<title id="contacts-title">Contacts`,
		`role="img" aria-labelledby="window-title"`, `<th scope="row">smtp</th><td>contact that is weighed</td><td>1</td>`, `75 %</text>`,
		`&lt;/text&gt;&lt;/svg&gt;&lt;script&gt;`,
	} {
		if !strings.Contains(body, part) {
			t.Errorf("the page has no %s", part)
		}
	}
	for _, part := range []string{"<script", "<img", ` style="`, "href=\"http", "ZgotmplZ"} {
		if strings.Contains(body, part) {
			t.Errorf("the page has %s", part)
		}
	}
	if n := strings.Count(body, "<svg"); n != 3 || strings.Count(body, "<summary>") != 3 {
		t.Errorf("%d pictures", n)
	}
}
