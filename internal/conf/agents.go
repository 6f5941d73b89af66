package conf

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"

	"saltmine/internal/people"
)

// minAgentToken is the fewest characters an agent's token may have.
const minAgentToken = 16

var agentForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$`)

// Roles are what a person of [api] may be, see package people.
func Roles() []string {
	return []string{string(people.Responder), string(people.Seeder), string(people.Forensics), string(people.Auditor)}
}

// Agent is one help-desk agent, or one program of the help desk, that may
// report quoted ticket numbers; or one person of the console.
type Agent struct {
	Name  string `json:"name"`
	Token Secret `json:"token"`
	// Roles are a person's, from Roles; an agent has none.
	Roles []string `json:"roles,omitempty"`
}

// maxLookUps bounds what one agent may look up in a minute: a person is far below it.
const maxLookUps = 10_000

func (k *checks) ticket(t *Ticket) {
	k.listen("ticket.listen", t.Listen)
	for key, n := range map[string]int{"ticket.per_minute": t.PerMinute, "ticket.burst": t.Burst} {
		if n < 1 || n > maxLookUps {
			k.bad(key, "%d is not between 1 and %d", n, maxLookUps)
		}
	}
	if t.AgentsFile == "" && len(t.Agents) == 0 {
		k.bad("ticket.agents_file", "missing")
	}
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
func Agents(path string) ([]Agent, error) { return readAgents(path, false) }

// People reads a people file, which is an agents file with the person's roles as
// a third field: "d.ops sha256:9b1d… responder,auditor".
func People(path string) ([]Agent, error) { return readAgents(path, true) }

func readAgents(path string, roles bool) ([]Agent, error) {
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
		if fault := agentFault(fields, roles, taken); fault != "" {
			k.bad(fmt.Sprintf("line %d", n), "%s", fault)
			continue
		}
		taken["name "+fields[0]], taken["token "+fields[1]] = true, true
		a := Agent{Name: fields[0], Token: NewSecret(fields[1])}
		if roles {
			a.Roles = strings.Split(fields[2], ",")
		}
		agents = append(agents, a)
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
// is none; with roles, a person at the end of a people file. The file gets the
// token's hash alone.
func AddAgent(path, name, hashed string, roles ...string) (err error) {
	var old []Agent
	if _, err := os.Lstat(path); err == nil {
		if old, err = readAgents(path, len(roles) > 0); err != nil {
			return err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("agents file: %w", err)
	}
	taken := map[string]bool{}
	for _, a := range old {
		taken["name "+a.Name] = true
	}
	fields := []string{name, hashed}
	if len(roles) > 0 {
		fields = append(fields, strings.Join(roles, ","))
	}
	if fault := agentFault(fields, len(roles) > 0, taken); fault != "" {
		return fmt.Errorf("agents file %s: %s", path, fault)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) // the operator names the file
	if err != nil {
		return fmt.Errorf("agents file: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	// The last line may have no end; an empty one is passed over.
	if _, err := fmt.Fprintf(f, "\n%s\n", strings.Join(fields, " ")); err != nil {
		return fmt.Errorf("agents file: %w", err)
	}
	return f.Sync()
}

// agentFault says what is wrong with a line, without its token.
func agentFault(fields []string, roles bool, taken map[string]bool) string {
	want, words := 2, "name token"
	if roles {
		want, words = 3, "name token role,role"
	}
	switch {
	case len(fields) != want:
		return fmt.Sprintf("want %q, found %d words", words, len(fields))
	case !agentForm.MatchString(fields[0]):
		return "the name is not of letters, digits and . _ @ -"
	case len(fields[1]) < minAgentToken:
		return fmt.Sprintf("token of %d characters, at least %d wanted", len(fields[1]), minAgentToken)
	case taken["name "+fields[0]]:
		return fmt.Sprintf("agent %q is named twice", fields[0])
	case taken["token "+fields[1]]:
		return fmt.Sprintf("agent %q has the token of an earlier agent", fields[0])
	}
	if roles {
		return roleFault(fields[2])
	}
	return ""
}

func roleFault(list string) string {
	for role := range strings.SplitSeq(list, ",") {
		if !slices.Contains(Roles(), role) {
			return fmt.Sprintf("role %q is none of %s", role, strings.Join(Roles(), ", "))
		}
	}
	return ""
}
