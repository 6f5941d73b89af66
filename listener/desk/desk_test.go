package desk_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/webhook"
	"saltmine/listener"
	"saltmine/listener/desk"
)

const (
	annToken = "ann-0123456789abcdef"
	bobToken = "bob-0123456789abcdef"
	thanks   = `{"status":"recorded, thank you"}`
)

func noon() time.Time { return time.Date(2025, 11, 22, 12, 0, 0, 0, time.UTC) }

// spool is a road's store in memory, behind the real road.
type spool struct {
	mu   sync.Mutex
	held map[listener.Key]bool
	list []canary.Contact
	fail error
	now  time.Time
}

var errFull = errors.New("no space left on device")

func (s *spool) append(ctx context.Context, key listener.Key, plain []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	if err := ctx.Err(); err != nil || s.held[key] {
		return err
	}
	var c canary.Contact
	if err := c.UnmarshalBinary(plain); err != nil {
		return err
	}
	s.held[key] = true
	s.list = append(s.list, c)
	return nil
}

func (s *spool) set(change func(*spool)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

// last gives the contact heard last, and fails unless there are n.
func (s *spool) last(t *testing.T, n int) canary.Contact {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.list) != n {
		t.Fatalf("%d contacts, want %d", len(s.list), n)
	}
	if n == 0 {
		return canary.Contact{}
	}
	return s.list[n-1]
}

func open(tb testing.TB, change func(*desk.Config)) (*desk.Ear, *spool) {
	tb.Helper()
	s := &spool{held: map[listener.Key]bool{}, now: noon()}
	road := listener.New(listener.Config{
		Seal:   func(dst, plain []byte) ([]byte, error) { return append(dst, plain...), nil },
		Append: s.append,
		Full:   func(err error) bool { return errors.Is(err, errFull) },
	})
	cfg := desk.Config{
		Agents: []desk.Agent{{Name: "ann", Token: annToken}, {Name: "bob", Token: bobToken + "\n"}},
		Hear:   road.Hear,
		Now:    func() time.Time { s.mu.Lock(); defer s.mu.Unlock(); return s.now },
		Log:    slog.New(slog.NewTextHandler(tb.Output(), nil)),
	}
	if change != nil {
		change(&cfg)
	}
	e, err := desk.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return e, s
}

func request(body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, desk.Path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+annToken)
	return r
}

func do(e *desk.Ear, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	return w
}

