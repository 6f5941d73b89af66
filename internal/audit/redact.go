package audit

import (
	"bytes"
	"regexp"
)

// secret finds the places where a statement of MySQL or MariaDB names a password:
// IDENTIFIED [WITH plugin] BY|AS|USING '…', PASSWORD('…'), PASSWORD = '…' of SET,
// CHANGE MASTER and CREATE SERVER, and the like. The group is the secret.
var secret = regexp.MustCompile(`(?is)(?:` +
	`\bidentified\s+(?:(?:with|via)\s+\S+\s+)?(?:by|as|using)\s+(?:password\s+)?` +
	`|\bor\s+\w+\s+(?:as|using)\s+` +
	`|\b(?:old_)?password\s*\(\s*` +
	`|\b(?:master_|source_)?password\s*(?:for\s+` + account + `(?:\s*@\s*` + account + `)?\s*)?(?::?=\s*)?` +
	`|\breplace\s+)` +
	`('(?:[^'\\]|\\.|'')*(?:'|$)|"(?:[^"\\]|\\.|"")*(?:"|$))`)

const account = "(?:'[^']*'|\"[^\"]*\"|`[^`]*`|[^\\s'\"`=@]+)"

// secretive are the statements in which a bare PASSWORD '…' is one. In all others
// it is a column, and only calls of PASSWORD() and IDENTIFIED BY are taken out.
var secretive = regexp.MustCompile(`(?is)\b(?:user|grant|server|change\s+(?:master|replication)|set\s+password|start\s+(?:slave|replica|group_replication))\b`)

// redact takes passwords out of a statement. It returns the statement itself when
// there is none.
func redact(text []byte) []byte {
	if !containsFold(text, "password") && !containsFold(text, "identified") {
		return text
	}
	bare := secretive.Match(text)
	var out []byte
	done := 0
	for _, m := range secret.FindAllSubmatchIndex(text, -1) {
		before := text[m[0]:m[2]]
		call := bytes.HasSuffix(bytes.TrimSpace(before), []byte("("))
		if !bare && !call && !containsFold(before, "identified") {
			continue
		}
		out = append(append(out, text[done:m[2]]...), "'*****'"...)
		done = m[3]
	}
	return append(out, text[done:]...)
}

// containsFold reports whether b contains an ASCII word in any case.
func containsFold(b []byte, lower string) bool {
	for i := 0; i+len(lower) <= len(b); i++ {
		if b[i]|0x20 == lower[0] && bytes.EqualFold(b[i:i+len(lower)], []byte(lower)) {
			return true
		}
	}
	return false
}
