package main

import (
	"slices"
	"strings"
	"syscall"
	"testing"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
	"saltmine/internal/strike"
)

// struckCore is a core of which calls are struck while it hears mails to planted
// names, files and acknowledges them, and pages.
type struckCore struct {
	*site
	reg    *registry.Registry
	client *client
	ledger *ledger
	tries  []try
	yes    []string
}

func newStruckCore(t *testing.T) *struckCore {
	t.Helper()
	dsn, db := mariadb.MariaDB(t).HelpDesk(t, smallDesk())
	k := &struckCore{site: newSite(t, dsn, db), ledger: newLedger(t)}
	k.run("plant", "--count", "20", "--batch", "first")
	k.reg = k.open()
	tokens, err := k.reg.PlantedTokens(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tokens = slices.DeleteFunc(tokens, func(tok canary.DatedToken) bool { return tok.Kind != canary.Email })
	k.client = &client{big: 3000, name: func(string) (string, string) {
		local, domain, _ := strings.Cut(tokens[len(k.tries)%len(tokens)].Text, "@")
		return local, domain
	}}
	return k
}

func (k *struckCore) strike() (*running, *strike.Striker) {
	k.t.Helper()
	cmd := k.command("serve")
	st, err := strike.Wrap(cmd, strike.Order{})
	if err != nil {
		k.t.Fatal(err)
	}
	r, ready := launch(k.t, cmd)
	if !ready {
		k.t.Fatalf("serve ended:\n%s", r.log)
	}
	return r, st
}

// mail sends one, and waits until the core is done with it or dead.
func (k *struckCore) mail(core *running, st *strike.Striker) deed {
	k.t.Helper()
	d := k.client.mail(k.t.Context(), core.addrs, deedMark(len(k.tries)+1))
	k.tries = append(k.tries, try{mark: d.mark})
	k.ledger.did(d)
	if d.yes {
		k.yes = append(k.yes, d.mark)
	}
	calm := 0
	last := strike.Seen{}
	eventually(k.t, "the core is at rest", func() bool {
		seen, err := st.Seen(k.t.Context())
		if calm++; seen != last {
			calm = 0
		}
		last = seen
		return err != nil || calm >= 3
	})
	return d
}

// filed waits until everything acknowledged is.
func (k *struckCore) filed() {
	k.t.Helper()
	eventually(k.t, "everything acknowledged is filed", func() bool {
		seen := k.marks(k.reg, k.tries)
		return !slices.ContainsFunc(k.yes, func(mark string) bool { return seen[mark] == 0 })
	})
}

// balance starts the core once more and compares what it has filed.
func (k *struckCore) balance() {
	k.t.Helper()
	core := k.serve()
	k.checkRecorded(k.reg, core, k.tries, k.yes)
	ids, err := k.reg.ContactIDs(k.t.Context())
	if err != nil {
		k.t.Fatal(err)
	}
	for _, id := range ids {
		c, err := k.reg.Contact(k.t.Context(), id)
		if err != nil {
			k.t.Fatal(err)
		}
		d := k.ledger.deeds[markForm.FindString(c.Source)]
		if fault := differs(*c, d); fault != "" {
			k.t.Errorf("contact of %s: %s", d.mark, fault)
		}
		if d.yes && c.Facts["end"] != "data" {
			k.t.Errorf("%s was acknowledged, and ends with %q", d.mark, c.Facts["end"])
		}
	}
}

// TestKillCoreAtEveryCall kills serve at the beginning and the end of every system
// call from a mail to a planted name on until it is filed, acknowledged to the
// spool and paged: everything acknowledged is filed once, with the sender's bytes,
// in one incident that is paged once.
func TestKillCoreAtEveryCall(t *testing.T) {
	t.Parallel()
	step := map[bool]int{true: 1, false: 97}[*kills == "all"]
	k := newStruckCore(t)
	n, outlived := 1, 0
	struck := map[string]int{}
	for ; outlived < 2; n += step {
		core, st := k.strike()
		rest(t, st)
		arm(t, core, st, strike.Order{Kill: n})
		d := k.mail(core, st)
		if seen, err := st.Seen(t.Context()); err == nil && seen.Points < n {
			outlived++
			if !d.yes {
				t.Errorf("a mail to a core that lives: %q", d.told)
			}
		}
		st.End()    //nolint:errcheck // it may have ended
		<-core.done //nolint:errcheck // it was killed
		for _, at := range st.Struck() {
			struck[at]++
		}
	}
	k.balance()
	t.Logf("%d points, %d mails, %d acknowledged; kills: %v", n, len(k.tries), len(k.yes), struck)
}

// TestCoreDiskFaults has every call fail by which serve writes a mail, or files it:
// what was acknowledged is filed and paged when the disk is well again.
func TestCoreDiskFaults(t *testing.T) {
	t.Parallel()
	k := newStruckCore(t)
	core, st := k.strike()
	rest(t, st)
	orders, step := []strike.Order{{Errno: syscall.EIO}}, 4
	if *kills == "all" {
		orders, step = []strike.Order{{Errno: syscall.EIO}, {Errno: syscall.ENOSPC}, {Errno: syscall.EIO, On: true}, {Errno: syscall.ENOSPC, On: true}}, 1
	}
	for _, o := range orders {
		for n := 1; ; n += step {
			o.Fail, o.Dir = n, k.dir
			arm(t, core, st, o)
			if d := k.mail(core, st); !d.yes && !strings.HasPrefix(d.told, "4") {
				t.Errorf("after %v a mail that cannot be recorded is answered with %q", st.Struck(), d.told)
			}
			seen, err := st.Seen(t.Context())
			if err == nil {
				err = st.Arm(t.Context(), strike.Order{}) // the disk is well again
			}
			if err != nil { // it may end, but not without a word
				<-core.done //nolint:errcheck // how it ended is in its log
				if !strings.Contains(core.log.String(), "saltmine: ") {
					t.Errorf("serve ended in silence at %v", st.Struck())
				}
				core, st = k.strike()
				rest(t, st)
				continue
			}
			k.filed() // nobody has to start it again
			if seen.Sites < n {
				t.Logf("%s, on %t: %d calls", o.Errno, o.On, n-1)
				break
			}
		}
	}
	if d := k.mail(core, st); !d.yes {
		t.Errorf("a mail after all that: %q", d.told)
	}
	k.filed()
	st.End()    //nolint:errcheck // it is there
	<-core.done //nolint:errcheck // it was killed
	k.balance()
}
