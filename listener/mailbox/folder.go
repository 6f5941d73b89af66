package mailbox

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"saltmine/internal/inventory/login"
)

// folder is a folder of a mailbox, as this session sees it.
type folder struct {
	name     string
	kind     string // "inbox" or "junk"
	validity uint32
	next     imap.UID // UIDNEXT when it was examined last
	at       cursor
	known    bool // at is what the store has
}

const (
	mostUIDs  = 10_000 // that are looked at in one go
	mostAsked = 100    // whose dates are asked for at once
)

// look reads everything that is new in a folder.
func (s *session) look(ctx context.Context, f *folder) error {
	if s.open != f {
		if err := s.examine(f); err != nil {
			return err
		}
	}
	if err := s.place(ctx, f); err != nil {
		return err
	}
	for {
		uids, err := s.search(f)
		if err != nil {
			return err
		}
		for some := range slices.Chunk(uids, mostAsked) {
			if err := s.take(ctx, f, some); err != nil {
				return err
			}
		}
		if len(uids) < mostUIDs {
			return nil
		}
	}
}

// examine opens a folder without changing it (RFC 9051 §6.3.3).
func (s *session) examine(f *folder) error {
	s.open = nil
	return s.command(func(c *imapclient.Client) error {
		data, err := c.Select(f.name, &imap.SelectOptions{ReadOnly: true}).Wait()
		if err != nil {
			return err
		}
		if data.UIDValidity == 0 {
			return login.ErrProtocol
		}
		s.open, f.validity, f.next = f, data.UIDValidity, data.UIDNext
		return nil
	})
}

// place finds where to go on. A folder that is new, or has new UIDs, is begun
// anew, and what it holds now is its past.
func (s *session) place(ctx context.Context, f *folder) error {
	name := cursorName(s.account, f.name)
	if !f.known {
		text, err := s.ear.cfg.Store.Position(ctx, name)
		if err != nil {
			return err
		}
		if f.at, err = parseCursor(text); err != nil {
			s.log.ErrorContext(ctx, "the cursor cannot be read, the folder is read again", "folder", f.kind)
		}
		f.known = true
	}
	if f.at.validity == f.validity {
		return nil
	}
	if f.at.validity != 0 {
		s.log.WarnContext(ctx, "the folder has new UIDs and is read again", "folder", f.kind)
	}
	past := f.next
	if past == 0 { // a server without UIDNEXT: whatever is there is judged by its date
		past = ^imap.UID(0)
	}
	f.at = cursor{validity: f.validity, past: past}
	return s.ear.cfg.Store.SetPosition(ctx, name, f.at.String())
}

// search gives the UIDs behind the cursor, the lowest first.
func (s *session) search(f *folder) ([]imap.UID, error) {
	criteria := &imap.SearchCriteria{UID: []imap.UIDSet{{imap.UIDRange{Start: f.at.last + 1}}}}
	if f.at.last == 0 && f.at.past > 1 && !s.account.Since.IsZero() {
		// The server's days may be of any time zone.
		criteria.Since = s.account.Since.AddDate(0, 0, -2)
	}
	var uids []imap.UID
	err := s.ask(numberBytes, s.ear.cfg.Times.Command, func(c *imapclient.Client) error {
		data, err := c.UIDSearch(criteria, nil).Wait()
		if err != nil {
			return err
		}
		set, _ := data.All.(imap.UIDSet)
		uids = lowest(set, f.at.last)
		return nil
	})
	return uids, err
}

// lowest gives the lowest UIDs of a set that are above a limit. A server may
// name ranges of any size, and "n:*" finds the last message even when that is
// below n.
func lowest(set imap.UIDSet, above imap.UID) []imap.UID {
	set = slices.Clone(set)
	slices.SortFunc(set, func(a, b imap.UIDRange) int { return int(int64(a.Start) - int64(b.Start)) })
	var out []imap.UID
	for _, r := range set {
		for uid := max(uint64(r.Start), uint64(above)+1); uid <= uint64(r.Stop) && len(out) < mostUIDs; uid++ {
			id := imap.UID(uid) //nolint:gosec // r.Stop at most
			if n := len(out); n == 0 || out[n-1] < id {
				out = append(out, id)
			}
		}
	}
	return out
}

// about is what is known of a message before it is read.
type about struct {
	uid  imap.UID
	at   time.Time // INTERNALDATE
	size int64
}

