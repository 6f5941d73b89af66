package login_test

import (
	"strings"
	"testing"

	"saltmine/internal/inventory/login"
)

// FuzzGuard wants the same verdict wherever what a server says is cut.
func FuzzGuard(f *testing.F) {
	f.Add("* LIST (\\Junk) \"/\" {5}\r\nINBOX\r\nT1 OK ((\r\n", 3)
	f.Add("* 1 FETCH (BODY ((\"\\\"(\" ~{3+}\r\n((( ))\r\n", 1)
	f.Fuzz(func(t *testing.T, says string, size int) {
		if size < 1 {
			size = 1
		}
		if whole := login.Passes(says, max(len(says), 1)); login.Passes(says, size) != whole {
			t.Errorf("whole %v, in pieces of %d not", whole, size)
		}
	})
}

// TestGuard stops lists inside lists, wherever the pieces are cut, and lets the
// same bytes pass where they are text.
func TestGuard(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("(", 40)
	for name, c := range map[string]struct {
		says   string
		passes bool
	}{
		"lists":              {"* LIST (\\Junk \\X) \"/\" (a (b (c)))\r\n* 1 FETCH (FLAGS ())\r\n", true},
		"many after another": {"* LIST " + strings.Repeat("() ", 100) + "\r\n", true},
		"many lines":         {strings.Repeat("* LIST (((\r\n", 100), true},
		"deep":               {"* LIST " + deep, false},
		"deep in two lines":  {"* LIST " + deep[:20] + " {3}\r\nabc" + deep[:20], false},
		"in a literal":       {"* 1 FETCH (BODY[] {40}\r\n" + deep + ")\r\n* LIST ()\r\n", true},
		"behind a literal":   {"* 1 FETCH (BODY[] {3}\r\nabc BODY " + deep, false},
		"in a long literal":  {"* 1 FETCH (BODY[] ~{40+} \r\n" + deep + ")\r\n", true},
		"quoted":             {"* LIST () \"/\" \"\\\"" + deep + "\"\r\n", true},
		"behind quotes":      {"* LIST () \"/\" \"\\\\\"" + deep + "\r\n", false},
		"for people":         {"* OK [ALERT] " + deep + "\r\nT1 no " + deep + "\r\n+ " + deep + "\r\n", true},
		"not a literal":      {"* OK x {400}\r\n* LIST " + deep, false},
		"not one either":     {"T1 BAD {400}\n* 1 FETCH (BODY " + deep, false},
		"no size":            {"* LIST {40\r\n* LIST " + deep, false},
		"within a line":      {"* LIST {40} x\r\n* LIST " + deep, false},
		"a huge size":        {"* LIST {99999999999999999999}\r\n" + deep, true},
	} {
		for _, size := range []int{1, 7, len(c.says)} {
			if got := login.Passes(c.says, size); got != c.passes {
				t.Errorf("%s in pieces of %d: %v", name, size, got)
			}
		}
	}
}
