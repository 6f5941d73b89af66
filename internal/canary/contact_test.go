package canary_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"saltmine/internal/canary"
)

func drawContact(t *rapid.T) canary.Contact {
	text := rapid.String()
	c := canary.Contact{
		ID:         canary.ContactID(rapid.StringMatching(`k_[A-Za-z0-9._-]{8,120}`).Draw(t, "id")),
		Channel:    rapid.SampledFrom([]canary.Channel{canary.SMTP, canary.IMAP, canary.DNS, canary.Voice, canary.SMS, canary.ByTicket, canary.Dump, canary.Report}).Draw(t, "channel"),
		At:         canary.Micro(time.UnixMicro(rapid.Int64Range(1, 4e15).Draw(t, "at"))),
		Ear:        "ear" + rapid.StringMatching(`[a-z/]{0,9}`).Draw(t, "ear"),
		Open:       rapid.Bool().Draw(t, "open"),
		Part:       rapid.IntRange(0, 1000).Draw(t, "part"),
		Probe:      rapid.Bool().Draw(t, "probe"),
		Unverified: rapid.Bool().Draw(t, "unverified"),
		Peer:       text.Draw(t, "peer"),
		Source:     text.Draw(t, "source"),
		Text:       text.Draw(t, "text"),
	}
	for range rapid.IntRange(0, 4).Draw(t, "targets") {
		c.Targets = append(c.Targets, canary.Target{Kind: canary.Email, Text: text.Draw(t, "target"), Refused: rapid.Bool().Draw(t, "refused")})
	}
	if facts := rapid.MapOfN(text, text, 0, 4).Draw(t, "facts"); len(facts) > 0 {
		c.Facts = facts
	}
	if raw := rapid.SliceOf(rapid.Byte()).Draw(t, "raw"); len(raw) > 0 {
		c.Raw = raw
	}
	return c
}

func TestContactRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := drawContact(t)
		b, err := want.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		var got canary.Contact
		if err := got.UnmarshalBinary(b); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("came back as\n%#v\nwant\n%#v", got, want)
		}
		if len(got.Raw) > 0 {
			b[len(b)-1]++
			if !bytes.Equal(got.Raw, want.Raw) {
				t.Fatal("the evidence shares memory with the record")
			}
		}
	})
}

// TestContactHeaderIsTheLibrarys: the header is what encoding/json makes of the
// contact, byte for byte.
func TestContactHeaderIsTheLibrarys(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := drawContact(t)
		c.Raw = nil
		got, err := c.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		var want bytes.Buffer
		enc := json.NewEncoder(&want)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(&c); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got[8:], want.Bytes()) {
			t.Fatalf("%s\nwant\n%s", got[8:], want.Bytes())
		}
	})
}

// TestContactFormat pins the documented layout: records lie in spools for years.
func TestContactFormat(t *testing.T) {
	t.Parallel()
	c := canary.Contact{ID: "k_12345678", Channel: canary.SMTP, At: time.Date(2026, 8, 5, 10, 0, 0, 0, time.UTC), Ear: "smtpd", Raw: []byte("QUIT\r\n")}
	got, err := c.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	const head = `{"id":"k_12345678","channel":"smtp","at":"2026-08-05T10:00:00Z","ear":"smtpd"}` + "\n"
	want := "SMC1" + string([]byte{0, 0, 0, byte(len(head))}) + head + "QUIT\r\n"
	if string(got) != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestContactValidateNamesEveryFault(t *testing.T) {
	t.Parallel()
	c := canary.Contact{ID: "k_short", Channel: "fax", Targets: make([]canary.Target, 1001), Raw: make([]byte, canary.MaxRaw+1)}
	err := c.Validate()
	if !errors.Is(err, canary.ErrInvalid) {
		t.Fatalf("%v", err)
	}
	for _, fault := range []string{"id of 7", "channel", "no time", "no ear", "1001 targets", "bytes of evidence"} {
		if !strings.Contains(err.Error(), fault) {
			t.Errorf("%q is missing in: %v", fault, err)
		}
	}
	if _, err := c.MarshalBinary(); !errors.Is(err, canary.ErrInvalid) {
		t.Errorf("an invalid contact was encoded: %v", err)
	}
}

func TestContactHeaderIsBounded(t *testing.T) {
	t.Parallel()
	c := canary.Contact{ID: "k_12345678", Channel: canary.SMS, At: second(1), Ear: "phone", Text: strings.Repeat("x", 5<<20)}
	if _, err := c.MarshalBinary(); !errors.Is(err, canary.ErrInvalid) {
		t.Errorf("a header of 5 MiB: %v", err)
	}
}

func FuzzContact(f *testing.F) {
	c := canary.Contact{ID: "k_12345678", Channel: canary.SMTP, At: second(1), Ear: "smtpd", Raw: []byte("QUIT\r\n"),
		Targets: []canary.Target{{Kind: canary.Email, Text: "a@example.net"}}}
	good, err := c.MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add([]byte("SMC1\xff\xff\xff\xff{}"))
	f.Add(binary.BigEndian.AppendUint32([]byte("SMC1"), 2))
	f.Fuzz(func(t *testing.T, b []byte) {
		var got canary.Contact
		if err := got.UnmarshalBinary(b); err != nil {
			if !errors.Is(err, canary.ErrInvalid) || !reflect.DeepEqual(got, canary.Contact{}) {
				t.Fatalf("refused with %v, left %#v", err, got)
			}
			return
		}
		again, err := got.MarshalBinary()
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		var back canary.Contact
		if err := back.UnmarshalBinary(again); err != nil || !reflect.DeepEqual(got, back) {
			t.Fatalf("%v, %#v became %#v", err, got, back)
		}
	})
}

func BenchmarkMarshal(b *testing.B) {
	c := canary.Contact{
		ID: "k_abcdefghijklmnop", Channel: canary.DNS, At: second(1), Ear: "dnsd", Peer: "198.51.100.1:5353",
		Targets: []canary.Target{{Text: "dana-17.example.net"}}, Raw: make([]byte, 40),
		Facts: map[string]string{"qname": "dana-17.example.net", "qtype": "MX", "proto": "udp", "zone": "example.net"},
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.MarshalBinary(); err != nil {
			b.Fatal(err)
		}
	}
}
