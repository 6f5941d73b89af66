package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"saltmine/internal/canary"
	"saltmine/internal/conf"
	"saltmine/internal/pager"
	"saltmine/internal/pager/render"
)

// tested is what came of a test page on one route.
type tested struct {
	Route   string `json:"route"`
	OK      bool   `json:"ok"`
	Receipt string `json:"receipt,omitempty"`
	Fault   string `json:"fault,omitempty"`
}

func (a *app) pagerCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "pager", Short: "Try the ways out for pages", Example: "  saltmine pager test --route on-call"}
	var only []string
	test := &cobra.Command{
		Use:   "test",
		Short: "Send one page that is marked as a test",
		Long: `Sends a page that says that nothing happened to each route, or to those that are
named, once and without the outbox. It rings where pages ring.`,
		Example: "  saltmine pager test\n  saltmine pager test --route on-call --route second",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.pagerTest(cmd.Context(), only) },
	}
	test.Flags().StringSliceVar(&only, "route", nil, "only the routes with these `NAMES`")
	cmd.AddCommand(test)
	return cmd
}

func (a *app) pagerTest(ctx context.Context, only []string) error {
	cfg, err := a.loadConfig()
	if err != nil {
		return err
	}
	for _, name := range only {
		if !slices.ContainsFunc(cfg.Routes, func(r conf.Route) bool { return r.Name == name }) {
			return usage("--route %q: no [[route]] is called so", name)
		}
	}
	set, err := templates(cfg, a.logger())
	if err != nil {
		return err
	}
	page := testPage(a)
	list, failed := []tested{}, 0
	for i := range cfg.Routes {
		r := &cfg.Routes[i]
		if len(only) > 0 && !slices.Contains(only, r.Name) {
			continue
		}
		t := a.testRoute(ctx, r, set, page)
		if !t.OK {
			failed++
		}
		list = append(list, t)
	}
	if err := a.print(list, func(w io.Writer) error { return printTested(w, list) }); err != nil {
		return err
	}
	if failed > 0 || len(list) == 0 {
		return fmt.Errorf("%d of %d routes took the page", len(list)-failed, len(list))
	}
	return nil
}

func (a *app) testRoute(ctx context.Context, r *conf.Route, set *render.Set, page canary.Page) tested {
	out, err := newRoute(r, set, a.now)
	var receipt pager.Receipt
	if err == nil {
		receipt, err = sendTest(ctx, out.send, page, r.Name)
	}
	t := tested{Route: r.Name, OK: err == nil, Receipt: string(receipt)}
	if err != nil {
		t.Fault = err.Error()
	}
	return t
}

func sendTest(ctx context.Context, send pager.Send, page canary.Page, name string) (pager.Receipt, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	return send(ctx, pager.Delivery{Page: page, Route: name, Kind: pager.Trigger, First: page.At, NextTry: page.At, DedupKey: page.About(), Test: true})
}

// testPage is about a notice that was never raised: a route must not take it for
// an incident.
func testPage(a *app) canary.Page {
	return pager.Clean(canary.Page{
		ID: canary.PageID(canary.NewID("p")), Notice: canary.NoticeID(canary.NewID("n")), Severity: canary.P2, At: canary.Micro(a.now()),
		Summary: "TEST of Saltmine's pager: nothing happened", Reasons: []string{"somebody ran 'saltmine pager test'"},
		Proves: "That this route works.", ProvesNot: "Anything else.", Next: []string{"Do nothing, or tell whoever tests that it has come"},
	})
}

func printTested(w io.Writer, list []tested) error {
	var out []string
	for _, t := range list {
		if t.OK {
			out = append(out, "ok      "+t.Route+": "+t.Receipt)
		} else {
			out = append(out, "FAILED  "+t.Route+": "+t.Fault)
		}
	}
	return lines(w, out)
}
