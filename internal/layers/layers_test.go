package layers_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "saltmine/"

// storeys are our packages, by the path below the module.
func storeys() map[string]int {
	return map[string]int{
		"internal/parallel": 0,

		"configs":                      1,
		"internal/audit/maybe":         1,
		"internal/baserate":            1,
		"internal/canary":              1,
		"internal/forensics/posterior": 1,
		"internal/picture":             1,
		"seeder/persona/checkdigit":    1,
		"seeder/recipe":                1,

		"internal/audit":           2,
		"internal/backup":          2,
		"internal/dialogue":        2,
		"internal/evidence":        2,
		"internal/evidence/stamp":  2,
		"internal/forensics":       2,
		"internal/heartbeat":       2,
		"internal/helpdesk":        2,
		"internal/inventory/login": 2,
		"internal/inventory/rdap":  2,
		"internal/layers":          2,
		"internal/mailtext":        2,
		"internal/mysqlbox":        2,
		"internal/people":          2,
		"internal/scenario":        2,
		"internal/seal":            2,
		"internal/spool":           2,
		"internal/strike":          2,
		"internal/token":           2,
		"internal/webhook":         2,
		"internal/witness":         2,
		"seeder/gate/learn":        2,
		"seeder/gate/view":         2,
		"seeder/gate":              3,
		"seeder/persona":           2,
		"seeder/salt/dialect":      2,
		"seeder/schedule":          2,

		"internal/audit/cover":     3,
		"internal/audit/follow":    3,
		"internal/audit/replay":    3,
		"internal/audit/watch":     4,
		"internal/audit/tripwire":  3,
		"internal/deskkit":         3,
		"internal/disclosure":      3,
		"internal/drill":           3,
		"internal/evidence/pack":   3,
		"internal/evidence/report": 2,
		"internal/exclude":         3,
		"internal/inventory":       3,
		"internal/mailauth":        3,
		"internal/mention":         3,
		"internal/pager":           3,
		"internal/pull":            3,
		"internal/recording":       3,
		"internal/testkit":         3,
		"listener":                 3,
		"seeder/persona/column":    3,
		"seeder/persona/prose":     3,
		"seeder/salt/study":        3,
		"seeder/supportdb":         3,

		"internal/testkit/noise": 3,

		"internal/conf":             4,
		"internal/incident":         4,
		"internal/inventory/survey": 4,
		"internal/pager/pagertest":  4,
		"internal/pager/post":       4,
		"internal/scan":             4,
		"internal/pager/render":     4,
		"listener/acmed":            4,
		"listener/desk":             4,
		"listener/dnsd":             4,
		"listener/mailbox":          4,
		"listener/phone":            4,
		"listener/report":           4,
		"listener/smtpd":            4,
		"seeder":                    4,
		"seeder/salt":               4,

		"internal/pager/email":     5,
		"internal/pager/hook":      5,
		"internal/pager/pagerduty": 5,
		"internal/pager/push":      5,
		"internal/pager/syslog":    5,
		"internal/registry":        5,
		"internal/response":        5,

		"internal/api":     6,
		"internal/bench":   6,
		"internal/console": 6,

		"cmd/saltmine": 7,
	}
}

