package witness

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// File is a witness that is a file: notes are put at its end, each on the disk before
// it counts as taken. The file may be one to which nothing can be done but that
// (chattr +a), on a disk of another machine.
func File(path string) func(ctx context.Context, line []byte) error {
	return func(_ context.Context, line []byte) error {
		f, err := open(path)
		if err != nil {
			return err
		}
		// In one write: two cores do not mix their lines, and one that was cut off
		// in the middle of a line spoils no other.
		_, err = f.Write(append([]byte("\n"), append(line, '\n')...))
		if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
			return fmt.Errorf("witness: %w", err)
		}
		return nil
	}
}

// CheckFile reports whether notes could be put at the end of a file. It makes it
// where there is none.
func CheckFile(path string) error {
	f, err := open(path)
	if err != nil {
		return err
	}
	return f.Close()
}

func open(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600) // the operator names the file
	if err != nil {
		return nil, fmt.Errorf("witness: %w", err)
	}
	return f, nil
}
