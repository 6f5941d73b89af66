// Package deskkit makes the databases of five real help desks, so that recipes
// can be proved on them: osTicket, Znuny, GLPI, UVdesk and SuiteCRM. For each it
// has the tables that a customer with tickets touches, and a life of eighteen
// months that fills them in the way the application itself does.
//
// The tables state facts and are worded here: schemas/*.sql name the project,
// its version, the file and the licence where the facts were read. A table that
// is there is complete, column for column, because the engine under test reads
// information_schema. Nothing of the applications' code is in this package.
//
// The life is a stream of events in the order of their times: people sign up,
// open tickets, are answered, write again, change their address or number;
// tickets are closed; spam, test accounts and what belongs to them are deleted.
// Each application writes its rows event by event, so ids of sign-ups, tickets
// and messages interleave as they do in a live database, and the ids of what
// was deleted are missing. Where an application leaves rows behind when it
// deletes something, they are left behind here.
//
// People, subjects and times come from internal/helpdesk: no row is a person.
// Agents live at example.com. The same seed gives the same rows.
//
// The invariant: every reference between the rows resolves as it does in the
// application, and every ticket number is there once; the tests ask the
// database for both. Load fails with [ErrKind] for a desk that it does not
// know, and otherwise as the database does. It is meant for an empty database
// of a test and leaves a half-filled one behind after an error.
package deskkit

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ErrKind says that there is no help desk of that name.
var ErrKind = errors.New("unknown help desk")

//go:embed schemas
var schemas embed.FS

// Kinds are the names that [Load] takes. A kind with a dash is the same schema
// with another way to number tickets.
func Kinds() []string {
	return []string{"osticket", "osticket-sequence", "znuny", "znuny-autoincrement", "suitecrm", "glpi", "uvdesk"}
}

// Until is the moment at which the databases were left alone. All that is in
// them happened in the eighteen months before.
func Until() time.Time { return time.Date(2025, 11, 20, 9, 0, 0, 0, time.UTC) }

const months = 18

// Load makes the tables of a help desk in the empty database that db is
// connected to, and fills them. When it is done, that many customers and that
// many tickets are left in them.
func Load(ctx context.Context, db *sql.DB, kind string, seed uint64, customers, tickets int) error {
	b := &book{}
	desk := open(kind, b, seed)
	if desk == nil {
		return fmt.Errorf("%w: %q: know %s", ErrKind, kind, strings.Join(Kinds(), ", "))
	}
	events, err := story(seed, customers, tickets)
	if err != nil {
		return err
	}
	desk.start(Until().AddDate(0, -months, 0))
	for _, e := range events {
		e.become()
		desk.happen(e)
	}
	desk.end()
	text, err := schemas.ReadFile("schemas/" + schemaOf(kind) + ".sql")
	if err != nil {
		return fmt.Errorf("help desk %s: %w", kind, err)
	}
	if err := b.write(ctx, db, string(text)); err != nil {
		return fmt.Errorf("help desk %s: %w", kind, err)
	}
	return nil
}

func schemaOf(kind string) string {
	name, _, _ := strings.Cut(kind, "-")
	return name
}

// application writes into a book what one help desk writes into its database.
type application interface {
	start(at time.Time) // what stands before the first customer
	happen(e event)
	end() // what only the end tells: counters
}

func open(kind string, b *book, seed uint64) application {
	if !slices.Contains(Kinds(), kind) {
		return nil
	}
	_, numbers, _ := strings.Cut(kind, "-")
	switch schemaOf(kind) {
	case "znuny":
		return newZnuny(b, seed, numbers == "autoincrement")
	case "suitecrm":
		return newSuiteCRM(b, seed)
	case "glpi":
		return newGLPI(b, seed)
	case "uvdesk":
		return newUVdesk(b, seed)
	default:
		return newOSTicket(b, seed, numbers == "sequence")
	}
}
