package gate

import (
	"fmt"
	"math"
	"strings"
	"text/tabwriter"
)

// Report is what the gate found.
type Report struct {
	Verdict     Verdict  `json:"verdict"`
	Canaries    int      `json:"canaries"`
	Real        int      `json:"real"`
	Features    int      `json:"features"` // numbers looked at for each row
	Need        int      `json:"need,omitempty"`
	Attacks     []Attack `json:"attacks"`
	Owned       *Owned   `json:"owned,omitempty"` // nil: no e-mail column
	NotMeasured []string `json:"not_measured"`
}

// Attack is one way to tell canaries, measured.
type Attack struct {
	Name    string  `json:"name"`
	Measure string  `json:"measure"` // "AUC", "× base rate", "of real rows lost"
	Value   float64 `json:"value"`
	Low     float64 `json:"low"` // 95 % confidence interval
	High    float64 `json:"high"`
	Limit   float64 `json:"limit"`
	Verdict Verdict `json:"verdict"`
	// Need is the number of canaries that would tell, where there were too few.
	Need  int    `json:"need,omitempty"`
	Note  string `json:"note,omitempty"`
	Tells []Tell `json:"tells,omitempty"` // what gives canaries away, the worst first
}

// Tell is something that gives canaries away.
type Tell struct {
	Feature  string  `json:"feature"` // "domain.others"
	Says     string  `json:"says"`    // "how many other rows share the e-mail domain"
	Column   string  `json:"column"`
	Alone    float64 `json:"alone"`    // AUC of this alone, either way round
	Canaries string  `json:"canaries"` // the usual value among canaries
	Real     string  `json:"real"`     // the usual value among real rows
}

// Reasons says in a few words each what gives the canaries away: the failed
// attacks with what they saw, an observation once. Empty when none failed.
func (r *Report) Reasons() (out []string) {
	said := map[string]bool{}
	for i := range r.Attacks {
		a := &r.Attacks[i]
		if a.Verdict != Failed || len(out) >= mostReasons {
			continue
		}
		what := a.worst()
		if said[what] && what != "" {
			continue
		}
		said[what] = true
		if what != "" {
			what = ": " + what
		}
		out = append(out, fmt.Sprintf("%s (%s, limit %s)%s", a.Name, a.measured(), a.limit(), what))
	}
	return out
}

// mostReasons is how many reasons a person reads.
const mostReasons = 5

// Attack finds an attack by its name, nil if there is none.
func (r *Report) Attack(name string) *Attack {
	for i := range r.Attacks {
		if r.Attacks[i].Name == name {
			return &r.Attacks[i]
		}
	}
	return nil
}

func notMeasured(undated bool) []string {
	out := []string{
		"two extracts of different days compared (do these rows change or vanish oftener than real ones?)",
		"the mail hosts of the domains (do they accept any name?), their age and registrar",
		"where addresses and numbers were seen before: leaks, the web, the line type of a number",
	}
	if undated {
		out = append(out, "keys, dates and tickets: these canaries are of now, and the rows beside them are still to come")
	}
	return out
}

// conclude draws the attacks together.
func (r *Report) conclude() {
	r.Verdict = Held
	for i := range r.Attacks {
		switch a := &r.Attacks[i]; a.Verdict {
		case Failed:
			r.Verdict = Failed
		case TooFew:
			r.Need = max(r.Need, a.Need)
			if r.Verdict == Held {
				r.Verdict = TooFew
			}
		case Held:
		}
	}
}

// Text prints the report for a terminal.
func (r *Report) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%d canaries among %d real rows, %d features\n\n", r.sentence(), r.Canaries, r.Real, r.Features)
	w := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "ATTACK\tMEASURED (95 %)\tLIMIT\tVERDICT\tGIVEN AWAY BY") // a Builder never fails
	for _, v := range []Verdict{Failed, TooFew, Held} {                              // what matters comes first
		for i := range r.Attacks {
			if a := &r.Attacks[i]; a.Verdict == v {
				_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", a.Name, a.measured(), a.limit(), a.Verdict, a.worst())
			}
		}
	}
	_ = w.Flush()
	r.tell(&b)
	if r.Owned != nil {
		fmt.Fprintf(&b, "\n%s\n", r.Owned.Statement)
	}
	b.WriteString("\nNot measured here:\n")
	for _, n := range r.NotMeasured {
		fmt.Fprintf(&b, "  - %s\n", n)
	}
	return b.String()
}

// tell explains the attacks that did not hold.
func (r *Report) tell(b *strings.Builder) {
	for i := range r.Attacks {
		a := &r.Attacks[i]
		if a.Verdict == Held || len(a.Tells) == 0 {
			continue
		}
		fmt.Fprintf(b, "\n%s:", a.Name)
		if a.Note != "" {
			fmt.Fprintf(b, " %s", a.Note)
		}
		b.WriteString("\n")
		for _, t := range a.Tells {
			fmt.Fprintf(b, "  - %s (%s): canaries %s, real rows %s", t.Says, t.Feature, t.Canaries, t.Real)
			if t.Alone > 0 {
				fmt.Fprintf(b, "; alone %.3f", t.Alone)
			}
			b.WriteString("\n")
		}
	}
}

func (r *Report) sentence() string {
	switch r.Verdict {
	case Failed:
		return "FAILED: these canaries can be told from real rows."
	case Held:
		return "HELD: no attack tells these canaries from real rows."
	case TooFew:
		return fmt.Sprintf("TOO FEW TO TELL: %s canaries would.", number(r.Need))
	}
	return ""
}

func number(n int) string {
	if n >= math.MaxInt32 {
		return "more real rows and more"
	}
	return fmt.Sprint(n)
}

func (a *Attack) measured() string {
	switch a.Measure {
	case areaMeasure:
		return fmt.Sprintf("AUC %.3f (%.3f–%.3f)", a.Value, a.Low, a.High)
	case lowMeasure:
		return fmt.Sprintf("≥ %.2f × base rate (to %.2f)", a.Value, a.High)
	}
	return fmt.Sprintf("%.2f (%.2f–%.2f) %s", a.Value, a.Low, a.High, a.Measure)
}

func (a *Attack) limit() string {
	if a.Measure == lostMeasure {
		return fmt.Sprintf("≥ %.2f", a.Limit)
	}
	return fmt.Sprintf("≤ %.2f", a.Limit)
}

func (a *Attack) worst() string {
	if a.Verdict == TooFew {
		return number(a.Need) + " canaries would tell"
	}
	if a.Verdict == Held || len(a.Tells) == 0 {
		return ""
	}
	return a.Tells[0].Says
}