// take reads some messages and moves the cursor behind each that is durable.
func (s *session) take(ctx context.Context, f *folder, uids []imap.UID) error {
	found, err := s.describe(uids)
	if err != nil {
		return err
	}
	for _, m := range found {
		if m.uid < f.at.past && m.at.Before(s.account.Since) {
			continue
		}
		raw, err := s.body(ctx, m)
		if err != nil {
			return err
		}
		if raw == nil {
			s.ear.vanished.Add(1)
			s.log.InfoContext(ctx, "a message was gone before it could be read", "folder", f.kind)
			continue
		}
		c := s.contact(f, m, raw)
		if err := s.ear.cfg.Hear(ctx, c); err != nil {
			return err
		}
		s.ear.heard.Add(1)
		s.log.InfoContext(ctx, "message heard", "contact", c.ID, "folder", f.kind, "bytes", len(raw))
		if err := s.advance(ctx, f, m.uid); err != nil {
			return err
		}
	}
	return s.advance(ctx, f, uids[len(uids)-1])
}

func (s *session) advance(ctx context.Context, f *folder, to imap.UID) error {
	if to <= f.at.last {
		return nil
	}
	at := f.at
	at.last = to
	if err := s.ear.cfg.Store.SetPosition(ctx, cursorName(s.account, f.name), at.String()); err != nil {
		return err
	}
	f.at = at
	return nil
}

// describe asks for dates and sizes. Messages that are gone are left out.
func (s *session) describe(uids []imap.UID) ([]about, error) {
	var found []about
	err := s.ask(answerBytes+int64(len(uids))<<10, s.ear.cfg.Times.Command, func(c *imapclient.Client) error {
		list, err := c.Fetch(imap.UIDSetNum(uids...), &imap.FetchOptions{UID: true, InternalDate: true, RFC822Size: true}).Collect()
		for _, m := range list {
			found = append(found, about{m.UID, m.InternalDate, m.RFC822Size})
		}
		return err
	})
	slices.SortFunc(found, func(a, b about) int { return int(int64(a.uid) - int64(b.uid)) })
	return found, err
}

const small = 1 << 20 // bytes of a message that may be in memory at any time

// body reads a message, up to one byte more than is kept of it; nil when it is
// gone. Of large messages a few are in memory at one time.
func (s *session) body(ctx context.Context, m about) ([]byte, error) {
	limit := s.ear.cfg.MaxMessage + 1
	if m.size <= small && limit > 2*small {
		raw, err := s.fetch(m.uid, 2*small)
		if err != nil || len(raw) < 2*small {
			return raw, err // it is as small as was said
		}
	}
	if limit > small {
		select {
		case s.ear.large <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		defer func() { <-s.ear.large }()
	}
	return s.fetch(m.uid, limit)
}

// fetch reads a message without marking it.
func (s *session) fetch(uid imap.UID, limit int64) ([]byte, error) {
	var raw []byte
	err := s.ask(limit+answerBytes, s.ear.cfg.Times.Body, func(c *imapclient.Client) (err error) {
		raw, err = readBody(c, uid, limit)
		return err
	})
	if err != nil || raw != nil {
		return raw, err
	}
	// Gone, or a server that answers in a form that was not understood?
	if left, err := s.describe([]imap.UID{uid}); err != nil || len(left) > 0 {
		return nil, fmt.Errorf("%w: a message that is there is not shown", login.ErrProtocol)
	}
	return nil, nil
}

// readBody gives nil when no message comes. After a fault nothing more may be
// read: the client's own goroutine does already.
func readBody(c *imapclient.Client, uid imap.UID, limit int64) (raw []byte, err error) {
	cmd := c.Fetch(imap.UIDSetNum(uid), &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{
		{Peek: true, Partial: &imap.SectionPartial{Size: limit}},
	}})
	for m := cmd.Next(); m != nil; m = cmd.Next() {
		for item := m.Next(); item != nil; item = m.Next() {
			section, is := item.(imapclient.FetchItemDataBodySection)
			if !is || raw != nil {
				continue
			}
			raw = []byte{}
			if section.Literal == nil {
				continue // NIL: a message of nothing
			}
			raw, err = io.ReadAll(io.LimitReader(section.Literal, limit))
			if err == nil && int64(len(raw)) < min(section.Literal.Size(), limit) {
				err = io.ErrUnexpectedEOF
			}
			if err != nil {
				return nil, err
			}
		}
	}
	if err := cmd.Close(); err != nil {
		return nil, err
	}
	return raw, nil
}
