package registry

import (
	"context"

	"saltmine/internal/backup"
)

// SealedFields names the columns that the vault seals.
func SealedFields() (list []string) {
	for _, f := range sealedFields() {
		list = append(list, f.name())
	}
	return list
}

// Tables describes every table.
func Tables(ctx context.Context, r *Registry) (list []backup.Table, err error) {
	names, err := r.tableNames(ctx, r.db)
	for _, name := range names {
		t, err := r.describe(ctx, r.db, name)
		if err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	return list, err
}

// TakenBack reports whether a transaction that ended so is begun again.
func TakenBack(err error) bool { return takenBack(err) }
