package conf_test

import (
	"strings"
	"testing"

	"saltmine/internal/conf"
)

func TestAgents(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const good = "0123456789abcdef"
	got, err := conf.Agents(write(t, dir, "ok", "# desk\n a "+good+"\n\nb@example.net\t"+good+"x\n", 0o600))
	if err != nil || len(got) != 2 || got[0].Name != "a" || got[1].Token.Reveal() != good+"x" {
		t.Errorf("got %v, %v", got, err)
	}
	for name, tc := range map[string]struct{ text, want string }{
		"one word":   {"a\n", `line 1: want "name token", found 1 words`},
		"three":      {"#\na b " + good + "\n", `line 2: want "name token", found 3 words`},
		"bad name":   {"a/b " + good, "line 1: the name is not of letters"},
		"short":      {"a 0123456", "line 1: token of 7 characters, at least 16 wanted"},
		"same name":  {"a " + good + "\na " + good + "2\n", `line 2: agent "a" is named twice`},
		"same token": {"a " + good + "\nb " + good + "\n", `line 2: agent "b" has the token of an earlier agent`},
		"none":       {"# nobody\n", "no agent in it"},
	} {
		_, err := conf.Agents(write(t, dir, name, tc.text, 0o600))
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %q", name, err, tc.want)
		} else if strings.Contains(err.Error(), "0123456") {
			t.Errorf("%s: the error shows a token: %v", name, err)
		}
	}
	if _, err := conf.Agents(write(t, dir, "open", "a "+good, 0o644)); err == nil {
		t.Error("a file that all may read was taken")
	}
}

func TestUnits(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"0": 0, "12": 12, "12B": 12, "20GiB": 20 << 30, "1.5 GB": 15e8, "2TiB": 2 << 40, " 3 KiB ": 3072} {
		if got, err := conf.ParseSize(text); err != nil || got != want {
			t.Errorf("size %q: got %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "GiB", "-1", "1 gib", "1G", "9999999TiB", "1e3", "nan", "1.2.3"} {
		if got, err := conf.ParseSize(text); err == nil {
			t.Errorf("size %q: got %d", text, got)
		}
	}
	for text, want := range map[string]string{"30d": "720h0m0s", "2w": "336h0m0s", "0.5d": "12h0m0s", "36h": "36h0m0s", "1h30m": "1h30m0s"} {
		if got, err := conf.ParseDuration(text); err != nil || got.String() != want {
			t.Errorf("duration %q: got %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "d", "30", "-1h", "-1d", "1d12h", "1 month", "999999999w", "1e3d"} {
		if got, err := conf.ParseDuration(text); err == nil {
			t.Errorf("duration %q: got %v", text, got)
		}
	}
}
