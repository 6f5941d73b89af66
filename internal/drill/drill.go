// Package drill makes the contacts of drills at the fronts: it speaks as a stranger
// does, over real sockets, to whatever listens there. It knows no registry and
// makes no marks; it is given a target and a mark, and carries the mark where the
// front keeps it:
//
//	smtp   RCPT TO:<LOCAL+MARK@DOMAIN>, and a short message, by TLS where that is offered
//	dns    TXT MARK.DOMAIN
//	phone  a text message to the number whose body is the mark, signed as the
//	       provider signs, with the secret that the configuration has
//
// A contact is made when the other side has said yes: 250 to the message, an answer
// of the zone, 2xx. Whether it came through is seen at the pager, not here.
//
// It refuses to guess: a provider that signs with a key of its own (Telnyx) cannot
// be played, and says so. How it fails: an error names the step and the code or the
// fault of the network, and never what was sent: targets and marks are in no error.
package drill

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/smtp"
	"net/textproto"
	"net/url"
	"strings"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/webhook"
)

// The kinds of fronts.
const (
	SMTP  = "smtp"
	DNS   = "dns"
	Phone = "phone"
)

// The providers that can be played.
const (
	Twilio  = "twilio"
	Generic = "generic"
)

// ErrUnplayable says that a provider's signature cannot be made here.
var ErrUnplayable = errors.New("this provider signs with what we do not have")

// Front is one place where strangers reach us.
type Front struct {
	Kind    string
	Address string // "host:port"; of a phone front an address of the web
	// Provider is whose webhooks a phone front is sent, Secret what they are signed
	// with, and Public the address that the provider knows and signs.
	Provider string
	Secret   webhook.Hidden
	Public   string
	// Of is the core whose own front it is: its address is another core's too. It is
	// empty for a front that is named by an address of its own.
	Of string
}

// maxName is the longest name: the scope of a notice.
const maxName = 80

// Name says which front it is.
func (f *Front) Name() string {
	name := f.Kind
	if f.Provider != "" {
		name += "/" + f.Provider
	}
	name += " " + strings.TrimPrefix(strings.TrimPrefix(f.Address, "https://"), "http://")
	of := ""
	if f.Of != "" {
		of = " of core " + f.Of
	}
	return name[:min(len(name), maxName-len(of))] + of
}

// Playable reports why no contact can be made at the front, nil when one can.
func (f *Front) Playable() error {
	if f.Kind == Phone && f.Provider != Twilio && f.Provider != Generic {
		return fmt.Errorf("%s: %w", f.Provider, ErrUnplayable)
	}
	return nil
}

// Contact is what is to be made: the target in canonical form (an address, a
// number, or a domain), and the mark.
type Contact struct {
	Target, Mark string
	At           time.Time
}

// Make makes one contact. It returns soon after ctx ends.
func (f *Front) Make(ctx context.Context, c Contact) error {
	switch f.Kind {
	case SMTP:
		return f.mail(ctx, c)
	case DNS:
		return f.ask(ctx, c)
	default:
		return f.text(ctx, c)
	}
}

// failed names a step and why it failed, without a word of what was said.
func failed(step string, err error) error {
	if e, ok := errors.AsType[*textproto.Error](err); ok {
		return fmt.Errorf("%s: answered %d", step, e.Code)
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok {
		if e.IsTimeout {
			return fmt.Errorf("%s: no answer in time", step)
		}
		return fmt.Errorf("%s: answered with a failure, or not at all", step)
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return fmt.Errorf("%s: %s: %w", step, e.Op, e.Err)
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: %w", step, err)
	}
	return fmt.Errorf("%s: failed (%T)", step, err)
}

// mail delivers a short message, as a mail server that has never been here does.
func (f *Front) mail(ctx context.Context, c Contact) error {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", f.Address)
	if err != nil {
		return failed("connect", err)
	}
	defer conn.Close() //nolint:errcheck // what was to be said has been said
	if end, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(end); err != nil {
			return failed("connect", err)
		}
	}
	local, domain, _ := strings.Cut(c.Target, "@")
	m, err := smtp.NewClient(conn, domain)
	if err != nil {
		return failed("greeting", err)
	}
	from := "notice@" + domain
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"HELO", func() error { return m.Hello("mail." + domain) }}, {"STARTTLS", func() error { return secure(m) }}, {"MAIL", func() error { return m.Mail(from) }},
		{"RCPT", func() error { return m.Rcpt(local + "+" + c.Mark + "@" + domain) }},
		{"DATA", func() error { return say(m, from, c) }},
	} {
		if err := step.do(); err != nil {
			return failed(step.name, err)
		}
	}
	m.Quit() //nolint:errcheck // the message was taken
	return nil
}

