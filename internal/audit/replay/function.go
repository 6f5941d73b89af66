package replay

import (
	"math"
	"strconv"
	"strings"

	"github.com/dolthub/vitess/go/vt/sqlparser"

	"saltmine/internal/audit/maybe"
)

// function compiles a call. A function that is none of the servers' own may
// read whatever it likes.
func (c *compiler) function(e *sqlparser.FuncExpr, sc *scope) value {
	name := e.Name.Lowered()
	switch {
	case e.Over != nil:
		c.windowed = c.windowed || len(e.Exprs) > 0
	case e.IsAggregate():
		c.aggregates(e, sc)
	}
	var args []value
	interval := dateShift(e)
	for _, arg := range e.Exprs {
		one, ok := arg.(*sqlparser.AliasedExpr)
		if !ok {
			continue // the star of COUNT(*)
		}
		args = append(args, c.expr(one.Expr, sc))
	}
	switch {
	case !e.Qualifier.IsEmpty(), !builtIn(name):
		c.beyond("a stored function")
		return unknown
	case e.Over != nil:
		return unknown
	case interval != nil:
		return shifted(args[0], interval, name == "date_sub" || name == "subdate")
	}
	switch name {
	case "if", "ifnull", "coalesce":
		become, one := c.together(chosen(name, e), sc), called(name, args)
		return func(f *frame) maybe.Value { return become(one(f)) }
	}
	return called(name, args)
}

// chosen are the arguments of which one is the result.
func chosen(name string, e *sqlparser.FuncExpr) (list []sqlparser.Expr) {
	for i, arg := range e.Exprs {
		if one, ok := arg.(*sqlparser.AliasedExpr); ok && (i > 0 || name != "if") {
			list = append(list, one.Expr)
		}
	}
	return list
}

// called works a function out on its arguments.
func called(name string, args []value) value {
	if now := clock(name); now != nil && len(args) <= 1 {
		return now
	}
	f := functions(name)
	if f == nil {
		return unknown
	}
	return func(frame *frame) maybe.Value {
		given := make([]maybe.Value, len(args))
		for i, arg := range args {
			given[i] = arg(frame)
		}
		return f(given)
	}
}

// functions are those that are worked out, by name. Each gives a value of
// which nothing is known for arguments that it does not take.
func functions(name string) func([]maybe.Value) maybe.Value { //nolint:cyclop // a flat table of functions
	switch name {
	case "lower", "lcase":
		return mapped(strings.ToLower)
	case "upper", "ucase":
		return mapped(strings.ToUpper)
	case "ltrim":
		return mapped(func(s string) string { return strings.TrimLeft(s, " ") })
	case "rtrim":
		return mapped(func(s string) string { return strings.TrimRight(s, " ") })
	case "reverse":
		return mapped(reversed)
	case "concat":
		return concat
	case "left":
		return cut(func(s string, n int) string { return s[:min(max(n, 0), len(s))] })
	case "right":
		return cut(func(s string, n int) string { return s[len(s)-min(max(n, 0), len(s)):] })
	case "substring", "substr", "mid":
		return substring
	case "substring_index":
		return substringIndex
	case "length", "octet_length", "char_length", "character_length":
		return length
	case "coalesce", "ifnull":
		return coalesce
	case "if":
		return ifElse
	case "mod":
		return mod
	case "date", "year", "month", "day", "dayofmonth", "hour":
		return part(name)
	}
	return nil
}

// text is what a plain text holds; ok is false for whatever else.
func text(v *maybe.Value) (string, bool) {
	return v.Text, v.Kind == maybe.TextValue && maybe.Plain(v.Text)
}

// retold is v with another text. It keeps the collation; no key comes out of a
// function.
func retold(v *maybe.Value, s string) maybe.Value {
	return maybe.Value{Kind: maybe.TextValue, Text: s, Literal: v.Literal, Collation: v.Collation}
}

func mapped(f func(string) string) func([]maybe.Value) maybe.Value {
	return func(args []maybe.Value) maybe.Value {
		if len(args) != 1 {
			return maybe.Value{}
		}
		s, ok := text(&args[0])
		if !ok {
			return nullOr(&args[0])
		}
		told := f(s)
		if bytes := (maybe.Collation{Class: maybe.Bytes, Padding: maybe.Unpadded}); told != s && !args[0].Literal && args[0].Collation == bytes {
			return maybe.Value{NotNull: true} // bytes have no case
		}
		return retold(&args[0], told)
	}
}

func reversed(s string) string {
	b := []byte(s)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}

// concat joins texts of one collation, and literals.
func concat(args []maybe.Value) maybe.Value {
	var b strings.Builder
	out := maybe.Value{Kind: maybe.TextValue, Literal: true}
	for i := range args {
		if args[i].IsNull() {
			return args[i]
		}
	}
	for i := range args {
		v := &args[i]
		s, ok := text(v)
		switch {
		case !ok || !v.Literal && !out.Literal && v.Collation != out.Collation:
			return maybe.Value{}
		case !v.Literal:
			out.Literal, out.Collation = false, v.Collation
		}
		b.WriteString(s)
	}
	out.Text = b.String()
	return out
}

// whole reads a small whole number.
func whole(v *maybe.Value) (int, bool) {
	return int(v.Num), v.Kind == maybe.Number && v.Num == math.Trunc(v.Num) && math.Abs(v.Num) < 1<<30
}

