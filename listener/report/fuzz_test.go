package report_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"saltmine/internal/canary"
	"saltmine/internal/people"
	"saltmine/internal/webhook"
	"saltmine/listener/report"
)

// FuzzReport sends any body, as a browser and as a program: it is thanked for if and
// only if it was heard, and what is heard can be stored and read again.
func FuzzReport(f *testing.F) {
	for _, body := range []string{
		`{"by":"+44 20 7946 0123","how":"call","knew":"my ticket","said":"they asked for a card","contact":"dana@example.net","key":"0123456789abcdef0123"}`,
		`{"by":"x","how":"mail","at":"2026-08-05T09:00:00Z"}`, `{"by":"x","by":"y","how":"mail"}`, `{"By":"x","how":"mail"}`, `null`, `[]`, `{"how":"fax"}`, "{\"by\":\"\xff\"}",
	} {
		f.Add(true, []byte(body))
	}
	for _, body := range []string{
		"by=x&how=call&when=&knew=&said=&contact=me%40example.net&key=0123456789abcdef0123", "by=%ff&how=text", "by=x&by=y&how=call", "by=%zz", "how=call", "said=%E2%80%AE<b>&how=other",
	} {
		f.Add(false, []byte(body))
	}
	f.Fuzz(func(t *testing.T, program bool, body []byte) {
		var heard []canary.Contact
		ear, err := report.New(report.Config{
			Now: start, Agents: []people.Person{{Name: "j.doe", Sum: webhook.TokenSum(agentToken)}},
			Hear: func(_ context.Context, list []canary.Contact) []error {
				heard = append(heard, list...)
				return make([]error, len(list))
			},
		})
		must(t, err)
		path, thanks := "/report", http.StatusSeeOther
		if program {
			path, thanks = "/v1/reports", http.StatusAccepted
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(string(body)))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Authorization", "Bearer "+agentToken)
		w := httptest.NewRecorder()
		ear.ServeHTTP(w, r)
		refused := []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity}
		if w.Code != thanks && !slices.Contains(refused, w.Code) || (w.Code == thanks) != (len(heard) > 0) || len(heard) > 2 {
			t.Fatalf("status %d, %d contacts", w.Code, len(heard))
		}
		for i := range heard {
			readsBack(t, &heard[i])
		}
		if len(heard) == 2 && heard[0].Facts[canary.ReporterIn] != string(heard[1].ID) {
			t.Error("how the person can be reached is not where the report says")
		}
	})
}

// readsBack stores a contact and reads it.
func readsBack(t *testing.T, c *canary.Contact) {
	t.Helper()
	b, err := c.MarshalBinary()
	must(t, err)
	var back canary.Contact
	must(t, back.UnmarshalBinary(b))
	if back.ID != c.ID || back.Text != c.Text || !utf8.ValidString(c.Text) {
		t.Errorf("stored %q, read %q", c.Text, back.Text)
	}
}
