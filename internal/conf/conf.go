// Package conf reads Saltmine's configuration: one strict TOML file, with
// secrets in files of their own.
//
// Strict means that nothing is passed over: a key that is not known is a fault
// (with the nearest known key as a suggestion), a value of the wrong type is a
// fault, and all faults of a file are reported together, each with the file's
// name, the line and the key:
//
//	saltmine.toml:7: smtp.listn: unknown key; did you mean "listen"?
//	saltmine.toml:9: spool.max_bytes: "20 gigs" is not a size; want a number and B, KB, MB, GB, TB, KiB, MiB, GiB or TiB
//
// A section that is absent switches its part off (the pointer is nil);
// [registry], [pool], [spool], [verify], [approval], [pager], [drill] and [gate] always have defaults. Relative paths are taken
// from the folder of the configuration file and are absolute in [Config].
//
// Secrets never stand in the configuration itself. A key that ends in _file
// names a file whose content is the secret; it is refused when group or world
// may read it, or when it is empty. In [Config] it is a [Secret], which prints
// as a mask in every form, so that a configuration can be logged.
//
// The invariant: a [Config] that came from [Load] without error has passed
// [Config.Validate] and holds every secret it names. The package opens no
// network connection and does not judge what only another room can judge (a
// recipe's content, a cron text, a costume's name).
package conf

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"saltmine/internal/inventory"
)

// maxFile bounds the configuration file in bytes.
const maxFile = 1 << 20

// Config is the whole configuration. Sections that are pointers are nil when
// the file does not have them: that part is then not run.
type Config struct {
	Registry   Registry           `json:"registry"`
	Support    map[string]Support `json:"support,omitempty"` // by NAME of [support.NAME]
	Pool       Pool               `json:"pool"`
	SMTP       *SMTP              `json:"smtp,omitempty"`
	DNS        *DNS               `json:"dns,omitempty"`
	Phone      *Phone             `json:"phone,omitempty"`
	Recordings []Recording        `json:"recording,omitempty"`
	Mailbox    *Mailbox           `json:"mailbox,omitempty"`
	Ticket     *Ticket            `json:"ticket,omitempty"`
	Report     *Report            `json:"report,omitempty"`
	API        *API               `json:"api,omitempty"`
	Approval   Approval           `json:"approval"`
	Admin      *Admin             `json:"admin,omitempty"`
	Spool      Spool              `json:"spool"`
	Retention  *Retention         `json:"retention,omitempty"`
	Pager      Pager              `json:"pager"`
	Routes     []Route            `json:"route,omitempty"`
	Witnesses  []Witness          `json:"witness,omitempty"` // [[witness]]
	Responses  []Response         `json:"response,omitempty"`
	Audits     []Audit            `json:"audit,omitempty"` // [[audit]]
	Evidence   Evidence           `json:"evidence"`
	Rotate     *Rotate            `json:"rotate,omitempty"`
	Verify     Verify             `json:"verify"`
	Gate       Gate               `json:"gate"`
	Life       Life               `json:"life"`
	Exclude    *Exclude           `json:"exclude,omitempty"`
	Edge       *Edge              `json:"edge,omitempty"`
	Core       *Core              `json:"core,omitempty"`
	MailAuth   *MailAuth          `json:"mailauth,omitempty"` // [core.mailauth]
	Own        []Own              `json:"own,omitempty"`      // [[own]]
	Deadman    *Deadman           `json:"deadman,omitempty"`
	Drill      Drill              `json:"drill"`

	named []NamedFile
}

// Registry says where the core's database and its keys are.
type Registry struct {
	// DSN is "sqlite:PATH" with PATH absolute, or a MySQL source; see [Source].
	Source Source `json:"dsn"`
	// DSNFile is the file that the source came from; empty when it stood in the
	// configuration.
	DSNFile string `json:"dsn_file,omitempty"`
	// Keys is the folder of the keys.
	Keys string `json:"keys"`
}

// Support is one support database, the place "db:NAME".
type Support struct {
	Source  Source `json:"dsn"`
	DSNFile string `json:"dsn_file"`
	// Recipe is the name of a built-in recipe, or the absolute path of a recipe
	// file, which ends in ".toml". Empty means that inspect must propose one.
	Recipe string `json:"recipe,omitempty"`
	// ChangeRate is how often a customer is taken to change an address, or a
	// number, in a year until that has been measured. Default 0.05.
	ChangeRate float64 `json:"change_rate"`
	// ChangeRateMax bounds the rate at which canaries change their e-mail or
	// phone, as a multiple of the table's own measured rate. Default 1.5.
	ChangeRateMax float64 `json:"change_rate_max"`
	// ReadRateMax is how many rows a second are read at most, as when plant learns
	// what customers are like; 0 is no limit. Default 100,000.
	ReadRateMax int `json:"read_rate_max"`
	// StatementTimeMax is the time after which the server ends a statement of
	// ours that reads. Default 10 s.
	StatementTimeMax time.Duration `json:"statement_time_max"`
	// Attributes are what our sessions say of themselves besides what the driver
	// says: "name:value" each. Administrators see it. Default none.
	Attributes []string `json:"connection_attributes,omitempty"`
	// TimeZone is that in which the application writes its DATETIME and DATE
	// columns, by its name in the IANA database. Default UTC.
	TimeZone string `json:"time_zone"`
}

