package incident_test

import (
	"fmt"
	"testing"

	"saltmine/internal/canary"
	"saltmine/internal/incident"
)

// find is a token in a file.
func (w *world) find(file string, offset int, kind canary.Kind, text, weight, around string) canary.Contact {
	c := canary.Contact{
		ID: canary.ContactID(fmt.Sprintf("k_dump-%s-%08d", file, offset)), Channel: canary.Dump, At: w.now(), Ear: canary.EarScan,
		Targets: []canary.Target{{Kind: kind, Text: text}}, Text: around, Raw: []byte(around), Facts: map[string]string{canary.FindFile: file},
	}
	if weight != "" {
		c.Facts[canary.FindWeight] = weight
	}
	return c
}

// TestFindsInFiles: what is found in a file is filed once, and is P1, a placebo in the
// same file notwithstanding; what is weak or chance alone pages nobody.
func TestFindsInFiles(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind           canary.Kind
		text           func(int) string
		weight, around string
		want           canary.Severity
		clean          bool
	}{
		"an address":                      {canary.Email, address, "", "", canary.P1, true},
		"a ticket":                        {canary.Ticket, ticket, "", "x;TK202500001;y", canary.P1, true},
		"a weak ticket":                   {canary.Ticket, ticket, canary.FindWeak, "x;TK202500001;y", canary.P3, false},
		"a weak number":                   {canary.Phone, number, canary.FindWeak, "", canary.P3, false},
		"an address by chance":            {canary.Email, address, canary.FindChance, "", canary.P4, false},
		"a weak number beside the name":   {canary.Phone, number, canary.FindWeak, "(1,'Dana','Whitfield1','0794')", canary.P1, true},
		"a weak number beside the ticket": {canary.Phone, number, canary.FindWeak, "TK202500001", canary.P1, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.plant("db:main", 1, 2, 3, 4, 5)
			in := incident.New(w.cfg)
			list := []canary.Contact{w.find("f1", 999, canary.Email, placebo(1), "", "")}
			for n := 1; n <= 5; n++ {
				list = append(list, w.find("f1", n, c.kind, c.text(n), c.weight, c.around))
			}
			must(t, in.File(w.ctx, list))
			must(t, in.File(w.ctx, list)) // the same file scanned again
			got := w.incidents()
			if len(got) != 1 || got[0].Severity != c.want || got[0].Canaries != 5 || got[0].Contacts != 5 {
				t.Fatalf("%+v", got)
			}
			hits, err := w.reg.HitsOf(w.ctx, list[1].ID)
			must(t, err)
			if len(hits) != 1 || hits[0].Clean != c.clean {
				t.Errorf("%+v", hits)
			}
			if hits, err = w.reg.HitsOf(w.ctx, list[0].ID); err != nil || len(hits) != 1 || hits[0].Role != canary.RolePlacebo || hits[0].Incident != "" {
				t.Errorf("the placebo's: %+v, %v", hits, err)
			}
		})
	}
}
