package inventory

import (
	"cmp"
	"slices"
	"time"
)

// Filter chooses items. Zero fields choose all.
type Filter struct {
	Kinds    []Kind
	Country  string // items of this country, and those of none
	Provider string
	// Fits says whether an item suits what it is wanted for; nil: all do.
	Fits func(*Item) bool
}

// Match reports whether the filter chooses the item.
func (f Filter) Match(i *Item) bool {
	switch {
	case len(f.Kinds) > 0 && !slices.Contains(f.Kinds, i.Kind):
		return false
	case f.Provider != "" && f.Provider != i.Provider:
		return false
	case f.Country != "" && i.Region() != "" && i.Region() != f.Country:
		return false
	}
	return f.Fits == nil || f.Fits(i)
}

// Offers reports whether an item may be used now: it is ready, does not run
// out within [Notice], and its last check found no fault. A domain must be
// listed besides: the ears listen on the configuration's domains alone. It need
// not have soaked, as strangers try any domain, but a young one is a tell.
func (r Rules) Offers(i *Item, now time.Time) bool {
	state := r.State(i, now)
	if i.Kind == Domain && (!i.Listed || state == Soaking) {
		return i.Listed && lasts(i, now) && !i.Check.Faulty()
	}
	return state == Ready && lasts(i, now) && !i.Check.Faulty()
}

func lasts(i *Item, now time.Time) bool {
	return i.Until().IsZero() || i.Until().After(now.Add(Notice))
}

// Room is how many more tokens may be put into the item now.
func (r Rules) Room(i *Item, now time.Time) int {
	if !r.Offers(i, now) {
		return 0
	}
	return r.Holds(i) - i.Used()
}

// Take chooses at most n items that may be used now and that the filter
// chooses: those of the filter's own country first, then those that have been
// ready longest. It changes nothing; the registry does when they are used. Of
// a domain any number of addresses up to Free may be minted.
func (r Rules) Take(items []Item, n int, f Filter, now time.Time) []Item {
	var out []Item
	for k := range items {
		if i := &items[k]; r.Offers(i, now) && f.Match(i) {
			out = append(out, *i)
		}
	}
	slices.SortFunc(out, func(a, b Item) int {
		if c := cmp.Compare(foreign(&a, f), foreign(&b, f)); c != 0 {
			return c
		}
		return cmp.Or(r.ReadyAt(&a).Compare(r.ReadyAt(&b)), cmp.Compare(a.ID, b.ID))
	})
	return out[:min(max(n, 0), len(out))]
}

// foreign is 0 for an item of the filter's own country, 1 for others.
func foreign(i *Item, f Filter) int {
	if f.Country != "" && i.Region() == f.Country {
		return 0
	}
	return 1
}
