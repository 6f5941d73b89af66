package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestLogsThatCanBeForged: what a general or a slow log tells is kept, and the trace names
// it, and says how far such a log can be believed; and of a log of tables alone, what it does
// not tell.
func TestLogsThatCanBeForged(t *testing.T) {
	t.Parallel()
	s, _, prey := planted(t, 12)
	s.configure("[[audit]]\nname = \"db1\"\nfile = \"slow.log\"\n")
	at := time.Now().UTC()
	stamp := at.Format("2006-01-02T15:04:05.000000Z")
	s.write("general.log", fmt.Sprintf("%s\t    6 Connect\teve@10.0.0.9 on help using TCP/IP\n%s\t    6 Query\tSELECT * FROM customers\n", stamp, stamp))
	s.write("slow.log", fmt.Sprintf("# Time: %s\n# User@Host: max[max] @  [10.0.0.8]  Id:     7\n# Query_time: 0.1  Lock_time: 0.0 Rows_sent: 4000  Rows_examined: 4000\nuse help;\nSET timestamp=%d;\nSELECT * FROM customers;\n# Time: %s\n",
		stamp, at.Unix(), stamp))
	sum := s.imports(s.path("general.log"))
	if sum.Reads != 1 || sum.Low != 1 || sum.Kept != 1 || sum.LowOf["eve@10.0.0.9"] != 1 {
		t.Errorf("the general log: %+v", sum)
	}
	plain := at.Format("20060102 15:04:05")
	s.write("tables.log", fmt.Sprintf("%s,vm,ann,10.0.0.7,3,0,CONNECT,,,0\n%s,vm,ann,10.0.0.7,3,9,READ,,customers,\n", plain, plain))
	if sum := s.imports(s.path("tables.log")); sum.Reads != 1 || sum.Missing != 1 || sum.Kept != 1 {
		t.Errorf("a log of tables alone: %+v", sum)
	}
	w := &audited{site: s}
	if r := w.watchOnce(); r.Reads != 1 {
		t.Errorf("the slow log: %+v", r)
	}
	var heard strings.Builder
	heard.WriteString("token,at,channel,source,content\n")
	for i := range 5 {
		fmt.Fprintf(&heard, "%s,%s,smtp,a%d@one.example,\n", prey[i].email, time.Now().UTC().Format(time.RFC3339Nano), i)
	}
	s.write("heard.csv", heard.String())
	var got heardTrace
	if err := json.Unmarshal([]byte(s.run("trace", "--output", "json", "--contacts", s.path("heard.csv"))), &got); err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, one := range got.Answer.Suspects {
		if strings.HasPrefix(string(one.Extract), "read:") {
			named[one.Actor] = true
			about := map[bool]string{true: "only that it read a table of customers", false: "it could be forged"}
			wants(t, strings.Join(one.Reasons, "\n"), about[one.Actor == "ann@10.0.0.7"])
		}
	}
	if !named["ann@10.0.0.7"] || !named["eve@10.0.0.9"] || !named["max@10.0.0.8"] {
		t.Errorf("named are %v", named)
	}
}
