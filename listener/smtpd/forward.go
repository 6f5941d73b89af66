package smtpd

import (
	"maps"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"

	"saltmine/internal/dialogue"
)

// A mail server in front that is trusted tells by XFORWARD who its client was
// (Postfix's XFORWARD_README). It is the server's word and nobody else's, so it is
// kept beside the server's own address, and holds for one transaction.
const (
	forwardOffer = "XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE"
	notTold      = "[UNAVAILABLE]"
	mostForward  = 255 // bytes of a value
	mostAtOnce   = 7   // attributes of a command
)

// What XFORWARD is answered with, whatever the costume: only friends hear it.
const (
	forwardOk     = "250 2.0.0 Ok\r\n"
	forwardSyntax = "501 5.5.4 Bad XFORWARD parameter syntax\r\n"
	forwardInside = "503 5.5.1 Error: MAIL transaction in progress\r\n"
)

// friendly reports whether the other side may speak for its clients.
func (s *Server) friendly(w *wire) bool {
	return w.lmtp || contains(s.cfg.ForwardFrom, w.raw.RemoteAddr())
}

// forward takes the attributes of one XFORWARD, all of them or none.
func (w *wire) forward() {
	told, ok := forwarded(w.cmd.arg)
	switch {
	case w.busy():
		w.send([]byte(forwardInside))
	case !ok:
		w.send([]byte(forwardSyntax))
	default:
		if w.told == nil {
			w.told = map[string]string{}
		}
		maps.Copy(w.told, told)
		w.send([]byte(forwardOk))
	}
}

// forwarded reads "NAME=value NAME=value"; values are xtext (RFC 3461 §4). An
// attribute that its sender does not know is empty.
func forwarded(arg string) (map[string]string, bool) {
	told := map[string]string{}
	fields := strings.Fields(arg)
	if len(fields) == 0 || len(fields) > mostAtOnce {
		return nil, false
	}
	for _, f := range fields {
		name, coded, given := strings.Cut(f, "=")
		value, ok := xtext(coded)
		name = strings.ToUpper(name)
		if strings.EqualFold(value, notTold) {
			value = ""
		}
		if !given || !ok || len(value) > mostForward || value != "" && !sound(name, value) || !strings.Contains(forwardOffer[8:]+" ", " "+name+" ") {
			return nil, false
		}
		told[name] = value
	}
	return told, true
}

// sound reports whether an attribute can be what it says.
func sound(name, value string) bool {
	switch name {
	case "ADDR":
		_, err := forwardAddr(value)
		return err == nil
	case "PORT":
		_, err := strconv.ParseUint(value, 10, 16)
		return err == nil
	case "SOURCE":
		return strings.EqualFold(value, "LOCAL") || strings.EqualFold(value, "REMOTE")
	}
	return true
}

// forwardAddr reads an address as Postfix writes it; one with a zone is not of
// the internet.
func forwardAddr(value string) (netip.Addr, error) {
	if len(value) > 5 && strings.EqualFold(value[:5], "IPV6:") {
		value = value[5:]
	}
	a, err := netip.ParseAddr(value)
	return a.Unmap().WithZone(""), err
}

// xtext decodes a value: "+" and two digits in capitals stand for a byte.
func xtext(coded string) (string, bool) {
	var out strings.Builder
	for i := 0; i < len(coded); i++ {
		if coded[i] != '+' {
			out.WriteByte(coded[i])
			continue
		}
		if i+2 >= len(coded) || strings.ToUpper(coded[i+1:i+3]) != coded[i+1:i+3] {
			return "", false
		}
		b, err := strconv.ParseUint(coded[i+1:i+3], 16, 8)
		if err != nil {
			return "", false
		}
		out.WriteByte(byte(b))
		i += 2
	}
	return out.String(), utf8.ValidString(out.String())
}

// claims gives what the friend said about its client as facts, and the client's
// address, if it said one.
func (w *wire) claims(facts map[string]string) (peer string) {
	if len(w.told) == 0 {
		return ""
	}
	facts["forwarded_by"] = w.from
	if w.lmtp {
		facts["forwarded_by"] = "lmtp"
	}
	for _, name := range []string{"NAME", "PROTO", "HELO", "IDENT", "SOURCE"} {
		facts["forwarded_"+strings.ToLower(name)] = printable(w.told[name])
	}
	addr, err := forwardAddr(w.told["ADDR"])
	if err != nil {
		return ""
	}
	if port, err := strconv.ParseUint(w.told["PORT"], 10, 16); err == nil {
		return netip.AddrPortFrom(addr, uint16(port)).String()
	}
	return addr.String()
}

// forgetClaims drops what was told about a client: the next mail may be of another.
func (w *wire) forgetClaims() {
	if w.told != nil {
		w.told = nil
		w.tape.say(dialogue.Note, []byte("what XFORWARD told ends here\r\n"))
	}
}

// offering puts the offer before the last line of the answer to a greeting.
func (w *wire) offering(text string) string {
	if !w.friend || !w.esmtp {
		return text
	}
	last := strings.LastIndex(strings.TrimSuffix(text, "\r\n"), "\r\n") + 2
	return text[:last] + "250-" + forwardOffer + "\r\n" + text[last:]
}
