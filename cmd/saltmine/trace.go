package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"saltmine/internal/audit/cover"
	"saltmine/internal/canary"
	"saltmine/internal/forensics"
	"saltmine/internal/incident"
	"saltmine/internal/people"
	"saltmine/internal/registry"
	"saltmine/internal/scenario"
)

// traceFlags are those of trace.
type traceFlags struct {
	id, folder, svg, contacts string
	number                    int
	affected                  affectedFlags
}

// check refuses what does not go together.
func (f *traceFlags) check(cmd *cobra.Command, args []string) error {
	if err := f.affected.check(f.id, f.folder, f.svg, args); err != nil {
		return err
	}
	switch {
	case f.contacts != "" && (f.folder != "" || f.affected.on):
		return usage("--contacts goes with neither --scenario nor --affected")
	case f.id != "" && f.folder != "":
		return usage("--incident and --scenario are two different things to trace")
	case cmd.Flags().Changed("case") && (f.folder == "" || f.number < 0):
		return usage("--case is the number of a case of --scenario")
	case f.svg != "" && f.folder != "":
		return usage("--svg draws an incident, not a scenario")
	}
	return nil
}

func (a *app) traceCmd() *cobra.Command {
	var f traceFlags
	cmd := &cobra.Command{
		Use:   "trace [EXTRACT]",
		Short: "Say when the leaked extract was taken, and which known extract it can be",
		Long: `Weighs what may have happened against each other: that one of the known extracts
leaked, several of them, all that one account took, a copy that no log knows, or that
there was no leak and all contacts are noise; by what was contacted and when, by what
stayed silent, and by what the placebos heard. It gives each its probability, when the
access was, how much leaked, and the reasons. A suspect is what has over 90 %, a lead
what has over 50 %. What the audit log told counts among the known extracts.
Without --incident the newest incident is traced. DNS queries and unnamed calls
are counted and carry no weight. --svg also draws it: the windows of the tokens and
what follows from them, and what came when.

With --scenario the leaks of a folder are traced, whose truth others know: for each
case one line of JSON is printed, with the probabilities that there was no leak, that
no log knows the extract, and that each actor and extract took part. It needs no
configuration.` + contactsHelp + affectedHelp,
		Example: "  saltmine trace\n  saltmine trace --incident i_abcdefghijklmnop --output json\n  saltmine trace --svg trace.svg\n  saltmine trace --contacts heard.csv\n  saltmine trace --affected read:0123456789ab --dry-run\n  saltmine trace --incident i_abcdefghijklmnop --affected --out notices.csv\n  saltmine trace --scenario leaks/easy --case 3",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(cmd, args); err != nil {
				return err
			}
			ctx, asks := cmd.Context(), asked(cmd, args, people.Forensics)
			switch {
			case f.folder != "":
				return predict(cmd.OutOrStdout(), f.folder, f.number)
			case f.affected.on:
				return a.withCore(ctx, func(c *core) error { return a.affected(ctx, c, f.affected, asks) })
			case f.contacts != "":
				return a.withCore(ctx, func(c *core) error { return a.traceContacts(ctx, c, &f, asks) })
			}
			return a.withCore(ctx, func(c *core) error { return a.showTrace(ctx, c, canary.IncidentID(f.id), f.svg) })
		},
	}
	cmd.Flags().StringVar(&f.id, "incident", "", "`ID` of the incident, as on the page")
	cmd.Flags().StringVar(&f.contacts, "contacts", "", "trace the contacts that are listed in `FILE` (CSV or JSON lines), and those of --incident if it is given; nothing is filed")
	cmd.Flags().StringVar(&f.svg, "svg", "", "also draw it, as SVG, in `FILE`, which must not exist")
	cmd.Flags().StringVar(&f.folder, "scenario", "", "trace the leaks of this `folder` (canaries, extracts, hits) in place of an incident")
	f.affected.add(cmd)
	a.tokenFlag(cmd)
	cmd.Flags().IntVar(&f.number, "case", -1, "of a scenario: only case `K`")
	return cmd
}

// predict prints what is predicted of the cases of a scenario, a line of JSON each.
func predict(out io.Writer, folder string, number int) error {
	world, err := scenario.Open(folder)
	if err != nil {
		return err
	}
	list, err := world.Cases()
	if err != nil {
		return err
	}
	if number >= 0 {
		if !slices.Contains(list, number) {
			return fmt.Errorf("scenario: %s has no case %d", folder, number)
		}
		list = []int{number}
	}
	for _, n := range list {
		p, err := world.Predict(n)
		if err != nil {
			return err
		}
		if err := json.NewEncoder(out).Encode(p); err != nil {
			return err
		}
	}
	return nil
}

