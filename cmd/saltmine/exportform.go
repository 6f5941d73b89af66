package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"saltmine/internal/canary"
	"saltmine/internal/people"
	"saltmine/internal/registry"
	"saltmine/seeder"
	"saltmine/seeder/supportdb"
)

// formFlags are the command line of export-form.
type formFlags struct {
	plantFlags
	format, out string
}

const exportFormLong = `Makes K canaries as plant does, registers them with their placebos, and writes
them as a file for the import that your application has, instead of inserting
them: what reaches the database then comes from the application, with its user,
its statements and its log. The gate judges them before, as it does for plant. A
user with SELECT alone is enough.

The columns are those of the customer table; leave out what your import does not
take. Tickets come in a file of their own (FILE-tickets.csv, by the customer's
e-mail address), or within each customer of a JSON file. Ticket numbers are not
in it: the application gives them. Switch off mails to new customers while you
import.

The file names the canaries: it is for its owner alone (0600), writing it is on
record, and it should be deleted after the import. Then run 'saltmine adopt',
which finds the rows. The same command again writes the forms that were not
adopted yet once more, also where a run was cut off.`

func (a *app) exportFormCmd() *cobra.Command {
	var f formFlags
	cmd := &cobra.Command{
		Use:     "export-form --count K --out FILE",
		Short:   "Write canaries as a file for the application's own import",
		Long:    exportFormLong,
		Example: "  saltmine export-form --count 40 --batch spring --out spring.csv\n  saltmine export-form --count 40 --format json --out spring.json\n  saltmine adopt --batch spring",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.exportForm(cmd.Context(), f, asked(cmd, args, people.Forensics, people.Seeder))
		},
	}
	a.tokenFlag(cmd)
	fl := cmd.Flags()
	fl.IntVar(&f.count, "count", 0, "how many canaries the batch has")
	fl.StringVar(&f.out, "out", "", "`FILE` to write; it must not exist")
	fl.StringVar(&f.format, "format", "csv", "`FORMAT` of the file: csv or json")
	completes(cmd, "format", "csv", "json")
	fl.StringVar(&f.support, "support", "", "`NAME` of the support database, when there are several")
	fl.StringVar(&f.batch, "batch", "", "`NAME` of the batch; the same name exports what is not adopted yet again")
	fl.StringVar(&f.segment, "segment", "", "only among rows like these: `column=value,…`; columns of the customer table, or the recipe's words")
	fl.StringSliceVar(&f.strata, "strata", nil, "spread them over the values of these `COLUMNS`, in proportion to the rows")
	fl.StringArrayVar(&f.weights, "weight", nil, "with --strata, count rows with a value as so many times as many: `column=value:factor`; may be repeated")
	fl.StringVar(&f.with, "with", "", "`KINDS` of tokens that every canary is to have, phone and ticket; else they lack them as often as customers do")
	fl.BoolVar(&f.force, "force", false, "export what the gate refuses; this is recorded")
	return cmd
}

// plan checks the flags and says what to make.
func (f *formFlags) plan() (cfg seeder.PlantConfig, err error) {
	_, with, err := f.likeness()
	if err != nil {
		return cfg, err
	}
	segment, err := canary.ParseSegment(f.segment)
	if err != nil {
		return cfg, &exitError{exitUsage, err}
	}
	weights, err := f.weight()
	if err != nil {
		return cfg, err
	}
	if f.format != "csv" && f.format != "json" {
		return cfg, usage("--format %q: want csv or json", f.format)
	}
	if f.out == "" {
		return cfg, usage("--out FILE is wanted")
	}
	for _, name := range f.files() {
		if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
			return cfg, usage("%s exists: name another file, or delete it", name)
		}
	}
	f.form = true
	return seeder.PlantConfig{Count: f.count, Segment: segment, Strata: f.strata, Weights: weights, With: with}, nil
}

// files are the file, and that of the tickets where they need one.
func (f *formFlags) files() []string {
	if f.format != "csv" {
		return []string{f.out}
	}
	ext := filepath.Ext(f.out)
	return []string{f.out, strings.TrimSuffix(f.out, ext) + "-tickets" + ext}
}

func (a *app) exportForm(ctx context.Context, f formFlags, q request) error {
	cfg, err := f.plan()
	if err != nil {
		return err
	}
	return a.change(ctx, f.support, func(ctx context.Context, c *core, s *support) (any, func(io.Writer) error, error) {
		by, err := a.may(ctx, c, q) // before anything is registered
		if err != nil {
			return nil, nil, err
		}
		if err := c.importPool(ctx); err != nil {
			return nil, nil, err
		}
		if cfg.Batch, err = a.chooseBatch(ctx, c, s.place, f.plantFlags); err != nil {
			return nil, nil, err
		}
		defer thrifty()()
		learning, _, done := a.plantProgress()
		gate, judged := a.gateOf(c.cfg.Gate, f.force)
		cfg.PlacebosPerEmail, cfg.Gate, cfg.Learning = c.cfg.Pool.PlacebosPerEmail, gate, learning
		out, err := newFormFiles(f.files()) // where none can be made nothing is registered
		if err != nil {
			return nil, nil, err
		}
		defer out.drop()
		var r seeder.FormReport
		err = c.onRecord(ctx, canary.ActPlant, string(cfg.Batch), false, func() (string, error) {
			r, err = s.seeder.Form(ctx, cfg)
			return fmt.Sprintf("%d forms", len(r.Forms)), err
		})
		judged()
		done()
		if err != nil {
			a.showRefusal(err)
			return nil, nil, a.cutOff(ctx, c, cfg.Batch, err)
		}
		if err := c.writeForms(ctx, by, out, r.Forms, f.format); err != nil {
			return nil, nil, &unfinishedError{err}
		}
		e := exported{r.PlantReport, len(r.Forms), out.written}
		return e, e.text, nil
	})
}

