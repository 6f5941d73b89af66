package webhook_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"saltmine/internal/webhook"
)

func TestSecretsDoNotPrint(t *testing.T) {
	t.Parallel()
	const text = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	type inside struct {
		Token  webhook.Hidden
		secret webhook.Secret
	}
	s, h := secret(t, text), webhook.Hidden(text)
	var out bytes.Buffer
	for _, v := range []any{s, h, &s, &h, []any{s, h}, inside{h, s}, &inside{h, s}, map[string]any{"k": h}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%5.2f"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	log := slog.New(slog.NewJSONHandler(&out, nil))
	log.Info("values", "secret", s, "hidden", h, "both", inside{h, s})
	if err := json.NewEncoder(&out).Encode(map[string]any{"secret": s, "hidden": h}); err != nil {
		t.Fatal(err)
	}
	out.WriteString(s.String() + s.GoString() + h.String() + h.GoString())
	key := []byte{0x31, 0xf2, 0x90, 0xf6, 0xbf} // the first bytes of the decoded key
	for _, shape := range []string{text, fmt.Sprintf("%x", text), fmt.Sprintf("%X", text), string(key),
		fmt.Sprintf("%x", key), fmt.Sprintf("%X", key), strings.Trim(fmt.Sprint(key), "[]")} {
		if strings.Contains(out.String(), shape) {
			t.Errorf("a secret was printed as %q", shape)
		}
	}
	if !strings.Contains(out.String(), "[hidden]") || string(h) != text {
		t.Error("the mask is missing, or the text is lost")
	}
}

func TestTranscript(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodPost, "/twilio/sms?x=%41", nil)
	r.Host = "calls.example.net"
	r.Header.Set("Zebra", "last")
	r.Header.Add("X-Two", "b")
	r.Header.Add("X-Two", "a")
	r.Header.Set("Authorization", "Bearer geheim")
	got := string(webhook.Transcript(r, []byte("a\x00\r\nb"), "authorization"))
	want := "POST /twilio/sms?x=%41 HTTP/1.1\r\nHost: calls.example.net\r\nAuthorization: [hidden]\r\n" +
		"X-Two: b\r\nX-Two: a\r\nZebra: last\r\n\r\na\x00\r\nb"
	if got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestServerHasLimits(t *testing.T) {
	t.Parallel()
	s := webhook.Server(http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	if s.ReadHeaderTimeout <= 0 || s.ReadTimeout <= 0 || s.WriteTimeout <= s.ReadTimeout || s.IdleTimeout <= 0 || s.MaxHeaderBytes <= 0 {
		t.Errorf("a limit is missing: %v %v %v %v %d", s.ReadHeaderTimeout, s.ReadTimeout, s.WriteTimeout, s.IdleTimeout, s.MaxHeaderBytes)
	}
}
