package registry

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"saltmine/internal/canary"
)

// Looker returns what is remembered of an agent's look-ups; of one who is new,
// nothing.
func (r *Registry) Looker(ctx context.Context, agent string) (canary.Looker, error) {
	l := canary.Looker{Agent: agent}
	key := r.vault.Blind("looker", agent)
	var sealed []byte
	err := r.db.QueryRowContext(ctx, "SELECT version, sealed FROM lookers WHERE agent = ?", key).Scan(&l.Version, &sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return l, nil
	}
	var plain []byte
	if err == nil {
		plain, err = r.vault.Open("lookers|"+key, sealed)
	}
	if err == nil {
		err = json.Unmarshal(plain, &l)
	}
	if err != nil {
		return l, fmt.Errorf("registry: look-ups of an agent: %w", err)
	}
	return l, nil
}

// saveLookers keeps what an intake worked out, unless another did meanwhile.
func (r *Registry) saveLookers(ctx context.Context, tx *sql.Tx, list []canary.Looker) error {
	for i := range list {
		plain, err := json.Marshal(&list[i])
		if err != nil {
			return err
		}
		key := r.vault.Blind("looker", list[i].Agent)
		sealed := r.vault.Seal("lookers|"+key, plain)
		if list[i].Version == 0 {
			_, err = tx.ExecContext(ctx, "INSERT INTO lookers (agent, version, sealed) VALUES (?,1,?)", key, sealed)
		} else {
			err = one(tx.ExecContext(ctx, "UPDATE lookers SET version = version + 1, sealed = ? WHERE agent = ? AND version = ?", sealed, key, list[i].Version))
		}
		if errors.Is(err, ErrNotFound) {
			err = ErrMoved
		}
		if err != nil {
			return fmt.Errorf("registry: look-ups of an agent: %w", err)
		}
	}
	return nil
}
