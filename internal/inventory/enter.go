package inventory

import (
	"cmp"
	"fmt"
	"time"

	"saltmine/internal/canary"
)

// Entry is what entering items into a pool changes. The items are whole and
// may be written as they are.
type Entry struct {
	Added    []Item // with new names
	Changed  []Item // described in another way than before
	Unlisted []Item // the configuration's files have them no more
}

// Enter works out what entering news into a pool changes. Items are known by
// their text; what is there already keeps its name and the facts of its use.
// With whole set, news is everything that the configuration's files list: what
// they listed before and list no more is unlisted. Entering the same news again
// changes nothing.
//
// News must be well formed and must not name one thing twice. A mailbox that is
// to become a seed address, or the reverse, is an [ErrClash], and so are two
// items that forward to one address.
func Enter(have, news []Item, whole bool, now time.Time) (Entry, error) {
	var e Entry
	at := map[key]int{}
	for i := range have {
		at[keyOf(&have[i])] = i
	}
	seen := map[key]bool{}
	for n := range news {
		item := news[n]
		if err := item.Validate(); err != nil {
			return Entry{}, fmt.Errorf("%s: %w", item.Kind, err)
		}
		k := keyOf(&item)
		if seen[k] {
			return Entry{}, fmt.Errorf("%s number %d is entered twice: %w", item.Kind, n+1, ErrClash)
		}
		seen[k] = true
		i, known := at[k]
		if !known {
			e.Added = append(e.Added, fresh(item, whole, now))
			continue
		}
		changed, is, err := have[i].update(&item, whole)
		if err != nil {
			return Entry{}, err
		}
		if is {
			e.Changed = append(e.Changed, changed)
		}
	}
	if whole {
		e.Unlisted = lost(have, seen, now)
	}
	return e, oneLanding(have, &e)
}

// oneLanding refuses two items that forward to one address: it could not be
// told which was contacted.
func oneLanding(have []Item, e *Entry) error {
	lands := map[ID]string{}
	for _, list := range [][]Item{have, e.Added, e.Changed} {
		for i := range list {
			lands[list[i].ID] = list[i].Reading.ForwardTo
		}
	}
	first := map[string]ID{}
	for id, to := range lands {
		if to == "" {
			continue
		}
		if other, taken := first[to]; taken {
			return fmt.Errorf("%s and %s forward to one address: %w", id, other, ErrClash)
		}
		first[to] = id
	}
	return nil
}

// lost marks the items that were listed and are no more.
func lost(have []Item, seen map[key]bool, now time.Time) (out []Item) {
	for i := range have {
		if old := &have[i]; old.Listed && old.Unlisted.IsZero() && !seen[keyOf(old)] {
			gone := *old
			gone.Unlisted = canary.Micro(now)
			out = append(out, gone)
		}
	}
	return out
}

// key is what an item is known by: a mailbox and a seed address are one thing.
type key struct {
	kind canary.Kind // empty: a domain
	text string
}

func keyOf(i *Item) key { return key{i.Kind.Token(), i.Text} }

// fresh makes an item of a description: nothing has happened to it.
func fresh(news Item, listed bool, now time.Time) Item {
	i := Item{
		ID: NewID(), Kind: news.Kind, Text: news.Text, Provider: news.Provider, Country: news.Country, Locale: news.Locale, Name: news.Name,
		Owner: news.Owner, Consent: news.Consent, Line: news.Line, Reading: news.Reading, Soak: news.Soak, Capacity: news.Capacity,
		Expires: news.Expires, Added: news.Added, Listed: listed,
	}
	if i.Added.IsZero() {
		i.Added = canary.Micro(now)
	}
	return i
}

// update gives the item as it is described now, and whether that is news. What
// the description leaves out stays as it was.
func (i Item) update(news *Item, listed bool) (Item, bool, error) {
	if i.Kind != news.Kind {
		return i, false, fmt.Errorf("%s as %s: %w", i, news.Kind, ErrClash)
	}
	is := false
	set(&is, &i.Provider, news.Provider)
	set(&is, &i.Country, news.Country)
	set(&is, &i.Locale, news.Locale)
	set(&is, &i.Name, news.Name)
	set(&is, &i.Owner, news.Owner)
	set(&is, &i.Consent, news.Consent)
	set(&is, &i.Line, news.Line)
	set(&is, &i.Reading, news.Reading)
	set(&is, &i.Soak, news.Soak)
	set(&is, &i.Capacity, news.Capacity)
	set(&is, &i.Listed, listed)
	setTime(&is, &i.Expires, news.Expires)
	setTime(&is, &i.Added, news.Added)
	if listed && !i.Unlisted.IsZero() {
		i.Unlisted, is = time.Time{}, true
	}
	return i, is, nil
}

// set writes what is given and new.
func set[T comparable](is *bool, into *T, from T) {
	if from = cmp.Or(from, *into); from != *into {
		*into, *is = from, true
	}
}

func setTime(is *bool, into *time.Time, from time.Time) {
	if !from.IsZero() && !from.Equal(*into) {
		*into, *is = from, true
	}
}
