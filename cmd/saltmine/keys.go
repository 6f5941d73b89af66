package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"saltmine/internal/canary"
	"saltmine/internal/conf"
	"saltmine/internal/evidence"
	"saltmine/internal/pull"
	"saltmine/internal/registry"
	"saltmine/internal/seal"
)

// partTLS is the core's certificate, which is no key of package seal.
const partTLS = "tls"

// errKeysBusy says that another process is replacing keys.
var errKeysBusy = errors.New("another process is replacing keys")

func keyNames() []string {
	return []string{string(seal.PartMaster), string(seal.PartCore), string(seal.PartSign), partTLS}
}

func (a *app) keysCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "The keys: which there are, and replacing them",
		Long: `Shows and replaces the keys of the folder keys/. See 'saltmine keys rotate --help' for
what that does to what there is, and 'saltmine backup --keys' for keeping them.`,
		Example: "  saltmine keys list\n  saltmine keys rotate master --dry-run",
	}
	cmd.AddCommand(a.keysListCmd(), a.keysRotateCmd())
	return cmd
}

func (a *app) keysListCmd() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "Which keys there are, and what still needs an old one",
		Long:    `Lists the keys with those that they have replaced, and how many fields of the registry are still sealed with an old master key. No key is printed but public ones.`,
		Example: "  saltmine keys list\n  saltmine keys list --output json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withCore(cmd.Context(), func(c *core) error {
				l, err := c.keyList(cmd.Context())
				if err != nil {
					return err
				}
				return a.print(l, func(w io.Writer) error { return lines(w, l.text()) })
			})
		},
	}
}

// keyList is what keys list prints.
type keyList struct {
	Master int `json:"master_replaced"`
	// Needed is a key that was replaced and without which the registry is not opened.
	Needed    string   `json:"needed,omitempty"`
	OldFields int64    `json:"fields_of_old_keys"`
	Core      string   `json:"core_public"`
	CoreOld   int      `json:"core_replaced"`
	Sign      string   `json:"sign_public"`
	SignPast  []string `json:"sign_past,omitempty"`
	// Verifiers are the signing keys as 'saltmine evidence key' prints them, the first first.
	Verifiers []string `json:"verifiers"`
}

func (c *core) keyList(ctx context.Context) (l keyList, err error) {
	b64 := base64.StdEncoding.EncodeToString
	l = keyList{Master: c.keys.Vault.Keys() - 1, Core: strings.TrimSpace(string(c.keys.ForEdge()["core.pub"])), Sign: b64(c.keys.Signer.Public()), CoreOld: c.keys.Core.Keys() - 1}
	for _, pub := range c.keys.Signer.Past() {
		l.SignPast = append(l.SignPast, b64(pub))
	}
	if l.Verifiers, err = (evidence.Key{Signer: c.keys.Signer}).Verifiers(); err != nil {
		return l, err
	}
	if l.Master > 0 {
		l.Needed = "old/master-1.key"
	}
	l.OldFields, err = c.reg.OldFields(ctx)
	return l, err
}

func (l *keyList) text() []string {
	out := []string{
		fmt.Sprintf("master  replaced %d times; %d fields are sealed with an old one", l.Master, l.OldFields),
	}
	if l.Needed != "" {
		out = append(out, "        "+l.Needed+" is still needed: the index and the evidence log go on with it")
	}
	out = append(out,
		fmt.Sprintf("core    replaced %d times; public half %s", l.CoreOld, l.Core),
		fmt.Sprintf("sign    replaced %d times; public half %s", len(l.SignPast), l.Sign),
	)
	for _, past := range l.SignPast {
		out = append(out, "        before "+past)
	}
	return append(out, "accept  is not replaced; see 'saltmine keys rotate --help'")
}

// rotating are the flags of keys rotate.
type rotating struct {
	which          []string
	dryRun, finish bool
}

