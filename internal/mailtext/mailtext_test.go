package mailtext_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"saltmine/internal/mailtext"
)

// lines joins header and body lines as they come over the wire.
func lines(l ...string) []byte { return []byte(strings.Join(l, "\r\n") + "\r\n") }

func parse(t *testing.T, raw []byte) mailtext.Mail {
	t.Helper()
	m, err := mailtext.Parse(t.Context(), raw, mailtext.Limits{})
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	return m
}

func TestParseReadsEverything(t *testing.T) {
	t.Parallel()
	m := parse(t, lines(
		"DKIM-Signature: v=1; a=rsa-sha256; d=Mail.Example.ORG; s=x; b=abc=",
		"DKIM-Signature: v=1; d=example.",
		"\tcom; s=y",
		"DKIM-Signature: v=1; d=example.com; s=z",
		`From: =?utf-8?q?J=C3=BCrgen_Support?= <help@example.org>`,
		`To: "Doe, Jane" <jane.doe@example.net>, bob@example.net`,
		`Cc: carol@example.net`,
		`Subject: =?iso-8859-1?q?Ihr_Abo_l=E4uft?= =?utf-8?b?IGFiIOKCrA==?=`,
		`Date: Wed, 5 Aug 2026 12:00:00 +0200`,
		`Message-ID: <abc.def@example.org>`,
		`MIME-Version: 1.0`,
		`Content-Type: multipart/mixed; boundary="outer"`,
		``,
		`preamble`,
		`--outer`,
		`Content-Type: multipart/alternative; boundary=inner`,
		``,
		`--inner`,
		`Content-Type: text/plain; charset=windows-1252`,
		`Content-Transfer-Encoding: quoted-printable`,
		``,
		`Your ticket =84TT-1042=93 cos=`,
		`ts 5 =80`,
		`--inner`,
		`Content-Type: text/html; charset=utf-8`,
		``,
		`<p>Your ticket &bdquo;TT-1042&ldquo;<br> costs 5 &euro;</p>`,
		`--inner--`,
		`--outer`,
		`Content-Type: text/html`,
		`Content-Transfer-Encoding: base64`,
		``,
		base64.StdEncoding.EncodeToString([]byte("<style>p{}</style><p>Call&nbsp;<b>now</b></p><!-- x -->")),
		`--outer`,
		`Content-Type: text/plain`,
		`Content-Disposition: attachment; filename=secret.txt`,
		``,
		`attached list`,
		`--outer`,
		`Content-Type: message/rfc822`,
		``,
		`Subject: inner`,
		``,
		`forwarded words`,
		`--outer--`,
		`epilogue`,
	))
	want := mailtext.Mail{
		From:      []mailtext.Address{{Name: "Jürgen Support", Mail: "help@example.org"}},
		To:        []mailtext.Address{{Name: "Doe, Jane", Mail: "jane.doe@example.net"}, {Mail: "bob@example.net"}},
		Cc:        []mailtext.Address{{Mail: "carol@example.net"}},
		Subject:   "Ihr Abo läuft ab €",
		Date:      time.Date(2026, 8, 5, 10, 0, 0, 0, time.UTC),
		MessageID: "abc.def@example.org",
		DKIM:      []string{"mail.example.org", "example.com"},
		// The HTML that says the same as its plain sibling is left out.
		Text:     "Your ticket „TT-1042“ costs 5 €\nCall\u00a0now\nattached list\nforwarded words\n",
		Attached: []string{"inner"},
		Parts:    8,
	}
	if !reflect.DeepEqual(m, want) {
		t.Errorf("got  %+v\nwant %+v", m, want)
	}
}

