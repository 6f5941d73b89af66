package main

import (
	"net/http"
	"os"
	"strings"
	"testing"
)

// TestRecordingsAreLookedFor takes a call in whose webhook names a recording on
// a host that is not the provider's, and restarts serve: it finds the recording in
// the registry, and refuses it without showing its address.
func TestRecordingsAreLookedFor(t *testing.T) {
	t.Parallel()
	dsn, db := mariadb.MariaDB(t).HelpDesk(t, smallDesk())
	s := newSite(t, dsn, db)
	text, err := os.ReadFile(s.path("saltmine.toml"))
	if err != nil {
		t.Fatal(err)
	}
	s.write("saltmine.toml", string(text)+"[[recording]]\nkind = \"twilio\"\nuser = \"AC1\"\nsecret_file = \"twilio.token\"\n")
	wants(t, s.run("check"), "telephony provider twilio", "telephony provider generic")
	srv := s.serve()
	form := callForm(prey{phone: testNumbers()[0], name: "nobody"}, 1)
	form.Set("RecordingUrl", "https://api.twilio.com.evil.example/2010/RE4711")
	if status := postForm(t, srv.addrs["phone"], "/twilio/voice", form, testTwilio); status != http.StatusOK {
		t.Fatalf("call: status %d", status)
	}
	reg := s.open()
	eventually(t, "the call is taken in", func() bool {
		ids, err := reg.ContactIDs(t.Context())
		return err == nil && len(ids) == 1
	})
	srv.kill()
	srv = s.serve()
	eventually(t, "the recording is refused", func() bool { return strings.Contains(srv.log.String(), "recording is not fetched") })
	srv.kill()
	if log := srv.log.String(); strings.Contains(log, "RE4711") || strings.Contains(log, testTwilio) || !strings.Contains(log, "not a host of the provider's") {
		t.Errorf("logged %s", log)
	}
}
