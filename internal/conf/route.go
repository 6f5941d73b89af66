package conf

import (
	"errors"
	"fmt"
	"maps"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"saltmine/internal/canary"
)

// The words that [[route]] knows as its kind.
const (
	RouteWebhook      = "webhook"
	RoutePagerDuty    = "pagerduty"
	RouteAlertmanager = "alertmanager"
	RouteSlack        = "slack"
	RouteTeams        = "teams"
	RouteNtfy         = "ntfy"
	RouteTwilio       = "twilio"
	RouteOCSF         = "ocsf"
	RouteSyslog       = "syslog"
	RouteEmail        = "email"
)

// Pager is what all routes have in common.
type Pager struct {
	// AcceptWithin is after what time without any route's yes the first route that
	// has an after is sent a page all the same, the second after twice that, and
	// so on. Default 100 s, so that it has the page within two minutes.
	AcceptWithin time.Duration `json:"accept_within"`
	// UpdateEvery is how often at most an incident that was paged is told of again,
	// quietly, when something has come to it; 0 is never. Default 15 minutes.
	UpdateEvery time.Duration `json:"update_every"`
	// Templates is the absolute path of a folder of templates, KIND.tmpl or
	// page.tmpl, that take the place of the built-in ones; see package render.
	Templates string `json:"templates,omitempty"`
}

// Route is one way on which pages are sent.
type Route struct {
	Kind string `json:"kind"`
	// Name tells routes apart in logs and in the outbox. Default: the kind and
	// the route's number, "webhook-1".
	Name string `json:"name"`
	// URL receives the page. For pagerduty, ntfy, twilio, and slack with a channel,
	// the default is the service's own. Slack without a channel and teams have none:
	// their secret is the URL.
	URL         string          `json:"url,omitempty"`
	SecretFile  string          `json:"secret_file"`
	Secret      Secret          `json:"secret"`
	MinSeverity canary.Severity `json:"min_severity"` // default P2
	// After makes the route a step of the escalation: a page goes to it when for
	// so long nobody has acknowledged. 0, the default, is at once.
	After time.Duration `json:"after,omitempty"`
	// AckSecretFile holds what PagerDuty signs its webhooks with, which tell of
	// acknowledgements.
	AckSecretFile string `json:"ack_secret_file,omitempty"`
	AckSecret     Secret `json:"ack_secret"`
	// AckURL is where Twilio reaches /v1/acks/NAME on the listener of [api]: who is
	// called can then acknowledge by a key.
	AckURL string `json:"ack_url,omitempty"`
	// Channel is Slack's channel, for whose bot the secret is the token, or ntfy's topic.
	Channel string `json:"channel,omitempty"`
	// Format is that of a syslog message: "rfc5424", the default, or "cef".
	Format string   `json:"format,omitempty"`
	User   string   `json:"user,omitempty"` // twilio's account SID, or the mail server's user
	From   string   `json:"from,omitempty"` // who calls, or the mail's sender
	To     []string `json:"to,omitempty"`   // who is called: one; who gets the mail
	// Roots is the absolute path of a PEM file with the authorities of the
	// receiver's certificate. Default: those of the system.
	Roots string `json:"roots,omitempty"`
}

// routeKind says what the keys of [[route]] may hold for a kind.
type routeKind struct {
	url     string   // default of url
	schemes []string // what url begins with; none: there is no url
	secret  bool     // secret_file is needed
	needs   []string // of the keys that not every kind has
	allowed []string // of these keys, what may be there and need not
	bare    bool     // without a channel there is no url
}

func routeKinds() map[string]routeKind {
	web := []string{"https", "http"}
	return map[string]routeKind{
		RouteWebhook:      {schemes: web, secret: true},
		RoutePagerDuty:    {schemes: web, secret: true, url: "https://events.pagerduty.com/v2/enqueue", allowed: []string{"ack_secret_file"}},
		RouteAlertmanager: {schemes: web},
		RouteSlack:        {schemes: web, secret: true, bare: true, allowed: []string{"channel"}},
		RouteTeams:        {secret: true},
		RouteNtfy:         {schemes: web, url: "https://ntfy.sh", needs: []string{"channel"}},
		RouteTwilio:       {schemes: web, secret: true, url: "https://api.twilio.com", needs: []string{"user", "from", "to"}, allowed: []string{"ack_url"}},
		RouteOCSF:         {schemes: web},
		RouteSyslog:       {schemes: []string{"udp", "tcp", "tls"}, allowed: []string{"format"}},
		RouteEmail:        {schemes: []string{"smtp", "smtps"}, needs: []string{"from", "to"}, allowed: []string{"user"}},
	}
}

