package conf

import "time"

// Approval says when a second person has to approve what one asks for.
type Approval struct {
	// SecondPerson is "auto" (as soon as the people file of [api] names more than
	// one), "always" or "never". Default "auto".
	SecondPerson string `json:"second_person"`
	// Valid is how long a request can be approved and used. Default 24 h.
	Valid time.Duration `json:"valid"`
}

// When a second person is wanted.
const (
	SecondAuto   = "auto"
	SecondAlways = "always"
	SecondNever  = "never"
)

// NeedsSecond reports whether a second person has to approve. It is known once
// the people file has been read.
func (c *Config) NeedsSecond() bool {
	switch c.Approval.SecondPerson {
	case SecondAlways:
		return true
	case SecondNever:
		return false
	}
	return c.API != nil && len(c.API.People) > 1
}

func defaultApproval() Approval { return Approval{SecondPerson: SecondAuto, Valid: 24 * time.Hour} }

func (a *Approval) decode(t *table) {
	if t == nil {
		return
	}
	t.text("second_person", &a.SecondPerson)
	t.duration("valid", &a.Valid)
	t.finish()
}

func (c *Config) checkApproval(k *checks) {
	switch c.Approval.SecondPerson {
	case SecondAuto, SecondNever:
	case SecondAlways:
		if c.API == nil || c.API.PeopleFile == "" && len(c.API.People) == 0 {
			k.bad("approval.second_person", "\"always\" wants people who can approve: people_file of [api]")
		}
	default:
		k.bad("approval.second_person", "%q: want \"auto\", \"always\" or \"never\"", c.Approval.SecondPerson)
	}
	if v := c.Approval.Valid; v < time.Minute || v > 30*24*time.Hour {
		k.bad("approval.valid", "%s is not between a minute and 30 days", v)
	}
}
