package dialogue_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"saltmine/internal/dialogue"
)

func say(b []byte, kind dialogue.Kind, text string) []byte {
	return dialogue.Append(b, dialogue.Record{Kind: kind, Bytes: []byte(text)})
}

func TestFormatIsTheOneSpecified(t *testing.T) {
	t.Parallel()
	got := dialogue.Append([]byte(dialogue.Magic), dialogue.Record{
		Kind: dialogue.Reply, After: 1500 * time.Millisecond, Bytes: []byte("220 mx.example.net ESMTP Postfix\r\n"),
	})
	want := "saltmine dialogue 1\nS 00001500 00000034\n220 mx.example.net ESMTP Postfix\r\n"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestRecordsGiveBackWhatWasAppended(t *testing.T) {
	t.Parallel()
	want := []dialogue.Record{
		{Kind: dialogue.Reply, Bytes: []byte("220 x\r\n")},
		{Kind: dialogue.Command, After: time.Second, Bytes: []byte("C 00000000 00000003\nabc")},
		{Kind: dialogue.Note, After: 99_999_999 * time.Millisecond, Bytes: []byte{}},
		{Kind: dialogue.Mail, After: time.Minute, Bytes: []byte{0, 255, '\r', '\n'}},
	}
	raw := []byte(dialogue.Magic)
	for _, r := range want {
		raw = dialogue.Append(raw, r)
	}
	var got []dialogue.Record
	for r, err := range dialogue.Records(raw) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTimesAreClamped(t *testing.T) {
	t.Parallel()
	raw := dialogue.Append([]byte(dialogue.Magic), dialogue.Record{Kind: dialogue.Note, After: -time.Hour})
	raw = dialogue.Append(raw, dialogue.Record{Kind: dialogue.Note, After: 10_000 * time.Hour})
	want := dialogue.Magic + "N 00000000 00000000\nN 99999999 00000000\n"
	if diff := cmp.Diff(want, string(raw)); diff != "" {
		t.Error(diff)
	}
}

func TestDamageEndsTheReading(t *testing.T) {
	t.Parallel()
	sound := say([]byte(dialogue.Magic), dialogue.Command, "QUIT\r\n")
	for name, raw := range map[string][]byte{
		"empty":          nil,
		"other magic":    []byte("saltmine dialogue 2\n"),
		"cut in a text":  sound[:len(sound)-1],
		"cut in a head":  append(bytes.Clone(sound), "C 0000"...),
		"unknown kind":   append(bytes.Clone(sound), "X 00000000 00000000\n"...),
		"signed length":  append(bytes.Clone(sound), "C 00000000 -0000001\n"...),
		"signed time":    append(bytes.Clone(sound), "C +0000000 00000000\n"...),
		"length too big": append(bytes.Clone(sound), "C 00000000 99999999\n"...),
		"broken spaces":  append(bytes.Clone(sound), "C_00000000 00000000\n"...),
		"no line feed":   append(bytes.Clone(sound), "C 00000000 00000000 "...),
	} {
		var faults int
		for _, err := range dialogue.Records(raw) {
			if err != nil {
				faults++
				if !errors.Is(err, dialogue.ErrForm) {
					t.Errorf("%s: %v is not ErrForm", name, err)
				}
			}
		}
		if faults != 1 {
			t.Errorf("%s: %d faults reported, want 1", name, faults)
		}
	}
}

func TestMessage(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, sent, want string
		whole            bool
	}{
		{"empty", ".\r\n", "", true},
		{"one line", "a\r\n.\r\n", "a\r\n", true},
		{"dots", "..\r\n..a\r\nb.\r\n.\r\n", ".\r\n.a\r\nb.\r\n", true},
		{"dot after a bare line feed", "a\n..b\r\n.\r\n", "a\n..b\r\n", true},
		{"dot after a bare carriage return", "a\r..b\r\n.\r\n", "a\r..b\r\n", true},
		{"cr cr lf", "a\r\r\n.\r\n", "a\r\r\n", true},
		{"not ended", "a\r\n", "a\r\n", false},
		{"bare line feeds do not end it", "a\n.\n", "a\n.\n", false},
		{"half an ending", "a\r\n.\r", "a\r\n\r", false},
		{"nothing", "", "", false},
	} {
		raw := say([]byte(dialogue.Magic), dialogue.Command, "DATA\r\n")
		if tc.sent != "" {
			raw = say(raw, dialogue.Mail, tc.sent)
		}
		kept := bytes.Clone(raw)
		got, whole := dialogue.Message(raw)
		if string(got) != tc.want || whole != tc.whole {
			t.Errorf("%s: %q, %v; want %q, %v", tc.name, got, whole, tc.want, tc.whole)
		}
		if !bytes.Equal(raw, kept) {
			t.Errorf("%s: the evidence was changed by reading it", tc.name)
		}
	}
}

func TestMessageOfADamagedDialogueIsNotWhole(t *testing.T) {
	t.Parallel()
	raw := append(say([]byte(dialogue.Magic), dialogue.Mail, "a\r\n.\r\n"), 'X')
	got, whole := dialogue.Message(raw)
	if string(got) != "a\r\n" || whole {
		t.Errorf("%q, %v; want the text, and false", got, whole)
	}
}

func FuzzRecords(f *testing.F) {
	f.Add([]byte(dialogue.Magic))
	f.Add(say(say([]byte(dialogue.Magic), dialogue.Command, "DATA\r\n"), dialogue.Mail, "..\r\n.\r\n"))
	f.Add([]byte(dialogue.Magic + "C 00000000 99999999\n"))
	f.Add([]byte(dialogue.Magic + "M 0000_000 00000001\nx"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		again := []byte(dialogue.Magic)
		for r, err := range dialogue.Records(raw) {
			if err != nil {
				dialogue.Message(raw)
				return
			}
			again = dialogue.Append(again, r)
		}
		if !bytes.Equal(again, raw) {
			t.Errorf("read and written again: %q, was %q", again, raw)
		}
		dialogue.Message(raw)
	})
}

func FuzzMessage(f *testing.F) {
	f.Add("hello\r\n.dot\r\n")
	f.Add("\r\n\r\n.\r\n.\r\r\n")
	f.Fuzz(func(t *testing.T, mail string) {
		// What a client does (RFC 5321 §4.5.2) to a mail that ends in CR LF.
		mail += "\r\n"
		var sent []byte
		start := true
		for i := range len(mail) {
			if start && mail[i] == '.' {
				sent = append(sent, '.')
			}
			sent = append(sent, mail[i])
			start = bytes.HasSuffix([]byte(mail[:i+1]), []byte("\r\n"))
		}
		raw := say([]byte(dialogue.Magic), dialogue.Mail, string(sent)+".\r\n")
		if got, whole := dialogue.Message(raw); string(got) != mail || !whole {
			t.Errorf("%q, %v; want %q", got, whole, mail)
		}
	})
}