// traced is the answer of a trace with the incident it is about.
type traced struct {
	Incident canary.Incident `json:"incident"`
	// SetAside counts the hits that carry no weight: probes, unnamed calls,
	// origins that also contacted placebos.
	SetAside int              `json:"set_aside"`
	Answer   forensics.Answer `json:"trace"`
	// Logs is what the audit logs that were read cover of the access window; nil where
	// nothing was hit.
	Logs *cover.Report `json:"logs,omitempty"`
	// Mails are the newest, with what is proved of their senders, without the DNS
	// answers: "saltmine mailauth CONTACT" has those.
	Mails []registry.Mail `json:"mails,omitempty"`
}

// Text prints the trace for a person.
func (t traced) Text(w io.Writer) error {
	if agent, desk := t.Incident.Place.Agent(); desk {
		_, err := fmt.Fprintf(w, "Incident %s  %s  %s\nLook-ups of agent %s that are its evidence: %d. They lead to no extract.\n",
			t.Incident.ID, t.Incident.Severity, t.Incident.Place, agent, t.Incident.Support)
		return err
	}
	if t.Incident.Place.Reports() {
		_, err := fmt.Fprintf(w, "Incident %s  %s  %s\nPeople's reports that are its evidence: %d. They name no token and lead to no extract.\n",
			t.Incident.ID, t.Incident.Severity, t.Incident.Place, t.Incident.Support)
		return err
	}
	if t.Incident.Place == canary.Unmarked {
		_, err := fmt.Fprintf(w, "Incident %s  %s  %s\nTokens of drills stand in no table: contacts with them lead to no extract.\n", t.Incident.ID, t.Incident.Severity, t.Incident.Place)
		return err
	}
	_, err := fmt.Fprintf(w, "Incident %s  %s  %s\nCanaries reached: %d. Contacts: %d, of which not weighed (probes, unnamed calls, guesses): %d.\nWhat came with them (DNS queries, reports, other mails and calls of their author): %d, supporting evidence without weight.\n\n",
		t.Incident.ID, t.Incident.Severity, t.Incident.Place, t.Incident.Canaries, t.Incident.Contacts, t.SetAside, t.Incident.Support)
	if err != nil {
		return err
	}
	return errors.Join(printMails(w, t.Mails), t.Answer.Text(w), printCover(w, t.Logs))
}

// traceIncident traces what an incident has of contacts. An empty id
// is the newest incident.
func traceIncident(ctx context.Context, reg *registry.Registry, id canary.IncidentID, now time.Time) (traced, error) {
	inc, err := pickIncident(ctx, reg, id)
	if err != nil {
		return traced{}, err
	}
	hits, err := plantedHits(ctx, reg, &inc)
	if err != nil {
		return traced{}, err
	}
	channels, err := reg.Channels(ctx, inc.ID)
	if err != nil {
		return traced{}, err
	}
	out := traced{Incident: inc, SetAside: setAside(hits)}
	if out.Answer, err = traceHits(ctx, reg, hits, channels, now); err != nil {
		return traced{}, err
	}
	if out.Logs, err = coverOf(ctx, reg, &out.Answer); err != nil {
		return traced{}, err
	}
	out.Mails, err = reg.MailsOf(ctx, inc.ID, mailsShown)
	for i := range out.Mails {
		if r := out.Mails[i].Report; r != nil {
			r.Answers = nil
		}
	}
	return out, err
}

// traceHits gathers what the registry knows of some hits, and asks forensics.
func traceHits(ctx context.Context, reg *registry.Registry, hits []canary.Hit, channels map[canary.ContactID]canary.Channel, now time.Time) (forensics.Answer, error) {
	plantings, err := reg.Plantings(ctx, canary.Filter{})
	if err != nil {
		return forensics.Answer{}, err
	}
	q := forensics.Question{Now: canary.Micro(now)}
	if q.Extracts, err = reg.Extracts(ctx); err != nil {
		return forensics.Answer{}, err
	}
	lives, kinds := livesOf(plantings, &q)
	q.Tokens = append(q.Tokens, formerOwners(plantings, hits)...)
	noise, err := incident.Noise(ctx, reg, hits)
	if err != nil {
		return forensics.Answer{}, err
	}
	for i, h := range hits {
		if !h.Clean {
			continue
		}
		live := lives[h.Token]
		h.Canary = live.Canary
		q.Hits = append(q.Hits, forensics.Hit{
			Token: h.Token, Canary: h.Canary, Kind: kinds[h.Token], Channel: channels[h.Contact], At: h.At,
			Segment: live.Segment, Window: live.Window, Contact: h.Contact,
			Noise: noise[i], Content: h.Content, Source: h.Origin,
		})
	}
	return weigh(ctx, reg, q)
}

