package incident

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"saltmine/internal/baserate"
	"saltmine/internal/canary"
)

// compose writes the page of an incident as it stands. It knows counts, times
// and reasons; it is never given a canary's identity.
func compose(inc *canary.Incident, now time.Time, link string) canary.Page {
	p := canary.Page{
		ID: canary.PageID(canary.NewID("p")), Incident: inc.ID, Severity: inc.Severity, At: canary.Micro(now), Place: inc.Place,
		Summary: fmt.Sprintf("%s %s: %s of records that do not exist; first at %s",
			inc.Severity, inc.Place, counted(inc.Contacts, "contact"), inc.Opened.UTC().Format("2006-01-02 15:04:05Z")),
		Reasons:  append([]string(nil), inc.Reasons...),
		Contacts: inc.Contacts, Canaries: inc.Canaries, Link: link,
	}
	if agent, ok := inc.Place.Agent(); ok {
		return composeRun(p, agent, inc)
	}
	if _, ok := inc.Place.Reader(); ok {
		return composeReader(p, inc)
	}
	if run, ok := inc.Place.Drill(); ok {
		return composeDrill(p, run, inc)
	}
	if inc.Place.Reports() {
		return composeReports(p, inc)
	}
	if inc.Place == canary.Unmarked {
		return composeUnmarked(p)
	}
	p.Proves, p.ProvesNot = meaning(inc)
	p.Sure = strings.TrimSpace(sure(inc) + " " + weighed(inc.Weight))
	p.Next = []string{
		"Read the access window and the first suspects: saltmine trace --incident " + string(inc.ID),
		"Secure the audit, export and web logs of " + string(inc.Place) + " before they rotate, and import what was taken out: saltmine extracts import FILE",
		"Do not answer the contact, and do not question anybody before the trace has been read",
	}
	return p
}

func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func meaning(inc *canary.Incident) (proves, provesNot string) {
	switch {
	case inc.Severity == canary.P1 && byCount(inc):
		return fmt.Sprintf("%s of %s were contacted within days, far more than of those made like them that stand in no table.", counted(inc.Canaries, "planted record"), inc.Place),
			"No contact named a detail of a record. It does not prove that nobody guessed, who took a copy, how much, or from which system."
	case inc.Severity == canary.P1:
		return fmt.Sprintf("Somebody outside holds details that stand only in planted records of %s (%s contacted). A copy of that data has left.", inc.Place, counted(inc.Canaries, "canary record")),
			"It does not prove who took it, how much, or from which system: the same record may also stand in backups and copies."
	case inc.Severity == canary.P2 && inc.Contacts > 1:
		return fmt.Sprintf("Contacts that were given to nobody, and stand only in %s, were used.", inc.Place),
			"Contacts like these can still be guesses or mistyped addresses. Who took them, and how much, is not shown yet."
	case inc.Severity == canary.P2:
		return fmt.Sprintf("Somebody used a contact that was given to nobody and stands only in %s.", inc.Place),
			"One contact can still be a guess or a mistyped address. Who took it, and how much, is not shown yet."
	default:
		return fmt.Sprintf("A contact that was given to nobody, and stands only in %s, was tried.", inc.Place),
			"It may well be background noise: dialling at random, dictionary spam. It does not show that data has left."
	}
}

// byCount reports whether it is urgent for the number of its canaries, and nothing
// that was said names a record.
func byCount(inc *canary.Incident) bool {
	crowd := slices.ContainsFunc(inc.Reasons, func(reason string) bool { return strings.HasPrefix(reason, manyCanaries) })
	return crowd && (inc.Weight == nil || inc.Weight.Content < baserate.NamedFacts)
}

// sure says in words how far an incident can be trusted. It is no probability:
// what weighs is what the severity was given for.
func sure(inc *canary.Incident) string {
	switch {
	case inc.Severity == canary.P1 && byCount(inc):
		return "Very likely that data has left, by the number of records alone: no single contact proves it."
	case inc.Severity == canary.P1:
		return "As good as certain that data has left: chance does not put such details together."
	case inc.Severity == canary.P2 && inc.Contacts > 1:
		return fmt.Sprintf("Likely. Nothing but the records leads to such contacts, and there were %d of them.", inc.Contacts)
	case inc.Severity == canary.P2:
		return "Likely. Nothing but the record leads to this contact, but it has happened once."
	default:
		return "Unsure: most contacts like this are noise."
	}
}

// composeRun fills the page of an agent's run of look-ups.
func composeRun(p canary.Page, agent string, inc *canary.Incident) canary.Page {
	p.Summary = fmt.Sprintf("%s help desk: agent %s makes a run of ticket look-ups; first at %s", inc.Severity, agent, inc.Opened.UTC().Format("2006-01-02 15:04:05Z"))
	p.Proves = fmt.Sprintf("With the token of %s, ticket numbers were looked up as nobody does who only takes calls.", agent)
	p.ProvesNot = "Who used the token, or that data has left: somebody may be trying out which numbers are planted, or a program may have gone wrong."
	p.Next = []string{
		"Do not tell the help desk, and do not ask the agent before you know more",
		"Compare the times of the look-ups with the agent's calls and shifts",
		"If the token may be in other hands, delete its line from the agents file and give another: saltmine agent NAME",
	}
	return p
}

// composeReader fills the page of an account that reads in bulk. What it read, and
// where, stands in the reasons.
func composeReader(p canary.Page, inc *canary.Incident) canary.Page {
	p.Summary = fmt.Sprintf("%s support database: an account is given far more customers' records than is usual; first at %s",
		inc.Severity, inc.Opened.UTC().Format("2006-01-02 15:04:05Z"))
	p.Proves = "By the database's own log, planted records, which no work leads to, were given to this account in numbers that it and its peers do not come near."
	p.ProvesNot = "Who sat behind the account, or that anything has left: a new report, a backup or a migration reads in bulk too, and passwords are stolen."
	p.Sure = "That it read in bulk: as sure as the log is. Why: not known."
	if !inc.Severity.Reaches(canary.P2) {
		p.Sure = "Unsure: few records, or statements that the log does not show whole."
	}
	p.Next = []string{
		"Ask whoever runs the database what runs under the account at this hour; do not ask the account's owner yet",
		"Keep the audit log from rotating away, and the logs of where the account came from",
		"If nobody can explain it, lock the account and end its sessions: that can be undone, a copy cannot",
	}
	return p
}

// Deliveries are those of a page to the routes that get it. What is held back are
// the steps of its escalation, in the order of their times: each falls back one
// turn after the one before. Routes that do not get the page take no turn.
func Deliveries(page canary.PageID, routes []Route) []canary.Delivery {
	list := make([]canary.Delivery, len(routes))
	var steps []int
	for i, r := range routes {
		list[i] = canary.Delivery{Page: page, Route: r.Name, After: r.After, Log: r.Log}
		if r.After > 0 {
			steps = append(steps, i)
		}
	}
	slices.SortStableFunc(steps, func(x, y int) int { return cmp.Compare(routes[x].After, routes[y].After) })
	for n, i := range steps {
		list[i].Fallback = time.Duration(n+1) * routes[i].Within
	}
	return list
}
