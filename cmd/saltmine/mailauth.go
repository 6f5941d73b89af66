package main

import (
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"saltmine/internal/canary"
	"saltmine/internal/mailauth"
	"saltmine/internal/registry"
)

func (a *app) mailauthCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "mailauth CONTACT",
		Short: "Say what is proved of a mail's sender, and prove it again",
		Long: `Shows SPF, DKIM and DMARC of a mail that reached a canary, as the core found them,
and evaluates the mail again from its stored bytes and the stored DNS answers
alone. With --output json the answers are given whole, so that anybody can do the
same. "saltmine trace --output json" names the contacts.`,
		Example: "  saltmine mailauth k_smtpd-0123456789abcdef --output json",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withCore(cmd.Context(), func(c *core) error {
				id := canary.ContactID(args[0])
				m, err := c.reg.MailOf(cmd.Context(), id)
				if err != nil {
					return err
				}
				contact, err := c.reg.Contact(cmd.Context(), id)
				if err != nil {
					return err
				}
				out := provedAgain{Mail: m}
				if message, whole := mailauth.FromContact(contact); whole && m.Report != nil {
					again := mailauth.Again(message, m.Report.Answers)
					out.Same = reflect.DeepEqual(again, *m.Report)
				}
				return a.print(out, out.Text)
			})
		},
	}
}

// provedAgain is a mail's report, and whether a second evaluation gives the same.
type provedAgain struct {
	registry.Mail

	Same bool `json:"same_again"`
}

// Text prints the report for a person.
func (p provedAgain) Text(w io.Writer) error {
	out := mailLines(&p.Mail, "")
	if p.Report != nil {
		out = append(out, fmt.Sprintf("from %d DNS answers; evaluated again from these alone: %s", len(p.Report.Answers), map[bool]string{true: "the same", false: "NOT THE SAME"}[p.Same]))
	}
	return lines(w, out)
}

// mailLines tells what is known of a mail's sender.
func mailLines(m *registry.Mail, indent string) []string {
	head := fmt.Sprintf("%s  %s", m.Contact, m.At.Format(time.RFC3339))
	var out []string
	switch {
	case m.Report != nil:
		out = m.Report.Lines()
	case m.Again.IsZero():
		out = []string{"no whole mail"}
	default:
		out = []string{"not looked at yet"}
	}
	if m.Report != nil && !m.Again.IsZero() {
		out = append(out, "the resolver did not answer everything; tried again at "+m.Again.Format(time.RFC3339))
	}
	out = append([]string{head}, out...)
	for i := range out {
		out[i] = indent + out[i]
		if i > 0 {
			out[i] = indent + "  " + strings.TrimSpace(out[i])
		}
	}
	return out
}

// mailsShown bounds the mails of a trace.
const mailsShown = 20

// printMails tells what is proved of the senders of an incident's mails.
func printMails(w io.Writer, list []registry.Mail) error {
	if len(list) == 0 {
		return nil
	}
	out := []string{"Senders, by SPF, DKIM and DMARC (the newest mails; a pass proves the domain, not good faith):"}
	for i := range list {
		out = append(out, mailLines(&list[i], "  ")...)
	}
	return lines(w, append(out, ""))
}

// judging makes what looks at the senders of mails; nil where it is not wanted.
func (s *server) judging() *mailauth.Worker {
	if s.cfg.MailAuth == nil {
		return nil
	}
	return mailauth.NewWorker(mailauth.WorkerConfig{
		Queue: s.reg, Judge: mailauth.New(mailauth.Config{Resolver: s.cfg.MailAuth.Resolver, Now: s.app.now}),
		Now: s.app.now, Log: s.log.With("part", "mailauth"),
	})
}
