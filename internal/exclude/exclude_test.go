package exclude_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"saltmine/internal/exclude"
)

const secret = "test-only-caller-token"

// check answers "drop" to whom ends in "!", in whatever time ask takes.
func check(change func(*exclude.Config)) *exclude.Check {
	cfg := exclude.Config{
		Callers: []exclude.Caller{{Name: "campaigns", Token: secret, PerDay: 500}, {Name: "billing", Token: "another-callers-token", PerDay: 500, Exact: true}},
		Ask: func(_ context.Context, q exclude.Question) ([]bool, error) {
			var out []bool
			for _, c := range q.Customers {
				out = append(out, strings.HasSuffix(c, "!"))
			}
			return out, nil
		},
		Floor: time.Microsecond, Now: time.Now, Log: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&cfg)
	}
	return exclude.New(cfg)
}

func post(h http.Handler, token, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, exclude.Path, strings.NewReader(body))
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestStatuses(t *testing.T) {
	t.Parallel()
	many, err := json.Marshal(map[string][]string{"customers": slices.Repeat([]string{"a@b.example"}, exclude.MaxCustomers+1)})
	if err != nil {
		t.Fatal(err)
	}
	var over []string
	failing := func(err error) *exclude.Check {
		return check(func(c *exclude.Config) {
			c.Ask = func(context.Context, exclude.Question) ([]bool, error) { return nil, err }
			c.Over = func(_ context.Context, caller string, _ time.Time) { over = append(over, caller) }
		})
	}
	for name, c := range map[string]struct {
		h           *exclude.Check
		token, body string
		want        int
	}{
		"asked":           {check(nil), secret, `{"customers":["a","b!"]}`, http.StatusOK},
		"no token":        {check(nil), "", `{"customers":["a"]}`, http.StatusUnauthorized},
		"unknown token":   {check(nil), secret + "x", `{"customers":["a"]}`, http.StatusUnauthorized},
		"no object":       {check(nil), secret, `["a"]`, http.StatusBadRequest},
		"another field":   {check(nil), secret, `{"customers":["a"],"list":true}`, http.StatusBadRequest},
		"nobody":          {check(nil), secret, `{"customers":[]}`, http.StatusBadRequest},
		"an empty one":    {check(nil), secret, `{"customers":["a"," "]}`, http.StatusBadRequest},
		"something after": {check(nil), secret, `{"customers":["a"]} {}`, http.StatusBadRequest},
		"too many":        {check(nil), secret, string(many), http.StatusRequestEntityTooLarge},
		"too long":        {check(nil), secret, `{"customers":["` + strings.Repeat("a", 40_000) + `"]}`, http.StatusRequestEntityTooLarge},
		"no registry":     {failing(errors.New("down")), secret, `{"customers":["a"]}`, http.StatusServiceUnavailable},
		"over the budget": {failing(fmt.Errorf("x: %w", exclude.ErrBudget)), secret, `{"customers":["a"]}`, http.StatusTooManyRequests},
	} {
		w := post(c.h, c.token, c.body)
		if w.Code != c.want || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d, wanted %d: %s", name, w.Code, c.want, w.Body)
		}
		if c.want == http.StatusOK && w.Body.String() != `{"answers":["keep","drop"]}` {
			t.Errorf("answer %s", w.Body)
		}
		if c.want == http.StatusTooManyRequests && w.Header().Get("Retry-After") == "" {
			t.Error("it does not say when to ask again")
		}
	}
	if !slices.Equal(over, []string{"campaigns"}) {
		t.Errorf("told of %v", over)
	}
}

// TestAnswersLookAlike: a yes and a no have the same bytes in number and leave at
// the same time, whatever the registry takes.
func TestAnswersLookAlike(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := check(func(c *exclude.Config) {
			c.Floor = exclude.DefaultFloor
			ask := c.Ask
			c.Ask = func(ctx context.Context, q exclude.Question) ([]bool, error) {
				if strings.HasSuffix(q.Customers[0], "!") {
					time.Sleep(17 * time.Millisecond)
				}
				return ask(ctx, q)
			}
		})
		for _, who := range []string{"a", "a!"} {
			began := time.Now()
			w := post(slow, secret, `{"customers":["`+who+`"]}`)
			if took := time.Since(began); took != exclude.DefaultFloor || w.Body.Len() != len(`{"answers":["keep"]}`) || w.Header().Get("Content-Length") != "20" {
				t.Errorf("%q took %s and %d bytes", who, took, w.Body.Len())
			}
		}
	})
}

func TestClient(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(check(nil))
	t.Cleanup(srv.Close)
	client := &exclude.Client{HTTP: srv.Client(), URL: srv.URL, Token: secret}
	if got, err := client.Ask(t.Context(), []string{"a!", "b"}); err != nil || !slices.Equal(got, []string{exclude.Drop, exclude.Keep}) {
		t.Errorf("answers %v, %v", got, err)
	}
	client.Token = "x"
	if _, err := client.Ask(t.Context(), []string{"a"}); !errors.Is(err, exclude.ErrDenied) {
		t.Errorf("a wrong token: %v", err)
	}
	srv.Close()
	if _, err := client.Ask(t.Context(), []string{"a"}); !errors.Is(err, exclude.ErrAway) {
		t.Errorf("nobody there: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{`{"customers":["a"]}`, `{"customers":[""]}`, `{}`, `[`, `{"customers":["a"]}{}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		customers, err := exclude.Parse(body)
		if err == nil && (len(customers) == 0 || len(customers) > exclude.MaxCustomers) {
			t.Errorf("%d customers were taken", len(customers))
		}
	})
}
