package trading

import (
	"strconv"
	"unicode/utf8"

	"tradingengine/core"
)

// Events are JSON in the journal and on the wire. Prices, volumes and money are decimals printed
// from integers, so a person can read a journal with nothing but SQLite; what is needed to fold it
// again is all there. Fields that have no value are left out. Clients are spared what only a fold
// needs: the fingerprint of an order, and amounts of refusals that were not about amounts.

// AppendEvent prints the public object of an event:
//
//	{"seq":7,"prev":5,"type":"ORDER_PLACED","accountId":1,"time":1768823580123000,"data":{…}}
func AppendEvent(dst []byte, symbols *core.Registry, e *Event) []byte {
	w := writer{dst, symbols, true}
	w.open()
	w.int("seq", int64(e.Seq))
	w.int("prev", int64(e.Prev))
	w.word("type", e.Type.String())
	w.int("accountId", int64(e.Account))
	w.int("time", int64(e.Time))
	w.key("data")
	w.data(e)
	w.close()
	return w.dst
}

// AppendData prints the data of an event alone, as the journal stores it.
func AppendData(dst []byte, symbols *core.Registry, e *Event) []byte {
	w := writer{dst, symbols, false}
	w.data(e)
	return w.dst
}

func (w *writer) data(e *Event) {
	w.open()
	switch d := e.Data.(type) {
	case *AccountData:
		w.settings(&d.Settings)
	case *TransferData:
		w.transfer(e, d)
	case *OrderData:
		w.orderData(d)
	case *FillData:
		w.fill(e, d)
	case *PositionData:
		w.positionData(d)
	case *SwapData:
		w.swap(e, d)
	case *CommissionData:
		w.int("orderId", int64(d.Order))
		w.int("positionId", int64(d.Position))
		w.symbol(d.Symbol)
		w.volume("volume", d.Volume)
		w.micro("perLot", d.PerLot)
		w.posting(e, d.Posting)
	case *MarginData:
		w.margin(d)
	case *AdjustmentData:
		w.posting(e, d.Posting)
		if d.CreditUsed != 0 {
			w.money("creditUsed", d.CreditUsed, d.Posting.Currency)
		}
	case *StateData:
		w.word("state", d.State.String())
		w.word("previous", d.Previous.String())
	}
	w.close()
}

// AppendOrder prints an order as clients see it.
func AppendOrder(dst []byte, symbols *core.Registry, o *Order) []byte {
	w := writer{dst, symbols, true}
	w.order(o)
	return w.dst
}

// AppendPosition prints a position as clients see it.
func AppendPosition(dst []byte, symbols *core.Registry, p *PositionView) []byte {
	w := writer{dst, symbols, true}
	w.open()
	w.position(&p.Position)
	if p.Priced {
		w.price("currentPrice", p.CurrentPrice, p.Symbol)
		w.money("margin", p.Margin, p.Currency)
		w.money("unrealizedPnL", p.PnL, p.Currency)
	}
	w.close()
	return w.dst
}

// writer appends JSON. Keys and words are plain ASCII.
type writer struct {
	dst     []byte
	symbols *core.Registry
	public  bool // For clients, not for the journal.
}

func (w *writer) open()  { w.dst = append(w.dst, '{') }
func (w *writer) close() { w.dst = append(w.dst, '}') }

func (w *writer) key(name string) {
	if w.dst[len(w.dst)-1] != '{' {
		w.dst = append(w.dst, ',')
	}
	w.dst = append(w.dst, '"')
	w.dst = append(w.dst, name...)
	w.dst = append(w.dst, '"', ':')
}

func (w *writer) int(name string, n int64) {
	w.key(name)
	w.dst = strconv.AppendInt(w.dst, n, 10)
}

func (w *writer) bool(name string, b bool) {
	w.key(name)
	w.dst = strconv.AppendBool(w.dst, b)
}

func (w *writer) word(name, word string) {
	w.key(name)
	w.dst = append(w.dst, '"')
	w.dst = append(w.dst, word...)
	w.dst = append(w.dst, '"')
}

