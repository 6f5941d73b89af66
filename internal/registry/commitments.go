package registry

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"saltmine/internal/canary"
	"saltmine/internal/disclosure"
)

// Whatever is registered is committed to in the same transaction, see package
// disclosure: what Intend registers, and the tokens and placebos that an amendment
// brings. The act has the root and the counts; the secret of the salts and the leaves
// of canaries are sealed here. Placebos are not kept twice: the commitment says which
// cohort stands where, and a cohort is never written again.

// committed is one or several leaves of a commitment, in their order.
type committed struct {
	Canary canary.ID `json:"canary,omitempty"`
	Leaf   string    `json:"leaf,omitempty"`
	Cohort *cohortID `json:"cohort,omitempty"`
}

type cohortID struct {
	Mark   int32       `json:"mark"`
	Canary canary.ID   `json:"canary"`
	Kind   canary.Kind `json:"kind"`
}

// commitCard is the sealed part of a commitment.
type commitCard struct {
	Salts  []byte      `json:"salts"` // the secret that they come from
	Leaves []committed `json:"leaves"`
}

func commitField(id string) string { return "commitments|" + id }

// commitment gathers the leaves of one registration.
type commitment struct {
	tree *disclosure.Tree
	card commitCard
}

func (c *commitment) begin() *commitment {
	if c.tree == nil {
		c.card.Salts = make([]byte, disclosure.SaltSize)
		rand.Read(c.card.Salts) // never fails since Go 1.24
		c.tree = disclosure.NewTree(c.card.Salts)
	}
	return c
}

// addCanary commits to the tokens of a canary that are registered.
func (c *commitment) addCanary(o owner, tokens []canary.DatedToken) error {
	if len(tokens) == 0 {
		return nil
	}
	l := disclosure.Leaf{Role: canary.RolePlanted, Canary: o.id, Place: o.place}
	for i := range tokens {
		t := &tokens[i]
		l.Tokens = append(l.Tokens, disclosure.Token{ID: t.ID, Kind: t.Kind, Text: t.Text, From: t.Window.From})
	}
	text, err := c.begin().tree.Add(&l)
	if err != nil {
		return err
	}
	c.card.Leaves = append(c.card.Leaves, committed{Canary: o.id, Leaf: string(text)})
	return nil
}

// addCohort commits to the placebos of a cohort.
func (c *commitment) addCohort(id cohortID, list []canary.Token) error {
	for _, t := range list {
		if err := addPlacebo(c.begin().tree, t); err != nil {
			return err
		}
	}
	c.card.Leaves = append(c.card.Leaves, committed{Cohort: &id})
	return nil
}

func addPlacebo(tree *disclosure.Tree, t canary.Token) error {
	_, err := tree.Add(&disclosure.Leaf{Role: canary.RolePlacebo, Tokens: []disclosure.Token{{ID: t.ID, Kind: t.Kind, Text: t.Text}}})
	return err
}

// write keeps the commitment and puts it on the evidence log, as the last thing of its
// transaction.
func (c *commitment) write(ctx context.Context, r *Registry, tx *sql.Tx) error {
	if c.tree == nil {
		return nil
	}
	statement := c.tree.Statement()
	body, err := json.Marshal(c.card)
	if err != nil {
		return err
	}
	id := canary.NewID("m")
	if _, err := tx.ExecContext(ctx, "INSERT INTO commitments (id, sealed) VALUES (?,?)", id, r.vault.Seal(commitField(id), body)); err != nil {
		return err
	}
	var args []any
	for _, l := range c.card.Leaves {
		if l.Canary != "" {
			args = append(args, l.Canary, id)
		}
	}
	if err := insertRows(ctx, tx, "commitment_canaries (canary, commitment)", 2, args); err != nil {
		return err
	}
	return r.record(ctx, tx, canary.Act{Who: "-", Via: "registry", What: canary.ActCommit, About: id, Outcome: statement.String()})
}

// Commitments gives, of each commitment in which a canary stands, the proof that it
// does, the oldest first. Who is shown one knows the canary's tokens: the caller puts
// that on the record.
func (r *Registry) Commitments(ctx context.Context, id canary.ID) ([]disclosure.Shown, error) {
	var acts []canary.Act
	err := eachAct(ctx, r.db, "what = ? AND about IN (SELECT commitment FROM commitment_canaries WHERE canary = ?) ORDER BY seq", []any{canary.ActCommit, id}, func(a canary.Act) error {
		acts = append(acts, a)
		return nil
	})
	if err == nil && len(acts) == 0 {
		err = fmt.Errorf("registry: commitments to %s: %w", id, ErrNotFound)
	}
	var list []disclosure.Shown
	for _, a := range acts {
		shown, err := r.show(ctx, a, id)
		if err != nil {
			return nil, fmt.Errorf("registry: commitment %s: %w", a.About, err)
		}
		list = append(list, shown)
	}
	return list, err
}

func (r *Registry) show(ctx context.Context, a canary.Act, id canary.ID) (s disclosure.Shown, err error) {
	card, err := r.commitCard(ctx, a.About)
	if err != nil {
		return s, err
	}
	tree := disclosure.NewTree(card.Salts)
	at, text := int64(-1), ""
	for _, l := range card.Leaves {
		if l.Canary == id {
			at, text = tree.Len(), l.Leaf
		}
		if err := r.addAgain(ctx, tree, &l); err != nil {
			return s, err
		}
	}
	if at < 0 || tree.Statement().String() != a.Outcome {
		return s, fmt.Errorf("%w: what is registered is not what was committed to", ErrTampered)
	}
	if s, err = tree.Show(a, at, []byte(text)); err != nil {
		return s, err
	}
	return s, r.onLog(ctx, a, &s)
}

func (r *Registry) commitCard(ctx context.Context, id string) (c commitCard, err error) {
	var sealed []byte
	err = r.db.QueryRowContext(ctx, "SELECT sealed FROM commitments WHERE id = ?", id).Scan(&sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return c, fmt.Errorf("%w: it is gone", ErrTampered)
	}
	if err != nil {
		return c, err
	}
	body, err := r.vault.Open(commitField(id), sealed)
	if err != nil {
		return c, err
	}
	return c, json.Unmarshal(body, &c)
}

// addAgain puts leaves into a tree as they were put there first.
func (r *Registry) addAgain(ctx context.Context, tree *disclosure.Tree, l *committed) error {
	if l.Cohort == nil {
		tree.AddText(canary.RolePlanted, "", []byte(l.Leaf))
		return nil
	}
	var fault error
	err := r.eachPlacebo(ctx, l.Cohort.Mark, l.Cohort.Kind, func(id canary.ID, t canary.Token) {
		if id == l.Cohort.Canary && fault == nil {
			fault = addPlacebo(tree, t)
		}
	})
	return errors.Join(err, fault)
}
