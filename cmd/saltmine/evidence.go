package main

import "github.com/spf13/cobra"

func (a *app) evidenceCmd() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "evidence",
		Short:   "What is given to others, and how they check it",
		Example: "  saltmine evidence disclose c_abcdefghijklmnop canary.json\n  saltmine evidence check-disclosure canary.json --key sign.pub",
	}
	cmd.AddCommand(a.discloseCmd(), a.checkDisclosureCmd())
	return cmd
}
