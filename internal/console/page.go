package console

import (
	"net/http"

	"saltmine/internal/registry"
)

// listed is how many rows a page of a list has.
const listed = 200

// page is one page of a list, the newest rows first.
type page[T any] struct {
	Rows []T
	// Older is where the list goes on; empty on the last page.
	Older string
	// First is false where newer rows are on another page.
	First bool
	Forms bool // who looks may do something
}

// pageOf makes a page of a list of which one row more was asked for than it shows.
func pageOf[T any](list []T, after registry.Cursor, at func(*T) registry.Cursor) page[T] {
	p := page[T]{Rows: list[:min(listed, len(list))], First: after.ID == ""}
	if len(list) > listed {
		p.Older = at(&list[listed-1]).String()
	}
	return p
}

// after reads where the page before ended, and answers where that cannot be read.
func after(w http.ResponseWriter, r *http.Request) (registry.Cursor, bool) {
	at, ok := registry.ParseCursor(r.URL.Query().Get("after"))
	if !ok {
		http.Error(w, "the list does not go on there; take the link on a page", http.StatusBadRequest)
	}
	return at, ok
}
