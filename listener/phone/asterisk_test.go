package phone_test

import (
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"saltmine/internal/canary"
	"saltmine/listener/phone"
)

// dialplan runs the lines of a context in configs/asterisk/extensions.conf as
// far as this test needs: Set and TrySystem, with the functions that stand in it
// (docs.asterisk.org, "dialplan functions").
type dialplan struct {
	t    *testing.T
	vars map[string]string
}

// lines gives the applications of a context.
func (d *dialplan) lines(context string) (list []string) {
	d.t.Helper()
	text, err := os.ReadFile("../../configs/asterisk/extensions.conf")
	if err != nil {
		d.t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "\n["+context+"]\n")
	if !ok {
		d.t.Fatalf("no context %s", context)
	}
	rest, _, _ = strings.Cut(rest, "\n[")
	for line := range strings.Lines(rest) {
		line = strings.TrimSpace(line)
		for _, head := range []string{"exten => _[+0-9].,1,", "same => n,"} {
			if app, ok := strings.CutPrefix(line, head); ok {
				list = append(list, app)
			}
		}
		if strings.Contains(line, ";") {
			d.t.Errorf("a semicolon begins a comment: %s", line)
		}
	}
	return list
}

// eval replaces ${…}, the innermost first, and what was put in never again.
func (d *dialplan) eval(text string) string {
	d.t.Helper()
	var out strings.Builder
	for {
		before, rest, ok := strings.Cut(text, "${")
		out.WriteString(before)
		if !ok {
			return out.String()
		}
		depth, end := 1, -1
		for i, r := range rest {
			switch r {
			case '{':
				depth++
			case '}':
				depth--
			}
			if depth == 0 {
				end = i
				break
			}
		}
		if end < 0 {
			d.t.Fatalf("unbalanced: %s", rest)
		}
		out.WriteString(d.value(rest[:end]))
		text = rest[end+1:]
	}
}

func (d *dialplan) value(name string) string {
	d.t.Helper()
	if v, ok := d.vars[name]; ok {
		return v
	}
	fn, args, _ := strings.Cut(strings.TrimSuffix(name, ")"), "(")
	switch fn {
	case "FILTER":
		allowed, text, _ := strings.Cut(args, ",")
		set := strings.Replace(allowed, "0-9", "0123456789", 1)
		return strings.Map(func(r rune) rune {
			if strings.ContainsRune(set, r) {
				return r
			}
			return -1
		}, d.eval(text))
	case "BASE64_ENCODE":
		return base64.StdEncoding.EncodeToString([]byte(d.eval(args)))
	case "CUT":
		part := strings.Split(args, ",")
		fields := strings.Split(d.value(part[0]), part[1])
		if n := int(part[2][0] - '1'); n < len(fields) {
			return fields[n]
		}
		return ""
	}
	d.t.Fatalf("%s is no variable of this test", name)
	return ""
}

// run runs a context's applications; the script is the one of configs/asterisk.
func (d *dialplan) run(context, url, secret string) {
	d.t.Helper()
	script, err := filepath.Abs("../../configs/asterisk/saltmine-call")
	if err != nil {
		d.t.Fatal(err)
	}
	ran := 0
	for _, app := range d.lines(context) {
		name, args, _ := strings.Cut(strings.TrimSuffix(app, ")"), "(")
		switch name {
		case "Set":
			key, value, _ := strings.Cut(args, "=")
			d.vars[key] = d.eval(value)
		case "TrySystem":
			command, ok := strings.CutSuffix(d.eval(args), " </dev/null >/dev/null 2>&1 &")
			if !ok {
				d.t.Errorf("the caller waits for the script: %s", args)
			}
			command = strings.Replace(command, "/usr/local/bin/saltmine-call", script, 1)
			cmd := exec.CommandContext(d.t.Context(), "sh", "-c", command)
			cmd.Dir = d.t.TempDir()
			cmd.Env = append(os.Environ(), "SALTMINE_URL="+url, "SALTMINE_SECRET="+secret)
			if out, err := cmd.CombinedOutput(); err != nil {
				d.t.Errorf("%v: %s", err, out)
			}
			if left, _ := os.ReadDir(cmd.Dir); len(left) > 0 {
				d.t.Errorf("the caller wrote %s", left[0].Name())
			}
			ran++
		}
	}
	if ran != 1 {
		d.t.Errorf("%s tells of a call %d times", context, ran)
	}
}

// hostile is what a caller may have as a name, or write.
const hostile = "O'Brien \"x\" $(touch a) `touch b`; touch c & ${UNIQUEID} \\ é | > d"

func TestAsteriskDialplan(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "saltmine.secret")
	if err := os.WriteFile(secret, []byte(whsec+"\n"), 0o400); err != nil {
		t.Fatal(err)
	}
	e, s := open(t, func(c *phone.Config) { c.Now = time.Now })
	url := serve(t, e) + "/generic"
	d := &dialplan{t, map[string]string{
		"UNIQUEID": "pbx-1700000000.42", "EXTEN": called, "CALLERID(num)": caller + "$(touch e)", "CALLERID(name)": hostile,
		"MESSAGE(from)": "\"" + strings.ReplaceAll(hostile, ":", "") + "7\" <sip:" + caller + "@192.0.2.1:5060>", "MESSAGE(body)": hostile + "\nticket 4711\x00",
	}}
	d.run("saltmine-call", url, secret)
	c := s.last(t, 1)
	checkEnds(t, c, canary.Voice, phone.Generic)
	if c.Facts["caller_name"] != hostile || c.Facts["event"] != "1700000000.42" {
		t.Errorf("facts %+v", c.Facts)
	}
	d.run("saltmine-call", url, secret)
	if s.last(t, 1).ID != c.ID {
		t.Error("the same call is kept twice")
	}
	d.run("saltmine-sms", url, secret)
	m := s.last(t, 2)
	checkEnds(t, m, canary.SMS, phone.Generic)
	if m.Text != hostile+" ticket 4711 " {
		t.Errorf("text %q", m.Text)
	}
}
