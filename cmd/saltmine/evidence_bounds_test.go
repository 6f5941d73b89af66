package main

import (
	"bytes"
	"strings"
	"testing"

	"saltmine/internal/canary"
	"saltmine/internal/disclosure"
	"saltmine/internal/evidence/pack"
	"saltmine/internal/registry"
	"saltmine/internal/seal"
)

// TestTooLargeAPack: what cannot fit is refused before anything is opened.
func TestTooLargeAPack(t *testing.T) {
	t.Parallel()
	d := &dossier{incident: canary.Incident{ID: "i_aaaaaaaaaaaaaaaa"}, contacts: make([]registry.FiledContact, 1000)}
	if err := d.fits(); err != nil {
		t.Error(err)
	}
	d.contacts = make([]registry.FiledContact, 1+pack.MaxFiles/5)
	if err := d.fits(); err == nil || !strings.Contains(err.Error(), "nothing is exported") {
		t.Errorf("%d contacts: %v", len(d.contacts), err)
	}
}

// TestOnlyWhatWasReached: of a canary's commitments those stay that have a token that was.
func TestOnlyWhatWasReached(t *testing.T) {
	t.Parallel()
	shown := []disclosure.Shown{
		{At: 1, Leaf: `{"role":"planted","canary":"c_a","tokens":[{"id":"t_a"},{"id":"t_b"}]}`},
		{At: 2, Leaf: `{"role":"planted","canary":"c_a","tokens":[{"id":"t_c"}]}`},
	}
	if got := onlyOf(shown, map[canary.TokenID]bool{"t_b": true}); len(got) != 1 || got[0].At != 1 {
		t.Errorf("%+v", got)
	}
}

// TestPackThatDoesNotVerify gets no name.
func TestPackThatDoesNotVerify(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := seal.Generate(dir); err != nil {
		t.Fatal(err)
	}
	keys, err := seal.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	d := &dossier{core: &core{keys: keys}}
	var b bytes.Buffer
	leaf := pack.Bytes("log/leaves", []byte("one leaf"))
	if _, err := pack.Write(&b, d.key(), pack.Head{Incident: "i_aaaaaaaaaaaaaaaa"}, pack.Proof{}, []pack.Content{leaf}); err != nil {
		t.Fatal(err)
	}
	if err := d.holds(bytes.NewReader(b.Bytes()), int64(b.Len())); err == nil || !strings.Contains(err.Error(), "nothing is exported") {
		t.Error(err)
	}
}
