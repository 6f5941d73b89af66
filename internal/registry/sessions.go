package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"saltmine/internal/canary"
)

func sessionField(id string) string { return "support_sessions|" + id }

// NoteSession keeps that we opened a session in a support database now.
func (r *Registry) NoteSession(ctx context.Context, place canary.Place, number uint32) error {
	s := canary.Session{ID: canary.NewID("n"), Number: number, From: canary.Micro(r.now())}
	plain, err := json.Marshal(&s)
	if err == nil {
		_, err = r.db.ExecContext(ctx, "INSERT INTO support_sessions (id, place, began, sealed) VALUES (?,?,?,?)",
			s.ID, place, micros(s.From), r.vault.Seal(sessionField(s.ID), plain))
	}
	if err != nil {
		return fmt.Errorf("registry: a session in %s: %w", place, err)
	}
	return nil
}

// Sessions returns our sessions in a support database that were opened since a time, in
// their order.
func (r *Registry) Sessions(ctx context.Context, place canary.Place, since time.Time) ([]canary.Session, error) {
	list, err := opened(ctx, r, "SELECT id, sealed FROM support_sessions WHERE place = ? AND began >= ? ORDER BY began, id",
		[]any{place, micros(since)}, sessionField, func(id string) canary.Session { return canary.Session{ID: id} })
	if err != nil {
		return nil, fmt.Errorf("registry: sessions in %s: %w", place, err)
	}
	return list, nil
}
