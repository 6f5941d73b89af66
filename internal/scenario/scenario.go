// Package scenario reads a leak that was made up, with its world, from a folder,
// and writes down what is predicted of it, so that strangers can score how well
// suspects are named. The folder has
//
//	meta.json                 the log's period, until when contacts were watched
//	canaries.csv.gz           tokens with their windows, and placebos
//	extracts.csv.gz           who took how much, and when
//	extract_canaries.csv.gz   which tokens an extract held
//	hits_NN.csv.gz            the contacts of case NN
//
// gzip CSV with a header, in any order of columns; other columns are passed over.
// A scenario is one world and its cases. [World.Case] gives what package posterior
// weighs, [Prediction] is one line of JSON.
//
// It refuses what contradicts itself (an unknown token, a window that ends before
// it begins, a time that is none), naming file and line. An extract that held a
// token which is not in the list is no contradiction: the token is counted and
// passed over. Nothing depends on what things are called, only on which are the
// same.
package scenario

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"saltmine/internal/forensics/posterior"
)

// World is what all cases of a scenario share.
type World struct {
	Name string
	dir  string

	base     posterior.Case
	tokens   map[string]int
	controls map[string]int
	extracts []string // their ids
	actors   []string
	// Unknown counts memberships of tokens that the list does not have.
	Unknown int
}

// meta is what of meta.json is needed.
type meta struct {
	Scenario      string
	LogStart      time.Time `json:"log_start"`
	LogEnd        time.Time `json:"log_end"`
	ObservedUntil time.Time `json:"observed_until"`
	// How many there are, by hearsay: only to have the room.
	Tokens   int `json:"n_tokens"`
	Placebos int `json:"n_placebos"`
}

const mostHint = 1 << 18

// Open reads the world of a folder.
func Open(dir string) (*World, error) {
	w := &World{dir: dir, Name: filepath.Base(filepath.Clean(dir))}
	text, err := os.ReadFile(filepath.Join(dir, "meta.json"))
	if err != nil {
		return nil, fmt.Errorf("scenario: %w", err)
	}
	var about meta
	if err := json.Unmarshal(text, &about); err != nil {
		return nil, fmt.Errorf("scenario: meta.json: %w", err)
	}
	if about.Scenario != "" {
		w.Name = about.Scenario
	}
	if about.LogStart.IsZero() || !about.LogEnd.After(about.LogStart) || !about.ObservedUntil.After(about.LogStart) {
		return nil, errors.New("scenario: meta.json: log_start, log_end and observed_until are needed, in this order")
	}
	w.tokens, w.controls = make(map[string]int, min(max(about.Tokens, 0), mostHint)), make(map[string]int, min(max(about.Placebos, 0), mostHint))
	w.base.Since, w.base.Until = day(about.LogStart), day(about.ObservedUntil)
	// Who took what needs the other two, which do not need each other.
	var tokens, extracts error
	var both sync.WaitGroup
	both.Go(func() { tokens = w.readTokens() })
	both.Go(func() { extracts = w.readExtracts() })
	both.Wait()
	if err = cmp.Or(tokens, extracts); err == nil {
		err = w.readMembers()
	}
	if err != nil {
		return nil, fmt.Errorf("scenario: %w", err)
	}
	return w, nil
}

// Cases gives the numbers of the cases, ascending.
func (w *World) Cases() ([]int, error) {
	files, err := filepath.Glob(filepath.Join(w.dir, "hits_*.csv.gz"))
	if err != nil {
		return nil, fmt.Errorf("scenario: %w", err)
	}
	var list []int
	for _, f := range files {
		var n int
		if _, err := fmt.Sscanf(filepath.Base(f), "hits_%d.csv.gz", &n); err == nil {
			list = append(list, n)
		}
	}
	slices.Sort(list)
	if len(list) == 0 {
		return nil, fmt.Errorf("scenario: %s has no hits_NN.csv.gz", w.dir)
	}
	return list, nil
}

func day(t time.Time) posterior.Day {
	return float64(t.UnixMilli()) / float64(24*time.Hour/time.Millisecond)
}

func moment(d posterior.Day) time.Time {
	return time.UnixMilli(int64(d * float64(24*time.Hour/time.Millisecond))).UTC().Round(time.Second)
}

// Prediction is what is said of one case.
type Prediction struct {
	Scenario  string             `json:"scenario"`
	Case      int                `json:"case"`
	None      float64            `json:"p_none"`
	Unlogged  float64            `json:"p_unlogged"`
	Extracts  map[string]float64 `json:"extracts"`
	Actors    map[string]float64 `json:"actors"`
	Intervals [][2]time.Time     `json:"intervals"`
}

// Predict weighs one case.
func (w *World) Predict(number int) (Prediction, error) {
	c, err := w.Case(number)
	if err != nil {
		return Prediction{}, err
	}
	a := posterior.Weigh(c)
	p := Prediction{
		Scenario: w.Name, Case: number, None: a.None, Unlogged: a.Unlogged,
		Extracts: map[string]float64{}, Actors: map[string]float64{}, Intervals: [][2]time.Time{},
	}
	for _, s := range a.Extracts {
		p.Extracts[w.extracts[s.Index]] = s.P
	}
	for _, s := range a.Actors {
		p.Actors[w.actors[s.Index]] = s.P
	}
	for _, i := range a.Intervals {
		p.Intervals = append(p.Intervals, [2]time.Time{moment(i.From), moment(i.Until)})
	}
	return p, nil
}

// Case reads the contacts of one case.
func (w *World) Case(number int) (*posterior.Case, error) {
	c := w.base
	sources := ids{}
	name := fmt.Sprintf("hits_%02d.csv.gz", number)
	err := w.read(name, []string{"channel", "token_id", "persona", "at", "content", "source"}, func(f []string) error {
		at, err := parseTime(f[3])
		if err != nil {
			return err
		}
		k := posterior.Contact{Token: -1, Control: -1, At: at, Source: sources.of(f[5])}
		switch f[4] {
		case "names_person":
			k.Content = posterior.NamesPerson
		case "cites_ticket":
			k.Content = posterior.CitesTicket
		}
		who := f[1]
		if f[0] == "phone" {
			if f[2] == "" { // a call that names nobody tells nothing
				return nil
			}
			who, k.Named = f[2], true
		}
		if n, ok := w.controls[who]; ok {
			k.Control = n
		} else if n, ok := w.tokens[who]; ok {
			k.Token = n
		} else {
			return errors.New("a contact with a token that the list does not have")
		}
		c.Contacts = append(c.Contacts, k)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("scenario: %w", err)
	}
	slices.SortStableFunc(c.Contacts, func(a, b posterior.Contact) int {
		switch {
		case a.At < b.At:
			return -1
		case a.At > b.At:
			return 1
		}
		return 0
	})
	return &c, nil
}

// ids numbers names in the order in which they come.
type ids map[string]int

func (m ids) of(name string) int {
	if n, ok := m[name]; ok {
		return n
	}
	n := len(m)
	m[strings.Clone(name)] = n
	return n
}
