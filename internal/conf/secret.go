package conf

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
)

// maxSecret bounds a secret file in bytes.
const maxSecret = 64 << 10

// Errors of secret files, for errors.Is.
var (
	// ErrReadableByOthers: group or world may read the file.
	ErrReadableByOthers = errors.New("readable by others")
	// ErrEmptySecret: the file holds nothing but white space.
	ErrEmptySecret = errors.New("empty")
)

const (
	mask   = "[secret]"
	absent = "[no secret]"
)

// Secret is text that does not print: every fmt verb, JSON, text encoding and
// slog show a mask. Only Reveal gives it out. The zero Secret holds nothing.
//
// The text is behind a pointer, because fmt cannot call methods on unexported
// fields of a foreign struct and would otherwise print the bytes.
type Secret struct{ text *string }

// NewSecret holds text; empty text gives the zero Secret.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{text: &text}
}

// Reveal gives the text, "" when there is none.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero reports whether there is no text.
func (s Secret) IsZero() bool { return s.text == nil }

// String gives a mask.
func (s Secret) String() string {
	if s.IsZero() {
		return absent
	}
	return mask
}

// GoString gives a mask.
func (s Secret) GoString() string { return s.String() }

// Format prints a mask for every verb, %d and %x included.
func (s Secret) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, s.String()) // fmt has no way to report a failure here
}

// MarshalText gives a mask.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON gives a mask as a JSON string.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + s.String() + `"`), nil }

// LogValue gives a mask.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// ReadSecret reads a secret file. It is refused when group or world have any
// right on it (ErrReadableByOthers, with the command that mends it), when it
// is empty (ErrEmptySecret), not a regular file, or larger than 64 KiB. One
// trailing newline is removed, everything else is kept.
func ReadSecret(path string) (Secret, error) {
	text, err := readPrivate(path)
	if err != nil {
		return Secret{}, err
	}
	return NewSecret(text), nil
}

func readPrivate(path string) (string, error) {
	// Looked at before opening too: opening a named pipe would wait for ever.
	if info, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("secret file: %w", err)
	} else if !info.Mode().IsRegular() {
		return "", fmt.Errorf("secret file %s: %w", path, errNotRegular)
	}
	f, err := os.Open(path) // the operator names the file
	if err != nil {
		return "", fmt.Errorf("secret file: %w", err)
	}
	defer f.Close() //nolint:errcheck // read only
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("secret file: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return "", fmt.Errorf("secret file %s: %w (mode %04o); run: chmod 600 %s", path, ErrReadableByOthers, mode, path)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return "", fmt.Errorf("secret file: %w", err)
	}
	if len(data) > maxSecret {
		return "", fmt.Errorf("secret file %s: more than %d bytes", path, maxSecret)
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return "", fmt.Errorf("secret file %s: %w", path, ErrEmptySecret)
	}
	text := strings.TrimSuffix(string(data), "\n")
	return strings.TrimSuffix(text, "\r"), nil
}
