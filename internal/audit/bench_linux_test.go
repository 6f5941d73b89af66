package audit_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"syscall"
	"testing"
	"time"

	"saltmine/internal/audit"
)

// workload is a server_audit log as a help desk's day makes it: short look-ups with
// quotes, their table lines, now and then a long statement.
func workload(size int) []byte {
	var b []byte
	at := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	for i := 0; len(b) < size; i++ {
		if i%40 == 0 {
			at = at.Add(time.Second)
		}
		head := fmt.Sprintf("%s,vm,%s,10.0.0.%d,%d,%d,", at.Format("20060102 15:04:05"), []string{"app", "moira", "jonas"}[i%3], i%200, 100+i%50, i)
		b = append(b, head+"READ,help,customers,\n"+head+"READ,help,tickets,\n"...)
		b = fmt.Appendf(b, "%sQUERY,help,'SELECT main.* FROM Users main JOIN Principals p ON p.id = main.id WHERE p.Disabled = \\'0\\' AND LOWER(main.EmailAddress) LIKE \\'%%kunde%d%%\\' ORDER BY main.id LIMIT 50',0\n", head, i)
		if i%50 == 0 {
			b = fmt.Appendf(b, "%sQUERY,help,'INSERT INTO Attachments VALUES (\\'%0900d\\n\\')',0\n", head, i)
		}
	}
	return b
}

// processorTime is what this process has used, whatever else the machine does.
func processorTime(tb testing.TB) time.Duration {
	tb.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// BenchmarkServerAudit reads such a log and follows its health, and says how many
// times the processor time that cutting it into lines with bufio.Scanner takes.
func BenchmarkServerAudit(b *testing.B) {
	log := workload(64 << 20)
	scan := func() (n int) {
		s := bufio.NewScanner(bytes.NewReader(log))
		s.Buffer(make([]byte, 0, 256<<10), 4<<20)
		for s.Scan() {
			n += len(s.Bytes())
		}
		return n
	}
	scan()
	start := processorTime(b)
	for range 4 {
		scan()
	}
	plain := (processorTime(b) - start) / 4
	b.SetBytes(int64(len(log)))
	b.ReportAllocs()
	h := audit.NewHealth(audit.ServerAudit)
	start = processorTime(b)
	for b.Loop() {
		r, err := audit.Open(bytes.NewReader(log), audit.Config{})
		if err != nil {
			b.Fatal(err)
		}
		for {
			e, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			h.See(e)
		}
		r.Close()
	}
	each := (processorTime(b) - start) / time.Duration(b.N)
	b.ReportMetric(float64(len(log))/1e6/each.Seconds(), "MB/s-of-a-core")
	b.ReportMetric(each.Seconds()/plain.Seconds(), "x-scanner")
}
