package conf_test

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/conf"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// write puts a file into dir with the given rights.
func write(t *testing.T, dir, name, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // the umask may have taken rights away
		t.Fatal(err)
	}
	return path
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; got:\n%s\nwant:\n%s", path, got, want)
	}
}

func TestExampleLoads(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c, err := conf.Load(write(t, dir, "saltmine.toml", conf.Example(), 0o644))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "example.golden", strings.ReplaceAll(c.Redacted(), dir, "DIR"))
}

// uncommented switches on every setting of the example that is commented out.
func uncommented(t *testing.T) string {
	t.Helper()
	text := regexp.MustCompile(`(?m)^#(\[|["A-Za-z_.*]+ = )`).ReplaceAllString(conf.Example(), "$1")
	text = strings.Replace(text, "dsn_file = \"registry.dsn\"\n", "", 1) // dsn stands there already
	return text
}

func secretFiles(t *testing.T, dir string) {
	t.Helper()
	write(t, dir, "support.dsn", "mysql://salt:hunter2@tcp(127.0.0.1:3306)/desk\n", 0o600)
	write(t, dir, "twilio.token", "hunter2-twilio\n", 0o600)
	for _, name := range []string{"vonage.secret", "vonage.pem", "bandwidth.password", "signalwire.key", "plivo.token", "sinch.secret", "sinch-sms.secret"} {
		write(t, dir, name, "hunter2-"+name, 0o600)
	}
	write(t, dir, "pbx.secret", "hunter2-pbx\r\n", 0o400)
	write(t, dir, "hook.secret", "hunter2-hook", 0o600)
	write(t, dir, "ping.url", "https://ping.example.net/hunter2-ping", 0o600)
	for _, name := range []string{"alertmanager.token", "slack.token", "teams.url", "ntfy.token", "siem.token", "mail.password", "witness.secret", "soar.secret"} {
		write(t, dir, name, "hunter2-"+name, 0o600)
	}
	write(t, dir, "pagerduty-webhook.secret", "hunter2-webhook", 0o600)
	write(t, dir, "pagerduty.key", "hunter2-duty\n\n", 0o600)
	write(t, dir, "agents.txt", "# floor 1\nj.doe hunter2-agent-0001\n\nm.roe hunter2-agent-0002\n", 0o600)
	write(t, dir, "callers.txt", "campaigns hunter2-caller-0001\nbilling hunter2-caller-0002\n", 0o600)
}

func loadFull(t *testing.T) (*conf.Config, string) {
	t.Helper()
	dir := t.TempDir()
	secretFiles(t, dir)
	c, err := conf.Load(write(t, dir, "saltmine.toml", uncommented(t), 0o644))
	if err != nil {
		t.Fatal(err)
	}
	return c, dir
}

func TestEverySettingOfTheExampleLoads(t *testing.T) {
	t.Parallel()
	c, dir := loadFull(t)
	golden(t, "full.golden", strings.ReplaceAll(c.Redacted(), dir, "DIR"))
	for what, pair := range map[string][2]string{
		"support dsn":     {c.Support["main"].Source.DSN.Reveal(), "salt:hunter2@tcp(127.0.0.1:3306)/desk"},
		"support recipe":  {c.Support["main"].Recipe, filepath.Join(dir, "recipe.toml")},
		"newline gone":    {c.Phone.Providers[0].Secret.Reveal(), "hunter2-twilio"},
		"crlf gone":       {c.Phone.Providers[4].Secret.Reveal(), "hunter2-pbx"},
		"nothing to trim": {c.Routes[0].Secret.Reveal(), "hunter2-hook"},
		"only one gone":   {c.Routes[1].Secret.Reveal(), "hunter2-duty\n"},
		"agent":           {c.Ticket.Agents[1].Name, "m.roe"},
		"agent's token":   {c.Ticket.Agents[1].Token.Reveal(), "hunter2-agent-0002"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: got %q, want %q", what, pair[0], pair[1])
		}
	}
	if c.Routes[1].URL != "https://events.pagerduty.com/v2/enqueue" || c.Routes[1].MinSeverity != canary.P1 {
		t.Errorf("pagerduty route: %+v", c.Routes[1])
	}
	if c.Rotate.Lifetime != 30*24*time.Hour || c.Spool.MaxBytes != 20<<30 {
		t.Errorf("units: %v, %d", c.Rotate.Lifetime, c.Spool.MaxBytes)
	}
}

