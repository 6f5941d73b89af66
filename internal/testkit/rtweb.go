package testkit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// rtWeb is the running web interface.
type rtWeb struct {
	base string
	run  *run
}

// RTBrowser is somebody who has logged in to the web interface.
type RTBrowser struct {
	base   string
	client http.Client
}

// URL is the address of the web interface, which is started if this is the
// first call.
func (r *RT) URL(tb testing.TB) string {
	tb.Helper()
	if r.web != nil {
		return r.web.base
	}
	ctx := context.WithoutCancel(tb.Context())
	reaper, err := startReaper(ctx, r.kit.dir)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(reaper.dismiss)
	for range startTries {
		if r.web, err = r.kit.serve(ctx); err == nil {
			tb.Cleanup(r.web.stop)
			return r.web.base
		}
	}
	tb.Fatal(err)
	return ""
}

// serve starts rt-server and returns when it listens. It has a process group
// of its own: it forks.
func (k rtKit) serve(ctx context.Context) (*rtWeb, error) {
	port, err := freePort(ctx)
	if err != nil {
		return nil, fmt.Errorf("rt: find a port: %w", err)
	}
	k.web = port
	w := &rtWeb{base: "http://127.0.0.1:" + strconv.Itoa(port), run: &run{out: &output{up: true}, ended: make(chan struct{})}}
	w.run.cmd = k.command(ctx, rtServer, "--host", "127.0.0.1", "--port", strconv.Itoa(port), "--max-workers", "2")
	w.run.cmd.Stdout, w.run.cmd.Stderr = w.run.out, w.run.out
	w.run.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := w.run.cmd.Start(); err != nil {
		return nil, fmt.Errorf("rt: start: %w", err)
	}
	go func() { // ends with the program
		w.run.cmd.Wait() //nolint:errcheck // its words are in run.out
		close(w.run.ended)
	}()
	group := strconv.Itoa(-w.run.cmd.Process.Pid)
	if err := os.WriteFile(filepath.Join(k.dir, "pid"), []byte(group), 0o600); err != nil {
		w.stop()
		return nil, fmt.Errorf("rt: %w", err)
	}
	if err := w.listens(ctx, net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err != nil {
		w.stop()
		return nil, err
	}
	return w, nil
}

func (w *rtWeb) listens(ctx context.Context, addr string) error {
	tick, limit := time.NewTicker(20*time.Millisecond), time.NewTimer(startLimit)
	defer tick.Stop()
	defer limit.Stop()
	var d net.Dialer
	for {
		if conn, err := d.DialContext(ctx, "tcp", addr); err == nil {
			conn.Close() //nolint:errcheck // nothing was sent
			return nil
		}
		select {
		case <-tick.C:
		case <-w.run.ended:
			return fmt.Errorf("rt: ended while it started on %s:\n%s", addr, w.run.out.text())
		case <-limit.C:
			return fmt.Errorf("rt: not up within %s on %s:\n%s", startLimit, addr, w.run.out.text())
		}
	}
}

// stop ends the whole group; there is nothing to save.
func (w *rtWeb) stop() {
	syscall.Kill(-w.run.cmd.Process.Pid, syscall.SIGKILL) //nolint:errcheck // it may have ended by itself
	<-w.run.ended
}

// Browser logs somebody in to the web interface, which is started if need be:
// "root" or an agent.
func (r *RT) Browser(tb testing.TB, user string) *RTBrowser {
	tb.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		tb.Fatal(err)
	}
	b := &RTBrowser{base: r.URL(tb), client: http.Client{Jar: jar, Timeout: startLimit}}
	tb.Cleanup(b.client.CloseIdleConnections)
	form := url.Values{"user": {user}, "pass": {RTPassword}}
	b.Post(tb, "/NoAuth/Login.html", form)
	if page := b.Get(tb, "/", nil); !strings.Contains(page, "/NoAuth/Logout.html") {
		tb.Fatalf("rt: %s is not logged in:\n%s", user, page)
	}
	return b
}

// Get returns the page at a path of RT.
func (b *RTBrowser) Get(tb testing.TB, path string, query url.Values) string {
	tb.Helper()
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	page, err := b.send(tb.Context(), http.MethodGet, path, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return page
}

// Post sends a form to a path of RT and returns the page that follows.
func (b *RTBrowser) Post(tb testing.TB, path string, form url.Values) string {
	tb.Helper()
	page, err := b.send(tb.Context(), http.MethodPost, path, strings.NewReader(form.Encode()))
	if err != nil {
		tb.Fatal(err)
	}
	return page
}

// found are the ids of the rows of a list.
var found = regexp.MustCompile(`data-record-id="(\d+)"`)

// user is the id in the page of the only user found.
var user = regexp.MustCompile(`id="page-display" class="menu-item btn" href="/User/Summary\.html\?id=(\d+)"`)

// Users returns the ids of the users, 100 at most, whose login or address
// begins with a text or whose name has it anywhere.
func (b *RTBrowser) Users(tb testing.TB, text string) []int64 {
	tb.Helper()
	page := b.Get(tb, "/User/Search.html", url.Values{"UserString": {text}})
	if id := user.FindStringSubmatch(page); id != nil {
		return numbers(tb, [][]string{id})
	}
	return numbers(tb, found.FindAllStringSubmatch(page, -1))
}

// Search returns the ids of the tickets that the search field at the top of
// each page finds by number, by the address of a requestor or by words of the
// subject. It looks at active tickets only.
func (b *RTBrowser) Search(tb testing.TB, text string) []int64 {
	tb.Helper()
	return numbers(tb, found.FindAllStringSubmatch(b.Get(tb, "/Search/Simple.html", url.Values{"q": {text}}), -1))
}

// Tickets returns the ids of the tickets that match a query in RT's language:
// Requestor.EmailAddress = 'ann@example.com' AND Status = 'resolved'.
func (b *RTBrowser) Tickets(tb testing.TB, query string) []int64 {
	tb.Helper()
	page := b.Get(tb, "/Search/Results.html", url.Values{"Query": {query}, "Rows": {"0"}})
	return numbers(tb, found.FindAllStringSubmatch(page, -1))
}

func numbers(tb testing.TB, groups [][]string) (all []int64) {
	tb.Helper()
	for _, group := range groups {
		n, err := strconv.ParseInt(group[1], 10, 64)
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, n)
	}
	return all
}

// Ticket returns the page that shows a ticket and the page of its history.
func (b *RTBrowser) Ticket(tb testing.TB, id int64) string {
	tb.Helper()
	query := url.Values{"id": {strconv.FormatInt(id, 10)}}
	return b.Get(tb, "/Ticket/Display.html", query) + b.Get(tb, "/Ticket/History.html", query)
}

func (b *RTBrowser) send(ctx context.Context, method, path string, body io.Reader) (page string, err error) {
	req, err := http.NewRequestWithContext(ctx, method, b.base+path, body)
	if err != nil {
		return "", fmt.Errorf("rt: %w", err)
	}
	req.Header.Set("Referer", b.base+"/") // RT asks strangers whether they meant it
	if body != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := b.client.Do(req)
	if err != nil {
		return "", fmt.Errorf("rt: %w", err)
	}
	text, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return "", fmt.Errorf("rt: %s: %w", path, err)
	}
	if res.StatusCode != http.StatusOK {
		return string(text), fmt.Errorf("rt: %s: %s\n%s", path, res.Status, lastLines(string(text)))
	}
	return string(text), nil
}
