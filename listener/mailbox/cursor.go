package mailbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/emersion/go-imap/v2"

	"saltmine/internal/canary"
)

// cursor is how far a folder has been read. Its text has three numbers:
//
//	1 UIDVALIDITY last past
type cursor struct {
	validity uint32   // UIDVALIDITY: the UIDs below belong to this one
	last     imap.UID // the last that was read
	past     imap.UID // what is below was there when the folder was seen first
}

func (c cursor) String() string { return fmt.Sprintf("1 %d %d %d", c.validity, c.last, c.past) }

// parseCursor reads the text; "" is a folder that was never seen.
func parseCursor(text string) (c cursor, err error) {
	if text == "" {
		return cursor{}, nil
	}
	_, err = fmt.Sscanf(text, "1 %d %d %d", &c.validity, &c.last, &c.past)
	if err != nil || c.String() != text {
		return cursor{}, fmt.Errorf("cursor of %d characters is none: %w", len(text), canary.ErrInvalid)
	}
	return c, nil
}

// cursorName names the cursor of a folder without showing the folder's name. At
// another server it is another folder, whose UIDVALIDITY may be the same number.
func cursorName(a Account, folder string) string {
	sum := sha256.Sum256([]byte(a.Reading.Host + "\x00" + a.Reading.User + "\x00" + folder))
	return fmt.Sprintf("mailbox/%s/%s", a.ID, hex.EncodeToString(sum[:8]))
}

// readName names the time at which a mailbox was read last.
func readName(id canary.ItemID) string { return fmt.Sprintf("mailbox/%s/read", id) }

// lastRead gives the time at which a mailbox was read last, or the present, which
// is kept, where it never was.
func (e *Ear) lastRead(ctx context.Context, id canary.ItemID) (time.Time, error) {
	text, err := e.cfg.Store.Position(ctx, readName(id))
	if err != nil {
		return time.Time{}, err
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	now := e.cfg.Now()
	return now, e.keepRead(ctx, id, now)
}

func (e *Ear) keepRead(ctx context.Context, id canary.ItemID, at time.Time) error {
	return e.cfg.Store.SetPosition(ctx, readName(id), at.UTC().Format(time.RFC3339))
}
