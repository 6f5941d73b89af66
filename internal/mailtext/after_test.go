package mailtext_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"saltmine/internal/mailtext"
)

func TestRouted(t *testing.T) {
	t.Parallel()
	m := parse(t, lines(
		"Received: from a.example by b.example with ESMTP id 7 for <one@example.net>; Mon, 2 Mar 2026 10:00:00 +0000",
		"Received: by c.example (waiting for a better time)", "Delivered-To: two@example.net", "X-Forwarded-For: three@example.net four@example.net",
		"Original-Recipient: rfc822;five@example.net", "Resent-To: =?utf-8?q?J=C3=BCrgen?= <six@example.net>, seven@example.net.", "X-Unknown-To: no@example.net",
		"To: eight@example.net", "Content-Type: multipart/mixed; boundary=b", "", "--b", "Content-Type: message/rfc822", "",
		"Delivered-To: nine@example.net", "To: ten@example.net", "Subject: =?utf-8?q?Re:_[Ticket=234711]?=", "", "words", "--b--"))
	want := []mailtext.Routed{
		{Field: "Delivered-To", Mail: "two@example.net"}, {Field: "X-Forwarded-For", Mail: "three@example.net"}, {Field: "X-Forwarded-For", Mail: "four@example.net"},
		{Field: "Original-Recipient", Mail: "five@example.net"}, {Field: "Resent-To", Mail: "six@example.net"}, {Field: "Resent-To", Mail: "seven@example.net"},
		{Field: "Received", Mail: "one@example.net"}, {Field: "Delivered-To", Mail: "nine@example.net", Inner: true}, {Field: "To", Mail: "ten@example.net", Inner: true},
	}
	if d := cmp.Diff(want, m.Routed); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"Re: [Ticket#4711]"}, m.Attached); d != "" {
		t.Error(d)
	}
}

func TestTextOfEveryKind(t *testing.T) {
	t.Parallel()
	b64 := func(b string) string { return base64.StdEncoding.EncodeToString([]byte(b)) }
	for _, tt := range []struct {
		name, want string
		raw        []byte
	}{
		{"flowed", "a long line, and a short one\n> quoted  text\n-- \nsig\n", lines("Content-Type: text/plain; format=Flowed", "", "a long line, ", "and a short one", "> quoted ", " text", "-- ", "sig")},
		{"flowed without the space", "TK202500042 is mine\n", lines("Content-Type: text/plain; format=flowed; DelSp=Yes", "", "TK2025 ", "00042 is mine")},
		{"not flowed", "a line,\nand one\n", lines("Content-Type: text/plain", "", "a line,", "and one")},
		{"a boundary in pieces", "part\n", lines("Content-Type: multipart/mixed; boundary*0=\"a b\"; boundary*1=c", "", "--a bc", "", "part", "--a bc--")},
		{"a charset with its language", "für dich\n", lines("Content-Type: text/plain; charset*=us-ascii'en'iso-8859-1", "", "f\xfcr dich")},
		{"windows-1251", "Привет\n", lines("Content-Type: text/plain; charset=windows-1251", "Content-Transfer-Encoding: base64", "", b64("\xcf\xf0\xe8\xe2\xe5\xf2"))},
		{"shift_jis", "電話\n", lines("Content-Type: text/plain; charset=Shift_JIS", "", "\x93\x64\x98\x62")},
		{"utf-7 is not read", "+AGE-\n", lines("Content-Type: text/plain; charset=utf-8", "", "+AGE-")},
		{"quoted-printable with faults", "a=b ä =zz =\n", lines("Content-Transfer-Encoding: quoted-printable", "", "a=3Db =C3=", "=A4 =zz =3d")},
		{"html", "Call +49 171 1234567\nor <write>\n", lines("Content-Type: text/html; charset=utf-8", "", "<p>Call&#32;<b>+49 171</b> 1234567</p>or &lt;write&gt;<script>no</script>")},
		{"an attached list", "mail\na@example.net\n", lines("Content-Type: multipart/mixed; boundary=b", "", "--b", "Content-Type: text/csv; name*=utf-8''l%C3%ADst.csv", "Content-Disposition: attachment", "", "mail\r\na@example.net", "--b--")},
		{"a picture", "", lines("Content-Type: image/png", "Content-Transfer-Encoding: base64", "", b64("a@example.net"))},
	} {
		m, _ := mailtext.Parse(t.Context(), tt.raw, mailtext.Limits{})
		if m.Text != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, m.Text, tt.want)
		}
	}
}

// TestTNEF: what Outlook packs into winmail.dat is not read, and whatever
// stands there does no harm to what is.
func TestTNEF(t *testing.T) {
	t.Parallel()
	for _, junk := range []string{"", "\x78\x9f\x3e\x22", "\x78\x9f\x3e\x22\x01\x00\x01\x06\x90\x08\x00\xff\xff\xff\xff", strings.Repeat("\x02\x00\x00\x80\xff\xff\xff\x7f", 100_000)} {
		m := parse(t, lines("Subject: s", "Content-Type: multipart/mixed; boundary=b", "", "--b", "", "readable", "--b", "Content-Type: application/ms-tnef; name=winmail.dat", "Content-Transfer-Encoding: base64", "",
			base64.StdEncoding.EncodeToString([]byte(junk)), "--b--"))
		if m.Text != "readable\n" {
			t.Errorf("%q", m.Text)
		}
	}
}

// TestTimeIsKept: mails as large as the ear takes, made to take long, end soon
// after their time, whatever they nest.
func TestTimeIsKept(t *testing.T) {
	t.Parallel()
	const size = 16 << 20
	var nested, messages strings.Builder
	for i := range 49 {
		fmt.Fprintf(&nested, "Content-Type: multipart/mixed; boundary=--b%d\r\n\r\n----b%d\r\n", i, i)
		messages.WriteString("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n")
	}
	parts := "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + strings.Repeat("--b\r\nContent-Type: text/html; charset=gb18030\r\nX: "+strings.Repeat("x; boundary", 1000)+"\r\n\r\n"+strings.Repeat("<p>&#x41;", 500)+"\r\n", size>>14)
	for name, raw := range map[string]string{
		"nested": nested.String() + strings.Repeat("----b", size/5), "messages": messages.String() + strings.Repeat("=3D", size/3), "parts": parts,
		"html": "Content-Type: text/html\r\n\r\n" + strings.Repeat("<a <", size/4), "utf-16": "Content-Type: text/plain; charset=utf-16\r\n\r\n" + strings.Repeat("\xd8\x00", size/2),
	} {
		start := time.Now()
		_, err := mailtext.Parse(t.Context(), []byte(raw), mailtext.Limits{Time: 200 * time.Millisecond})
		if took := time.Since(start); took > 20*time.Second { // not minutes, on however slow a machine
			t.Errorf("%s: took %v with a limit of 200 ms", name, took)
		}
		if err != nil && !errors.Is(err, mailtext.ErrLimit) && !errors.Is(err, mailtext.ErrBroken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
