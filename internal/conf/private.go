package conf

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
)

// minAgentToken is the fewest characters an agent's token may have.
const minAgentToken = 16

var agentForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$`)

// Agent is one help-desk agent, or one program of the help desk, that may
// report quoted ticket numbers.
type Agent struct {
	Name  string `json:"name"`
	Token Secret `json:"token"`
}

// Agents reads an agents file, which is a secret file (see ReadSecret): one
// agent a line, "name token", fields parted by white space; empty lines and
// lines that begin with '#' are passed over.
//
//	# help desk, first floor
//	j.doe 5f0c6f0e2b8a47d1
//	m.roe sha256:9b1d…          (64 digits) the token's hash, as AddAgent writes it
//
// Every bad line is reported, without its token.
func Agents(path string) ([]Agent, error) {
	text, err := readPrivate(path)
	if err != nil {
		return nil, err
	}
	var agents []Agent
	k := &checks{}
	taken := map[string]bool{} // names and tokens
	n := 0
	for line := range strings.Lines(text) {
		n++
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		if fault := agentFault(fields, taken); fault != "" {
			k.bad(fmt.Sprintf("line %d", n), "%s", fault)
			continue
		}
		taken["name "+fields[0]], taken["token "+fields[1]] = true, true
		agents = append(agents, Agent{Name: fields[0], Token: NewSecret(fields[1])})
	}
	if len(k.found) == 0 && len(agents) == 0 {
		k.bad("", "no agent in it")
	}
	if err := joinFaults(k.found); err != nil {
		return nil, fmt.Errorf("agents file %s: %w", path, err)
	}
	return agents, nil
}

// AddAgent puts an agent at the end of an agents file, which is made where there
// is none. The file gets the token's hash alone.
func AddAgent(path, name, hashed string) (err error) {
	var old []Agent
	if _, err := os.Lstat(path); err == nil {
		if old, err = Agents(path); err != nil {
			return err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("agents file: %w", err)
	}
	taken := map[string]bool{}
	for _, a := range old {
		taken["name "+a.Name] = true
	}
	if fault := agentFault([]string{name, hashed}, taken); fault != "" {
		return fmt.Errorf("agents file %s: %s", path, fault)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) // the operator names the file
	if err != nil {
		return fmt.Errorf("agents file: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	// The last line may have no end; an empty one is passed over.
	if _, err := fmt.Fprintf(f, "\n%s %s\n", name, hashed); err != nil {
		return fmt.Errorf("agents file: %w", err)
	}
	return f.Sync()
}

// agentFault says what is wrong with a line, without its token.
func agentFault(fields []string, taken map[string]bool) string {
	switch {
	case len(fields) != 2:
		return fmt.Sprintf("want \"name token\", found %d words", len(fields))
	case !agentForm.MatchString(fields[0]):
		return "the name is not of letters, digits and . _ @ -"
	case len(fields[1]) < minAgentToken:
		return fmt.Sprintf("token of %d characters, at least %d wanted", len(fields[1]), minAgentToken)
	case taken["name "+fields[0]]:
		return fmt.Sprintf("agent %q is named twice", fields[0])
	case taken["token "+fields[1]]:
		return fmt.Sprintf("agent %q has the token of an earlier agent", fields[0])
	}
	return ""
}

// loadSecrets reads every secret file that the configuration names.
func (c *Config) loadSecrets(b *book) {
	if f := c.Registry.DSNFile; f != "" {
		c.Registry.Source = loadSource(b, "registry.dsn_file", f)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Support)) {
		s := c.Support[name]
		if s.DSNFile != "" {
			s.Source = loadSource(b, "support."+name+".dsn_file", s.DSNFile)
			c.Support[name] = s
		}
	}
	if c.Phone != nil {
		for i := range c.Phone.Providers {
			p := &c.Phone.Providers[i]
			p.Secret = loadSecret(b, fmt.Sprintf("phone.provider[%d].secret_file", i), p.SecretFile)
		}
	}
	c.loadRecordings(b)
	if c.Ticket != nil {
		loadAgents(b, "ticket.agents_file", c.Ticket.AgentsFile, &c.Ticket.Agents)
	}
	if c.Exclude != nil {
		loadAgents(b, "exclude.callers_file", c.Exclude.CallersFile, &c.Exclude.Callers)
	}
	for i := range c.Routes {
		r := &c.Routes[i]
		r.Secret = loadSecret(b, fmt.Sprintf("route[%d].secret_file", i), r.SecretFile)
	}
}

func loadAgents(b *book, key, path string, into *[]Agent) {
	if path == "" { // validation says so
		return
	}
	var err error
	if *into, err = Agents(path); err != nil {
		b.addErr(key, err)
	}
}

func loadSecret(b *book, key, path string) Secret {
	if path == "" { // validation says so
		return Secret{}
	}
	s, err := ReadSecret(path)
	if err != nil {
		b.addErr(key, err)
	}
	return s
}

func loadSource(b *book, key, path string) Source {
	s := loadSecret(b, key, path)
	if s.IsZero() {
		return Source{}
	}
	dir := ""
	if i := strings.LastIndexByte(path, '/'); i > 0 {
		dir = path[:i]
	}
	src, err := ParseSource(strings.TrimSpace(s.Reveal()), dir)
	if err != nil {
		b.addErr(key, fmt.Errorf("%s: %w", path, err))
	}
	return src
}
