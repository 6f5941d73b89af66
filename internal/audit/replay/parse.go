package replay

import (
	"errors"

	"github.com/dolthub/vitess/go/vt/sqlparser"
)

// errParser says that the parser failed, not the statement.
var errParser = errors.New("the parser failed")

// parse reads a statement. The parser panics on some texts, such as
// SELECT with an empty text right behind it,
// which whoever may write a statement may write.
func parse(text string) (statement sqlparser.Statement, err error) {
	defer func() {
		if recover() != nil {
			statement, err = nil, errParser
		}
	}()
	return sqlparser.Parse(text)
}
