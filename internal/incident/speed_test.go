package incident_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/incident"
)

// How much BenchmarkIntake takes in.
var (
	intakeFiled = flag.Int("intake.filed", 2000, "contacts that the registry of BenchmarkIntake holds before; 100000 for the whole")
	intakeNoise = flag.Int("intake.noise", 2000, "contacts of noise that BenchmarkIntake takes in; 10000 for the whole")
)

// BenchmarkIntake is what taking in one contact of noise costs in processor time,
// with an empty registry and with one that holds many contacts of the same noise,
// all of which are within 72 hours. Contacts come 100,000 an hour. What it takes to
// search them behind the page is told apart.
func BenchmarkIntake(b *testing.B) {
	for b.Loop() {
		w := worldIn(b.Context(), b, b.TempDir())
		w.shops()
		w.pass(240 * time.Hour)
		empty, _ := w.takeNoise(0, *intakeNoise)
		_, _ = w.takeNoise(*intakeNoise, *intakeFiled)
		full, search := w.takeNoise(*intakeNoise+*intakeFiled, *intakeNoise)
		b.ReportMetric(empty, "µs/contact-empty")
		b.ReportMetric(full, "µs/contact-full")
		b.ReportMetric(full/empty, "full/empty")
		b.ReportMetric(search, "µs/searched")
		w.close()
	}
}

// takeNoise takes in n contacts of noise from number first on, and gives the
// processor time of each, in microseconds, in the intake and in the searcher.
func (w *world) takeNoise(first, n int) (intake, search float64) {
	w.t.Helper()
	in, se := incident.New(w.cfg), incident.NewSearcher(w.cfg, w.reg)
	for at := first; at < first+n; {
		end := min(first+n, at+10_000)
		for ; at < end; at++ {
			w.pass(time.Hour / 100_000)
			w.hear(w.spam(at))
		}
		began := cpu(w.t)
		must(w.t, in.Drain(w.ctx))
		took := cpu(w.t)
		must(w.t, se.Drain(w.ctx))
		intake, search = intake+took-began, search+cpu(w.t)-took
	}
	return intake / float64(n), search / float64(n)
}

// spam is contact i of a burst that says what one of twenty mailings says, of sixty
// words.
func (w *world) spam(i int) canary.Contact {
	c := w.noise(i)
	rng := rand.New(rand.NewPCG(uint64(i%20), 1))
	var text []string
	for range 60 {
		text = append(text, fmt.Sprintf("word%c%c", 'a'+rng.IntN(26), 'a'+rng.IntN(26)))
	}
	said := strings.Join(text, " ")
	if c.Channel == canary.SMTP {
		c.Raw = mailRaw("an offer", said)
	} else {
		c.Text = said
	}
	return c
}

// BenchmarkDictionary is what it costs to look what each name of a dictionary is one
// letter off: names that were refused, with and without the look.
func BenchmarkDictionary(b *testing.B) {
	for b.Loop() {
		w := worldIn(b.Context(), b, b.TempDir())
		w.plant("db:main", numbers(400)...)
		w.pass(240 * time.Hour)
		run := func(first int) float64 {
			for n := range *intakeNoise {
				w.hear(w.tried(fmt.Sprintf("%s.%s%d@example.net", []string{"marion", "sam", "charlotte"}[n%3], []string{"hathersage", "ode", "brown"}[n%5%3], first+n)))
			}
			in, began := incident.New(w.cfg), cpu(b)
			must(b, in.Drain(w.ctx))
			return (cpu(b) - began) / float64(*intakeNoise)
		}
		w.cfg.Variants, w.cfg.Unmet = nil, nil
		_ = run(0)
		without := run(*intakeNoise)
		w.cfg.Variants, w.cfg.Unmet = w.reg.Variants, w.reg.Unmet
		_ = run(2 * *intakeNoise)
		with := run(3 * *intakeNoise)
		b.ReportMetric(without, "µs/name-without")
		b.ReportMetric(with, "µs/name-with")
		w.close()
	}
}

// cpu is the processor time that this process has used, in microseconds.
func cpu(t fataler) float64 {
	t.Helper()
	var u syscall.Rusage
	must(t, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e3
}
