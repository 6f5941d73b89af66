package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"saltmine/internal/canary"
	"saltmine/seeder/salt"
)

// released is what a release says.
type released struct {
	salt.Report
	Out         string  `json:"out"`
	ContactRate float64 `json:"contact_rate"`
	// Noticed is the probability that a leak is noticed at that rate.
	Noticed float64 `json:"noticed"`
}

// Text prints the release for a person.
func (r released) Text(w io.Writer) error {
	var b strings.Builder
	if r.Again {
		fmt.Fprintf(&b, "copy for %s written once more to %s, as it was released on %s\n", r.To, r.Out, r.Released.Format("2006-01-02 15:04 UTC"))
	} else {
		fmt.Fprintf(&b, "copy for %s written to %s: %d rows and %d canaries of its own, registered with %d placebos\n",
			r.To, r.Out, r.Rows, r.Canaries, sum(r.Placebos))
	}
	writeChance(&b, r.Report, r.ContactRate)
	fmt.Fprintf(&b, "tokens: %d email, %d phone, %d ticket\n", r.Tokens[canary.Email], r.Tokens[canary.Phone], r.Tokens[canary.Ticket])
	fmt.Fprintf(&b, "known as extract %s of the actor %s; SHA-256 %s\n", r.Extract, r.To, r.SHA256)
	writeNotes(&b, r.Notes)
	_, err := io.WriteString(w, b.String())
	return err
}

func sum(counts map[canary.Kind]int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}

// writeChance says what the canaries are good for.
func writeChance(b *strings.Builder, r salt.Report, rate float64) {
	fmt.Fprintf(b, "%d canaries are %.2g %% of the rows: if this copy leaks and %.3g %% of it is contacted, that is noticed with a probability of %.1f %%",
		r.Canaries, 100*float64(r.Canaries)/float64(max(r.Rows, 1)), 100*rate, 100*salt.Chance(r.Canaries, rate))
	if few := rate / 10; rate > 0.001 {
		fmt.Fprintf(b, ", if %.3g %% is, with %.1f %%", 100*few, 100*salt.Chance(r.Canaries, few))
	}
	b.WriteString("\n")
}

func writeNotes(b *strings.Builder, notes []string) {
	for _, n := range notes {
		fmt.Fprintf(b, "note: %s\n", n)
	}
}

// printPreview prints what was understood and an example.
func (r *releasing) printPreview(w io.Writer, p salt.Preview) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s, %d rows\n", r.in, p.Format, p.Rows)
	if len(p.Order) > 0 {
		fmt.Fprintf(&b, "in the order of: %s\n", strings.Join(p.Order, ", "))
	} else {
		b.WriteString("in no order\n")
	}
	for _, c := range p.Columns {
		fmt.Fprintf(&b, "  %-24s %-12s %3.0f %% filled\n", c.Name, c.Kind, 100*c.Filled)
	}
	writeChance(&b, p.Report, r.flags.contactRate)
	writeNotes(&b, p.Notes)
	fmt.Fprintf(&b, "a canary that will never exist:\n%s\n", strings.TrimRight(p.Example, "\r\n"))
	b.WriteString("dry run: nothing was written and nothing registered\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// same refuses a file at OUT that is not the copy. None is as good as the copy.
func same(part, out string) error {
	a, err := os.Open(part)
	if err != nil {
		return err
	}
	defer a.Close() //nolint:errcheck // it was only read
	b, err := os.Open(out)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer b.Close() //nolint:errcheck // it was only read
	x, y := make([]byte, 1<<16), make([]byte, 1<<16)
	for {
		n, err := io.ReadFull(a, x)
		m, _ := io.ReadFull(b, y) // a fault of it shows as a difference
		if !bytes.Equal(x[:n], y[:m]) {
			return usage("%s exists and is another file: name another one, or replace it with --force", out)
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
