package trading

import (
	"math/big"
	"slices"

	"tradingengine/core"
)

// naive is the same trading server, written as simply as can be: lists that are searched, values
// that are computed when they are needed, fractions of any size, no events. It shares the types of
// requests with the machine and none of its code. Cost is kept in points times millionths of a lot.
type naive struct {
	symbols                 *core.Registry
	quotes                  map[core.SymbolID]Quote
	now                     core.Time
	rolled                  core.Time // The newest 17:00 New York that was passed.
	accounts                []*naiveAccount
	orders                  []*naiveOrder
	positions               []*naivePosition
	lastOrder, lastPosition int64
	state                   TradingState
	houses                  map[Counter]map[Currency]int64
	touched                 map[*naiveAccount]bool // To be looked at when the input is done.
	units                   map[[2]int]*big.Rat
}

type naiveAccount struct {
	id int64
	Settings
	balance, credit int64
	call            bool
	lines           []int64
	named           map[string]OrderRequest // The first order of each ClientID.
}

type naiveOrder struct {
	id int64
	OrderRequest
	account   *naiveAccount
	triggered bool
	linked    int64
	gone      bool
	result    string // FILLED, or why it ended.
}

type naivePosition struct {
	id      int64
	account *naiveAccount
	symbol  core.SymbolID
	side    Side
	volume  int64
	cost    *big.Int
	sl, tp  core.Price
	trail   Trailing
	opened  core.Time
	gone    bool
}

func newNaive(symbols *core.Registry) *naive {
	return &naive{
		symbols: symbols, quotes: map[core.SymbolID]Quote{}, state: Active,
		touched: map[*naiveAccount]bool{}, units: map[[2]int]*big.Rat{},
		houses: map[Counter]map[Currency]int64{
			House: {}, Fees: {}, SwapPot: {}, Funding: {},
		},
	}
}

func (n *naive) post(a *naiveAccount, c Counter, amount int64) {
	if amount != 0 {
		a.balance += amount
		a.lines = append(a.lines, amount)
		n.houses[c][a.Currency] -= amount
	}
}

// open reports whether a symbol trades.
func (n *naive) open(id core.SymbolID) bool { return n.symbols.Symbol(id).Session.Open(n.now) }

func (n *naive) order(id int64) *naiveOrder {
	for _, o := range n.orders {
		if o.id == id {
			return o
		}
	}
	return nil
}

func (n *naive) position(id int64) *naivePosition {
	for _, p := range n.positions {
		if p.id == id {
			return p
		}
	}
	return nil
}

// clean forgets what ended.
func (n *naive) clean() {
	n.orders = slices.DeleteFunc(n.orders, func(o *naiveOrder) bool { return o.gone })
	n.positions = slices.DeleteFunc(n.positions, func(p *naivePosition) bool { return p.gone })
}

// time passes: each 17:00 posts swaps, then orders expire.
func (n *naive) time(now core.Time) {
	if now <= n.now {
		return
	}
	n.now = now
	if n.rolled == 0 {
		n.rolled = core.D1.Open(now)
	}
	for at := core.D1.End(n.rolled); at <= now; at = core.D1.End(at) {
		n.rolled = at
		for _, p := range n.positions {
			n.swap(p, at)
		}
	}
	for _, o := range n.orders {
		timed := o.TimeInForce == GTD || o.TimeInForce == DAY
		if timed && !o.gone && o.ExpireAt <= now {
			n.finish(o, "EXPIRED")
		}
	}
	n.clean()
}

func (n *naive) swap(p *naivePosition, at core.Time) {
	s := n.symbols.Symbol(p.symbol)
	points := int64(s.SwapLong)
	if p.side == Sell {
		points = int64(s.SwapShort)
	}
	days := []int64{0, 1, 1, 1, 1, 1, 0}[at.Std().Weekday()]
	if at.Std().Weekday() == s.TripleSwapDay {
		days = 3
	}
	if points == 0 || days == 0 || p.opened >= at {
		return
	}
	side := 1
	if points < 0 {
		side = -1
	}
	amount := times(integer(points), integer(days), integer(p.volume), ten(-6),
		n.unit(p.symbol, p.account.Currency), n.rate(s.Quote, p.account.Currency, side))
	n.post(p.account, SwapPot, halves(amount).Int64())
	n.touched[p.account] = true
}

// finish ends an order, and the other one of its pair.
func (n *naive) finish(o *naiveOrder, result string) {
	o.gone, o.result = true, result
	for _, other := range n.orders {
		if o.linked != 0 && other.id == o.linked && !other.gone {
			other.gone, other.result = true, "OCO_ENDED"
		}
	}
}
