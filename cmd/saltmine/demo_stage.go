package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/webhook"
	"saltmine/listener/desk"
)

// stage is what runs while the leak is used: the server and the receiver of
// its pages.
type stage struct {
	receiver *receiver
	server   *server
	stop     context.CancelFunc
	ended    chan error
	prey     []row           // rows of the loot that reach us, as the buyer finds out
	sent     int             // contacts made
	asked    map[string]bool // domains looked up
	sentAt   time.Time
	trace    traced
}

func (s *stage) close() {
	if s.stop != nil {
		s.stop()
		<-s.ended //nolint:errcheck // what it says was looked at, or does not matter any more
	}
	if s.receiver != nil {
		s.receiver.srv.Close() //nolint:errcheck // the demo is over
	}
}

// receiver is a responder's webhook on loopback.
type receiver struct {
	srv   *http.Server
	ln    net.Listener
	pages chan receivedPage

	mu  sync.Mutex
	raw []byte // everything that was received
	n   int
}

// receivedPage is a page whose signature held.
type receivedPage struct {
	page canary.Page
	at   time.Time
}

func newReceiver() (*receiver, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it ends with the demo
	if err != nil {
		return nil, err
	}
	r := &receiver{ln: ln, pages: make(chan receivedPage, 100)}
	r.srv = &http.Server{Handler: r, ReadHeaderTimeout: 5 * time.Second}
	go r.srv.Serve(ln) //nolint:errcheck // it ends with the demo
	return r, nil
}

func (r *receiver) url() string { return "http://" + r.ln.Addr().String() + "/hook" }

func (r *receiver) seen() (n int, raw string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.n, string(r.raw)
}

// ServeHTTP takes a page when its signature holds.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(io.LimitReader(req.Body, 1<<20))
	if err != nil {
		http.Error(w, "unreadable", http.StatusBadRequest)
		return
	}
	secret, err := webhook.ParseSecret(demoHook)
	if err == nil {
		err = webhook.Verify([]webhook.Secret{secret}, req.Header, body, time.Now())
	}
	if err != nil {
		http.Error(w, "signature does not hold", http.StatusForbidden)
		return
	}
	var message struct {
		Data canary.Page `json:"data"`
	}
	if err := json.Unmarshal(body, &message); err != nil {
		http.Error(w, "unreadable", http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	r.n++
	r.raw = append(r.raw, body...)
	r.mu.Unlock()
	r.pages <- receivedPage{message.Data, time.Now()}
}

// listen ends the simulated past and starts serve as a user would run it.
func (d *story) listen(ctx context.Context, console string) (string, error) {
	d.clock.past = time.Time{}
	if err := d.writeConfig(console); err != nil {
		return "", err
	}
	quiet := *d.app
	quiet.config, quiet.now = d.dir+"/saltmine.toml", d.clock.Now
	cfg, keys, err := quiet.load()
	if err != nil {
		return "", err
	}
	s := &server{app: &quiet, core: &core{cfg, keys, d.world.reg}, log: d.app.quietLogger(), ready: make(chan struct{})}
	running, stop := context.WithCancel(ctx)
	d.stage.server, d.stage.stop, d.stage.ended = s, stop, make(chan error, 1)
	go func() { d.stage.ended <- s.run(running) }() // ends in stage.close
	select {
	case err := <-d.stage.ended:
		d.stage.ended <- err
		return "", fmt.Errorf("serve ended: %w", err)
	case <-s.ready:
	case <-time.After(30 * time.Second):
		return "", errors.New("serve is not ready after 30 s")
	}
	a := s.ears.addrs
	return fmt.Sprintf("smtp %s, dns %s, phone %s, tickets %s", a["smtp"], a["dns"], a["phone"], a["ticket"]), nil
}

// resolver asks our name server, as the world does for our domains.
func (d *story) resolver() *net.Resolver {
	addr := d.stage.server.ears.addrs["dns"]
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, network, addr)
	}}
}

// choosePrey takes the canaries that the buyer will find out about: not
// everybody has a number or a ticket, so the last two, who are called and
// quoted, are chosen for having both.
func (d *story) choosePrey() error {
	own := map[string]bool{}
	for _, name := range demoDomains() {
		own[name] = true
	}
	taken := map[string]bool{}
	var mailed, full []row
	for _, r := range d.world.loot {
		_, domain, _ := strings.Cut(strings.ToLower(r.email), "@")
		if !own[domain] || taken[r.email] {
			continue
		}
		taken[r.email] = true
		if r.phone.Valid && r.ticket.Valid && len(full) < 2 {
			full = append(full, r)
			continue
		}
		mailed = append(mailed, r)
	}
	if len(full) < 2 || len(mailed) < demoContacts-2 {
		return fmt.Errorf("only %d canaries stand in the leaked extract, and the buyer contacts %d", len(taken), demoContacts)
	}
	d.world.rng.Shuffle(len(mailed), func(i, j int) { mailed[i], mailed[j] = mailed[j], mailed[i] })
	// The buyer works on more than one country, or an extract of one would
	// explain the contacts as well.
	for i := range mailed {
		if mailed[i].country != mailed[0].country {
			mailed[1], mailed[i] = mailed[i], mailed[1]
			break
		}
	}
	d.stage.prey = append(mailed[:demoContacts-2], full...)
	return nil
}

