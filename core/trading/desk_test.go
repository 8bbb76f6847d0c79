package trading

import (
	"errors"
	"strings"
	"testing"

	"tradingengine/core"
)

// desk drives a machine in tests: symbols by name, prices and money as text. It checks all
// invariants after every step and keeps all events.
type desk struct {
	*Machine
	t       testing.TB
	symbols *core.Registry
	clock   core.Time
	journal []Event
}

// monday is Monday 2026-01-19 10:00 UTC: London trades, New York does not yet.
const monday = "2026-01-19T10:00:00Z"

func newDesk(t testing.TB, change ...func(*core.Symbol)) *desk {
	t.Helper()
	symbols := append(core.DefaultSymbols(), core.NewSymbol("USDHKD"), core.NewSymbol("XAUUSD"))
	for i := range symbols {
		for _, f := range change {
			f(&symbols[i])
		}
	}
	registry, err := core.NewRegistry(symbols)
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(Options{Symbols: registry})
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{Machine: m, t: t, symbols: registry}
	d.at(monday)
	return d
}

// at sets the clock for what follows.
func (d *desk) at(text string) core.Time {
	d.t.Helper()
	tm, err := core.ParseTime(text)
	if err != nil {
		d.t.Fatal(err)
	}
	d.clock = tm
	return tm
}

func (d *desk) id(symbol string) core.SymbolID {
	d.t.Helper()
	id, err := d.symbols.Find(symbol)
	if err != nil {
		d.t.Fatal(err)
	}
	return id
}

func (d *desk) price(symbol, text string) core.Price {
	d.t.Helper()
	if text == "" {
		return 0
	}
	p, reject := core.ParsePrice([]byte(text), d.symbols.Symbol(d.id(symbol)).Digits)
	if reject != core.RejectNone {
		d.t.Fatalf("price %q of %s: %v", text, symbol, reject)
	}
	return p
}

func (d *desk) lots(text string) Volume {
	d.t.Helper()
	v, reject := ParseVolume([]byte(text))
	if reject != core.RejectNone {
		d.t.Fatalf("volume %q: %v", text, reject)
	}
	return v
}

func (d *desk) money(c Currency, text string) Money {
	d.t.Helper()
	n, reject := ParseMoney([]byte(text), c)
	if reject != core.RejectNone {
		d.t.Fatalf("money %q: %v", text, reject)
	}
	return n
}

// account opens an account; settings may be changed first.
func (d *desk) account(currency, deposit string, change ...func(*Settings)) AccountID {
	d.t.Helper()
	c, ok := ParseCurrency(currency)
	if !ok {
		d.t.Fatalf("currency %q", currency)
	}
	s := Settings{Currency: c}
	for _, f := range change {
		f(&s)
	}
	id, err := d.OpenAccount(d.clock, s, d.money(c, deposit))
	if err != nil {
		d.t.Fatal(err)
	}
	d.step()
	return id
}

// quote sends a quote at the clock, which moves on by a microsecond.
func (d *desk) quote(symbol, bid, ask string) {
	d.t.Helper()
	d.clock++
	q := Quote{d.id(symbol), d.clock, d.price(symbol, bid), d.price(symbol, ask)}
	if !d.Quote(d.clock, q) {
		d.t.Fatalf("%s %s %s was ignored", symbol, bid, ask)
	}
	d.step()
}

// step collects events and checks all that must hold between inputs.
func (d *desk) step() {
	d.t.Helper()
	d.journal = d.Take(d.journal)
	if err := d.CheckInvariants(); err != nil {
		d.t.Fatal(err)
	}
}