// livesOf puts all tokens to a question, and gives each its window and kind.
func livesOf(plantings []canary.Planting, q *forensics.Question) (map[canary.TokenID]forensics.Live, map[canary.TokenID]canary.Kind) {
	lives, kinds := map[canary.TokenID]forensics.Live{}, map[canary.TokenID]canary.Kind{}
	for _, p := range plantings {
		for _, t := range p.Tokens {
			live := forensics.Live{Token: t.ID, Canary: p.ID, Segment: p.Segment, Window: t.Window}
			lives[t.ID], kinds[t.ID] = live, t.Kind
			q.Tokens = append(q.Tokens, live)
		}
	}
	return lives, kinds
}

// setAside counts the contacts of which nothing is weighed.
func setAside(hits []canary.Hit) int {
	weighed := map[canary.ContactID]bool{}
	for _, h := range hits {
		weighed[h.Contact] = weighed[h.Contact] || h.Clean
	}
	n := 0
	for _, clean := range weighed {
		if !clean {
			n++
		}
	}
	return n
}

// formerOwners are the rows in which hit mailboxes and numbers stood before: a
// contact that names nobody is put down to the last canary that had it by then,
// and may stem from a copy of when another one had. One that was put down to
// another than the last was so because it named it.
func formerOwners(plantings []canary.Planting, hits []canary.Hit) []forensics.Live {
	byText := map[string][]forensics.Live{}
	texts := map[canary.TokenID]string{}
	for _, p := range plantings {
		for _, t := range p.Tokens {
			if t.Kind == canary.Ticket || t.Window.Never() {
				continue
			}
			text := string(t.Kind) + " " + t.Text
			texts[t.ID] = text
			byText[text] = append(byText[text], forensics.Live{Token: t.ID, Canary: p.ID, Segment: p.Segment, Window: t.Window})
		}
	}
	var out []forensics.Live
	done := map[canary.TokenID]bool{}
	for _, h := range hits {
		if owners := byText[texts[h.Token]]; h.Clean && len(owners) > 1 && !done[h.Token] {
			done[h.Token] = true
			out = append(out, before(h, owners)...)
		}
	}
	return out
}

// before are the rows in which a hit token's text stood by the time of the hit,
// as windows of that token; none when it was put down to another than the last.
func before(h canary.Hit, owners []forensics.Live) (out []forensics.Live) {
	var last forensics.Live
	for _, l := range owners {
		if h.At.Before(l.Window.From.Earliest) {
			continue
		}
		if l.Window.From.Earliest.After(last.Window.From.Earliest) {
			last = l
		}
		if l.Token != h.Token {
			l.Token = h.Token
			out = append(out, l)
		}
	}
	if last.Token != h.Token {
		return nil
	}
	return out
}

// lookedThrough bounds the look for the newest incident that can be traced: an
// agent's look-ups lead to no extract.
const lookedThrough = 1000

// leads reports whether an incident of a place can lead to a real extract.
func leads(p canary.Place) bool {
	_, desk := p.Agent()
	_, drill := p.Drill()
	return !desk && !drill && !p.Reports() && p != canary.Unmarked
}

// plantedHits are the hits of an incident on planted tokens, or on what stands for
// such in a drill.
func plantedHits(ctx context.Context, reg *registry.Registry, inc *canary.Incident) ([]canary.Hit, error) {
	hits, err := reg.IncidentHits(ctx, inc.ID)
	switch run, drill := inc.Place.Drill(); {
	case err != nil || inc.Place == canary.Unmarked:
		return nil, err
	case drill:
		return standIn(ctx, reg, run, hits)
	}
	// What was one letter off says which token only where it names the record, too.
	return slices.DeleteFunc(hits, func(h canary.Hit) bool { return h.Cell.Variant() && !h.Clean }), nil
}

// standIn puts for each hit of a drill the planted token in whose place its token
// stands. Those that stand for none are left out.
func standIn(ctx context.Context, reg *registry.Registry, run canary.DrillID, hits []canary.Hit) ([]canary.Hit, error) {
	tokens, err := reg.DrillTokens(ctx, run)
	if err != nil {
		return nil, err
	}
	stands := map[canary.TokenID]canary.TokenID{}
	for _, t := range tokens {
		stands[t.ID] = t.Stands
	}
	var out []canary.Hit
	for _, h := range hits {
		if h.Token = stands[h.Token]; h.Token != "" {
			out = append(out, h)
		}
	}
	return out, nil
}

func pickIncident(ctx context.Context, reg *registry.Registry, id canary.IncidentID) (canary.Incident, error) {
	if id != "" {
		return reg.Incident(ctx, id)
	}
	list, err := reg.Incidents(ctx, lookedThrough)
	if err != nil {
		return canary.Incident{}, err
	}
	for _, inc := range list {
		if leads(inc.Place) {
			return inc, nil
		}
	}
	return canary.Incident{}, errors.New("there is no incident to trace: no planted token has been contacted")
}
