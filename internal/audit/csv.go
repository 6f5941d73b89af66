package audit

import (
	"bytes"
	"strings"
)

// rows is the split of tables: a record ends at a line feed outside of quotes.
// A quote that never ends would take the rest of the log with it: it ends where a
// line begins as a row of this table does, if that can be told.
type rows struct {
	begins func(line []byte) bool
}

func (r rows) split(data []byte, end bool) (n, from, to int) { //nolint:unparam // one of several splits
	quoted := false
	for pos := 0; ; {
		next := bytes.IndexByte(data[pos:], '\n')
		if next < 0 {
			break
		}
		quoted = quoted != (bytes.Count(data[pos:pos+next], []byte(`"`))%2 == 1)
		pos += next + 1
		if !quoted || r.begins != nil && r.begins(data[pos:]) {
			return pos, 0, len(bytes.TrimRight(data[:pos], "\r\n"))
		}
	}
	if end {
		return len(data), 0, len(data)
	}
	return 0, 0, 0
}

// cells cuts a row; quoted cells have their quotes doubled. It reports false for a
// quote without an end, or with something behind it.
func cells(row []byte, comma byte) (out [][]byte, ok bool) {
	for {
		var cell []byte
		if len(row) > 0 && row[0] == '"' {
			var n int
			if cell, n = quotedCell(row); n == 0 {
				return nil, false
			}
			row = row[n:]
		} else {
			n := bytes.IndexByte(row, comma)
			if n < 0 {
				n = len(row)
			}
			cell, row = row[:n], row[n:]
		}
		out = append(out, cell)
		if len(row) == 0 {
			return out, true
		}
		if row[0] != comma {
			return nil, false
		}
		row = row[1:]
	}
}

// quotedCell is the cell at the beginning and its length, or 0.
func quotedCell(row []byte) (cell []byte, n int) {
	for i := 1; i < len(row); i++ {
		if row[i] != '"' {
			continue
		}
		if i+1 < len(row) && row[i+1] == '"' {
			i++
			continue
		}
		return bytes.ReplaceAll(row[1:i], []byte(`""`), []byte(`"`)), i + 1
	}
	return nil, 0
}

// perconaCSV is Percona's audit_log in CSV. Which fields a row has is told by its
// first.
type perconaCSV struct {
	rows
	percona
	record fields
}

func (p *perconaCSV) decode(rec []byte, e *Event) reason {
	row, ok := cells(rec, ',')
	if !ok {
		return badQuoting
	}
	names := perconaFields(string(row[0]))
	if len(row) < 6 || len(row) < len(names)-1 || len(row) > len(names) { // db came later
		return noFields
	}
	if p.record == nil {
		p.record = fields{}
	}
	clear(p.record)
	for i, cell := range row {
		p.record[names[i]] = cell
	}
	return p.event(p.record, e)
}

func perconaFields(name string) []string {
	switch name {
	case "Audit", "NoAudit":
		return strings.Fields("name record timestamp mysql_version startup_options os_version")
	case "Connect", "Quit", "Change user":
		return strings.Fields("name record timestamp connection_id status user priv_user os_login proxy_user host ip db")
	default:
		return strings.Fields("name record timestamp command_class connection_id status sqltext user host os_user ip db")
	}
}

// isPerconaRow tells how a row of the log begins: "Name","12_2021-06-30T16:10:09".
func isPerconaRow(line []byte) bool {
	name, rest, ok := bytes.Cut(line, []byte(`","`))
	if !ok || len(name) < 2 || len(name) > 40 || name[0] != '"' || name[1] < 'A' || name[1] > 'Z' {
		return false
	}
	record, _, ok := bytes.Cut(rest, []byte(`","`))
	count, stamp, ok2 := bytes.Cut(record, []byte("_"))
	if !ok || !ok2 {
		return false
	}
	_, number := digits(count)
	_, time := plainTime(string(bytes.TrimSuffix(stamp, []byte("Z"))))
	return number && time
}
