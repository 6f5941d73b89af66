package main

import (
	"bytes"
	"testing"

	"saltmine/internal/testkit"
)

// TestReplica points saltmine at a server that takes no writes, for a user who
// may not write all the same, from the start and in the middle of a plant.
func TestReplica(t *testing.T) {
	t.Parallel()
	server := testkit.MariaDB(t)
	dsn, db := server.HelpDesk(t, smallDesk())
	s := newSite(t, dsn, db)
	s.write("support.dsn", "mysql://"+server.User(t, dsn, "SELECT, INSERT, UPDATE, DELETE"))
	before := s.count("SELECT COUNT(*) FROM customers")
	readOnly := func(on string) { s.exec("SET GLOBAL read_only = " + on) }
	refused := []string{"support database is read-only", "hint: this is a replica, or read_only is set"}

	readOnly("1")
	for _, args := range [][]string{{"plant", "--count", "5"}, {"plant", "--count", "5", "--bulk"}, {"plant", "--count", "5", "--over", "2d"}} {
		wants(t, s.fails(exitFailed, args...), refused...)
	}
	s.empty()
	readOnly("0")
	s.run("plant", "--count", "5", "--batch", "first")
	readOnly("1")
	for _, args := range [][]string{{"rotate"}, {"live"}, {"withdraw", "--all"}, {"plant", "--count", "5", "--batch", "second"}} {
		wants(t, s.fails(exitFailed, args...), refused...)
	}
	wants(t, s.run("verify"), "5 checked, 5 as planted, 0 findings") // it reads
	s.run("export-form", "--count", "2", "--batch", "form", "--out", s.path("form.csv"))
	readOnly("0")

	cmd := s.command("plant", "--count", "300", "--batch", "long")
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "some canaries stand", func() bool { return s.count("SELECT COUNT(*) FROM customers") > before+15 })
	readOnly("1")
	if err := cmd.Wait(); err == nil {
		t.Fatal("it was done before the server took no writes any more")
	}
	wants(t, said.String(), refused...)
	readOnly("0")
	wants(t, s.run("plant", "--count", "300", "--batch", "long"), "300 of 300 canaries stand")
	if n := s.count("SELECT COUNT(*) FROM customers") - before; n != 305 {
		t.Errorf("%d new customers, 305 wanted", n)
	}
	wants(t, s.run("verify"), "305 checked, 305 as planted, 0 findings")
}
