package canary_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"saltmine/internal/canary"
)

func TestNewIDHasItsShapeAndDoesNotRepeat(t *testing.T) {
	t.Parallel()
	shape := regexp.MustCompile(`^c_[a-z2-7]{16}$`)
	seen := map[string]bool{}
	for range 10_000 {
		id := canary.NewID("c")
		if !shape.MatchString(id) || seen[id] {
			t.Fatalf("id %q, seen before: %v", id, seen[id])
		}
		seen[id] = true
	}
}

func TestMicroIsUTCAndWhole(t *testing.T) {
	t.Parallel()
	east := time.FixedZone("east", 3*3600)
	got := canary.Micro(time.Date(2026, 3, 1, 12, 0, 0, 123456789, east))
	if want := time.Date(2026, 3, 1, 9, 0, 0, 123456000, time.UTC); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestParsePlace(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"db:main", "copy:backup-2026.03", "db:A", "db:" + strings.Repeat("x", 64)} {
		if p, err := canary.ParsePlace(good); err != nil || string(p) != good {
			t.Errorf("%q: %q, %v", good, p, err)
		}
	}
	for _, bad := range []string{"", "main", "db:", "db:-x", "db:a b", "copy:", "copy:.x", "db:ü", "db", "table:x", "db:main\n", "db:" + strings.Repeat("x", 65)} {
		if p, err := canary.ParsePlace(bad); !errors.Is(err, canary.ErrInvalid) || p != "" {
			t.Errorf("%q: %q, %v", bad, p, err)
		}
	}
}

func TestSeverity(t *testing.T) {
	t.Parallel()
	for s := canary.P1; s <= canary.P4; s++ {
		text, err := json.Marshal(s)
		var back canary.Severity
		if err != nil || json.Unmarshal(text, &back) != nil || back != s {
			t.Errorf("%v by way of %s became %v", s, text, back)
		}
	}
	for _, bad := range []string{"", "P0", "P5", "p1", "P10", "1"} {
		if _, err := canary.ParseSeverity(bad); !errors.Is(err, canary.ErrInvalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if !canary.P1.Reaches(canary.P2) || !canary.P2.Reaches(canary.P2) || canary.P3.Reaches(canary.P2) {
		t.Error("P1 and P2 reach P2, P3 does not")
	}
}

func TestSegmentRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[a-zA-Z0-9äß_-]{1,8}( [a-z0-9]{1,4})?`)
		s := canary.MakeSegment(rapid.MapOf(word, word).Draw(t, "pairs"))
		got, err := canary.ParseSegment(string(s))
		if err != nil || got != s {
			t.Fatalf("%q came back as %q, %v", s, got, err)
		}
		if spaced, err := canary.ParseSegment(" " + strings.ReplaceAll(string(s), ",", " , ") + " "); err != nil || spaced != s {
			t.Fatalf("%q with spaces came back as %q, %v", s, spaced, err)
		}
		if !s.Covers(s) || !canary.Segment("").Covers(s) {
			t.Fatalf("%q is not covered by itself or by the whole table", s)
		}
	})
}

func TestSegmentCovers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		s, row canary.Segment
		want   bool
	}{
		{"", "", true},
		{"", "country=DE", true},
		{"country=DE", "", false},
		{"country=DE", "country=DE,product=x", true},
		{"country=DE,product=x", "country=DE", false},
		{"country=DE", "country=FR", false},
	} {
		if got := c.s.Covers(c.row); got != c.want {
			t.Errorf("%q covers %q: %v", c.s, c.row, got)
		}
	}
	for _, bad := range []string{"DE", "=DE", "country=", "a=1,a=2", "a=1,,b=2"} {
		if _, err := canary.ParseSegment(bad); !errors.Is(err, canary.ErrInvalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if got := canary.MakeSegment(map[string]string{"b": "2,=3", "a": "1"}); got != "a=1,b=2  3" {
		t.Errorf("separators in values: %q", got)
	}
}

func TestExtractValidate(t *testing.T) {
	t.Parallel()
	now := canary.At(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	good := canary.Extract{ID: "x", Actor: "a", Taken: now, Place: "db:main"}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*canary.Extract){
		"no id":       func(e *canary.Extract) { e.ID = "" },
		"long id":     func(e *canary.Extract) { e.ID = canary.ExtractID(strings.Repeat("x", 201)) },
		"no actor":    func(e *canary.Extract) { e.Actor = "" },
		"long actor":  func(e *canary.Extract) { e.Actor = strings.Repeat("x", 201) },
		"long rows":   func(e *canary.Extract) { e.Segment = canary.Segment("k=" + strings.Repeat("x", 499)) },
		"no time":     func(e *canary.Extract) { e.Taken = canary.Moment{} },
		"announced":   func(e *canary.Extract) { e.Taken.Latest = time.Time{} },
		"backwards":   func(e *canary.Extract) { e.Taken.Earliest = now.Latest.Add(1) },
		"nothing":     func(e *canary.Extract) { e.Place = "" },
		"wrong place": func(e *canary.Extract) { e.Place = "main" },
	} {
		e := good
		if spoil(&e); !errors.Is(e.Validate(), canary.ErrInvalid) {
			t.Errorf("%s: %v", name, e.Validate())
		}
	}
	good.Actor, good.Segment = strings.Repeat("ü", 200), canary.Segment("k="+strings.Repeat("ü", 498))
	if err := good.Validate(); err != nil {
		t.Errorf("the longest actor and segment: %v", err)
	}
	good.Place, good.Held = "", []canary.ID{}
	if err := good.Validate(); err != nil {
		t.Errorf("an extract known to have held no canary: %v", err)
	}
}

// TestNothingPrintsAToken prints every type that carries a token's text in
// every way a careless log line or error text could.
func TestNothingPrintsAToken(t *testing.T) {
	t.Parallel()
	const secret = "dana.whitfield"
	tok := canary.Token{ID: "t_aaaaaaaaaaaaaaaa", Kind: canary.Email, Role: canary.RolePlanted, Canary: "c_x", Text: secret + "@example.net"}
	c := &canary.Contact{ID: "k_12345678", Channel: canary.SMTP, Source: secret, Text: secret, Peer: secret,
		Targets: []canary.Target{{Kind: canary.Email, Text: secret}}, Facts: map[string]string{"helo": secret}, Raw: []byte(secret)}
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	log.Info("heard", "token", tok, "contact", c)
	log = slog.New(slog.NewJSONHandler(&out, nil))
	log.Info("heard", "token", tok, "contact", c)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		fmt.Fprintf(&out, verb+"\n", tok)
	}
	for _, verb := range []string{"%v", "%+v", "%s", "%q"} {
		fmt.Fprintf(&out, verb+"\n", c)
	}
	fmt.Fprintln(&out, c.Validate())
	if strings.Contains(out.String(), secret) {
		t.Errorf("a token was printed:\n%s", out.String())
	}
	for _, id := range []string{string(tok.ID), string(c.ID)} {
		if !strings.Contains(out.String(), id) {
			t.Errorf("%s is not named:\n%s", id, out.String())
		}
	}
}