// request makes an order from words: BUY 0.10 EURUSD LIMIT price=1.1 sl=1.09 tp=1.2 …
func (d *desk) request(account AccountID, text string) OrderRequest {
	d.t.Helper()
	words := strings.Fields(text)
	r := OrderRequest{Account: account, Type: Market}
	r.Side, _ = ParseSide(words[0])
	r.Volume = d.lots(words[1])
	symbol := words[2]
	r.Symbol = d.id(symbol)
	for _, word := range words[3:] {
		name, value, named := strings.Cut(word, "=")
		switch {
		case !named:
			d.flagWord(&r, word)
		case name == "price":
			r.Price = d.price(symbol, value)
		case name == "limit":
			r.LimitPrice = d.price(symbol, value)
		case name == "bound":
			r.PriceBound = d.price(symbol, value)
		case name == "sl":
			r.StopLoss = d.price(symbol, value)
		case name == "tp":
			r.TakeProfit = d.price(symbol, value)
		case name == "id":
			r.ClientID = value
		case name == "expire":
			tm, err := core.ParseTime(value)
			if err != nil {
				d.t.Fatal(err)
			}
			r.ExpireAt = tm
		case name == "trail":
			r.Trailing = d.trailing(symbol, value)
		default:
			d.t.Fatalf("word %q of %q", word, text)
		}
	}
	return r
}

func (d *desk) flagWord(r *OrderRequest, word string) {
	d.t.Helper()
	if t, ok := ParseOrderType(word); ok {
		r.Type = t
	} else if f, ok := ParseTimeInForce(word); ok {
		r.TimeInForce = f
	} else if word == "reduce" {
		r.ReduceOnly = true
	} else {
		d.t.Fatalf("word %q", word)
	}
}

// trailing reads 150, 500bp, 150@1.10600.
func (d *desk) trailing(symbol, text string) (t Trailing) {
	d.t.Helper()
	text, activation, _ := strings.Cut(text, "@")
	t.Activation = d.price(symbol, activation)
	distance, bp := strings.CutSuffix(text, "bp")
	for _, c := range distance {
		t.Distance = t.Distance*10 + int64(c-'0')
	}
	if bp {
		t.Unit = BasisPoints
	}
	return t
}

// place places an order that must be accepted.
func (d *desk) place(account AccountID, text string) Order {
	d.t.Helper()
	result := d.try(account, text)
	if result.Refusal != nil {
		d.t.Fatalf("%s: %v", text, result.Refusal)
	}
	return result.Order
}

func (d *desk) try(account AccountID, text string) Result {
	d.t.Helper()
	result, err := d.Place(d.clock, d.request(account, text))
	if err != nil {
		d.t.Fatal(err)
	}
	d.step()
	return result
}

// refused wants an order to be refused with a code.
func (d *desk) refused(account AccountID, text, code string) *Refusal {
	d.t.Helper()
	result := d.try(account, text)
	got := "accepted"
	if result.Refusal != nil {
		got = result.Refusal.Code.String()
	}
	if got != code {
		d.t.Errorf("%s: %s; want %s", text, got, code)
	}
	if result.Refusal != nil && result.Order.Status != Rejected {
		d.t.Errorf("%s: refused and %v", text, result.Order.Status)
	}
	return result.Refusal
}

// wantSummary compares balance, equity, margin, free margin and level, in that order; - skips one.
func (d *desk) wantSummary(account AccountID, want string) {
	d.t.Helper()
	s, err := d.Summary(account)
	if err != nil {
		d.t.Fatal(err)
	}
	var got []string
	for _, n := range []Money{s.Balance, s.Equity, s.Margin, s.FreeMargin} {
		got = append(got, string(AppendMoney(nil, n, s.Currency)))
	}
	level := "none"
	if s.HasLevel {
		level = string(AppendMoney(nil, Money(s.MarginLevel), usd))
	}
	got = append(got, level)
	for i, w := range strings.Fields(want) {
		if w != "-" && w != got[i] {
			d.t.Errorf("account %d has balance, equity, margin, free, level %v; want %s", account, got,
				want)
			return
		}
	}
}

// last finds the newest event of a type.
func (d *desk) last(t EventType) Event {
	d.t.Helper()
	for i := len(d.journal) - 1; i >= 0; i-- {
		if d.journal[i].Type == t {
			return d.journal[i]
		}
	}
	d.t.Fatalf("no %v", t)
	return Event{}
}

// count counts the events of a type.
func (d *desk) count(t EventType) (n int) {
	for _, e := range d.journal {
		if e.Type == t {
			n++
		}
	}
	return n
}

// refusalCode is the code of a refusal, or the error's text.
func refusalCode(err error) string {
	var r *Refusal
	if errors.As(err, &r) {
		return r.Code.String()
	}
	if err == nil {
		return "accepted"
	}
	return err.Error()
}
