package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/scan"
)

// What a scan is to reach: bytes a second of one core, and beside one search of grep.
const (
	wantedScan     = 300e6
	wantedGrep     = 0.25
	scanTokens     = 1_000_000
	nsPerByteWords = "processor time of both, so that it says the same on a busy machine"
)

// compareScan looks for a million tokens in plain text beside grep that looks for one.
func compareScan(ctx context.Context, p *plan, t *table) error {
	file := filepath.Join(p.dir, "text")
	size, err := writeText(file, p.scanned)
	if err != nil {
		return err
	}
	book, err := scan.NewBook(func(yield func(canary.DatedToken, error) bool) {
		rng := rand.New(rand.NewPCG(1, 1))
		for i := range scanTokens {
			tok := canary.Token{ID: canary.TokenID(fmt.Sprintf("t_%016d", i)), Role: canary.RolePlanted, Canary: "c_aaaaaaaaaaaaaaaa", Kind: canary.Email, Text: fmt.Sprintf("%s.%s%d@%s", word(rng), word(rng), i, desks()[rng.IntN(len(desks()))])}
			if i%10 == 0 {
				tok.Kind, tok.Text = canary.Phone, fmt.Sprintf("+44%d", 1_000_000_000+rng.Int64N(8_000_000_000))
			}
			if !yield(canary.DatedToken{Token: tok}, nil) {
				return
			}
		}
	})
	if err != nil {
		return err
	}
	c := comparison{what: fmt.Sprintf("scan of plain text for %d tokens, bytes a second of one core", scanTokens), peer: "grep -F -c of one address", wanted: wantedGrep, note: nsPerByteWords}
	for range max(p.rounds, 3) {
		ours, err := scanOnce(ctx, book, file)
		if err != nil {
			return err
		}
		theirs, err := grepOnce(ctx, file)
		if err != nil {
			return err
		}
		c.add(float64(size)/ours.Seconds(), float64(size)/theirs.Seconds())
	}
	t.comparisons = append(t.comparisons, c)
	t.bounds = append(t.bounds, bound{"scan of plain text, picoseconds a byte", 1e12 / median(c.ours), 1e12 / wantedScan, "3333 are 300 MB a second of one core; the file's SHA-256 is made on the way"})
	return nil
}

func desks() []string {
	return []string{"hollowbrook.example", "marlowpost.example", "greyheron.example", "gmail.com"}
}

func word(rng *rand.Rand) string {
	const letters = "etaoinshrdlucmfwypvbgk"
	out := make([]byte, 3+rng.IntN(6))
	for i := range out {
		out[i] = letters[rng.IntN(len(letters))]
	}
	return string(out)
}

// writeText writes plain text as in mails: words, some addresses, dates and numbers.
func writeText(file string, size int64) (int64, error) {
	f, err := os.Create(file)
	if err != nil {
		return 0, err
	}
	w, n := bufio.NewWriterSize(f, 1<<20), int64(0)
	rng := rand.New(rand.NewPCG(2, 2))
	for n < size {
		s := word(rng) + " "
		switch rng.IntN(60) {
		case 0:
			s = fmt.Sprintf("<%s.%s@%s> wrote at 2025-%02d-%02d:\n", word(rng), word(rng), desks()[rng.IntN(len(desks()))], 1+rng.IntN(12), 1+rng.IntN(28))
		case 1:
			s = fmt.Sprintf("+44 %d %d ", 1000+rng.IntN(9000), rng.IntN(1_000_000))
		case 2, 3, 4, 5:
			s = word(rng) + ".\n"
		}
		w.WriteString(s) //nolint:errcheck // Flush has it
		n += int64(len(s))
	}
	return n, errors.Join(w.Flush(), f.Close())
}

// spent is the processor time of this process, or of its children that have ended.
func spent(who int) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(who, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func scanOnce(ctx context.Context, book *scan.Book, file string) (time.Duration, error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	began := spent(syscall.RUSAGE_SELF)
	r := scan.Scan(ctx, book, f, scan.Limits{}, nil)
	if len(r.Faults) > 0 || !r.Whole {
		return 0, fmt.Errorf("scan: %v", r.Faults)
	}
	return spent(syscall.RUSAGE_SELF) - began, nil
}

func grepOnce(ctx context.Context, file string) (time.Duration, error) {
	began := spent(syscall.RUSAGE_CHILDREN)
	err := exec.CommandContext(ctx, "grep", "-F", "-c", "-i", "dana.whitfield@hollowbrook.example", file).Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && (!ok || exit.ExitCode() != 1) { // 1: not found
		return 0, fmt.Errorf("grep: %w", err)
	}
	return spent(syscall.RUSAGE_CHILDREN) - began, nil
}
