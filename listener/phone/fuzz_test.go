package phone_test

import (
	"bufio"
	"crypto/sha1"
	"encoding/hex"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"saltmine/internal/webhook"
	"saltmine/listener/phone"
)

// FuzzEveryProvider sends what the holder of a provider's secret could send, and
// the same unsigned: the one is answered 200 and kept verified, whatever it is,
// the other is refused and kept unverified.
func FuzzEveryProvider(f *testing.F) {
	signers := []func(uri, kind, body string) hook{
		func(uri, kind, body string) hook {
			return hook{"/signalwire" + uri, kind, body, http.Header{"X-Signalwire-Signature": {hex.EncodeToString(mac(sha1.New, token, public+"/signalwire"+uri+body))}}}
		},
		func(uri, kind, body string) hook { return telnyxHook("/telnyx"+uri, kind, body) },
		func(uri, kind, body string) hook {
			h := vonageHook("/vonage"+uri, jsonType, body, body)
			h.kind = kind
			return h
		},
		func(uri, kind, body string) hook {
			h := bandwidthHook("/bandwidth"+uri, body)
			h.kind = kind
			return h
		},
		func(uri, _, body string) hook { return sinchHook("/sinch"+uri, body) },
		func(uri, _, body string) hook { return sinchSMSHook("/sinch"+uri, body) },
	}
	for i := range signers {
		for _, s := range sayings() {
			f.Add(i, "", s.call.kind, s.call.body, true)
			f.Add(i, "/sms", s.message.kind, s.message.body, i%2 == 0)
			f.Add(i, "/voice", s.speech.kind, s.speech.body, true)
		}
		f.Add(i, "/sms", jsonType, `[{"type":"message-received","message":{"to":[[["a"]],{"phone_number":{}},null,7],"id":"x"}},{}]`, true)
		f.Add(i, "", jsonType, strings.Repeat("[", 20000), true)
		f.Add(i, "/voice", formType, "CallSid=%ff&To=%00&%zz", true)
		f.Add(i, "/voice", "application/json; charset=\xff", "{\"data\":{\"payload\":{\"to\":\"\xff\x00\"}}}", true)
	}
	f.Fuzz(func(t *testing.T, which int, leg, kind, body string, signed bool) {
		if which < 0 || which >= len(signers) || kind == "" || leg != "" && leg != "/sms" && leg != "/voice" {
			return
		}
		e, s := open(t, all(nil))
		h := signers[which](leg, kind, body)
		if !signed {
			h.header = http.Header{}
		}
		r := httptest.NewRequest(http.MethodPost, h.uri, strings.NewReader(body))
		maps.Copy(r.Header, h.header)
		r.Header.Set("Content-Type", h.kind)
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		checkAll(t, w, s, signed)
	})
}

func checkAll(t *testing.T, w *httptest.ResponseRecorder, s *memory, signed bool) {
	t.Helper()
	list := s.contacts()
	if len(list) == 0 {
		t.Fatal("nothing was kept")
	}
	want := refused(strings.TrimPrefix(list[0].Ear, "phone/"), list[0])
	if signed {
		want = http.StatusOK
	}
	if w.Code != want {
		t.Errorf("status %d, want %d", w.Code, want)
	}
	for _, c := range list {
		if c.Unverified == signed {
			t.Errorf("signed %v, unverified %v", signed, c.Unverified)
		}
		if strings.Contains(string(c.Raw), token) {
			t.Error("the evidence shows a secret")
		}
	}
}

// TestHostileBodies sends to every path what no provider sends.
func TestHostileBodies(t *testing.T) {
	t.Parallel()
	e, s := open(t, func(c *phone.Config) {
		all(nil)(c)
		c.UnverifiedPerMinute = 1000
	})
	base := serve(t, e)
	n := 0
	for _, kind := range phone.Kinds() {
		for name, body := range map[string]string{
			"nothing":      "",
			"depth":        strings.Repeat(`{"data":`, 30000),
			"bad utf-8":    "\xff\xfe=\xc3&To=\xff",
			"repeated":     strings.Repeat("To=%2B14155550199&", 5000),
			"repeated key": `{"to":"1","to":"2","data":{},"data":[]}`,
			"not a form":   "%zz&=%",
			"huge":         strings.Repeat("a", 300<<10),
		} {
			for _, contentType := range []string{formType, jsonType, "text/plain; a=b; a=c"} {
				h := hook{uri: "/" + kind, kind: contentType, body: body, header: http.Header{"Authorization": {"Basic " + strings.Repeat("A", 5000)}}}
				resp, _ := send(t, h.request(t, base))
				n++
				c := s.last(t, n)
				want := refused(kind, c)
				if name == "huge" {
					want = http.StatusRequestEntityTooLarge
				}
				if resp.StatusCode != want || !c.Unverified || len(c.Raw) > 16<<10 || len(c.Targets) > 10 {
					t.Errorf("%s, %s as %s: status %d, %d bytes, %d targets", kind, name, contentType, resp.StatusCode, len(c.Raw), len(c.Targets))
				}
			}
		}
	}
}

// TestSlowBody sends half a body and then nothing: the server cuts the sender
// off, and what came is kept.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	e, s := open(t, all(nil))
	srv := httptest.NewUnstartedServer(nil)
	srv.Config = webhook.Server(e, slog.New(slog.DiscardHandler))
	srv.Config.ReadTimeout = 100 * time.Millisecond // 15 s in service
	srv.Start()
	t.Cleanup(srv.Close)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("POST /plivo/voice HTTP/1.1\r\nHost: c\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\nhalf")); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	c := s.last(t, 1)
	if resp.StatusCode != http.StatusBadRequest || !c.Unverified || c.Facts["refused"] != "incomplete" || !strings.HasSuffix(string(c.Raw), "\r\n\r\nhalf") {
		t.Errorf("status %d, %+v", resp.StatusCode, c)
	}
}
