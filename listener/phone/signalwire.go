package phone

import (
	"encoding/json"
	"fmt"

	"saltmine/internal/canary"
	"saltmine/internal/webhook"
)

func signalWire() dialect {
	return dialect{
		kind: SignalWire, prefix: "sw", wait: hearTimeout,
		account: func(p Provider) (verifier, error) {
			key, err := secretText(p)
			return func(_ canary.Channel, q webhook.Request) (string, error) {
				err := webhook.VerifySignalWire(key, q)
				return q.Header.Get(webhook.HeaderSignalWire) + q.Header.Get(webhook.HeaderTwilio), err //nolint:wrapcheck // the ear tells the sentinels apart
			}, err
		},
		read:   readSignalWire,
		script: func(p Provider, back string) script { return cxml(p, back, "transcribe", "transcribeCallback") },
	}
}

// signalWireState is an event of SWML and RELAY, which are told of calls in JSON.
type signalWireState struct {
	Event  string `json:"event"`
	Params struct {
		Call  string  `json:"call_id"`
		State string  `json:"state"`
		From  numbers `json:"from"`
		To    numbers `json:"to"`
	} `json:"params"`
}

func readSignalWire(leg canary.Channel, q webhook.Request) []event {
	if !isJSON(q) {
		return readTwilio(leg, q)
	}
	var s signalWireState
	if err := json.Unmarshal(q.Body, &s); err != nil {
		return unreadable(leg, fmt.Errorf("not an event: %w", err))
	}
	ev := event{
		channel: canary.Voice, over: true, from: s.Params.From.first(), to: s.Params.To,
		facts: map[string]string{"event": s.Event, "call_status": s.Params.State},
	}
	if s.Params.Call != "" {
		ev.id = []string{s.Params.Call}
	}
	return []event{ev}
}
