package cover_test

import (
	"strings"
	"testing"

	"saltmine/internal/audit"
	"saltmine/internal/audit/cover"
)

// TestSwitch tells statements by which a database logs less from those by which it does
// not, however they are spelt.
func TestSwitch(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"SET GLOBAL server_audit_logging=OFF":                                      "switched auditing off",
		"set global\n\tserver_audit_logging = 'off'":                               "switched auditing off",
		"SET @@GLOBAL.server_audit_logging:=0":                                     "switched auditing off",
		"SET/**/GLOBAL/*x*/`server_audit_logging`/**/=/**/FALSE":                   "switched auditing off",
		"/* batch */ SET GLOBAL max_connections=7, server_audit_logging=OFF":       "switched auditing off",
		"SET /*!50000 GLOBAL server_audit_logging=OFF */":                          "switched auditing off",
		"SET -- why\n GLOBAL server_audit_logging = DEFAULT":                       "switched auditing off",
		"SET @@global . server_audit_logging /* maintenance */ = 0":                "switched auditing off",
		"SET GLOBAL audit_log_disable = true":                                      "switched auditing off",
		"SET GLOBAL server_audit_logging=ON":                                       "",
		"UNINSTALL PLUGIN server_audit":                                            "took the audit plugin out",
		"UNINSTALL SONAME 'server_audit'":                                          "took the audit plugin out",
		"uninstall component 'file://component_audit_log_filter'":                  "took the audit plugin out",
		"UNINSTALL PLUGIN spider":                                                  "",
		"SET GLOBAL general_log = OFF":                                             "switched the general log off",
		"SET PERSIST general_log = 0":                                              "switched the general log off",
		"SET sql_log_off = 1":                                                      "switched the general log off",
		"SET GLOBAL general_log = ON":                                              "",
		"SELECT audit_log_filter_remove_filter('all')":                             "changed what is audited",
		"SELECT audit_log_filter_set_user('eve@%', 'none')":                        "changed what is audited",
		"SET GLOBAL server_audit_excl_users='eve'":                                 "changed what is audited",
		"SET GLOBAL server_audit_events='CONNECT'":                                 "changed what is audited",
		"SET GLOBAL audit_log_exclude_accounts = 'eve@%'":                          "changed what is audited",
		"SET GLOBAL server_audit_file_path='/tmp/x'":                               "moved the log elsewhere",
		"SET GLOBAL log_output = 'NONE'":                                           "moved the log elsewhere",
		"SHOW VARIABLES LIKE 'server_audit_logging'":                               "",
		"SELECT @@server_audit_logging":                                            "",
		"SELECT * FROM audits WHERE general_log > 3":                               "",
		"INSERT INTO notes VALUES ('SET GLOBAL server_audit_logging=OFF')":         "",
		"SET @a='#', GLOBAL server_audit_logging=OFF":                              "switched auditing off",
		"SET @a='/*', GLOBAL server_audit_logging=OFF, @b='*/'":                    "switched auditing off",
		"EXECUTE IMMEDIATE 'SET GLOBAL server_audit_logging=0'":                    "switched auditing off",
		"SET STATEMENT max_statement_time=9 FOR UNINSTALL PLUGIN server_audit":     "took the audit plugin out",
		"/*" + strings.Repeat("x", 5000) + "*/SET GLOBAL server_audit_logging=OFF": "switched auditing off",
		"SET NAMES utf8mb4":                                                        "",
	} {
		s, ok := cover.Switch(&audit.Event{Kind: audit.Query, User: "eve", Host: "h", Text: []byte(text)})
		if ok != (want != "") || s.What != want {
			t.Errorf("%s: %q, want %q", text, s.What, want)
		}
	}
	if _, ok := cover.Switch(&audit.Event{Kind: audit.Prepare, Text: []byte("SET GLOBAL server_audit_logging=OFF")}); ok {
		t.Error("what was only prepared has not run")
	}
}
