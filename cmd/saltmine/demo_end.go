package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/smtp"
	"strings"
	"time"

	"saltmine/internal/canary"
)

func (d *story) sendMail(_ context.Context, r row) error {
	text := "From: Support <help@clean-your-pc.example>\r\nTo: " + r.email + "\r\nSubject: Your subscription\r\nDate: " + time.Now().UTC().Format(time.RFC1123Z) +
		"\r\n\r\nDear customer,\r\nyour computer sends us error messages. Call us at once.\r\n"
	if err := smtp.SendMail(d.stage.server.ears.addrs["smtp"], nil, "help@clean-your-pc.example", []string{r.email}, []byte(text)); err != nil {
		return fmt.Errorf("mail to a leaked address: %w", err)
	}
	d.stage.sent++
	return nil
}

// settled waits until everything that was sent has been taken in.
func (d *story) settled(ctx context.Context) (canary.Incident, error) {
	var inc canary.Incident
	for range 200 {
		list, err := d.world.reg.Incidents(ctx, 10)
		if err != nil {
			return inc, err
		}
		if len(list) > 1 {
			return inc, fmt.Errorf("%d incidents were opened for one leak", len(list))
		}
		if len(list) == 1 {
			inc = list[0]
			if inc.Contacts == d.stage.sent && inc.Support >= len(d.stage.asked) {
				return inc, nil
			}
		}
		select {
		case <-ctx.Done():
			return inc, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return inc, fmt.Errorf("%d of %d contacts and %d of at least %d queries are in the incident", inc.Contacts, d.stage.sent, inc.Support, len(d.stage.asked))
}

// trace asks which extract it was, and holds the answer against what was done.
func (d *story) trace(ctx context.Context) (string, error) {
	inc, err := d.settled(ctx)
	if err != nil {
		return "", err
	}
	if inc.Severity != canary.P1 {
		return "", fmt.Errorf("the incident is %s, not P1", inc.Severity)
	}
	if d.stage.trace, err = traceIncident(ctx, d.world.reg, inc.ID, d.clock.Now()); err != nil {
		return "", err
	}
	first, ok := d.stage.trace.Answer.Leading()
	if !ok || first.Extract != d.world.leaked.ID || first.Actor != d.world.leaked.Actor {
		return "", fmt.Errorf("the first suspect is extract %q, and %s was leaked", first.Extract, d.world.leaked.ID)
	}
	if err := d.silent(ctx); err != nil {
		return "", err
	}
	return fmt.Sprintf("first suspect %s by %s, which is the one that was leaked", first.Extract, first.Actor), nil
}

// silent makes sure that no page named a canary, and that the forged call woke nobody.
func (d *story) silent(ctx context.Context) error {
	n, raw := d.stage.receiver.seen()
	if n != 1 {
		return fmt.Errorf("%d pages came for one incident", n)
	}
	plantings, err := d.world.reg.Plantings(ctx, canary.Filter{})
	if err != nil {
		return err
	}
	for _, p := range plantings {
		for _, t := range p.Tokens {
			if strings.Contains(raw, t.Text) {
				return errors.New("a page named a canary's token")
			}
		}
		if strings.Contains(raw, p.Name) {
			return errors.New("a page named a canary")
		}
	}
	return nil
}

// lastScreen says what happened, for somebody who saw none of it before.
func (d *story) lastScreen(_ context.Context) error {
	result := struct {
		Steps  []demoStep       `json:"steps"`
		Leaked canary.ExtractID `json:"leaked"`
		Trace  traced           `json:"trace"`
		Took   string           `json:"took"`
	}{d.steps, d.world.leaked.ID, d.stage.trace, time.Since(d.began).Round(100 * time.Millisecond).String()}
	return d.app.print(result, func(w io.Writer) error {
		line := strings.Repeat("─", 78)
		fmt.Fprintf(w, "\n%s\n", line) //nolint:errcheck // the last write tells
		if err := d.stage.trace.Text(w); err != nil {
			return err
		}
		_, err := fmt.Fprintf(w, `%s
What you saw, in %s, nothing of it assumed:
  %d made-up customers among %d real-looking ones in a MySQL database; an
  insider's extract of %d rows among %d other extracts; the first mail to
  one of its canaries paged a responder; %d contacts and %d DNS queries later
  the extract, its time and its taker are named. %s was leaked by %s.
Next: saltmine init DIR, then point it at your own support database.
`, line, result.Took, demoCanaries, demoCustomers, d.world.leaked.Rows, demoExtracts-1, d.stage.sent, d.stage.trace.Incident.Support, d.world.leaked.ID, d.world.leaked.Actor)
		return err
	})
}
