// Package pack writes and verifies evidence packs: what is given to a third party about
// one incident. A pack is a ZIP file that any program opens, and of which every byte is
// laid down, so that none can be changed, put in or left out unnoticed: files in the
// order of their names, stored as they are, no time, no comment, no extra field,
// nothing between them. Package evidence specifies what its proofs rest on.
//
//	HOW-TO-VERIFY.txt         by hand, with openssl and sha256sum
//	canaries/c_….json         each canary that was reached, as 'evidence disclose' shows it
//	checkpoints/4711.note     earlier checkpoints of the log
//	checkpoints/4711.NAME.tsr what somebody outside said of one: a time stamp (tsr,
//	                          ots), or a line of signature (sig); see package stamp
//	contacts/k_…/header.json  what came, byte for byte: channel, time, peer, targets
//	contacts/k_…/raw          the dialogue, request or recording itself
//	contacts/k_…/mail.json    SPF, DKIM and DMARC with the DNS answers
//	incident.json             incident, canaries with their windows, hits, custody
//	log/acts/00000123.json    an act of the evidence log, as it was hashed
//	log/checkpoint.note       the log as it was signed when the pack was made
//	log/leaves                the leaf of every act, 32 bytes each
//	log/lists/f_….txt         the lines that an act "filed", or "windows", stands for
//	log/proof.json            salts, and what is proved by which ([Proof])
//	manifest.json             size and SHA-256 of each file ([Manifest])
//	manifest.note             the log's signature on the manifest
//	pages/p_….json            what responders were sent
//	reads/0123456789ab.json   a statement of an audit log that is among the suspects
//	report.html, report.pdf   for people
//	trace.json                what 'saltmine trace' said
//	windows/t_….json          when a token that was reached could be read, as committed to
//
// With all leaves the root of every earlier checkpoint can be worked out: one of any
// time, that somebody else kept, shows whether acts were changed, dropped, put in or
// changed places since ([Options.Outside]). A leaf whose act is not in the pack tells
// nothing of it. Without such a checkpoint a pack proves what the key's owner signed.
//
// [Verify] needs the pack and the public key, believes nothing else, and names the first
// [Fault] that it finds; configs/verify.py does the same in the same order.
package pack

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Format is the first line of every manifest.
const Format = "saltmine evidence pack 1"

// Manifest lists the files of a pack, but for itself and its note.
type Manifest struct {
	Format   string    `json:"format"`
	Tool     string    `json:"tool"` // that made it, with its version
	Log      string    `json:"log"`
	Incident string    `json:"incident"`
	At       time.Time `json:"at"`
	Acts     int64     `json:"acts"` // of the log, then
	Files    []File    `json:"files"`
}

// File is one file of a pack.
type File struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Proof says what of the pack is proved by which act.
type Proof struct {
	Acts     []Act     `json:"acts"`
	Lists    []List    `json:"lists"`
	Contacts []Contact `json:"contacts"`
	Pages    []Page    `json:"pages"`
	Windows  []Page    `json:"windows"`
}

// Act is an act that is shown, log/acts/SEQ.json.
type Act struct {
	Seq  int64  `json:"seq"`
	Salt string `json:"salt"` // in hex digits, as the others
}

// List is a list of lines, log/lists/ID.txt, whose SHA-256 is an act's outcome.
type List struct {
	ID  string `json:"id"`
	Act int64  `json:"act"`
}

// Contact is a contact whose line stands in a list: HMAC-SHA256 under its salt of "SMC1",
// the length of header.json as 4 bytes, the first the highest, header.json and raw.
type Contact struct {
	ID   string `json:"id"`
	Salt string `json:"salt"`
	List string `json:"list"`
}

// Page is a page, pages/ID.json, or the window of a token, windows/ID.json, whose line
// stands in a list by its own SHA-256.
type Page struct {
	ID   string `json:"id"`
	List string `json:"list"`
}

// The files that every pack has.
const (
	manifestFile   = "manifest.json"
	noteFile       = "manifest.note"
	checkpointFile = "log/checkpoint.note"
	leavesFile     = "log/leaves"
	proofFile      = "log/proof.json"
)

// ActFile is where an act stands in a pack.
func ActFile(seq int64) string { return fmt.Sprintf("log/acts/%08d.json", seq) }

// ListFile is where a list stands.
func ListFile(id string) string { return "log/lists/" + id + ".txt" }

// HeaderFile is where what came stands of a contact.
func HeaderFile(id string) string { return "contacts/" + id + "/header.json" }

// RawFile is where a contact's evidence stands.
func RawFile(id string) string { return "contacts/" + id + "/raw" }

// WindowFile is where the window of a token stands.
func WindowFile(id string) string { return "windows/" + id + ".json" }

// PageFile is where a page stands.
func PageFile(id string) string { return "pages/" + id + ".json" }

// ReadFile is where a statement of an audit log stands.
func ReadFile(id string) string { return "reads/" + id + ".json" }

// known are the names that a file may have.
var known = regexp.MustCompile(`^(HOW-TO-VERIFY\.txt|canaries/c_[a-z2-7]+\.json|checkpoints/[0-9]+\.(note|[A-Za-z0-9._-]+\.(tsr|ots|sig))|contacts/k_[A-Za-z0-9._-]+/(header\.json|raw|mail\.json)|incident\.json|log/(acts/[0-9]+\.json|checkpoint\.note|leaves|lists/[fw]_[a-z2-7]+\.txt|proof\.json)|pages/p_[a-z2-7]+\.json|reads/[0-9a-f]{12}\.json|report\.(html|pdf)|trace\.json|windows/t_[a-z2-7]+\.json)$`)

// proved are those of them that must stand in the proof.
var proved = regexp.MustCompile(`^(log/(acts|lists)/|pages/|windows/|contacts/[^/]+/(header\.json|raw)$)`)

// Fault is what is wrong with a pack.
type Fault struct {
	Where string // a file's name, "zip", or "checkpoint": that which was given from outside
	What  string
}

// Error says where and what.
func (f *Fault) Error() string { return f.Where + ": " + f.What }

func fault(where, format string, args ...any) error {
	return &Fault{shown(where), shown(fmt.Sprintf(format, args...))}
}

// shown makes of what a stranger has written a text that does nothing to a terminal.
func shown(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' {
			return '?'
		}
		return c
	}, s)
}

// incidents are the names that an incident may have.
var incidents = regexp.MustCompile(`^i_[a-z2-7]+$`)

// encode writes a manifest or a proof in the one form that is accepted.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	return b.Bytes(), nil
}

// decode reads what encode wrote, and nothing else.
func decode(where string, b []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return fault(where, "it is not the JSON that is wanted: %v", err)
	}
	again, err := encode(v)
	if err != nil {
		return err
	}
	if !bytes.Equal(again, b) {
		return fault(where, "it is not written as it must be")
	}
	return nil
}

// Hash is the SHA-256, in hex digits, of the manifest as it stands in its pack.
func (m *Manifest) Hash() (string, error) {
	b, err := encode(m)
	return fmt.Sprintf("%x", sha256.Sum256(b)), err
}

// statement is what the log signs of a manifest.
func statement(log, incident string, manifest []byte) string {
	return fmt.Sprintf("%s pack\n%s\n%x\n", log, incident, sha256.Sum256(manifest))
}

// plain makes of a text one that JSON writes the same everywhere.
func plain(s string) string {
	return strings.NewReplacer(`"`, "?", `\`, "?").Replace(shown(s))
}
