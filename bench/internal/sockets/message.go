package sockets

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// ErrMessage is returned for a message that no client could understand.
var ErrMessage = errors.New("bad message")

var (
	tickStart    = []byte(`{"type":"tick",`)
	timestampKey = []byte(`"timestamp":`)
)

// message is what a reader needs of one message of the stream.
type message struct {
	Type      string `json:"type"`
	Timestamp int64  `json:"timestamp"` // Milliseconds.
	Skipped   int64  `json:"skipped"`   // Of a gap.
	Code      string `json:"code"`      // Of an error.
	Detail    string `json:"detail"`
}

// tick is a message of that type as the contract has it.
type tick struct {
	Symbol    string       `json:"symbol"`
	Bid       *json.Number `json:"bid"`
	Ask       *json.Number `json:"ask"`
	Timestamp int64        `json:"timestamp"`
}

// parse reads a message. Ticks in the usual order of fields are scanned, not decoded: a stream of
// a million messages a second leaves the generator no time for more.
func parse(text []byte) (message, error) {
	if bytes.HasPrefix(text, tickStart) {
		if timestamp, ok := scanTimestamp(text); ok {
			return message{Type: "tick", Timestamp: timestamp}, nil
		}
	}
	var m message
	if err := json.Unmarshal(text, &m); err != nil {
		return message{}, fmt.Errorf("%w: %w: %.120q", ErrMessage, err, text)
	}
	if m.Type == "" {
		return message{}, fmt.Errorf("%w: no type: %.120q", ErrMessage, text)
	}
	return m, nil
}

// scanTimestamp finds the milliseconds; quotes inside a JSON string are escaped, so that the key
// cannot be part of one.
func scanTimestamp(text []byte) (int64, bool) {
	at := bytes.Index(text, timestampKey)
	if at < 0 {
		return 0, false
	}
	var n int64
	for i, c := range text[at+len(timestampKey):] {
		switch {
		case c >= '0' && c <= '9' && i < 18:
			n = n*10 + int64(c-'0')
		case c == ',' || c == '}':
			return n, i > 0
		default:
			return 0, false
		}
	}
	return 0, false
}

// examineTick decodes a tick in full.
func examineTick(text []byte) error {
	var t tick
	if err := json.Unmarshal(text, &t); err != nil {
		return fmt.Errorf("%w: %w: %.120q", ErrMessage, err, text)
	}
	if t.Symbol == "" || t.Bid == nil || t.Ask == nil || t.Timestamp <= 0 {
		return fmt.Errorf("%w: a tick without symbol, bid, ask or timestamp: %.120q",
			ErrMessage, text)
	}
	return nil
}
