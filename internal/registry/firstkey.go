package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"saltmine/internal/canary"
	"saltmine/internal/seal"
)

// ErrFirstKey is returned for keys that open the registry and are not those of its index:
// tokens would not be found, and new acts not be linked to the old.
var ErrFirstKey = fmt.Errorf("%w: the first master key (keys/old/master-1.key) is missing, on which the index and the evidence log go on: copy the whole of keys/, with old/, from another core, or take it from a backup of the keys", seal.ErrOpen)

// checkIndex holds a token and two acts against the blind index, which is the first
// master key's. Where any of them fits it is the right one: what does not was changed,
// and is found by CheckActs.
func (r *Registry) checkIndex(ctx context.Context, q querier) error {
	fits, differs := 0, 0
	count := func(same bool) {
		if same {
			fits++
		} else {
			differs++
		}
	}
	var id canary.TokenID
	var blind int64
	var kind canary.Kind
	var sealed []byte
	err := q.QueryRowContext(ctx, "SELECT id, blind, kind, sealed FROM tokens LIMIT 1").Scan(&id, &blind, &kind, &sealed)
	if err == nil {
		text, err := r.vault.Open(tokenField(id, "text"), sealed)
		if err == nil {
			count(blind == r.vault.Index(string(kind), string(text)))
		}
	} else if !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	for _, which := range []string{"seq = 1", "1=1 ORDER BY seq DESC LIMIT 2"} {
		var acts []canary.Act // the later first
		if err := eachAct(ctx, q, which, nil, func(a canary.Act) error { acts = append(acts, a); return nil }); err != nil {
			return err
		}
		if len(acts) == 0 {
			continue
		}
		before := canary.Act{} // of the first
		if len(acts) > 1 {
			before = acts[1]
		}
		link, err := r.linkOf(before.Link, acts[0])
		if err != nil {
			return err
		}
		count(link == acts[0].Link)
	}
	if fits == 0 && differs > 0 {
		return ErrFirstKey
	}
	return nil
}
