package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"saltmine/internal/canary"
	"saltmine/internal/disclosure"
	"saltmine/internal/evidence"
	"saltmine/internal/evidence/pack"
	"saltmine/internal/evidence/stamp"
	"saltmine/internal/registry"
)

// choose finds what belongs to an incident, and opens nothing.
func (d *dossier) choose(ctx context.Context, id canary.IncidentID) (err error) {
	if d.incident, err = d.reg.Incident(ctx, id); err != nil {
		return err
	}
	if d.incident.Merged != "" {
		return usage("%s was merged into %s: export that", id, d.incident.Merged)
	}
	if _, drill := d.incident.Place.Drill(); drill || d.incident.Place == canary.Unmarked {
		return usage("%s is a drill's: what Saltmine does itself is no evidence", id)
	}
	if err := errors.Join(d.chooseContacts(ctx), d.merged(ctx)); err != nil {
		return err
	}
	return d.chooseActs(ctx, math.MaxInt64)
}

// chooseContacts finds the contacts of the incident, and the canaries that they reached.
func (d *dossier) chooseContacts(ctx context.Context) (err error) {
	id := d.incident.ID
	if d.contacts, err = d.reg.Contacts(ctx, registry.ContactFilter{Incident: id}); err != nil {
		return err
	}
	for _, c := range d.contacts {
		if !c.Shredded.IsZero() {
			d.givenUp = append(d.givenUp, c.ID)
		}
	}
	if d.hits, err = d.reg.IncidentHits(ctx, id); err != nil {
		return err
	}
	d.hits = slices.DeleteFunc(d.hits, guessed)
	ids := []canary.ID{}
	for _, h := range d.hits {
		if h.Role == canary.RolePlanted && h.Canary != "" && !slices.Contains(ids, h.Canary) {
			ids = append(ids, h.Canary)
		}
	}
	if d.canaries, err = d.reg.Plantings(ctx, canary.Filter{IDs: ids}); err != nil {
		return err
	}
	return d.chooseNamed(ctx)
}

// merged finds the incidents that were merged into this one, and the pages of all.
func (d *dossier) merged(ctx context.Context) error {
	d.ids = []canary.IncidentID{d.incident.ID}
	for i := 0; i < len(d.ids); i++ {
		acts, err := d.reg.Acts(ctx, registry.ActFilter{About: string(d.ids[i]), What: []string{canary.ActMerge}})
		if err != nil {
			return err
		}
		for _, a := range acts {
			from, took := strings.CutPrefix(a.Outcome, "took ")
			if took && !slices.Contains(d.ids, canary.IncidentID(from)) {
				d.ids = append(d.ids, canary.IncidentID(from))
			}
		}
		pages, err := d.reg.PageProofs(ctx, d.ids[i])
		if err != nil {
			return err
		}
		d.pages = append(d.pages, pages...)
	}
	return nil
}

// approvals are named by what was done under them.
var approvals = regexp.MustCompile(`\ba_[a-z2-7]{16}\b`)

// chooseActs finds who did what with the incident, its contacts and its canaries, and
// under which approvals.
func (d *dossier) chooseActs(ctx context.Context, until int64) (err error) {
	d.about = nil
	for _, id := range d.ids {
		d.about = append(d.about, string(id))
	}
	for _, c := range d.contacts {
		d.about = append(d.about, string(c.ID))
	}
	for _, p := range d.canaries {
		d.about = append(d.about, string(p.ID))
	}
	if d.custody, err = d.reg.ActsOn(ctx, d.about, until); err != nil {
		return err
	}
	d.custody, d.looks = d.withoutLooks(d.custody)
	var more []string
	for _, a := range d.custody {
		more = append(more, approvals.FindAllString(a.Outcome, -1)...)
	}
	approved, err := d.reg.ActsOn(ctx, more, until)
	d.custody = append(d.custody, approved...)
	return err
}