// rooms says which packages may import an outside library, by the beginning
// of its import path. No room at all is a library for tests.
func rooms() map[string][]string {
	return map[string][]string{
		// The configuration, and recipes, which are read without one.
		"blitiri.com.ar/go/spf":                 {"internal/mailauth"},
		"filippo.io/age":                        {"internal/backup"},
		"github.com/BurntSushi/toml":            {"internal/conf", "seeder/recipe"},
		"github.com/VictoriaMetrics/metrics":    {"cmd/saltmine"},
		"github.com/dolthub/go-mysql-server":    {"internal/mysqlbox"},
		"github.com/dolthub/vitess":             {"internal/audit/replay", "internal/mysqlbox"}, // one reads statements, one serves
		"github.com/emersion/go-imap":           {"internal/inventory/login", "listener/mailbox"},
		"github.com/emersion/go-message":        {"internal/mailtext"},
		"github.com/emersion/go-msgauth":        {"internal/mailauth"},
		"github.com/emersion/go-sasl":           {"internal/pager/email"},
		"github.com/emersion/go-smtp":           {"internal/pager/email", "listener/smtpd"},
		"github.com/google/go-cmp":              nil,
		"github.com/klauspost/compress":         {"internal/audit", "internal/scan"},
		"github.com/miekg/dns":                  {"internal/mailauth", "listener/dnsd"}, // one asks, one answers
		"github.com/pressly/goose":              {"internal/registry"},
		"github.com/robfig/cron":                {"cmd/saltmine"},
		"github.com/rogpeppe/go-internal":       nil,
		"github.com/santhosh-tekuri/jsonschema": nil,
		"github.com/sirupsen/logrus":            {"internal/mysqlbox"},
		"github.com/spf13/cobra":                {"cmd/saltmine"},
		"github.com/spf13/pflag":                {"cmd/saltmine"}, // cobra's flags
		"golang.org/x/crypto/argon2":            {"internal/scan"},
		"golang.org/x/crypto/acme":              {"listener/acmed"},
		"golang.org/x/crypto/chacha20poly1305":  {"internal/seal"},
		"golang.org/x/mod/sumdb":                {"internal/disclosure", "internal/evidence", "internal/evidence/stamp", "internal/registry"},
		"golang.org/x/crypto/ripemd160":         {"internal/evidence/stamp"}, // met in old proofs of OpenTimestamps
		"golang.org/x/net/idna":                 {"internal/token"},
		"golang.org/x/net/ipv4":                 {"listener/dnsd"},
		"golang.org/x/net/ipv6":                 {"listener/dnsd"},
		"golang.org/x/net/publicsuffix":         {"internal/mailauth"},
		"golang.org/x/sync":                     {"cmd/saltmine"},
		"golang.org/x/term":                     {"cmd/saltmine"},
		"golang.org/x/text":                     {"seeder"}, // the names of countries
		"modernc.org/sqlite":                    {"internal/registry"},
		"pgregory.net/rapid":                    nil,
		"github.com/go-sql-driver/mysql":        {"internal/registry", "internal/testkit", "seeder/supportdb"}, // where a database is opened
	}
}

// pkg is what `go list -json` says of one package.
type pkg struct {
	ImportPath, Name, Dir              string
	Imports, TestImports, XTestImports []string
	GoFiles, TestGoFiles, XTestGoFiles []string
}

func (p *pkg) room() string { return strings.TrimPrefix(p.ImportPath, module) }

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Name,Dir,Imports,TestImports,XTestImports,GoFiles,TestGoFiles,XTestGoFiles", module+"...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("go list: %v", err)
		}
		list = append(list, p)
	}
	if len(list) < 20 {
		t.Fatalf("go list shows %d packages: this is not the house", len(list))
	}
	return list
}

func TestImportsGoDown(t *testing.T) {
	t.Parallel()
	house := storeys()
	stands := map[string]bool{}
	for _, p := range packages(t) {
		stands[p.room()] = true
		at, listed := house[p.room()]
		if !listed {
			t.Errorf("%s has no storey: give it one in storeys()", p.room())
			continue
		}
		for _, path := range p.Imports {
			room, ours := strings.CutPrefix(path, module)
			if below, known := house[room]; ours && (!known || below >= at) {
				t.Errorf("%s on storey %d imports %s on storey %d: imports go down only", p.room(), at, room, below)
			}
		}
		for _, path := range slices.Concat(p.TestImports, p.XTestImports) {
			if strings.HasPrefix(path, module+"cmd/") {
				t.Errorf("a test of %s imports %s", p.room(), path)
			}
		}
	}
	for room := range house {
		if !stands[room] {
			t.Errorf("%s has a storey and no package", room)
		}
	}
}

func TestOneLibraryOneRoom(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	for _, p := range packages(t) {
		for _, path := range p.Imports {
			if !outside(path) {
				continue
			}
			library := libraryOf(path)
			used[library] = true
			if library == "" {
				t.Errorf("%s imports %s, which has no room: give it one in rooms()", p.room(), path)
			} else if !slices.Contains(rooms()[library], p.room()) {
				t.Errorf("%s imports %s, which belongs to %q", p.room(), path, rooms()[library])
			}
		}
	}
	for library, in := range rooms() {
		if len(in) > 0 && !used[library] {
			t.Errorf("%s has a room and is not used", library)
		}
	}
}

// outside tells a library's path from ours and from the standard library's.
func outside(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return strings.Contains(first, ".")
}

func libraryOf(path string) string {
	for library := range rooms() {
		if path == library || strings.HasPrefix(path, library+"/") {
			return library
		}
	}
	return ""
}
