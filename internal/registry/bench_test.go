package registry_test

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"testing"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

// perIntend is how many canaries plant registers at once.
const perIntend = 100

// minted makes canaries as plant does, from the n-th on: an address, a number,
// two tickets, a row image, and 99 placebos of the address.
func minted(n, count int) []canary.Planting {
	list := make([]canary.Planting, count)
	for i := range list {
		p := planting(n + i)
		p.ID = canary.ID(canary.NewID("c"))
		second := p.Tokens[2]
		second.Text += "7"
		p.Tokens, p.Placebos = append(p.Tokens, second), nil
		for j := range p.Tokens {
			p.Tokens[j].ID, p.Tokens[j].Canary = canary.TokenID(canary.NewID("t")), p.ID
		}
		for j := range 99 {
			p.Placebos = append(p.Placebos, canary.Token{ID: canary.TokenID(canary.NewID("t")), Kind: canary.Email, Role: canary.RolePlacebo,
				Text: fmt.Sprintf("marion.hathersage%d.%d@example.net", n+i, j)})
		}
		p.Rows = make([]byte, 1500)
		list[i] = p
	}
	return list
}

// onBoth runs a benchmark on SQLite and on a private MariaDB.
func onBoth(b *testing.B, bench func(b *testing.B, dsn string)) {
	b.Helper()
	b.Run("sqlite", func(b *testing.B) { bench(b, "sqlite:"+filepath.Join(b.TempDir(), "r.db")) })
	b.Run("mariadb", func(b *testing.B) {
		dsn, _ := shared.MariaDB(b).Database(b)
		bench(b, "mysql://"+dsn)
	})
}

// BenchmarkIntend registers one more group with every turn: -benchtime=100x
// makes a registry of 10,000 canaries and 990,000 placebos.
func BenchmarkIntend(b *testing.B) {
	onBoth(b, func(b *testing.B, dsn string) {
		b.Helper()
		r, n := openAt(b, dsn, vault(b)), 0
		for b.Loop() {
			b.StopTimer()
			list := minted(n, perIntend)
			b.StartTimer()
			must(b, r.Intend(b.Context(), list))
			n += perIntend
		}
		b.ReportMetric(b.Elapsed().Seconds()*1e3/float64(n), "ms/canary")
		if path, ok := cutScheme(dsn); ok {
			must(b, r.Close())
			b.ReportMetric(float64(size(b, filepath.Dir(path)))/float64(n*99), "B/placebo")
		}
	})
}

func cutScheme(dsn string) (path string, ok bool) {
	const scheme = "sqlite:"
	if len(dsn) < len(scheme) || dsn[:len(scheme)] != scheme {
		return "", false
	}
	return dsn[len(scheme):], true
}

// size is the bytes of all files below a directory.
func size(tb testing.TB, dir string) (n int64) {
	tb.Helper()
	must(tb, filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			n += info.Size()
		}
		return err
	}))
	return n
}

// full is a registry of 10,000 canaries with 990,000 placebos.
type full struct {
	*registry.Registry
	changes []canary.Amendment // one of each canary
}

func fill(b *testing.B, r *registry.Registry) *full {
	b.Helper()
	f := &full{Registry: r}
	for n := 0; n < 10_000; n += perIntend {
		list := minted(n, perIntend)
		must(b, r.Intend(b.Context(), list))
		for _, p := range list {
			a := canary.Amendment{Canary: p.ID, State: canary.Planted, Keys: []byte("customer 4711, tickets 8, 9"), Windows: map[canary.TokenID]canary.Window{}}
			for _, t := range p.Tokens {
				a.Windows[t.ID] = t.Window
			}
			f.changes = append(f.changes, a)
		}
	}
	return f
}

// BenchmarkUse measures what is asked of a full registry. Filling it comes
// first and is not measured.
func BenchmarkUse(b *testing.B) {
	onBoth(b, func(b *testing.B, dsn string) {
		b.Helper()
		v := vault(b)
		f := fill(b, openAt(b, dsn, v))
		b.Run("unknown", func(b *testing.B) { f.find(b, "", "nobody%d@example.net") })
		b.Run("placebo", func(b *testing.B) { f.find(b, canary.RolePlacebo, "marion.hathersage%d.77@example.net") })
		b.Run("planted", func(b *testing.B) { f.find(b, canary.RolePlanted, "dana.whitfield%d@example.net") })
		b.Run("match", f.match)
		b.Run("amend", f.amend)
		b.Run("amend all", f.amendAll)
		b.Run("known among", f.knownAmong)
		b.Run("list", f.list)
		b.Run("open", func(b *testing.B) {
			for b.Loop() {
				again, err := registry.Open(b.Context(), registry.Config{DSN: dsn, Vault: v, Now: start})
				must(b, err)
				must(b, again.Close())
			}
		})
	})
}

// scattered are the numbers of canaries that lie apart.
func scattered(n int) int { return n * 7919 % 10_000 }

func (f *full) find(b *testing.B, role canary.Role, format string) {
	b.Helper()
	for n := 0; b.Loop(); n++ {
		t, found, err := f.Token(b.Context(), canary.Email, fmt.Sprintf(format, scattered(n)))
		if err != nil || found != (role != "") || t.Role != role {
			b.Fatal(found, t.Role, err)
		}
	}
}

func (f *full) match(b *testing.B) {
	b.Helper()
	for n := 0; b.Loop(); n++ {
		m, err := f.Match(b.Context(), []canary.Target{{Kind: canary.Email, Text: fmt.Sprintf("dana.whitfield%d@example.net", scattered(n))}})
		if err != nil || len(m) != 1 {
			b.Fatal(m, err)
		}
	}
}

func (f *full) amend(b *testing.B) {
	b.Helper()
	for n := 0; b.Loop(); n++ {
		must(b, f.Amend(b.Context(), f.changes[scattered(n)]))
	}
}

// amendAll amends as many canaries a turn as plant does after an insert.
func (f *full) amendAll(b *testing.B) {
	b.Helper()
	n := 0
	for b.Loop() {
		must(b, f.AmendAll(b.Context(), f.changes[n%10_000:n%10_000+perIntend]))
		n += perIntend
	}
	b.ReportMetric(b.Elapsed().Seconds()*1e3/float64(n), "ms/canary")
}

// knownAmong asks for the addresses drawn for one canary.
func (f *full) knownAmong(b *testing.B) {
	b.Helper()
	texts := make([]string, 100)
	for n := 0; b.Loop(); n++ {
		for i := range texts {
			texts[i] = fmt.Sprintf("nobody%d.%d@example.net", n, i)
		}
		texts[50] = fmt.Sprintf("marion.hathersage%d.77@example.net", scattered(n))
		known, err := f.KnownAmong(b.Context(), canary.Email, texts)
		if err != nil || len(known) != 1 || known[0] != texts[50] {
			b.Fatal(known, err)
		}
	}
}

func (f *full) list(b *testing.B) {
	b.Helper()
	for b.Loop() {
		counts, err := f.Counts(b.Context())
		must(b, err)
		list, err := f.Plantings(b.Context(), canary.Filter{})
		if err != nil || len(list) != 10_000 || counts["placebo email"] != 990_000 {
			b.Fatal(len(list), counts, err)
		}
	}
}
