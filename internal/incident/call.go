package incident

import (
	"context"
	"strings"

	"saltmine/internal/canary"
)

// factCall names, in a later contact of a call, the one that the call began with.
const factCall = "call"

// withCall gives a later contact of a call with the numbers of the call, where it
// has none itself. Of two providers that use one name for a call, one does not get
// the other's numbers.
func (w *work) withCall(ctx context.Context, c *canary.Contact) (*canary.Contact, error) {
	id := canary.ContactID(c.Facts[factCall])
	if id == "" || id == c.ID || !verifiedCall(c) || len(c.Targets) > 0 && c.Source != "" {
		return c, nil
	}
	first, err := w.call(ctx, id)
	if err != nil || first == nil || provider(first) != provider(c) || !verifiedCall(first) {
		return c, err
	}
	whole := *c
	if len(whole.Targets) == 0 {
		whole.Targets = first.Targets
	}
	if whole.Source == "" {
		whole.Source = first.Source
	}
	return &whole, nil
}

// provider is whose call it is: an ear's "phone/twilio", and "recording/twilio"
// that fetches what was said.
func provider(c *canary.Contact) string {
	if _, kind, ok := strings.Cut(c.Ear, "/"); ok {
		return kind
	}
	return c.Ear
}

func verifiedCall(c *canary.Contact) bool { return c.Channel == canary.Voice && !c.Unverified }

// call finds a contact of this group or of the registry.
func (w *work) call(ctx context.Context, id canary.ContactID) (*canary.Contact, error) {
	if i, here := w.entry[id]; here {
		return &w.out.Entries[i].Contact, nil
	}
	if w.in.cfg.Call == nil {
		return nil, nil //nolint:nilnil // there may be none
	}
	return w.in.cfg.Call(ctx, id)
}