func TestParseBrokenMailGivesWhatCanBeRead(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		raw     []byte
		broken  bool
		subject string
		text    string
	}{
		{"bare LF", []byte("Subject: a\n\nhello\nworld\n"), false, "a", "hello\nworld\n"},
		{"no header", []byte("only words\nhere\n"), true, "", "only words\nhere\n"},
		{"no body", []byte("Subject: a"), false, "a", ""},
		{"empty", nil, false, "", ""},
		{"mbox line", []byte("From bob Wed Aug 5 10:00:00 2026\nSubject: a\n\nb\n"), true, "a", "b\n"},
		{"junk line in header", []byte("Subject: a\nwhat is this\n more of it\nTo: b@c.d\n\nb\n"), true, "a", "b\n"},
		{"no end of multipart", lines("Subject: a", "Content-Type: multipart/mixed; boundary=b", "", "--b", "", "one", "--b", "", "two"), true, "a", "one\ntwo\n"},
		{"multipart without boundary", lines("Content-Type: multipart/mixed", "", "words"), true, "", "words\n"},
		{"broken content type", lines(`Content-Type: multipart/mixed; boundary="b"; charset; x="`, "", "--b", "", "one", "--b--"), false, "", "one\n"},
		{"twice the same parameter", lines(`Content-Type: text/plain; charset=iso-8859-1; charset=iso-8859-1`, "", "caf\xe9"), false, "", "café\n"},
		{"unknown charset", lines(`Content-Type: text/plain; charset=x-nobody`, "", "caf\xe9"), true, "", "café\n"},
		{"no charset, not UTF-8", lines("", "caf\xe9"), false, "", "café\n"},
		{"bad quoted-printable", lines("Content-Transfer-Encoding: quoted-printable", "", "100= % =ZZ =C3=A9 = ticket 7"), false, "", "100= % =ZZ é = ticket 7\n"},
		{"bad base64", lines("Content-Transfer-Encoding: base64", "", "aGVs*bG8=!", " IHdv cmxk", "LCB0aWNrZXQgNw"), false, "", "hello world, ticket 7\n"},
		{"unknown encoding", lines("Content-Transfer-Encoding: uuencode", "", "as it is"), true, "", "as it is\n"},
		{"boundary that begins another", lines("Content-Type: multipart/mixed; boundary=b", "", "--b", "", "--bb is text", "x --b", "--b--"), false, "", "--bb is text\nx --b\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, err := mailtext.Parse(t.Context(), tt.raw, mailtext.Limits{})
			if errors.Is(err, mailtext.ErrBroken) != tt.broken {
				t.Errorf("error %v, broken wanted %v", err, tt.broken)
			}
			if m.Subject != tt.subject || m.Text != tt.text {
				t.Errorf("got subject %q, text %q; want %q, %q", m.Subject, m.Text, tt.subject, tt.text)
			}
		})
	}
}

func TestParseBrokenAddresses(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("someone@example.net, ", 2000)
	m, err := mailtext.Parse(t.Context(), lines(
		"From: Help <<help@example.org>, other@example.org",
		"To: "+long,
		"Date: yesterday",
		"Message-ID: no brackets",
		"DKIM-Signature: d=../etc/passwd; d=; d",
		"", "x"), mailtext.Limits{})
	if !errors.Is(err, mailtext.ErrBroken) || !errors.Is(err, mailtext.ErrLimit) {
		t.Errorf("error %v, want broken and limit", err)
	}
	if want := []mailtext.Address{{Mail: "help@example.org"}, {Mail: "other@example.org"}}; !reflect.DeepEqual(m.From, want) {
		t.Errorf("From %+v, want %+v", m.From, want)
	}
	if len(m.To) != 1000 || !m.Date.IsZero() || m.MessageID != "no brackets" || m.DKIM != nil {
		t.Errorf("got %d To, date %v, id %q, DKIM %q", len(m.To), m.Date, m.MessageID, m.DKIM)
	}
}