func TestEmptyFileGivesDefaults(t *testing.T) {
	t.Parallel()
	c, err := conf.Parse(nil, "saltmine.toml", "/srv/saltmine")
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"registry":{"dsn":"sqlite:/srv/saltmine/saltmine.db","keys":"/srv/saltmine/keys"},` +
		`"pool":{"soak":2592000000000000,"quarantine":2592000000000000,"domain_capacity":100,"check":{"check_schedule":"29 5 * * *","check_severity":"P4","check_rdap":false},"placebos_per_email":99,"accept_one_in":64},"approval":{"second_person":"auto","valid":86400000000000},"spool":{"dir":"/srv/saltmine/spool","max_bytes":21474836480},"pager":{"accept_within":100000000000,"update_every":900000000000},"evidence":{"stamp_every":3600000000000,"cosign_every":60000000000},"verify":{"schedule":"41 3 * * *","severity":"P3"},"gate":{"off":false,"rows":20000,"max_auc":0.55},"life":{"schedule":"*/10 * * * *","arrivals":"*/5 * * * *"},"drill":{"count":5,"fraction":1,"delay":0}}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	broken, err := os.ReadFile("testdata/broken.toml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, dir, "open.secret", "hunter2", 0o644)
	write(t, dir, "empty.secret", "\n", 0o600)
	write(t, dir, "support.dsn", "root:hunter2@localhost/desk", 0o600)
	_, err = conf.Load(write(t, dir, "saltmine.toml", string(broken), 0o600))
	if err == nil {
		t.Fatal("a broken file loaded")
	}
	got := strings.ReplaceAll(err.Error(), dir, "DIR")
	golden(t, "broken.golden", got+"\n")
	if strings.Contains(got, "hunter2") {
		t.Error("the errors show a secret")
	}
	for _, one := range faults(t, err) {
		if one.File == "" || one.Line == 0 || one.Key == "" {
			t.Errorf("fault without place: %v", one)
		}
	}
	for _, sentinel := range []error{conf.ErrReadableByOthers, conf.ErrEmptySecret, os.ErrNotExist, conf.ErrSource, canary.ErrInvalid} {
		if !errors.Is(err, sentinel) {
			t.Errorf("the errors do not wrap %q", sentinel)
		}
	}
}

// faults takes a joined error apart.
func faults(t *testing.T, err error) []*conf.Fault {
	t.Helper()
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("not a joined error: %v", err)
	}
	var out []*conf.Fault
	for _, one := range joined.Unwrap() {
		f, ok := errors.AsType[*conf.Fault](one)
		if !ok {
			t.Fatalf("not a fault: %v", one)
		}
		out = append(out, f)
	}
	return out
}

