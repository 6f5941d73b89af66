package conf_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"saltmine/internal/conf"
)

// shown prints v in every way in which a value gets into a log or an answer.
func shown(t *testing.T, v any) string {
	t.Helper()
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%08b"} {
		fmt.Fprintf(&out, verb+"\n", v)
	}
	js, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(js)
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("shown", "value", v)
	}
	fmt.Fprintln(&out, v, []any{v}, map[string]any{"k": v}, fmt.Errorf("wrapped: %v", v))
	return out.String()
}

func TestSecretIsNeverPrinted(t *testing.T) {
	t.Parallel()
	s := conf.NewSecret("hunter2")
	type foreign struct{ hidden conf.Secret } // fmt cannot call methods here
	for name, v := range map[string]any{
		"itself":  s,
		"pointer": &s,
		"route":   conf.Route{Secret: s},
		"source":  conf.Source{Engine: conf.MySQL, DSN: s},
		"agents":  []conf.Agent{{Name: "a", Token: s}},
		"hidden":  foreign{s},
		"pointed": &foreign{s},
	} {
		got := shown(t, v)
		for _, plain := range []string{"hunter2", "68756e74657232", "68756E74657232", "104 117"} {
			if strings.Contains(got, plain) {
				t.Errorf("%s shows the secret:\n%s", name, got)
			}
		}
	}
	if got := fmt.Sprint(s); got != "[secret]" {
		t.Errorf("got %q", got)
	}
	if got, err := xml.Marshal(s); err != nil || !strings.Contains(string(got), "[secret]") {
		t.Errorf("text form: %s, %v", got, err)
	}
	if s.Reveal() != "hunter2" {
		t.Error("Reveal does not give the text")
	}
	var none conf.Secret
	if !none.IsZero() || none.Reveal() != "" || fmt.Sprint(none) != "[no secret]" || conf.NewSecret("") != none {
		t.Error("the zero Secret is not empty")
	}
}

func TestConfigNeverPrintsSecrets(t *testing.T) {
	t.Parallel()
	c, _ := loadFull(t)
	for _, got := range []string{shown(t, c), shown(t, *c), c.Redacted()} {
		if strings.Contains(got, "hunter2") {
			t.Errorf("shows a secret:\n%s", got)
		}
	}
}

func TestReadSecretRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, tc := range map[string]struct {
		text string
		mode os.FileMode
		want error
		part string
	}{
		"world.txt": {"x", 0o604, conf.ErrReadableByOthers, "run: chmod 600 " + filepath.Join(dir, "world.txt")},
		"group.txt": {"x", 0o640, conf.ErrReadableByOthers, "(mode 0640)"},
		"write.txt": {"x", 0o620, conf.ErrReadableByOthers, "(mode 0620)"},
		"empty.txt": {"", 0o600, conf.ErrEmptySecret, "empty.txt"},
		"blank.txt": {" \n\t", 0o600, conf.ErrEmptySecret, "blank.txt"},
		"large.txt": {strings.Repeat("x", 70_000), 0o600, nil, "more than 65536 bytes"},
	} {
		_, err := conf.ReadSecret(write(t, dir, name, tc.text, tc.mode))
		if err == nil || (tc.want != nil && !errors.Is(err, tc.want)) || !strings.Contains(err.Error(), tc.part) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := conf.ReadSecret(dir); err == nil {
		t.Error("a folder was read")
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := conf.ReadSecret(pipe); err == nil { // would wait for ever if it were opened
		t.Error("a pipe was read")
	}
}

func TestParseSource(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"mysql://u:p@tcp(h:3306)/d":           "u:p@tcp(h:3306)/d",
		"mysql://u:p@h:3306/d":                "u:p@tcp(h:3306)/d",
		"mysql://u:p@[::1]:3306/d?tls=true":   "u:p@tcp([::1]:3306)/d?tls=true",
		"mysql://u:p@unix(/run/m.sock)/d":     "u:p@unix(/run/m.sock)/d",
		"mysql://u:p@ss/w?rd@tcp(h:3306)/d":   "u:p@ss/w?rd@tcp(h:3306)/d",
		"mysql://u@tcp(h)/d?parseTime=true&a": "u@tcp(h)/d?parseTime=true&a",
	} {
		got, err := conf.ParseSource(text, "/d")
		if err != nil || got.Engine != conf.MySQL || got.DSN.Reveal() != want {
			t.Errorf("%s: got %q, %v", text, got.DSN.Reveal(), err)
		}
	}
	for text, want := range map[string]string{"sqlite:a.db": "/d/a.db", "sqlite:/a.db": "/a.db", "sqlite:../a.db": "/a.db"} {
		if got, err := conf.ParseSource(text, "/d"); err != nil || got.Path != want {
			t.Errorf("%s: got %q, %v", text, got.Path, err)
		}
	}
	for _, text := range []string{
		"", "sqlite:", "hunter2", "mysql://", "mysql://h/d", "mysql://u:hunter2@h", "mysql://u:hunter2@h/",
		"mysql://u:hunter2@/d", "mysql://u:hunter2@udp(h)/d", "postgres://u:hunter2@h/d",
	} {
		_, err := conf.ParseSource(text, "/d")
		if !errors.Is(err, conf.ErrSource) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: got %v", text, err)
		}
	}
}
