package smtpd_test

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDialogs plays the dialogs of testdata against a live ear. Their lines:
//
//	# a remark
//	% name        the costume, on the first line
//	> text        send text and CR LF
//	>> "a\nb"     send exactly this Go string
//	>| text       send text and CR LF together with what is sent next
//	< text        receive this line and CR LF
//	< EOF         the ear has closed the connection
//	= contact     a record, as describe words it, in the order in which they were heard
func TestDialogs(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.dialog")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d dialogs found (%v)", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".dialog"), func(t *testing.T) {
			t.Parallel()
			script, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			play(t, string(script))
		})
	}
}

func play(t *testing.T, script string) {
	t.Helper()
	b := newBook()
	cfg := config(b)
	if first, _, _ := strings.Cut(script, "\n"); strings.HasPrefix(first, "% ") {
		cfg.Costume = first[2:]
	}
	addr, stop := run(t, cfg)
	defer stop() //nolint:errcheck // checked below where the dialog comes to its end
	c := call(t, addr)
	held := ""
	var want []string
	for i, line := range strings.Split(strings.TrimSpace(script), "\n") {
		mark, text, _ := strings.Cut(line, " ")
		switch mark {
		case "#", "%", "":
		case ">":
			c.send(held + text + "\r\n")
			held = ""
		case ">|":
			held += text + "\r\n"
		case ">>":
			raw, err := strconv.Unquote(text)
			if err != nil {
				t.Fatalf("line %d: %v", i+1, err)
			}
			c.send(held + raw)
			held = ""
		case "<":
			got, err := c.in.ReadString('\n')
			if err != nil {
				got += "EOF\r\n"
			}
			got = normal(strings.TrimSuffix(got, "\r\n"))
			if got != text {
				t.Fatalf("line %d: the ear said %q, want %q", i+1, got, text)
			}
		case "=":
			want = append(want, text)
		default:
			t.Fatalf("line %d: unknown mark %q", i+1, mark)
		}
	}
	_ = c.conn.Close()
	b.wait(t, len(want))
	if err := stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	var got []string
	for _, k := range b.all() {
		got = append(got, describe(k))
	}
	if !slices.Equal(got, want) {
		t.Error(cmp.Diff(want, got))
	}
}
