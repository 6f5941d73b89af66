package backup

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"filippo.io/age"
)

// Lock is for whom a backup is encrypted: a passphrase, or recipients.
type Lock struct{ to []age.Recipient }

// Key opens a backup.
type Key struct{ by []age.Identity }

// LogValue keeps the key out of logs.
func (Key) LogValue() slog.Value { return slog.StringValue("backup key") }

// String keeps the key out of texts.
func (Key) String() string { return "backup key" }

// GoString keeps the key out of texts.
func (Key) GoString() string { return "backup key" }

// LogValue keeps the passphrase out of logs.
func (Lock) LogValue() slog.Value { return slog.StringValue("backup lock") }

// String keeps the passphrase out of texts.
func (Lock) String() string { return "backup lock" }

// GoString keeps the passphrase out of texts.
func (Lock) GoString() string { return "backup lock" }

// ShortestPassphrase is how many bytes a passphrase has at least: who has the file can
// try as many as they like.
const ShortestPassphrase = 12

// PassphraseLock encrypts for a passphrase.
func PassphraseLock(text string) (Lock, error) {
	if len(text) < ShortestPassphrase {
		return Lock{}, fmt.Errorf("the passphrase has %d characters: whoever has the file can try as many as they like, so at least %d are wanted", len(text), ShortestPassphrase)
	}
	r, err := age.NewScryptRecipient(text)
	if err != nil {
		return Lock{}, fmt.Errorf("passphrase: %w", err)
	}
	return Lock{[]age.Recipient{r}}, nil
}

// RecipientLock encrypts for recipients, one a line, "age1…" each; lines that begin
// with # are passed over.
func RecipientLock(lines string) (Lock, error) {
	to, err := age.ParseRecipients(strings.NewReader(lines))
	if err != nil {
		return Lock{}, fmt.Errorf("recipients: %w", err)
	}
	return Lock{to}, nil
}

// PassphraseKey opens what was encrypted for a passphrase.
func PassphraseKey(text string) (Key, error) {
	i, err := age.NewScryptIdentity(text)
	if err != nil {
		return Key{}, fmt.Errorf("passphrase: %w", err)
	}
	return Key{[]age.Identity{i}}, nil
}

// IdentityKey opens what was encrypted for a recipient: the text of an identity file,
// as age-keygen makes it.
func IdentityKey(text string) (Key, error) {
	by, err := age.ParseIdentities(strings.NewReader(text))
	if err != nil { // it may repeat the line
		return Key{}, errors.New("identity: want the file that age-keygen made, with AGE-SECRET-KEY-1…")
	}
	return Key{by}, nil
}

func (k Key) open(r io.Reader) (io.Reader, error) {
	plain, err := age.Decrypt(r, k.by...)
	if wrong, ok := errors.AsType[*age.NoIdentityMatchError](err); ok {
		return nil, fmt.Errorf("%w (%w)", ErrKey, wrong)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return plain, nil
}
