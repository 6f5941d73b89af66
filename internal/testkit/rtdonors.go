package testkit

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"saltmine/internal/helpdesk"
)

// rtAgents are the logins of the five agents, the busiest first.
func rtAgents() []string { return []string{"moira", "jonas", "priya", "tomas", "eve"} }

// rtPlan is the life of a help desk, step by step in the order of time.
type rtPlan struct {
	cfg   helpdesk.Config
	r     *rand.Rand
	known map[string]bool // addresses of which RT has heard, or will before the step
	steps []RTStep
}

// donors are the steps that fill a new RT with the customers and tickets of a
// configuration. What would come after its end is left out, so that the newest
// tickets are still open.
func donors(cfg helpdesk.Config) ([]RTStep, error) {
	desk, err := helpdesk.New(cfg)
	if err != nil {
		return nil, fmt.Errorf("rt: %w", err)
	}
	p := &rtPlan{cfg: cfg, r: rand.New(rand.NewPCG(cfg.Seed, 5)), known: map[string]bool{}} // repeatable on purpose
	tickets := slices.Collect(desk.Tickets())
	opened := map[int64]bool{}
	for i := range tickets {
		opened[tickets[i].CustomerID] = true
	}
	people := map[int64]*helpdesk.Customer{}
	for c := range desk.Customers() {
		people[c.ID] = &c
		// The others write before the shop has told RT of them.
		if !opened[c.ID] || p.r.IntN(100) < 45 {
			p.known[c.Email] = true
			p.add(c.Created, RTStep{Do: "user", By: "moira", Fields: p.account(&c)})
		}
	}
	for i := range tickets {
		p.ticket(&tickets[i], people[tickets[i].CustomerID])
	}
	slices.SortStableFunc(p.steps, func(a, b RTStep) int { return cmp.Compare(a.At, b.At) })
	return p.steps, nil
}

func (p *rtPlan) add(at time.Time, step RTStep) {
	if at.Before(p.cfg.To) {
		step.At = at.Unix()
		p.steps = append(p.steps, step)
	}
}

// account are the columns that the shop fills in.
func (p *rtPlan) account(c *helpdesk.Customer) map[string]string {
	f := map[string]string{"Name": c.Email, "EmailAddress": c.Email, "RealName": c.FirstName + " " + c.LastName, "Lang": c.Language, "Country": c.Country}
	if p.r.IntN(100) < 8 {
		f["Organization"] = c.LastName + " & Partners" //nolint:misspell // RT's word
	}
	maps.Copy(f, p.phone(c))
	return f
}

func (p *rtPlan) phone(c *helpdesk.Customer) map[string]string {
	if c.Phone == nil {
		return nil
	}
	column := []string{"MobilePhone", "HomePhone", "WorkPhone", "MobilePhone"}[p.r.IntN(4)]
	return map[string]string{column: *c.Phone}
}

// ticket is one request, from the first word to the last.
func (p *rtPlan) ticket(t *helpdesk.Ticket, c *helpdesk.Customer) {
	key, agent := t.Number, rtAgents()[min(p.r.IntN(5), p.r.IntN(5))]
	at := t.Created
	mail := RTStep{Do: "mail", Key: key, From: c.Email, Name: c.FirstName + " " + c.LastName, Queue: p.queue(), Title: t.Subject}
	first := mail
	first.Text, first.Attach = p.complaint(c), p.file(t)
	if t.Channel == "phone" {
		first.Do, first.By, first.Text = "open", agent, "<p>"+strings.ReplaceAll(first.Text, "\n", "<br />\n")+"</p>"
	}
	p.add(at, first)
	if t.Status == "open" && p.r.IntN(3) == 0 {
		return // nobody has looked yet
	}
	if t.Channel != "phone" {
		at = at.Add(p.delay(3 * time.Hour))
		p.add(at, RTStep{Do: "set", Key: key, By: agent, Fields: map[string]string{"Owner": agent}})
	}
	if t.Priority == "high" || t.Priority == "urgent" {
		p.add(at, RTStep{Do: "set", Key: key, By: agent, Fields: map[string]string{"Priority": "80"}})
	}
	at = p.talk(at, mail, agent, t, c)
	if phone := p.phone(c); phone != nil && !p.known[c.Email] {
		p.add(at, RTStep{Do: "edit", By: agent, From: c.Email, Fields: phone})
	}
	p.known[c.Email] = true
	if status := p.end(t); status != "" {
		p.add(at.Add(p.delay(30*time.Hour)), RTStep{Do: "set", Key: key, By: agent, Fields: map[string]string{"Status": status}})
	}
}

