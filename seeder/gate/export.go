package gate

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"strconv"
)

// Export writes what the learners see as CSV, for learners of your own: a
// header, then a line for each row, real rows first.
//
// The first column, "canary", is 1 for canaries and 0 for real rows. Every
// other column is a feature under its name, an empty cell where the row has
// none; [Legend] says what each measures. Cells hold numbers, never a value of
// the table, but the file says which of its lines are canaries: keep it as
// secret as a list of them.
func Export(ctx context.Context, w io.Writer, in Input) error {
	v, err := in.look(ctx)
	if err != nil {
		return err
	}
	out := csv.NewWriter(w)
	line := make([]string, len(v.Features)+1)
	line[0] = "canary"
	for i := range v.Features {
		line[i+1] = v.Features[i].Name
	}
	for row := -1; row < v.Rows; row++ {
		if row >= 0 {
			line[0] = strconv.Itoa(min(1, max(0, row-len(in.Real)+1)))
			for i := range v.Features {
				line[i+1] = cell(v.Features[i].Values[row])
			}
		}
		if err := out.Write(line); err != nil {
			return fmt.Errorf("export features: %w", err)
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("export features: %w", err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("export features: %w", err)
	}
	return nil
}

func cell(v float32) string {
	if math.IsNaN(float64(v)) {
		return ""
	}
	return strconv.FormatFloat(float64(v), 'g', -1, 32)
}

// Legend writes what the columns of Export are as CSV: name, part of the row,
// scale (count and span are logarithms of one more) and meaning.
func Legend(ctx context.Context, w io.Writer, in Input) error {
	v, err := in.look(ctx)
	if err != nil {
		return err
	}
	out := csv.NewWriter(w)
	lines := [][]string{{"name", "part", "scale", "meaning"}}
	for i := range v.Features {
		f := &v.Features[i]
		lines = append(lines, []string{f.Name, string(f.Group), string(f.Scale), f.Says})
	}
	if err := out.WriteAll(lines); err != nil {
		return fmt.Errorf("export the legend: %w", err)
	}
	return nil
}
