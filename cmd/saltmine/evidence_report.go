package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"strings"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/evidence/report"
	"saltmine/internal/picture"
)

// howToVerify is for whoever has a pack and no Saltmine.
//
//go:embed how-to-verify.txt
var howToVerify string

// addReport writes the report, and how to verify the pack.
func (d *dossier) addReport() error {
	k := d.known()
	var trace bytes.Buffer
	if err := d.trace.Text(&trace); err != nil {
		return err
	}
	drawn := picture.Sheet(d.trace.Answer.Picture(), d.trace.Answer.Candidates())
	drawing := report.Section{Heading: "When the extract was taken, and which it was", Text: []string{"When each token that was reached could be read, what follows from it, and how probable each explanation is. Times are UTC."}}
	if !drawn.Empty() {
		drawing.SVG, drawing.Drawing = drawn.SVG(), drawn.Text(88)
	} else {
		drawing.Text = []string{"There is nothing to draw: no planted token was reached."}
	}
	r := report.Report{
		Title: "Incident " + string(d.incident.ID),
		Sections: []report.Section{
			{Heading: "What this is", Text: []string{
				fmt.Sprintf("An evidence pack of Saltmine, made from the log %s as it stood at %s with %d acts. Canaries are customer records that describe nobody; whoever contacts one has it from a copy of the database in which it was planted.", d.key().Log(), rfc3339(d.checkpoint.Made), d.checkpoint.Size),
				"What it says is proved by the other files of the pack: HOW-TO-VERIFY.txt tells how.",
			}},
			{Heading: "The incident", Table: rowsOf(d), Text: d.incident.Reasons},
			drawing,
			{Heading: "What the trace says", Lines: trace.String()},
			contactsSection(&k),
			canariesSection(&k),
			custodySection(d.custody, d.looks),
		},
	}
	d.add("report.html", r.HTML())
	d.add("report.pdf", r.PDF())
	d.add("HOW-TO-VERIFY.txt", []byte(strings.NewReplacer("{LOG}", d.key().Log(), "{INCIDENT}", string(d.incident.ID), "{ACTS}", fmt.Sprint(d.checkpoint.Size)).Replace(howToVerify)))
	return nil
}

func rfc3339(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func rowsOf(d *dossier) [][]string {
	i := &d.incident
	verdict := string(i.Verdict)
	if verdict == "" {
		verdict = "open"
	}
	return [][]string{
		{"Incident", "Place", "Severity", "Verdict", "Opened", "Contacts", "Canaries", "Beside"},
		{string(i.ID), string(i.Place), i.Severity.String(), verdict, rfc3339(i.Opened), fmt.Sprint(i.Contacts), fmt.Sprint(i.Canaries), fmt.Sprint(i.Support)},
	}
}

func contactsSection(k *packedCase) report.Section {
	s := report.Section{Heading: "Contacts", Table: [][]string{{"Contact", "Channel", "Heard", "Weighs", "Bytes"}}}
	for _, c := range k.Contacts {
		weighs := "no"
		if c.Clean {
			weighs = "yes"
		}
		s.Table = append(s.Table, []string{string(c.ID), string(c.Channel), rfc3339(c.At), weighs, fmt.Sprint(c.Bytes)})
	}
	if len(k.GivenUp) > 0 {
		s.Text = append(s.Text, fmt.Sprintf("The content of %d of these was given up, as the custody below says; nothing of it is in the pack.", len(k.GivenUp)))
	}
	if len(k.Unproved) > 0 {
		s.Text = append(s.Text, fmt.Sprintf("%d of these were not yet on the log when the pack was made, and are not in it.", len(k.Unproved)))
	}
	return s
}

func canariesSection(k *packedCase) report.Section {
	s := report.Section{Heading: "Canaries that were reached", Table: [][]string{{"Canary", "Name", "Kind", "Token", "Readable from", "Until"}}}
	for _, c := range k.Canaries {
		for _, t := range c.Tokens {
			s.Table = append(s.Table, []string{string(c.ID), c.Name, string(t.Kind), t.Text, moment(t.Window.From), moment(t.Window.Until)})
		}
	}
	return s
}

// custodySection says who did what with it.
func custodySection(acts []canary.Act, looks []packedLooks) report.Section {
	s := report.Section{Heading: "Chain of custody", Text: []string{"Who did what with the incident, its contacts and its canaries, from the evidence log. Each line is an act under the checkpoint: log/acts/NUMBER.json."}, Table: [][]string{{"Act", "At", "Who", "Via", "What", "About", "Outcome"}}}
	for _, a := range acts {
		s.Table = append(s.Table, []string{fmt.Sprint(a.Seq), rfc3339(a.At), a.Who, a.Via, a.What, a.About, a.Outcome})
	}
	for _, l := range looks {
		s.Text = append(s.Text, fmt.Sprintf("Not shown one by one: %s looked at the incident %d times (%s), from %s to %s.", l.Who, l.Times, l.Via, rfc3339(l.First), rfc3339(l.Last)))
	}
	return s
}