func cut(f func(string, int) string) func([]maybe.Value) maybe.Value {
	return func(args []maybe.Value) maybe.Value {
		if len(args) != 2 {
			return maybe.Value{}
		}
		s, ok := text(&args[0])
		n, counted := whole(&args[1])
		if !ok || !counted {
			return nullOr(&args[0])
		}
		return retold(&args[0], f(s, n))
	}
}

func substring(args []maybe.Value) maybe.Value {
	if len(args) < 2 {
		return maybe.Value{}
	}
	s, ok := text(&args[0])
	from, counted := whole(&args[1])
	n := len(s)
	if len(args) == 3 {
		var given bool
		n, given = whole(&args[2])
		counted = counted && given
	}
	if !ok || !counted {
		return nullOr(&args[0])
	}
	if from < 0 {
		from += len(s) + 1
	}
	if from < 1 || from > len(s) || n < 1 {
		return retold(&args[0], "")
	}
	return retold(&args[0], s[from-1:min(len(s), from-1+n)])
}

func substringIndex(args []maybe.Value) maybe.Value {
	if len(args) != 3 {
		return maybe.Value{}
	}
	s, ok := text(&args[0])
	by, split := text(&args[1])
	n, counted := whole(&args[2])
	if !ok || !split || !counted || by == "" || ordinary(by) {
		return nullOr(&args[0])
	}
	pieces := strings.Split(s, by)
	switch {
	case n == 0:
		return retold(&args[0], "")
	case n > 0:
		return retold(&args[0], strings.Join(pieces[:min(n, len(pieces))], by))
	default:
		return retold(&args[0], strings.Join(pieces[max(0, len(pieces)+n):], by))
	}
}

// ordinary reports whether a text has letters, whose case may count or not.
func ordinary(s string) bool { return strings.ToLower(s) != strings.ToUpper(s) }

func length(args []maybe.Value) maybe.Value {
	if len(args) != 1 {
		return maybe.Value{}
	}
	s, ok := text(&args[0])
	if !ok {
		return nullOr(&args[0])
	}
	return maybe.Value{Kind: maybe.Number, Num: float64(len(s))}
}

func coalesce(args []maybe.Value) maybe.Value {
	for i := range args {
		switch {
		case args[i].IsNull():
			continue
		case args[i].MayBeNull():
			return maybe.Value{}
		}
		return args[i]
	}
	return maybe.NullOf()
}

func ifElse(args []maybe.Value) maybe.Value {
	if len(args) != 3 {
		return maybe.Value{}
	}
	switch t := args[0].Truth(); {
	case t.Sure():
		return args[1]
	case !t.May():
		return args[2]
	}
	return maybe.Value{}
}

func mod(args []maybe.Value) maybe.Value {
	if len(args) != 2 {
		return maybe.Value{}
	}
	return remainder(&args[0], &args[1])
}

func remainder(a, b *maybe.Value) maybe.Value {
	n, counted := whole(a)
	by, divides := whole(b)
	switch {
	case a.IsNull() || b.IsNull(), divides && by == 0:
		return maybe.NullOf()
	case !counted || !divides:
		return maybe.Value{}
	}
	return maybe.Value{Kind: maybe.Number, Num: float64(n % by)}
}

// arithmetic works out what is whole and small, and dates with intervals.
func (c *compiler) arithmetic(e *sqlparser.BinaryExpr, sc *scope) value {
	if interval, ok := e.Right.(*sqlparser.IntervalExpr); ok {
		base := c.expr(e.Left, sc)
		c.expr(interval.Expr, sc)
		return shifted(base, interval, e.Operator == sqlparser.MinusStr)
	}
	l, r := c.expr(e.Left, sc), c.expr(e.Right, sc)
	operator := e.Operator
	return func(f *frame) maybe.Value {
		a, b := l(f), r(f)
		if a.IsNull() || b.IsNull() {
			return maybe.NullOf()
		}
		n, counted := whole(&a)
		m, also := whole(&b)
		if !counted || !also {
			return maybe.Value{}
		}
		switch operator {
		case sqlparser.PlusStr:
			return maybe.Value{Kind: maybe.Number, Num: float64(n + m)}
		case sqlparser.MinusStr:
			return maybe.Value{Kind: maybe.Number, Num: float64(n - m)}
		case sqlparser.ModStr:
			return remainder(&a, &b)
		}
		return maybe.Value{}
	}
}

// trim is TRIM of spaces; of other things it is not known.
func (c *compiler) trim(e *sqlparser.TrimExpr, sc *scope) value {
	v, p := c.expr(e.Str, sc), c.expr(e.Pattern, sc)
	return func(f *frame) maybe.Value {
		x, what := v(f), p(f)
		s, ok := text(&x)
		if !ok || what.Kind != maybe.TextValue || what.Text != " " {
			return nullOr(&x)
		}
		if e.Dir != sqlparser.Trailing {
			s = strings.TrimLeft(s, " ")
		}
		if e.Dir != sqlparser.Leading {
			s = strings.TrimRight(s, " ")
		}
		return retold(&x, s)
	}
}

func small(v *maybe.Value) (int, bool) {
	if v.Kind == maybe.TextValue {
		n, err := strconv.Atoi(v.Text)
		return n, err == nil && n > -1_000_000 && n < 1_000_000
	}
	n, ok := whole(v)
	return n, ok && n > -1_000_000 && n < 1_000_000
}
