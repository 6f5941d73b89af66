package conf

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// ReplaceAgent gives an agent, or a person, of a file another token, of which the file
// gets the hash alone. All else in it stays, roles too. The file is there as a whole,
// with the old token or the new one.
func ReplaceAgent(path, name, hashed string) (err error) {
	text, err := readPrivate(path)
	if err != nil {
		return err
	}
	var out strings.Builder
	found := false
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) >= 2 && fields[0] == name {
			fields[1], found = hashed, true
			line = strings.Join(fields, " ") + "\n"
		}
		out.WriteString(line)
	}
	if !found {
		return fmt.Errorf("agents file %s: %q is not in it", path, name)
	}
	if !strings.HasSuffix(out.String(), "\n") {
		out.WriteString("\n")
	}
	tmp := path + ".new"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) // the operator names the file
	if err != nil {
		return fmt.Errorf("agents file: %w", err)
	}
	_, err = f.WriteString(out.String())
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("agents file: %w", err)
	}
	return os.Rename(tmp, path)
}