// gather loads what goes into the pack, as it stood at the checkpoint.
func (d *dossier) gather(ctx context.Context) (err error) {
	if err := d.chooseActs(ctx, d.checkpoint.Size); err != nil {
		return err
	}
	for _, c := range d.contacts {
		if err := d.addContact(ctx, c); err != nil {
			return err
		}
	}
	for _, p := range d.pages {
		if d.list(p.FiledProof) {
			d.proof.Pages = append(d.proof.Pages, pack.Page{ID: string(p.ID), List: p.List})
			d.add(pack.PageFile(string(p.ID)), []byte(p.Body))
		}
	}
	if err := d.addWindows(ctx); err != nil {
		return err
	}
	shown, err := d.addCanaries(ctx)
	if err != nil {
		return err
	}
	if err := d.traced(ctx); err != nil {
		return err
	}
	if err := d.addActs(ctx, shown); err != nil {
		return err
	}
	if err := errors.Join(d.addJSON("trace.json", d.trace), d.addJSON("incident.json", d.known())); err != nil {
		return err
	}
	if err := d.addLog(ctx); err != nil {
		return err
	}
	return d.addReport()
}

// traced traces it as of the checkpoint, and shows the statements among the suspects.
func (d *dossier) traced(ctx context.Context) (err error) {
	if d.trace, err = traceIncident(ctx, d.reg, d.incident.ID, d.checkpoint.Made); err != nil {
		return err
	}
	onlyLikely(&d.trace.Answer)
	return d.addReads(ctx)
}

func (d *dossier) add(name string, b []byte) { d.files = append(d.files, pack.Bytes(name, b)) }

func (d *dossier) addJSON(name string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	d.add(name, append(b, '\n'))
	return err
}

// list takes a list of lines into the proof, where its act is under the checkpoint.
func (d *dossier) list(p registry.FiledProof) bool {
	if p.Act > d.checkpoint.Size {
		return false
	}
	if !d.listed[p.List] {
		d.listed[p.List] = true
		d.proof.Lists = append(d.proof.Lists, pack.List{ID: p.List, Act: p.Act})
	}
	return true
}

// addContact takes in one contact as it was filed. Its evidence may be large and is
// loaded again when it is written.
func (d *dossier) addContact(ctx context.Context, c registry.FiledContact) error {
	if !c.Shredded.IsZero() {
		return nil
	}
	plain, salt, p, err := d.reg.ContactProof(ctx, c.ID)
	if errors.Is(err, registry.ErrNotFound) || err == nil && !d.list(p) {
		d.unproved = append(d.unproved, c.ID)
		return nil
	}
	if err != nil {
		return err
	}
	id := string(c.ID)
	d.proof.Contacts = append(d.proof.Contacts, pack.Contact{ID: id, Salt: hex.EncodeToString(salt), List: p.List})
	header, _, err := parts(plain)
	if err != nil {
		return fmt.Errorf("contact %s: %w", id, err)
	}
	d.add(pack.HeaderFile(id), bytes.Clone(header))
	d.files = append(d.files, pack.Content{Name: pack.RawFile(id), Load: func() ([]byte, error) {
		plain, _, _, err := d.reg.ContactProof(ctx, c.ID)
		if err != nil {
			return nil, err
		}
		_, raw, err := parts(plain)
		return raw, err
	}})
	m, err := d.reg.MailOf(ctx, c.ID)
	if errors.Is(err, registry.ErrNotFound) || err == nil && m.Report == nil {
		return nil
	}
	if err != nil {
		return err
	}
	return d.addJSON("contacts/"+id+"/mail.json", m)
}

// parts are the header and the evidence of a contact as it was filed.
func parts(plain []byte) (header, raw []byte, err error) {
	if len(plain) < 8 {
		return nil, nil, canary.ErrUnreadable
	}
	n := 8 + int64(binary.BigEndian.Uint32(plain[4:]))
	if n > int64(len(plain)) {
		return nil, nil, canary.ErrUnreadable
	}
	return plain[8:n], plain[n:], nil
}

// addWindows proves when the tokens that were reached could be read.
func (d *dossier) addWindows(ctx context.Context) error {
	done := map[canary.TokenID]bool{}
	for _, h := range d.hits {
		if h.Role != canary.RolePlanted || done[h.Token] {
			continue
		}
		done[h.Token] = true
		p, err := d.reg.WindowProof(ctx, h.Token)
		if errors.Is(err, registry.ErrNotFound) || err == nil && !d.list(p.FiledProof) {
			continue
		}
		if err != nil {
			return err
		}
		d.proof.Windows = append(d.proof.Windows, pack.Page{ID: string(h.Token), List: p.List})
		d.add(pack.WindowFile(string(h.Token)), p.Text)
	}
	return nil
}