func (a *app) keysRotateCmd() *cobra.Command {
	var r rotating
	cmd := &cobra.Command{
		Use:   "rotate KEY...",
		Short: "Replace keys, and keep all that the old ones sealed, signed and linked",
		Long: `Replaces keys while 'saltmine serve' runs, which takes them up by itself. An old key
that something still needs is kept in keys/old/; nothing of the old evidence is lost,
and each rotation is on the evidence log. Back up the keys afterwards.

master  What it sealed in the registry is sealed anew, a few hundred fields at a time;
        meanwhile both keys open. If that is broken off, run it again: it goes on.
        Contacts keep their own keys, which are sealed anew. With several cores, copy
        keys/, with old/, to each of the others right after this: until then they file
        and page nothing. The blind index and the links of the evidence log go on with
        the first master key (keys/old/master-1.key), which every core needs: without it
        the registry is not opened. With that and a copy of the registry somebody can test whether an address that they guess is in it,
        and no more; so keep that one as secret as the new one.
core    What the ears seal to. Contacts that edges still seal to the old key open. On
        each edge put the new keys/core.pub in the place of the old, and start it anew.
sign    What signs checkpoints, packs and notes of witnesses. Of the old key only the
        public half is kept, under which all that it signed is still verified, and a
        statement that it signed last: which key comes after it (sign-N.succession).
tls     The core's certificate towards its edges: makes edges/core-next.crt. Add that to
        keys/core.crt on each edge (both then are let in), start it anew, and run this
        again with --finish, which asks each edge before the old one is put away.
        An edge's own certificate: 'saltmine edge enroll'.

A token of an agent or a person: 'saltmine agent NAME --replace'. The key of the
acceptance rule (accept.key) is not replaced: the names of planted canaries were chosen
to pass it, and under another one the edges would refuse the mail that is waited for.
Who has it knows of one name in 64 that it would be accepted, and not one canary.`,
		Example:   "  saltmine keys rotate master --dry-run\n  saltmine keys rotate master core sign\n  saltmine keys rotate tls --finish",
		Args:      cobra.MinimumNArgs(1),
		ValidArgs: keyNames(),
		RunE: func(cmd *cobra.Command, args []string) error {
			r.which = args
			return a.rotateKeys(cmd.Context(), &r)
		},
	}
	cmd.Flags().BoolVar(&r.dryRun, "dry-run", false, "say what would be done, change nothing")
	cmd.Flags().BoolVar(&r.finish, "finish", false, "of tls: put the new certificate in the place of the old one")
	return cmd
}

// rotated is what keys rotate prints.
type rotated struct {
	DryRun bool     `json:"dry_run,omitempty"`
	Done   []string `json:"done"`
	Next   []string `json:"next,omitempty"`
}

func (r *rotating) check() error {
	for _, name := range r.which {
		if name == "accept" {
			return usage("the key of the acceptance rule is not replaced: the names of planted canaries were chosen to pass it, and the edges would refuse the mail that is waited for (see: saltmine keys rotate --help)")
		}
		if !slices.Contains(keyNames(), name) {
			return usage("there is no key %q: want any of %s", name, strings.Join(keyNames(), ", "))
		}
	}
	if r.finish && !slices.Equal(r.which, []string{partTLS}) {
		return usage("--finish goes with tls alone")
	}
	return nil
}

