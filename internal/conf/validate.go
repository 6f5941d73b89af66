package conf

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/token"
)

var nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// Validate reports every fault of the values, whether they came from a file or
// were set in code. It opens no file and does not ask for the secrets.
func (c *Config) Validate() error { return joinFaults(c.faults()) }

// checks collects what Validate finds; the line is added by whoever knows it.
type checks struct{ found []*Fault }

func (k *checks) bad(key, format string, args ...any) {
	k.found = append(k.found, &Fault{Key: key, Err: fmt.Errorf(format, args...)})
}

func (c *Config) faults() []*Fault {
	k := &checks{}
	c.checkStores(k)
	c.checkPool(k)
	c.checkMailAndNames(k)
	c.checkWeb(k)
	c.checkApproval(k)
	c.checkRetention(k)
	c.checkRecordings(k)
	c.checkMailbox(k)
	c.checkRoutes(k)
	c.checkWitnesses(k)
	c.checkEvidence(k)
	c.checkResponses(k)
	c.checkAudits(k)
	c.checkWatch(k)
	c.checkLife(k)
	c.checkExclude(k)
	c.checkOwn(k)
	c.checkRotate(k)
	c.checkGate(k)
	c.checkDeadman(k)
	c.checkEdge(k)
	return k.found
}

func (c *Config) checkRotate(k *checks) {
	r := c.Rotate
	if r == nil {
		return
	}
	for _, cron := range [][2]string{{"schedule", r.Schedule}, {"measure", r.Measure}} {
		if len(strings.Fields(cron[1])) != 5 {
			k.bad("rotate."+cron[0], "%q is not a cron text of five fields: minute hour day month weekday", cron[1])
		}
	}
	for _, d := range []struct {
		key string
		v   time.Duration
	}{{"lifetime", r.Lifetime}, {"presence_lifetime", r.PresenceLifetime}, {"horizon", r.Horizon}} {
		if d.v < time.Hour {
			k.bad("rotate."+d.key, "%v is shorter than an hour", d.v)
		}
	}
	if r.MeasureRows < 100 || r.MeasureRows > 100_000 {
		k.bad("rotate.measure_rows", "%d is not between 100 and 100000", r.MeasureRows)
	}
}

func (c *Config) checkStores(k *checks) {
	if c.Registry.Source.Engine == "" && c.Registry.DSNFile == "" {
		k.bad("registry.dsn", "missing")
	}
	if c.Registry.Keys == "" {
		k.bad("registry.keys", "missing")
	}
	for _, name := range slices.Sorted(maps.Keys(c.Support)) {
		k.support(name, c.Support[name])
	}
	if c.Spool.Dir == "" {
		k.bad("spool.dir", "missing")
	}
	if c.Spool.MaxBytes < 1<<20 {
		k.bad("spool.max_bytes", "%d bytes are too few; at least 1MiB", c.Spool.MaxBytes)
	}
}

func (k *checks) support(name string, s Support) {
	key := "support." + name
	if _, err := canary.ParsePlace("db:" + name); err != nil {
		k.bad(key, "%q cannot be a place's name: letters, digits, '.', '_' and '-' only", name)
	}
	if s.Source.Engine == "" && s.DSNFile == "" {
		k.bad(key+".dsn_file", "missing")
	}
	if !(s.ChangeRate > 0 && s.ChangeRate <= 365) { // also refuses NaN
		k.bad(key+".change_rate", "%v is not above 0 and at most 365", s.ChangeRate)
	}
	if !(s.ChangeRateMax > 0 && s.ChangeRateMax <= 100) {
		k.bad(key+".change_rate_max", "%v is not above 0 and at most 100", s.ChangeRateMax)
	}
	if s.ReadRateMax != 0 && s.ReadRateMax < 1000 {
		k.bad(key+".read_rate_max", "%d rows a second: want 1000 or more, or 0 for no limit", s.ReadRateMax)
	}
	if s.StatementTimeMax < time.Second || s.StatementTimeMax > time.Hour {
		k.bad(key+".statement_time_max", "%s: want 1s to 1h", s.StatementTimeMax)
	}
	k.attributes(key+".connection_attributes", s.Attributes)
	k.zone(key+".time_zone", s.TimeZone)
}

func (k *checks) zone(key, name string) {
	if _, err := time.LoadLocation(name); err != nil || name == "Local" {
		k.bad(key, "%q: want a name like \"Europe/Berlin\" or \"UTC\"", name)
	}
}

func (k *checks) attributes(key string, list []string) {
	for _, a := range list {
		switch name, value, ok := strings.Cut(a, ":"); {
		case !ok || name == "" || value == "" || strings.Contains(a, ","):
			k.bad(key, "%q: want \"name:value\", without a comma", a)
		case strings.HasPrefix(name, "_"):
			k.bad(key, "%q: names with _ are the driver's, which sends its own all the same", a)
		case len(a) > 256:
			k.bad(key, "%d characters, at most 256 are allowed", len(a))
		}
	}
}

func (c *Config) checkPool(k *checks) {
	k.domains("pool.domains", c.Pool.Domains)
	k.domains("pool.block_lists", c.Pool.BlockLists)
	if n := c.Pool.DomainCapacity; n < 1 || n > 1_000_000 {
		k.bad("pool.domain_capacity", "%d is not between 1 and 1000000", n)
	}
	if n := c.Pool.PlacebosPerEmail; n < 0 || n > 10_000 {
		k.bad("pool.placebos_per_email", "%d is not between 0 and 10000", n)
	}
	if n := c.Pool.AcceptOneIn; n < 1 || n > 1<<20 {
		k.bad("pool.accept_one_in", "%d is not between 1 and %d", n, 1<<20)
	}
}

