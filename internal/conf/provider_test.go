package conf_test

import (
	"strings"
	"testing"

	"saltmine/internal/conf"
)

func TestProviderFaults(t *testing.T) {
	t.Parallel()
	for lines, want := range map[string]string{
		`kind = "twillio"`:                            `phone.provider[0].kind: "twillio" is not known; want twilio or signalwire or telnyx or vonage or plivo or bandwidth or sinch or generic; did you mean "twilio"?`,
		`kind = "telnyx"`:                             `phone.provider[0].public_key: missing`,
		"kind = \"telnyx\"\nsecret_file = \"s\"":      `phone.provider[0].secret_file: not used; telnyx signs with a key whose public_key is given`,
		`kind = "bandwidth"`:                          `phone.provider[0].user: missing`,
		"kind = \"plivo\"\nuser = \"u\"":              `phone.provider[0].user: plivo has none; only bandwidth and sinch`,
		"kind = \"plivo\"\npublic_key = \"k\"":        `phone.provider[0].public_key: plivo has none; only telnyx`,
		"kind = \"sinch\"\nsms_signature = \"md5\"":   `phone.provider[0].sms_signature: sinch has none; only vonage`,
		"kind = \"vonage\"\nsms_signature = \"sha3\"": `phone.provider[0].sms_signature: "sha3" is not known; want md5hash or md5 or sha1 or sha256 or sha512; did you mean "sha1"?`,
		"kind = \"twilio\"\nanswer = \"sing\"":        `phone.provider[0].answer: "sing" is not known; want voicemail or reject or silence`,
	} {
		text := "[phone]\nlisten = \"127.0.0.1:0\"\npublic_url = \"https://calls.example.net\"\n[[phone.provider]]\n" + lines + "\n"
		_, err := conf.Parse([]byte(text), "saltmine.toml", t.TempDir())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\n got %v\nwant %s", lines, err, want)
		}
	}
}

func TestRecordingFaults(t *testing.T) {
	t.Parallel()
	for lines, want := range map[string]string{
		`kind = "sinch"`:                                    `recording[0].kind: "sinch" is not known; want twilio or signalwire or telnyx or plivo or bandwidth or vonage`,
		`kind = "vonage"`:                                   `recording[0].user: missing`,
		`kind = "twilio"`:                                   `recording[0].user: missing`,
		"kind = \"plivo\"\nuser = \"MA1\"":                  `recording[0].secret_file: missing`,
		"kind = \"telnyx\"\nuser = \"u\"":                   `recording[0].user: telnyx wants no credentials`,
		"kind = \"plivo\"\n[[recording]]\nkind = \"plivo\"": `recording[1].kind: "plivo" stands twice`,
	} {
		_, err := conf.Parse([]byte("[[recording]]\n"+lines+"\n"), "saltmine.toml", t.TempDir())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\n got %v\nwant %s", lines, err, want)
		}
	}
}
