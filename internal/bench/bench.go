// Command bench compares the ears with the servers they are taken for, on this
// machine and in the same run: mail made durable per second beside Postfix,
// DNS answers per second beside NSD; and the seeder with MariaDB's own means:
// learning from a table beside reading it, planting beside LOAD DATA. `make
// bench` runs it.
//
// Both sides of a comparison get the same load from the same generator
// (smtp-source, dnsperf) over loopback, or work on the same tables, in
// alternating rounds, and each runs as a process of its own with its files on
// the same disk. Nothing of the machine's own Postfix, NSD or MariaDB is
// touched: the peers run from configurations in a directory that is removed at
// the end, on ports that were free.
//
// The table shows the least, the median and the most of the rounds, and how the
// medians compare. A round in which anything was lost, refused or not recorded
// is an error, not a figure. The peers' work is not ours, and the lines below
// the table say where it differs; figures of a busy machine mean little.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
)

// plan is what is measured, and for how long.
type plan struct {
	dir      string // everything of this run
	rounds   int
	messages int // of a round, for each server
	names    int // of a round in which every name is new
	seconds  int // of a round in which names come again

	customers int // of the support database
	canaries  int // of a bulk insert
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

func run(ctx context.Context) error {
	p := plan{}
	ear := flag.String("ear", "", "be the measured ears with their files in this directory (used by bench itself)")
	parent := flag.String("dir", "/var/tmp", "where the files lie; a disk, and readable for Postfix's user")
	flag.IntVar(&p.rounds, "rounds", 3, "rounds of each measurement, at least 3")
	flag.IntVar(&p.messages, "messages", 2000, "messages of a round")
	flag.IntVar(&p.names, "names", 20_000, "names of a round in which every name is new")
	flag.IntVar(&p.seconds, "seconds", 4, "length of a round in which names come again")
	flag.IntVar(&p.customers, "customers", 2_000_000, "customers of the support database")
	flag.IntVar(&p.canaries, "canaries", 10_000, "canaries of a bulk insert")
	only := flag.String("only", "", "measure `ears` or seeder alone")
	flag.Parse()
	if *ear != "" {
		return beEar(ctx, *ear)
	}
	if p.rounds < 3 || min(p.messages, p.names, p.seconds, p.customers, p.canaries) < 1 {
		return errors.New("at least 3 rounds, and something in each")
	}
	var err error
	if p.dir, err = os.MkdirTemp(*parent, "saltmine-bench-"); err != nil {
		return err
	}
	if err := os.Chmod(p.dir, 0o755); err != nil { // Postfix's processes run as its own user
		return err
	}
	err = measure(ctx, &p, *only)
	return errors.Join(err, os.RemoveAll(p.dir))
}

func measure(ctx context.Context, p *plan, only string) error {
	var list []comparison
	for _, part := range []struct {
		name    string
		compare func(context.Context, *plan) ([]comparison, error)
	}{{"ears", compareEars}, {"seeder", compareSupport}} {
		if only != "" && only != part.name {
			continue
		}
		some, err := part.compare(ctx, p)
		if err != nil {
			return err
		}
		list = append(list, some...)
	}
	report(p, list)
	return nil
}

func compareEars(ctx context.Context, p *plan) (list []comparison, err error) {
	ear, err := startEar(ctx, p.dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, ear.stop()) }()
	mail, err := compareMail(ctx, p, ear)
	if err != nil {
		return nil, err
	}
	answers, err := compareDNS(ctx, p, ear)
	return append([]comparison{mail}, answers...), err
}

// comparison is one line pair of the table: rates per second, a round each.
type comparison struct {
	what, peer   string
	ours, theirs []float64
	wanted       float64 // of ours to theirs; 0 where none is named
	note         string  // what else was measured
}

// What the seeder is to reach: 0.7 times the rows of LOAD DATA, 1.5 times the
// SELECT's time with so many megabytes.
const (
	wantedBulk     = 0.7
	wantedLearning = 1 / 1.5
	wantedMemory   = 256
)

// ratios are those of the rounds.
func (c *comparison) ratios() []float64 {
	all := make([]float64, len(c.ours))
	for i := range all {
		all[i] = c.ours[i] / c.theirs[i]
	}
	return all
}

func report(p *plan, list []comparison) {
	fmt.Printf("\n%d alternating rounds or more, per second%14s%11s%11s\n", p.rounds, "least", "median", "most")
	for _, c := range list {
		fmt.Println(c.what)
		line("saltmine", c.ours)
		line(c.peer, c.theirs)
		fmt.Printf("  %-40s %23.2f", "saltmine / "+c.peer, median(c.ours)/median(c.theirs))
		if c.wanted > 0 {
			fmt.Printf(", wanted %.2f or more; of the pairs' own the median is %.2f", c.wanted, median(c.ratios()))
		}
		fmt.Println()
		if c.note != "" {
			fmt.Println("  " + c.note)
		}
	}
	fmt.Printf(`
mail: smtp-source, %d sessions at a time, a new connection for each message of %d bytes.
  Both answer 250 after fsync. Saltmine seals two records a message (at RCPT and at the
  end) and keeps them; Postfix queues one file and then delivers to nowhere, in the same time.
  in_flow_delay, reverse look-ups and connection limits, which would slow Postfix, are off.
dns: dnsperf over UDP, MX and A of names that exist by wildcard, all answers NOERROR.
  Saltmine makes the first sighting of a name durable before it answers; NSD records nothing,
  runs a process for each of %d processors, and has its rate limit off.
learning: what plant reads and works out before it mints, without its limit on rows a second, beside
  the client's SELECT of the columns that it learns from, of all %d rows, thrown away. Memory
  is that of a process that learns, mints one canary and judges it.
bulk: %d canaries that are registered already go in, 10,000 in a transaction, with LOAD DATA LOCAL
  INFILE too, in loads that leave no gap between keys which the server gives; beside the same
  rows with their keys from one file a table, with the indexes standing, whose pages have room.
  Before each of the two the server is started with the same files, read into its memory. Every
  other round LOAD DATA goes first, with the rows of the round before. Timed is all from before
  BEGIN to COMMIT but the registering of keys and windows, which is told apart.
`, sessions, messageBytes, processors(), p.customers, p.canaries)
}

func line(name string, rates []float64) {
	fmt.Printf("  %-40s %12.0f%11.0f%11.0f\n", name, slices.Min(rates), median(rates), slices.Max(rates))
}

func median(rates []float64) float64 {
	s := slices.Sorted(slices.Values(rates))
	if len(s)%2 == 1 {
		return s[len(s)/2]
	}
	return (s[len(s)/2-1] + s[len(s)/2]) / 2
}
