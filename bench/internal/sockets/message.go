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
	tickStart    = []byte(`{"type":"tick","symbol":"`)
	timestampKey = []byte(`"timestamp":`)
	timeKey      = []byte(`"time":`)
	prevKey      = []byte(`"prev":`)
)

// message is what a reader needs of one message of the stream.
type message struct {
	Type      string `json:"type"`
	Symbol    string `json:"symbol"`
	Timestamp int64  `json:"timestamp"` // Milliseconds.
	Time      int64  `json:"time"`      // Microseconds, of a tick that was subscribed to; else 0.
	Prev      int64  `json:"prev"`      // The time of the symbol's tick before.
	From      int64  `json:"from"`      // Of a gap: what lies in (from, to] is left out.
	To        int64  `json:"to"`
	Skipped   int64  `json:"skipped"`
	Code      string `json:"code"` // Of an error.
	Detail    string `json:"detail"`
}

// tick is a message of that type as the contract has it.
type tick struct {
	Symbol    string       `json:"symbol"`
	Bid       *json.Number `json:"bid"`
	Ask       *json.Number `json:"ask"`
	Timestamp int64        `json:"timestamp"`
}

// parse reads a message, whose symbol it returns apart, as a part of text or not. Ticks in the
// usual order of fields are scanned, not decoded: a stream of a million messages a second leaves
// the generator no time for more.
func parse(text []byte) (message, []byte, error) {
	if symbol, rest, ok := scanSymbol(text); ok {
		if m, ok := scanTimes(rest); ok {
			return m, symbol, nil
		}
	}
	var m message
	if err := json.Unmarshal(text, &m); err != nil {
		return message{}, nil, fmt.Errorf("%w: %w: %.120q", ErrMessage, err, text)
	}
	if m.Type == "" {
		return message{}, nil, fmt.Errorf("%w: no type: %.120q", ErrMessage, text)
	}
	symbol := []byte(m.Symbol)
	m.Symbol = ""
	return m, symbol, nil
}

// scanSymbol finds the symbol of a tick; a name with an escape is left to the decoder.
func scanSymbol(text []byte) (symbol, rest []byte, ok bool) {
	rest, ok = bytes.CutPrefix(text, tickStart)
	if !ok {
		return nil, nil, false
	}
	end := bytes.IndexByte(rest, '"')
	if end < 0 || bytes.IndexByte(rest[:end], '\\') >= 0 {
		return nil, nil, false
	}
	return rest[:end], rest[end+1:], true
}

// scanTimes finds the times of a tick behind its symbol. Quotes inside a JSON string are escaped,
// so that no key can be part of one.
func scanTimes(all []byte) (message, bool) {
	m, text := message{Type: "tick"}, all
	var found, whole bool
	if m.Timestamp, text, found, whole = scanNumber(text, timestampKey); !found || !whole {
		return message{}, false
	}
	if m.Time, text, found, whole = scanNumber(text, timeKey); !found {
		return m, !bytes.Contains(all, timeKey)
	}
	if !whole {
		return message{}, false
	}
	m.Prev, _, found, whole = scanNumber(text, prevKey)
	return m, found && whole
}

// scanNumber finds a key and the number behind it, and returns what follows; whole is false for
// what only the decoder can judge.
func scanNumber(text, key []byte) (n int64, rest []byte, found, whole bool) {
	at := bytes.Index(text, key)
	if at < 0 {
		return 0, text, false, false
	}
	text = text[at+len(key):]
	for i, c := range text {
		switch {
		case c >= '0' && c <= '9' && i < 18:
			n = n*10 + int64(c-'0')
		case c == ',' || c == '}':
			return n, text[i:], true, i > 0
		default:
			return 0, nil, true, false
		}
	}
	return 0, nil, true, false
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
