package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"saltmine/internal/canary"
	"saltmine/seeder/supportdb"
)

// byBoth follows the addresses that stand beside keys in recorded rows. A row whose
// address is a token's is ours, whatever key it has: a copy that was salted numbers its
// rows itself. An address that another customer has now names that one too. What is left
// beside a key is nobody's now.
func (m *affecting) byBoth(ctx context.Context, ours map[string]canary.ID) error {
	texts := slices.Concat(slices.Collect(maps.Values(m.found.beside))...)
	texts = slices.Compact(slices.Sorted(slices.Values(texts)))
	known, err := m.known(ctx, texts)
	if err != nil {
		return err
	}
	others, err := m.keysOf(ctx, slices.DeleteFunc(texts, func(s string) bool { return known[s] }))
	if err != nil {
		return err
	}
	m.found.elsewhere = map[string]bool{}
	tokens := map[string]bool{}
	for key, all := range m.found.beside { // before people's keys are added below
		if _, is := ours[key]; !is && len(all) > 0 && !slices.ContainsFunc(all, func(s string) bool { return !known[s] }) {
			delete(m.found.keys, key)
			for _, text := range all {
				tokens[text] = true
			}
		}
	}
	for key, all := range m.found.beside {
		people := slices.DeleteFunc(slices.Clone(all), func(s string) bool { return known[s] })
		if _, is := ours[key]; is {
			for _, text := range people { // it is of another numbering
				m.found.emails[text] = true
			}
		}
		m.found.beside[key] = slices.DeleteFunc(people, func(s string) bool {
			other, there := others[strings.ToLower(s)]
			if there {
				m.found.keys[other], m.found.elsewhere[key] = true, true
			}
			return there
		})
	}
	m.out.Ours += len(tokens)
	return m.again(ctx, tokens)
}

// keysOf finds the keys of those who have some addresses now, which are given in lower case.
func (m *affecting) keysOf(ctx context.Context, texts []string) (map[string]string, error) {
	keys, err := m.desk.KeysOf(ctx, "email", texts)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for text, key := range keys {
		out[strings.ToLower(text)] = key
	}
	return out, nil
}

// missing are the recorded addresses of those whose keys are nobody's any more. Who has
// none is counted.
func (m *affecting) missing(keys []string, records []supportdb.Record) (list []customer) {
	there := map[string]bool{}
	for i := range records {
		there[records[i].Key] = true
	}
	for _, key := range keys {
		if there[key] {
			continue
		}
		if len(m.found.beside[key]) == 0 && !m.found.elsewhere[key] {
			m.out.Unmatched++
		}
		for _, text := range m.found.beside[key] {
			list = append(list, customer{key: key, email: text, gone: true})
		}
	}
	return list
}

// standing reads the customers whose keys were found, some at a time.
func (m *affecting) standing(ctx context.Context) (list []customer, err error) {
	for group := range slices.Chunk(slices.Sorted(maps.Keys(m.found.keys)), portraitGroup) {
		some, err := m.portraits(ctx, group)
		if err != nil {
			return nil, err
		}
		list = append(list, some...)
	}
	if m.out.Changed > 0 {
		m.note("%d of the customers have changed since it was taken", m.out.Changed)
	}
	return list, nil
}

// tellGone says who is on the list though the database of now would not have them there.
func (m *affecting) tellGone(list []customer) {
	for i := range list {
		if list[i].gone {
			m.out.Gone++
		}
	}
	if m.out.Gone > 0 {
		m.note("%d addresses are no customer's any more: they are listed by the address alone", m.out.Gone)
	}
	if m.out.Recorded && m.out.Later > 0 {
		m.note("%d signed up after it was taken, by the database: their rows went out, so they are listed and marked; the extract's time, or a zone, may be wrong", m.out.Later)
	}
	if m.out.Recorded && m.out.Unmatched > 0 {
		m.note("%d rows name no customer of now and have no address: a backup may have them (--dsn-file)", m.out.Unmatched)
	}
}

// write writes the list for notices.
func (m *affecting) write(list []customer) (err error) {
	f, err := os.OpenFile(m.flags.out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write the list: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	words := []string{"email", "salutation", "name", "first_name", "last_name", "phone", "segment.country", "segment.language"}
	w := csv.NewWriter(f)
	head := []string{"customer"}
	for _, word := range words {
		head = append(head, strings.TrimPrefix(word, "segment."))
	}
	if m.out.Recorded {
		head = append(head, "recorded_email", "signed_up_later")
	}
	if err := w.Write(head); err != nil {
		return fmt.Errorf("write the list: %w", err)
	}
	for i := range list {
		if err := w.Write(list[i].line(words, m.out.Recorded)); err != nil {
			return fmt.Errorf("write the list: %w", err)
		}
	}
	w.Flush()
	return w.Error()
}

// line is a customer's line of the list.
func (c *customer) line(words []string, recorded bool) []string {
	line := []string{c.key}
	for _, word := range words {
		line = append(line, c.facts.Get(word).Text())
	}
	if c.gone {
		line[1] = c.email
	}
	if recorded {
		later := ""
		if c.later {
			later = "yes"
		}
		line = append(line, c.email, later)
	}
	return line
}
