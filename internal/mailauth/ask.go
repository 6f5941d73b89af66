package mailauth

import (
	"context"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Bounds of asking.
const (
	budget       = 20 * time.Second // for all questions of a mail
	patience     = 4 * time.Second  // for one answer
	maxQuestions = 100
	maxText      = 16 << 10 // bytes of one TXT record that are read
	maxRecords   = 200      // of one answer
)

// Answer is one question with what came of it: the resolver's whole reply in
// wire form, or the reason why there is none.
type Answer struct {
	Name  string    `json:"name"`
	Type  string    `json:"type"` // TXT, A, AAAA, MX, PTR
	At    time.Time `json:"at"`
	Rcode string    `json:"rcode,omitempty"`
	Wire  []byte    `json:"wire,omitempty"`
	Fault string    `json:"fault,omitempty"` // why there is no reply
}

type question struct{ name, kind string }

func (a *Answer) question() question { return question{a.Name, a.Type} }

// Config is what a judge needs.
type Config struct {
	// Resolver is the "host:port" that is asked; empty is the system's, read
	// anew for every mail.
	Resolver string
	Now      func() time.Time
}

// Judge evaluates mails by asking a resolver. It may be used by several
// goroutines at once.
type Judge struct{ cfg Config }

// New returns a judge.
func New(cfg Config) *Judge { return &Judge{cfg} }

const resolvConf = "/etc/resolv.conf"

func (j *Judge) servers() []string {
	if j.cfg.Resolver != "" {
		return []string{j.cfg.Resolver}
	}
	sys, err := dns.ClientConfigFromFile(resolvConf)
	if err != nil || len(sys.Servers) == 0 {
		return nil
	}
	var list []string
	for _, s := range sys.Servers {
		list = append(list, net.JoinHostPort(s, sys.Port))
	}
	return list[:min(len(list), 3)]
}

// ask asks the resolvers in turn, over UDP and, for what is cut, over TCP.
func (j *Judge) ask(ctx context.Context, q question) Answer {
	a := Answer{Name: q.name, Type: q.kind, Fault: "no resolver"}
	for _, server := range j.servers() {
		reply := exchange(ctx, server, q)
		a.At = j.cfg.Now().UTC().Truncate(time.Microsecond)
		if reply == nil {
			a.Fault = "no answer"
			continue
		}
		wire, err := reply.Pack()
		if err != nil {
			a.Fault = "broken answer"
			continue
		}
		a.Wire, a.Rcode, a.Fault = wire, dns.RcodeToString[reply.Rcode], ""
		if reply.Rcode == dns.RcodeSuccess || reply.Rcode == dns.RcodeNameError {
			break
		}
	}
	return a
}

func exchange(ctx context.Context, server string, q question) *dns.Msg {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	m := new(dns.Msg).SetQuestion(dns.Fqdn(q.name), dns.StringToType[q.kind])
	m.SetEdns0(1232, false)
	for _, network := range []string{"udp", "udp", "tcp"} {
		c := dns.Client{Net: network, Timeout: patience / 3}
		reply, _, err := c.ExchangeContext(ctx, m, server)
		if err == nil && (!reply.Truncated || network == "tcp") && reply.Id == m.Id {
			return reply
		}
		if ctx.Err() != nil {
			return nil
		}
	}
	return nil
}

// recorder answers from what is known of a mail, and asks for the rest once.
type recorder struct {
	ask     func(question) Answer // nil in a replay
	replay  map[question]Answer
	answers []Answer
}

// look gives the records of a name. The error is a *net.DNSError as the
// libraries expect it of the system's resolver.
func (r *recorder) look(name, kind string) ([]dns.RR, error) {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if !askable(name) {
		return nil, &net.DNSError{Err: "no such name", IsNotFound: true}
	}
	a := r.answer(question{name, kind})
	if a.Fault != "" {
		return nil, &net.DNSError{Err: a.Fault, IsTemporary: true}
	}
	return records(a)
}

// askable reports whether a name can be asked for at all: senders write what
// they like.
func askable(name string) bool {
	_, ok := dns.IsDomainName(name)
	return ok && name != "" && len(name) <= 253 && !strings.ContainsFunc(name, func(c rune) bool { return c <= ' ' || c >= 0x7f || c == '\\' })
}

func (r *recorder) answer(q question) Answer {
	for _, old := range r.answers {
		if old.question() == q {
			return old
		}
	}
	a, known := r.replay[q]
	switch {
	case len(r.answers) >= maxQuestions:
		return Answer{Name: q.name, Type: q.kind, Fault: "too many questions"}
	case known:
	case r.ask == nil:
		a = Answer{Name: q.name, Type: q.kind, Fault: "not recorded"}
	default:
		a = r.ask(q)
	}
	r.answers = append(r.answers, a)
	return a
}

// records reads a reply. An alias that leads nowhere is an answer without data.
func records(a Answer) ([]dns.RR, error) {
	var m dns.Msg
	if err := m.Unpack(a.Wire); err != nil {
		return nil, &net.DNSError{Err: "broken answer", IsTemporary: true}
	}
	switch m.Rcode {
	case dns.RcodeSuccess:
	case dns.RcodeNameError:
		return nil, &net.DNSError{Err: "no such name", IsNotFound: true}
	default:
		return nil, &net.DNSError{Err: "resolver's failure", IsTemporary: true}
	}
	kind := dns.StringToType[a.Type]
	list := slices.DeleteFunc(m.Answer, func(rr dns.RR) bool { return rr.Header().Rrtype != kind })
	if len(list) == 0 {
		return nil, &net.DNSError{Err: "no data", IsNotFound: true}
	}
	return list[:min(len(list), maxRecords)], nil
}

// texts are the TXT records of a name, the strings of each joined.
func (r *recorder) texts(name string) ([]string, error) {
	list, err := r.look(name, "TXT")
	if err != nil {
		return nil, err
	}
	var out []string
	for _, rr := range list {
		if t, ok := rr.(*dns.TXT); ok {
			out = append(out, unescape(strings.Join(t.Txt, "")))
		}
	}
	return out, nil
}

// unescape undoes the library's presentation form of TXT strings: \" and \DDD.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s[:min(len(s), maxText)]
	}
	var b strings.Builder
	for i := 0; i < len(s) && b.Len() < maxText; i++ {
		c := s[i]
		if c == '\\' && i+1 < len(s) {
			i++
			c = s[i]
			if i+2 < len(s) && isDigits(s[i:i+3]) {
				c = byte(int(s[i]-'0')*100 + int(s[i+1]-'0')*10 + int(s[i+2]-'0')) //nolint:gosec // the library writes 0 to 255
				i += 2
			}
		}
		b.WriteByte(c)
	}
	return b.String()
}

func isDigits(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return c < '0' || c > '9' })
}
