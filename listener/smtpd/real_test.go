package smtpd_test

import (
	"errors"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"saltmine/listener/smtpd"
)

// TestRealDialogs plays the strangers of the recordings to the ear in the
// costume of the server that was recorded: it must answer with the same bytes,
// but for what normals lists, and but for the differences that are meant.
func TestRealDialogs(t *testing.T) {
	t.Parallel()
	for _, costume := range []string{"postfix", "exim"} {
		for _, s := range strangers(t, "testdata/"+costume+".real") {
			t.Run(costume+"/"+s.name, func(t *testing.T) {
				t.Parallel()
				cfg, _ := secured(t, newBook())
				cfg.Costume = costume
				if s.flags != "tls" {
					cfg.TLS = nil
				}
				switch s.flags {
				case "short":
					cfg.Limits.Idle = 100 * time.Millisecond
				case "strict":
				default:
					cfg.Limits.Errors = 1000
				}
				want := strings.Join(s.lines, "\n")
				for _, d := range differences() {
					if d.costume == costume && d.stranger == s.name {
						if !strings.Contains(want, d.real) {
							t.Errorf("the recording lacks what the difference %q stands for", d.why)
						}
						want = strings.Replace(want, d.real, d.ear, 1)
					}
				}
				got := s.replay(t, cfg)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

// difference is a reply in which the ear is not like the real server, and why.
type difference struct{ costume, stranger, real, ear, why string }

func differences() []difference {
	const forged = "the chunk behind a refused BDAT must not be obeyed"
	const ends = "RFC 5321 §2.3.8: nothing but CR LF ends a line"
	return []difference{
		{"exim", "bdat", "> MAIL FROM:<a@b.example>\n< 250 OK\n> RCPT TO:<dana@example.net>\n< 250 Accepted\n> BDAT x\n< 503 BDAT command used when CHUNKING not advertised",
			"> MAIL FROM:<a@b.example>\n< EOF\n> RCPT TO:<dana@example.net>\n< 250 Accepted\n> BDAT x\n< 503 BDAT command used when CHUNKING not advertised", forged},
		{"exim", "bare-lf", "< 250 OK\n> NOOP\n< 250 OK", "< 500 unrecognized command\n> NOOP\n< EOF", ends},
		{"exim", "bytes", "d\x01na@example.net>: ", "d na@example.net>: ", "no control character is sent back"},
		{"exim", "recipients-syntax", "501 <=>: recipient address must contain a domain", "501 < >: missing or malformed local part", "where Exim's = comes from is not known"},
	}
}

// replay plays the stranger to an ear and returns what a recording of it is.
func (s stranger) replay(t *testing.T, cfg smtpd.Config) string {
	t.Helper()
	addr, stop := serve(t, cfg, s.flags != "strict")
	c := call(t, addr)
	var out []string
	held, gone := "", false
	for _, line := range s.lines {
		mark, text, _ := strings.Cut(line, " ")
		switch {
		case mark == "<":
			if gone { // the real server was told more, and said nothing
				out = append(out, line)
				continue
			}
			got, err := c.in.ReadString('\n')
			if gone = errors.Is(err, io.EOF) || err != nil; gone {
				got = "EOF"
			}
			out = append(out, "< "+normal(strings.TrimSuffix(got, "\r\n")))
			continue
		case mark == "!" && text == "tls" && willing(strings.Join(append(out, line), "\n")):
			c.upgrade(nil)
		case mark != "!":
			more, hold := words(t, mark, text)
			if held += more; !hold {
				_, _ = io.WriteString(c.conn, held) // the ear may have hung up
				held = ""
			}
		}
		out = append(out, line)
	}
	if !gone { // whatever else it says was not in the recording
		_ = c.conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		rest, _ := io.ReadAll(c.in)
		for line := range strings.Lines(string(rest)) {
			out = append(out, "< "+strings.TrimSuffix(line, "\r\n"))
		}
	}
	_ = c.conn.Close()
	if err := stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	return strings.Join(slices.Clip(out), "\n")
}

// stranger is one connection of testdata/strangers.txt or of a recording.
type stranger struct {
	name, flags string
	lines       []string
}

// strangers reads a file of them.
func strangers(t testing.TB, file string) []stranger {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []stranger
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		switch title, found := strings.CutPrefix(line, "## "); {
		case found:
			name, flags, _ := strings.Cut(title, " ")
			all = append(all, stranger{name: name, flags: flags})
		case len(all) > 0:
			last := &all[len(all)-1]
			last.lines = append(last.lines, line)
		}
	}
	return all
}

// words gives what a line of a dialog sends, and whether it waits for the next.
func words(t testing.TB, mark, text string) (string, bool) {
	t.Helper()
	if mark != ">>" {
		return text + "\r\n", mark == ">|"
	}
	raw, err := strconv.Unquote(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return raw, false
}

// normals is the list of what differs from run to run in the replies of a real
// server, and nothing else.
func normals() []*regexp.Regexp {
	return []*regexp.Regexp{
		regexp.MustCompile(`queued as ()([0-9A-F]{10,11})$`),                                                                                 // Postfix: queue id
		regexp.MustCompile(`250 OK id=()([0-9A-Za-z]{6}-[0-9A-Za-z]{6}-[0-9A-Za-z]{2})$`),                                                    // Exim: message id
		regexp.MustCompile(`^250 2\.6\.0 ()(<[0-9a-f]{32}@mx\.example\.net> \[InternalId=[0-9]{14,15}, Hostname=mx\.example\.net\]) Queued`), // Exchange
		regexp.MustCompile(`^220 .* ()((Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d? [A-Z][a-z]{2} \d{4} [\d:]{8} \+0000)$`),                          // Exim, Exchange: the banner's time
	}
}

// normal replaces what differs from run to run by a word.
func normal(line string) string {
	for _, r := range normals() {
		if m := r.FindStringSubmatchIndex(line); m != nil {
			line = line[:m[4]] + "VARIES" + line[m[5]:]
		}
	}
	return line
}

// TestQueueIDsTellNothing looks at the ids of two mails: they have the form of
// the costume's server, differ, and have nothing of the mail in them.
func TestQueueIDsTellNothing(t *testing.T) {
	t.Parallel()
	for costume, form := range map[string]string{
		"postfix":  `^250 2\.0\.0 Ok: queued as 00000[0-9A-F]{5}\r\n$`,
		"exim":     `^250 OK id=1rg1YW-000[0-9A-Za-z]{3}-00\r\n$`,
		"exchange": `^250 2\.6\.0 <[0-9a-f]{32}@mx\.example\.net> \[InternalId=\d{14,15}, Hostname=mx\.example\.net\] Queued mail for delivery\r\n$`,
	} {
		cfg := config(newBook())
		cfg.Costume = costume
		cfg.Now = func() time.Time { return time.Date(2024, 3, 1, 12, 0, 0, 0, time.UTC) }
		addr := start(t, cfg)
		seen := map[string]bool{}
		for range 4 {
			c := call(t, addr)
			c.say("220", "250 HELO c.example", "250 MAIL FROM:<a@b.example>", "250 RCPT TO:<dana@example.net>", "354 DATA")
			c.send("x\r\n.\r\n")
			got := c.reply()
			if !regexp.MustCompile(form).MatchString(got) {
				t.Errorf("%s: %q is not of the form %s", costume, got, form)
			}
			seen[got] = true
		}
		if len(seen) < 2 {
			t.Errorf("%s: all mails of one moment have one id", costume)
		}
	}
}
