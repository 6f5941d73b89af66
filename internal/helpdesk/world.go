package helpdesk

import (
	"embed"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
)

// data/NOTICE names the origin and the licence of the name lists.
//
//go:embed data
var dataFiles embed.FS

// world is what the files under data say.
type world struct {
	countries []*country
	weights   weighted
	names     map[string]*names // by folder
}

// names are the lists of one language, the frequent ones first.
type names struct {
	female, male, last, subjects, words []string
}

type country struct {
	code     string
	language string
	names    *names
	mail     weighted // domains of large providers
	tlds     weighted
	phones   weighted // patterns, see data/countries.txt
}

// weighted is a choice among texts.
type weighted struct {
	texts []string
	until []float64 // running sum of the weights
}

func (w *weighted) add(weight float64, text string) {
	w.until = append(w.until, w.sum()+weight)
	w.texts = append(w.texts, text)
}

func (w *weighted) sum() float64 {
	if len(w.until) == 0 {
		return 0
	}
	return w.until[len(w.until)-1]
}

func (w *weighted) pick(r *rand.Rand) string { return w.texts[w.index(r)] }

func (w *weighted) index(r *rand.Rand) int {
	x := r.Float64() * w.sum()
	for i, u := range w.until {
		if x < u {
			return i
		}
	}
	return len(w.until) - 1
}

// frequent picks from a list ordered by frequency, by the law of Zipf and
// Mandelbrot: entry k has a weight of about 1/(k+flat).
func frequent(r *rand.Rand, list []string, flat float64) string {
	return list[rank(r, len(list), flat)]
}

func rank(r *rand.Rand, n int, flat float64) int {
	k := flat*math.Pow((float64(n)+flat)/flat, r.Float64()) - flat
	return min(int(k), n-1)
}

// readWorld reads the embedded files. An error is a fault of this package's
// data, which its tests would show.
func readWorld() (*world, error) {
	text, err := dataFiles.ReadFile("data/countries.txt")
	if err != nil {
		return nil, fmt.Errorf("help desk: %w", err)
	}
	w := &world{names: map[string]*names{}}
	for n, line := range strings.Split(string(text), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		if err := w.read(line); err != nil {
			return nil, fmt.Errorf("help desk: countries.txt line %d: %w", n+1, err)
		}
	}
	return w, nil
}

// read takes one line of countries.txt.
func (w *world) read(line string) error {
	what, rest, _ := strings.Cut(line, " ")
	if what == "country" {
		return w.readCountry(rest)
	}
	number, text, _ := strings.Cut(rest, " ")
	weight, err := strconv.ParseFloat(number, 64)
	if err != nil || len(w.countries) == 0 || text == "" {
		return fmt.Errorf("%w: %q", ErrConfig, line)
	}
	c := w.countries[len(w.countries)-1]
	switch what {
	case "mail":
		c.mail.add(weight, text)
	case "tld":
		c.tlds.add(weight, text)
	case "phone":
		c.phones.add(weight, text)
	default:
		return fmt.Errorf("%w: %q", ErrConfig, line)
	}
	return nil
}

func (w *world) readCountry(rest string) error {
	words := strings.Fields(rest)
	if len(words) != 4 {
		return fmt.Errorf("%w: country %q", ErrConfig, rest)
	}
	weight, err := strconv.ParseFloat(words[1], 64)
	if err != nil {
		return fmt.Errorf("%w: country %q: %w", ErrConfig, rest, err)
	}
	lists, err := w.readNames(words[2])
	if err != nil {
		return err
	}
	w.weights.add(weight, words[0])
	w.countries = append(w.countries, &country{code: words[0], names: lists, language: words[3]})
	return nil
}

func (w *world) readNames(folder string) (*names, error) {
	if n := w.names[folder]; n != nil {
		return n, nil
	}
	n := &names{}
	for file, list := range map[string]*[]string{
		"female": &n.female, "male": &n.male, "last": &n.last, "subjects": &n.subjects, "words": &n.words,
	} {
		text, err := dataFiles.ReadFile("data/" + folder + "/" + file + ".txt")
		if err != nil {
			return nil, fmt.Errorf("name lists: %w", err)
		}
		*list = strings.Split(strings.TrimSpace(string(text)), "\n")
	}
	w.names[folder] = n
	return n, nil
}
