package smtpd

import (
	"fmt"
	"time"

	"saltmine/internal/dialogue"
)

// tape records a connection. What is said outside transactions is the prelude
// of every transaction that follows (banner, EHLO, the parameters of TLS); a
// transaction has its own part. Both are bounded, and what did not fit is counted.
type tape struct {
	since   func() time.Duration
	prelude []byte
	talk    []byte // of the transaction
	mail    []byte // as sent
	mailAt  time.Duration
	open    bool // a transaction, or a MAIL that may begin one
	lost    int  // bytes that did not fit since the prelude or the transaction began
	paper   *paper
}

// shortTalk is room for what a usual client and the server say, in bytes.
const shortTalk = 512

// say records what one side said.
func (t *tape) say(kind dialogue.Kind, b []byte) {
	part, most := &t.prelude, mostPrelude
	if t.open {
		part, most = &t.talk, mostTalk
	}
	if len(*part)+len(b) > most {
		t.lost += len(b)
		return
	}
	if *part == nil {
		*part = make([]byte, 0, shortTalk)
	}
	*part = dialogue.Append(*part, dialogue.Record{Kind: kind, After: t.since(), Bytes: b})
}

// begin starts a transaction's own part.
func (t *tape) begin() { t.open = true }

// end closes the transaction's part and forgets it; it was handed over as raw,
// or held nothing worth keeping apart from its words, which join the prelude.
func (t *tape) end(keep bool) {
	if keep && len(t.prelude)+len(t.talk) <= mostPrelude {
		t.prelude = append(t.prelude, t.talk...)
	}
	clear(t.talk)
	if t.mail != nil {
		t.paper.back(t.mail)
	}
	t.open, t.talk, t.mail = false, t.talk[:0], nil
}

// forget wipes what is left.
func (t *tape) forget() {
	t.end(false)
	clear(t.prelude)
}

// raw gives the evidence of the transaction so far, in memory of its own.
func (t *tape) raw() []byte {
	out := t.paper.take(len(dialogue.Magic) + len(t.prelude) + len(t.talk) + len(t.mail) + 128)
	out = append(out, dialogue.Magic...)
	out = append(out, t.prelude...)
	out = append(out, t.talk...)
	if t.lost > 0 {
		out = dialogue.Append(out, dialogue.Record{
			Kind: dialogue.Note, After: t.since(), Bytes: fmt.Appendf(nil, "%d bytes of commands and replies were left out\r\n", t.lost),
		})
	}
	if t.mail != nil {
		out = dialogue.Append(out, dialogue.Record{Kind: dialogue.Mail, After: t.mailAt, Bytes: t.mail})
	}
	return out
}
