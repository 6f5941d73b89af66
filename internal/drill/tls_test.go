package drill_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/drill"
	"saltmine/listener/smtpd"
)

// TestOfferOfTLS: a contact goes by TLS where the front offers it, whatever its
// certificate, and a front whose offer fails is one that fails.
func TestOfferOfTLS(t *testing.T) {
	t.Parallel()
	web := httptest.NewTLSServer(nil) // has a certificate
	defer web.Close()
	for name, offer := range map[string]*tls.Config{
		"none":   nil,
		"good":   {Certificates: web.TLS.Certificates},
		"broken": {GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, context.Canceled }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			var heard []canary.Contact
			s, err := smtpd.New(smtpd.Config{
				Hostname: "mx.example.net", Domains: []string{"example.net"}, TLS: offer, Now: time.Now,
				Accept: func(string, string) bool { return true },
				Hear: func(_ context.Context, c canary.Contact) error {
					mu.Lock()
					defer mu.Unlock()
					if !c.Open {
						heard = append(heard, c)
					}
					return nil
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			ended := make(chan error, 1)
			go func() { ended <- s.Run(ctx, ln) }()
			front := drill.Front{Kind: drill.SMTP, Address: ln.Addr().String()}
			err = front.Make(ctx, drill.Contact{Target: "mona.drill@example.net", Mark: "hunter2", At: time.Now()})
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
			if name == "broken" {
				if err == nil || !strings.Contains(err.Error(), "STARTTLS") || strings.Contains(err.Error(), "mona") || strings.Contains(err.Error(), "hunter2") {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil || len(heard) != 1 || (heard[0].Facts["tls"] != "") != (name == "good") {
				t.Errorf("%v; %d contacts: %v", err, len(heard), heard)
			}
		})
	}
}
