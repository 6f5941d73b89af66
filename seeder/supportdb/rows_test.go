package supportdb_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"saltmine/seeder/supportdb"
)

func TestSample(t *testing.T) {
	t.Parallel()
	desk, _, raw := helpDesk(t)
	rows, err := desk.Sample(t.Context(), rng(), 10_000, "")
	if err != nil {
		t.Fatal(err)
	}
	var count int
	if err := raw.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM customers").Scan(&count); err != nil {
		t.Fatal(err)
	}
	if len(rows) != count {
		t.Errorf("%d rows of %d: a small table is read as a whole", len(rows), count)
	}
	some, err := desk.Sample(t.Context(), rng(), 20, "country=US")
	if err != nil || len(some) != 20 {
		t.Fatalf("%d rows, %v", len(some), err)
	}
	for i := range some {
		if some[i].Get("segment.country").Text() != "US" || some[i].Has("newsletter") || some[i].Get("email").IsNull() {
			t.Errorf("row %v", some[i].Columns)
		}
	}
	if _, err := desk.Sample(t.Context(), rng(), 1, "cuontry=US"); !errors.Is(err, supportdb.ErrSchema) || !strings.Contains(err.Error(), `did you mean "country"?`) {
		t.Errorf("an unknown segment: %v", err)
	}
	exec(t, raw, "DELETE FROM tickets")
	if _, err := desk.SampleTickets(t.Context(), rng(), 1); !errors.Is(err, supportdb.ErrTooFew) {
		t.Errorf("an empty table: %v", err)
	}
}

// A table that is much larger than a sample is read in short random ranges.
func TestSampleIsBounded(t *testing.T) {
	t.Parallel()
	desk, dsn, raw := helpDesk(t)
	exec(t, raw, "UPDATE customers SET id = id * 1000 WHERE id NOT IN (SELECT customer_id FROM tickets)")
	rows, err := desk.Sample(t.Context(), rng(), 100, "")
	if err != nil || len(rows) != 100 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	high := 0
	for i := range rows {
		if id, err := strconv.Atoi(rows[i].Get("key").Text()); err == nil && id > 300_000 {
			high++
		}
	}
	if high == 0 {
		t.Error("only the beginning of the table was read")
	}
	user := shared.MariaDB(t).User(t, dsn, "SELECT")
	small, err := open(t, user).Use(t.Context(), generic(t))
	if err != nil {
		t.Fatal(err)
	}
	// A segment that nobody is in ends after a bounded number of ranges.
	none, err := small.Sample(t.Context(), rng(), 10, "country=ZZ")
	if err != nil || len(none) != 0 {
		t.Errorf("%d rows, %v", len(none), err)
	}
}

func row(pairs ...[2]string) supportdb.Row {
	var r supportdb.Row
	for _, kv := range pairs {
		r.Set(kv[0], supportdb.Text(kv[1]))
	}
	return r
}

// image is a customer with one ticket of the generic recipe.
func image(email, number string) supportdb.Image {
	customer := row([][2]string{{"first_name", "A"}, {"last_name", "B"}, {"email", email}, {"country", "US"}, {"language", "en"}, {"product", "x"}, {"newsletter", "0"}, {"status", "active"}, {"created_at", "2025-11-20 10:00:00"}, {"updated_at", "2025-11-20 10:00:00"}}...)
	customer.Set("phone", supportdb.Null())
	ticket := row([][2]string{{"number", number}, {"subject", "s"}, {"status", "open"}, {"priority", "low"}, {"channel", "web"}, {"created_at", "2025-11-20 10:00:00"}, {"updated_at", "2025-11-20 10:00:00"}}...)
	ticket.Set("customer_id", supportdb.Value{R: &supportdb.Ref{Row: 0, Column: "id"}})
	return supportdb.Image{Items: []supportdb.Item{{Part: "customer", Of: -1, Row: customer}, {Part: "ticket", Row: ticket}}}
}

