package main

import (
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"saltmine/internal/conf"
	"saltmine/internal/people"
	"saltmine/internal/webhook"
	"saltmine/listener/desk"
)

func (a *app) ticketCmd() *cobra.Command {
	var q desk.Quote
	var to, tokenFile string
	cmd := &cobra.Command{
		Use:   "ticket TICKET",
		Short: "Report a ticket number that a caller quoted",
		Long: `Sends a quoted ticket number to the tripwire of a running 'saltmine serve'. The
answer is always the same: recorded, thank you.`,
		Example: "  saltmine ticket TK-2025-004711 --caller '+44 20 7946 0018' --note 'said he was from support' --token-file me.token",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if tokenFile == "" {
				return usage("--token-file is wanted: the file with your token, from the agents file of [ticket]")
			}
			token, err := conf.ReadSecret(tokenFile)
			if err != nil {
				return &exitError{exitUsage, err}
			}
			q.Ticket = args[0]
			client := &http.Client{Timeout: 20 * time.Second}
			if err := desk.Post(cmd.Context(), client, to, webhook.Hidden(token.Reveal()), q); err != nil {
				return err
			}
			return a.print(map[string]string{"status": "recorded, thank you"}, func(w io.Writer) error {
				_, err := fmt.Fprintln(w, "recorded, thank you")
				return err
			})
		},
	}
	cmd.Flags().StringVar(&q.Caller, "caller", "", "who called, as shown on the phone")
	cmd.Flags().StringVar(&q.Note, "note", "", "what the caller said")
	cmd.Flags().StringVar(&to, "url", "http://127.0.0.1:8082", "`URL` of the ticket ear")
	cmd.Flags().StringVar(&tokenFile, "token-file", "", "`FILE` with your token")
	return cmd
}

func (a *app) agentCmd() *cobra.Command {
	var file string
	var roles []string
	var replace bool
	cmd := &cobra.Command{
		Use:   "agent NAME",
		Short: "Give a help-desk agent, or a responder, a token",
		Long: `Makes a random token, prints it once, and puts its hash into the agents file of
[ticket], or with --role into the people file of [api]. With --replace somebody who is
in the file gets another token, and keeps the roles. A running 'saltmine serve' reads the file when it
starts.`,
		Example: "  saltmine agent j.doe --file agents.txt\n  saltmine agent d.ops --file people.txt --role responder\n  saltmine agent d.ops --file people.txt --replace",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if file == "" {
				return usage("--file is wanted: the agents_file of [ticket], or the people_file of [api]")
			}
			token := rand.Text()
			write := func() error { return conf.AddAgent(file, args[0], webhook.HashToken(token), roles...) }
			if replace && len(roles) > 0 {
				return usage("--replace keeps the roles that are in the file")
			}
			if replace {
				write = func() error { return conf.ReplaceAgent(file, args[0], webhook.HashToken(token)) }
			}
			if err := write(); err != nil {
				return err
			}
			return a.print(map[string]string{"agent": args[0], "token": token}, func(w io.Writer) error {
				_, err := fmt.Fprintln(w, token)
				return err
			})
		},
	}
	cmd.Flags().StringVar(&file, "file", "", "agents or people `FILE`, made where there is none")
	cmd.Flags().StringSliceVar(&roles, "role", nil, "`ROLES` of a person: "+strings.Join(conf.Roles(), ", "))
	cmd.Flags().BoolVar(&replace, "replace", false, "another token for somebody who is in the file")
	completes(cmd, "role", conf.Roles()...)
	return cmd
}

// doorOf lets in those of the people file.
func doorOf(api *conf.API, now func() time.Time) *people.Door {
	var out []people.Person
	for _, a := range api.People {
		p := people.Person{Name: a.Name, Sum: webhook.TokenSum(a.Token.Reveal())}
		for _, r := range a.Roles {
			p.Roles = append(p.Roles, people.Role(r))
		}
		out = append(out, p)
	}
	var host string
	if u, err := url.Parse(api.PublicURL); err == nil {
		host = strings.ToLower(u.Hostname())
	}
	return people.New(out, now, host)
}
