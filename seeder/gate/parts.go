package gate

import (
	"slices"
	"strings"

	"saltmine/seeder/gate/view"
)

// where picks features.
func (a *arena) where(is func(*view.Feature) bool) (features []int) {
	for i := range a.view.Features {
		if is(&a.view.Features[i]) {
			features = append(features, i)
		}
	}
	return features
}

// undate leaves in a view what does not depend on when things happened.
func undate(v *view.View) {
	dated := func(g view.Group) bool {
		switch g {
		case view.Keys, view.Dates, view.Tickets, view.Courses, view.Copies:
			return true
		default:
			return false
		}
	}
	v.Features = slices.DeleteFunc(v.Features, func(f view.Feature) bool {
		return dated(f.Group) || f.Scale == view.Spans || strings.HasSuffix(f.Name, ".near") || strings.Contains(f.Name, ".hour") || strings.Contains(f.Name, ".weekday")
	})
	v.Words = slices.DeleteFunc(v.Words, func(w view.Words) bool { return dated(w.Group) })
	v.Checks = slices.DeleteFunc(v.Checks, func(c view.Check) bool {
		return strings.HasPrefix(c.Name, "keys:") || strings.HasPrefix(c.Name, "dates:") || strings.HasPrefix(c.Name, "tickets:") || strings.Contains(c.Name, "rare detail")
	})
}

func anything(*view.Feature) bool { return true }

// core picks what stands for the columns themselves: their values, how often
// they occur, the times between dates. Few features are sharper than many where
// a fault is faint, and leave room for combinations.
func core(f *view.Feature) bool {
	if strings.Contains(f.Name, "×") || strings.Contains(f.Name, ".is.") {
		return false
	}
	switch {
	case f.Scale == view.Counts:
		return strings.Count(f.Name, ".") == 1 && strings.HasSuffix(f.Name, ".others")
	case f.Scale == view.Spans:
		return elapsed(f) || strings.HasSuffix(f.Name, ".residual")
	default:
		return f.Name == "tickets" || f.Group == view.Phones || ends(f, ".day", ".clock", ".weekday", ".rank", ".value", ".null", ".length", ".span", ".order", ".digits",
			".second", ".minute", ".letters", ".tail", ".separators", ".likename", ".plus")
	}
}

// elapsed picks times between two dates, but not the extremes over tickets.
func elapsed(f *view.Feature) bool {
	return strings.Contains(f.Name, "→") && !ends(f, ".least", ".greatest")
}

// behaves picks what rows do: values of dates, tickets, words; not how often
// they occur, not flags that repeat them, and nothing of the person.
func behaves(f *view.Feature) bool {
	switch f.Group {
	case view.Dates, view.Tickets, view.Courses, view.Others:
	default:
		return false
	}
	return f.Name == "tickets" || f.Scale == view.Spans && elapsed(f) ||
		ends(f, ".day", ".clock", ".rank", ".value", ".null", ".letters", ".length", ".span", ".order")
}

// apartFromDomain leaves out what a change of the e-mail domain would change.
func apartFromDomain(f *view.Feature) bool {
	switch f.Group {
	case view.Copies:
		return false
	case view.Mail:
		return !strings.Contains(f.Name, "×") && (strings.HasPrefix(f.Name, "local.") || strings.HasPrefix(f.Name, "style."))
	default:
		return true
	}
}

func ends(f *view.Feature, with ...string) bool {
	return slices.ContainsFunc(with, func(end string) bool { return strings.HasSuffix(f.Name, end) })
}
