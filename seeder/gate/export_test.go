package gate_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"saltmine/seeder/gate"
	"saltmine/seeder/gate/learn"
)

func small(t *testing.T) gate.Input {
	t.Helper()
	return newWorld(t, 200, 20, 13).input()
}

func TestExportIsWhatLearnersSee(t *testing.T) {
	t.Parallel()
	in := small(t)
	var out, legend bytes.Buffer
	if err := gate.Export(t.Context(), &out, in); err != nil {
		t.Fatal(err)
	}
	if err := gate.Legend(t.Context(), &legend, in); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(bytes.NewReader(out.Bytes())).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	said, err := csv.NewReader(&legend).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) != 221 || len(lines[0]) != len(said) || lines[0][0] != "canary" {
		t.Fatalf("%d lines of %d columns, %d in the legend", len(lines), len(lines[0]), len(said))
	}
	for i, line := range lines[1:] {
		if want := map[bool]string{false: "0", true: "1"}[i >= 200]; line[0] != want {
			t.Fatalf("line %d is canary %q", i, line[0])
		}
	}
	for i := range lines[0][1:] {
		if lines[0][i+1] != said[i+1][0] || said[i+1][3] == "" {
			t.Errorf("column %q, legend %q", lines[0][i+1], said[i+1])
		}
	}
	if seen := slices.Clone(lines[0]); len(slices.Compact(slices.Sorted(slices.Values(seen)))) != len(seen) {
		t.Error("two columns of one name")
	}
	for _, secret := range []string{in.Canaries[0].Values[email].Text, in.Canaries[0].Values[last].Text} {
		if strings.Contains(out.String(), secret) {
			t.Error("the export holds a value of a canary")
		}
	}
}

// What another tool measures on the export is what the report says of a feature.
func TestExportIsWhatIsMeasured(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1600, 200, 14)
	w.own(20)
	in := w.input()
	in.Others, in.Real, in.Apart = in.Real[:800], in.Real[800:], true
	var out bytes.Buffer
	if err := gate.Export(t.Context(), &out, in); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(&out).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	r := measure(t, in)
	compared := 0
	for _, a := range r.Attacks {
		for _, tell := range a.Tells {
			column := slices.Index(lines[0], tell.Feature)
			if column < 0 {
				continue // a condition, or the whole row
			}
			compared++
			auc := areaOfColumn(t, lines[1:], column)
			if got := max(auc, 1-auc); math.Abs(got-tell.Alone) > .01 {
				t.Errorf("%s: %.3f in the export, %.3f in the report", tell.Feature, got, tell.Alone)
			}
		}
	}
	if compared < 3 {
		t.Errorf("only %d features were compared", compared)
	}
}

// areaOfColumn is the AUC of a column among the lines that have it.
func areaOfColumn(t *testing.T, lines [][]string, column int) float64 {
	t.Helper()
	var yes, no []float64
	for _, line := range lines {
		if line[column] == "" {
			continue
		}
		v, err := strconv.ParseFloat(line[column], 64)
		if err != nil {
			t.Fatal(err)
		}
		if line[0] == "1" {
			yes = append(yes, v)
		} else {
			no = append(no, v)
		}
	}
	return learn.AreaOf(yes, no).AUC
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestExportReportsAFullDisk(t *testing.T) {
	t.Parallel()
	in := small(t)
	if err := gate.Export(t.Context(), broken{}, in); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("%v", err)
	}
	if err := gate.Legend(t.Context(), broken{}, in); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("%v", err)
	}
}

func TestSameInputSameReport(t *testing.T) {
	t.Parallel()
	in := small(t)
	one, two := measure(t, in), measure(t, in)
	a, err := json.Marshal(one)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(two)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Errorf("%s\n%s", a, b)
	}
	var back gate.Report
	if err := json.Unmarshal(a, &back); err != nil || back.Text() != one.Text() {
		t.Errorf("the report does not survive JSON: %v", err)
	}
}

func TestMeasureEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := gate.Measure(ctx, small(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if err := gate.Export(ctx, io.Discard, small(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