// TestBombs feeds what is made to hurt. The library alone takes 8.9 s for the
// first; every one must be over long before its cost could grow with a square,
// without the help of the time limit. One after the other, for the clock's sake.
func TestBombs(t *testing.T) {
	t.Parallel()
	var nested strings.Builder
	nested.WriteString("Subject: bomb\r\nContent-Type: multipart/mixed; boundary=b0\r\n\r\n")
	for i := 0; nested.Len() < 281_000; i++ {
		fmt.Fprintf(&nested, "--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n", i, i+1)
	}
	var attached strings.Builder
	attached.WriteString("Subject: bomb\r\n")
	for range 5000 {
		attached.WriteString("Content-Type: message/rfc822\r\n\r\n")
	}
	multipart := "Subject: bomb\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
	for _, tt := range []struct {
		name  string
		raw   string
		limit bool
		parts int // at most
	}{
		{"nested multipart", nested.String(), true, 51},
		{"nested messages", attached.String(), true, 51},
		{"siblings", multipart + strings.Repeat("--b\r\n\r\nx\r\n", 200_000), true, 1000},
		{"almost boundaries", multipart + strings.Repeat("--b-\n", 200_000), false, 1},
		{"fields", "Subject: bomb\r\n" + strings.Repeat("a:\r\n", 200_000), true, 1},
		{"fields in parts", multipart + strings.Repeat("--b\r\n"+strings.Repeat("a:\n", 3000)+"\r\nx\r\n", 200), false, 201},
		{"comments", "Subject: bomb\r\nFrom: " + strings.Repeat("(", 200_000) + "\r\n\r\n", false, 1},
		{"comments in the id", "Subject: bomb\r\nMessage-ID: " + strings.Repeat("(", 250_000) + "\r\n\r\n", false, 1},
		{"many comments", "Subject: bomb\r\n" + strings.Repeat("To: "+strings.Repeat("(", 16_000)+"\r\n", 15) + "\r\n", false, 1},
		{"encoded words", "Subject: bomb " + strings.Repeat("=?utf-8?q?a?= ", 1000) + "\r\n\r\n", false, 1},
		{"html", "Subject: bomb\r\nContent-Type: text/html\r\n\r\n" + strings.Repeat("<", 1<<20), false, 1},
		{"html comments", "Subject: bomb\r\nContent-Type: text/html\r\n\r\n" + strings.Repeat("<!--", 1<<19), false, 1},
		{"html scripts", "Subject: bomb\r\nContent-Type: text/html\r\n\r\n" + strings.Repeat("<script></", 1<<19), false, 1},
		{"text", "Subject: bomb\r\n\r\n" + strings.Repeat("text ", 2<<20), true, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			start := time.Now()
			m, err := mailtext.Parse(t.Context(), []byte(tt.raw), mailtext.Limits{Time: time.Minute})
			if took := time.Since(start); took > 4*time.Second {
				t.Errorf("took %v", took)
			}
			if errors.Is(err, mailtext.ErrLimit) != tt.limit {
				t.Errorf("error %v, limit wanted %v", err, tt.limit)
			}
			if !strings.HasPrefix(m.Subject, "bomb") || m.Parts > tt.parts || len(m.Text) > 8<<20 {
				t.Errorf("subject %q, %d parts, %d bytes of text", m.Subject, m.Parts, len(m.Text))
			}
		})
	}
}

func TestHeaderIsReadUpToItsLimit(t *testing.T) {
	t.Parallel()
	m, err := mailtext.Parse(t.Context(), lines("Subject: kept", "X-Pad: "+strings.Repeat("x", 1<<20), "To: late@example.net", "", "body"), mailtext.Limits{})
	if !errors.Is(err, mailtext.ErrLimit) || m.Subject != "kept" || m.To != nil || m.Text != "body\n" {
		t.Errorf("subject %q, to %v, text %q, error %v", m.Subject, m.To, m.Text, err)
	}
}

func TestErrorsDoNotQuoteTheMessage(t *testing.T) {
	t.Parallel()
	const canary = "jane.doe@example.net"
	_, err := mailtext.Parse(t.Context(), lines(
		canary+" is no field", "From: "+canary+" "+canary, "To: "+canary+"\xff <"+canary, "Date: "+canary,
		"Subject: =?x-"+canary+"?q?a?=", "Content-Type: text/plain; charset=\"x-"+canary+"\"",
		"Content-Transfer-Encoding: "+canary, "", "x"), mailtext.Limits{})
	if err == nil || strings.Contains(err.Error(), "jane") {
		t.Errorf("error %v; want one without the address", err)
	}
}

