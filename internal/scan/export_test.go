package scan

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
)

// Resign changes the head of a filter, and signs it anew.
func Resign(file []byte, change func(*Head), key ed25519.PrivateKey) ([]byte, error) {
	head, _, body, err := ReadHead(file)
	if err != nil {
		return nil, err
	}
	change(&head)
	line, err := json.Marshal(head)
	if err != nil {
		return nil, err
	}
	start := append([]byte(filterMagic), append(line, '\n')...)
	sig := ed25519.Sign(key, signedPart(start, body))
	return bytes.Join([][]byte{start, []byte(base64.StdEncoding.EncodeToString(sig)), []byte("\n"), body}, nil), nil
}
