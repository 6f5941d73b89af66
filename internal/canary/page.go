package canary

import "time"

// Page is what is sent to responders about an incident: what happened, what
// that proves and what it does not, and where to look. It never names a canary.
type Page struct {
	ID PageID `json:"id"`
	// Incident is empty on the page of a notice, whose id Notice then is.
	Incident IncidentID `json:"incident,omitempty"`
	Notice   NoticeID   `json:"notice,omitempty"`
	// Drill is set on the page of a drill: its run, or the shot where there is no
	// incident.
	Drill    string    `json:"drill,omitempty"`
	Severity Severity  `json:"severity"`
	At       time.Time `json:"at"`
	Place    Place     `json:"place"`
	// Summary is one line of at most 200 characters.
	Summary string `json:"summary"`
	// Reasons say why the severity is what it is.
	Reasons []string `json:"reasons"`
	// Proves and ProvesNot bound what may be concluded.
	Proves    string `json:"proves"`
	ProvesNot string `json:"proves_not"`
	// Sure says how sure it is that something leaked.
	Sure string `json:"sure,omitempty"`
	// Window lists when the leaked extract may have been taken, and Suspects the
	// ids of the first suspects, each with its probability, as far as known when
	// the page went out.
	Window   []string `json:"window,omitempty"`
	Suspects []string `json:"suspects,omitempty"`
	// Next lists what to do now, most urgent first.
	Next []string `json:"next"`
	Link string   `json:"link,omitempty"`
	// Contacts and Canaries count what was seen when the page was written.
	Contacts int `json:"contacts"`
	Canaries int `json:"canaries"`
	// Reports counts the reports of people that joined the incident; an update alone tells.
	Reports int `json:"reports,omitempty"`
	// Update is set when it only sums up what came since the page before: it wakes
	// nobody, whatever its severity.
	Update bool `json:"update,omitempty"`
	// Anew is set when it tells of a proof that nobody knew of who acknowledged, or of
	// an author who came back after days: it wakes people until somebody acknowledges
	// again.
	Anew bool `json:"anew,omitempty"`
}

// About is the id of what the page tells of: the incident, the notice, or a shot.
func (p *Page) About() string {
	switch {
	case p.Notice != "":
		return string(p.Notice)
	case p.Incident != "":
		return string(p.Incident)
	}
	return p.Drill
}
