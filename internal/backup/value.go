package backup

import (
	"encoding/binary"
	"fmt"
	"math"
)

// The first byte of a value.
const (
	tagNull = iota
	tagWhole
	tagNumber
	tagText
	tagBytes
)

// appendValue writes nil, int64, float64, string or []byte.
func appendValue(b []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(b, tagNull), nil
	case int64:
		return binary.AppendVarint(append(b, tagWhole), v), nil
	case float64:
		return binary.BigEndian.AppendUint64(append(b, tagNumber), math.Float64bits(v)), nil
	case string:
		return append(binary.AppendUvarint(append(b, tagText), uint64(len(v))), v...), nil
	case []byte:
		return append(binary.AppendUvarint(append(b, tagBytes), uint64(len(v))), v...), nil
	}
	return b, fmt.Errorf("a value of the type %T", v)
}

// readValue reads one value and gives the rest. Bytes are a copy.
func readValue(b []byte) (v any, rest []byte, err error) {
	bad := fmt.Errorf("%w: a value is cut off", ErrDamaged)
	if len(b) == 0 {
		return nil, nil, bad
	}
	tag, b := b[0], b[1:]
	switch tag {
	case tagNull:
		return nil, b, nil
	case tagWhole:
		n, size := binary.Varint(b)
		if size <= 0 {
			return nil, nil, bad
		}
		return n, b[size:], nil
	case tagNumber:
		if len(b) < 8 {
			return nil, nil, bad
		}
		return math.Float64frombits(binary.BigEndian.Uint64(b)), b[8:], nil
	case tagText, tagBytes:
		n, size := binary.Uvarint(b)
		if size <= 0 || n > uint64(len(b)-size) { //nolint:gosec // a length
			return nil, nil, bad
		}
		content, rest := b[size:size+int(n)], b[size+int(n):] //nolint:gosec // no more than there is
		if tag == tagText {
			return string(content), rest, nil
		}
		return append([]byte{}, content...), rest, nil
	}
	return nil, nil, fmt.Errorf("%w: there is no value of the sort %d", ErrDamaged, tag)
}
