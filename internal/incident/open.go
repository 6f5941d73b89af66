package incident

import (
	"fmt"

	"saltmine/internal/canary"
	"saltmine/internal/spool"
)

// open decodes a record. What does not open is kept as it came: it may be
// evidence that somebody had hold of the edge.
func (in *Intake) open(rec spool.Record) canary.Contact {
	var c canary.Contact
	plain, err := in.cfg.Open(rec.Sealed)
	if err == nil {
		if err = c.UnmarshalBinary(plain); err == nil {
			if err = fileable(c); err == nil {
				return c
			}
		}
	}
	in.cfg.Log.Error("a spooled record cannot be read and is kept as it is", "spool", in.cfg.Name, "seq", rec.Seq, "err", err)
	return canary.Contact{
		ID: canary.ContactID(fmt.Sprintf("k_unread-%s-%012d", in.cfg.Name, rec.Seq)), Channel: canary.Report, At: canary.Micro(rec.At), Ear: "spool",
		Unverified: true, Facts: map[string]string{"fault": "the record does not open with the core's key, or holds no contact"}, Raw: rec.Sealed,
	}
}

// maxEar is the longest name of an ear that the registry takes.
const maxEar = 64

// fileable reports why a decoded contact could not be filed. An edge that was
// taken over can write records that decode and cannot be encoded again (bytes
// that grow in JSON, a year beyond 9999); one of them would stop the intake.
func fileable(c canary.Contact) error {
	if len(c.Ear) > maxEar {
		return fmt.Errorf("name of the ear of %d bytes, %d allowed", len(c.Ear), maxEar)
	}
	c.Raw = nil // kept as it came, and bounded where it was decoded
	_, err := c.MarshalBinary()
	return err
}

// cursorText is empty at the beginning.
func cursorText(c spool.Cursor) string {
	if c == 0 {
		return ""
	}
	return c.String()
}
