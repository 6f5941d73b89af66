package conf //nolint:testpackage // it tests the reader below the exported names

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

func TestKeyLines(t *testing.T) {
	t.Parallel()
	const text = `# comment with a = b and [c]
a = "x # no comment" # comment
'q.r' = '''
z = 1
''''
"esc\u0041" . b = [ "]", # ]
  { y = "}" },
]
[ t . "u v" ]
k = """\""" [x] """""

[[l]]
k = 1
[[l.m]]
k = 2
[[l]]
[[l.m]]
k = 3
[l.n]
k = 4
`
	want := map[string]int{
		"a": 2, "q.r": 3, "escA": 6, "escA.b": 6, "t": 9, "t.u v": 9, "t.u v.k": 10,
		"l": 12, "l[0].m": 14, "l[1].m": 17,
		"l[0]": 12, "l[0].k": 13, "l[0].m[0]": 14, "l[0].m[0].k": 15,
		"l[1]": 16, "l[1].m[0]": 17, "l[1].m[0].k": 18, "l[1].n": 19, "l[1].n.k": 20,
	}
	if got := keyLines(text); !maps.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	known := []string{"listen", "costume", "hostname", "url", "kind"}
	for word, want := range map[string]string{
		"listn": "listen", "lisetn": "listen", "Listen": "listen", "costmue": "costume", "host_name": "hostname",
		"ulr": "url", "kinds": "kind", "colour": "", "x": "", "": "", strings.Repeat("listen", 20): "",
	} {
		if got := nearest(word, known); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
}

// FuzzParse: whatever the bytes, no panic; and where the TOML library reads
// them, every key that is no inline table's has a line that is in the file.
func FuzzParse(f *testing.F) {
	f.Add([]byte(Example()))
	f.Add([]byte("a.b=1\n[a.c]\n[[r]]\nk='''x\n'''\n[[r]]\n[r.s]\nk=[[1],\n{a=1}]"))
	f.Add([]byte("[smtp]\r\nlisten=[\"\\\"#\",]#]\r\n'' = 1\n\"\"=2"))
	f.Add([]byte("\xef\xbb\xbf[[core.pull]]\nurl=1979-05-27T07:32:00Z"))
	f.Add([]byte("[[[\"\"\"=[{'''"))
	if broken, err := os.ReadFile(filepath.Join("testdata", "broken.toml")); err == nil {
		f.Add(broken)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse(data, "fuzz.toml", "/d")
		if (c == nil) == (err == nil) {
			t.Fatal("neither or both of a configuration and an error")
		}
		vals := map[string]any{}
		if _, bad := toml.Decode(string(data), &vals); bad != nil {
			return
		}
		lines := keyLines(string(data))
		last := strings.Count(string(data), "\n") + 1
		for key, n := range lines {
			if n < 1 || n > last {
				t.Fatalf("key %q on line %d of %d", key, n, last)
			}
		}
		for key := range vals {
			if lines[key] == 0 {
				t.Fatalf("no line for %q", key)
			}
		}
	})
}
