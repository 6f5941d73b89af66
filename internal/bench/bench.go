// Command bench compares the ears with the servers they are taken for, on this
// machine and in the same run: mail made durable per second beside Postfix and
// smtp-sink, DNS answers per second beside NSD and CoreDNS, webhooks beside the
// same handler without a store; and the seeder with MariaDB's own means:
// learning from a table beside reading it, planting beside LOAD DATA; how long
// it takes from a mail to its page; and a scan for a million tokens beside a
// search of grep for one. `make bench` runs it.
//
// Both sides of a comparison get the same load from the same generator
// (smtp-source, dnsperf, one of ours) over loopback, or work on the same tables,
// in alternating rounds, and each runs as a process of its own with its files on
// the same disk. Every ear and its peers have one core, the first; what loads
// them has the others. Nothing of the machine's own Postfix, NSD or MariaDB is
// touched: the peers run from configurations in a directory that is removed at
// the end, on ports that were free.
//
// The table shows the least, the median and the most of the rounds, how the
// medians compare, and what is wanted. A round in which anything was lost,
// refused or not recorded is an error, not a figure. The peers' work is not
// ours, and the lines below the table say where it differs; figures of a busy
// machine mean little.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// plan is what is measured, and for how long.
type plan struct {
	dir          string // everything of this run
	profile      string // where the ears leave what they spend their time on; empty for nowhere
	rounds       int
	messages     int // of a round, for each server
	names        int // of a round in which every name is new
	seconds      int // of a round in which names come again
	hooks        int // webhooks of a round, for each server
	floodSeconds int
	pages        int // contacts whose page is waited for

	scanned   int64 // bytes of the text that is scanned
	customers int   // of the support database
	canaries  int   // of a bulk insert
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
	flag.StringVar(&p.profile, "profile", "", "file for the ears' profile of processor time; the flooded ones' has .flooded behind it")
	flooded := flag.Bool("flooded", false, "with -ear: bound what is recorded singly")
	hooks := flag.Int("hooks", 0, "be the sender of so many webhooks (used by bench itself)")
	to := flag.String("to", "", "with -hooks: where they go")
	flag.IntVar(&p.messages, "messages", 2000, "messages of a round")
	flag.IntVar(&p.names, "names", 20_000, "names of a round in which every name is new")
	flag.IntVar(&p.seconds, "seconds", 4, "length of a round in which names come again")
	flag.IntVar(&p.hooks, "webhooks", 8000, "webhooks of a round")
	flag.IntVar(&p.floodSeconds, "flood", 10, "seconds of the flood")
	flag.IntVar(&p.pages, "pages", 200, "mails whose pages are waited for")
	flag.IntVar(&p.customers, "customers", 2_000_000, "customers of the support database")
	flag.IntVar(&p.canaries, "canaries", 10_000, "canaries of a bulk insert")
	flag.Int64Var(&p.scanned, "scanned", 256<<20, "bytes of text that is scanned")
	only := flag.String("only", "", "measure `ears`, pages, seeder, scan, dns or mail alone")
	flag.Parse()
	if *ear != "" {
		return profiled(p.profile, func() error { return beEar(ctx, *ear, *flooded) })
	}
	if *hooks > 0 {
		return beHooks(ctx, *to, *hooks)
	}
	if p.rounds < 3 || min(p.messages, p.names, p.seconds, p.hooks, p.floodSeconds, p.pages, p.customers, p.canaries) < 1 {
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
	var t table
	for _, part := range []struct {
		name    string
		always  bool // unless another is asked for
		compare func(context.Context, *plan, *table) error
	}{{"ears", true, compareEars}, {"dns", false, compareNames}, {"mail", false, compareMails}, {"pages", true, measurePages}, {"seeder", true, compareSupport}, {"scan", true, compareScan}} {
		if only == "" && !part.always || only != "" && only != part.name {
			continue
		}
		if err := part.compare(ctx, p, &t); err != nil {
			return err
		}
	}
	t.print(p)
	return nil
}

// compareNames is the part of compareEars that is about DNS.
func compareNames(ctx context.Context, p *plan, t *table) (err error) {
	ear, err := startEar(ctx, p, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ear.stop()) }()
	t.comparisons, err = compareDNS(ctx, p, ear)
	return err
}

// compareMails is the part of compareEars that is about mail.
func compareMails(ctx context.Context, p *plan, t *table) (err error) {
	ear, err := startEar(ctx, p, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ear.stop()) }()
	t.comparisons, t.bounds, err = compareMail(ctx, p, ear)
	return err
}

func compareEars(ctx context.Context, p *plan, t *table) (err error) {
	ear, err := startEar(ctx, p, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ear.stop()) }()
	mail, writes, err := compareMail(ctx, p, ear)
	if err != nil {
		return err
	}
	answers, err := compareDNS(ctx, p, ear)
	if err != nil {
		return err
	}
	hooks, err := compareHooks(ctx, p, ear)
	if err != nil {
		return err
	}
	memory, err := measureFlood(ctx, p)
	t.comparisons = append(append(append(t.comparisons, mail...), answers...), hooks)
	t.bounds = append(append(t.bounds, writes...), memory)
	return err
}
