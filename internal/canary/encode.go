package canary

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// contactMagic begins every encoded contact and carries the format's version.
const contactMagic = "SMC1"

// MarshalBinary encodes the contact as it is sealed into the spool:
// "SMC1", the length of the header as 4 bytes big-endian, the header as JSON,
// then the raw evidence up to the end.
func (c *Contact) MarshalBinary() ([]byte, error) { return c.AppendBinary(nil) }

// AppendBinary puts the encoded contact behind b.
func (c *Contact) AppendBinary(b []byte) ([]byte, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	b = slices.Grow(b, len(contactMagic)+4+c.roughly()+len(c.Raw))
	b = append(b, contactMagic...)
	size := len(b)
	b, err := c.appendHeader(append(b, 0, 0, 0, 0))
	if err != nil {
		return nil, fmt.Errorf("encode contact: %w", err)
	}
	n := len(b) - size - 4
	if n > maxHeader {
		return nil, fmt.Errorf("contact: %w: header of %d bytes, %d allowed", ErrInvalid, n, maxHeader)
	}
	binary.BigEndian.PutUint32(b[size:], uint32(n)) //nolint:gosec // bounded by maxHeader above
	return append(b, c.Raw...), nil
}

// roughly says how long the header will be, in most cases.
func (c *Contact) roughly() int {
	return 256 + len(c.Source) + len(c.Text) + 64*(len(c.Targets)+len(c.Facts))
}

// appendHeader writes the bytes that encoding/json writes for a contact, and a
// line's end. It is written out because a flood of first sightings pays for
// every one of them.
func (c *Contact) appendHeader(b []byte) ([]byte, error) {
	b = appendString(append(b, `{"id":`...), string(c.ID))
	b = appendString(append(b, `,"channel":`...), string(c.Channel))
	b, err := c.At.AppendText(append(b, `,"at":"`...))
	if err != nil {
		return nil, err
	}
	b = appendString(append(b, `","ear":`...), c.Ear)
	b = appendTrue(b, `,"open":`, c.Open)
	if c.Part != 0 {
		b = strconv.AppendInt(append(b, `,"part":`...), int64(c.Part), 10)
	}
	b = appendTrue(b, `,"probe":`, c.Probe)
	b = appendTrue(b, `,"unverified":`, c.Unverified)
	b = appendText(b, `,"peer":`, c.Peer)
	b = appendText(b, `,"source":`, c.Source)
	b = c.appendTargets(b)
	b = appendText(b, `,"text":`, c.Text)
	b = c.appendFacts(b)
	return append(b, "}\n"...), nil
}

func (c *Contact) appendTargets(b []byte) []byte {
	if len(c.Targets) == 0 {
		return b
	}
	before := `,"targets":[{`
	for _, t := range c.Targets {
		b = append(b, before...)
		if t.Kind != "" {
			b = append(appendString(append(b, `"kind":`...), string(t.Kind)), ',')
		}
		b = appendString(append(b, `"text":`...), t.Text)
		b = append(appendTrue(b, `,"refused":`, t.Refused), '}')
		before = ",{"
	}
	return append(b, ']')
}

func (c *Contact) appendFacts(b []byte) []byte {
	if len(c.Facts) == 0 {
		return b
	}
	type fact struct{ key, value string }
	var room [16]fact
	facts := room[:0]
	for key, value := range c.Facts {
		facts = append(facts, fact{key, value})
	}
	slices.SortFunc(facts, func(a, b fact) int { return strings.Compare(a.key, b.key) })
	before := `,"facts":{`
	for _, f := range facts {
		b = append(b, before...)
		b = appendString(append(appendString(b, f.key), ':'), f.value)
		before = ","
	}
	return append(b, '}')
}

func appendTrue(b []byte, name string, is bool) []byte {
	if !is {
		return b
	}
	return append(append(b, name...), "true"...)
}

func appendText(b []byte, name, text string) []byte {
	if text == "" {
		return b
	}
	return appendString(append(b, name...), text)
}

// appendString quotes a text. One that needs more than quotes is left to the
// library.
func appendString(b []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return appendEscaped(b, text)
		}
	}
	b = append(b, '"')
	b = append(b, text...)
	return append(b, '"')
}

func appendEscaped(b []byte, text string) []byte {
	var quoted bytes.Buffer
	enc := json.NewEncoder(&quoted)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(text) // no text fails
	return append(b, bytes.TrimSuffix(quoted.Bytes(), []byte("\n"))...)
}
