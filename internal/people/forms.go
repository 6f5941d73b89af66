package people

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// ErrOrigin is returned for a public address that is not one of a web page.
var ErrOrigin = errors.New("the public address is not a scheme and a host")

// Forms takes forms of our own pages, and of those at a public address, spelt as a
// browser spells an origin (RFC 6454 §6.2): a proxy may have changed the name. A
// browser sends credentials along with other people's forms as well.
func Forms(public string) (*http.CrossOriginProtection, error) {
	origin := http.NewCrossOriginProtection()
	if public == "" {
		return origin, nil
	}
	u, err := url.Parse(strings.ToLower(public))
	if err != nil || u.Host == "" || u.Path != "" && u.Path != "/" || u.User != nil {
		return nil, ErrOrigin
	}
	if port := map[string]string{"http": ":80", "https": ":443"}[u.Scheme]; port != "" {
		u.Host = strings.TrimSuffix(u.Host, port)
	}
	if err := origin.AddTrustedOrigin(u.Scheme + "://" + u.Host); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOrigin, err)
	}
	return origin, nil
}