// addCanaries shows each canary that was reached, with the tokens that were registered
// together with one that was, and gives the ids of the acts by which it was committed to.
func (d *dossier) addCanaries(ctx context.Context) (about []string, err error) {
	reached := d.reached()
	for _, p := range d.canaries {
		shown, err := d.reg.Commitments(ctx, p.ID)
		if errors.Is(err, registry.ErrNotFound) {
			continue // it is of before there were any
		}
		if err != nil {
			return nil, err
		}
		if shown = onlyOf(shown, reached); len(shown) == 0 {
			continue
		}
		file, err := disclosure.New(p.ID, shown, d.keys.Signer, d.keys.Signer.Past()...)
		if err != nil {
			return nil, err
		}
		d.add("canaries/"+string(p.ID)+".json", file)
		for _, s := range shown {
			about = append(about, s.Act.About)
		}
	}
	return about, nil
}

// addActs shows the acts: the custody, and those that stand for lists and canaries.
func (d *dossier) addActs(ctx context.Context, about []string) error {
	for _, l := range d.proof.Lists {
		lines, err := d.reg.ListLines(ctx, l.ID)
		if err != nil {
			return err
		}
		d.add(pack.ListFile(l.ID), []byte(strings.Join(lines, "\n")+"\n"))
		about = append(about, l.ID)
	}
	more, err := d.reg.ActsOn(ctx, about, d.checkpoint.Size)
	if err != nil {
		return err
	}
	done := map[int64]bool{}
	for _, a := range slices.Concat(d.custody, d.read, more) {
		if done[a.Seq] {
			continue
		}
		done[a.Seq] = true
		text, err := evidence.Text(a)
		if err != nil {
			return err
		}
		d.proof.Acts = append(d.proof.Acts, pack.Act{Seq: a.Seq, Salt: a.Salt})
		d.add(pack.ActFile(a.Seq), text)
	}
	return nil
}

// addLog shows the leaves, the checkpoint, and the first that was made after the
// incident was opened.
func (d *dossier) addLog(ctx context.Context) error {
	leaves := make([]byte, 0, 32*d.checkpoint.Size)
	err := d.reg.EachLeaf(ctx, d.checkpoint.Size, func(h evidence.Hash) error {
		leaves = append(leaves, h[:]...)
		return nil
	})
	if err != nil {
		return err
	}
	d.add("log/leaves", leaves)
	d.add("log/checkpoint.note", d.checkpoint.Note)
	return d.addEarlier(ctx)
}

// addEarlier shows the first checkpoint after the incident was opened, and of each who
// stamps the first stamp since then and the last.
func (d *dossier) addEarlier(ctx context.Context) error {
	list, err := d.reg.Checkpoints(ctx, 0)
	if err != nil {
		return err
	}
	notes := map[int64][]byte{}
	for _, c := range list {
		if c.Size < d.checkpoint.Size && !c.Made.Before(d.incident.Opened) {
			notes[c.Size] = c.Note
			break
		}
	}
	if err := d.addStamps(ctx, notes); err != nil {
		return err
	}
	for size, note := range notes {
		d.add(fmt.Sprintf("checkpoints/%d.note", size), note)
	}
	return nil
}

// addStamps adds stamps, and to the notes those that they are of.
func (d *dossier) addStamps(ctx context.Context, notes map[int64][]byte) error {
	stamps, err := d.reg.Stamps(ctx, 0) // the last first
	if err != nil {
		return err
	}
	first, last := map[string]*stamp.Stamp{}, map[string]*stamp.Stamp{}
	for i := range stamps {
		s := &stamps[i]
		if s.Size > d.checkpoint.Size || s.Made.Before(d.incident.Opened) {
			continue
		}
		first[s.Source] = s
		if last[s.Source] == nil {
			last[s.Source] = s
		}
	}
	for source, s := range first {
		d.addStamp(s, notes)
		if last[source] != s {
			d.addStamp(last[source], notes)
		}
	}
	return nil
}

func (d *dossier) addStamp(s *stamp.Stamp, notes map[int64][]byte) {
	ext := map[stamp.Kind]string{stamp.TSA: "tsr", stamp.OTS: "ots", stamp.Cosignature: "sig"}[s.Kind]
	notes[s.Size] = s.Checkpoint
	d.add(fmt.Sprintf("checkpoints/%d.%s.%s", s.Size, s.Source, ext), s.Proof)
}