func TestOneFault(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ text, want string }{
		"syntax":            {"[smtp]\nlisten = [\"a\"\nx", "s.toml:3: smtp.listen: expected a comma (',') or array terminator (']'), but got 'x'"},
		"same key twice":    {"[spool]\ndir = 'a'\ndir = 'b'\n", "s.toml:3: spool.dir: Key 'spool.dir' has already been defined."},
		"unknown section":   {"[smpt]\n", `s.toml:1: smpt: unknown key; did you mean "smtp"?`},
		"far from any":      {"[colour]\n", "s.toml:1: colour: unknown key"},
		"key at the top":    {"listen = 'x'\n", "s.toml:1: listen: unknown key"},
		"section as value":  {"\nsmtp = 'on'\n", "s.toml:2: smtp: want a table [smtp], found a string"},
		"table as route":    {"[route]\nkind='webhook'\n", "s.toml:1: route: want tables [[route]], found a table"},
		"numbers as routes": {"route = [1]\n", "s.toml:1: route[0]: want a table [[route]]"},
		"support a value":   {"[support]\nmain = 1\n", "s.toml:2: support.main: want a table [support.main], found an integer"},
		"list of numbers":   {"[pool]\ndomains = ['example.net', 4]\n", "s.toml:2: pool.domains[1]: want a string, found an integer"},
		"date":              {"[spool]\ndir = 2026-01-01\n", "s.toml:2: spool.dir: want a string, found a date"},
		"boolean":           {"[spool]\nmax_bytes = true\n", `s.toml:2: spool.max_bytes: want a size such as "20GiB", found a boolean`},
		"empty text":        {"[spool]\ndir = ''\n", "s.toml:2: spool.dir: is empty"},
		"both sources":      {"[registry]\ndsn='sqlite:a'\ndsn_file='b'\n", "s.toml:3: registry.dsn_file: registry.dsn is given too; keep one of them"},
		"password in dsn":   {"[registry]\ndsn='mysql://u:p@h/d'\n", "s.toml:2: registry.dsn: holds a password, which may not stand in the configuration; put it into a file and name that in dsn_file"},
		"domain twice":      {"[pool]\ndomains = ['example.net', 'Example.NET.']\n", `s.toml:2: pool.domains: "example.net" is given twice`},
		"dns zone": {
			"[pool]\ndomains=['a.example']\n[dns]\nlisten=['[::1]:53']\nnameservers=['ns.example.net']\n[[dns.zone]]\nname='b.example'\n",
			`s.toml:7: dns.zone[0].name: "b.example" is none of the pool's domains`,
		},
		"dns rate": {
			"[pool]\ndomains=['a.example']\n[dns]\nlisten=['[::1]:53']\nnameservers=['ns.example.net']\nanswers_per_second=-1\n",
			"s.toml:6: dns.answers_per_second: -1 is not between 0 and 1000000",
		},
		"proxy":              {"[pool]\ndomains=['a.example']\n[smtp]\nlisten=['[::1]:25']\nproxy_from=['10.0.0.0/8', 'ten']\n", `s.toml:5: smtp.proxy_from[1]: "ten" is not a network like 192.0.2.0/24`},
		"path of the form":   {"[report]\nlisten='[::1]:0'\npublic_url='https://a.example/help'\n", "s.toml:3: report.public_url: has a path, and the form is always at /report"},
		"acme deaf":          {"[pool]\ndomains=['a.example']\n[smtp]\nlisten=['[::1]:25']\nacme='https://ca.example/dir'\nacme_dir='a'\n", "s.toml:3: smtp.acme_listen: missing, but acme is given"},
		"acme and file":      {"[pool]\ndomains=['a.example']\n[smtp]\nlisten=['[::1]:25']\nacme='https://ca.example/dir'\nacme_dir='a'\nacme_listen=':443'\ntls_cert='c'\ntls_key='k'\n", "s.toml:5: smtp.acme: tls_cert is given too; keep one of them"},
		"lmtp mode":          {"[pool]\ndomains=['a.example']\n[smtp]\nlmtp='a'\nlmtp_mode='0999'\n", `s.toml:5: smtp.lmtp_mode: "0999" is not a file mode like "0660"`},
		"mode of nothing":    {"[pool]\ndomains=['a.example']\n[smtp]\nlisten=['[::1]:25']\nlmtp_mode='0600'\n", "s.toml:3: smtp.lmtp: missing, but lmtp_mode is given"},
		"deaf mail ear":      {"[pool]\ndomains=['a.example']\n[smtp]\n", "s.toml:3: smtp.listen: missing"},
		"no connections":     {"[pool]\ndomains=['a.example']\n[smtp]\nlisten=['[::1]:25']\nconnections=0\n", "s.toml:5: smtp.connections: 0 is not between 1 and 1000000"},
		"ear without pool":   {"[dns]\nlisten=['[::1]:53']\nnameservers=['ns.example.net']\n", "s.toml:1: pool.domains: missing, but [smtp] or [dns] need at least one"},
		"odd port":           {"[admin]\nlisten='h:007'\n", `s.toml:2: admin.listen: "h:007" has an odd port number`},
		"hasty core":         {"[[core.pull]]\nurl='https://e.example:1'\nsilence='1s'\n", "s.toml:3: core.pull[0].silence: 1s is less than 4s"},
		"spool too small":    {"[spool]\nmax_bytes='1KiB'\n", "s.toml:2: spool.max_bytes: 1024 bytes are too few; at least 1MiB"},
		"attribute":          {"[support.a]\ndsn_file='b'\nconnection_attributes=['x']\n", "s.toml:3: support.a.connection_attributes: \"x\": want \"name:value\", without a comma"},
		"driver attribute":   {"[support.a]\ndsn_file='b'\nconnection_attributes=['_os:x']\n", "s.toml:3: support.a.connection_attributes: \"_os:x\": names with _ are the driver's, which sends its own all the same"},
		"zone":               {"[support.a]\ndsn_file='b'\ntime_zone='CET+1'\n", "s.toml:3: support.a.time_zone: \"CET+1\": want a name like \"Europe/Berlin\" or \"UTC\""},
		"zone of here":       {"[support.a]\ndsn_file='b'\ntime_zone='Local'\n", "s.toml:3: support.a.time_zone: \"Local\": want a name like \"Europe/Berlin\" or \"UTC\""},
		"rate not finite":    {"[support.a]\ndsn_file='b'\nchange_rate=nan\n", "s.toml:3: support.a.change_rate: NaN is not above 0 and at most 365"},
		"flag not a flag":    {"[gate]\noff = 'yes'\n", "s.toml:2: gate.off: want true or false, found a string"},
		"gate too small":     {"[gate]\nrows = 10\n", "s.toml:2: gate.rows: 10 is not between 1000 and 250000"},
		"gate below chance":  {"[gate]\nmax_auc = 0.4\n", "s.toml:2: gate.max_auc: 0.4 is not between 0.5 and 1"},
		"line of dotted":     {"# a\npool.accept_one_in = 0\n", "s.toml:2: pool.accept_one_in: 0 is not between 1 and 1048576"},
		"line in inline":     {"\nspool = { max_bytes = 'x' }\n", "s.toml:2: spool.max_bytes: \"x\" is not a size; want a number and B, KB, MB, GB, TB, KiB, MiB, GiB or TiB"},
		"step with no first": {"[[route]]\nkind='webhook'\nurl='https://a.example'\nsecret_file='a'\nafter='5m'\n", "s.toml:5: route[0].after: every route has one: no page would go out at once"},
		"key of another":     {"[[route]]\nkind='webhook'\nurl='https://a.example'\nsecret_file='a'\nack_secret_file='b'\n", "s.toml:5: route[0].ack_secret_file: webhook has none"},
		"slack with both":    {"[[route]]\nkind='slack'\nurl='https://a.example'\nsecret_file='a'\n", "s.toml:3: route[0].url: the secret is the address; only with a channel there is another"},
		"syslog to a page":   {"[[route]]\nkind='syslog'\nurl='https://a.example'\n", "s.toml:3: route[0].url: not an address like udp:// or tcp:// or tls://host:port"},
		"syslog format":      {"[[route]]\nkind='syslog'\nurl='tcp://a.example:514'\nformat='leef'\n", `s.toml:4: route[0].format: "leef" is not known; want rfc5424 or cef`},
		"mail without TLS":   {"[[route]]\nkind='email'\nurl='http://a.example'\nfrom='a@b.example'\nto=['c@d.example']\n", "s.toml:3: route[0].url: not an address like smtp:// or smtps://host:port"},
		"mail to a name":     {"[[route]]\nkind='email'\nurl='smtp://a.example:587'\nfrom='a@b.example'\nto=['c@d.example', 'Dana <e@f.example>']\n", `s.toml:5: route[0].to: "Dana <e@f.example>" is not an address like security@example.net`},
		"mail's password":    {"[[route]]\nkind='email'\nurl='smtp://a.example:587'\nfrom='a@b.example'\nto=['c@d.example']\nuser='u'\n", "s.toml:1: route[0].secret_file: missing: the password of user"},
		"ntfy to nobody":     {"[[route]]\nkind='ntfy'\n", "s.toml:1: route[0].channel: missing"},
		"ntfy topic":         {"[[route]]\nkind='ntfy'\nchannel='a/b'\n", "s.toml:3: route[0].channel: \"a/b\" is not a topic: letters, digits, '_' and '-' only"},
		"two are called":     {"[[route]]\nkind='twilio'\nuser='AC'\nsecret_file='a'\nfrom='+14155550100'\nto=['+14155550101','+14155550102']\n", "s.toml:6: route[0].to: want one number like +14155550100; give each person a route of its own"},
		"hasty pager":        {"[pager]\naccept_within='1ms'\n[[route]]\nkind='pagerduty'\nsecret_file='a'\n", "s.toml:2: pager.accept_within: 1ms is less than 1s"},
		"endless updates":    {"[pager]\nupdate_every='10s'\n", "s.toml:2: pager.update_every: 10s is less than 1m, and not 0 (never)"},
		"a deaf witness":     {"[[witness]]\nkind='file'\n", "s.toml:1: witness[0].path: missing"},
		"a rootless tsa":     {"[[evidence.tsa]]\nurl='http://tsa.example.net'\n", "s.toml:1: evidence.tsa[0].roots_file: missing: the file with the roots that the authority's certificate leads to"},
		"a plain calendar":   {"[evidence]\nots_calendars=['http://calendar.example.net']\n", "s.toml:2: evidence.ots_calendars[0]: want https"},
		"a log's key":        {"[[evidence.witnesses]]\nurl='https://w.example.net'\nkey='example.com/behind-the-sofa+3ad8a913+AQ5ZRhQxI/d6HAzmE1oReclVkm4lG7410shD5BHK1OF8'\n", "s.toml:3: evidence.witnesses[0].key: not a witness's key: its signature type is 1, and 4 (Ed25519 cosignature) is taken"},
		"two of a name":      {"[[evidence.tsa]]\nname='a'\nurl='http://t.example.net'\nroots_file='r'\n[[evidence.tsa]]\nname='a'\nurl='http://u.example.net'\nroots_file='r'\n", "s.toml:6: evidence.tsa[1].name: \"a\" is used twice; give each its own name"},
		"stamps in a rush":   {"[evidence]\nstamp_every='1s'\n", "s.toml:2: evidence.stamp_every: 1s is shorter than a minute"},
		"a plain witness":    {"[[witness]]\nkind='webhook'\nurl='http://witness.example.net/x'\nsecret_file='a'\n", "s.toml:3: witness[0].url: want https: whoever sits between could keep notes back"},
		"a deed by name":     {"[[response]]\non='tripwire'\ncommand=['suspend']\n", "s.toml:3: response[0].command: its first word is not an absolute path; it is run without a shell and without a search path"},
		"no deed":            {"[[response]]\non='verdict:leak'\n", "s.toml:1: response[0].command: missing; want command or url"},
		"two deeds":          {"[[response]]\non='verdict:leak'\ncommand=['/a']\nurl='https://a.example'\n", "s.toml:4: response[0].url: command is given too; keep one of them"},
		"a deed overheard":   {"[[response]]\non='verdict:leak'\nurl='http://a.example'\nsecret_file='a'\n", "s.toml:3: response[0].url: want https: who is suspected is nobody else's business"},
		"a deed on nothing":  {"[[response]]\non='verdict:noise'\ncommand=['/a']\n", `s.toml:2: response[0].on: "verdict:noise" is not known; want verdict:leak or severity:P1 or severity:P2 or tripwire`},
		"an endless deed":    {"[[response]]\non='tripwire'\ncommand=['/a']\ntimeout='1h'\n", "s.toml:4: response[0].timeout: 1h0m0s is not between 1s and 10m"},
		"second of two":      {"[[route]]\nkind='pagerduty'\nsecret_file='a'\n[[route]]\nkind='pagerduty'\nsecret_file='a'\nnmae='x'\n", `s.toml:7: route[1].nmae: unknown key; did you mean "name"?`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := conf.Parse([]byte(tc.text), "s.toml", "/d")
			if err == nil || err.Error() != tc.want {
				t.Errorf("got  %v\nwant %s", err, tc.want)
			}
		})
	}
}

func TestValidateOfAConfigMadeInCode(t *testing.T) {
	t.Parallel()
	c := conf.Default("/srv")
	if err := c.Validate(); err != nil {
		t.Errorf("the default is not valid: %v", err)
	}
	c.API = &conf.API{Listen: "127.0.0.1:0", PublicURL: "http://127.0.0.1"}
	c.Routes = []conf.Route{{Kind: conf.RouteWebhook, Name: "a", URL: "http://x", Secret: conf.NewSecret("s"), MinSeverity: canary.P2}}
	if err := c.Validate(); err != nil {
		t.Errorf("secrets set in code are not taken: %v", err)
	}
	if err := (&conf.Config{}).Validate(); err == nil {
		t.Error("the zero Config is valid")
	}
}

func TestLoadRefusesWhatIsNoFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := conf.Load(dir); err == nil {
		t.Error("a folder loaded")
	}
	if _, err := conf.Load(filepath.Join(dir, "none.toml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if _, err := conf.Load(write(t, dir, "big.toml", strings.Repeat("#\n", 1<<20), 0o600)); err == nil {
		t.Error("2 MiB loaded")
	}
}