// RouteKinds are the words for kinds of routes.
func RouteKinds() []string { return slices.Sorted(maps.Keys(routeKinds())) }

func (p *Pager) decode(t *table) {
	if t == nil {
		return
	}
	t.duration("accept_within", &p.AcceptWithin)
	t.duration("update_every", &p.UpdateEvery)
	t.file("templates", &p.Templates)
	t.finish()
}

func (c *Config) decodeRoutes(tables []*table) {
	for i, t := range tables {
		r := Route{MinSeverity: canary.P2}
		t.text("kind", &r.Kind)
		r.URL = routeKinds()[r.Kind].url
		r.Name = fmt.Sprintf("%s-%d", r.Kind, i+1)
		t.text("name", &r.Name)
		t.text("channel", &r.Channel)
		if r.Kind == RouteSlack && r.Channel != "" {
			r.URL = "https://slack.com/api"
		}
		t.text("url", &r.URL)
		t.file("secret_file", &r.SecretFile)
		t.text("format", &r.Format)
		t.text("user", &r.User)
		t.text("from", &r.From)
		t.texts("to", &r.To)
		t.severity("min_severity", &r.MinSeverity)
		t.duration("after", &r.After)
		t.file("ack_secret_file", &r.AckSecretFile)
		t.text("ack_url", &r.AckURL)
		t.file("roots", &r.Roots)
		t.finish()
		c.Routes = append(c.Routes, r)
	}
}

// mostAfter bounds how late a step may be: pages are given up after a week.
const mostAfter = 72 * time.Hour

// mostSteps bounds the routes: a page has a delivery for each.
const mostSteps = 32

func (c *Config) checkRoutes(k *checks) {
	if c.Pager.AcceptWithin < time.Second && len(c.Routes) > 0 {
		k.bad("pager.accept_within", "%s is less than 1s", c.Pager.AcceptWithin)
	}
	if every := c.Pager.UpdateEvery; every != 0 && every < time.Minute {
		k.bad("pager.update_every", "%s is less than 1m, and not 0 (never)", every)
	}
	if len(c.Routes) > mostSteps {
		k.bad("route", "%d routes are more than %d", len(c.Routes), mostSteps)
	}
	names := map[string]bool{}
	for i := range c.Routes {
		key := fmt.Sprintf("route[%d]", i)
		c.Routes[i].check(k, key, names)
		if after := c.Routes[i].After; after < 0 || after > mostAfter {
			k.bad(key+".after", "%s is not between 0 and %s", after, mostAfter)
		}
	}
	if len(c.Routes) > 0 && !slices.ContainsFunc(c.Routes, func(r Route) bool { return r.After == 0 }) {
		k.bad("route[0].after", "every route has one: no page would go out at once")
	}
}

func (r *Route) check(k *checks, key string, names map[string]bool) {
	k.kind(key, r.Kind, RouteKinds()...)
	k.name(key, r.Name, names)
	if r.MinSeverity < canary.P1 || r.MinSeverity > canary.P4 {
		k.bad(key+".min_severity", "missing")
	}
	kind, known := routeKinds()[r.Kind]
	if !known {
		return
	}
	if kind.secret {
		k.secret(key, r.SecretFile, r.Secret)
	}
	r.checkURL(k, key+".url", kind)
	for _, only := range r.extras() {
		switch given := only[1] != ""; {
		case given && !slices.Contains(kind.allowed, only[0]) && !slices.Contains(kind.needs, only[0]):
			k.bad(key+"."+only[0], "%s has none", r.Kind)
		case !given && slices.Contains(kind.needs, only[0]):
			k.bad(key+"."+only[0], "missing")
		}
	}
	r.checkTexts(k, key)
}

// extras are the values of the keys that not every kind has.
func (r *Route) extras() [][2]string {
	return [][2]string{
		{"channel", r.Channel}, {"format", r.Format}, {"user", r.User}, {"from", r.From}, {"to", strings.Join(r.To, " ")}, {"ack_secret_file", r.AckSecretFile}, {"ack_url", r.AckURL},
	}
}

var (
	topicForm  = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	numberForm = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
)

