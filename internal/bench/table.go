package main

import (
	"fmt"
	"slices"
)

// comparison is one line pair of the table: rates per second, a round each.
type comparison struct {
	what, peer   string
	ours, theirs []float64
	wanted       float64 // of ours to theirs; 0 where none is named
	note         string  // what else was measured
}

// bound is a figure that is to stay under another.
type bound struct {
	what      string
	got, most float64
	note      string
}

// table is what is printed at the end.
type table struct {
	comparisons []comparison
	bounds      []bound
}

// What the ears are to reach beside their peers, and what they may use.
const (
	wantedPostfix  = 5
	wantedSink     = 0.45
	wantedNSD      = 0.9
	wantedCoreDNS  = 3
	wantedFresh    = 2
	wantedHooks    = 0.4
	wantedWrites   = 4   // bytes a byte
	wantedResident = 512 // MB
)

// What the seeder is to reach: 0.7 times the rows of LOAD DATA, 1.5 times the
// SELECT's time with so many megabytes.
const (
	wantedBulk     = 0.7
	wantedLearning = 1 / 1.5
	wantedMemory   = 256
)

// add adds a round.
func (c *comparison) add(ours, theirs float64) {
	c.ours, c.theirs = append(c.ours, ours), append(c.theirs, theirs)
	fmt.Printf("%s %d: saltmine %.0f/s, %s %.0f/s\n", c.what, len(c.ours), ours, c.peer, theirs)
}

// ratios are those of the rounds.
func (c *comparison) ratios() []float64 {
	all := make([]float64, len(c.ours))
	for i := range all {
		all[i] = c.ours[i] / c.theirs[i]
	}
	return all
}

func (t *table) print(p *plan) {
	fmt.Printf("\n%d alternating rounds or more, per second%14s%11s%11s\n", p.rounds, "least", "median", "most")
	for _, c := range t.comparisons {
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
	for _, b := range t.bounds {
		fmt.Printf("%s\n  %-40s %23.2f, wanted %.0f or less\n  %s\n", b.what, "saltmine", b.got, b.most, b.note)
	}
	fmt.Printf(`
ears: every server has one core, the load the others. Saltmine's run as an edge's do: they spend
  memory for speed, and what is freed is written over.
mail: smtp-source, a new connection for each message of %d bytes. Saltmine and Postfix answer
  250 after fsync, smtp-sink keeps nothing. Saltmine seals two records a message (at RCPT and at the
  end) and keeps them; Postfix queues one file and then delivers to nowhere, in the same time.
  in_flow_delay, reverse look-ups and connection limits, which would slow Postfix, are off.
dns: dnsperf over UDP, MX and A of names that exist by wildcard, all answers NOERROR, %d questions
  under way, %d where Saltmine makes the first sighting of a name durable before it answers. NSD
  and CoreDNS %s (plugin file, no log, no cache) record nothing. Rate limits are off.
webhooks: %d connections that are kept, each event signed, new and sent once.
learning: what plant reads and works out before it mints, without its limit on rows a second, beside
  the client's SELECT of the columns that it learns from, of all %d rows, thrown away. Memory
  is that of a process that learns, mints one canary and judges it.
bulk: %d canaries that are registered already go in, 10,000 in a transaction, with LOAD DATA LOCAL
  INFILE too, in loads that leave no gap between keys which the server gives; beside the same
  rows with their keys from one file a table, with the indexes standing, whose pages have room.
  Before each of the two the server is started with the same files, read into its memory. Every
  other round LOAD DATA goes first, with the rows of the round before. Timed is all from before
  BEGIN to COMMIT but the registering of keys and windows, which is told apart.
scan: text as in mails, read from a file in memory. Saltmine looks for all tokens in all spellings
  and makes the file's SHA-256; grep looks for one address as it is written, in any case.
`, messageBytes, waiting, deep, corednsVersion, hookConns, p.customers, p.canaries)
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
