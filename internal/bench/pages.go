package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/smtp"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
	"saltmine/internal/seal"
)

// How long it may take from the last byte of a mail until its page is accepted.
const (
	wantedUsual = 100.0  // milliseconds, p50
	wantedWorst = 1000.0 // milliseconds, p99
)

// measurePages sends mails to planted addresses of a whole Saltmine, one after the
// other, and takes the time until a webhook has the page of each.
func measurePages(ctx context.Context, p *plan, t *table) (err error) {
	w := &woken{dir: filepath.Join(p.dir, "pages"), came: make(chan canary.IncidentID, 1)}
	program := filepath.Join(p.dir, "saltmine-pages")
	for _, line := range [][]string{{"go", "build", "-o", program, "./cmd/saltmine"}, {program, "init", w.dir}} {
		if out, err := exec.CommandContext(ctx, line[0], line[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", strings.Join(line, " "), err, out)
		}
	}
	receiver := httptest.NewServer(w)
	defer receiver.Close()
	if w.mail, err = freeAddr(ctx); err != nil {
		return err
	}
	config := fmt.Sprintf("[pool]\ndomains = [%q]\nsoak = \"0s\"\n[pool.accept]\n%q = \"all\"\n[smtp]\nlisten = [%q]\nhostname = \"mx1.%s\"\n[[route]]\nkind = \"webhook\"\nurl = %q\nsecret_file = \"hook.secret\"\n", domain, domain, w.mail, domain, receiver.URL)
	if err := errors.Join(os.WriteFile(filepath.Join(w.dir, "saltmine.toml"), []byte(config), 0o600), os.WriteFile(filepath.Join(w.dir, "hook.secret"), []byte(hookSecret), 0o600)); err != nil {
		return err
	}
	if err := w.register(ctx, p.pages+warmPages); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.reg.Close()) }()
	var core peer
	if err := core.start(ctx, w.mail, program, "serve", "--config", filepath.Join(w.dir, "saltmine.toml")); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, core.stop()) }()
	var took []float64
	for n := range p.pages + warmPages {
		ms, err := w.trial(ctx, n)
		if err != nil {
			return fmt.Errorf("page %d: %w\n%s", n, err, core.out.String())
		}
		if n >= warmPages {
			took = append(took, ms)
		}
	}
	slices.Sort(took)
	note := fmt.Sprintf("%d mails, one after the other, each a new incident; most %.0f ms", len(took), took[len(took)-1])
	t.bounds = append(t.bounds,
		bound{what: "milliseconds from the end of a mail to its page's being accepted, p50", got: median(took), most: wantedUsual, note: note},
		bound{what: "the same, p99", got: took[(len(took)*99+99)/100-1], most: wantedWorst, note: note})
	return nil
}

const warmPages = 10

// woken is the one who is paged.
type woken struct {
	dir, mail string
	reg       *registry.Registry
	came      chan canary.IncidentID
}

// ServeHTTP takes a page.
func (w *woken) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	var body struct {
		Type string `json:"type"`
		Data struct {
			Incident canary.IncidentID `json:"incident"`
		} `json:"data"`
	}
	err := json.NewDecoder(r.Body).Decode(&body)
	rw.WriteHeader(http.StatusNoContent)
	if err == nil && body.Data.Incident != "" && body.Type == "incident.page" {
		w.came <- body.Data.Incident
	}
}

func addressee(n int) string { return fmt.Sprintf("dana.whitfield%d@%s", n, domain) }

// ticketOf is quoted in each mail, which makes its page a P1: of others ten an
// hour are written.
func ticketOf(n int) string { return fmt.Sprintf("TK2026%05d", n) }

// register opens the registry and writes planted records into it.
func (w *woken) register(ctx context.Context, n int) error {
	keys, err := seal.Load(filepath.Join(w.dir, "keys"))
	if err != nil {
		return err
	}
	w.reg, err = registry.Open(ctx, registry.Config{DSN: "sqlite:" + filepath.Join(w.dir, "saltmine.db"), Vault: keys.Vault, Now: time.Now})
	if err != nil {
		return err
	}
	window := canary.Window{Place: "db:bench", From: canary.After(time.Now().Add(-time.Hour))}
	list := make([]canary.Planting, n)
	for i := range list {
		id := canary.ID(fmt.Sprintf("c_%016d", i))
		list[i] = canary.Planting{
			ID: id, State: canary.Intended, Batch: "bench", Place: window.Place, Name: fmt.Sprintf("Dana Whitfield%d", i), Rows: []byte("row"),
			Tokens: []canary.DatedToken{
				{Window: window, Token: canary.Token{ID: canary.TokenID(fmt.Sprintf("t_%016d", i)), Kind: canary.Email, Role: canary.RolePlanted, Canary: id, Text: addressee(i)}},
				{Window: window, Token: canary.Token{ID: canary.TokenID(fmt.Sprintf("t_k%015d", i)), Kind: canary.Ticket, Role: canary.RolePlanted, Canary: id, Text: ticketOf(i)}},
			},
		}
	}
	return w.reg.Intend(ctx, list)
}

// trial sends one mail, waits for its page, and closes the incident so that the
// next one is another.
func (w *woken) trial(ctx context.Context, n int) (ms float64, err error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", w.mail)
	if err != nil {
		return 0, err
	}
	c, err := smtp.NewClient(conn, "localhost")
	if err != nil {
		return 0, err
	}
	defer c.Close() //nolint:errcheck // the mail was taken, or the trial failed
	if err := errors.Join(c.Hello("mail.example.org"), c.Mail("sam@example.org"), c.Rcpt(addressee(n))); err != nil {
		return 0, err
	}
	data, err := c.Data()
	if err != nil {
		return 0, err
	}
	if _, err := fmt.Fprintf(data, "From: sam@example.org\r\nSubject: hello\r\n\r\nabout your ticket %s\r\n%s\r\n", ticketOf(n), strings.Repeat("good day to you\r\n", 200)); err != nil {
		return 0, err
	}
	began := time.Now()
	if err := data.Close(); err != nil {
		return 0, err
	}
	select {
	case id := <-w.came:
		ms = float64(time.Since(began).Microseconds()) / 1000
		return ms, w.reg.SetVerdict(ctx, id, canary.Drill, registry.By{Who: "bench", Via: "bench"})
	case <-time.After(startLimit):
		return 0, errors.New("no page")
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}
