package spool_test

import (
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"testing"

	"saltmine/internal/spool"
)

// BenchmarkAppend measures durable records of 4 KB from parallel writers.
func BenchmarkAppend(b *testing.B) {
	for _, writers := range []int{1, 20, 100} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			s := open(b, spool.Config{Dir: b.TempDir()})
			sealed := random(4096)
			var n atomic.Uint64
			one := func() error {
				var k [16]byte
				binary.BigEndian.PutUint64(k[:], n.Add(1))
				return s.Append(b.Context(), k, sealed)
			}
			tokens, ended := make(chan struct{}, writers), make(chan error, writers)
			for range writers {
				go func() {
					for range tokens {
						if err := one(); err != nil {
							ended <- err
							return
						}
					}
					ended <- nil
				}()
			}
			b.SetBytes(int64(len(sealed)))
			for b.Loop() {
				tokens <- struct{}{}
			}
			close(tokens)
			for range writers {
				if err := <-ended; err != nil {
					b.Fatal(err)
				}
			}
			st := s.Stats()
			b.ReportMetric(float64(st.Appends)/b.Elapsed().Seconds(), "records/s")
			b.ReportMetric(float64(st.Appends)/float64(st.Syncs), "records/sync")
			b.ReportMetric(float64(st.Bytes)/float64(st.Appends*4096), "bytes/byte")
		})
	}
}
