package conf

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"saltmine/internal/token"
)

// The words that [[phone.provider]] knows as its kind.
const (
	ProviderTwilio     = "twilio"
	ProviderSignalWire = "signalwire"
	ProviderTelnyx     = "telnyx"
	ProviderVonage     = "vonage"
	ProviderPlivo      = "plivo"
	ProviderBandwidth  = "bandwidth"
	ProviderSinch      = "sinch"
	ProviderGeneric    = "generic"
)

// decode reads every section, and then the names that are kept for later.
func (c *Config) decode(top *table) {
	c.decodeRegistry(top.sub("registry"))
	c.decodeSupport(top.sub("support"))
	c.decodePool(top.sub("pool"))
	c.decodeSMTP(top.sub("smtp"))
	c.decodeDNS(top.sub("dns"))
	c.decodePhone(top.sub("phone"))
	c.decodeRecordings(top.subs("recording"))
	c.decodeMailbox(top.sub("mailbox"))
	if t := top.sub("ticket"); t != nil {
		c.Ticket = &Ticket{PerMinute: 30, Burst: 10}
		t.text("listen", &c.Ticket.Listen)
		t.file("agents_file", &c.Ticket.AgentsFile)
		t.whole("per_minute", &c.Ticket.PerMinute)
		t.whole("burst", &c.Ticket.Burst)
		t.finish()
	}
	c.decodeReport(top.sub("report"))
	c.decodeAPI(top.sub("api"))
	c.Approval.decode(top.sub("approval"))
	if t := top.sub("admin"); t != nil {
		c.Admin = &Admin{}
		t.text("listen", &c.Admin.Listen)
		t.finish()
	}
	if t := top.sub("spool"); t != nil {
		t.file("dir", &c.Spool.Dir)
		t.size("max_bytes", &c.Spool.MaxBytes)
		t.finish()
	}
	c.decodeRetention(top.sub("retention"))
	c.Pager.decode(top.sub("pager"))
	c.decodeRoutes(top.subs("route"))
	c.decodeWitnesses(top.subs("witness"))
	c.Evidence.decode(top.sub("evidence"))
	c.decodeResponses(top.subs("response"))
	c.decodeAudits(top.subs("audit"))
	if t := top.sub("rotate"); t != nil {
		c.Rotate = new(DefaultRotate())
		t.text("schedule", &c.Rotate.Schedule)
		t.duration("lifetime", &c.Rotate.Lifetime)
		t.duration("presence_lifetime", &c.Rotate.PresenceLifetime)
		t.duration("horizon", &c.Rotate.Horizon)
		t.text("measure", &c.Rotate.Measure)
		t.whole("measure_rows", &c.Rotate.MeasureRows)
		t.finish()
	}
	c.Verify.decode(top.sub("verify"))
	c.Gate.decode(top.sub("gate"))
	c.Life.decode(top.sub("life"))
	c.decodeExclude(top.sub("exclude"))
	c.decodeOwn(top.subs("own"))
	c.decodeDeadman(top.sub("deadman"))
	c.Drill.decode(top.sub("drill"))
	c.decodeEdge(top.sub("edge"))
	c.decodeCore(top.sub("core"))
	top.finish()
}

func (c *Config) decodeRegistry(t *table) {
	if t == nil {
		return
	}
	r := &c.Registry
	var dsn string
	t.text("dsn", &dsn)
	t.file("dsn_file", &r.DSNFile)
	t.file("keys", &r.Keys)
	t.finish()
	switch {
	case dsn != "" && r.DSNFile != "":
		t.book.add(t.key("dsn_file"), "registry.dsn is given too; keep one of them")
	case dsn != "":
		src, err := ParseSource(dsn, t.dir)
		if err == nil && src.Engine != SQLite {
			err = fmt.Errorf("holds a password, which may not stand in the configuration; put it into a file and name that in dsn_file")
		}
		if err != nil {
			t.book.addErr(t.key("dsn"), err)
			return
		}
		r.Source = src
	case r.DSNFile != "":
		r.Source = Source{} // the file decides, not the default
	}
}

func (c *Config) decodeSupport(t *table) {
	if t == nil {
		return
	}
	for _, one := range t.each() {
		s := DefaultSupport()
		one.file("dsn_file", &s.DSNFile)
		one.text("recipe", &s.Recipe)
		one.number("change_rate", &s.ChangeRate)
		one.number("change_rate_max", &s.ChangeRateMax)
		one.whole("read_rate_max", &s.ReadRateMax)
		one.duration("statement_time_max", &s.StatementTimeMax)
		one.texts("connection_attributes", &s.Attributes)
		one.text("time_zone", &s.TimeZone)
		if strings.HasSuffix(s.Recipe, ".toml") {
			s.Recipe = resolve(t.dir, s.Recipe)
		}
		one.finish()
		if c.Support == nil {
			c.Support = map[string]Support{}
		}
		c.Support[strings.TrimPrefix(one.path, "support.")] = s
	}
	t.finish()
}

func (c *Config) decodePool(t *table) {
	if t == nil {
		return
	}
	p := &c.Pool
	t.texts("domains", &p.Domains)
	for i, d := range p.Domains {
		if canon, err := token.Domain(d); err == nil {
			p.Domains[i] = canon
		}
	}
	t.file("mailboxes", &p.Mailboxes)
	t.file("phones", &p.Phones)
	t.duration("soak", &p.Soak)
	t.duration("quarantine", &p.Quarantine)
	t.whole("domain_capacity", &p.DomainCapacity)
	t.texts("block_lists", &p.BlockLists)
	t.file("disposable", &p.Disposable)
	p.Check.decode(t)
	t.whole("placebos_per_email", &p.PlacebosPerEmail)
	t.whole("accept_one_in", &p.AcceptOneIn)
	p.decodeAccept(t.sub("accept"))
	t.finish()
}

func (c *Config) decodePhone(t *table) {
	if t == nil {
		return
	}
	c.Phone = &Phone{}
	t.text("listen", &c.Phone.Listen)
	t.text("public_url", &c.Phone.PublicURL)
	c.Phone.PublicURL = strings.TrimRight(c.Phone.PublicURL, "/")
	if n := t.sub("notice"); n != nil {
		c.Phone.Notices = map[string]string{}
		for _, country := range slices.Sorted(maps.Keys(n.vals)) {
			var text string
			n.perhaps(country, &text)
			c.Phone.Notices[country] = text
		}
		n.finish()
	}
	for _, one := range t.subs("provider") {
		p := Provider{Answer: "voicemail", Language: "en-US"}
		one.text("kind", &p.Kind)
		p.Name = p.Kind
		one.text("name", &p.Name)
		one.file("secret_file", &p.SecretFile)
		one.text("user", &p.User)
		one.text("public_key", &p.PublicKey)
		one.text("sms_signature", &p.SMSSignature)
		one.text("answer", &p.Answer)
		one.text("greeting", &p.Greeting)
		one.text("language", &p.Language)
		one.finish()
		c.Phone.Providers = append(c.Phone.Providers, p)
	}
	t.finish()
}

func (c *Config) decodeAPI(t *table) {
	if t == nil {
		return
	}
	c.API = &API{}
	t.text("listen", &c.API.Listen)
	c.API.PublicURL = "http://" + c.API.Listen
	t.text("public_url", &c.API.PublicURL)
	c.API.PublicURL = strings.TrimRight(c.API.PublicURL, "/")
	t.file("people_file", &c.API.PeopleFile)
	t.finish()
}