// writeForms records that the canaries are shown, and publishes their files.
func (c *core) writeForms(ctx context.Context, by registry.By, out *formFiles, forms []seeder.Form, format string) error {
	if len(forms) == 0 {
		return nil
	}
	ids := make([]canary.ID, len(forms))
	for i := range forms {
		ids[i] = forms[i].Canary
	}
	if err := c.reg.Reveal(ctx, by, ids...); err != nil {
		return err
	}
	if format == "json" {
		if err := jsonForms(out.part[0], forms); err != nil {
			return fmt.Errorf("export forms: %w", err)
		}
		return out.publish(1)
	}
	tickets, err := csvForms(out.part[0], out.part[1], forms)
	if err != nil {
		return fmt.Errorf("export forms: %w", err)
	}
	if !tickets {
		return out.publish(1)
	}
	return out.publish(2)
}

// formFiles are files that appear whole or not at all.
type formFiles struct {
	names   []string
	part    []*os.File
	written []string
}

func newFormFiles(names []string) (*formFiles, error) {
	out := &formFiles{names: names}
	for _, name := range names {
		f, err := os.OpenFile(partOf(name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
		if err == nil {
			out.part = append(out.part, f)
			err = f.Chmod(0o600) // one that was left by a run that died
		}
		if err != nil {
			out.drop()
			return nil, fmt.Errorf("export forms: %w", err)
		}
	}
	return out, nil
}

func partOf(name string) string {
	return filepath.Join(filepath.Dir(name), "."+filepath.Base(name)+".part")
}

// publish makes the first files appear, the one with the customers last: all of
// them or none, so that the same command can be given again.
func (o *formFiles) publish(n int) error {
	for i := n - 1; i >= 0; i-- {
		err := o.part[i].Sync()
		if err == nil {
			err = publish(partOf(o.names[i]), o.names[i])
		}
		if err != nil {
			for _, name := range o.names[i+1 : n] {
				err = errors.Join(err, os.Remove(name))
			}
			return fmt.Errorf("export forms: %w", err)
		}
	}
	o.written = o.names[:n]
	return nil
}

// drop closes what is open, and removes what was not published.
func (o *formFiles) drop() {
	for _, f := range o.part {
		_ = f.Close()           // Sync had its faults
		_ = os.Remove(f.Name()) // after the rename there is none
	}
}

func cellTexts(r *supportdb.Row, columns []string) []string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = r.Get(c).Text()
	}
	return out
}

// columnsOf are the columns of rows, in order.
func columnsOf(rows []*supportdb.Row) (columns []string) {
	for _, r := range rows {
		for _, c := range r.Columns {
			if !slices.Contains(columns, c) {
				columns = append(columns, c)
			}
		}
	}
	return columns
}

// csvForms writes customers and their tickets; tickets is whether there are any.
func csvForms(customers, of io.Writer, forms []seeder.Form) (tickets bool, err error) {
	var people, theirs []*supportdb.Row
	var emails []string
	for i := range forms {
		people = append(people, &forms[i].Customer)
		for n := range forms[i].Tickets {
			theirs, emails = append(theirs, &forms[i].Tickets[n]), append(emails, forms[i].Email)
		}
	}
	columns := columnsOf(people)
	table := [][]string{columns}
	for _, r := range people {
		table = append(table, cellTexts(r, columns))
	}
	columns = columnsOf(theirs)
	list := [][]string{append([]string{"customer"}, columns...)}
	for i, r := range theirs {
		list = append(list, append([]string{emails[i]}, cellTexts(r, columns)...))
	}
	return len(theirs) > 0, errors.Join(csv.NewWriter(customers).WriteAll(table), csv.NewWriter(of).WriteAll(list))
}

// jsonForms writes customers with their tickets within.
func jsonForms(w io.Writer, forms []seeder.Form) error {
	object := func(r *supportdb.Row) map[string]any {
		out := map[string]any{}
		for i, c := range r.Columns {
			if out[c] = nil; !r.Values[i].IsNull() {
				out[c] = r.Values[i].Text()
			}
		}
		return out
	}
	list := []map[string]any{}
	for i := range forms {
		tickets := []map[string]any{}
		for n := range forms[i].Tickets {
			tickets = append(tickets, object(&forms[i].Tickets[n]))
		}
		one := object(&forms[i].Customer)
		one["tickets"] = tickets
		list = append(list, one)
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(map[string]any{"customers": list})
}

// exported is what export-form prints. The canaries are in the files alone.
type exported struct {
	seeder.PlantReport
	Forms int      `json:"forms"`
	Files []string `json:"files"`
}

func (e exported) text(w io.Writer) error {
	if e.Forms == 0 {
		_, err := fmt.Fprintf(w, "batch %s: nothing is left to export: all %d were adopted or given up\n", e.Batch, e.Asked)
		return err
	}
	_, err := fmt.Fprintf(w, "batch %s: %d canaries are registered, and not yet in the database: %s\n", e.Batch, e.Forms, strings.Join(e.Files, ", "))
	if err == nil {
		err = printGate(w, "", &e.Gate, false)
	}
	if err == nil {
		err = printStrata(w, e.Strata)
	}
	if err != nil {
		return err
	}
	return printNotes(w, append(slices.Clone(e.Warnings),
		fmt.Sprintf("import them with the application, run 'saltmine adopt --batch %s', and delete the file", e.Batch)))
}