func (r *Route) checkTexts(k *checks, key string) {
	switch r.Kind {
	case RouteSyslog:
		if r.Format != "" {
			k.word(key+".format", r.Format, "rfc5424", "cef")
		}
	case RouteNtfy:
		if r.Channel != "" && !topicForm.MatchString(r.Channel) {
			k.bad(key+".channel", "%q is not a topic: letters, digits, '_' and '-' only", r.Channel)
		}
	case RouteEmail:
		r.checkMail(k, key)
	case RouteTwilio:
		r.checkNumbers(k, key)
	}
}

func (r *Route) checkNumbers(k *checks, key string) {
	if r.From != "" && !numberForm.MatchString(r.From) {
		k.bad(key+".from", "%q is not a number like +14155550100", r.From)
	}
	if r.AckURL != "" && !plainURL(r.AckURL) {
		k.bad(key+".ack_url", "%q is not an address like https://saltmine.example.net/v1/acks/%s", r.AckURL, r.Name)
	}
	if len(r.To) > 0 && (len(r.To) != 1 || !numberForm.MatchString(r.To[0])) {
		k.bad(key+".to", "want one number like +14155550100; give each person a route of its own")
	}
}

// plainURL reports whether a text is an https URL of host and path alone.
func plainURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil && u.RawQuery == "" && u.Fragment == ""
}

// mostMailed bounds the recipients of one mail.
const mostMailed = 50

func (r *Route) checkMail(k *checks, key string) {
	if r.From != "" && !plainAddress(r.From) {
		k.bad(key+".from", "%q is not an address like saltmine@example.net", r.From)
	}
	for _, to := range r.To {
		if !plainAddress(to) {
			k.bad(key+".to", "%q is not an address like security@example.net", to)
		}
	}
	if len(r.To) > mostMailed {
		k.bad(key+".to", "%d recipients are more than %d: use a list of the mail server's", len(r.To), mostMailed)
	}
	switch {
	case r.User != "" && r.SecretFile == "":
		k.bad(key+".secret_file", "missing: the password of user")
	case r.User == "" && r.SecretFile != "":
		k.bad(key+".user", "missing: secret_file holds its password")
	}
}

// plainAddress reports whether a text is a mail address and nothing else.
func plainAddress(text string) bool {
	a, err := mail.ParseAddress(text)
	return err == nil && a.Name == "" && a.Address == text && len(text) <= 254 && strings.IndexFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

func (r *Route) checkURL(k *checks, key string, kind routeKind) {
	switch {
	case kind.bare && r.Channel == "":
		if r.URL != "" {
			k.bad(key, "the secret is the address; only with a channel there is another")
		}
	case slices.Contains(kind.schemes, "https"):
		k.url(key, r.URL)
	case len(kind.schemes) == 0 && r.URL != "":
		k.bad(key, "%s has none", r.Kind)
	case len(kind.schemes) > 0:
		if err := checkAddress(r.URL, kind.schemes); err != nil {
			k.bad(key, "%w", err)
		}
	}
}

// checkAddress judges an address like "tcp://host:514", without quoting it.
func checkAddress(text string, schemes []string) error {
	u, err := url.Parse(text)
	switch {
	case text == "":
		return errors.New("missing")
	case err != nil || !slices.Contains(schemes, u.Scheme) || u.Hostname() == "" || u.Port() == "":
		return fmt.Errorf("not an address like %s://host:port", strings.Join(schemes, ":// or "))
	case u.User != nil:
		return errors.New("holds a user or password; secrets belong into a file")
	case u.RawQuery != "" || u.Fragment != "" || u.Path != "" && u.Path != "/":
		return errors.New("may have nothing after the port")
	}
	return nil
}

func (p printer) routes(c *Config) {
	p.value("pager.accept_within", c.Pager.AcceptWithin.String())
	p.value("pager.update_every", c.Pager.UpdateEvery.String())
	p.value("pager.templates", c.Pager.Templates)
	for i := range c.Routes {
		r, key := &c.Routes[i], fmt.Sprintf("route[%d].", i)
		p.value(key+"kind", r.Kind)
		p.value(key+"name", r.Name)
		p.value(key+"url", r.URL)
		p.value(key+"secret_file", r.SecretFile)
		p.value(key+"secret", r.Secret.String())
		p.value(key+"min_severity", r.MinSeverity.String())
		p.value(key+"after", r.After.String())
		p.value(key+"roots", r.Roots)
		for _, more := range r.extras() {
			p.value(key+more[0], more[1])
		}
	}
}
