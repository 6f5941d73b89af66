package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/conf"
	"saltmine/internal/pager/post"
	"saltmine/internal/pager/syslog"
	"saltmine/internal/registry"
	"saltmine/internal/seal"
	"saltmine/internal/webhook"
	"saltmine/internal/witness"
)

// outside is a witness, and how to see that it could be told.
type outside struct {
	witness.Outside
	check func(context.Context) error
}

func newWitness(w *conf.Witness, now func() time.Time) (out outside, err error) {
	out.Name = w.Name
	roots, err := rootsOf(w.Roots)
	if err != nil {
		return out, err
	}
	switch w.Kind {
	case conf.WitnessFile:
		out.Send, out.check = witness.File(w.Path), func(context.Context) error { return witness.CheckFile(w.Path) }
	case conf.WitnessSyslog:
		to, err := syslog.NewLog(syslog.Config{Address: w.URL, RootCAs: roots})
		if err != nil {
			return out, err
		}
		out.Send = func(ctx context.Context, line []byte) error { return to.Note(ctx, now(), "evidence", string(line)) }
		out.check = to.Check
	default:
		to, err := post.ParseURL(w.URL)
		if err != nil {
			return out, err
		}
		secret, err := webhook.ParseSecret(w.Secret.Reveal())
		if err != nil {
			return out, err
		}
		poster := post.New(post.Config{RootCAs: roots, Now: now})
		out.Send = func(ctx context.Context, line []byte) error { return postNote(ctx, poster, to, secret, line, now()) }
		out.check = func(ctx context.Context) error { return poster.Reach(ctx, to) }
	}
	return out, nil
}

// postNote sends a note by Standard Webhooks. The same end of the log at the same
// time has the same id.
func postNote(ctx context.Context, p *post.Poster, to *url.URL, secret webhook.Secret, line []byte, now time.Time) error {
	h := http.Header{}
	webhook.SetHeaders(h, secret, "head_"+strconv.FormatInt(now.UnixMicro(), 10), now, line)
	a, err := p.Do(ctx, to, h, line)
	if err == nil && (a.Status < 200 || a.Status > 299) {
		err = post.Refusal(a)
	}
	return err
}

// witnesses are the jobs that tell each witness where the evidence log ends.
func (s *server) witnesses() (list []job, err error) {
	for i := range s.cfg.Witnesses {
		out, err := newWitness(&s.cfg.Witnesses[i], s.app.now)
		if err != nil {
			return nil, fmt.Errorf("witness %s: %w", s.cfg.Witnesses[i].Name, err)
		}
		k := witness.New(witness.Config{
			Head: func(ctx context.Context) (int64, string, error) {
				h, err := s.reg.ActsHead(ctx)
				return h.Seq, h.Link, err
			},
			Signer: s.keys.Signer, Silent: s.silentWitness, Now: s.app.now, Log: s.log.With("part", "witness"),
		}, out.Outside)
		list = append(list, job{"witness " + out.Name, k.Run})
	}
	return list, nil
}

// silentWitness files, or ends, the notice of a witness that takes nothing.
func (s *server) silentWitness(ctx context.Context, name string, since time.Time) {
	s.outsideSilent(ctx, name, since, canary.Notice{
		Mark: "silent", Severity: canary.P3,
		Text: fmt.Sprintf("witness %s has taken no end of the evidence log since %s: what is done to the log meanwhile, nobody outside could show", name, since.UTC().Format(time.DateTime)),
		Next: []string{
			"'saltmine check' says why it takes nothing; look whether somebody has switched it off",
			"compare the log with what it holds: saltmine acts --verify --against FILE",
		},
	})
}

// outsideSilent files the notice of somebody outside who keeps nothing of the evidence
// log, or ends it where since is zero.
func (s *server) outsideSilent(ctx context.Context, scope string, since time.Time, n canary.Notice) {
	var list []canary.Notice
	if !since.IsZero() {
		list = append(list, n)
	}
	fresh, err := s.reg.FileNotices(ctx, canary.NoticeWitness, scope, list, s.compose())
	if err != nil && ctx.Err() == nil {
		s.log.Error("what is to be told of who keeps the evidence log outside could not be filed; it is tried again", "who", scope, "err", err)
	}
	if len(fresh) > 0 {
		s.pager.Wake()
	}
}

// checkWitnesses are lines of check.
func (a *app) checkWitnesses(ctx context.Context, cfg *conf.Config, add func(string, error) bool) {
	for i := range cfg.Witnesses {
		w := &cfg.Witnesses[i]
		out, err := newWitness(w, a.now)
		if err == nil {
			one, cancel := context.WithTimeout(ctx, checkTime)
			err = out.check(one)
			cancel()
		}
		add("witness "+w.Name+" ("+w.Kind+")", err)
	}
}

// held is what a witness's file says.
type held struct {
	Notes int       `json:"notes"`
	Parts int       `json:"parts,omitempty"` // lines that hold part of a note
	Last  time.Time `json:"last,omitzero"`
	// Since are the acts after its last note.
	Since int64 `json:"since"`
	heads []registry.Head
	last  int64
}

// readWitness reads what a witness holds. What is wrong with that itself is
// [registry.ErrTampered].
func readWitness(path string, by *seal.Signer) (*held, error) {
	f, err := os.Open(path) // the operator names the file
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	notes, parts, err := witness.Read(f, append(by.Past(), by.Public())...)
	if err == nil {
		err = witness.Backwards(notes)
		if err != nil {
			err = fmt.Errorf("%w: %w", registry.ErrTampered, err)
		}
	}
	switch {
	case errors.Is(err, witness.ErrForged):
		return nil, fmt.Errorf("%w: %s: %w", registry.ErrTampered, path, err)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", path, err)
	case len(notes) == 0:
		return nil, fmt.Errorf("%s: it holds no note", path)
	}
	h := &held{Notes: len(notes), Parts: parts}
	for _, n := range notes {
		if n.At.After(h.Last) {
			h.Last = n.At
		}
		h.last = max(h.last, n.Count)
		if n.Count > 0 {
			h.heads = append(h.heads, registry.Head{Seq: n.Count, Link: n.Link})
		}
	}
	return h, nil
}
