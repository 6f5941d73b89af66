package registry

import (
	"regexp"
	"strconv"
	"time"
)

// Cursor is where a page of a list ended: the time and the id of its last row. What
// comes new is before it, so a list that is walked gives each row once.
type Cursor struct {
	At time.Time
	ID string
}

// cursorForm is how one is spelt: microseconds since 1970, a dot, an id.
var cursorForm = regexp.MustCompile(`^([0-9]{1,16})\.([a-z]_[A-Za-z0-9._-]{8,120})$`)

// String spells it.
func (c Cursor) String() string { return strconv.FormatInt(c.At.UnixMicro(), 10) + "." + c.ID }

// ParseCursor reads one. The empty text is the beginning.
func ParseCursor(text string) (c Cursor, ok bool) {
	if text == "" {
		return c, true
	}
	parts := cursorForm.FindStringSubmatch(text)
	if parts == nil {
		return c, false
	}
	us, err := strconv.ParseInt(parts[1], 10, 64)
	return Cursor{time.UnixMicro(us).UTC(), parts[2]}, err == nil
}