func TestQuotedTicket(t *testing.T) {
	t.Parallel()
	e, s := open(t, nil)
	body := `{"ticket":"[#tk-2025/0042]","caller":"+14155550100","note":"asked for remote access"}`
	w := do(e, request(body))
	if w.Code != http.StatusAccepted || w.Body.String() != thanks {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
	c := s.last(t, 1)
	if c.Channel != canary.ByTicket || c.Ear != "desk" || c.Source != "ann" || !c.At.Equal(noon()) || c.Peer == "" || c.Unverified ||
		c.Text != "+14155550100\nasked for remote access" || c.Facts["caller"] != "+14155550100" {
		t.Errorf("contact %+v", c)
	}
	if len(c.Targets) != 1 || c.Targets[0] != (canary.Target{Kind: canary.Ticket, Text: "[#tk-2025/0042]"}) {
		t.Errorf("targets %+v", c.Targets)
	}
	if bytes.Contains(c.Raw, []byte(annToken)) {
		t.Error("the evidence holds the agent's token")
	}
	if !bytes.HasPrefix(c.Raw, []byte("POST /v1/ticket HTTP/1.1\r\n")) || !bytes.Contains(c.Raw, []byte("\r\nAuthorization: [hidden]\r\n")) || !bytes.HasSuffix(c.Raw, []byte("\r\n\r\n"+body)) {
		t.Errorf("raw is not the request: %q", c.Raw)
	}
}

func TestEveryTicketGetsTheSameAnswer(t *testing.T) {
	t.Parallel()
	e, s := open(t, nil)
	var first string
	for i, ticket := range []string{"1", "TK-2025-0042", "no such ticket", "--", "dana.w@example.net", strings.Repeat("9", 65)} {
		w := do(e, request(fmt.Sprintf(`{"ticket":%q}`, ticket)))
		got := fmt.Sprint(w.Code, w.Header(), w.Body)
		if i == 0 {
			first = got
		}
		if got != first || w.Body.String() != thanks {
			t.Errorf("ticket %d: %s, the first: %s", i, got, first)
		}
		s.last(t, i+1)
	}
}

func TestUnknownTokens(t *testing.T) {
	t.Parallel()
	e, s := open(t, nil)
	for name, auth := range map[string][]string{
		"none":         nil,
		"empty":        {""},
		"no token":     {"Bearer "},
		"other":        {"Bearer ann-0123456789abcdeg"},
		"start":        {"Bearer " + annToken[:len(annToken)-1]},
		"longer":       {"Bearer " + annToken + "x"},
		"basic":        {"Basic " + annToken},
		"bare":         {annToken},
		"two":          {"Bearer " + annToken, "Bearer " + annToken},
		"agent's name": {"Bearer ann"},
	} {
		r := request(`{"ticket":"1"}`)
		r.Header["Authorization"] = auth
		if w := do(e, r); w.Code != http.StatusUnauthorized || w.Header().Get("WWW-Authenticate") == "" {
			t.Errorf("%s: status %d", name, w.Code)
		}
	}
	s.last(t, 0)
	if e.Stats().Strangers != 10 {
		t.Errorf("stats %+v", e.Stats())
	}
	r := request(`{"ticket":"1"}`)
	r.Header.Set("Authorization", "bearer "+bobToken)
	if w := do(e, r); w.Code != http.StatusAccepted || s.last(t, 1).Source != "bob" {
		t.Errorf("the second agent: status %d", w.Code)
	}
}

func TestMalformed(t *testing.T) {
	t.Parallel()
	e, s := open(t, nil)
	for name, c := range map[string]struct {
		body string
		want int
		says string
	}{
		"empty":         {``, 400, "want {"},
		"no json":       {`ticket=1`, 400, "want {"},
		"null":          {`null`, 400, "ticket is empty"},
		"no ticket":     {`{"note":"x"}`, 400, "ticket is empty"},
		"blank ticket":  {`{"ticket":"  "}`, 400, "ticket is empty"},
		"long number":   {`{"ticket":"` + strings.Repeat("9", 2001) + `"}`, 400, "ticket is over"},
		"number":        {`{"ticket":1}`, 400, "want {"},
		"other field":   {`{"ticket":"1","canary":true}`, 400, "canary"},
		"two objects":   {`{"ticket":"1"}{}`, 400, "follows"},
		"not utf-8":     {"{\"ticket\":\"1\",\"note\":\"\xff\"}", 400, "UTF-8"},
		"long caller":   {`{"ticket":"1","caller":"` + strings.Repeat("x", 201) + `"}`, 400, "caller is over"},
		"long note":     {`{"ticket":"1","note":"` + strings.Repeat("x", 8193) + `"}`, 400, "note is over"},
		"several":       {`{"ticket":"","caller":"` + strings.Repeat("x", 201) + `"}`, 400, "ticket is empty; caller is over"},
		"long body":     {`{"ticket":"1","note":"` + strings.Repeat("x", 17000) + `"}`, 413, "16384"},
		"half a string": {`{"ticket":"1`, 400, "want {"},
	} {
		w := do(e, request(c.body))
		if w.Code != c.want || !strings.Contains(w.Body.String(), c.says) || !strings.HasPrefix(w.Body.String(), `{"error":"`) {
			t.Errorf("%s: status %d: %s", name, w.Code, w.Body)
		}
	}
	s.last(t, 0)
}

func TestMethodsAndPaths(t *testing.T) {
	t.Parallel()
	e, _ := open(t, nil)
	for _, c := range []struct {
		method, path string
		want         int
	}{{"GET", desk.Path, 405}, {"PUT", desk.Path, 405}, {"POST", "/", 401}, {"POST", "/v1/ticket/", 404}, {"GET", "/login", 405}, {"PUT", "/", 405}, {"GET", "/incidents", 404}, {"GET", "/v1/incidents", 404}} {
		r := httptest.NewRequest(c.method, c.path, http.NoBody)
		r.Header.Set("Authorization", "Bearer "+annToken)
		if w := do(e, r); w.Code != c.want {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, w.Code, c.want)
		}
	}
}

