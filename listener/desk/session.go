package desk

import (
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"sync"
	"time"
)

// cookieName begins with what makes browsers keep such a cookie only when it is
// Secure, for this host and for all of it (RFC 6265bis §4.1.3.2).
const cookieName = "__Host-desk"

// Bounds of a session.
const (
	sessionLife = 12 * time.Hour // after logging in
	sessionIdle = time.Hour      // after the last request
	mostOfOne   = 8              // sessions of one agent; the oldest makes way
)

// session is one agent at one browser.
type session struct {
	who   *agent
	form  string // proves that a form is one that we gave to this browser
	began time.Time
	last  time.Time
}

// sessions are held in memory alone: a restart logs everybody out.
type sessions struct {
	mu   sync.Mutex
	open map[[sha256.Size]byte]*session // by the hash of the cookie
}

// begin logs an agent in and gives the cookie's value.
func (s *sessions) begin(who *agent, now time.Time) string {
	id := rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(who, now)
	s.open[sha256.Sum256([]byte(id))] = &session{who: who, form: rand.Text(), began: now, last: now}
	return id
}

// sweep removes what has ended, and the oldest of an agent who has too many.
func (s *sessions) sweep(who *agent, now time.Time) {
	var oldest [sha256.Size]byte
	count := 0
	for key, one := range s.open {
		switch {
		case one.ended(now):
			delete(s.open, key)
		case one.who == who:
			if count++; count == 1 || one.began.Before(s.open[oldest].began) {
				oldest = key
			}
		}
	}
	if count >= mostOfOne {
		delete(s.open, oldest)
	}
}

func (s *session) ended(now time.Time) bool {
	return now.Sub(s.began) >= sessionLife || now.Sub(s.last) >= sessionIdle || now.Before(s.began.Add(-time.Minute))
}

// of gives the session of a request, nil for none.
func (s *sessions) of(r *http.Request, now time.Time) *session {
	c, err := r.Cookie(cookieName)
	if err != nil {
		return nil
	}
	key := sha256.Sum256([]byte(c.Value))
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.open[key]
	if one == nil || one.ended(now) {
		delete(s.open, key)
		return nil
	}
	one.last = now
	return one
}

// end logs a request's session out.
func (s *sessions) end(r *http.Request) {
	if c, err := r.Cookie(cookieName); err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.open, sha256.Sum256([]byte(c.Value)))
	}
}

// cookie is what a browser keeps; an empty id makes it forget.
func cookie(id string) *http.Cookie {
	c := &http.Cookie{Name: cookieName, Value: id, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode, MaxAge: int(sessionLife / time.Second)}
	if id == "" {
		c.MaxAge = -1
	}
	return c
}
