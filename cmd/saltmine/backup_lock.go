package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"saltmine/internal/backup"
	"saltmine/internal/conf"
)

// The variables of the environment that may hold passphrases.
const (
	backupEnv = "SALTMINE_BACKUP_PASSPHRASE"
	keysEnv   = "SALTMINE_KEYS_PASSPHRASE"
)

// lockFlags say for whom a backup is encrypted, or who opens it.
type lockFlags struct {
	file       string
	recipients []string
	identity   string

	phrase string // once it is known; not a flag
}

func (l *lockFlags) flags(cmd *cobra.Command, prefix, what string) {
	cmd.Flags().StringVar(&l.file, prefix+"passphrase-file", "", "`FILE` with the passphrase for "+what)
	cmd.Flags().StringSliceVar(&l.recipients, prefix+"recipient", nil, "public key of age (`age1…`) for "+what+", or a file of them")
}

func (l *lockFlags) openFlags(cmd *cobra.Command, prefix, what string) {
	cmd.Flags().StringVar(&l.file, prefix+"passphrase-file", "", "`FILE` with the passphrase of "+what)
	cmd.Flags().StringVar(&l.identity, prefix+"identity", "", "`FILE` of age-keygen that opens "+what)
}

func (l *lockFlags) given() bool { return l.file != "" || len(l.recipients) > 0 || l.identity != "" }

// lockFor finds out for whom a backup is encrypted.
func (a *app) lockFor(l *lockFlags, env, prompt string) (backup.Lock, error) {
	if len(l.recipients) > 0 {
		if l.file != "" {
			return backup.Lock{}, usage("want a passphrase or recipients, not both")
		}
		text, err := recipientLines(l.recipients)
		if err != nil {
			return backup.Lock{}, err
		}
		lock, err := backup.RecipientLock(text)
		return lock, asUsage(err)
	}
	if err := a.askPhrase(l, env, prompt, true); err != nil {
		return backup.Lock{}, err
	}
	lock, err := backup.PassphraseLock(l.phrase)
	return lock, asUsage(err)
}

func recipientLines(list []string) (string, error) {
	var out strings.Builder
	for _, r := range list {
		if !strings.HasPrefix(r, "age1") {
			b, err := os.ReadFile(r) // the operator names the file
			if err != nil {
				return "", fmt.Errorf("recipients: %w", err)
			}
			r = string(b)
		}
		out.WriteString(r + "\n")
	}
	return out.String(), nil
}

// keyFor finds out what opens a backup.
func (a *app) keyFor(l *lockFlags, env, prompt string) (backup.Key, error) {
	if l.identity != "" {
		if l.file != "" {
			return backup.Key{}, usage("want a passphrase or an identity, not both")
		}
		secret, err := conf.ReadSecret(l.identity)
		if err != nil {
			return backup.Key{}, &exitError{exitUsage, err}
		}
		key, err := backup.IdentityKey(secret.Reveal())
		return key, asUsage(err)
	}
	if err := a.askPhrase(l, env, prompt, false); err != nil {
		return backup.Key{}, err
	}
	key, err := backup.PassphraseKey(l.phrase)
	return key, asUsage(err)
}

func asUsage(err error) error {
	if err == nil {
		return nil
	}
	return &exitError{exitUsage, err}
}

// askPhrase finds the passphrase: in a file, in the environment, at the terminal. Not
// on the command line, which every process on the machine can read.
func (a *app) askPhrase(l *lockFlags, env, prompt string, twice bool) error {
	if l.file != "" {
		secret, err := conf.ReadSecret(l.file)
		if err != nil {
			return &exitError{exitUsage, err}
		}
		l.phrase = secret.Reveal()
		return nil
	}
	if l.phrase = os.Getenv(env); l.phrase != "" {
		return nil
	}
	in, ok := a.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return usage("no %s: give it in a file (--…passphrase-file) or in %s, or run this at a terminal", prompt, env)
	}
	ask := func(text string) (string, error) {
		fmt.Fprintf(a.stderr, "%s: ", text) //nolint:errcheck // a terminal that went away
		b, err := term.ReadPassword(int(in.Fd()))
		a.say("")
		return string(b), err
	}
	phrase, err := ask(prompt)
	if err == nil && twice {
		var again string
		if again, err = ask("again"); err == nil && again != phrase {
			return usage("the two are not the same")
		}
	}
	if err != nil {
		return fmt.Errorf("read the passphrase: %w", err)
	}
	l.phrase = phrase
	return nil
}
