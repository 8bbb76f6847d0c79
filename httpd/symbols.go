package httpd

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"tradingengine/core"
)

// getSymbols answers with what is known of every symbol, and its live quote.
func (s *Server) getSymbols(ctx *fasthttp.RequestCtx) error {
	dst := append(takeBody(ctx), listOpen...)
	now := s.now()
	for i := range s.symbols.Len() {
		id := core.SymbolID(i)
		symbol := s.symbols.Symbol(id)
		dst = appendSymbol(dst, symbol)
		dst = strconv.AppendBool(append(dst, `,"open":`...), symbol.Session.Open(now))
		q, ok := s.engine.Live(id)
		if ok {
			dst = core.AppendPrice(append(dst, `,"bid":`...), q.Bid, symbol.Digits)
			dst = core.AppendPrice(append(dst, `,"ask":`...), q.Ask, symbol.Digits)
			dst = append(appendInt(dst, `,"time":`, int64(q.Time)), "},\n"...)
		} else {
			dst = append(dst, `,"bid":null,"ask":null,"time":null`+"},\n"...)
		}
	}
	giveBody(ctx, jsonType, closeList(dst, 0))
	return nil
}

// appendSymbol begins an object with the fields of a symbol that do not change.
func appendSymbol(dst []byte, s *core.Symbol) []byte {
	dst = appendString(append(dst, `{"symbol":`...), s.Name)
	dst = appendInt(dst, `,"digits":`, int64(s.Digits))
	dst = appendString(append(dst, `,"base":`...), s.Base)
	dst = appendString(append(dst, `,"quote":`...), s.Quote)
	dst = appendMicro(append(dst, `,"contractSize":`...), s.ContractSize)
	dst = appendMicro(append(dst, `,"lotMin":`...), s.LotMin)
	dst = appendMicro(append(dst, `,"lotMax":`...), s.LotMax)
	dst = appendMicro(append(dst, `,"lotStep":`...), s.LotStep)
	dst = appendInt(dst, `,"stopLevel":`, s.StopLevel)
	dst = appendMicro(append(dst, `,"marginRate":`...), s.MarginRate)
	dst = appendMicro(append(dst, `,"swapLong":`...), s.SwapLong)
	dst = appendMicro(append(dst, `,"swapShort":`...), s.SwapShort)
	dst = appendString(append(dst, `,"tripleSwapDay":`...), strings.ToUpper(s.TripleSwapDay.String()))
	dst = appendMicro(append(dst, `,"commissionPerLot":`...), s.Commission)
	return appendString(append(dst, `,"session":`...), s.Session.String())
}

var quoteParameters = []string{"symbols"}

// getQuotes answers with the live quotes of all symbols, or of those asked for. A symbol without
// one yet is left out.
func (s *Server) getQuotes(ctx *fasthttp.RequestCtx) error {
	q := newQuery(ctx, quoteParameters)
	ids, all := q.symbols(s.symbols)
	if q.err != nil {
		return q.err
	}
	dst := append(takeBody(ctx), listOpen...)
	if all {
		for i := range s.symbols.Len() {
			dst = s.appendQuote(dst, core.SymbolID(i))
		}
	}
	for _, id := range ids {
		dst = s.appendQuote(dst, id)
	}
	giveBody(ctx, jsonType, closeList(dst, 0))
	return nil
}

// symbols reads a list of symbols separated by commas; all is set when there is none.
func (q *query) symbols(symbols *core.Registry) (ids []core.SymbolID, all bool) {
	if !q.args.Has("symbols") {
		return nil, true
	}
	for name := range bytes.SplitSeq(q.args.Peek("symbols"), []byte{','}) {
		id, err := symbols.Find(string(bytes.TrimSpace(name)))
		if err != nil && q.err == nil {
			q.err = err
		}
		ids = append(ids, id)
	}
	if len(ids) > symbols.Len() {
		q.fail(badParameter, "symbols names more than the %d symbols there are", symbols.Len())
	}
	return ids, false
}

// appendQuote appends a symbol's live quote as an element of a list, if there is one.
func (s *Server) appendQuote(dst []byte, id core.SymbolID) []byte {
	q, ok := s.engine.Live(id)
	if !ok {
		return dst
	}
	symbol := s.symbols.Symbol(id)
	dst = append(append(dst, `{"symbol":"`...), symbol.Name...)
	dst = core.AppendPrice(append(dst, `","bid":`...), q.Bid, symbol.Digits)
	dst = core.AppendPrice(append(dst, `,"ask":`...), q.Ask, symbol.Digits)
	dst = core.AppendPrice(append(dst, `,"spread":`...), q.Ask-q.Bid, symbol.Digits)
	dst = q.Time.Append(append(dst, `,"timestamp":"`...))
	return append(appendInt(dst, `","time":`, int64(q.Time)), "},\n"...)
}
