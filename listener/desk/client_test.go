package desk_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"saltmine/internal/webhook"
	"saltmine/listener/desk"
)

func TestPost(t *testing.T) {
	t.Parallel()
	e, s := open(t, func(c *desk.Config) { c.Rate = desk.Rate{Burst: 2} })
	srv := httptest.NewServer(e)
	defer srv.Close()
	post := func(token webhook.Hidden, q desk.Quote) error {
		return desk.Post(t.Context(), srv.Client(), srv.URL+"/", token, q)
	}
	q := desk.Quote{Ticket: "TK-1", Caller: "Dana", Note: "said \"hello\" <b>"}
	for n := range 2 { // the same quote twice is two look-ups
		if err := post(annToken+"\n", q); err != nil {
			t.Fatal(err)
		}
		if c := s.last(t, n+1); c.Source != "ann" || c.Text != "Dana\nsaid \"hello\" <b>" {
			t.Errorf("contact %+v", c)
		}
	}
	if err := post(annToken, q); !errors.Is(err, desk.ErrRate) {
		t.Errorf("over the rate: %v", err)
	}
	if err := post("unknown token text", q); !errors.Is(err, desk.ErrDenied) || strings.Contains(err.Error(), "unknown token text") {
		t.Errorf("unknown token: %v", err)
	}
	if err := post(bobToken, desk.Quote{Ticket: " "}); !errors.Is(err, desk.ErrQuote) {
		t.Errorf("nothing quoted: %v", err)
	}
	s.last(t, 3)
	s.set(func(s *spool) { s.fail = errFull })
	if err := post(bobToken, q); !errors.Is(err, desk.ErrAway) {
		t.Errorf("store full: %v", err)
	}
	srv.Close()
	if err := post(bobToken, q); !errors.Is(err, desk.ErrAway) {
		t.Errorf("ear gone: %v", err)
	}
	if err := desk.Post(t.Context(), http.DefaultClient, "http://[::1", bobToken, q); !errors.Is(err, desk.ErrQuote) {
		t.Errorf("bad address: %v", err)
	}
}

func TestPostBelievesOnlyTheEarsYes(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]error{200: desk.ErrAway, 204: desk.ErrAway, 403: desk.ErrDenied, 404: desk.ErrAway, 400: desk.ErrQuote, 413: desk.ErrQuote, 502: desk.ErrAway} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		if err := desk.Post(t.Context(), srv.Client(), srv.URL, annToken, desk.Quote{Ticket: "1"}); !errors.Is(err, want) {
			t.Errorf("status %d: got %v, want %v", status, err, want)
		}
		srv.Close()
	}
}
