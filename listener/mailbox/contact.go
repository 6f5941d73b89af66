package mailbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/token"
)

// Bounds of what is taken out of a message; the rest is read in the core.
const (
	headBytes = 256 << 10
	mostWord  = 512 // bytes of an address
)

// contact makes the record of a message.
func (s *session) contact(f *folder, m about, raw []byte) canary.Contact {
	now := s.ear.cfg.Now()
	facts := map[string]string{
		"item": string(s.account.ID), "folder": f.kind, "uidvalidity": strconv.FormatUint(uint64(f.validity), 10), "uid": strconv.FormatUint(uint64(m.uid), 10),
		"read": now.UTC().Format(time.RFC3339), "bytes": strconv.FormatInt(m.size, 10),
	}
	id := contactID(s.account.ID, raw) // of one byte more than is kept: a message that ends there is another
	if limit := s.ear.cfg.MaxMessage; int64(len(raw)) > limit {
		raw = raw[:limit]
		facts["truncated"] = "size"
		s.ear.truncated.Add(1)
	}
	at := m.at
	if at.IsZero() || at.After(now) { // a server without a clock, or with one that is fast
		at = now
	}
	head := fields(raw)
	if housekeeping(s.account.Reading.Operator, head) {
		facts["housekeeping"] = "the provider's own"
	}
	return canary.Contact{
		ID: id, Channel: canary.IMAP, At: canary.Micro(at), Ear: "mailbox", Source: sender(head),
		Targets: []canary.Target{target(s.account.Address, head)}, Facts: facts, Raw: raw,
	}
}

// contactID is the same whenever and wherever a message is found in a mailbox.
func contactID(id canary.ItemID, raw []byte) canary.ContactID {
	h := sha256.New()
	h.Write([]byte("saltmine mailbox v1\x00" + string(id) + "\x00"))
	h.Write(raw)
	return canary.ContactID("k_imap-" + hex.EncodeToString(h.Sum(nil)[:16]))
}

// field is one line of a message's header.
type field struct{ name, value string } // the name in lower case

// fields reads the header as far as it is one.
func fields(raw []byte) []field {
	raw = raw[:min(len(raw), headBytes)]
	var out []field
	for len(raw) > 0 {
		line, rest, _ := bytes.Cut(raw, []byte("\n"))
		raw = rest
		text := strings.TrimRight(string(line), "\r")
		if text == "" {
			break
		}
		if n := len(out); n > 0 && (text[0] == ' ' || text[0] == '\t') {
			out[n-1].value += " " + strings.TrimSpace(text)
			continue
		}
		name, value, ok := strings.Cut(text, ":")
		if ok {
			out = append(out, field{strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)})
		}
	}
	return out
}

// sender is who a message claims to come from: the envelope's sender as the
// provider kept it, or the author.
func sender(head []field) string {
	for _, name := range []string{"return-path", "from"} {
		for _, f := range head {
			if f.name == name {
				if a := address(f.value); a != "" {
					return a
				}
				break
			}
		}
	}
	return ""
}

// address takes the address out of a field, "" when there is none.
func address(value string) string {
	text := value
	if list, err := mail.ParseAddressList(value); err == nil && len(list) > 0 {
		text = list[0].Address
	}
	text = strings.Trim(strings.TrimSpace(text), "<>")
	if len(text) > mostWord || !strings.Contains(text, "@") {
		return ""
	}
	return strings.ToValidUTF8(text, "?")
}

// target is whom a message reached: the mailbox, whatever the message says, with
// the tag behind a '+' if a recipient's field has it. Whom else it names is found
// in the core.
func target(own string, head []field) canary.Target {
	for _, f := range head {
		if !slices.Contains([]string{"delivered-to", "x-original-to", "envelope-to", "to", "cc"}, f.name) {
			continue
		}
		text := address(f.value)
		if canon, err := token.Canon(canary.Email, text); err == nil && canon == own {
			return canary.Target{Kind: canary.Email, Text: text}
		}
	}
	return canary.Target{Kind: canary.Email, Text: own}
}

// housekeeping reports whether a message is the provider's own, about the account:
// its author is of the provider's domain, and the provider itself says, in the
// uppermost field of that kind, that DMARC holds for that (RFC 8601, RFC 7489).
func housekeeping(operator string, head []field) bool {
	authors, results := all(head, "from"), all(head, "authentication-results")
	if operator == "" || len(authors) != 1 || len(results) == 0 {
		return false
	}
	_, domain, err := token.SplitEmail(address(authors[0]))
	if err != nil || domain != operator && !strings.HasSuffix(domain, "."+operator) {
		return false
	}
	words := strings.FieldsFunc(strings.ToLower(results[0]), func(r rune) bool { return strings.ContainsRune(" ;(\t", r) })
	return slices.Contains(words, "dmarc=pass") && slices.Contains(words, "header.from="+domain)
}

// all gives what stands in the fields of a name.
func all(head []field, name string) (values []string) {
	for _, f := range head {
		if f.name == name {
			values = append(values, f.value)
		}
	}
	return values
}