func TestStoreFailedIs503(t *testing.T) {
	t.Parallel()
	e, s := open(t, nil)
	s.set(func(s *spool) { s.fail = errFull })
	w := do(e, request(`{"ticket":"1"}`))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || e.Stats().Failed != 1 {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
	s.set(func(s *spool) { s.fail = nil })
	if w := do(e, request(`{"ticket":"1"}`)); w.Code != http.StatusAccepted {
		t.Errorf("after the fault: status %d", w.Code)
	}
	s.last(t, 1)
}

func TestAgentWhoHangsUpIsHeard(t *testing.T) {
	t.Parallel()
	e, s := open(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	do(e, request(`{"ticket":"1"}`).WithContext(ctx))
	s.last(t, 1)
}

// TestIDIsKeyed sends one request to two ears that differ in the agent's token
// alone: with one id, anybody could guess the ticket number from it.
func TestIDIsKeyed(t *testing.T) {
	t.Parallel()
	id := func(token string) canary.ContactID {
		e, s := open(t, func(c *desk.Config) { c.Agents = []desk.Agent{{Name: "ann", Token: webhook.Hidden(token)}} })
		r := request(`{"ticket":"1"}`)
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Idempotency-Key", "k1")
		do(e, r)
		return s.last(t, 1).ID
	}
	if a := id(annToken); a != id(annToken) || a == id(bobToken) {
		t.Errorf("id %s is not made with the token, or not with it alone", a)
	}
}

func TestSameKeySameBytesIsOneContact(t *testing.T) {
	t.Parallel()
	e, s := open(t, nil)
	send := func(token, key, body string) {
		r := request(body)
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Idempotency-Key", key)
		if w := do(e, r); w.Code != http.StatusAccepted {
			t.Errorf("status %d: %s", w.Code, w.Body)
		}
	}
	send(annToken, "k1", `{"ticket":"1"}`)
	send(annToken, "k1", `{"ticket":"1"}`)
	s.last(t, 1)
	send(annToken, "k1", `{"ticket":"2"}`) // another ticket must not hide behind an old key
	s.last(t, 2)
	send(bobToken, "k1", `{"ticket":"1"}`)
	s.last(t, 3)
	send(annToken, "k2", `{"ticket":"1"}`)
	s.last(t, 4)
	r := request(`{"ticket":"1"}`)
	r.Header.Set("Idempotency-Key", strings.Repeat("k", 201))
	if w := do(e, r); w.Code != http.StatusBadRequest {
		t.Errorf("long key: status %d", w.Code)
	}
}

func TestRunOfLookUpsIsSlowedAndKept(t *testing.T) {
	t.Parallel()
	e, s := open(t, func(c *desk.Config) { c.Rate = desk.Rate{PerMinute: 6, Burst: 2, Keep: 4} })
	quote := func(want int) *httptest.ResponseRecorder {
		t.Helper()
		w := do(e, request(`{"ticket":"1"}`))
		if w.Code != want {
			t.Fatalf("status %d, want %d: %s", w.Code, want, w.Body)
		}
		return w
	}
	quote(202)
	quote(202)
	if s.last(t, 2).Facts["over_rate"] != "" {
		t.Error("marked too early")
	}
	if w := quote(429); w.Header().Get("Retry-After") != "10" || !strings.Contains(w.Body.String(), "recorded") {
		t.Errorf("Retry-After %s: %s", w.Header().Get("Retry-After"), w.Body)
	}
	quote(429)
	if c := s.last(t, 4); c.Facts["over_rate"] != "yes" {
		t.Errorf("facts %v", c.Facts)
	}
	quote(429)
	if w := quote(429); strings.Contains(w.Body.String(), `"recorded`) || w.Header().Get("Retry-After") != "15" {
		t.Errorf("claims to have recorded: %s", w.Body)
	}
	s.last(t, 4) // over Keep
	// Another agent is not slowed by this one.
	r := request(`{"ticket":"1"}`)
	r.Header.Set("Authorization", "Bearer "+bobToken)
	if w := do(e, r); w.Code != http.StatusAccepted {
		t.Errorf("the second agent: status %d", w.Code)
	}
	// The count of what was not written survives a failing store.
	s.set(func(s *spool) { s.now, s.fail = noon().Add(15*time.Second), errFull })
	quote(503)
	s.set(func(s *spool) { s.now, s.fail = noon().Add(30*time.Second), nil })
	quote(202)
	if c := s.last(t, 6); c.Facts["unrecorded"] != "2" {
		t.Errorf("facts %v", c.Facts)
	}
	s.set(func(s *spool) { s.now = noon().Add(45 * time.Second) })
	quote(202)
	if c := s.last(t, 7); c.Facts["unrecorded"] != "" {
		t.Errorf("facts %v", c.Facts)
	}
	if st := e.Stats(); st != (desk.Stats{Heard: 7, OverRate: 2, Unrecorded: 2, Failed: 1}) {
		t.Errorf("stats %+v", st)
	}
}

func TestClockSetBackDoesNotSilenceTheEar(t *testing.T) {
	t.Parallel()
	e, s := open(t, func(c *desk.Config) { c.Rate = desk.Rate{PerMinute: 1, Burst: 1, Keep: 1} })
	do(e, request(`{"ticket":"1"}`))
	s.set(func(s *spool) { s.now = noon().Add(-24 * time.Hour) })
	if w := do(e, request(`{"ticket":"1"}`)); w.Code != http.StatusAccepted {
		t.Errorf("status %d", w.Code)
	}
	s.last(t, 2)
}

func TestConfigFaults(t *testing.T) {
	t.Parallel()
	hear := func(context.Context, canary.Contact) error { return nil }
	now := noon
	ann := desk.Agent{Name: "ann", Token: annToken}
	for name, cfg := range map[string]desk.Config{
		"no agent":      {Hear: hear, Now: now},
		"no name":       {Hear: hear, Now: now, Agents: []desk.Agent{{Token: annToken}}},
		"empty token":   {Hear: hear, Now: now, Agents: []desk.Agent{{Name: "ann"}}},
		"blank token":   {Hear: hear, Now: now, Agents: []desk.Agent{{Name: "ann", Token: "                    "}}},
		"short token":   {Hear: hear, Now: now, Agents: []desk.Agent{{Name: "ann", Token: "0123456789abcde"}}},
		"same name":     {Hear: hear, Now: now, Agents: []desk.Agent{ann, {Name: "ann", Token: bobToken}}},
		"same token":    {Hear: hear, Now: now, Agents: []desk.Agent{ann, {Name: "bob", Token: annToken + "\n"}}},
		"negative rate": {Hear: hear, Now: now, Agents: []desk.Agent{ann}, Rate: desk.Rate{Burst: -1}},
		"no road":       {Now: now, Agents: []desk.Agent{ann}},
		"no clock":      {Hear: hear, Agents: []desk.Agent{ann}},
	} {
		_, err := desk.New(cfg)
		if !errors.Is(err, desk.ErrConfig) || strings.Contains(fmt.Sprintf("%v %v", err, cfg.Agents), "0123456789") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestLogsShowNoTicketAndNoToken(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	e, s := open(t, func(c *desk.Config) {
		c.Rate = desk.Rate{Burst: 1}
		c.Log = slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	for _, fault := range []error{nil, nil, errFull} {
		s.set(func(s *spool) { s.fail = fault })
		do(e, request(`{"ticket":"TK-777123","caller":"4155550100","note":"geheim"}`))
	}
	if strings.Count(out.String(), "\n") != 3 {
		t.Errorf("log: %s", out.String())
	}
	for _, text := range []string{annToken, "777123", "4155550100", "geheim"} {
		if strings.Contains(out.String(), text) {
			t.Errorf("the log shows %q", text)
		}
	}
}

func TestManyAgentsAtOnce(t *testing.T) {
	t.Parallel()
	e, s := open(t, func(c *desk.Config) { c.Rate = desk.Rate{PerMinute: 1, Burst: 5, Keep: 20} })
	srv := httptest.NewUnstartedServer(nil)
	srv.Config = webhook.Server(e, slog.New(slog.DiscardHandler))
	srv.Start()
	defer srv.Close()
	var wg sync.WaitGroup
	var mu sync.Mutex
	got := map[int]int{}
	for i := range 60 {
		wg.Go(func() {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+desk.Path, strings.NewReader(`{"ticket":"1"}`))
			if err != nil {
				t.Error(err)
				return
			}
			r.Header.Set("Authorization", "Bearer "+[]string{annToken, bobToken}[i%2])
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			mu.Lock()
			defer mu.Unlock()
			got[resp.StatusCode]++
		})
	}
	wg.Wait()
	s.last(t, 40)
	if got[202] != 10 || got[429] != 50 || e.Stats() != (desk.Stats{Heard: 40, OverRate: 30, Unrecorded: 20}) {
		t.Errorf("answers %v, stats %+v", got, e.Stats())
	}
}

func FuzzTicket(f *testing.F) {
	f.Add(`{"ticket":"TK-2025-0042","caller":"+14155550100","note":"x"}`, "")
	f.Add(`{"ticket":"\ud800","TICKET":"2"}`, "key")
	f.Add("{\"ticket\":\"1\u0000\"}\n", "k\x00")
	f.Add(`{"ticket":"`, "")
	f.Fuzz(func(t *testing.T, body, key string) {
		e, s := open(t, nil)
		r := request(body)
		r.Header.Set("Idempotency-Key", key)
		w := do(e, r)
		switch w.Code {
		case http.StatusAccepted:
			c := s.last(t, 1)
			if w.Body.String() != thanks || len(c.Targets) != 1 || !bytes.HasSuffix(c.Raw, []byte(body)) {
				t.Errorf("answer %s, %d targets", w.Body, len(c.Targets))
			}
		case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
			s.last(t, 0)
		default:
			t.Errorf("status %d: %s", w.Code, w.Body)
		}
	})
}
