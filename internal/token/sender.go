package token

import "strings"

// Sender undoes what mail servers on the way make of an envelope sender, and
// gives the address that they made it from: the Sender Rewriting Scheme of
// forwarders, SRS0=hash=time=domain=local@forwarder and SRS1=hash=first=rest@second
// (with '+' or '-' for the first '='), and Bounce Address Tag Validation,
// prvs=tag=local@domain (draft-levine-smtp-batv), also in the older form
// prvs=local/tag@domain. Several may be nested. Other senders come back as they
// are, without brackets. The hashes are not checked: only who made them can.
func Sender(text string) string {
	text = strings.Trim(strings.TrimSpace(text), "<>")
	for range 4 {
		inner, ok := unwrap(text)
		if !ok {
			break
		}
		text = inner
	}
	return text
}

func unwrap(text string) (string, bool) {
	at := strings.LastIndexByte(text, '@')
	if at < 6 {
		return "", false
	}
	local, domain := text[:at], text[at+1:]
	switch rest := local[5:]; strings.ToLower(local[:5]) {
	case "srs0=", "srs0+", "srs0-":
		return srs0(rest)
	case "srs1=", "srs1+", "srs1-": // hash=first forwarder==what follows its SRS0
		parts := strings.SplitN(rest, "=", 3)
		if len(parts) < 3 || len(parts[2]) < 2 {
			return "", false
		}
		return srs0(parts[2][1:])
	case "prvs=":
		if tag, who, ok := strings.Cut(rest, "="); ok && isTag(tag) {
			return who + "@" + domain, who != ""
		}
		if who, tag, ok := strings.Cut(rest, "/"); ok && isTag(tag) {
			return who + "@" + domain, who != ""
		}
	}
	return "", false
}

// srs0 reads hash=time=domain=local.
func srs0(rest string) (string, bool) {
	parts := strings.SplitN(rest, "=", 4)
	if len(parts) < 4 || parts[2] == "" || parts[3] == "" {
		return "", false
	}
	return parts[3] + "@" + parts[2], true
}

// isTag reports whether s is a key digit, three digits of a day and a hash.
func isTag(s string) bool {
	return len(s) >= 6 && len(s) <= 16 && !strings.ContainsFunc(s, func(c rune) bool {
		return (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f')
	})
}

// ForwardedBy gives the address of a Gmail mailbox that forwarded a mail, which
// Gmail writes into the envelope sender with the address that it forwards to:
// dana.w+caf_=inbox=example.net@gmail.com. It is false for other senders.
func ForwardedBy(sender string) (string, bool) {
	sender = strings.Trim(strings.TrimSpace(sender), "<>")
	local, rest, ok := strings.Cut(sender, "+caf_=")
	at := strings.LastIndexByte(rest, '@')
	if !ok || local == "" || at < 0 || !strings.Contains(rest[:at], "=") {
		return "", false
	}
	return local + rest[at:], true
}
