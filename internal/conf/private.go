package conf

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

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
	c.Report.loadAgents(b)
	if c.API != nil && c.API.PeopleFile != "" {
		var err error
		if c.API.People, err = People(c.API.PeopleFile); err != nil {
			b.addErr("api.people_file", err)
		}
	}
	if c.Exclude != nil {
		loadAgents(b, "exclude.callers_file", c.Exclude.CallersFile, &c.Exclude.Callers)
	}
	c.Deadman.loadPing(b)
	for i := range c.Routes {
		r := &c.Routes[i]
		r.Secret = loadSecret(b, fmt.Sprintf("route[%d].secret_file", i), r.SecretFile)
		r.AckSecret = loadSecret(b, fmt.Sprintf("route[%d].ack_secret_file", i), r.AckSecretFile)
	}
	c.loadWitnesses(b)
	c.loadResponses(b)
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