// text prints a string from outside.
func (w *writer) text(name, s string) {
	w.key(name)
	w.dst = append(w.dst, '"')
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			w.dst = append(w.dst, '\\', c)
		case c < ' ':
			const hex = "0123456789abcdef"
			w.dst = append(w.dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		case c < utf8.RuneSelf:
			w.dst = append(w.dst, c)
		default:
			r, size := utf8.DecodeRuneInString(s[i:])
			w.dst = utf8.AppendRune(w.dst, r)
			i += size
			continue
		}
		i++
	}
	w.dst = append(w.dst, '"')
}

func (w *writer) time(name string, t core.Time) {
	w.key(name)
	w.dst = append(t.Append(append(w.dst, '"')), '"')
}

func (w *writer) symbol(id core.SymbolID) { w.word("symbol", w.symbols.Symbol(id).Name) }

func (w *writer) price(name string, p core.Price, id core.SymbolID) {
	w.key(name)
	w.dst = core.AppendPrice(w.dst, p, w.symbols.Symbol(id).Digits)
}

// level prints a price that may be absent.
func (w *writer) level(name string, p core.Price, id core.SymbolID) {
	if p != 0 {
		w.price(name, p, id)
	}
}

func (w *writer) volume(name string, v Volume) {
	w.key(name)
	w.dst = AppendVolume(w.dst, v)
}

func (w *writer) micro(name string, m core.Micro) {
	w.key(name)
	w.dst = AppendVolume(w.dst, Volume(m)) // Millionths too.
}

func (w *writer) money(name string, m Money, c Currency) {
	w.key(name)
	w.dst = AppendMoney(w.dst, m, c)
}

func (w *writer) quote(q *Quote) {
	if q.Time == 0 {
		return
	}
	w.key("quote")
	w.open()
	w.symbol(q.Symbol)
	w.int("time", int64(q.Time))
	w.price("bid", q.Bid, q.Symbol)
	w.price("ask", q.Ask, q.Symbol)
	w.close()
}

func (w *writer) rate(r Rate) {
	if r.Den == 0 {
		return
	}
	w.key("rate")
	w.dst = r.Append(w.dst)
	w.key("rateExact")
	w.dst = append(w.dst, '"')
	w.dst = strconv.AppendUint(w.dst, r.Num, 10)
	w.dst = append(w.dst, '/')
	w.dst = strconv.AppendUint(w.dst, r.Den, 10)
	w.dst = append(w.dst, '"')
}

func (w *writer) trailing(t *Trailing, id core.SymbolID) {
	if t.Distance == 0 {
		return
	}
	w.key("trailing")
	w.open()
	w.int("distance", t.Distance)
	w.word("unit", t.Unit.String())
	w.level("activation", t.Activation, id)
	w.bool("active", t.Active)
	w.close()
}

func (w *writer) posting(e *Event, p Posting) {
	if p.Type == 0 {
		return
	}
	w.key("posting")
	w.open()
	w.word("type", p.Type.String())
	w.word("currency", p.Currency.String())
	w.money("amount", p.Amount, p.Currency)
	w.word("counterAccount", p.Counter())
	w.money("balanceAfter", p.Balance, p.Currency)
	w.text("reference", e.Reference())
	w.close()
}

// appendReference says what the posting of an event is for.
func (e *Event) appendReference(dst []byte) []byte {
	switch d := e.Data.(type) {
	case *TransferData:
		return append(dst, d.Reference...)
	case *FillData:
		return strconv.AppendInt(append(dst, "order "...), int64(d.Order), 10)
	case *CommissionData:
		return strconv.AppendInt(append(dst, "order "...), int64(d.Order), 10)
	case *SwapData:
		dst = strconv.AppendInt(append(dst, "position "...), int64(d.Position), 10)
		return appendDate(append(dst, ' '), d.Rollover)
	default:
		return append(dst, "negative balance protection"...)
	}
}

// appendDate prints the New York date of a 17:00 there, which is the date in UTC too.
func appendDate(dst []byte, rollover core.Time) []byte {
	return rollover.Std().AppendFormat(dst, "2006-01-02")
}
