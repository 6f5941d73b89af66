package registry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/mailauth"
)

// awaitMail notes that the sender of a contact's mail is to be looked at.
func (r *Registry) awaitMail(ctx context.Context, tx *sql.Tx, id canary.ContactID) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO mails (contact, tries, due) VALUES (?,0,?)", id, micros(r.now()))
	return err
}

// MailsDue returns contacts with a mail whose sender is to be looked at now,
// the longest waiting first.
func (r *Registry) MailsDue(ctx context.Context, now time.Time, limit int) ([]mailauth.Task, error) {
	var list []mailauth.Task
	const query = "SELECT " + contactColumns + ", m.tries" + mailTables + " WHERE m.due > 0 AND m.due <= ? ORDER BY m.due, c.id LIMIT ?"
	err := r.each(ctx, query, []any{micros(now), limit}, func(row *sql.Rows) error {
		var k kept
		var t mailauth.Task
		if err := row.Scan(append(k.fields(), &t.Tries)...); err != nil {
			return err
		}
		c, err := r.openContact(&k)
		switch {
		case errors.Is(err, canary.ErrUnreadable):
			t.Contact.ID, t.Fault = k.id, err
		case err != nil:
			return err
		default:
			t.Contact = *c
		}
		list = append(list, t)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("registry: mails to look at: %w", err)
	}
	return list, nil
}

func mailField(id canary.ContactID) string { return "mails|" + string(id) }

// FileMail files what was found of a mail's sender in place of what was found
// before; a zero next settles it. A nil report says that there is no mail.
func (r *Registry) FileMail(ctx context.Context, id canary.ContactID, report []byte, next time.Time) error {
	sealed, err := r.sealReport(ctx, id, report)
	if err != nil {
		return fmt.Errorf("registry: report on the mail of %s: %w", id, err)
	}
	err = one(r.db.ExecContext(ctx, "UPDATE mails SET tries = tries + 1, due = ?, sealed = ? WHERE contact = ?", micros(next), sealed, id))
	if err != nil {
		return fmt.Errorf("registry: report on the mail of %s: %w", id, err)
	}
	return nil
}

// sealReport seals what was found of a mail's sender with the mail's own key, with
// which it goes.
func (r *Registry) sealReport(ctx context.Context, id canary.ContactID, report []byte) ([]byte, error) {
	if report == nil {
		return nil, nil
	}
	var k kept
	err := r.db.QueryRowContext(ctx, "SELECT "+contactColumns+contactTables+" WHERE c.id = ?", id).Scan(k.fields()...)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	key, err := r.keyOf(&k)
	if err != nil {
		return nil, err
	}
	return key.Seal(mailField(id), report), nil
}

// Mail is what is known of the sender of a contact's mail.
type Mail struct {
	Contact canary.ContactID `json:"contact"`
	At      time.Time        `json:"at"` // when the mail came
	Tries   int              `json:"tries"`
	Again   time.Time        `json:"again,omitzero"` // when it is looked at again
	Report  *mailauth.Report `json:"report,omitempty"`
}

// MailOf returns what is known of the sender of one contact's mail.
func (r *Registry) MailOf(ctx context.Context, id canary.ContactID) (Mail, error) {
	m, err := r.scanMail(r.db.QueryRowContext(ctx, mailColumns+" WHERE c.id = ?", id))
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return m, fmt.Errorf("registry: mail of %s: %w", id, err)
	}
	return m, nil
}

// MailsOf returns what is known of the senders of an incident's mails, the
// newest first.
func (r *Registry) MailsOf(ctx context.Context, id canary.IncidentID, limit int) ([]Mail, error) {
	var list []Mail
	err := r.each(ctx, mailColumns+" WHERE c.id IN (SELECT contact FROM hits WHERE incident = ?) ORDER BY c.heard DESC, c.id LIMIT ?", []any{id, limit}, func(row *sql.Rows) error {
		m, err := r.scanMail(row)
		list = append(list, m)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("registry: mails of %s: %w", id, err)
	}
	return list, nil
}

const mailTables = contactTables + " JOIN mails m ON m.contact = c.id"

const mailColumns = "SELECT c.id, c.heard, m.tries, m.due, m.sealed, k.sealed" + mailTables

func (r *Registry) scanMail(row scanner) (m Mail, err error) {
	var heard, due int64
	var sealed []byte
	var k kept
	if err := row.Scan(&m.Contact, &heard, &m.Tries, &due, &sealed, &k.key); err != nil {
		return m, err
	}
	m.At, m.Again = fromMicros(heard), fromMicros(max(0, due))
	if sealed == nil {
		return m, nil
	}
	k.id = m.Contact
	key, err := r.keyOf(&k)
	if err != nil {
		return m, err
	}
	plain, err := key.Open(mailField(m.Contact), sealed)
	if err != nil {
		return m, err
	}
	report, err := mailauth.Decode(plain)
	m.Report = &report
	return m, err
}
