package httpd

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"tradingengine/core"
)

// What a client can ask for.
const (
	requestSubscribe   = "subscribe"
	requestUnsubscribe = "unsubscribe"
	requestPing        = "ping"
)

// Codes of the errors a client is told; they are stable.
const (
	streamBadMessage     = "BAD_MESSAGE"
	streamUnknownType    = "UNKNOWN_TYPE"
	streamUnknownChannel = "UNKNOWN_CHANNEL"
	streamUnknownSymbol  = "UNKNOWN_SYMBOL"
	streamUnknownAccount = "UNKNOWN_ACCOUNT"
	streamNotResumable   = "NOT_RESUMABLE"
	streamReplayFailed   = "REPLAY_FAILED"
)

// streamFault is why a message was refused. A refused message changes nothing.
type streamFault struct{ code, detail string }

func badMessage(format string, args ...any) *streamFault {
	return &streamFault{streamBadMessage, fmt.Sprintf(format, args...)}
}

// streamRequest is a message of a client, checked.
type streamRequest struct {
	kind      string
	key       streamKey
	symbols   streamSymbols
	since     []sinceTime // Ascending by symbol; those of symbols that are to be replayed.
	sinceSeq  *uint64     // Of an account that is to be replayed.
	timestamp []byte      // Of a ping: a number, as it came, or empty.
}

type sinceTime struct {
	symbol core.SymbolID
	time   core.Time
}

// rawRequest is a message as it comes.
type rawRequest struct {
	Type      *string         `json:"type"`
	Channel   *string         `json:"channel"`
	Symbols   *[]string       `json:"symbols"`
	Since     json.RawMessage `json:"since"`
	MaxRateHz *float64        `json:"maxRateHz"`
	Timestamp json.RawMessage `json:"timestamp"`
}

// timestampMax is the longest number a ping may carry.
const timestampMax = 32

// parseStreamRequest reads one message.
func parseStreamRequest(symbols *core.Registry, payload []byte) (*streamRequest, *streamFault) {
	var raw rawRequest
	if err := json.Unmarshal(payload, &raw); err != nil {
		return nil, streamJSONFault(err)
	}
	if raw.Type == nil {
		return nil, badMessage(`the message has no "type"`)
	}
	r := &streamRequest{kind: *raw.Type}
	switch r.kind {
	case requestAuth:
		return r, nil
	case requestPing:
		return r, r.ping(raw.Timestamp)
	case requestSubscribe, requestUnsubscribe:
		return r, r.subscription(symbols, &raw)
	}
	return nil, &streamFault{streamUnknownType, fmt.Sprintf(
		"no message type %q; there are subscribe, unsubscribe and ping", cutText(r.kind))}
}

// streamJSONFault says what is wrong without naming what only we know.
func streamJSONFault(err error) *streamFault {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		if wrong.Field == "" {
			return badMessage("a message is a JSON object, not %s", wrong.Value)
		}
		return badMessage("%q cannot be a JSON %s", cutText(wrong.Field), wrong.Value)
	}
	return badMessage("this is not JSON: %s", cutText(err.Error()))
}

func (r *streamRequest) ping(timestamp json.RawMessage) *streamFault {
	if isNull(timestamp) {
		return nil
	}
	if c := timestamp[0]; (c != '-' && c-'0' > 9) || len(timestamp) > timestampMax {
		return badMessage(`"timestamp" is not a number of at most %d characters`, timestampMax)
	}
	r.timestamp = timestamp
	return nil
}

func isNull(raw json.RawMessage) bool { return len(raw) == 0 || bytes.Equal(raw, []byte("null")) }