func TestTimeLimit(t *testing.T) {
	t.Parallel()
	raw := []byte("Subject: kept\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" + strings.Repeat("--b\r\n\r\nx\r\n", 900))
	m, err := mailtext.Parse(t.Context(), raw, mailtext.Limits{Time: time.Nanosecond})
	if !errors.Is(err, mailtext.ErrLimit) || !errors.Is(err, context.DeadlineExceeded) || m.Subject != "kept" || m.Parts > 0 {
		t.Errorf("subject %q, %d parts, error %v; want the subject alone and the deadline", m.Subject, m.Parts, err)
	}
}

func TestTextLimitCutsBetweenCharacters(t *testing.T) {
	t.Parallel()
	for _, contentType := range []string{"text/plain", "text/plain; charset=utf-8", "text/html", "text/plain; charset=iso-8859-1"} {
		m, err := mailtext.Parse(t.Context(), lines("Content-Type: "+contentType, "", strings.Repeat("é", 100)), mailtext.Limits{Bytes: 20})
		if !errors.Is(err, mailtext.ErrLimit) {
			t.Errorf("%s: error %v, want limit", contentType, err)
		}
		if len(m.Text) > 20 || len(m.Text) < 15 || strings.ContainsRune(m.Text, '\uFFFD') {
			t.Errorf("%s: text %q", contentType, m.Text)
		}
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"a\x1b[31mred\x1b[0m":        "a[31mred[0m",
		"a\r\nb\rc\td\x00\x7f":       "a\nb\nc\td",
		"csi \u009b31m":              "csi 31m",
		"gpj\u202eexe.\u2066x\u200b": "gpjexe.x",
		"bad \xff byte":              "bad \uFFFD byte",
		"नमस्\u200dते <b>":           "नमस्\u200dते <b>",
	} {
		if got := mailtext.Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestSubjectIsOneCleanLine(t *testing.T) {
	t.Parallel()
	m := parse(t, lines("Subject: =?utf-8?q?=1B]0;owned=07a=0D=0AX-Fake:_b?=", "", "x\x1b[2J"))
	if m.Subject != "]0;owneda X-Fake: b" || m.Text != "x[2J\n" {
		t.Errorf("subject %q, text %q", m.Subject, m.Text)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range [][]byte{
		lines("From: a@b.c", "Subject: =?utf-16?b?AAA?=", "Content-Type: multipart/mixed; boundary=b", "", "--b", "Content-Type: text/html", "", "<p>x<", "--b", "Content-Type: message/rfc822", "Content-Transfer-Encoding: base64", "", "U3ViamVjdDogeAoKeQ==", "--b--"),
		lines("Content-Type: text/plain; charset=utf-16", "", "\xff\xfea\x00"),
		lines("Content-Type: text/plain; charset=iso-2022-jp", "Content-Transfer-Encoding: quoted-printable", "", "=1B$B=", "=zz"),
		lines("DKIM-Signature: d=a.b; d= c", "Date: (", "Message-ID: <(", "To: (((", "", ""),
		[]byte("\n\n"), []byte(" x\n:"), []byte("Content-Type: multipart/x; boundary*0=\"a\"; boundary*1=b\n\n--ab\n\n\n--ab--"),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := mailtext.Parse(t.Context(), raw, mailtext.Limits{Bytes: 1 << 16, Parts: 100, Depth: 10, Time: 10 * time.Second})
		if err != nil && !errors.Is(err, mailtext.ErrBroken) && !errors.Is(err, mailtext.ErrLimit) {
			t.Errorf("error of no kind: %v", err)
		}
		if errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%d bytes took 10 s", len(raw))
		}
		if err != nil && strings.Contains(err.Error(), "the parser gave up") {
			t.Errorf("panic: %v", err)
		}
		if len(m.Text) > 1<<16 || m.Parts > 100 {
			t.Errorf("%d bytes of text, %d parts", len(m.Text), m.Parts)
		}
		for _, s := range []string{m.Text, m.Subject, m.MessageID} {
			if mailtext.Clean(s) != s {
				t.Errorf("not clean: %q", s)
			}
		}
		if bytes.ContainsAny([]byte(m.Subject), "\r\n\x1b") {
			t.Errorf("subject %q is not one line", m.Subject)
		}
	})
}
