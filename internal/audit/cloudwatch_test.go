package audit_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"saltmine/internal/audit"
)

// TestCloudWatch reads events as get-log-events answers them, and lines as they are
// exported to S3.
func TestCloudWatch(t *testing.T) {
	t.Parallel()
	golden(t, "cloudwatch.json", audit.Config{})
	golden(t, "cloudwatch_s3.log", audit.Config{})
}

// TestCloudWatchIsThePlugins reads whole logs of the plugin in each form that CloudWatch
// gives them, and finds the very events of the files.
func TestCloudWatchIsThePlugins(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"server_audit.log", "server_audit_notes.log", "aurora.log"} {
		text, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		text = bytes.ToValidUTF8(text, []byte("\ufffd")) // as CloudWatch does
		want, faults, err := read(t, bytes.NewReader(text), audit.Config{})
		if err != nil || len(want) == 0 {
			t.Fatal(len(want), err)
		}
		lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
		for form, wrapped := range cloudWatchForms(t, lines) {
			got, failed, err := read(t, strings.NewReader(wrapped), audit.Config{})
			if err != nil || len(got) != len(want) || len(failed) != len(faults) {
				t.Errorf("%s %s: %d events of %d, %d faults of %d, %v", name, form, len(got), len(want), len(failed), len(faults), err)
				continue
			}
			for i := range got {
				if got[i].Digest() != want[i].Digest() || !got[i].At.Equal(want[i].At) || string(got[i].Text) != string(want[i].Text) {
					t.Errorf("%s %s: %s, want %s", name, form, describe(got[i]), describe(want[i]))
				}
			}
		}
	}
}

func cloudWatchForms(t *testing.T, lines []string) map[string]string {
	t.Helper()
	type event struct {
		ID        string `json:"id,omitempty"`
		Timestamp int64  `json:"timestamp"`
		Message   string `json:"message"`
		Ingestion int64  `json:"ingestionTime,omitempty"`
	}
	var events []event
	var each, s3 strings.Builder
	for i, line := range lines {
		e := event{Timestamp: 1795765598000 + int64(i), Message: line + "\n", Ingestion: 1795765599000}
		events = append(events, e)
		one, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		each.Write(append(one, '\n'))
		fmt.Fprintf(&s3, "%s %s\n", time.UnixMilli(e.Timestamp).UTC().Format("2006-01-02T15:04:05.000Z"), line)
	}
	whole := func(v any, indent string) string {
		text, err := json.MarshalIndent(v, "", indent)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	half := len(events) / 2
	part := func(list []event) string {
		return whole(map[string]any{"logEvents": list, "logGroup": "/aws/rds/instance/db-1/audit", "messageType": "DATA_MESSAGE", "owner": "123456789012", "subscriptionFilters": []string{"all"}}, "")
	}
	return map[string]string{
		"get-log-events":      whole(map[string]any{"events": events, "nextForwardToken": "f/3", "nextBackwardToken": "b/3"}, "    "),
		"filter-log-events":   whole(map[string]any{"events": events, "searchedLogStreams": []any{map[string]any{"logStreamName": "s", "searchedCompletely": true}}}, ""),
		"subscription":        part(events[:half]) + part(events[half:]) + "\n",
		"an event a line":     each.String(),
		"exported to S3":      s3.String(),
		"an array by itself":  whole(events, " "),
		"with a health check": `{"messageType":"CONTROL_MESSAGE","owner":"CloudwatchLogs","logGroup":"","logEvents":[{"id":"","timestamp":1795765598000,"message":"CWL CONTROL MESSAGE: Checking health of destination"}]}` + part(events),
	}
}

// TestCloudWatchOfOtherLogs refuses events that hold something else, and leaves to the
// reader of any JSON what is not CloudWatch's.
func TestCloudWatchOfOtherLogs(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"events":[{"timestamp":1795765598000,"message":"2026-11-27T07:46:38.1Z 8 Query select 1","ingestionTime":1795765599000}]}`,
		`{"messageType":"DATA_MESSAGE","logGroup":"g","logEvents":[{"id":"1","timestamp":1795765598000,"message":"# User@Host: a"}]}`,
	} {
		if _, _, err := read(t, strings.NewReader(text), audit.Config{}); !errors.Is(err, audit.ErrWrapped) {
			t.Errorf("%s: %v", text, err)
		}
	}
	own := `{"timestamp":1795765598000,"message":"exported 20 customers","user":"ann"}` + "\n"
	if f := audit.Detect([]byte(own)); f != audit.JSONL {
		t.Errorf("an application's own events are %q", f)
	}
	// What is no event is told, whatever stands before it.
	_, faults, err := read(t, strings.NewReader("{\"events\":[\n\"a line\nanother\n{\"timestamp\":1,\"message\":\"x\"}\n"), audit.Config{Format: audit.CloudWatch})
	if err != nil || len(faults) != 3 {
		t.Errorf("%d faults, %v", len(faults), err)
	}
}