// Pool is what tokens are made from.
type Pool struct {
	// Domains are owned mail domains, in canonical form.
	Domains []string `json:"domains,omitempty"`
	// Mailboxes is the absolute path of the file of provider mailboxes and seed
	// addresses; see [Mailboxes].
	Mailboxes string `json:"mailboxes,omitempty"`
	// Phones is the absolute path of the file of numbers; see [Phones].
	Phones string `json:"phones,omitempty"`
	// Soak is how long an item rests before its first use. Default 30 days.
	Soak time.Duration `json:"soak"`
	// Quarantine is how long a mailbox or number rests between two rows.
	// Default 30 days.
	Quarantine time.Duration `json:"quarantine"`
	// DomainCapacity is how many planted addresses a domain is to carry at a
	// time. Default 100.
	DomainCapacity int `json:"domain_capacity"`
	// BlockLists are the zones of DNS block lists of domains that pool check
	// asks. Default none: the question tells the list which domains are ours.
	BlockLists []string `json:"block_lists,omitempty"`
	// Disposable is the absolute path of a list of disposable mail domains, one
	// a line.
	Disposable string `json:"disposable,omitempty"`
	// Check says when the pool is looked at from outside.
	Check PoolCheck `json:"check"`
	// PlacebosPerEmail is how many placebos are minted for each planted
	// address on an owned domain. Default 99.
	PlacebosPerEmail int `json:"placebos_per_email"`
	// AcceptOneIn is the rate of the blind acceptance rule: one local part in
	// so many passes. Default 64.
	AcceptOneIn int `json:"accept_one_in"`
	// Accept are other rates for some of the domains, [pool.accept]; 1, or "all",
	// takes every name. Whoever raises one closes the door before canaries.
	Accept map[string]int `json:"accept,omitempty"`
}

// Phone is the webhook ear of the telephony providers.
type Phone struct {
	Listen string `json:"listen"`
	// PublicURL is the address under which the providers reach the ear, without
	// a trailing slash: signatures are made over it.
	PublicURL string     `json:"public_url"`
	Providers []Provider `json:"provider"`
	// Notices are what callers are told before their words are taken down, by the
	// country of the number that they call, "*" for all others; an empty one is none.
	// Default: a sentence in the greeting's language, everywhere.
	Notices map[string]string `json:"notice,omitempty"`
}

// Provider is one telephony provider.
type Provider struct {
	// Kind is "twilio", "signalwire", "telnyx", "vonage", "plivo", "bandwidth",
	// "sinch" or "generic".
	Kind string `json:"kind"`
	// Name tells two providers of one kind apart. Default: the kind.
	Name string `json:"name"`
	// SecretFile holds what the provider signs with: the auth token of Twilio
	// and Plivo, SignalWire's signing key, Vonage's signature secret,
	// Bandwidth's password, Sinch's secret, "whsec_…" for generic. Telnyx has
	// none.
	SecretFile string `json:"secret_file,omitempty"`
	Secret     Secret `json:"secret"`
	// User is Bandwidth's user name, or the key of a Sinch voice application;
	// without it a Sinch provider is that of text messages.
	User string `json:"user,omitempty"`
	// PublicKey is Telnyx's, in base64 as its portal shows it.
	PublicKey string `json:"public_key,omitempty"`
	// SMSSignature is the kind of signature of Vonage's SMS API: "md5hash",
	// "md5", "sha1", "sha256" or "sha512". Without it a Vonage provider is that
	// of the Voice and Messages APIs.
	SMSSignature string `json:"sms_signature,omitempty"`
	// Answer is what a caller gets: "voicemail", "reject" or "silence". Default
	// "voicemail".
	Answer string `json:"answer"`
	// Greeting is what the voicemail says. Default: a text in English that asks
	// who is calling, for whom, and what it is about.
	Greeting string `json:"greeting,omitempty"`
	Language string `json:"language"` // of the greeting; default "en-US"
}

// Ticket is the help desk's tripwire for quoted ticket numbers.
type Ticket struct {
	Listen     string  `json:"listen"`
	AgentsFile string  `json:"agents_file"` // see [Agents]
	Agents     []Agent `json:"agents"`
	// PerMinute and Burst bound what one agent may look up without being told to
	// slow down, on the page without being marked. Default 30 and 10.
	PerMinute int `json:"per_minute"`
	Burst     int `json:"burst"`
}

