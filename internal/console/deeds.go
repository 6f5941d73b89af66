package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"saltmine/internal/canary"
	"saltmine/internal/registry"
)

// Deeds is what responders do on pages. A registry does it, and puts it on the
// evidence log.
type Deeds interface {
	Acknowledge(ctx context.Context, id canary.IncidentID, by registry.By) error
	AcknowledgeNotice(ctx context.Context, id canary.NoticeID, by registry.By) error
	SetVerdict(ctx context.Context, id canary.IncidentID, v canary.Verdict, by registry.By) error
	Merge(ctx context.Context, into, from canary.IncidentID, by registry.By) error
	Split(ctx context.Context, id canary.IncidentID, contacts []canary.ContactID, by registry.By) (canary.IncidentID, error)
}

// mostForm bounds what a form says, in bytes.
const mostForm = 4 << 10

var versionForm = regexp.MustCompile(`^[0-9a-f]{16}$`)

// errForm is returned for a form that no page of ours has.
var errForm = errors.New("the form is not one of this console's pages")

// deeds are the forms of the pages by their paths.
func (c *console) deeds(mux *http.ServeMux) {
	incident := func(do func(ctx context.Context, id canary.IncidentID, said url.Values, by registry.By) error) http.HandlerFunc {
		return c.deed("/incidents/", func(ctx context.Context, id string, said url.Values, by registry.By) error {
			if by.Version = said.Get("version"); !versionForm.MatchString(by.Version) {
				return errForm
			}
			return do(ctx, canary.IncidentID(id), said, by)
		})
	}
	mux.HandleFunc("POST /incidents/{id}/acknowledge", incident(func(ctx context.Context, id canary.IncidentID, _ url.Values, by registry.By) error {
		return c.cfg.Deeds.Acknowledge(ctx, id, by)
	}))
	mux.HandleFunc("POST /incidents/{id}/verdict", incident(func(ctx context.Context, id canary.IncidentID, said url.Values, by registry.By) error {
		v := canary.Verdict(said.Get("verdict"))
		if !slices.Contains([]canary.Verdict{canary.Leak, canary.Noise, canary.Own, canary.Drill}, v) {
			return errForm
		}
		return c.cfg.Deeds.SetVerdict(ctx, id, v, by)
	}))
	mux.HandleFunc("POST /incidents/{id}/merge", incident(func(ctx context.Context, id canary.IncidentID, said url.Values, by registry.By) error {
		into := said.Get("into")
		if !idForm.MatchString(into) {
			return errForm
		}
		return c.cfg.Deeds.Merge(ctx, canary.IncidentID(into), id, by)
	}))
	mux.HandleFunc("POST /incidents/{id}/unmerge", incident(func(ctx context.Context, id canary.IncidentID, _ url.Values, by registry.By) error {
		_, err := c.cfg.Deeds.Split(ctx, id, nil, by)
		return err
	}))
	mux.HandleFunc("POST /notices/{id}/acknowledge", c.deed("/notices", func(ctx context.Context, id string, _ url.Values, by registry.By) error {
		return c.cfg.Deeds.AcknowledgeNotice(ctx, canary.NoticeID(id), by)
	}))
}

// deed answers a form with the page on which its outcome is to be seen; of an incident
// it is its own.
func (c *console) deed(page string, do func(ctx context.Context, id string, said url.Values, by registry.By) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, page := r.PathValue("id"), page
		if strings.HasSuffix(page, "/") {
			page += url.PathEscape(id)
		}
		c.answerForm(w, r, page, func(said url.Values, by registry.By) error { return do(r.Context(), id, said, by) })
	}
}

func (c *console) answerForm(w http.ResponseWriter, r *http.Request, page string, do func(said url.Values, by registry.By) error) {
	who := whoOf(r)
	if who == "" {
		http.Error(w, "who does something has a name here: configure people in [api]", http.StatusForbidden)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, mostForm)
	err := errForm
	if r.ParseForm() == nil {
		err = do(r.PostForm, registry.By{Who: who, Via: via})
	}
	switch {
	case err == nil:
		c.cfg.Wake()
		http.Redirect(w, r, page, http.StatusSeeOther)
	case errors.Is(err, errForm):
		http.Error(w, err.Error()+": go back and take the page's", http.StatusBadRequest)
	case errors.Is(err, registry.ErrStale):
		http.Error(w, "nothing was done: the incident has changed since the page was shown to you; go back, look at it anew, and decide again", http.StatusConflict)
	case errors.Is(err, canary.ErrInvalid):
		http.Error(w, "nothing was done: an incident that has a verdict, is merged already, or is no leak of a database is neither merged nor split, nor one with itself", http.StatusConflict)
	default:
		c.fault(w, err)
	}
}
