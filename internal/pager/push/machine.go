package push

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"saltmine/internal/canary"
	"saltmine/internal/pager"
)

const (
	longText = 8000
	// lasting is how long an alert stays when nobody closes its incident: as long
	// as the pager tries to deliver one.
	lasting = 7 * 24 * time.Hour
)

// alert is one of Alertmanager's. Its labels are its identity.
type alert struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt"`
	EndsAt      time.Time         `json:"endsAt"`
	Generator   string            `json:"generatorURL,omitempty"`
}

func alertmanagerKind() kind {
	return kind{encode: encodeAlerts, check: checkAlertmanager, accept: statusOK(func(s int) bool { return s == http.StatusOK })}
}

// encodeAlerts gives the alert of an incident at its severity, and ends those of
// the other severities: one that has become more urgent is one alert and not
// two. Resolved, all have ended.
func encodeAlerts(ctx context.Context, r *Route, d pager.Delivery) (http.Header, []byte, bool, error) {
	now := canary.Micro(r.cfg.Now())
	p, t := pager.Clean(d.Page), r.form.Text(ctx, d, titleText, longText)
	begun := p.At
	if !begun.Before(now) {
		begun = now.Add(-time.Second) // it must lie before its end
	}
	var list []alert
	for s := canary.P1; s <= canary.P4; s++ {
		a := alert{
			Labels: map[string]string{
				"alertname": "SaltmineIncident", "severity": word(s), "priority": s.String(), "incident": p.About(), "place": string(p.Place),
			},
			Annotations: map[string]string{"summary": t.Title, "description": t.Body},
			StartsAt:    begun, EndsAt: now, Generator: p.Link,
		}
		if p.Notice != "" {
			a.Labels["alertname"] = "SaltmineNotice"
		}
		if d.Test {
			a.Labels["alertname"] = "SaltmineTest"
		}
		if s == p.Severity && d.Kind != pager.Resolve {
			a.EndsAt = now.Add(lasting)
			if d.Test {
				a.EndsAt = now.Add(5 * time.Minute)
			}
		}
		list = append(list, a)
	}
	body, err := json.Marshal(list)
	return bearer(r.cfg.Secret), body, true, err
}

// word is the severity as alerts are commonly labelled.
func word(s canary.Severity) string {
	switch s {
	case canary.P2:
		return "error"
	case canary.P3:
		return "warning"
	case canary.P4:
		return "info"
	default:
		return "critical"
	}
}

func checkAlertmanager(ctx context.Context, r *Route) error {
	return r.ask(ctx, r.to.JoinPath("..", "status"), bearer(r.cfg.Secret))
}

// finding is a Detection Finding of OCSF 1.3 (category 2, class 2004).
type finding struct {
	Activity     int      `json:"activity_id"` // 1 create, 2 update, 3 close
	Category     int      `json:"category_uid"`
	Class        int      `json:"class_uid"`
	Type         int      `json:"type_uid"` // class*100 + activity
	Time         int64    `json:"time"`     // ms
	SeverityID   int      `json:"severity_id"`
	Severity     string   `json:"severity"`
	StatusID     int      `json:"status_id"` // 1 new, 2 in progress, 4 resolved
	ConfidenceID int      `json:"confidence_id"`
	IsAlert      bool     `json:"is_alert"`
	Message      string   `json:"message"`
	Metadata     metadata `json:"metadata"`
	Info         info     `json:"finding_info"`
	Unmapped     unmapped `json:"unmapped"`
}

type metadata struct {
	Version     string  `json:"version"`
	UID         string  `json:"uid"`
	Correlation string  `json:"correlation_uid"`
	Product     product `json:"product"`
}

type product struct {
	Name   string `json:"name"`
	Vendor string `json:"vendor_name"`
}

type info struct {
	UID     string   `json:"uid"`
	Title   string   `json:"title"`
	Desc    string   `json:"desc"`
	Created int64    `json:"created_time"`
	Types   []string `json:"types"`
	Source  string   `json:"src_url,omitempty"`
}

type unmapped struct {
	Page     canary.Page    `json:"page"`
	Verdict  canary.Verdict `json:"verdict,omitempty"`
	Test     bool           `json:"test,omitempty"`
	Priority string         `json:"priority"`
}

func ocsfKind() kind {
	return kind{encode: encodeFinding, check: reach, accept: statusOK(func(s int) bool { return s >= 200 && s < 300 })}
}

func encodeFinding(ctx context.Context, r *Route, d pager.Delivery) (http.Header, []byte, bool, error) {
	p, t := pager.Clean(d.Page), r.form.Text(ctx, d, titleText, longText)
	at := p.At.UnixMilli()
	f := finding{
		Activity: 1, Category: 2, Class: 2004, Time: at, StatusID: 1, ConfidenceID: max(1, 4-int(p.Severity)), IsAlert: true,
		SeverityID: 6 - int(p.Severity), Message: t.Title,
		Metadata: metadata{"1.3.0", d.ID(), p.About(), product{"Saltmine", "Saltmine"}},
		Info:     info{p.About(), t.Title, t.Body, at, []string{"honeytoken"}, p.Link},
		Unmapped: unmapped{p, d.Verdict, d.Test, p.Severity.String()},
	}
	f.Severity = map[int]string{5: "Critical", 4: "High", 3: "Medium", 2: "Low"}[f.SeverityID]
	switch {
	case d.Kind == pager.Resolve:
		f.Activity, f.StatusID, f.Time = 3, 4, canary.Micro(r.cfg.Now()).UnixMilli()
	case d.Kind == pager.Update:
		f.Activity, f.StatusID, f.IsAlert = 2, 2, false
	case d.Quiet:
		f.StatusID = 2
	}
	f.Type = f.Class*100 + f.Activity
	body, err := json.Marshal(f)
	return bearer(r.cfg.Secret), body, true, err
}
