package registry

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"saltmine/internal/canary"
	"saltmine/internal/evidence"
)

// The evidence log is the table of acts, which is only ever added to. Each act
// has a number, one more than the last, and a link: the keyed hash (blind index,
// kind "act") of the link before it, a line feed, the act as JSON without its
// own link, a line feed, and the act's salt. The number and link of the last are sealed in a row of their own.
//
// So whoever can write to the database and has not the keys can change, take out,
// put in or cut off nothing that CheckActs would not find, but for one thing: to
// put back an older copy of both tables. Against that helps a head that was noted
// elsewhere; serve logs it. What those can check who have no keys is in tree.go.

// ErrTampered is returned when the evidence log is not as it was written.
var ErrTampered = errors.New("the evidence log has been changed")

// By says who does something, and how it came.
type By struct {
	Who, Via string
	// Approval is under which a second person has let them; empty where none is
	// needed. It is used up by what is done.
	Approval canary.ApprovalID
	// Version is what an incident was when it was shown to them, see [Case]. Where
	// it has changed since, nothing is done: [ErrStale]. Empty: whatever it is.
	Version string
}

// Head is the end of the evidence log.
type Head struct {
	Seq  int64  `json:"seq"` // 0 while it is empty
	Link string `json:"link"`
}

// String gives what can be noted elsewhere and compared later.
func (h Head) String() string { return fmt.Sprintf("%d:%s", h.Seq, h.Link) }

// beginActs seals the end of the log of a registry that holds nothing yet. Later an
// end that is not sealed is one that somebody has taken away.
func (r *Registry) beginActs(ctx context.Context) error {
	_, err := r.db.ExecContext(ctx, `UPDATE act_head SET sealed = ? WHERE id = 1 AND sealed = '' AND NOT EXISTS (SELECT 1 FROM acts)
		AND NOT EXISTS (SELECT 1 FROM canaries) AND NOT EXISTS (SELECT 1 FROM contacts)`, r.vault.Seal("acts|head", []byte(Head{}.String())))
	if err != nil {
		return fmt.Errorf("begin the evidence log: %w", err)
	}
	return nil
}

// Record puts an act at the end of the evidence log. Number, time and link are
// given here.
func (r *Registry) Record(ctx context.Context, a canary.Act) error {
	return r.inTx(ctx, func(tx *sql.Tx) error { return r.record(ctx, tx, a) })
}

// RecordUnder puts an act on the evidence log that a second person may have had to
// approve, and uses the approval up.
func (r *Registry) RecordUnder(ctx context.Context, by By, a canary.Act) error {
	return r.inTx(ctx, func(tx *sql.Tx) (err error) {
		a.Who, a.Via = by.Who, by.Via
		if a.Outcome, err = r.underApproval(ctx, tx, by, a.Outcome); err != nil {
			return err
		}
		return r.record(ctx, tx, a)
	})
}

// record is the last thing that a transaction does: every other one that records
// waits for it from here on.
func (r *Registry) record(ctx context.Context, tx *sql.Tx, a canary.Act) error {
	head, err := r.lockHead(ctx, tx)
	if err != nil {
		return fmt.Errorf("registry: evidence log: %w", err)
	}
	a.Seq, a.At = head.Seq+1, canary.Micro(r.now())
	a.Who, a.Via, a.What, a.About, a.Outcome = short(a.Who, 200), short(a.Via, 64), short(a.What, 200), short(a.About, 200), short(a.Outcome, 200)
	a.Salt = hex.EncodeToString(evidence.NewSalt())
	if a.Link, err = r.linkOf(head.Link, a); err != nil {
		return fmt.Errorf("registry: evidence log: %w", err)
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO acts (seq, done, who, via, what, about, outcome, link, salt) VALUES (?,?,?,?,?,?,?,?,?)",
		a.Seq, micros(a.At), a.Who, a.Via, a.What, a.About, a.Outcome, a.Link, a.Salt)
	if err == nil {
		sealed := r.vault.Seal("acts|head", []byte(Head{a.Seq, a.Link}.String()))
		err = one(tx.ExecContext(ctx, "UPDATE act_head SET sealed = ? WHERE id = 1", sealed))
	}
	if err != nil {
		return fmt.Errorf("registry: evidence log: %w", err)
	}
	return nil
}

// short cuts a text to so many characters and makes it one that every database
// gives back as it is.
func short(s string, n int) string {
	s = strings.Map(func(c rune) rune {
		if c == utf8.RuneError || c < ' ' || c == 0x7f {
			return '?'
		}
		return c
	}, s)
	if utf8.RuneCountInString(s) > n {
		s = string([]rune(s)[:n])
	}
	return s
}

func (r *Registry) linkOf(before string, a canary.Act) (string, error) {
	a.Link = ""
	text, err := json.Marshal(a)
	return r.vault.Blind("act", before+"\n"+string(text)+"\n"+a.Salt), err
}

// lockHead reads the end of the log, where nobody else may add until the end of
// the transaction.
func (r *Registry) lockHead(ctx context.Context, tx *sql.Tx) (Head, error) {
	return r.openHead(tx.QueryRowContext(ctx, r.locking("SELECT sealed FROM act_head WHERE id = 1")))
}

