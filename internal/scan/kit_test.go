package scan_test

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"testing"

	"saltmine/internal/canary"
	"saltmine/internal/scan"
)

// tokens gives tokens to a book.
func tokens(list []canary.Token) iter.Seq2[canary.DatedToken, error] {
	return func(yield func(canary.DatedToken, error) bool) {
		for _, t := range list {
			if !yield(canary.DatedToken{Token: t}, nil) {
				return
			}
		}
	}
}

func tok(kind canary.Kind, text string) canary.Token {
	return canary.Token{ID: canary.TokenID("t_" + text), Kind: kind, Role: canary.RolePlanted, Canary: "c_1", Text: text}
}

func book(tb testing.TB, list ...canary.Token) *scan.Book {
	tb.Helper()
	b, err := scan.NewBook(tokens(list))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// few are tokens as a registry has them.
func few() []canary.Token {
	return []canary.Token{
		tok(canary.Email, "dana.whitfield@hollowbrook.example"), tok(canary.Email, "sean.o'brien@hollowbrook.example"), tok(canary.Email, "mila_77@xn--bcher-kva.example"),
		tok(canary.Phone, "+442079460018"), tok(canary.Phone, "+12025550143"), tok(canary.Phone, "+493023125123"), tok(canary.Phone, "+390612345678"),
		tok(canary.Ticket, "TK20250042"), tok(canary.Ticket, "2025112710000013"), tok(canary.Ticket, "48213"), tok(canary.Ticket, "7HK2Q9XB"),
	}
}

// pieces reads in random pieces.
type pieces struct {
	in  io.Reader
	rng *rand.Rand
	max int
}

func (p *pieces) Read(b []byte) (int, error) { return p.in.Read(b[:min(len(b), 1+p.rng.IntN(p.max))]) }

func scanned(tb testing.TB, look scan.Lookup, text []byte, seed uint64) *scan.Report {
	tb.Helper()
	in := &pieces{bytes.NewReader(text), rand.New(rand.NewPCG(seed, 1)), 1 + int(seed%5)*30_000}
	return scan.Scan(tb.Context(), look, in, scan.Limits{}, nil)
}

// texts are the tokens of a report.
func texts(b *scan.Book, r *scan.Report) []string {
	var out []string
	for _, f := range r.Finds {
		out = append(out, b.Token(f.Ref).Text)
	}
	return out
}

// crowd are many tokens.
func crowd(n int) []canary.Token {
	rng := rand.New(rand.NewPCG(7, 7))
	out := make([]canary.Token, 0, n)
	for i := range n {
		switch i % 10 {
		case 0:
			out = append(out, tok(canary.Phone, fmt.Sprintf("+44%010d", 1_000_000_000+rng.IntN(8_000_000_000))))
		case 1:
			out = append(out, tok(canary.Ticket, fmt.Sprintf("20251127%08d", rng.IntN(100_000_000))))
		default:
			out = append(out, tok(canary.Email, fmt.Sprintf("%s.%s%d@%s", word(rng), word(rng), rng.IntN(1000), []string{"hollowbrook.example", "marlowpost.example", "greyheron.example", "gmail.com"}[rng.IntN(4)])))
		}
	}
	return out
}

func word(rng *rand.Rand) string {
	const list = "bacedifoguhajekilomunaperosituvawexyza"
	n := 3 + rng.IntN(5)
	out := make([]byte, 0, n)
	for range n {
		out = append(out, list[rng.IntN(len(list))])
	}
	return string(out)
}

// dump is a table of customers as SQL: addresses, numbers, dates.
func dump(size int, seed uint64) []byte {
	rng := rand.New(rand.NewPCG(seed, 3))
	var b []byte
	for i := 0; len(b) < size; i++ {
		if i%200 == 0 {
			b = append(b, ";\nINSERT INTO `customers` VALUES "...)
		}
		b = fmt.Appendf(b, "(%d,'%s %s','%s.%s@%s.com','+%d %d %07d','2025-%02d-%02d %02d:%02d:%02d',%d,NULL,'%s %s %s %s'),", i, word(rng), word(rng), word(rng), word(rng), word(rng),
			30+rng.IntN(60), 100+rng.IntN(900), rng.IntN(10_000_000), 1+rng.IntN(12), 1+rng.IntN(28), rng.IntN(24), rng.IntN(60), rng.IntN(60), rng.IntN(2), word(rng), word(rng), word(rng), word(rng))
	}
	return b
}
