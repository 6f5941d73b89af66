package pack

import (
	"fmt"
	"strings"
)

// begins reports what is wrong with a checkpoint that the log must begin with.
func (v *verifier) begins(where string, note []byte) (int64, error) {
	c, err := v.o.Key.OpenCheckpoint(note)
	if err != nil {
		return 0, fault(where, "%v", err)
	}
	if c.Size > v.out.Manifest.Acts {
		return 0, fault(where, "it is of %d acts, and the pack's log has %d: it is no later than the pack", c.Size, v.out.Manifest.Acts)
	}
	if v.root(c.Size) != c.Root {
		return 0, fault(where, "the pack's log does not begin with that of this checkpoint: acts up to %d were changed, dropped, put in or changed places", c.Size)
	}
	return c.Size, nil
}

// earlier checks the earlier checkpoints, and what others said of them.
func (v *verifier) earlier() error {
	for _, m := range v.list {
		file, is := strings.CutPrefix(m.name, "checkpoints/")
		if !is {
			continue
		}
		b, err := v.read(m.name)
		if err != nil {
			return err
		}
		size, kind, _ := strings.Cut(file, ".")
		if kind == "note" {
			n, err := v.begins(m.name, b)
			if err != nil {
				return err
			}
			if fmt.Sprint(n) != size {
				return fault(m.name, "it is of %d acts", n)
			}
			v.out.Earlier++
			continue
		}
		note, err := v.read("checkpoints/" + size + ".note")
		if err != nil {
			return err
		}
		if v.o.Stamp == nil {
			continue
		}
		said, err := v.o.Stamp(kind, note, b)
		if err != nil {
			return fault(m.name, "%v", err)
		}
		if said != "" {
			v.out.Stamps = append(v.out.Stamps, said+", of "+size+" acts")
		}
	}
	return nil
}

// canaries checks what is disclosed of each.
func (v *verifier) canaries() error {
	for _, m := range v.list {
		file, is := strings.CutPrefix(m.name, "canaries/")
		if !is || v.o.Canary == nil {
			continue
		}
		b, err := v.read(m.name)
		if err != nil {
			return err
		}
		if err := v.o.Canary(strings.TrimSuffix(file, ".json"), b, v.by); err != nil {
			return fault(m.name, "%v", err)
		}
	}
	return nil
}

// outside holds the log against a checkpoint that others kept.
func (v *verifier) outside() (err error) {
	if v.o.Outside != nil {
		v.out.Outside, err = v.begins("checkpoint", v.o.Outside)
	}
	return err
}
