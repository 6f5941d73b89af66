package supportdb

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// Outline is what a schema holds besides the recipe's tables.
type Outline struct {
	Database string
	// Customers is how many rows the customers' table has, by the server's estimate.
	Customers int64
	Others    []string          // base tables that are no part of the recipe
	Views     map[string]string // by name; one that our account may not read is empty
	// Account is ours, user@host, as the server has it in its logs.
	Account string
}

// Outline reads the names of all tables and the text of all views.
func (d *Desk) Outline(ctx context.Context) (Outline, error) {
	out := Outline{Database: d.db.name, Views: map[string]string{}}
	ours := map[string]bool{}
	for _, p := range d.parts {
		ours[strings.ToLower(p.Table.Name)] = true
	}
	err := d.db.each(ctx, "SELECT TABLE_NAME, TABLE_TYPE, COALESCE(TABLE_ROWS, 0) FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? ORDER BY TABLE_NAME", []any{d.db.name}, func(rows *sql.Rows) error {
		var name, kind string
		var count int64
		if err := rows.Scan(&name, &kind, &count); err != nil {
			return err
		}
		switch {
		case strings.EqualFold(name, d.parts[0].Table.Name):
			out.Customers = count
		case ours[strings.ToLower(name)]:
		case strings.Contains(kind, "VIEW"):
			out.Views[name] = ""
		default:
			out.Others = append(out.Others, name)
		}
		return nil
	})
	if err != nil {
		return out, fmt.Errorf("read the names of the tables: %w", err)
	}
	err = d.db.each(ctx, "SELECT TABLE_NAME, VIEW_DEFINITION FROM information_schema.VIEWS WHERE TABLE_SCHEMA = ?", []any{d.db.name}, func(rows *sql.Rows) error {
		var name string
		var text sql.NullString
		err := rows.Scan(&name, &text)
		out.Views[name] = text.String
		return err
	})
	if err != nil {
		return out, fmt.Errorf("read the views: %w", err)
	}
	out.Account, err = d.db.Account(ctx)
	return out, err
}

// Account is ours, user@host, as the server has it in its logs.
func (d *DB) Account(ctx context.Context) (account string, err error) {
	err = d.each(ctx, "SELECT USER()", nil, func(rows *sql.Rows) error { return rows.Scan(&account) })
	if err != nil {
		return "", fmt.Errorf("ask who we are: %w", err)
	}
	return account, nil
}
