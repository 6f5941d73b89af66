package mailbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"saltmine/internal/inventory/login"
)

// ErrRefused says that a server does not show what is in a mailbox.
var ErrRefused = errors.New("the IMAP server refuses to show the mailbox")

// What a server may say, in bytes.
const (
	answerBytes = 64 << 10 // to a command
	listBytes   = 2 << 20  // to one that lists folders
	numberBytes = 1 << 19  // to one that lists UIDs, which are sorted in as they come
	newsBytes   = 1 << 20  // while it is waited for news
)

const inbox = "INBOX"

// session is one connection to a mailbox.
type session struct {
	*box
	line    *login.Line
	news    chan struct{} // has something in it when messages may have come
	idle    bool          // the server has IDLE
	folders []*folder     // INBOX is the last
	open    *folder       // which is examined now
}

// visit reads what is new and stays as long as nobody waits for the connection.
func (b *box) visit(ctx context.Context, u *turn) error {
	account, err := b.ear.cfg.Credentials(b.account.Reading)
	if err != nil {
		return err
	}
	s := &session{box: b, news: make(chan struct{}, 1)}
	b.rounds = 0
	b.ear.logins.Add(1)
	s.line, err = b.ear.cfg.Login.Open(ctx, account, &imapclient.Options{UnilateralDataHandler: &imapclient.UnilateralDataHandler{Mailbox: s.hears}})
	if err != nil {
		return err
	}
	defer s.close()
	defer context.AfterFunc(ctx, s.line.Cut)()
	over := time.NewTimer(scattered(b.ear.cfg.Times.Session))
	defer over.Stop()
	if err := s.find(); err != nil {
		return err
	}
	for {
		if err := s.round(ctx); err != nil {
			return err
		}
		b.read(ctx)
		select {
		case <-over.C:
			s.leave()
			return errOver
		default:
		}
		if stay, err := s.wait(ctx, u); err != nil || !stay {
			s.leave()
			return err
		}
	}
}

// close ends the connection, and waits for that: only then may another one be made.
func (s *session) close() {
	s.line.Cut()
	t := time.NewTimer(time.Second) // should its reader hang, which it never may
	defer t.Stop()
	select {
	case <-s.line.Client.Closed():
	case <-t.C:
	}
}

