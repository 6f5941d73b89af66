package api

// Routes gives the operations and who may ask for them.
func (a *API) Routes() map[string][]string {
	out := map[string][]string{}
	for _, r := range a.table() {
		roles := []string{}
		for _, role := range r.roles {
			roles = append(roles, string(role))
		}
		out[r.method+" "+r.path] = roles
	}
	return out
}

// ParseAll reads every kind of parameter, and reports whether all were right.
func ParseAll(raw string) (at, after int64, limit int, err error) {
	q := parseQuery(raw)
	since := q.time("since")
	q.word("state", "open", "closed")
	q.matching("place", placeForm, "a place")
	end := q.after()
	limit = q.limit()
	return since.UnixMicro(), end.At.UnixMicro(), limit, q.done()
}
