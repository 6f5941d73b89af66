package main

import (
	"errors"
	"strconv"

	"github.com/spf13/cobra"
)

// rowLimit is the value of --limit: how many rows a list shows, 0 for all.
type rowLimit int

func (l *rowLimit) String() string { return strconv.Itoa(int(*l)) }

// Type implements pflag.Value.
func (*rowLimit) Type() string { return "int" }

// Set implements pflag.Value.
func (l *rowLimit) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return errors.New("want a number of rows, or 0 for all")
	}
	*l = rowLimit(n)
	return nil
}

// limited gives a list its --limit.
func limited(cmd *cobra.Command, usual int) *rowLimit {
	l := rowLimit(usual)
	cmd.Flags().Var(&l, "limit", "at most `N`; 0 is all")
	return &l
}

// oneMore is how many rows to ask for, so that a list that is cut is seen to be.
func (l *rowLimit) oneMore() int {
	if *l == 0 {
		return 0
	}
	return int(*l) + 1
}

// newest cuts a list that was asked for with [rowLimit.oneMore] to its limit, and says so on
// standard error, where it does not get into what a program reads. It is never nil:
// an empty list is one.
func newest[T any](a *app, list []T, limit *rowLimit) []T {
	if most := int(*limit); most > 0 && len(list) > most {
		a.say("these are the newest %d, and there are more: --limit N shows N of them, --limit 0 all", most)
		list = list[:most]
	}
	if list == nil {
		list = []T{}
	}
	return list
}
