package scan_test

import (
	"fmt"
	"strings"
	"testing"

	"saltmine/internal/canary"
	"saltmine/internal/scan"
)

// TestJudge weighs what stands in a file beside the placebos in it.
func TestJudge(t *testing.T) {
	t.Parallel()
	address := func(i int) string { return fmt.Sprintf("name%d.x@hollowbrook.example", i) }
	number := func(i int) string { return fmt.Sprint(8_000_000 + i*97) } // a ticket's, of seven digits
	for name, c := range map[string]struct {
		kind              canary.Kind
		text              func(int) string
		planted, placebos int // that there are
		of, ofPlacebos    int // that stand in the file
		want              scan.Weight
	}{
		"addresses":                   {canary.Email, address, 10, 990, 4, 0, scan.Evidence},
		"one address":                 {canary.Email, address, 10, 990, 1, 0, scan.Evidence},
		"all there can be":            {canary.Email, address, 10, 990, 10, 990, scan.Chance},
		"addresses and one by chance": {canary.Email, address, 10, 990, 5, 1, scan.Evidence},
		"one number":                  {canary.Ticket, number, 100, 100, 1, 0, scan.Weak},
		"as many placebos":            {canary.Ticket, number, 100, 100, 8, 5, scan.Chance},
		"far more than by chance":     {canary.Ticket, number, 100, 100, 40, 1, scan.Evidence},
		"no placebos to compare":      {canary.Ticket, number, 100, 0, 40, 0, scan.Weak},
	} {
		b, err := scan.NewBook(repeated(c.kind, c.planted, c.placebos, c.text))
		if err != nil {
			t.Fatal(err)
		}
		var text strings.Builder
		for i := range c.of {
			text.WriteString(c.text(i) + ";\n")
		}
		for i := range c.ofPlacebos {
			text.WriteString(c.text(c.planted+i) + ";\n")
		}
		r := scanned(t, b, []byte(text.String()), 1)
		j := scan.Judge(b, r)
		if j.Canaries != c.of || j.Planted[c.kind] != c.of || j.Placebos[c.kind] != c.ofPlacebos || len(j.Weights) != len(r.Finds) || j.Weights[0] != c.want {
			t.Errorf("%s: %d canaries, %v, %v, weight %q, want %q", name, j.Canaries, j.Planted, j.Placebos, j.Weights[0], c.want)
		}
	}
}

// TestJudgeBeside: a weak number is evidence where the same canary's address stands in
// the file, and nobody else's is.
func TestJudgeBeside(t *testing.T) {
	t.Parallel()
	mine, other := tok(canary.Ticket, "9000123"), tok(canary.Ticket, "9000200")
	other.Canary = "c_2"
	b := book(t, tok(canary.Email, mail), mine, other)
	r := scanned(t, b, []byte("9000123;"+mail+";9000200\n"), 1)
	got := map[string]scan.Weight{}
	for i, w := range scan.Judge(b, r).Weights {
		got[b.Token(r.Finds[i].Ref).Text] = w
	}
	if got[mail] != scan.Evidence || got["9000123"] != scan.Evidence || got["9000200"] != scan.Weak || len(got) != 3 {
		t.Errorf("%v", got)
	}
}

// TestBook keeps of several tokens with one text the last, and none of drills.
func TestBook(t *testing.T) {
	t.Parallel()
	drill := tok(canary.Email, "drill@hollowbrook.example")
	drill.Role = canary.RoleDrill
	all := func(yield func(canary.DatedToken, error) bool) {
		for i, day := range []int{1, 5, 3} {
			for _, one := range []canary.Token{tok(canary.Email, mail), tok(canary.Phone, "+442079460018")} {
				one.ID = canary.TokenID(fmt.Sprint("t_", i))
				if !yield(canary.DatedToken{Token: one, Window: canary.Window{From: canary.At(morning().AddDate(0, 0, day))}}, nil) {
					return
				}
			}
		}
		yield(canary.DatedToken{Token: drill}, nil)
	}
	b, err := scan.NewBook(all)
	if err != nil {
		t.Fatal(err)
	}
	r := scanned(t, b, []byte(mail+" +442079460018 drill@hollowbrook.example"), 1)
	if len(r.Finds) != 2 {
		t.Fatalf("%+v", r.Finds)
	}
	for _, f := range r.Finds {
		got := b.Token(f.Ref)
		if got.ID != "t_1" {
			t.Errorf("%s is of %s", got.Kind, got.ID)
		}
		if ref, ok := b.Find(got.Kind, got.Text); !ok || ref != f.Ref {
			t.Errorf("%s: %d, %v", got.Kind, ref, ok)
		}
	}
	if _, ok := b.Find(canary.Phone, "+442079460019"); ok {
		t.Error("it finds a number that it has not")
	}
}
