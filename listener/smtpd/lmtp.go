package smtpd

import (
	"net"
	"strings"
)

// LMTP marks a listener as one on which a mail server in front delivers by LMTP
// (RFC 2033): it greets with LHLO, and the end of its message is answered once
// for every recipient that was accepted. Whoever may open the socket is trusted
// not to flood: commands, errors and connections of one address are not counted.
func LMTP(l net.Listener) net.Listener { return lmtpDoor{l} }

// lmtpDoor is a listener for LMTP.
type lmtpDoor struct{ net.Listener }

// Accept marks the connection.
func (d lmtpDoor) Accept() (net.Conn, error) {
	c, err := d.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return lmtpConn{c}, nil
}

// lmtpConn is a connection for LMTP.
type lmtpConn struct{ net.Conn }

// greeting turns LHLO into the greeting that the library knows; HELO and EHLO,
// which LMTP does not have (RFC 2033 §4.1), into nothing that anybody knows.
func (w *wire) greeting(c command) command {
	switch {
	case !w.lmtp:
	case c.verb == "LHLO":
		c.verb = "EHLO"
	case c.verb == "HELO" || c.verb == "EHLO":
		c.verb = "?"
	}
	return c
}

// forEach repeats the answer to the end of a message for every recipient that
// was accepted, telling which it is about.
func (w *wire) forEach(line []byte) {
	to := w.delivered
	w.delivered = nil
	if !w.lmtp || to == nil {
		w.send(line)
		return
	}
	for _, rcpt := range to {
		w.send([]byte(lmtpLine(string(line), rcpt)))
	}
}

// lmtpLine puts a recipient behind the codes of a reply.
func lmtpLine(line, rcpt string) string {
	parts := strings.SplitN(line, " ", 3)
	if len(parts) < 3 || !strings.Contains(parts[1], ".") {
		return line
	}
	return parts[0] + " " + parts[1] + " <" + printable(rcpt) + "> " + parts[2]
}
