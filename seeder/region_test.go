package seeder_test

import (
	"testing"

	"saltmine/seeder"
)

func TestRegions(t *testing.T) {
	for text, want := range map[string]string{
		"DE": "DE", "de": "DE", "USA": "US", "GBR": "GB", "UK": "GB", "276": "DE", "United States": "US", "united kingdom": "GB", "Germany": "DE",
		"Deutschland": "DE", "Italia": "IT", "Nederland": "NL", "España": "ES", " FRA ": "FR",
		"": "", "EU": "", "001": "", "Atlantis": "", "ZZ": "", "x": "", "\xff\xfe": "",
	} {
		if got := seeder.RegionNamed(text); got != want {
			t.Errorf("the country %q is %q, not %q", text, got, want)
		}
	}
}
