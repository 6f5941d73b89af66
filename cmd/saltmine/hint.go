package main

import (
	"errors"
	"io/fs"
	"syscall"

	"saltmine/internal/canary"
	"saltmine/internal/conf"
	"saltmine/internal/exclude"
	"saltmine/internal/registry"
	"saltmine/internal/seal"
	"saltmine/internal/spool"
	"saltmine/listener/desk"
	"saltmine/seeder"
	"saltmine/seeder/supportdb"
)

// configError is a fault of the configuration or of a file that it names.
type configError struct{ error }

func (e *configError) Unwrap() error { return e.error }

// keysError is a fault of the folder of the keys.
type keysError struct{ error }

func (e *keysError) Unwrap() error { return e.error }

// hintFor says what to do about an error, where that is known and the error
// does not say it itself.
func hintFor(err error) string {
	for _, h := range hints() {
		if errors.Is(err, h.about) {
			return h.do
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return hintMissing(err)
	}
	if _, ok := errors.AsType[*unfinishedError](err); ok {
		return "nothing is lost: when the cause is gone, run the same command again, and it carries on to exactly its count"
	}
	return ""
}

// hintMissing says what to do about a file that is not there.
func hintMissing(err error) string {
	if _, ok := errors.AsType[*keysError](err); ok {
		return "put the keys back from your backup, or check keys in [registry]; 'saltmine init DIR' makes new ones, which open no old registry"
	}
	if _, ok := errors.AsType[*conf.Fault](err); ok {
		return "write the file that is named, or correct the line; relative paths start in the configuration's folder"
	}
	if _, ok := errors.AsType[*configError](err); ok {
		return "run 'saltmine init DIR' to make one, or name yours with --config FILE"
	}
	return ""
}

// hint is what to do about a sentinel.
type hint struct {
	about error
	do    string
}

// hints are in the order in which they are tried.
func hints() []hint {
	return []hint{
		{supportdb.ErrLogin, "check user and password in the dsn_file of [support.…]"},
		{supportdb.ErrUnreachable, "check host and port in the dsn_file of [support.…], and that the server is up; a run that was cut off is carried on by the same command"},
		{supportdb.ErrUnknownDatabase, "check the database's name at the end of the dsn_file of [support.…], and that this user has rights on it"},
		{supportdb.ErrDSN, "write the dsn_file of [support.…] as mysql://user:password@host:3306/database, with signs such as # or % of the password percent-encoded"},
		{supportdb.ErrReadOnly, "this is a replica, or read_only is set: plant on the primary server"},
		{supportdb.ErrSchema, "run 'saltmine inspect' to have a recipe proposed for this schema"},
		{supportdb.ErrTrigger, "read what the trigger does; if it neither mails the customer nor copies rows, list it in the recipe: allow_triggers = [\"NAME\"], above its first section"},
		{supportdb.ErrRefused, "compare a customer of the application's own with that column or rule; plant where rows like these may stand, or leave the column to the recipe (set)"},
		{supportdb.ErrAltered, "something between us and the table changes values: look for triggers and proxies, and run 'saltmine recipe check'"},
		{supportdb.ErrConstraint, "rows that the customers depend on are being deleted: look at that key, then run the same command again"},
		{supportdb.ErrLocked, "wait until the migration, backup or long transaction is over ('SHOW FULL PROCESSLIST' shows it), then run the same command again: it carries on to exactly its count"},
		{supportdb.ErrFull, "make room on the support server's disk, then run the same command again: it carries on to exactly its count"},
		{supportdb.ErrTooLarge, "raise max_allowed_packet on the support server, or plant without --bulk"},
		{supportdb.ErrTooSlow, "nothing was written by it: try again when the support database is less busy, or raise statement_time_max in [support.…] if it always takes so long"},
		{supportdb.ErrTooFew, "canaries are made like the customers that are there: plant without --segment, or in a larger one"},
		{seeder.ErrPool, "'saltmine pool list' shows what is free and when the rest will be: add to the pool, wait, or plant fewer"},
		{seeder.ErrRefused, "add what the gate asks for (mailboxes or numbers of [pool], --dates past, no --with), or plant all the same with --force, which is recorded; max_auc in [gate] is the limit"},
		{seeder.ErrBatch, "repeat the command with the settings that the batch was begun with, or name another one with --batch"},
		{registry.ErrFirstKey, "the first master key is missing from the keys folder: see 'saltmine keys rotate --help'"},
		{seal.ErrOpen, "these are not the keys that the registry was written with: check keys in [registry]"},
		{errNotOpen, "'saltmine pool check' says it of each: passwords and tokens run out, and large providers want an app password or a token, and IMAP switched on"},
		{spool.ErrLocked, "another 'saltmine serve' has this spool: stop it, or give this one another dir in [spool]"},
		{desk.ErrAway, "nothing was recorded: check that 'saltmine serve' runs with a section [ticket], and --url; then send it again"},
		{desk.ErrDenied, "the token in --token-file must be one of the agents file of [ticket], which serve reads when it starts"},
		{exclude.ErrAway, "nobody may be treated on it: check that 'saltmine serve' runs with sections [api] and [exclude], and --url; then ask again"},
		{exclude.ErrDenied, "the token in --token-file must be one of the callers file of [exclude], which serve reads when it starts"},
		{exclude.ErrBudget, "wait until tomorrow (UTC), or have share_per_day in [exclude] raised; somebody was told"},
		{syscall.EADDRINUSE, "another program has this port ('ss -lntup' shows which): stop it, or change listen in that section"},
		{syscall.EADDRNOTAVAIL, "no interface of this machine has that address ('ip address' shows which there are): change listen in that section"},
		{syscall.EACCES, "this user may not do it: ports below 1024 need CAP_NET_BIND_SERVICE, files their owner"},
		{canary.ErrInvalid, "see the command's --help for the form that is wanted"},
		{registry.ErrNotApproved, "another person of the role forensics or auditor runs 'saltmine approve' with that id; then run the same command again"},
		{registry.ErrOwnRequest, "somebody else has to; 'saltmine approve --refuse' takes it back"},
		{registry.ErrDecided, "'saltmine approvals --all' says what became of it; the command that needs it asks anew"},
		{registry.ErrHeld, "'saltmine hold' lists the holds, and 'saltmine verdict' closes an incident"},
		{registry.ErrShredded, "'saltmine acts --about CONTACT' says who gave it up, when and why"},
		{registry.ErrNotFound, "'saltmine list', 'saltmine incidents' and 'saltmine notices' show the ids that there are"},
	}
}