// hears is told what the server says of its own accord. It runs in the client's
// goroutine.
func (s *session) hears(data *imapclient.UnilateralDataMailbox) {
	if data.NumMessages == nil {
		return
	}
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// ask does one command within bounds; a server that keeps silent or says more
// is cut off.
func (s *session) ask(bytes int64, limit time.Duration, fn func(*imapclient.Client) error) error {
	s.line.Allow(bytes)
	t := time.AfterFunc(limit, s.line.Cut)
	defer t.Stop()
	err := fn(s.line.Client)
	if err == nil {
		return nil
	}
	if said, ok := errors.AsType[*imap.Error](err); ok && said.Type == imap.StatusResponseTypeNo {
		return ErrRefused
	}
	return login.ErrProtocol // its text may show names
}

func (s *session) command(fn func(*imapclient.Client) error) error {
	return s.ask(answerBytes, s.ear.cfg.Times.Command, fn)
}

// leave says goodbye; a server that does not answer is left all the same.
func (s *session) leave() {
	s.ask(answerBytes, 2*time.Second, func(c *imapclient.Client) error { return c.Logout().Wait() }) //nolint:errcheck // see above
}

// find looks which folders there are.
func (s *session) find() error {
	var caps imap.CapSet
	var list []*imap.ListData
	err := s.ask(listBytes, s.ear.cfg.Times.Command, func(c *imapclient.Client) (err error) {
		if caps = c.Caps(); caps == nil {
			return login.ErrProtocol
		}
		var options *imap.ListOptions
		if caps.Has(imap.CapSpecialUse) && caps.Has(imap.CapListExtended) {
			options = &imap.ListOptions{ReturnSpecialUse: true}
		}
		list, err = c.List("", "*", options).Collect()
		return err
	})
	if err != nil {
		return err
	}
	s.idle = caps.Has(imap.CapIdle)
	for _, name := range junk(list) {
		s.folders = append(s.folders, &folder{name: name, kind: "junk"})
	}
	s.folders = append(s.folders, &folder{name: inbox, kind: "inbox"})
	return nil
}

// mostJunk is how many folders for spam are read.
const mostJunk = 4

// junk finds the folders for spam: those that the server calls so (RFC 6154), or
// else those with a usual name.
func junk(list []*imap.ListData) []string {
	var called, named []string
	for _, f := range list {
		last := f.Mailbox
		if f.Delim != 0 {
			last = last[strings.LastIndex(last, string(f.Delim))+1:]
		}
		switch {
		case strings.EqualFold(f.Mailbox, inbox), slices.Contains(f.Attrs, imap.MailboxAttrNoSelect), slices.Contains(f.Attrs, imap.MailboxAttrNonExistent):
		case slices.Contains(f.Attrs, imap.MailboxAttrJunk):
			called = append(called, f.Mailbox)
		case slices.Contains(junkNames(), strings.ToLower(last)):
			named = append(named, f.Mailbox)
		}
	}
	if len(called) == 0 {
		called = named
	}
	return called[:min(len(called), mostJunk)]
}

func junkNames() []string {
	return []string{"junk", "spam", "junk e-mail", "junk email", "junk mail", "bulk mail", "bulk", "spamverdacht", "junk-e-mail", "indésirables",
		"courrier indésirable", "pourriel", "correo no deseado", "posta indesiderata", "ongewenste e-mail", "lixo eletrônico"}
}

// round looks at every folder that has news. INBOX comes last and stays open.
func (s *session) round(ctx context.Context) error {
	for _, f := range s.folders {
		if f.name == inbox {
			select { // what came until now is about to be seen
			case <-s.news:
			default:
			}
		} else if same, err := s.same(f); err != nil || same {
			if err != nil {
				return err
			}
			continue
		}
		if err := s.look(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// same reports whether nothing has come to a folder since it was looked at.
func (s *session) same(f *folder) (bool, error) {
	var now imap.StatusData
	err := s.command(func(c *imapclient.Client) error {
		data, err := c.Status(f.name, &imap.StatusOptions{UIDNext: true, UIDValidity: true}).Wait()
		now = *data
		return err
	})
	if err != nil {
		return false, fmt.Errorf("%w (%s)", err, f.kind)
	}
	same := now.UIDNext != 0 && now.UIDNext == f.next && now.UIDValidity == f.validity
	return same, nil
}

// beginIdle asks to be told of news. It gives nil where that cannot be.
func (s *session) beginIdle() (idle *imapclient.IdleCommand, err error) {
	if !s.idle {
		return nil, nil //nolint:nilnil // it is asked for news instead
	}
	err = s.command(func(c *imapclient.Client) (err error) {
		idle, err = c.Idle()
		return err
	})
	if errors.Is(err, ErrRefused) {
		s.idle = false
		return nil, nil //nolint:nilnil // see above
	}
	return idle, err
}

// wait waits for news, for Poll at most. It reports whether the connection may
// be kept.
func (s *session) wait(ctx context.Context, u *turn) (stay bool, err error) {
	u.rest()
	defer func() { stay = u.work() && stay }()
	idle, err := s.beginIdle()
	if err != nil {
		return false, err
	}
	s.line.Allow(newsBytes)
	poll := time.NewTimer(scattered(s.ear.cfg.Poll))
	defer poll.Stop()
	stay = true
	select {
	case <-ctx.Done():
		return false, nil
	case <-u.leave:
		stay = false
	case <-s.line.Client.Closed():
		return false, login.ErrProtocol
	case <-s.news:
	case <-poll.C:
	}
	return stay, s.command(func(c *imapclient.Client) error {
		if idle == nil {
			return c.Noop().Wait()
		}
		return errors.Join(idle.Close(), idle.Wait())
	})
}
