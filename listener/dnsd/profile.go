package dnsd

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"time"
)

// profile is the handwriting of whoever set a domain up: what differs from one
// small domain to another though they do the same. It is drawn from the seed
// and the domain's name, so every edge with the seed answers alike.
type profile struct {
	ttl, mailTTL           uint32
	refresh, retry, expire uint32
	negative, serial       uint32
	hostmaster             string // the first label of the SOA's mailbox
	mailHost               string // the first label of the MX, where none is given
	preference, step       uint16 // of the MX
	spf                    string
	dmarc                  string // empty for a domain without; so too below
	policy                 string // of MTA-STS
	proof                  string // a TXT by which some service knew the owner
	authority              string // CAA
	web                    byte   // what www is
}

// What www is, beside a name like every other.
const (
	webWild byte = iota
	webHost
	webAlias
)

// draw takes choices out of a digest, two bytes each.
type draw struct{ rest []byte }

func (d *draw) number(n int) int {
	v := int(binary.BigEndian.Uint16(d.rest))
	d.rest = d.rest[2:]
	return v % n
}

func pick[T any](d *draw, of ...T) T { return of[d.number(len(of))] }

// newProfile draws the profile of a canonical name. What people choose often
// stands in a list more than once. MX and addresses live for an hour at most:
// a look-up that a resolver's cache answers is a contact not heard.
func newProfile(seed []byte, name string) profile {
	mac := hmac.New(sha256.New, seed)
	mac.Write([]byte("saltmine dns profile v1\x00" + name))
	sum := mac.Sum(nil)
	mac.Write([]byte{1})
	d := &draw{append(sum, mac.Sum(nil)...)}
	p := profile{
		ttl:     pick[uint32](d, 3600, 3600, 3600, 14400, 86400, 7200, 1800, 10800),
		mailTTL: pick[uint32](d, 300, 300, 300, 600, 900, 1800, 3600, 3600),
	}
	timers := pick(d,
		[4]uint32{7200, 3600, 1209600, 3600}, [4]uint32{3600, 600, 604800, 300}, [4]uint32{10800, 3600, 604800, 3600},
		[4]uint32{28800, 7200, 604800, 600}, [4]uint32{43200, 7200, 1209600, 1800}, [4]uint32{10000, 2400, 604800, 1800},
		[4]uint32{86400, 7200, 3600000, 3600}, [4]uint32{14400, 3600, 1209600, 300}, [4]uint32{3600, 1800, 1814400, 600})
	p.refresh, p.retry, p.expire, p.negative = timers[0], timers[1], timers[2], timers[3]
	p.serial = d.serial()
	p.hostmaster = pick(d, "hostmaster", "hostmaster", "hostmaster", "postmaster", "admin", "dns", "root", "webmaster")
	p.mailHost = pick(d, "mail", "mail", "mx", "mx1", "smtp")
	p.preference, p.step = pick[uint16](d, 10, 10, 10, 0, 1, 5, 20), pick[uint16](d, 10, 10, 5)
	p.spf = pick(d, "v=spf1 mx -all", "v=spf1 mx -all", "v=spf1 mx ~all", "v=spf1 a mx -all", "v=spf1 a mx ~all", "v=spf1 mx a:%s -all")
	p.dmarc = pick(d, "", "v=DMARC1; p=none", "v=DMARC1; p=none;", "v=DMARC1; p=quarantine", "v=DMARC1; p=reject", "v=DMARC1; p=reject; adkim=s; aspf=s")
	p.web = pick(d, webWild, webHost, webHost, webAlias)
	if d.number(8) == 0 {
		p.policy = fmt.Sprintf("v=STSv1; id=%s", day(d).Format("20060102150405"))
	}
	if d.number(4) == 0 {
		shown := sha256.Sum256(append([]byte("proof"), sum...))
		p.proof = "google-site-verification=" + base64.RawURLEncoding.EncodeToString(shown[:])
	}
	if d.number(5) == 0 {
		p.authority = pick(d, "letsencrypt.org", "letsencrypt.org", "sectigo.com", "digicert.com")
	}
	return p
}

// serial is of one of the styles that people use: the date and a count (RFC
// 1912 §2.2), the time, or a small number.
func (d *draw) serial() uint32 {
	on := day(d)
	switch d.number(6) {
	case 0:
		return uint32(on.Unix()) //nolint:gosec // before 2106
	case 1:
		return uint32(1 + d.number(60)) //nolint:gosec // small
	}
	return uint32(on.Year()*1_000_000 + int(on.Month())*10_000 + on.Day()*100 + d.number(5)) //nolint:gosec // ten digits below 2^32
}

// day is a second of 2023 or 2024.
func day(d *draw) time.Time {
	return time.Date(2023, time.January, 1+d.number(700), 7+d.number(13), d.number(60), d.number(60), 0, time.UTC)
}
