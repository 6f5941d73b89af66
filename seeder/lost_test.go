package seeder_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/go-sql-driver/mysql"

	"saltmine/internal/canary"
	"saltmine/seeder"
)

// wire is a TCP proxy before the support database that cuts a connection at a
// statement: before it reaches the server, or when the server has answered.
type wire struct {
	addr   string
	prefix atomic.Value // string: statements that begin so are cut
	answer atomic.Bool  // cut the answer, not the statement
	cuts   atomic.Int32 // how many are still to be cut
	dies   bool         // with the first cut the wire goes down
	down   atomic.Bool  // nobody is let in any more, as if the run had died
}

func newWire(t *testing.T, server string) *wire {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{addr: l.Addr().String()}
	w.prefix.Store("")
	ctx := context.WithoutCancel(t.Context())
	t.Cleanup(func() { l.Close() }) // ends the loop below
	go func() {                     // ends when the listener is closed
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			if w.down.Load() {
				client.Close() // on purpose
				continue
			}
			go w.serve(ctx, client, server) // ends with either connection
		}
	}()
	return w
}

func (w *wire) serve(ctx context.Context, client net.Conn, server string) {
	var d net.Dialer
	up, err := d.DialContext(ctx, "tcp", server)
	if err != nil {
		client.Close() // nothing to save
		return
	}
	var deaf atomic.Bool
	go func() { // ends when the server's side is closed
		buf := make([]byte, 64<<10)
		for {
			n, err := up.Read(buf)
			if deaf.Load() || err != nil {
				break
			}
			if _, err := client.Write(buf[:n]); err != nil {
				break
			}
		}
		client.Close() // cut on purpose
		up.Close()     // cut on purpose
	}()
	defer client.Close() // cut on purpose
	for !w.down.Load() {
		var head [4]byte
		if _, err := io.ReadFull(client, head[:]); err != nil {
			up.Close() // the client is gone
			return
		}
		size := binary.LittleEndian.Uint32(append(head[:3:3], 0))
		body := make([]byte, size)
		if _, err := io.ReadFull(client, body); err != nil {
			up.Close() // the client is gone
			return
		}
		if w.cut(body) {
			w.down.Store(w.dies)
			if !w.answer.Load() {
				up.Close() // cut on purpose
				return
			}
			deaf.Store(true)
		}
		if _, err := up.Write(append(head[:], body...)); err != nil {
			return
		}
	}
}

func (w *wire) cut(body []byte) bool {
	const comQuery = 3
	prefix := w.prefix.Load().(string)
	return prefix != "" && len(body) > 0 && body[0] == comQuery && strings.HasPrefix(string(body[1:]), prefix) && w.cuts.Add(-1) >= 0
}

// behindWire builds a world whose seeder reaches the server through a wire.
func behindWire(t *testing.T) (*world, *wire) {
	t.Helper()
	w := newWorld(t)
	cfg, err := mysql.ParseDSN(w.dsn)
	if err != nil {
		t.Fatal(err)
	}
	cut := newWire(t, cfg.Addr)
	cfg.Addr = cut.addr
	w.connect(t, cfg.FormatDSN())
	return w, cut
}

func TestPlantLosesAnswers(t *testing.T) {
	t.Parallel()
	for _, statement := range []string{"COMMIT", "INSERT INTO `customers`", "INSERT INTO `tickets`"} {
		for _, answer := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s answer=%v", statement, answer), func(t *testing.T) {
				t.Parallel()
				w, cut := behindWire(t)
				cut.answer.Store(answer)
				cut.cuts.Store(1)
				cfg := plan("lost", 4)
				cut.prefix.Store(statement)
				report, err := w.seeder.Plant(t.Context(), cfg)
				if err != nil { // a connection lost before COMMIT ends the run, the next one resumes
					report, err = w.seeder.Plant(t.Context(), cfg)
				} else if statement != "COMMIT" {
					t.Error("a lost INSERT went unseen")
				}
				if err != nil || report.Live != 4 || report.Retired != 0 {
					t.Fatalf("report %+v, %v", report, err)
				}
				if statement == "COMMIT" && answer && report.Adopted != 1 {
					t.Errorf("%d adopted: the committed row was not found", report.Adopted)
				}
				w.wantExactly(t, 4)
			})
		}
	}
}

// In bulk the canaries of a lost COMMIT are adopted or inserted one by one,
// none twice.
func TestBulkLosesAnswers(t *testing.T) {
	t.Parallel()
	for _, answer := range []bool{false, true} {
		t.Run(fmt.Sprintf("answer=%v", answer), func(t *testing.T) {
			t.Parallel()
			w, cut := behindWire(t)
			cut.answer.Store(answer)
			cut.cuts.Store(1)
			cut.prefix.Store("COMMIT")
			cfg := plan("lost", 6)
			cfg.Bulk = true
			report, err := w.seeder.Plant(t.Context(), cfg)
			if err != nil || report.Live != 6 || report.Retired != 0 || (report.Adopted == 6) != answer || report.Inserted+report.Adopted != 6 {
				t.Fatalf("report %+v, %v", report, err)
			}
			w.wantExactly(t, 6)
		})
	}
}

func TestRotateLosesAnswers(t *testing.T) {
	t.Parallel()
	for _, answer := range []bool{false, true} {
		t.Run(fmt.Sprintf("answer=%v", answer), func(t *testing.T) {
			t.Parallel()
			w, cut := behindWire(t)
			w.mustPlant(t, plan("base", 3))
			cut.answer.Store(answer)
			cut.cuts.Store(1)
			cut.prefix.Store("UPDATE `customers` SET `email` = '")
			report, err := w.seeder.Rotate(t.Context(), rotation(canary.Email, "lost"))
			if err != nil || report.Rotated+report.Finished != 3 || report.Finished != 1 {
				t.Fatalf("report %+v, %v", report, err)
			}
			w.wantRotated(t, canary.Email)
		})
	}
}

func TestWithdrawLosesAnswers(t *testing.T) {
	t.Parallel()
	for _, answer := range []bool{false, true} {
		t.Run(fmt.Sprintf("answer=%v", answer), func(t *testing.T) {
			t.Parallel()
			w, cut := behindWire(t)
			w.mustPlant(t, plan("base", 3))
			cut.answer.Store(answer)
			cut.prefix.Store("DELETE FROM `customers` WHERE `id`")
			cut.cuts.Store(1)
			_, err := w.seeder.Withdraw(t.Context(), seeder.WithdrawConfig{All: true})
			if err == nil {
				t.Error("a lost DELETE went unseen")
			}
			cut.prefix.Store("COMMIT")
			cut.cuts.Store(1)
			for range 2 {
				if _, err = w.seeder.Withdraw(t.Context(), seeder.WithdrawConfig{All: true}); err == nil {
					break
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			w.wantExactly(t, 0)
			w.wantAllClosed(t)
		})
	}
}