func (c *Config) checkMailAndNames(k *checks) {
	if c.SMTP != nil {
		k.smtp(c.SMTP, len(c.Pool.Domains) > 0)
	}
	if c.DNS != nil {
		k.dns(c.DNS, c.Pool.Domains)
	}
	if (c.SMTP != nil || c.DNS != nil) && len(c.Pool.Domains) == 0 {
		k.bad("pool.domains", "missing, but [smtp] or [dns] need at least one")
	}
}

func (c *Config) checkWeb(k *checks) {
	if p := c.Phone; p != nil {
		k.listen("phone.listen", p.Listen)
		k.url("phone.public_url", p.PublicURL)
		if len(p.Providers) == 0 {
			k.bad("phone.provider", "missing; give at least one [[phone.provider]]")
		}
		names := map[string]bool{}
		for i, one := range p.Providers {
			key := fmt.Sprintf("phone.provider[%d]", i)
			k.provider(key, one)
			k.name(key, one.Name, names)
		}
	}
	if t := c.Ticket; t != nil {
		k.ticket(t)
	}
	k.report(c.Report)
	if a := c.API; a != nil {
		k.listen("api.listen", a.Listen)
		if a.Listen != "" {
			k.url("api.public_url", a.PublicURL)
		}
	}
	if a := c.Admin; a != nil {
		k.listen("admin.listen", a.Listen)
	}
}

func (k *checks) provider(key string, p Provider) {
	k.kind(key, p.Kind, ProviderTwilio, ProviderSignalWire, ProviderTelnyx, ProviderVonage, ProviderPlivo, ProviderBandwidth, ProviderSinch, ProviderGeneric)
	k.word(key+".answer", p.Answer, "voicemail", "reject", "silence")
	if p.SMSSignature != "" {
		k.word(key+".sms_signature", p.SMSSignature, "md5hash", "md5", "sha1", "sha256", "sha512")
	}
	if p.Kind == ProviderTelnyx {
		if p.PublicKey == "" {
			k.bad(key+".public_key", "missing")
		}
		if p.SecretFile != "" {
			k.bad(key+".secret_file", "not used; telnyx signs with a key whose public_key is given")
		}
	} else {
		k.secret(key, p.SecretFile, p.Secret)
	}
	if p.Kind == ProviderBandwidth && p.User == "" {
		k.bad(key+".user", "missing")
	}
	for _, only := range []struct{ name, value, kinds string }{
		{"user", p.User, ProviderBandwidth + " " + ProviderSinch},
		{"public_key", p.PublicKey, ProviderTelnyx},
		{"sms_signature", p.SMSSignature, ProviderVonage},
	} {
		if only.value != "" && !slices.Contains(strings.Fields(only.kinds), p.Kind) {
			k.bad(key+"."+only.name, "%s has none; only %s", p.Kind, strings.Join(strings.Fields(only.kinds), " and "))
		}
	}
}

func (k *checks) kind(key, kind string, known ...string) { k.word(key+".kind", kind, known...) }

// word wants one of the known words.
func (k *checks) word(key, word string, known ...string) {
	switch {
	case word == "":
		k.bad(key, "missing; want %s", strings.Join(known, " or "))
	case !slices.Contains(known, word):
		hint := ""
		if near := nearest(word, known); near != "" {
			hint = fmt.Sprintf("; did you mean %q?", near)
		}
		k.bad(key, "%q is not known; want %s%s", word, strings.Join(known, " or "), hint)
	}
}

func (k *checks) secret(key, file string, held Secret) {
	if file == "" && held.IsZero() {
		k.bad(key+".secret_file", "missing")
	}
}

// name refuses a name of the wrong form and one that an earlier table has.
func (k *checks) name(key, name string, taken map[string]bool) {
	switch {
	case name == "": // no kind either, which is said already
	case !nameForm.MatchString(name):
		k.bad(key+".name", "%q is not a name: letters, digits, '.', '_' and '-' only", name)
	case taken[name]:
		k.bad(key+".name", "%q is used twice; give each its own name", name)
	}
	taken[name] = true
}

func (k *checks) domains(key string, names []string) {
	seen := map[string]bool{}
	for i, name := range names {
		canon, err := token.Domain(name)
		switch {
		case err != nil || !strings.Contains(canon, "."):
			k.bad(key, "number %d, %q, is not a domain name", i+1, name)
		case seen[canon]:
			k.bad(key, "%q is given twice", name)
		}
		seen[canon] = true
	}
}

func (k *checks) listens(key string, addrs []string) {
	if len(addrs) == 0 {
		k.bad(key, "missing")
	}
	for _, addr := range addrs {
		k.listen(key, addr)
	}
}

func (k *checks) listen(key, addr string) {
	if addr == "" {
		k.bad(key, "missing")
		return
	}
	_, port, err := net.SplitHostPort(addr)
	if n, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil {
		k.bad(key, "%q is not host:port with a port from 0 to 65535", addr)
	} else if strconv.FormatUint(n, 10) != port {
		k.bad(key, "%q has an odd port number", addr)
	}
}

func (k *checks) url(key, text string) {
	if text == "" {
		k.bad(key, "missing")
		return
	}
	if err := checkURL(text); err != nil {
		k.bad(key, "%w", err)
	}
}

// checkURL judges without quoting: the text may hold a password.
func checkURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "":
		return errors.New("not an http or https address")
	case u.User != nil:
		return errors.New("holds a user or password; secrets belong into a file")
	case u.RawQuery != "" || u.Fragment != "":
		return errors.New("may not have a query or a fragment")
	}
	return nil
}