// subscription reads what subscribe and unsubscribe have in common, and since and the rate.
func (r *streamRequest) subscription(symbols *core.Registry, raw *rawRequest) *streamFault {
	if raw.Channel == nil {
		return badMessage(`the message has no "channel"`)
	}
	var err error
	if r.key, err = parseChannel(*raw.Channel); err != nil {
		return &streamFault{streamUnknownChannel, err.Error()}
	}
	if r.key.kind == streamAlerts {
		return r.alertSubscription(symbols, raw)
	}
	if r.key.kind == streamAccount {
		return r.accountSubscription(symbols, raw)
	}
	if fault := r.setSymbols(symbols, raw.Symbols); fault != nil {
		return fault
	}
	if raw.MaxRateHz != nil && r.key.kind == streamQuotes {
		hz := *raw.MaxRateHz
		if hz < quoteRateMin || hz > quoteRateMax {
			return badMessage(`"maxRateHz" must lie between %v and %v`, quoteRateMin, quoteRateMax)
		}
		r.key.rate = quoteRateFor(hz)
	}
	if isNull(raw.Since) || r.kind != requestSubscribe {
		return nil
	}
	if r.key.kind == streamQuotes {
		return &streamFault{
			streamNotResumable,
			"quotes are live only; ticks and bars:<frame> take \"since\"",
		}
	}
	return r.setSince(symbols, raw.Since)
}

// accountSubscription reads what is left of a request for an account.
func (r *streamRequest) accountSubscription(symbols *core.Registry, raw *rawRequest) *streamFault {
	if raw.Symbols != nil {
		return badMessage(`%s takes no "symbols"; it has every event of the account`, r.key.channel())
	}
	r.symbols = oneAccount(symbols)
	if isNull(raw.Since) {
		return nil
	}
	seq, err := strconv.ParseUint(string(raw.Since), 10, 63)
	if err != nil {
		return badMessage(`"since" of %s is a seq: a whole number`, r.key.channel())
	}
	r.sinceSeq = &seq
	return nil
}

func (r *streamRequest) setSymbols(symbols *core.Registry, names *[]string) *streamFault {
	if names == nil {
		r.symbols = allStreamSymbols(symbols.Len())
		return nil
	}
	if len(*names) == 0 {
		return badMessage(`"symbols" is empty; leave it out to mean all`)
	}
	r.symbols = newStreamSymbols(symbols.Len())
	for _, name := range *names {
		id, err := symbols.Find(name)
		if err != nil {
			return &streamFault{streamUnknownSymbol, withoutPrefix(err, core.ErrUnknownSymbol)}
		}
		r.symbols.add(id)
	}
	return nil
}

// setSince reads a time for all symbols, or an object with a time for each.
func (r *streamRequest) setSince(symbols *core.Registry, raw json.RawMessage) *streamFault {
	if raw[0] != '{' {
		t, err := parseSince(raw)
		if err != nil {
			return badMessage(`"since": %v`, err)
		}
		for _, id := range r.symbols.ids() {
			r.since = append(r.since, sinceTime{id, t})
		}
		return nil
	}
	var times map[string]json.RawMessage
	if err := json.Unmarshal(raw, &times); err != nil {
		return streamJSONFault(err)
	}
	given := make(map[core.SymbolID]core.Time, len(times))
	for _, name := range slices.Sorted(maps.Keys(times)) { // The same fault each time.
		id, err := symbols.Find(name)
		if err != nil {
			return &streamFault{streamUnknownSymbol, withoutPrefix(err, core.ErrUnknownSymbol)}
		}
		if !r.symbols.has(id) {
			return badMessage(`"since" names %s, which "symbols" does not`, symbols.Symbol(id).Name)
		}
		if _, twice := given[id]; twice {
			return badMessage(`"since" names %s twice`, symbols.Symbol(id).Name)
		}
		if given[id], err = parseSince(times[name]); err != nil {
			return badMessage(`"since" of %s: %v`, symbols.Symbol(id).Name, err)
		}
	}
	for _, id := range r.symbols.ids() {
		if t, ok := given[id]; ok {
			r.since = append(r.since, sinceTime{id, t})
		}
	}
	return nil
}

// parseSince reads an epoch or RFC 3339 text.
func parseSince(raw json.RawMessage) (core.Time, error) {
	var text string
	if json.Unmarshal(raw, &text) == nil && raw[0] == '"' {
		return core.ParseTime(text)
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil {
		return 0, core.ErrTime
	}
	return core.EpochTime(n)
}
