// Package hook sends pages to any HTTP receiver as signed JSON, in the form of
// the Standard Webhooks specification (standard-webhooks.md, version 1).
//
// A page is one POST:
//
//	webhook-id: p_mfrggzdfmztwq2lk_pagerhook
//	webhook-timestamp: 1785924000
//	webhook-signature: v1,<base64>
//	content-type: application/json
//
//	{"type":"incident.page","timestamp":"2026-08-05T10:00:00Z","data":{…the page…}}
//
// The id is the delivery's id: page and route, the same on every attempt, so a
// receiver drops repeats by it. The body is the same on every attempt too; only
// webhook-timestamp, and with it the signature, is of the moment, because
// receivers refuse stamps older than about five minutes. "timestamp" in the
// body is when the page was written; "data" is a canary.Page. The page of a notice
// (canary.Notice) has the type "notice.page". "incident.updated" sums up what came
// since, and is always quiet.
//
// Any 2xx is a yes. 410 Gone means, by the specification, that the receiver
// wants no more: that delivery is given up, loudly. Everything else is tried
// again, misconfigured receivers (401, 404 …) with longer pauses: see
// post.Refusal. Redirects are not followed.
//
// The package refuses to send anything but a canary.Page, so no canary's
// identity can pass through it.
package hook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/pager"
	"saltmine/internal/pager/post"
)

// Config is what a hook needs. All fields but Poster.RootCAs, Proxy and Dial must be set.
type Config struct {
	URL string
	// Sign gives the value of webhook-signature for an id, a time and a body.
	Sign   func(id string, ts time.Time, body []byte) string
	Now    func() time.Time
	Poster post.Config // its Now may be left out
}

// Hook sends pages to one receiver.
type Hook struct {
	to     *url.URL
	sign   func(id string, ts time.Time, body []byte) string
	now    func() time.Time
	poster *post.Poster
}

// New returns a hook, or an error when the URL is none or Sign or Now is missing.
func New(cfg Config) (*Hook, error) {
	to, err := post.ParseURL(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("hook: url: %w", err)
	}
	if cfg.Sign == nil || cfg.Now == nil {
		return nil, errors.New("hook: no signer or no clock")
	}
	cfg.Poster.Now = cfg.Now
	return &Hook{to: to, sign: cfg.Sign, now: cfg.Now, poster: post.New(cfg.Poster)}, nil
}

// message is the body.
type message struct {
	Type      string      `json:"type"`
	Timestamp time.Time   `json:"timestamp"`
	Data      canary.Page `json:"data"`
	// Quiet, Verdict and Test are as in pager.Delivery, and absent where they say nothing.
	Quiet   bool           `json:"quiet,omitempty"`
	Verdict canary.Verdict `json:"verdict,omitempty"`
	Test    bool           `json:"test,omitempty"`
}

// Send is the route (see pager.Send).
func (h *Hook) Send(ctx context.Context, d pager.Delivery) (pager.Receipt, error) {
	of, what := "incident", "page"
	if d.Page.Notice != "" {
		of = "notice"
	}
	switch d.Kind {
	case pager.Resolve:
		what = "resolved"
	case pager.Update:
		what = "updated"
	}
	body, err := encode(message{
		Type: of + "." + what, Timestamp: canary.Micro(d.Page.At), Data: d.Page, Quiet: d.Quiet, Verdict: d.Verdict, Test: d.Test,
	})
	if err != nil {
		return "", &pager.Error{Class: "page cannot be encoded", Err: err}
	}
	id, ts := d.ID(), h.now()
	header := http.Header{}
	header.Set("Webhook-Id", id)
	header.Set("Webhook-Timestamp", strconv.FormatInt(ts.Unix(), 10))
	header.Set("Webhook-Signature", h.sign(id, ts, body))
	a, err := h.poster.Do(ctx, h.to, header, body)
	switch {
	case err != nil:
		return "", err
	case a.Status >= 200 && a.Status < 300:
		return pager.Receipt("status " + strconv.Itoa(a.Status)), nil
	case a.Status == http.StatusGone:
		return "", &pager.Error{Class: "status 410, the receiver wants no more"}
	}
	return "", post.Refusal(a)
}

// Check connects to the receiver, and posts nothing: what a webhook takes is not
// known before.
func (h *Hook) Check(ctx context.Context) error { return h.poster.Reach(ctx, h.to) }

// encode gives JSON without HTML escapes and without a newline at the end.
func encode(m message) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(m); err != nil {
		return nil, fmt.Errorf("encode page: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
