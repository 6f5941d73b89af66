package mysqlbox

import (
	"context"
	"strings"

	"github.com/dolthub/vitess/go/mysql"
)

// IsRead is isRead, for the tests.
func IsRead(text string) bool { return isRead(text) }

// Break makes the library's handler panic on every query that says PANIC. It is
// called before the first connection.
func (b *Box) Break() {
	b.handler.mu.Lock() // a new connection takes it, too
	defer b.handler.mu.Unlock()
	b.handler.Handler = broken{b.handler.Handler}
}

type broken struct{ mysql.Handler }

// ComQuery implements mysql.Handler.
func (b broken) ComQuery(ctx context.Context, c *mysql.Conn, text string, callback mysql.ResultSpoolFn) error {
	if strings.Contains(text, "PANIC") {
		panic("row of somebody@x.example")
	}
	return b.Handler.ComQuery(ctx, c, text, callback)
}
