package main

import (
	"time"

	"saltmine/internal/canary"
)

// packedCase is what incident.json says.
type packedCase struct {
	Incident canary.Incident    `json:"incident"`
	Merged   []string           `json:"merged_into_it,omitempty"`
	Contacts []packedContact    `json:"contacts"`
	Canaries []packedCanary     `json:"canaries"`
	Hits     []packedHit        `json:"hits"`
	GivenUp  []canary.ContactID `json:"given_up,omitempty"`
	Unproved []canary.ContactID `json:"unproved,omitempty"`
	Custody  []canary.Act       `json:"custody"`
	Looks    []packedLooks      `json:"looks"`
}

// packedLooks are the times that somebody looked at the incident, which are summed up: they
// are acts as the others, and not shown one by one.
type packedLooks struct {
	Who   string    `json:"who"`
	Via   string    `json:"via"`
	Times int       `json:"times"`
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
}

type packedContact struct {
	ID         canary.ContactID `json:"id"`
	Channel    canary.Channel   `json:"channel"`
	At         time.Time        `json:"at"`
	Received   time.Time        `json:"received"`
	Class      canary.Class     `json:"class,omitempty"`
	Probe      bool             `json:"probe"`
	Unverified bool             `json:"unverified"`
	Clean      bool             `json:"clean"`
	Bytes      int64            `json:"bytes"`
}

type packedCanary struct {
	ID      canary.ID      `json:"id"`
	State   canary.State   `json:"state"`
	Place   canary.Place   `json:"place"`
	Segment canary.Segment `json:"segment,omitempty"`
	Name    string         `json:"name"`
	Tokens  []packedToken  `json:"tokens"` // that were reached
}

type packedToken struct {
	ID     canary.TokenID `json:"id"`
	Kind   canary.Kind    `json:"kind"`
	Text   string         `json:"text"`
	Window canary.Window  `json:"window"`
}

type packedHit struct {
	Contact canary.ContactID `json:"contact"`
	Token   canary.TokenID   `json:"token"`
	Canary  canary.ID        `json:"canary"`
	At      time.Time        `json:"at"`
	Clean   bool             `json:"clean"`
}

func (d *dossier) known() packedCase {
	p := packedCase{Incident: d.incident, Contacts: []packedContact{}, Canaries: []packedCanary{}, Hits: []packedHit{}, GivenUp: d.givenUp, Unproved: d.unproved, Custody: d.custody, Looks: d.looks}
	for _, id := range d.ids[1:] {
		p.Merged = append(p.Merged, string(id))
	}
	for _, c := range d.contacts {
		p.Contacts = append(p.Contacts, packedContact{c.ID, c.Channel, c.At, c.Received, c.Class, c.Probe, c.Unverified, c.Clean, c.Bytes})
	}
	reached := d.reached()
	for _, h := range d.hits {
		if h.Role == canary.RolePlanted {
			p.Hits = append(p.Hits, packedHit{h.Contact, h.Token, h.Canary, h.At, h.Clean})
		}
	}
	for _, c := range d.canaries {
		one := packedCanary{c.ID, c.State, c.Place, c.Segment, c.Name, []packedToken{}}
		for _, t := range c.Tokens {
			if reached[t.ID] {
				one.Tokens = append(one.Tokens, packedToken{t.ID, t.Kind, t.Text, t.Window})
			}
		}
		p.Canaries = append(p.Canaries, one)
	}
	return p
}
