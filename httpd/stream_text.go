package httpd

import (
	"strconv"

	"tradingengine/core"
)

// streamText writes the messages about one symbol. What is the same in all of them is kept ready.
type streamText struct {
	name     string
	digits   int
	tickHead string // Up to and with the bid's colon.
	quote    string
	bar      string // Up to and with the time frame's colon.
}

func newStreamTexts(symbols *core.Registry) []streamText {
	texts := make([]streamText, symbols.Len())
	for i := range texts {
		s := symbols.Symbol(core.SymbolID(i))
		head := func(kind string) string { return `{"type":"` + kind + `","symbol":"` + s.Name + `",` }
		texts[i] = streamText{
			name: s.Name, digits: s.Digits, tickHead: head("tick") + `"bid":`,
			quote: head("quote") + `"bid":`, bar: head("bar") + `"timeframe":"`,
		}
	}
	return texts
}

func (x *streamText) price(dst []byte, name string, p core.Price) []byte {
	return core.AppendPrice(append(dst, name...), p, x.digits)
}

func (x *streamText) mid(dst []byte, name string, m core.Mid) []byte {
	return core.AppendMid(append(dst, name...), m, x.digits)
}

// tick appends a tick as clients know it that subscribe to nothing, but for the closing brace.
func (x *streamText) tick(dst []byte, t *core.Tick, source string) []byte {
	dst = x.price(dst, x.tickHead, t.Bid)
	dst = x.price(dst, `,"ask":`, t.Ask)
	dst = x.price(dst, `,"spread":`, t.Ask-t.Bid)
	dst = appendInt(dst, `,"timestamp":`, t.Time.Millis())
	dst = append(dst, `,"lp":"`...)
	dst = append(dst, source...) // A source name needs no escapes, see core.Sources.
	return append(dst, '"')
}

// chained appends what follows tick for subscribers: the time, and that of the tick before.
func (x *streamText) chained(dst []byte, t *core.Tick, prev core.Time) []byte {
	dst = appendInt(dst, `,"time":`, int64(t.Time))
	dst = appendInt(dst, `,"prev":`, int64(prev))
	return append(dst, '}')
}

// move appends a quote message that stands for all quotes of a move.
func (x *streamText) move(dst []byte, m *core.Move) []byte {
	dst = x.price(dst, x.quote, m.Bid)
	dst = x.price(dst, `,"ask":`, m.Ask)
	dst = appendInt(dst, `,"time":`, int64(m.Time))
	dst = appendInt(dst, `,"count":`, m.Count)
	dst = x.price(dst, `,"bidHigh":`, m.BidHigh)
	dst = x.price(dst, `,"bidLow":`, m.BidLow)
	dst = x.price(dst, `,"askHigh":`, m.AskHigh)
	dst = x.price(dst, `,"askLow":`, m.AskLow)
	dst = x.mid(dst, `,"midHigh":`, m.MidHigh)
	dst = x.mid(dst, `,"midLow":`, m.MidLow)
	dst = x.price(dst, `,"bidOpen":`, m.BidOpen)
	dst = x.price(dst, `,"askOpen":`, m.AskOpen)
	return append(dst, '}')
}

// price of a quote that no count stands for: what a new subscriber sees first.
func (x *streamText) live(dst []byte, q *core.LiveQuote) []byte {
	mid := core.MidOf(q.Bid, q.Ask)
	return x.move(dst, &core.Move{
		Time: q.Time, Bid: q.Bid, Ask: q.Ask, BidHigh: q.Bid, BidLow: q.Bid, AskHigh: q.Ask,
		AskLow: q.Ask, MidHigh: mid, MidLow: mid, BidOpen: q.Bid, AskOpen: q.Ask,
	})
}

func (x *streamText) barOf(dst []byte, f core.Frame, b *core.Bar, complete bool) []byte {
	dst = append(append(dst, x.bar...), f.String()...)
	dst = appendInt(dst, `","time":`, b.Time.Seconds())
	dst = x.mid(dst, `,"open":`, core.Mid(b.Mid.Open))
	dst = x.mid(dst, `,"high":`, core.Mid(b.Mid.High))
	dst = x.mid(dst, `,"low":`, core.Mid(b.Mid.Low))
	dst = x.mid(dst, `,"close":`, core.Mid(b.Mid.Close))
	dst = appendInt(dst, `,"volume":`, b.Volume)
	dst = append(dst, `,"complete":`...)
	return append(strconv.AppendBool(dst, complete), '}')
}

// gap appends the notice that skipped items of a channel with from < time ≤ to are left out.
func (x *streamText) gap(dst []byte, channel string, from, to core.Time, skipped uint64) []byte {
	dst = append(append(dst, `{"type":"gap","symbol":"`...), x.name...)
	dst = appendInt(dst, `","from":`, int64(from))
	dst = appendInt(dst, `,"to":`, int64(to))
	dst = appendInt(dst, `,"skipped":`, int64(skipped))
	return append(append(append(dst, `,"channel":"`...), channel...), '"', '}')
}

// ahead appends the notice that a client knows a later time than the server's last.
func (x *streamText) ahead(dst []byte, channel string, last core.Time) []byte {
	dst = append(append(dst, `{"type":"ahead","symbol":"`...), x.name...)
	dst = appendInt(dst, `","last":`, int64(last))
	return append(append(append(dst, `,"channel":"`...), channel...), '"', '}')
}

// appendSubscription appends a message about a channel and symbols: subscribed, unsubscribed or
// caughtUp. rate is the effective one of the quotes channel, or "".
func appendSubscription(dst []byte, kind, channel string, ids []core.SymbolID, texts []streamText,
	rate string,
) []byte {
	dst = append(append(dst, `{"type":"`...), kind...)
	dst = append(append(dst, `","channel":"`...), channel...)
	dst = append(dst, `","symbols":[`...)
	for i, id := range ids {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '"'), texts[id].name...), '"')
	}
	dst = append(dst, ']')
	if rate != "" {
		dst = append(append(dst, `,"maxRateHz":`...), rate...)
	}
	return append(dst, '}')
}

// appendStreamError appends the answer to a message that was not understood or not possible.
func appendStreamError(dst []byte, code, detail string) []byte {
	dst = append(append(dst, `{"type":"error","code":"`...), code...)
	return append(appendString(append(dst, `","detail":`...), detail), '}')
}

// appendHeartbeat appends a heartbeat, but for the closing brace.
func appendHeartbeat(dst []byte, now core.Time) []byte {
	return appendInt(dst, `{"type":"heartbeat","time":`, int64(now))
}

const streamShutdown = `{"type":"shutdown"}`