func (a *app) rotateKeys(ctx context.Context, r *rotating) error {
	if err := r.check(); err != nil {
		return err
	}
	out := rotated{DryRun: r.dryRun}
	err := a.withCore(ctx, func(c *core) error {
		unlock, err := c.lockNamed(ctx, "keys", errKeysBusy)
		if err != nil {
			return err
		}
		defer unlock()
		for _, name := range r.which {
			if err := a.rotateKey(ctx, c, r, name, &out); err != nil {
				return fmt.Errorf("rotate %s: %w", name, err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if !r.dryRun {
		out.Next = append(out.Next, "back up the keys: saltmine backup --keys FILE")
	}
	return a.print(out, func(w io.Writer) error {
		text := slices.Clone(out.Done)
		if len(out.Next) > 0 {
			text = append(text, "next: "+strings.Join(out.Next, "\n      "))
		}
		return lines(w, text)
	})
}

func (a *app) rotateKey(ctx context.Context, c *core, r *rotating, name string, out *rotated) error {
	switch name {
	case string(seal.PartMaster):
		return a.rotateMaster(ctx, c, r, out)
	case partTLS:
		return a.rotateTLS(ctx, c, r, out)
	}
	if r.dryRun {
		out.Done = append(out.Done, fmt.Sprintf("would replace %s.key", name))
		return nil
	}
	err := c.onRecord(ctx, canary.ActKeys, name, false, func() (string, error) {
		return "replaced", seal.Rotate(c.cfg.Registry.Keys, seal.Part(name))
	})
	if err != nil {
		return err
	}
	out.Done = append(out.Done, fmt.Sprintf("replaced %s.key", name))
	if name == string(seal.PartSign) {
		out.Next = append(out.Next, "give the new public key to whoever verifies: saltmine evidence key; with "+filepath.Join(c.cfg.Registry.Keys, "old")+"/sign-*.succession, which the old key signed")
		return nil
	}
	out.Next = append(out.Next, "start 'saltmine serve' anew when it suits: its own ears seal to the old key until then")
	for _, p := range c.cfg.Core.Edges() {
		out.Next = append(out.Next, "copy "+filepath.Join(c.cfg.Registry.Keys, "core.pub")+" to keys/core.pub on the edge "+p.Name+", and start it anew; until then the old key opens what it sends")
	}
	return nil
}

// rotateMaster replaces the master key, unless that was done and then broken off, and
// seals the registry anew.
func (a *app) rotateMaster(ctx context.Context, c *core, r *rotating, out *rotated) error {
	left, err := c.reg.OldFields(ctx)
	if err != nil {
		return err
	}
	goesOn := false
	if left > 0 {
		if goesOn, err = c.brokenOff(ctx); err != nil {
			return err
		}
	}
	if r.dryRun && goesOn {
		out.Done = append(out.Done, fmt.Sprintf("would go on with a rotation that was broken off: %d fields are left", left))
		return nil
	}
	if r.dryRun {
		out.Done = append(out.Done, "would replace master.key and seal every field of the registry anew")
		return nil
	}
	return c.onRecord(ctx, canary.ActKeys, string(seal.PartMaster), false, func() (string, error) {
		if !goesOn {
			if err := errors.Join(seal.Rotate(c.cfg.Registry.Keys, seal.PartMaster), c.keys.Vault.Reread()); err != nil {
				return "", err
			}
			out.Done = append(out.Done, "replaced master.key")
			out.Next = append(out.Next, "with several cores: copy "+c.cfg.Registry.Keys+", with old/, to each of the others now; until then they file and page nothing")
		}
		n, err := a.reseal(ctx, c)
		if err != nil {
			return "", err
		}
		out.Done = append(out.Done, fmt.Sprintf("%d fields of the registry are sealed anew", n))
		return fmt.Sprintf("replaced, %d fields sealed anew", n), nil
	})
}

// reseal seals anew what old master keys sealed.
func (a *app) reseal(ctx context.Context, c *core) (n int64, err error) {
	left, err := c.reg.OldFields(ctx)
	if err != nil {
		return 0, err
	}
	step, done := a.progress("seal anew")
	defer done()
	if n, err = c.reg.Reseal(ctx, func(n int64) { step(int(n), int(max(n, left))) }); err != nil {
		return n, err
	}
	if err := c.reg.EmptyJournal(ctx); !errors.Is(err, registry.ErrJournal) { // else it is written over in time
		return n, err
	}
	return n, nil
}

// brokenOff reports whether the last rotation of the master key did not come to its end.
func (c *core) brokenOff(ctx context.Context) (bool, error) {
	list, err := c.reg.Acts(ctx, registry.ActFilter{About: string(seal.PartMaster), What: []string{canary.ActKeys}, Limit: 1})
	return len(list) > 0 && !strings.HasPrefix(list[0].Outcome, "replaced"), err
}

// nextName is the core's identity that is to come.
const nextName = "core-next"

// rotateTLS makes the core's next certificate, or puts it in the place of the old.
func (a *app) rotateTLS(ctx context.Context, c *core, r *rotating, out *rotated) error {
	dir := edgesDir(c.cfg)
	if _, err := loadIdentity(dir, coreName); err != nil {
		return usage("this core has no certificate: 'saltmine edge enroll' makes one with its first edge")
	}
	if r.finish {
		return a.finishTLS(ctx, c, r, out)
	}
	if r.dryRun {
		out.Done = append(out.Done, "would make "+certFile(dir, nextName))
		return nil
	}
	err := c.onRecord(ctx, canary.ActKeys, partTLS, false, func() (string, error) {
		_, err := a.makeIdentity(dir, nextName)
		return "made", err
	})
	if err != nil {
		return err
	}
	out.Done = append(out.Done, "made "+certFile(dir, nextName))
	for _, p := range c.cfg.Core.Edges() {
		out.Next = append(out.Next, "add "+certFile(dir, nextName)+" to the end of keys/core.crt on the edge "+p.Name+", and start it anew")
	}
	out.Next = append(out.Next, "saltmine keys rotate tls --finish")
	return nil
}

// finishTLS asks each edge with the new certificate, and only then takes it.
func (a *app) finishTLS(ctx context.Context, c *core, r *rotating, out *rotated) error {
	dir := edgesDir(c.cfg)
	next, err := loadIdentity(dir, nextName)
	if err != nil {
		return usage("there is no new certificate: run 'saltmine keys rotate tls' first")
	}
	var faults []error
	for _, p := range c.cfg.Core.Edges() {
		if err := askEdge(ctx, c, p, next, a.now); err != nil {
			faults = append(faults, fmt.Errorf("edge %s does not let the new certificate in: %w", p.Name, err))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	if r.dryRun {
		out.Done = append(out.Done, "every edge lets the new certificate in; would take it")
		return nil
	}
	return c.onRecord(ctx, canary.ActKeys, partTLS, false, func() (string, error) {
		// The key comes last: a certificate that is not its own is found when it is loaded.
		if err := replaceFile(certFile(dir, coreName), next.Cert); err != nil {
			return "", err
		}
		if err := replaceFile(keyFile(dir, coreName), next.Key); err != nil {
			return "", err
		}
		out.Done = append(out.Done, "the core has the new certificate")
		out.Next = append(out.Next, "start 'saltmine serve' anew", "take the old certificate, the first, out of keys/core.crt on each edge")
		return "replaced", errors.Join(os.Remove(keyFile(dir, nextName)), os.Remove(certFile(dir, nextName)))
	})
}

// askEdge greets an edge as somebody.
func askEdge(ctx context.Context, c *core, p conf.Pull, as pull.Identity, now func() time.Time) error {
	client, err := edgeClientAs(c.cfg, c.reg, p, as, now)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	_, err = client.Greet(ctx)
	return err
}
