package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
	"saltmine/internal/scan"
)

func (a *app) scanImportCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "import FINDS",
		Short: "File what somebody found with a filter",
		Long: `Reads what 'saltmine scan --filter FILE --output json' printed, opens the finds, which are
sealed to this core, and files them as contacts by dump, as if the file had been scanned
here. FINDS may be "-" for standard input. The filter must have been made here. To import
twice, or to scan the file here as well, files nothing twice.

Exit code 3: something was found.`,
		Example: "  saltmine scan import finds.json",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			finds, err := a.readFinds(args[0])
			if err != nil {
				return err
			}
			return a.withCore(cmd.Context(), func(c *core) error { return a.importFinds(cmd.Context(), c, &finds) })
		},
	}
}

// importFinds files what was found with a filter, file by file.
func (a *app) importFinds(ctx context.Context, c *core, finds *filterFinds) error {
	made, err := c.reg.Acts(ctx, registry.ActFilter{About: finds.Filter, What: []string{canary.ActFilter}, Limit: 1})
	if err != nil {
		return err
	}
	if len(made) == 0 {
		return fmt.Errorf("the filter %q was not made here: import its finds where it was", finds.Filter)
	}
	book, err := scan.NewBook(c.reg.AllTokens(ctx))
	if err != nil {
		return err
	}
	answer := scanned{Files: []scannedFile{}, Incidents: []canary.IncidentID{}}
	for i := range finds.Files {
		f := &finds.Files[i]
		r, contacts, err := c.openFinds(book, f, finds.Filter)
		if err != nil {
			return fmt.Errorf("import %s: %w", f.File, err)
		}
		judged := scan.Judge(book, r)
		for k := range contacts {
			delete(contacts[k].Facts, canary.FindWeight)
			if w := judged.Weights[k]; w != "" {
				contacts[k].Facts[canary.FindWeight] = string(w)
			}
		}
		if err := a.take(ctx, c, &answer, scannedOne{here(), book, f.File, r, judged, contacts}); err != nil {
			return err
		}
	}
	if err := a.print(answer, func(w io.Writer) error { return answer.Text(w) }); err != nil {
		return err
	}
	return answer.outcome()
}

// openFinds opens the finds of one file. What does not open, or says another thing than
// beside it, fails; what names no token of the registry is told as a fault.
func (c *core) openFinds(book *scan.Book, f *filterFile, filter string) (*scan.Report, []canary.Contact, error) {
	r := &scan.Report{SHA256: f.SHA256, Bytes: f.Bytes, Whole: f.Whole, More: f.More}
	for _, fault := range f.Faults {
		r.Faults = append(r.Faults, scan.Fault{Inside: fault.Inside, Err: errors.New(fault.Fault)})
	}
	var contacts []canary.Contact
	unknown := 0
	for i := range f.Finds {
		one := &f.Finds[i]
		contact, find, err := c.openFind(one, f.SHA256, filter)
		if err != nil {
			return nil, nil, fmt.Errorf("find %d: %w", i+1, err)
		}
		ref, ok := book.Find(find.Kind, contact.Targets[0].Text)
		if !ok {
			unknown++
			continue
		}
		find.Ref = ref
		r.Finds, contacts = append(r.Finds, find), append(contacts, contact)
	}
	if unknown > 0 {
		r.Faults = append(r.Faults, scan.Fault{Err: fmt.Errorf("%d finds name no token: they met the filter by chance, or the token was given up since", unknown)})
	}
	return r, contacts, nil
}

var errOtherFind = errors.New("what is sealed in it is another find than it says: the file was changed")

func (c *core) openFind(one *filterFind, sum, filter string) (contact canary.Contact, find scan.Find, err error) {
	plain, err := c.keys.Core.Open(one.Sealed)
	if err != nil {
		return contact, find, err
	}
	if err := contact.UnmarshalBinary(plain); err != nil {
		return contact, find, err
	}
	facts := contact.Facts
	offset, err := strconv.ParseInt(facts[canary.FindOffset], 10, 64)
	line, err2 := strconv.ParseInt(facts[canary.FindLine], 10, 64)
	if err != nil || err2 != nil || len(contact.Targets) != 1 {
		return contact, find, errOtherFind
	}
	find = scan.Find{Kind: contact.Targets[0].Kind, Inside: facts[canary.FindInside], Offset: offset, Line: line, Size: one.Bytes, Form: facts["form"], Weak: facts[canary.FindWeight] != ""}
	if contact.Channel != canary.Dump || contact.Ear != canary.EarScan || facts[canary.FindFile] != sum || facts[factFilter] != filter || contact.ID != one.Contact || contact.ID != findID(sum, &find) {
		return contact, find, errOtherFind
	}
	return contact, find, nil
}