func (r *Registry) openHead(row scanner) (h Head, err error) {
	var sealed []byte
	if err := row.Scan(&sealed); err != nil {
		if errors.Is(err, sql.ErrNoRows) {
			err = fmt.Errorf("%w: its end is gone", ErrTampered)
		}
		return h, err
	}
	if len(sealed) == 0 {
		return h, fmt.Errorf("%w: its end was emptied", ErrTampered)
	}
	plain, err := r.vault.Open("acts|head", sealed)
	if err != nil {
		return h, fmt.Errorf("%w: its end: %w", ErrTampered, err)
	}
	seq, link, _ := strings.Cut(string(plain), ":")
	h.Link = link
	_, err = fmt.Sscan(seq, &h.Seq)
	return h, err
}

// ActsHead returns the end of the evidence log.
func (r *Registry) ActsHead(ctx context.Context) (Head, error) {
	h, err := r.openHead(r.db.QueryRowContext(ctx, "SELECT sealed FROM act_head WHERE id = 1"))
	if err != nil {
		return h, fmt.Errorf("registry: evidence log: %w", err)
	}
	return h, nil
}

// ActFilter chooses acts. Zero fields choose all.
type ActFilter struct {
	About  string
	Who    string
	What   []string // any of these
	Before int64    // only those with a lower number
	Filed  bool     // also what Saltmine does by itself, which is much: filed, sent, windows
	Limit  int      // at most so many; 0 is no limit
}

// Acts returns acts, the last first.
func (r *Registry) Acts(ctx context.Context, f ActFilter) ([]canary.Act, error) {
	where, args := "1=1", []any(nil)
	add := func(condition string, value any) { where, args = where+" AND "+condition, append(args, value) }
	if f.About != "" {
		add("about = ?", f.About)
	}
	if f.Who != "" {
		add("who = ?", f.Who)
	}
	if len(f.What) > 0 {
		where += " AND what IN (" + marks(len(f.What)) + ")"
		for _, w := range f.What {
			args = append(args, w)
		}
	}
	if f.Before > 0 {
		add("seq < ?", f.Before)
	}
	if !f.Filed {
		where += " AND what NOT IN ('" + actFiled + "', '" + actSent + "', '" + actWindows + "')"
	}
	where += " ORDER BY seq DESC"
	if f.Limit > 0 {
		where, args = where+" LIMIT ?", append(args, f.Limit)
	}
	var list []canary.Act
	err := eachAct(ctx, r.db, where, args, func(a canary.Act) error {
		list = append(list, a)
		return nil
	})
	return list, err
}

func eachAct(ctx context.Context, q querier, where string, args []any, fn func(canary.Act) error) error {
	err := eachOf(ctx, q, "SELECT seq, done, who, via, what, about, outcome, link, salt FROM acts WHERE "+where, args, func(row *sql.Rows) error {
		var a canary.Act
		var at int64
		if err := row.Scan(&a.Seq, &at, &a.Who, &a.Via, &a.What, &a.About, &a.Outcome, &a.Link, &a.Salt); err != nil {
			return err
		}
		a.At = fromMicros(at)
		return fn(a)
	})
	if err != nil {
		return fmt.Errorf("registry: evidence log: %w", err)
	}
	return nil
}

// CheckActs reads the whole evidence log and returns its end. It is [ErrTampered]
// when an act is not as it was written, or one is missing, and when the heads
// that were noted earlier do not stand in it: then it names the first place, between two
// of them.
func (r *Registry) CheckActs(ctx context.Context, noted ...Head) (Head, error) {
	// Acts are added meanwhile: there are at least those of this end.
	end, err := r.ActsHead(ctx)
	if err != nil {
		return end, err
	}
	s := scan{r: r, end: end, want: map[int64]string{}}
	for _, h := range noted {
		if other, twice := s.want[h.Seq]; twice && other != h.Link {
			return end, fmt.Errorf("registry: %w: act %d has another link than was noted", ErrTampered, h.Seq)
		}
		s.want[h.Seq] = h.Link
	}
	if _, twice := s.want[end.Seq]; !twice { // else the first that is not as noted is looked for
		s.want[end.Seq] = end.Link
	}
	delete(s.want, 0)
	err = eachAct(ctx, r.db, "1=1 ORDER BY seq", nil, s.take)
	if err != nil {
		return end, err
	}
	if len(s.want) > 0 {
		return end, fmt.Errorf("registry: %w: it ends at act %d, and there was an act %d", ErrTampered, s.last.Seq, slices.Min(slices.Collect(maps.Keys(s.want))))
	}
	return end, nil
}

// scan holds the acts, one after another, against what was noted.
type scan struct {
	r          *Registry
	end        Head
	want       map[int64]string // of the heads that have not come yet
	last, good Head             // the last act, and the last that is as it was noted
}

func (s *scan) take(a canary.Act) error {
	link, err := s.r.linkOf(s.last.Link, a)
	if err != nil {
		return err
	}
	noted, ends := s.want[a.Seq]
	switch {
	case a.Seq != s.last.Seq+1:
		return fmt.Errorf("%w: act %d is missing", ErrTampered, s.last.Seq+1)
	case a.Link != link:
		return fmt.Errorf("%w: act %d is not as it was written", ErrTampered, a.Seq)
	case ends && noted != link:
		return fmt.Errorf("%w: act %d has another link than was noted: acts %d to %d are not all as they were", ErrTampered, a.Seq, s.good.Seq+1, a.Seq)
	case a.Seq == s.end.Seq && link != s.end.Link:
		return fmt.Errorf("%w: act %d is not the one that it ended with", ErrTampered, a.Seq)
	case ends:
		s.good = Head{a.Seq, a.Link}
	}
	delete(s.want, a.Seq)
	s.last = Head{a.Seq, a.Link}
	return nil
}