// API is the console and the HTTP interface.
type API struct {
	Listen string `json:"listen"`
	// PublicURL begins the links in pages, without a trailing slash. Default
	// "http://" and Listen.
	PublicURL string `json:"public_url"`
	// PeopleFile lists who may use it, see [People]. Without one, whoever reaches
	// the listener may read what a responder sees, and nobody may change anything.
	PeopleFile string  `json:"people_file,omitempty"`
	People     []Agent `json:"people,omitempty"`
}

// Admin is the listener of healthz, readyz and metrics.
type Admin struct {
	Listen string `json:"listen"`
}

// Spool is the durable store of contacts.
type Spool struct {
	Dir      string `json:"dir"`       // default "spool/"
	MaxBytes int64  `json:"max_bytes"` // default 20 GiB
}

// Rotate says when tokens are changed in place.
type Rotate struct {
	// Schedule is a cron text of five fields, read in UTC. Default
	// "17 * * * *". Whoever runs it parses it.
	Schedule string `json:"schedule"`
	// Lifetime is how long an address on an owned domain stays in its row at
	// least: longer where change_rate_max asks for it. Default 30 days.
	Lifetime time.Duration `json:"lifetime"`
	// PresenceLifetime is the same for a mailbox or a number, which then rests
	// for the pool's quarantine and stands in another row. Default 7 days.
	PresenceLifetime time.Duration `json:"presence_lifetime"`
	// Horizon is how far back a leak is to be dated. Default 365 days.
	Horizon time.Duration `json:"horizon"`
	// Measure is a cron text like Schedule: when it is measured how often
	// customers change. Default "41 3 * * *".
	Measure string `json:"measure"`
	// MeasureRows is how many customers are watched for that. Default 5,000.
	MeasureRows int `json:"measure_rows"`
}

// DefaultSupport gives what an empty section [support.NAME] gives.
func DefaultSupport() Support {
	return Support{ChangeRate: 0.05, ChangeRateMax: 1.5, ReadRateMax: 100_000, StatementTimeMax: 10 * time.Second, TimeZone: "UTC"}
}

// DefaultRotate gives what an empty section [rotate] gives.
func DefaultRotate() Rotate {
	const day = 24 * time.Hour
	return Rotate{Schedule: "17 * * * *", Lifetime: 30 * day, PresenceLifetime: 7 * day, Horizon: 365 * day, Measure: "41 3 * * *", MeasureRows: 5000}
}

// Default gives what an empty configuration file in dir gives.
func Default(dir string) *Config {
	rules := inventory.Defaults()
	return &Config{
		Registry: Registry{
			Source: Source{Engine: SQLite, Path: filepath.Join(dir, "saltmine.db")},
			Keys:   filepath.Join(dir, "keys"),
		},
		Pool: Pool{
			PlacebosPerEmail: 99, AcceptOneIn: 64,
			Check: defaultPoolCheck(), Soak: rules.Soak, Quarantine: rules.Quarantine, DomainCapacity: rules.Capacity,
		},
		Approval: defaultApproval(), Evidence: defaultEvidence(), Verify: defaultVerify(),
		Life:  defaultLife(),
		Spool: Spool{Dir: filepath.Join(dir, "spool"), MaxBytes: 20 << 30},
		Gate:  Gate{Rows: 20_000, MaxAUC: 0.55},
		Pager: Pager{AcceptWithin: 100 * time.Second, UpdateEvery: 15 * time.Minute},
		Drill: defaultDrill(),
	}
}

// Load reads the file at path, the secrets it names, and validates the whole.
// The error joins every fault that was found; each is a [*Fault].
func Load(path string) (*Config, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	data, err := readBounded(abs, maxFile)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	c, book := read(data, path, filepath.Dir(abs))
	c.loadSecrets(book)
	if err := book.err(); err != nil {
		return nil, err
	}
	return c, nil
}

// Parse reads the bytes of a configuration file called name that lies in dir
// and validates them. It opens no file: secrets stay empty.
func Parse(data []byte, name, dir string) (*Config, error) {
	c, book := read(data, name, dir)
	if err := book.err(); err != nil {
		return nil, err
	}
	return c, nil
}

func read(data []byte, name, dir string) (*Config, *book) {
	b := newBook(name, data)
	c := Default(dir)
	if top := b.top(dir, data); top != nil {
		c.decode(top)
		b.addAll(c.faults())
	}
	c.named = b.named
	return c, b
}

func readBounded(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: %w", path, errNotRegular)
	}
	if info.Size() > limit {
		return nil, fmt.Errorf("%s: %d bytes, at most %d allowed", path, info.Size(), limit)
	}
	return os.ReadFile(path) // the operator names the file
}

var errNotRegular = errors.New("not a regular file")
