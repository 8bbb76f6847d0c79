package trading

import (
	"errors"
	"fmt"
	"slices"

	"tradingengine/core"
	"tradingengine/core/heap"
)

// Options describe a machine. They are no part of its state.
type Options struct {
	Symbols      *core.Registry // Needed.
	OrdersMax    int            // Open orders of an account. Zero means 10,000.
	PositionsMax int            // Positions of an account. Zero means 10,000.
	AccountsMax  int            // Zero means 100,000.
	// ClientsMax is how many of the newest closed orders of all accounts keep their ClientID here.
	// Zero means 65,536.
	ClientsMax int
}

// Machine is the trading state. One goroutine owns it and calls all its methods.
type Machine struct {
	options Options

	// Journaled: the fold of the events.
	seq          uint64
	accounts     []*account // By id, from 1.
	orders       map[OrderID]*order
	positions    map[PositionID]*position
	lastOrder    OrderID
	lastPosition PositionID
	houses       []HouseBalance
	closed       closedClients
	state        TradingState
	stateSeq     uint64 // Of the newest event of account 0.

	// Follows from the above, or from prices and time.
	markets  []market    // By symbol id.
	expiries heap.Levels // Orders by the time at which they expire.
	now      core.Time
	dayEnd   core.Time // The next 17:00 New York; 0 before the first input.
	weekday  bool      // Symbols of five days a week trade now.
	unrolled core.Time // A 17:00 at which a swap had no rate; 0 when none is owed.
	folding  bool      // Replayed events have not been valued.

	events  []Event // Not taken yet.
	base    uint64  // Seq of events[0].
	flips   []core.SymbolID
	touched []*account // To look at before the input is done.
	moved   []*account // Observed ones that a price valued anew.
	audits  int        // How often verify ran.

	trial trial
	fired []int64
	parts []part
}

// ErrOptions is returned for options that cannot work.
var ErrOptions = errors.New("trading options")

// New returns a machine without accounts.
func New(options Options) (*Machine, error) {
	if options.Symbols == nil {
		return nil, fmt.Errorf("%w: no symbols", ErrOptions)
	}
	for _, n := range []*int{&options.OrdersMax, &options.PositionsMax} {
		if *n == 0 {
			*n = 10_000
		}
	}
	if options.AccountsMax == 0 {
		options.AccountsMax = 100_000
	}
	if options.ClientsMax == 0 {
		options.ClientsMax = 65_536
	}
	m := &Machine{
		options: options, state: Active, orders: map[OrderID]*order{},
		positions: map[PositionID]*position{}, markets: make([]market, options.Symbols.Len()),
		base: 1,
	}
	for i := range m.markets {
		k := &m.markets[i]
		k.id, k.symbol = core.SymbolID(i), options.Symbols.Symbol(core.SymbolID(i))
		for _, c := range []Currency{usd, jpy} {
			if _, ok := moneyRate(k.symbol, c); !ok {
				return nil, fmt.Errorf("%w: %s: contract size and digits are too fine to count",
					ErrOptions, k.symbol.Name)
			}
		}
	}
	return m, nil
}

// Quote takes the next quote of a symbol and does all it causes. A quote not later than the
// symbol's last is ignored and reported false. q must have passed core.CheckPrices. Trading time
// never goes back: an earlier now counts as the latest there was.
func (m *Machine) Quote(now core.Time, q Quote) bool {
	k := &m.markets[q.Symbol]
	if q.Time <= k.quote.Time {
		return false
	}
	m.begin(now)
	m.price(k, q)
	if m.open(k) && k.fires() {
		m.fire(k)
	}
	m.watch(k.held)
	m.watch(k.converted)
	m.end(q)
	return true
}

// SetQuote sets a live price without firing anything, when it is later than the symbol's last: at
// the start, and before a command for a symbol that is not active.
func (m *Machine) SetQuote(q Quote) bool {
	m.settle()
	k := &m.markets[q.Symbol]
	if q.Time <= k.quote.Time {
		return false
	}
	m.price(k, q)
	return true
}

// Advance moves trading time: orders expire, swaps are posted.
func (m *Machine) Advance(now core.Time) {
	m.begin(now)
	m.end(Quote{})
}

// price sets the live quote of a symbol and values what depends on it.
func (m *Machine) price(k *market, q Quote) {
	first := !k.priced()
	k.quote = q
	for _, x := range k.held {
		x.reprice()
		m.move(x.account)
	}
	for _, x := range k.converted {
		x.reprice()
		m.move(x.account)
	}
	if first && m.unrolled != 0 {
		m.retryRollover()
	}
}

// begin starts an input: what was due before it happens first.
func (m *Machine) begin(now core.Time) {
	m.settle()
	if now > m.now {
		m.advance(now)
	}
}

// settle values everything after a replay, and finds the trading day.
func (m *Machine) settle() {
	if !m.folding {
		return
	}
	m.folding = false
	for _, a := range m.accounts {
		for _, x := range a.exposures {
			x.reprice()
		}
	}
	if m.now > 0 {
		// The swaps of the last 17:00 may not have been journaled before the end; they are posted
		// once per position, so trying again does no harm.
		m.dayEnd = core.D1.Open(m.now)
		m.weekday = core.Session24x5.Open(m.now)
	}
}

// end finishes an input: accounts that were touched are looked at in the order of their ids.
func (m *Machine) end(q Quote) {
	if len(m.touched) > 0 {
		slices.SortFunc(m.touched, func(a, b *account) int { return int(a.ID - b.ID) })
		for _, a := range m.touched {
			m.supervise(a, q)
		}
		for _, a := range m.touched {
			a.touched = false
			m.verify(a)
		}
		m.touched = m.touched[:0]
	}
}

// touch marks an account to be looked at in end.
func (m *Machine) touch(a *account) {
	if !a.touched {
		a.touched = true
		m.touched = append(m.touched, a)
	}
}

// watch touches the accounts of exposures whose margin level needs an event.
func (m *Machine) watch(exposures []*exposure) {
	for _, x := range exposures {
		if x.account.alarmed() {
			m.touch(x.account)
		}
	}
}

// open reports whether a symbol trades now.
func (m *Machine) open(k *market) bool { return m.weekday || k.symbol.Session == core.Session24x7 }

// emit numbers an event, applies it and keeps it until it is taken.
func (m *Machine) emit(id AccountID, t EventType, d Data) {
	e := Event{
		Seq: m.seq + 1, Prev: *m.lastSeq(id), Time: m.now, Account: id, Type: t, Data: d,
	}
	if err := m.apply(&e); err != nil {
		panic(fmt.Sprintf("trading: an event does not follow from its state: %v", err))
	}
	m.events = append(m.events, e)
}

// lastSeq is the seq of the newest event of an account, or of the server for 0.
func (m *Machine) lastSeq(id AccountID) *uint64 {
	if a := m.account(id); a != nil {
		return &a.LastSeq
	}
	return &m.stateSeq
}

// Head is the seq of the newest event, 0 before the first.
func (m *Machine) Head() uint64 { return m.seq }

// Now is trading time: the latest of all inputs.
func (m *Machine) Now() core.Time { return m.now }

// Waiting is the number of events that were not taken.
func (m *Machine) Waiting() int { return len(m.events) }

// Take appends the events since the last call to dst and forgets them. Successive moves of one
// trailing stop between two calls are one event: take when they can be committed.
func (m *Machine) Take(dst []Event) []Event {
	dst = append(dst, m.events...)
	clear(m.events)
	m.events = m.events[:0]
	m.base = m.seq + 1
	return dst
}
