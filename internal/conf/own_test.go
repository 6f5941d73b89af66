package conf_test

import (
	"path/filepath"
	"strings"
	"testing"

	"saltmine/internal/conf"
)

func TestOwnSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"name = 'a'\ndomains = ['not a domain']": `"not a domain" is not a domain`,
		"name = 'a'":                             "own[0].domains: missing",
		"domains = ['news.example.com']":         "own[0].name: missing",
		"name = 'a'\ndomains = ['news.example.com']\ncampaigns = ['yesterday']":                                         "want two moments",
		"name = 'a'\ndomains = ['news.example.com']\ncampaigns = ['2026-12-02T06:00:00Z/soon']":                         `"soon" is no moment`,
		"name = 'a'\ndomains = ['x.example']\ncampaigns = ['2026-12-02T06:00:00Z/2026-12-01T06:00:00Z']":                "ends before it begins",
		"name = 'a'\ndomains = ['x.example']\nalways = true\ncampaigns = ['2026-12-01T06:00:00Z/2026-12-02T06:00:00Z']": "it writes always already",
		"name = 'a'\ndomains = ['x.example']\n[[own]]\nname = 'a'\ndomains = ['y.example']":                             `"a" is there twice`,
	} {
		dir := t.TempDir()
		write(t, dir, "s.toml", "[[own]]\n"+text+"\n", 0o600)
		_, err := conf.Load(filepath.Join(dir, "s.toml"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