func TestInsertIsOneTransaction(t *testing.T) {
	t.Parallel()
	desk, _, _ := helpDesk(t)
	var keys supportdb.Keys
	note := func(_ context.Context, k []supportdb.Keys) error { keys = k[0]; return nil }
	one := image("one@example.net", "A-1")
	if err := desk.Insert(t.Context(), []supportdb.Image{one}, note); err != nil {
		t.Fatal(err)
	}
	standing, err := desk.ByEmail(t.Context(), "ONE@example.net")
	if err != nil || len(standing) != 1 || standing[0].Key != one.CustomerKey(keys) || len(standing[0].Tickets()) != 1 || standing[0].Items[1].Row.Get("id").Text() != keys.Rows[1][0] {
		t.Fatalf("standing %+v, keys %+v, %v", standing, keys, err)
	}
	refused := errors.New("refused")
	for name, c := range map[string]struct {
		image  supportdb.Image
		before func(context.Context, []supportdb.Keys) error
		want   error
	}{
		"hook":   {image("two@example.net", "A-2"), func(context.Context, []supportdb.Keys) error { return refused }, refused},
		"email":  {image("one@example.net", "A-3"), note, supportdb.ErrDuplicate},
		"number": {image("two@example.net", "A-1"), note, supportdb.ErrDuplicate},
	} {
		err := desk.Insert(t.Context(), []supportdb.Image{image("good@example.net", "G-1"), c.image}, c.before)
		if !errors.Is(err, c.want) || strings.Contains(err.Error(), "example.net") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, email := range []string{"two@example.net", "good@example.net"} {
		if left, err := desk.ByEmail(t.Context(), email); err != nil || len(left) != 0 {
			t.Errorf("half an insert stands: %d rows, %v", len(left), err)
		}
	}
}

func TestUpdateAndRemoveAreGuarded(t *testing.T) {
	t.Parallel()
	desk, _, raw := helpDesk(t)
	var keys supportdb.Keys
	one := image("one@example.net", "A-1")
	if err := desk.Insert(t.Context(), []supportdb.Image{one}, func(_ context.Context, k []supportdb.Keys) error { keys = k[0]; return nil }); err != nil {
		t.Fatal(err)
	}
	change := supportdb.Change{Part: "customer", Key: keys.Rows[0], Guard: "email", Old: supportdb.Text("other@example.net")}
	change.Set.Set("email", supportdb.Text("two@example.net"))
	if err := desk.Update(t.Context(), change); !errors.Is(err, supportdb.ErrStale) {
		t.Errorf("update of another value: %v", err)
	}
	if err := desk.Remove(t.Context(), &one, keys, supportdb.Text("other@example.net")); !errors.Is(err, supportdb.ErrStale) {
		t.Errorf("delete of another value: %v", err)
	}
	exec(t, raw, "INSERT INTO tickets (number,customer_id,subject,channel,created_at,updated_at) VALUES ('F-1',"+keys.Rows[0][0]+",'x','web',NOW(),NOW())")
	if err := desk.Remove(t.Context(), &one, keys, supportdb.Text("one@example.net")); !errors.Is(err, supportdb.ErrConstraint) {
		t.Errorf("delete under a foreign ticket: %v", err)
	}
	rows, err := desk.Read(t.Context(), []string{keys.Rows[0][0], "999999999"})
	if err != nil || len(rows) != 1 || len(rows[0].Tickets()) != 2 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

func TestImageRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := supportdb.Image{Items: []supportdb.Item{{Part: "customer", Of: -1}}}
		row := &in.Items[0].Row
		for i, v := range rapid.SliceOf(rapid.SliceOf(rapid.Byte())).Draw(t, "values") {
			value := supportdb.Text(string(v))
			if len(v) == 3 {
				value = supportdb.Null()
			}
			row.Set("c"+strconv.Itoa(i), value)
		}
		b, err := in.Encode()
		if err != nil {
			t.Fatal(err)
		}
		out, err := supportdb.DecodeImage(b)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range row.Values {
			if !v.Equal(out.Items[0].Row.Values[i]) {
				t.Fatalf("value %d", i)
			}
		}
	})
}

func TestFormatTimeCuts(t *testing.T) {
	t.Parallel()
	at := time.Date(2025, 11, 20, 23, 59, 59, 999_999_000, time.UTC)
	for want, c := range map[string]supportdb.Column{
		"2025-11-20 23:59:59":        {Type: "datetime"},
		"2025-11-20 23:59:59.999":    {Type: "datetime", Precision: 3},
		"2025-11-20 23:59:59.999999": {Type: "timestamp", Precision: 6},
		"2025-11-20":                 {Type: "date"},
	} {
		v := c.FormatTime(at)
		if back, ok := supportdb.ParseTime(v); v.Text() != want || !ok || back.After(at) {
			t.Errorf("%s, wanted %s", v.Text(), want)
		}
	}
	for _, no := range []supportdb.Value{supportdb.Null(), supportdb.Text("0000-00-00 00:00:00"), supportdb.Text("soon")} {
		if _, ok := supportdb.ParseTime(no); ok {
			t.Errorf("%q is a time", no.Text())
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "{", `{}`, `{"items":[{"part":"ticket"}]}`, `{"items":[{"part":"customer","of":-1,"row":{"columns":["a"],"values":[]}}]}`,
		`{"items":[{"part":"customer","of":7,"row":{}}]}`, `{"items":[{"part":"customer","of":-1,"row":{"columns":["a"],"values":[{"r":{"row":1,"column":"b"}}]}}]}`,
	} {
		if _, err := supportdb.DecodeImage([]byte(text)); err == nil {
			t.Errorf("image %q was taken", text)
		}
	}
	for _, text := range []string{"", "{}", `{"rows":[[""]]}`, `{"rows":[[]]}`} {
		if _, err := supportdb.DecodeKeys([]byte(text)); err == nil {
			t.Errorf("keys %q were taken", text)
		}
	}
}
