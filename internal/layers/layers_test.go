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
		"configs":                      0,
		"internal/audit/maybe":         0,
		"internal/baserate":            0,
		"internal/canary":              0,
		"internal/forensics/posterior": 0,
		"internal/picture":             0,
		"seeder/persona/checkdigit":    0,
		"seeder/recipe":                0,

		"internal/audit":           1,
		"internal/backup":          1,
		"internal/dialogue":        1,
		"internal/evidence":        1,
		"internal/evidence/stamp":  1,
		"internal/forensics":       1,
		"internal/heartbeat":       1,
		"internal/helpdesk":        1,
		"internal/inventory/login": 1,
		"internal/inventory/rdap":  1,
		"internal/layers":          1,
		"internal/mailtext":        1,
		"internal/mysqlbox":        1,
		"internal/people":          1,
		"internal/scenario":        1,
		"internal/seal":            1,
		"internal/spool":           1,
		"internal/strike":          1,
		"internal/token":           1,
		"internal/webhook":         1,
		"internal/witness":         1,
		"seeder/gate/learn":        1,
		"seeder/gate/view":         1,
		"seeder/gate":              2,
		"seeder/persona":           1,
		"seeder/salt/dialect":      1,
		"seeder/schedule":          1,

		"internal/audit/follow":    2,
		"internal/audit/replay":    2,
		"internal/audit/watch":     3,
		"internal/audit/tripwire":  2,
		"internal/deskkit":         2,
		"internal/disclosure":      2,
		"internal/drill":           2,
		"internal/evidence/pack":   2,
		"internal/evidence/report": 1,
		"internal/exclude":         2,
		"internal/inventory":       2,
		"internal/mailauth":        2,
		"internal/mention":         2,
		"internal/pager":           2,
		"internal/pull":            2,
		"internal/recording":       2,
		"internal/testkit":         2,
		"listener":                 2,
		"seeder/persona/column":    2,
		"seeder/persona/prose":     2,
		"seeder/salt/study":        2,
		"seeder/supportdb":         2,

		"internal/testkit/noise": 2,

		"internal/conf":             3,
		"internal/incident":         3,
		"internal/inventory/survey": 3,
		"internal/pager/pagertest":  3,
		"internal/pager/post":       3,
		"internal/scan":             3,
		"internal/pager/render":     3,
		"listener/acmed":            3,
		"listener/desk":             3,
		"listener/dnsd":             3,
		"listener/mailbox":          3,
		"listener/phone":            3,
		"listener/report":           3,
		"listener/smtpd":            3,
		"seeder":                    3,
		"seeder/salt":               3,

		"internal/pager/email":     4,
		"internal/pager/hook":      4,
		"internal/pager/pagerduty": 4,
		"internal/pager/push":      4,
		"internal/pager/syslog":    4,
		"internal/registry":        4,
		"internal/response":        4,

		"internal/api":     5,
		"internal/bench":   5,
		"internal/console": 5,

		"cmd/saltmine": 6,
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
