package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"saltmine/internal/conf"
	"saltmine/internal/registry"
	"saltmine/internal/seal"
)

// checked is one line of check.
type checked struct {
	What  string `json:"what"`
	OK    bool   `json:"ok"`
	Fault string `json:"fault,omitempty"`
	Hint  string `json:"hint,omitempty"` // what to do about the fault
}

func (a *app) checkCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Check the configuration and everything it names, one line each",
		Long: `Reads the configuration and every secret, opens the registry with its keys and
each support database through its recipe, and makes each ear without starting it.
Each route is connected to, and asked what can be asked without waking anybody. Zone delegation and what the internet sees are not checked yet.`,
		Example: "  saltmine check --config /etc/saltmine/saltmine.toml",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.check(cmd.Context()) },
	}
}

func (a *app) check(ctx context.Context) error {
	var list []checked
	failed := 0
	add := func(what string, err error) bool {
		c := checked{What: what, OK: err == nil}
		if err != nil {
			failed++
			c.Fault, c.Hint = err.Error(), hintFor(err)
		}
		list = append(list, c)
		return err == nil
	}
	cfg, err := a.loadConfig()
	if add("configuration "+a.config, err) {
		a.checkParts(ctx, cfg, add)
	}
	if err := a.print(list, func(w io.Writer) error { return printChecked(w, list) }); err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d checks failed", failed, len(list))
	}
	return nil
}

func (a *app) checkParts(ctx context.Context, cfg *conf.Config, add func(string, error) bool) {
	if cfg.Edge != nil {
		a.checkBlind(cfg, add)
		return
	}
	keys, err := loadKeys(cfg)
	if !add("keys "+cfg.Registry.Keys, err) {
		return
	}
	reg, err := registry.Open(ctx, registry.Config{DSN: registryDSN(cfg), Vault: keys.Vault, Now: a.now, Log: a.quietLogger(), Pool: poolRules(cfg)})
	if err == nil {
		_, err = reg.UnfinishedBatches(ctx) // opens something sealed, where there is something
		defer reg.Close()                   //nolint:errcheck // it was only read
	}
	if add("registry ("+string(cfg.Registry.Source.Engine)+")", err) {
		add("filed contacts", checkQueues(ctx, reg))
		add(checkActs(ctx, reg))
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.Support)) {
		add("support database "+name, checkSupport(ctx, cfg.Support[name]))
	}
	add(checkApproval(cfg))
	add(checkPool(&core{cfg, keys, reg}))
	_, err = acceptance(keys.Accept(), cfg)
	add("acceptance rule", err)
	a.checkEars(ctx, &core{cfg, keys, reg}, add)
	for _, p := range cfg.Core.Edges() {
		add("edge "+p.Name, checkEdge(ctx, cfg, reg, p, a.now))
	}
	a.checkRoutes(ctx, cfg, add)
	a.checkWitnesses(ctx, cfg, add)
	a.checkStamps(ctx, cfg, reg, add)
	a.checkResponses(ctx, cfg, add)
	if reg != nil {
		add((&core{cfg, keys, reg}).checkDeadman(ctx, a.now()))
	}
	checkWork(&server{core: &core{cfg, keys, reg}, app: a, log: a.quietLogger()}, add)
}

// checkEars makes each ear.
func (a *app) checkEars(ctx context.Context, c *core, add func(string, error) bool) {
	cfg := c.cfg
	if cfg.Mailbox != nil && c.reg != nil {
		add(c.checkMailboxes(ctx))
	}
	if cfg.DNS != nil {
		add("dns zones", a.checkZones(cfg, c.keys.Accept()))
	}
	if cfg.Report != nil {
		add(checkReport(cfg.Report))
	}
	if cfg.Phone != nil {
		for _, p := range cfg.Phone.Providers {
			add("telephony provider "+p.Name, checkProvider(cfg.Phone, p, a.now))
		}
	}
}

// checkWork reads each timetable.
func checkWork(s *server, add func(string, error) bool) {
	_, _, err := schedules(s.cfg)
	add("rotation schedule", err)
	_, err = s.verifying()
	add("verification schedule", err)
	_, err = s.poolWatch()
	add("pool check schedule", err)
	_, err = s.living()
	add("life schedule", err)
	_, err = s.drilling()
	add("drill schedule", err)
	_, err = s.retaining()
	add("retention schedule", err)
}

// checkQueues says how many contacts were put aside because they do not open.
func checkQueues(ctx context.Context, reg *registry.Registry) error {
	q, err := reg.Queued(ctx)
	if err == nil && q.Aside > 0 {
		err = fmt.Errorf("%d cannot be read with these keys, or are damaged, and were put aside: what they say is not searched, and their senders not looked at (the log of serve names them)", q.Aside)
	}
	return err
}

// checkBlind looks at an edge's side.
func (a *app) checkBlind(cfg *conf.Config, add func(string, error) bool) {
	add("knows nothing but its own", cfg.Blind())
	keys, err := seal.LoadEdge(cfg.Edge.Keys)
	if !add("keys "+cfg.Edge.Keys, err) {
		return
	}
	_, err = edgeServing(cfg)
	add("certificates", err)
	_, err = acceptance(keys.Accept(), cfg)
	add("acceptance rule", err)
	if cfg.DNS != nil {
		add("dns zones", a.checkZones(cfg, keys.Accept()))
	}
}

// checkPool reads what [pool] lists, and says what of it nobody would hear.
func checkPool(c *core) (what string, err error) {
	items, err := c.listedPool()
	polled := 0
	for i := range items {
		if items[i].Reading.Host != "" {
			polled++
		}
	}
	if polled == 0 || c.cfg.Mailbox != nil {
		return "pool", err
	}
	return fmt.Sprintf("pool (%d mailboxes are to be read by IMAP, and there is no section [mailbox]: nobody hears what arrives)", polled), err
}

func checkSupport(ctx context.Context, s conf.Support) error {
	db, err := openDatabase(ctx, s, nil)
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // it was only read
	if s.Recipe == "" {
		return fmt.Errorf("no recipe: run 'saltmine inspect --write recipe.toml'")
	}
	r, err := loadRecipe(s.Recipe)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no recipe yet: run 'saltmine inspect --write %s'", s.Recipe)
	}
	if err != nil {
		return err
	}
	desk, err := db.Use(ctx, r)
	if err != nil {
		return err
	}
	return desk.CheckWrite(ctx)
}

func printChecked(w io.Writer, list []checked) error {
	for _, c := range list {
		mark := "ok    "
		if !c.OK {
			mark = "FAILED"
		}
		line := mark + "  " + c.What
		if c.Fault != "" {
			line += ": " + c.Fault
		}
		if c.Hint != "" {
			line += "\n        hint: " + c.Hint
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}