// secure turns TLS on where it is offered, as nearly all who send mail do: a front
// whose offer fails loses their mails. Like theirs, ours takes any certificate.
func secure(m *smtp.Client) error {
	if offered, _ := m.Extension("STARTTLS"); !offered {
		return nil
	}
	return m.StartTLS(&tls.Config{InsecureSkipVerify: true}) //nolint:gosec // see above
}

func say(m *smtp.Client, from string, c Contact) error {
	w, err := m.Data()
	if err != nil {
		return err
	}
	text := "From: " + from + "\r\nTo: " + c.Target + "\r\nSubject: notice\r\nDate: " + c.At.Format(time.RFC1123Z) + "\r\n\r\nThis message needs no answer.\r\n"
	if _, err := io.WriteString(w, text); err != nil {
		return err
	}
	return w.Close()
}

// ask asks for a name that only a mark makes.
func (f *Front) ask(ctx context.Context, c Contact) error {
	r := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, f.Address)
	}}
	_, err := r.LookupTXT(ctx, c.Mark+"."+c.Target+".")
	if e, ok := errors.AsType[*net.DNSError](err); ok && e.IsNotFound {
		return nil // it answers that there is none, and that is an answer
	}
	if err != nil {
		return failed("query", err)
	}
	return nil
}

// text sends what the provider sends when a text message comes.
func (f *Front) text(ctx context.Context, c Contact) error {
	req, err := f.request(ctx, c)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return failed("request", err)
	}
	defer resp.Body.Close()                                //nolint:errcheck // its status is what counts
	io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) //nolint:errcheck // as above
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("request: answered %d", resp.StatusCode)
	}
	return nil
}

// caller is a number that is set aside for fiction.
const caller = "+12025550143"

func (f *Front) request(ctx context.Context, c Contact) (*http.Request, error) {
	id := strings.TrimPrefix(canary.NewID("x"), "x_")
	base := strings.TrimRight(f.Address, "/")
	post := func(path, kind string, body []byte) (*http.Request, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+path, bytes.NewReader(body))
		if err != nil {
			return nil, failed("request", err)
		}
		req.Header.Set("Content-Type", kind)
		return req, nil
	}
	switch f.Provider {
	case Twilio:
		const path = "/twilio/sms"
		form := url.Values{"MessageSid": {"SM" + id}, "From": {caller}, "To": {c.Target}, "Body": {c.Mark}, "NumMedia": {"0"}}
		req, err := post(path, "application/x-www-form-urlencoded", []byte(form.Encode()))
		if err == nil {
			req.Header.Set(webhook.HeaderTwilio, webhook.TwilioSignature(strings.TrimSpace(string(f.Secret)), strings.TrimRight(f.Public, "/")+path, form))
		}
		return req, err
	case Generic:
		secret, err := webhook.ParseSecret(string(f.Secret))
		if err != nil {
			return nil, fmt.Errorf("sign: %w", err)
		}
		body, err := json.Marshal(map[string]string{"id": id, "type": string(canary.SMS), "from": caller, "to": c.Target, "text": c.Mark})
		if err != nil {
			return nil, fmt.Errorf("sign: %w", err)
		}
		req, err := post("/generic", "application/json", body)
		if err == nil {
			webhook.SetHeaders(req.Header, secret, "msg_"+id, c.At, body)
		}
		return req, err
	}
	return nil, f.Playable()
}

// Leaves says whether a contact at the front leaves this machine, and in words
// why. An address that cannot be found out counts as one that does.
func (f *Front) Leaves(ctx context.Context) (leaves bool, why string) {
	host, err := f.host()
	if err != nil {
		return true, "its address cannot be read"
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil || len(ips) == 0 {
		return true, host + " cannot be looked up"
	}
	here := map[netip.Addr]bool{}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return true, "the addresses of this machine cannot be read"
	}
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			here[p.Addr().Unmap()] = true
		}
	}
	for _, ip := range ips {
		if ip = ip.Unmap(); !ip.IsLoopback() && !ip.IsUnspecified() && !here[ip] {
			return true, ip.String() + " is not this machine"
		}
	}
	return false, ips[0].Unmap().String() + " is this machine"
}

func (f *Front) host() (string, error) {
	if f.Kind == Phone {
		u, err := url.Parse(f.Address)
		if err != nil || u.Hostname() == "" {
			return "", errors.New("no host")
		}
		return u.Hostname(), nil
	}
	host, _, err := net.SplitHostPort(f.Address)
	return host, err
}
