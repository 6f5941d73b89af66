package incident

import (
	"net"
	"net/netip"
	"strings"

	"saltmine/internal/canary"
	"saltmine/internal/token"
)

// origin is what contacts of one source have in common.
func origin(c *canary.Contact) string {
	host := c.Peer
	if h, _, err := net.SplitHostPort(c.Peer); err == nil {
		host = h
	}
	switch c.Channel {
	case canary.Voice, canary.SMS:
		return string(c.Channel) + "|" + c.Source
	case canary.ByTicket: // the agent alone would stand for every caller
		return string(c.Channel) + "|" + c.Source + "|" + strings.ToLower(c.Facts["caller"])
	case canary.Report: // of IPv6 one person has a whole network
		if ip, err := netip.ParseAddr(host); err == nil && ip.Unmap().Is6() {
			net, _ := ip.WithZone("").Prefix(64) // which every address of it has
			host = net.String()
		}
		return string(c.Channel) + "|" + host + "|" + c.Source
	case canary.Dump: // one file
		return string(c.Channel) + "|" + c.Facts[canary.FindFile]
	case canary.IMAP: // who connected to the provider is not known, and strangers share a large domain
		return string(c.Channel) + "|" + strings.ToLower(c.Source)
	default: // a sender that changes with each mail keeps its domain
		// So does one whose mail was forwarded: the forwarder is no source.
		_, domain, _ := strings.Cut(strings.ToLower(token.Sender(c.Source)), "@")
		return string(c.Channel) + "|" + host + "|" + domain
	}
}

// nameless reports whether the origin of a contact says nothing about who it
// came from: a caller who withholds the number shares it with all who do, and so
// does a message in a mailbox that names no sender.
func nameless(c *canary.Contact) bool {
	switch {
	case c.Channel == canary.Dump: // the scan has compared it with the placebos of the same file
		return true
	case c.Channel == canary.ByTicket:
		return c.Facts["caller"] == ""
	case c.Channel == canary.IMAP:
		return c.Source == ""
	case c.Channel != canary.Voice && c.Channel != canary.SMS:
		return false
	}
	switch strings.ToLower(c.Source) {
	case "", "anonymous", "restricted", "private", "blocked", "unavailable", "unknown", "+266696687", "+7378742833":
		return true // the numbers are the words on a telephone's keys
	}
	return false
}

// housekeeping reports whether a message is the provider's own, about the mailbox
// that it is in: it is kept, and is no stranger's.
func housekeeping(c *canary.Contact) bool {
	return c.Channel == canary.IMAP && c.Facts["housekeeping"] != ""
}

// flood reports whether a contact tells how often the DNS ear was asked for
// names that nobody has a reason to know: that belongs to no mail.
func flood(c *canary.Contact) bool {
	return c.Channel == canary.DNS && c.Facts["queries"] != ""
}
