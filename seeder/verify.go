package seeder

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"saltmine/internal/canary"
	"saltmine/internal/token"
	"saltmine/seeder/supportdb"
)

// VerifyConfig says which canaries to read back. Zero fields choose all that
// stand in the seeder's place.
type VerifyConfig struct {
	Batch    canary.BatchID
	IDs      []canary.ID
	Progress func(done, total int) // may be nil
}

// VerifyReport says what stands and what does not.
type VerifyReport struct {
	Checked  int       `json:"checked"`
	Verified int       `json:"verified"` // found as registered
	Findings []Finding `json:"findings,omitempty"`
}

// checkGroup is the number of canaries that are read back together.
const checkGroup = 200

// Verify reads every planted canary back and compares it with the registry:
// address, name, phone number, tickets, and that no other row has the address.
// What is as it should be becomes verified. It changes nothing in the support
// database. Run it again after the support database was restarted or restored.
func (s *Seeder) Verify(ctx context.Context, cfg VerifyConfig) (VerifyReport, error) {
	var report VerifyReport
	all, err := s.standing(ctx, cfg.Batch, cfg.IDs)
	if err != nil {
		return report, fmt.Errorf("verify: %w", err)
	}
	for group := range slices.Chunk(all, checkGroup) {
		if err := s.verifyGroup(ctx, group, &report); err != nil {
			return report, fmt.Errorf("verify: %w", err)
		}
		if cfg.Progress != nil {
			cfg.Progress(report.Checked, len(all))
		}
	}
	return report, nil
}

// standing lists the canaries that should stand in the support database.
func (s *Seeder) standing(ctx context.Context, batch canary.BatchID, ids []canary.ID) ([]canary.Planting, error) {
	all, err := s.cfg.Ledger.Plantings(ctx, canary.Filter{
		Place: s.cfg.Place, Batch: batch, IDs: ids, States: []canary.State{canary.Planted, canary.Verified},
	})
	if err != nil {
		return nil, fmt.Errorf("read the registry: %w", err)
	}
	return all, nil
}

// subject is a canary with its decoded rows and keys, and the row that stands.
type subject struct {
	p     *canary.Planting
	image supportdb.Image
	keys  supportdb.Keys
	row   *supportdb.Record // nil when it is gone
}

// subjects decodes plantings and reads their rows.
func (s *Seeder) subjects(ctx context.Context, group []canary.Planting) ([]subject, error) {
	out := make([]subject, len(group))
	ids := make([]string, len(group))
	for i := range group {
		image, err := supportdb.DecodeImage(group[i].Rows)
		if err != nil {
			return nil, fmt.Errorf("canary %s: %w", group[i].ID, err)
		}
		keys, err := supportdb.DecodeKeys(group[i].Keys)
		if err != nil {
			return nil, fmt.Errorf("canary %s: %w", group[i].ID, err)
		}
		out[i] = subject{p: &group[i], image: image, keys: keys}
		ids[i] = image.CustomerKey(keys)
	}
	rows, err := s.cfg.Desk.Read(ctx, ids)
	if err != nil {
		return nil, err
	}
	byKey := map[string]*supportdb.Record{}
	for i := range rows {
		byKey[rows[i].Key] = &rows[i]
	}
	for i := range out {
		out[i].row = byKey[ids[i]]
	}
	return out, nil
}

func (s *Seeder) verifyGroup(ctx context.Context, group []canary.Planting, report *VerifyReport) error {
	subjects, err := s.subjects(ctx, group)
	if err != nil {
		return err
	}
	email, _ := s.cfg.Desk.Fact("email")
	var emails []string
	for i := range subjects {
		emails = append(emails, s.fact(&subjects[i].image, "email").Text())
	}
	rows, err := s.cfg.Desk.Taken(ctx, email, emails)
	if err != nil {
		return err
	}
	var found []canary.Amendment
	for i := range subjects {
		findings := s.compare(&subjects[i])
		twice := len(slices.DeleteFunc(slices.Clone(rows), func(r string) bool { return !sameEmail(r, emails[i]) }))
		if twice > 1 {
			findings = append(findings, Finding{Canary: subjects[i].p.ID, Problem: Duplicate, Kind: canary.Email, Detail: fmt.Sprintf("%d rows have the address", twice)})
		}
		report.Checked++
		report.Findings = append(report.Findings, findings...)
		if len(findings) > 0 {
			continue
		}
		if subjects[i].p.State != canary.Verified {
			found = append(found, canary.Amendment{Canary: subjects[i].p.ID, State: canary.Verified})
		}
		report.Verified++
	}
	if len(found) == 0 {
		return nil
	}
	if err := s.amend(ctx, found...); err != nil {
		return fmt.Errorf("register as verified: %w", err)
	}
	return nil
}

// compare lists what of a canary is not as it was written.
func (s *Seeder) compare(c *subject) []Finding {
	if c.row == nil {
		return []Finding{{Canary: c.p.ID, Problem: Missing, Detail: "the customer row is gone"}}
	}
	var out []Finding
	for _, f := range []struct {
		word string
		kind canary.Kind
	}{{"email", canary.Email}, {"phone", canary.Phone}, {"name", ""}, {"first_name", ""}, {"last_name", ""}} {
		at, named := s.cfg.Desk.Fact(f.word)
		if !named || s.asWritten(c, f.word, f.kind) {
			continue
		}
		out = append(out, Finding{Canary: c.p.ID, Problem: Changed, Kind: f.kind, Column: at.Column, Detail: "the value is not the one that was written"})
	}
	return append(out, s.compareTickets(c)...)
}

// asWritten compares a fact with the image. While a rotation is unfinished
// the image is the new row, and the old value may still stand.
func (s *Seeder) asWritten(c *subject, word string, kind canary.Kind) bool {
	was, is := s.fact(&c.image, word), s.fact(&c.row.Image, word)
	if was.IsNull() == is.IsNull() && supportdb.SameText(was.Text(), is.Text()) {
		return true
	}
	old, _, pending := unfinished(c.p, kind)
	return pending && represents(kind, old.Text, is.Text())
}

func (s *Seeder) compareTickets(c *subject) []Finding {
	numbers := map[string]bool{}
	for _, number := range s.numbersOf(&c.row.Image) {
		if canon, err := token.Canon(canary.Ticket, number); err == nil {
			numbers[canon] = true
		}
	}
	var out []Finding
	for _, t := range c.p.Tokens {
		if t.Kind == canary.Ticket && t.Window.Until.IsZero() && !numbers[t.Text] {
			out = append(out, Finding{Canary: c.p.ID, Problem: Missing, Kind: canary.Ticket, Detail: "no ticket of this customer has the number"})
		}
	}
	return out
}

// represents reports whether a stored value is a spelling of a token's text. A
// number in national form is told by its last digits.
func represents(kind canary.Kind, canon, stored string) bool {
	if got, err := token.Canon(kind, stored); err == nil && got == canon {
		return true
	}
	if kind != canary.Phone {
		return false
	}
	digits := strings.TrimLeft(strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, stored), "0")
	return len(digits) >= 6 && strings.HasSuffix(canon, digits)
}