// lookUp does what a mail program does before it sends: the MX of the domain.
func (d *story) lookUp(ctx context.Context) (string, error) {
	if err := d.choosePrey(); err != nil {
		return "", err
	}
	d.stage.asked = map[string]bool{}
	host, err := d.mx(ctx, d.stage.prey[0])
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d rows of %s left; the name server answers: mail goes to %s", d.world.leaked.Rows, d.world.leaked.ID, host), nil
}

func (d *story) mx(ctx context.Context, r row) (string, error) {
	_, domain, _ := strings.Cut(strings.ToLower(r.email), "@")
	list, err := d.resolver().LookupMX(ctx, domain+".")
	if err != nil {
		return "", fmt.Errorf("MX of a canary's domain: %w", err)
	}
	if len(list) == 0 {
		return "", errors.New("no MX record was answered")
	}
	// The ear counts a name that was asked before instead of recording it again.
	d.stage.asked[domain] = true
	return strings.TrimSuffix(list[0].Host, "."), nil
}

func (d *story) mail(ctx context.Context) (string, error) {
	d.stage.sentAt = time.Now()
	if err := d.sendMail(ctx, d.stage.prey[0]); err != nil {
		return "", err
	}
	return "the mail host answered 250: the contact is on disk", nil
}

func (d *story) moreMail(ctx context.Context) (string, error) {
	for _, r := range d.stage.prey[1 : demoContacts-2] {
		if _, err := d.mx(ctx, r); err != nil {
			return "", err
		}
		if err := d.sendMail(ctx, r); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d more look-ups, %d more times 250", demoContacts-3, demoContacts-3), nil
}

// paged waits for the page and looks at what came.
func (d *story) paged(ctx context.Context) (string, error) {
	select {
	case got := <-d.stage.receiver.pages:
		if got.page.Incident == "" || !got.page.Severity.Reaches(canary.P2) {
			return "", fmt.Errorf("the page says %s for incident %q", got.page.Severity, got.page.Incident)
		}
		return fmt.Sprintf("signed page received %s after the mail: %q", got.at.Sub(d.stage.sentAt).Round(time.Millisecond), got.page.Summary), nil
	case <-time.After(20 * time.Second):
		return "", errors.New("no page came within 20 s")
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// number finds the pool number that a row's national spelling means.
func (d *story) number(r row) (string, error) {
	digits := strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' {
			return c
		}
		return -1
	}, r.phone.String)
	for _, e164 := range dramaNumbers() {
		if len(digits) >= 9 && strings.HasSuffix(e164, digits[len(digits)-9:]) {
			return e164, nil
		}
	}
	return "", errors.New("a leaked number is not one of the pool's")
}

func (d *story) postCall(ctx context.Context, r row, key string) (int, string, error) {
	to, err := d.number(r)
	if err != nil {
		return 0, "", err
	}
	form := url.Values{
		"CallSid": {"CA" + strings.TrimPrefix(canary.NewID("x"), "x_")}, "AccountSid": {"ACdemo"}, "From": {"+12025550143"}, "To": {to}, "CallStatus": {"ringing"}, "Direction": {"inbound"},
		"SpeechResult": {"Hello " + r.first + " " + r.last + ", this is support about your ticket " + r.ticket.String}, "StirVerstat": {"TN-Validation-Failed"},
	}
	body := form.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+d.stage.server.ears.addrs["phone"]+"/twilio/voice", strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Twilio-Signature", webhook.TwilioSignature(key, demoCalls+"/twilio/voice", form))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	said, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	return resp.StatusCode, string(said), err
}

func (d *story) call(ctx context.Context) (string, error) {
	status, said, err := d.postCall(ctx, d.stage.prey[demoContacts-2], demoTwilio)
	if err != nil {
		return "", err
	}
	if status != http.StatusOK || !strings.Contains(said, "<Response>") {
		return "", fmt.Errorf("the phone ear answered %d", status)
	}
	d.stage.sent++
	return "signed webhook verified, the caller hears a voicemail greeting", nil
}

func (d *story) forge(ctx context.Context) (string, error) {
	status, _, err := d.postCall(ctx, d.stage.prey[demoContacts-2], "not the provider's key")
	if err != nil {
		return "", err
	}
	if status != http.StatusForbidden {
		return "", fmt.Errorf("a forged call was answered %d", status)
	}
	return "refused with 403, kept as unverified, nobody woken", nil
}

func (d *story) quote(ctx context.Context) (string, error) {
	q := desk.Quote{Ticket: d.stage.prey[demoContacts-1].ticket.String, Caller: "+1 202 555 0143", Note: "said he was from our support"}
	err := desk.Post(ctx, http.DefaultClient, "http://"+d.stage.server.ears.addrs["ticket"], webhook.Hidden(demoAgent), q)
	if err != nil {
		return "", err
	}
	d.stage.sent++
	return `the agent gets "recorded, thank you" and no more`, nil
}
