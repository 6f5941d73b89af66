package registry

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"saltmine/internal/canary"
	"saltmine/internal/evidence"
)

// What a token's window is changed to, when it was planted and when it was rotated out,
// is committed to: the changes of one transaction share an act, "windows", which stands
// for a list of a line for each (see [evidence.Line]). What a line stands for is a text
// with a salt of its own, which is kept with the window, sealed; so one window can be
// shown, and from the lists alone none can be guessed. The beginning that was announced
// when the token was registered is in its commitment (commitments.go).

// sealedWindow is what is sealed of a window.
type sealedWindow struct {
	canary.Window
	List string `json:"list,omitempty"` // empty: it is as it was registered
	Salt string `json:"salt,omitempty"`
}

// windowText is what is committed to.
func windowText(id canary.TokenID, owner canary.ID, w sealedWindow) ([]byte, error) {
	text, err := json.Marshal(struct {
		Token  canary.TokenID `json:"token"`
		Canary canary.ID      `json:"canary"`
		Window canary.Window  `json:"window"`
		Salt   string         `json:"salt"`
	}{id, owner, w.Window, w.Salt})
	return append(text, '\n'), err
}

func windowLine(id canary.TokenID, text []byte) string {
	sum := sha256.Sum256(text)
	return evidence.Line(string(id), hex.EncodeToString(sum[:]))
}

// windowList gathers the changes of one transaction.
type windowList struct {
	id    string
	lines []string
}

// seal commits to a window, and seals it.
func (l *windowList) seal(r *Registry, id canary.TokenID, owner canary.ID, window canary.Window) ([]byte, error) {
	if err := window.Validate(); err != nil {
		return nil, err
	}
	if l.id == "" {
		l.id = canary.NewID("w")
	}
	w := sealedWindow{window, l.id, hex.EncodeToString(evidence.NewSalt())}
	text, err := windowText(id, owner, w)
	if err != nil {
		return nil, err
	}
	l.lines = append(l.lines, windowLine(id, text))
	body, err := json.Marshal(w)
	if err != nil {
		return nil, err
	}
	return r.vault.Seal(tokenField(id, "window"), body), nil
}

// write keeps the list and puts it on the evidence log, as the last thing of its
// transaction.
func (l *windowList) write(ctx context.Context, r *Registry, tx *sql.Tx) error {
	if l.id == "" {
		return nil
	}
	slices.Sort(l.lines)
	if _, err := tx.ExecContext(ctx, "INSERT INTO window_lists (id, hashes) VALUES (?,?)", l.id, []byte(strings.Join(l.lines, "\n"))); err != nil {
		return err
	}
	return r.record(ctx, tx, canary.Act{Who: "-", Via: "registry", What: actWindows, About: l.id, Outcome: evidence.ListHash(l.lines)})
}

// windowLines are those of a list; none where there is no such.
func windowLines(ctx context.Context, q querier, id string) ([]string, error) {
	var hashes []byte
	err := q.QueryRowContext(ctx, "SELECT hashes FROM window_lists WHERE id = ?", id).Scan(&hashes)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return strings.Split(string(hashes), "\n"), err
}

// WindowProof is the text that stands for a token's window, and where.
type WindowProof struct {
	Text []byte
	FiledProof
}

// WindowProof proves of a token that its window was put to what it is when the act was
// written. It is [ErrNotFound] where it is as it was registered.
func (r *Registry) WindowProof(ctx context.Context, id canary.TokenID) (p WindowProof, err error) {
	var sealed []byte
	var owner canary.ID
	var w sealedWindow
	err = r.db.QueryRowContext(ctx, "SELECT canary, sealed_window FROM tokens WHERE id = ?", id).Scan(&owner, &sealed)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	if err == nil {
		w, err = r.openSealedWindow(id, sealed)
	}
	if err == nil && w.List == "" {
		err = ErrNotFound
	}
	if err == nil {
		p.List = w.List
		p.Text, err = windowText(id, owner, w)
	}
	if err == nil {
		err = notFound(r.db.QueryRowContext(ctx, "SELECT seq FROM acts WHERE about = ? AND what = ?", w.List, actWindows).Scan(&p.Act))
	}
	if err != nil {
		return p, fmt.Errorf("registry: window of %s: %w", id, err)
	}
	return p, nil
}

// CheckWindows holds the windows of all tokens against what was committed to, and the
// lists against the acts. What is not the same is [ErrTampered]. It returns how many were
// committed to.
func (r *Registry) CheckWindows(ctx context.Context) (n int, err error) {
	err = r.inView(ctx, func(tx *sql.Tx) error {
		n, err = r.checkWindows(ctx, tx)
		return err
	})
	if err != nil {
		return n, fmt.Errorf("registry: windows: %w", err)
	}
	return n, nil
}

func (r *Registry) checkWindows(ctx context.Context, q querier) (n int, err error) {
	lists := map[string]string{} // by the hash of each
	lines := map[string]bool{}
	err = eachOf(ctx, q, "SELECT id, hashes FROM window_lists", nil, func(row *sql.Rows) error {
		var id string
		var hashes []byte
		err := row.Scan(&id, &hashes)
		list := strings.Split(string(hashes), "\n")
		for _, l := range list {
			lines[id+" "+l] = true
		}
		lists[id] = evidence.ListHash(list)
		return err
	})
	if err == nil {
		err = eachAct(ctx, q, "what = ?", []any{actWindows}, func(a canary.Act) error {
			if lists[a.About] != a.Outcome {
				return fmt.Errorf("%w: the list of act %d is not as it was written", ErrTampered, a.Seq)
			}
			delete(lists, a.About)
			return nil
		})
	}
	if err != nil {
		return n, err
	}
	for id := range lists {
		return n, fmt.Errorf("%w: list %s is on no act", ErrTampered, id)
	}
	err = eachOf(ctx, q, "SELECT id, canary, sealed_window FROM tokens WHERE sealed_window IS NOT NULL", nil, func(row *sql.Rows) error {
		var id canary.TokenID
		var owner canary.ID
		var sealed []byte
		if err := row.Scan(&id, &owner, &sealed); err != nil {
			return err
		}
		w, err := r.openSealedWindow(id, sealed)
		if err != nil || w.List == "" {
			return err
		}
		n++
		text, err := windowText(id, owner, w)
		if err == nil && !lines[w.List+" "+windowLine(id, text)] {
			err = fmt.Errorf("%w: the window of %s is not as it was written", ErrTampered, id)
		}
		return err
	})
	return n, err
}
