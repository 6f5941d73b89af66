package incident

import "saltmine/internal/canary"

// owners keeps one match of each target. A mailbox or a number stands in one
// row after another, and a contact is about one of them: the one that it names,
// or else the last in whose row it could be read by then.
func owners(c *canary.Contact, said reading, matches []canary.Match) []canary.Match {
	out := make([]canary.Match, 0, len(matches))
	for i := 0; i < len(matches); {
		end := i + 1
		for end < len(matches) && matches[end].Target == matches[i].Target {
			end++
		}
		out = append(out, owner(c, said, matches[i:end]))
		i = end
	}
	return out
}

// owner chooses among the matches of one target, the last of them first.
func owner(c *canary.Contact, said reading, of []canary.Match) canary.Match {
	for _, m := range of {
		if len(of) > 1 && !m.Token.Window.Never() && standsTogether(c, said, m) != "" {
			return m
		}
	}
	for _, m := range of {
		if w := m.Token.Window; !w.Never() && !c.At.Before(w.From.Earliest) {
			return m
		}
	}
	return of[0]
}
