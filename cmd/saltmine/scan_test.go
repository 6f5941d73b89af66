package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
	"saltmine/internal/scan"
)

// stolen is a dump of customers with some canaries among them.
func stolen(list []prey) string {
	var b strings.Builder
	b.WriteString("INSERT INTO `customers` VALUES ")
	for i := range 3000 {
		fmt.Fprintf(&b, "(%d,'customer %d','c%d@customers.example','+44 1632 %06d'),\n", i, i, i, i)
		if at := i / 100; i%100 == 50 && at < len(list) {
			q := list[at]
			fmt.Fprintf(&b, "(%d,'%s','%s','%s'),\n", 9000+i, q.name, strings.ToUpper(q.email), q.phone)
		}
	}
	return b.String()
}

func packed(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(text)) //nolint:errcheck // it writes to memory
	w.Close()
	return b.String()
}

// bytes writes a file of the site as it is given.
func (s *site) bytes(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(s.path(name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// scans runs a scan that must find something, and reads what it prints.
func (s *site) scans(into any, args ...string) {
	s.t.Helper()
	cmd := s.command(append(args, "--output", "json")...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if cmd.ProcessState.ExitCode() != exitFound {
		s.t.Fatalf("saltmine %s: %v, want exit code 3\n%s%s", strings.Join(args, " "), err, out, stderr.String())
	}
	if err := json.Unmarshal(out, into); err != nil {
		s.t.Fatalf("%v\n%s", err, out)
	}
}

// TestScan finds planted canaries in a stolen dump, files them once, and traces them.
func TestScan(t *testing.T) {
	t.Parallel()
	s, reg, all := planted(t, 12)
	dump := stolen(all)
	s.bytes("leak.sql.gz", packed(dump))
	s.write("clean.sql", stolen(nil))
	var got scanned
	s.scans(&got, "scan", "--dry-run", s.path("leak.sql.gz"))
	checkScan(t, &got, dump, all)
	if ids, err := reg.ContactIDs(t.Context()); err != nil || len(ids) > 0 {
		t.Fatalf("a dry run filed %d contacts, %v", len(ids), err)
	}
	wants(t, s.run("scan", s.path("clean.sql")), "nothing found")

	s.scans(&got, "scan", s.path("clean.sql"), s.path("leak.sql.gz"))
	if len(got.Files) != 2 || len(got.Incidents) != 1 || got.Files[1].Filed != len(got.Files[1].Finds) {
		t.Fatalf("it filed %+v in %v", got.Files, got.Incidents)
	}
	finds := len(got.Files[1].Finds)
	s.scans(&got, "scan", s.path("leak.sql.gz"))
	if ids, err := reg.ContactIDs(t.Context()); err != nil || len(ids) != finds || got.Files[0].Filed != 0 {
		t.Fatalf("%d contacts of %d finds after the second scan, which filed %d; %v", len(ids), finds, got.Files[0].Filed, err)
	}
	for _, c := range s.contacts(reg) {
		if c.Channel != canary.Dump || !bytes.Contains(bytes.ToLower(c.Raw), []byte("customer")) {
			t.Errorf("%s: %q", c, c.Raw)
		}
	}
	inc, err := reg.Incident(t.Context(), got.Incidents[0])
	if err != nil || inc.Severity != canary.P1 || inc.Canaries != len(all) {
		t.Fatalf("%+v, %v", inc, err)
	}
	s.scansHugeLine(all)
	text := s.run("trace", "--incident", string(inc.ID))
	wants(t, text, fmt.Sprintf("Canaries reached: %d", len(all)), "P1")
	acts, err := reg.Acts(t.Context(), registry.ActFilter{What: []string{canary.ActScan}})
	if err != nil || len(acts) != 6+5 { // of six files in five scans
		t.Errorf("%d scans are on the evidence log, %v", len(acts), err)
	}
	s.serve()
	eventually(t, "the page", func() bool { pages, _ := s.hook.received(); return len(pages) > 0 })
	pages, raw := s.hook.received()
	if len(pages) != 1 || pages[0].Incident != inc.ID || pages[0].Severity != canary.P1 {
		t.Errorf("paged %+v", pages)
	}
	for _, q := range all {
		if strings.Contains(strings.ToLower(raw), q.email) {
			t.Errorf("the page shows %s", q.id)
		}
	}
}

// scansHugeLine scans 4 GiB in one line with canaries here and there, in little memory.
func (s *site) scansHugeLine(all []prey) {
	s.t.Helper()
	const size = 4<<30 + 12_345
	f, err := os.Create(s.path("huge"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(size); err != nil {
		s.t.Fatal(err)
	}
	places := []int64{0, 128<<10 - 20, 1 << 30, 1<<32 - 15, size - int64(len(all[0].email))}
	for _, at := range places {
		if _, err := f.WriteAt([]byte(all[0].email), at); err != nil {
			s.t.Fatal(err)
		}
	}
	cmd := s.command("scan", "--dry-run", "--output", "json", s.path("huge"))
	var printed bytes.Buffer
	cmd.Stdout = &printed
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	used := 0 // KiB, as it says itself: what wait tells has the memory of whoever started it
	ended := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		for tick := time.Tick(20 * time.Millisecond); ; {
			select {
			case <-ended:
				return
			case <-tick:
				used = max(used, peakOf(cmd.Process.Pid))
			}
		}
	}()
	err = cmd.Wait()
	close(ended)
	<-watched
	out := printed.Bytes()
	var got scanned
	if code := cmd.ProcessState.ExitCode(); code != exitFound || json.Unmarshal(out, &got) != nil {
		s.t.Fatalf("exit code %d, %v\n%s", code, err, out)
	}
	var offsets []int64
	for _, find := range got.Files[0].Finds {
		offsets = append(offsets, find.Offset)
	}
	if !slices.Equal(offsets, places) || got.Files[0].Bytes != size {
		s.t.Errorf("found at %d, want %d, in %d bytes", offsets, places, got.Files[0].Bytes)
	}
	const most = 200 << 10 // KiB
	if used == 0 || used > most {
		s.t.Errorf("it took %d KiB of memory", used)
	}
}

// checkScan compares a report with the dump.
func checkScan(t *testing.T, got *scanned, dump string, all []prey) {
	t.Helper()
	if len(got.Files) != 1 || got.Files[0].Canaries != len(all) || len(got.Files[0].Placebos) > 0 || !got.Files[0].Whole {
		t.Fatalf("it found %+v, want %d canaries", got.Files, len(all))
	}
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range all {
		if bytes.Contains(bytes.ToLower(text), []byte(q.email)) || q.phone != "" && bytes.Contains(text, []byte(q.phone)) {
			t.Errorf("%s is shown", q.id)
		}
		at := int64(strings.Index(dump, strings.ToUpper(q.email)))
		if !slices.ContainsFunc(got.Files[0].Finds, func(f scannedFind) bool {
			return f.Canary == q.id && f.Kind == canary.Email && f.Offset == at && f.Inside == "gzip" && f.Line == int64(1+strings.Count(dump[:at], "\n"))
		}) {
			t.Errorf("%s was not found at %d", q.id, at)
		}
	}
}

// TestScanCutOff files what a file that is cut off still has, and says that it is.
func TestScanCutOff(t *testing.T) {
	t.Parallel()
	s, reg, all := planted(t, 8)
	whole := packed(stolen(all))
	s.bytes("cut.gz", whole[:len(whole)*2/3])
	text := s.fails(exitFound, "scan", s.path("cut.gz"))
	wants(t, text, "cut off", "NOT ALL WAS READ", "canaries: ", "filed: ")
	if ids, err := reg.ContactIDs(t.Context()); err != nil || len(ids) == 0 {
		t.Errorf("%d contacts, %v", len(ids), err)
	}
	s.bytes("empty.gz", whole[:12])
	wants(t, s.fails(exitFailed, "scan", s.path("empty.gz")), "not all of it could be read")
	wants(t, s.fails(exitFailed, "scan", s.path("no such file")), "no such file")
	s.fails(exitUsage, "scan")
	s.fails(exitUsage, "scan", "--passphrase-file", "x", s.path("cut.gz"))
}

// partUntold breaks a scan with a filter off: nothing is told of the part that was read.
func (s *site) partUntold() {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	cancel()
	var out bytes.Buffer
	a := app{stdout: &out, stderr: io.Discard, output: "json", now: time.Now}
	err := a.scanFiltered(ctx, &scanFlags{filter: s.path("a.filter"), passphrase: s.path("a.pass"), seen: time.Now()}, []string{s.path("leak.sql")})
	var told filterFinds
	if err == nil || !strings.Contains(err.Error(), "broken off") || json.Unmarshal(out.Bytes(), &told) != nil || len(told.Files) > 0 {
		s.t.Errorf("%v: %s", err, out.Bytes())
	}
}

// TestScanFoundAt files contacts of when the file had been seen.
func TestScanFoundAt(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"": now, "2026-11-03": now, "2026-11-02": now.Add(-12 * time.Hour), "2026-11-03T13:00:00+02:00": now.Add(-time.Hour), "2026-11-04": {}, "2026-11-03T12:00:01Z": {}, "yesterday": {},
	} {
		if got, err := seenBy(text, now); (err != nil) != want.IsZero() || err == nil && !got.Equal(want) {
			t.Errorf("%q: %s, %v", text, got, err)
		}
	}
	s, reg, all := planted(t, 4)
	seen := time.Now().UTC().Truncate(time.Second)
	s.bytes("leak.sql", stolen(all))
	time.Sleep(1100 * time.Millisecond)
	var got scanned
	s.scans(&got, "scan", "--found-at", seen.Format(time.RFC3339), s.path("leak.sql"))
	for _, c := range s.contacts(reg) {
		if !c.At.Equal(seen) {
			t.Errorf("%s is of %s, want %s", c.ID, c.At, seen)
		}
	}
	if len(got.Incidents) != 1 {
		t.Errorf("%+v", got)
	}
}

// TestScanFilter scans on a machine that has the filter alone, and brings the finds home.
func TestScanFilter(t *testing.T) {
	t.Parallel()
	s, reg, all := planted(t, 8)
	dump := stolen(all)
	s.write("leak.sql", strings.TrimSuffix(dump, "\n"))
	var made writtenFilter
	if err := json.Unmarshal([]byte(s.run("scan", "filter", "--for", "K. Holm", "--expires", "2099-12-31", s.path("a.filter"), "--output", "json")), &made); err != nil {
		t.Fatal(err)
	}
	s.write("a.pass", made.Passphrase)
	filter := s.read("a.filter")
	for _, q := range all {
		if strings.Contains(filter, q.email) || strings.Contains(filter, strings.Split(q.email, "@")[1]) {
			t.Error("the filter shows a token, or its domain")
		}
	}
	away := &site{t: t, dir: t.TempDir()}
	var found filterFinds
	away.scans(&found, "scan", "--filter", s.path("a.filter"), "--passphrase-file", s.path("a.pass"), s.path("leak.sql"))
	out, err := json.Marshal(found)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range all {
		if strings.Contains(strings.ToLower(string(out)), q.email) {
			t.Errorf("the finds show %s", q.id)
		}
	}
	s.write("finds.json", string(out))
	var got, again scanned
	s.scans(&got, "scan", "import", s.path("finds.json"))
	if got.Files[0].Canaries != len(all) || got.Files[0].Filed != len(got.Files[0].Finds) || len(got.Incidents) != 1 {
		t.Fatalf("imported %+v", got)
	}
	s.scans(&again, "scan", s.path("leak.sql"))
	if again.Files[0].Filed != 0 || len(again.Files[0].Finds) != len(got.Files[0].Finds) {
		t.Errorf("scanned here it files %d of %d, imported were %d", again.Files[0].Filed, len(again.Files[0].Finds), len(got.Files[0].Finds))
	}
	acts, err := reg.Acts(t.Context(), registry.ActFilter{About: made.ID})
	if err != nil || len(acts) != 1 || !strings.Contains(acts[0].Outcome, "for K. Holm until 2100-01-01") {
		t.Errorf("%+v, %v", acts, err)
	}

	found.Files[0].Finds[0].Offset++
	found.Files[0].Finds[0].Contact = findID(found.Files[0].SHA256, &scan.Find{Kind: found.Files[0].Finds[0].Kind, Offset: found.Files[0].Finds[0].Offset})
	out, err = json.Marshal(found)
	if err != nil {
		t.Fatal(err)
	}
	s.write("changed.json", string(out))
	wants(t, s.fails(exitFailed, "scan", "import", s.path("changed.json")), "the file was changed")
	s.partUntold()
	s.write("foreign.json", strings.ReplaceAll(string(out), made.ID, "f_aaaaaaaaaaaaaaaa"))
	wants(t, s.fails(exitFailed, "scan", "import", s.path("foreign.json")), "was not made here")
	s.write("b.pass", "another")
	wants(t, away.fails(exitFailed, "scan", "--filter", s.path("a.filter"), "--passphrase-file", s.path("b.pass"), s.path("leak.sql")), "does not open with this passphrase")
	s.bytes("b.filter", strings.Replace(filter, "2100-01-01", "2200-01-01", 1))
	wants(t, away.fails(exitFailed, "scan", "--filter", s.path("b.filter"), "--passphrase-file", s.path("a.pass"), s.path("leak.sql")), "signature does not fit")
}

// peakOf gives how much memory a process has had at most, in KiB; 0 where it has ended,
// or has not begun to be another than who started it.
func peakOf(pid int) (kib int) {
	name, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	self, selfErr := os.Executable()
	status, statusErr := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil || selfErr != nil || statusErr != nil || name == self {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	fmt.Sscan(rest, &kib) //nolint:errcheck // then it is 0
	return kib
}
