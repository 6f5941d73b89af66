package pull

import (
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"saltmine/internal/spool"
)

// Spool is what an edge hands out.
type Spool interface {
	Read(ctx context.Context, from spool.Cursor, limit int) ([]spool.Record, error)
	Wait(ctx context.Context, from spool.Cursor) error
	Ack(ctx context.Context, upTo spool.Cursor) error
	ID() [16]byte
}

// ServerConfig is what an edge's side needs. All fields must be set.
type ServerConfig struct {
	Spool Spool
	Began time.Time // when the ears opened
	// Refused is when the spool could not take a contact last; zero is never.
	Refused func() time.Time
	Now     func() time.Time
	Log     *slog.Logger
}

// Server answers a core.
type Server struct {
	cfg ServerConfig
	mux *http.ServeMux
	id  string
}

// NewServer returns the handler of an edge's pull server. Whoever may speak to
// it may take and trim everything: it is to be served with [Identity.Serving].
func NewServer(cfg ServerConfig) *Server {
	id := cfg.Spool.ID()
	s := &Server{cfg: cfg, mux: http.NewServeMux(), id: hex.EncodeToString(id[:])}
	s.mux.HandleFunc("GET "+pathSpool, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	s.mux.HandleFunc("GET "+pathRecords, s.records)
	s.mux.HandleFunc("POST "+pathAck, s.ack)
	return s
}

// ServeHTTP answers one request of a core.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.stamp(w)
	if meant := r.Header.Get(headerSpool); r.URL.Path != pathSpool && meant != s.id {
		w.WriteHeader(http.StatusPreconditionFailed)
		return
	}
	s.mux.ServeHTTP(w, r)
}

func (s *Server) stamp(w http.ResponseWriter) {
	h := w.Header()
	h.Set(headerSpool, s.id)
	h.Set(headerBegan, micros(s.cfg.Began))
	h.Set(headerLost, micros(s.cfg.Refused()))
	h.Set(headerClock, micros(s.cfg.Now()))
}

// micros are microseconds since 1970, 0 for no time.
func micros(t time.Time) string {
	if t.IsZero() {
		return "0"
	}
	return strconv.FormatInt(t.UnixMicro(), 10)
}

func (s *Server) records(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	from, err := spool.ParseCursor(q.Get("from"))
	limit, err2 := strconv.Atoi(q.Get("limit"))
	wait, err3 := strconv.Atoi(q.Get("wait"))
	if errors.Join(err, err2, err3) != nil || wait < 0 {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), min(time.Duration(wait)*time.Second, mostWait))
	defer cancel()
	if wait > 0 {
		if err := s.cfg.Spool.Wait(ctx, from); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			s.fail(w, r, err)
			return
		}
		s.stamp(w) // the clock has gone on
	}
	records, err := s.cfg.Spool.Read(r.Context(), from, limit)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if len(records) == 0 {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	var body []byte
	for i := range records {
		body = appendRecord(body, &records[i])
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.Write(body) //nolint:errcheck,gosec // the core asks again; nobody shows sealed bytes in a browser
}

func (s *Server) ack(w http.ResponseWriter, r *http.Request) {
	to, err := spool.ParseCursor(r.URL.Query().Get("to"))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if err := s.cfg.Spool.Ack(r.Context(), to); err != nil {
		s.fail(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, spool.ErrAhead) {
		w.WriteHeader(http.StatusConflict)
		return
	}
	if r.Context().Err() == nil {
		s.cfg.Log.Error("the spool could not be handed out", "path", r.URL.Path, "err", err)
	}
	w.WriteHeader(http.StatusServiceUnavailable)
}
