package email

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"mime"
	"mime/quotedprintable"
	"strings"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/pager"
)

// message is the whole mail. Every field of its header is on one line of ASCII:
// the title is encoded (RFC 2047), all else is ours or the operator's.
func (r *Route) message(ctx context.Context, d pager.Delivery) string {
	t := r.form.Text(ctx, d, 200, 20_000)
	var b strings.Builder
	field := func(name, value string) { b.WriteString(name + ": " + value + "\r\n") }
	field("Date", canary.Micro(d.Page.At).Format(time.RFC1123Z))
	field("From", "Saltmine <"+r.cfg.From+">")
	field("To", strings.Join(r.cfg.To, ",\r\n "))
	field("Subject", mime.QEncoding.Encode("utf-8", t.Title))
	field("Message-ID", r.id(d.ID()+"-"+d.Kind))
	if d.DedupKey != "" {
		refs := r.id("about-" + d.DedupKey)
		if d.Head.ID != "" && d.Head.ID != d.ID() {
			first := r.id(d.Head.ID + "-" + pager.Trigger)
			field("In-Reply-To", first)
			refs += "\r\n " + first
		}
		field("References", refs)
	}
	field("Auto-Submitted", "auto-generated")
	if canary.P1 == d.Page.Severity && !d.Quiet && d.Kind != pager.Resolve {
		field("Importance", "high") // RFC 2156 §5.3.4, as mail programs show it
	}
	field("MIME-Version", "1.0")
	field("Content-Type", "text/plain; charset=utf-8")
	field("Content-Transfer-Encoding", "quoted-printable")
	b.WriteString("\r\n")
	w := quotedprintable.NewWriter(&b)
	_, _ = w.Write([]byte(t.Body + "\n")) // into memory
	_ = w.Close()
	return b.String()
}

// id is a Message-ID of one word, whatever it is made of.
func (r *Route) id(of string) string {
	sum := sha256.Sum256([]byte(of))
	return "<" + hex.EncodeToString(sum[:16]) + "@" + r.name() + ">"
}