// talk is what is said after the first word; it returns when the last was.
func (p *rtPlan) talk(at time.Time, mail RTStep, agent string, t *helpdesk.Ticket, c *helpdesk.Customer) time.Time {
	for range 1 + p.r.IntN(2)*p.r.IntN(3) {
		at = at.Add(p.delay(time.Hour))
		p.add(at, RTStep{Do: "reply", Key: mail.Key, By: agent, Text: p.answer(c), Quote: p.r.IntN(3) == 0})
		if p.r.IntN(2) == 0 {
			at = at.Add(p.delay(9 * time.Hour))
			again := mail
			again.Text, again.Attach = p.thanks(c), p.file(t)
			p.add(at, again)
		}
		if p.r.IntN(4) == 0 {
			at = at.Add(p.delay(20 * time.Minute))
			p.add(at, RTStep{Do: "comment", Key: mail.Key, By: rtAgents()[p.r.IntN(5)], Text: "<p>Seen this with " + c.Product + " before, see the notes.</p>"})
		}
	}
	return at
}

// end is the status that an agent gives a ticket at last; some are forgotten.
func (p *rtPlan) end(t *helpdesk.Ticket) string {
	switch n := p.r.IntN(100); {
	case n < 7 || t.Status == "open":
		return ""
	case n < 14 || t.Status == "pending":
		return "stalled"
	case n < 18:
		return "rejected"
	}
	return "resolved"
}

// delay is a time that is short as a rule and at times much longer.
func (p *rtPlan) delay(mean time.Duration) time.Duration {
	return time.Minute + time.Duration(p.r.ExpFloat64()*float64(mean)).Round(time.Second)
}

func (p *rtPlan) queue() string {
	return []string{"Support", "Support", "Support", "Billing"}[p.r.IntN(4)]
}

func (p *rtPlan) complaint(c *helpdesk.Customer) string {
	openings := []string{"Hello,", "Hi there", "Good morning,", "Dear support team,"}
	troubles := []string{
		"since the last update " + c.Product + " does not start any more.",
		"I renewed " + c.Product + " and still get the message that it has expired.",
		"the activation key for " + c.Product + " is refused on my new computer.",
		"I was charged twice for " + c.Product + ". Please refund one of the payments.",
		c.Product + " makes my computer very slow — is there a setting for this?",
	}
	text := p.one(openings) + "\n\n" + p.one(troubles) + "\n"
	if p.r.IntN(5) == 0 && c.Phone != nil {
		text += "You can call me: " + *c.Phone + "\n"
	}
	return text + "\nRegards\n" + c.FirstName + " " + c.LastName + "\n"
}

func (p *rtPlan) answer(c *helpdesk.Customer) string {
	advice := []string{
		"Please restart the computer and sign in to your account again.",
		"I have extended your licence; it may take an hour until " + c.Product + " sees it.",
		"Could you send us the log file, please? Settings, Support, Save log.",
		"The second payment goes back to you within five days.",
	}
	return "<p>Hello " + c.FirstName + ",</p>\n<p>" + p.one(advice) + "</p>\n<p>Kind regards</p>\n"
}

func (p *rtPlan) thanks(c *helpdesk.Customer) string {
	texts := []string{"That worked, thank you very much!", "It still does not work. See the attached file.", "Thanks, I will try tomorrow.", "Any news on this?"}
	return p.one(texts) + "\n\n" + c.FirstName + "\n"
}

func (p *rtPlan) one(texts []string) string { return texts[p.r.IntN(len(texts))] }

// file is what some mails bring along.
func (p *rtPlan) file(t *helpdesk.Ticket) *RTFile {
	switch n := p.r.IntN(100); {
	case n < 6:
		pixel, _ := base64.StdEncoding.DecodeString("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==") // our own text
		return &RTFile{Name: "screenshot " + strconv.Itoa(p.r.IntN(90)+10) + ".png", Type: "image/png", Data: pixel}
	case n < 10:
		log := strings.Repeat(t.Created.Format(time.DateTime)+" engine: update failed (0x80070643)\n", 3+p.r.IntN(40))
		return &RTFile{Name: "av.log", Type: "text/plain", Data: []byte(log)}
	}
	return nil
}
