package httpd

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"tradingengine/core"
	"tradingengine/core/alert"
	"tradingengine/core/desk"
	"tradingengine/core/trading"
)

// memoryJournal keeps in slices what a journal keeps in a file, and is the naive TradeHistory.
type memoryJournal struct {
	symbols *core.Registry

	mu     sync.Mutex
	events []trading.Event
	fires  []alert.FireChange
	kept   map[desk.Key]desk.Kept
	broken error         // What commits and reads return.
	hold   chan struct{} // Commits wait for it, if set.
}

func (j *memoryJournal) Commit(events []trading.Event, answers []desk.Kept, alerts *alert.Changes) error {
	j.mu.Lock()
	hold := j.hold
	j.mu.Unlock()
	if hold != nil {
		<-hold
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken != nil {
		return j.broken
	}
	j.events = append(j.events, events...)
	j.fires = append(j.fires, alerts.Fires...)
	for _, k := range answers {
		j.kept[k.Key] = k
	}
	return nil
}

// newestFires are the fires as they stand, by seq.
func (j *memoryJournal) newestFires() (list []alert.Fire) {
	for _, f := range j.fires {
		if f.New {
			list = append(list, f.Fire)
		} else {
			list[f.Seq-1] = f.Fire
		}
	}
	return list
}

func (j *memoryJournal) Fires(
	_ context.Context, choose *alert.Filter, limit int, each func(data []byte),
) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, f := range j.newestFires() {
		if f.Seq > choose.After && f.CreatedAt >= choose.Since && limit > 0 &&
			(choose.Accounts == nil || slices.Contains(choose.Accounts, f.Account)) &&
			(choose.Statuses == nil || slices.Contains(choose.Statuses, f.Status)) {
			each(alert.AppendFire(nil, j.symbols, &f))
			limit--
		}
	}
	return j.broken
}

func (j *memoryJournal) Fire(_ context.Context, id alert.FireID) (f alert.Fire, found bool, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, f := range j.newestFires() {
		if f.ID == id {
			return f, true, j.broken
		}
	}
	return f, false, j.broken
}

// holdCommits lets commits wait until the function it returns is called.
func (j *memoryJournal) holdCommits() (release func()) {
	hold := make(chan struct{})
	set := func(c chan struct{}) {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.hold = c
	}
	set(hold)
	return sync.OnceFunc(func() {
		set(nil)
		close(hold)
	})
}

// fail lets commits and reads fail; nil lets them work again.
func (j *memoryJournal) fail(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.broken = err
}

func (j *memoryJournal) Answer(_ context.Context, key desk.Key) (desk.Kept, bool, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	k, ok := j.kept[key]
	return k, ok, j.broken
}

// matching returns events after a seq that match.
func (j *memoryJournal) matching(after uint64, limit int, match func(e *trading.Event) bool,
) (found []trading.Event, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for i := range j.events {
		if e := &j.events[i]; e.Seq > after && len(found) < limit && match(e) {
			found = append(found, *e)
		}
	}
	return found, j.broken
}

func (j *memoryJournal) Events(_ context.Context, all bool, account trading.AccountID, since uint64,
	limit int,
) ([]trading.Event, error) {
	return j.matching(since, limit, func(e *trading.Event) bool { return all || e.Account == account })
}

const allEvents = 1 << 30

// folded returns every order as it stands, with the seq of its newest event.
func (j *memoryJournal) folded() (orders map[trading.OrderID]*trading.Order,
	seqs map[trading.OrderID]uint64, err error,
) {
	orders = make(map[trading.OrderID]*trading.Order)
	seqs = make(map[trading.OrderID]uint64)
	events, err := j.matching(0, allEvents, func(*trading.Event) bool { return true })
	for i := range events {
		e := &events[i]
		id := orderIn(e)
		if id == 0 {
			continue
		}
		if orders[id] == nil {
			orders[id] = new(trading.Order)
		}
		foldOrder(orders[id], e)
		seqs[id] = e.Seq
	}
	return orders, seqs, err
}

// foldOrder brings an order to where it stands after one of its events.
func foldOrder(o *trading.Order, e *trading.Event) {
	switch d := e.Data.(type) {
	case *trading.OrderData:
		*o = d.Order
	case *trading.FillData:
		o.Filled += d.Volume
		o.FillPrice, o.Position = d.Price, d.Position
		if d.Done {
			o.Status = trading.Filled
		}
	}
}

// orderIn is the order that an event is an event of, or 0.
func orderIn(e *trading.Event) trading.OrderID {
	switch d := e.Data.(type) {
	case *trading.OrderData:
		return d.Order.ID
	case *trading.FillData:
		return d.Order
	}
	return 0
}

func (j *memoryJournal) Orders(_ context.Context, account trading.AccountID, symbol *core.SymbolID,
	statuses uint, after uint64, limit int, each func(seq uint64, o *trading.Order),
) error {
	orders, seqs, err := j.folded()
	var ids []trading.OrderID
	for id, o := range orders {
		if (account == 0 || o.Account == account) && (symbol == nil || o.Symbol == *symbol) &&
			(statuses == 0 || statuses&(1<<o.Status) != 0) && seqs[id] > after {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b trading.OrderID) int { return int(seqs[a]) - int(seqs[b]) })
	for _, id := range ids[:min(limit, len(ids))] {
		each(seqs[id], orders[id])
	}
	return err
}

func (j *memoryJournal) Order(_ context.Context, id trading.OrderID,
) (seq uint64, o trading.Order, found bool, err error) {
	orders, seqs, err := j.folded()
	if orders[id] == nil {
		return 0, o, false, err
	}
	return seqs[id], *orders[id], true, err
}

func (j *memoryJournal) OrderEvents(_ context.Context, id trading.OrderID) ([]trading.Event, error) {
	return j.matching(0, allEvents, func(e *trading.Event) bool { return orderIn(e) == id })
}

func (j *memoryJournal) Trades(_ context.Context, account trading.AccountID, symbol *core.SymbolID,
	after uint64, limit int,
) ([]trading.Event, error) {
	return j.matching(after, limit, func(e *trading.Event) bool {
		d, ok := e.Data.(*trading.FillData)
		return ok && (account == 0 || e.Account == account) && (symbol == nil || d.Symbol == *symbol)
	})
}

func (j *memoryJournal) Postings(_ context.Context, account trading.AccountID, after, last uint64,
	limit int, each func(e *trading.Event, house trading.Money),
) error {
	events, err := j.matching(0, allEvents, func(e *trading.Event) bool {
		_, ok := e.Posting()
		return ok
	})
	houses := map[string]trading.Money{}
	for i := range events {
		e := &events[i]
		p, _ := e.Posting()
		houses[p.Counter()] -= p.Amount
		if e.Seq > after && e.Seq <= last && (account == 0 || e.Account == account) && limit > 0 {
			each(e, houses[p.Counter()])
			limit--
		}
	}
	return err
}

func (j *memoryJournal) DayEnd(_ context.Context, account trading.AccountID, at core.Time,
) (last uint64, balance trading.Money, err error) {
	_, err = j.matching(0, allEvents, func(e *trading.Event) bool {
		swap, ok := e.Data.(*trading.SwapData)
		if e.Account == account && (e.Time < at || ok && swap.Rollover <= at) {
			last = e.Seq
			if p, ok := e.Posting(); ok {
				balance = p.Balance
			}
		}
		return false
	})
	return last, balance, err
}

func (j *memoryJournal) Head(_ context.Context) (seq uint64, hash [32]byte, err error) {
	return j.chain(allEvents)
}

// chain is the hash of the text of all events up to a seq.
func (j *memoryJournal) chain(upTo uint64) (seq uint64, hash [32]byte, err error) {
	h := sha256.New()
	_, err = j.matching(0, allEvents, func(e *trading.Event) bool {
		if e.Seq <= upTo {
			_, _ = h.Write(trading.AppendEvent(nil, j.symbols, e))
			seq = e.Seq
		}
		return false
	})
	h.Sum(hash[:0])
	return seq, hash, err
}

func (j *memoryJournal) Verify(_ context.Context, upTo uint64) (hash, state [32]byte, err error) {
	m, err := trading.New(trading.Options{Symbols: j.symbols})
	if err != nil {
		return hash, state, err
	}
	events, err := j.matching(0, allEvents, func(e *trading.Event) bool { return e.Seq <= upTo })
	for i := 0; err == nil && i < len(events); i++ {
		err = m.Replay(events[i])
	}
	if err != nil {
		return hash, state, err
	}
	_, hash, err = j.chain(upTo)
	return hash, m.Hash(), err
}

// addDesk gives the market a desk. Account 1 has 5,000 USD.
func (m *testMarket) addDesk(o *Options, mo *marketOptions) {
	machine, err := trading.New(trading.Options{
		Symbols: m.engine.Symbols(), OrdersMax: mo.tradeLimit, PositionsMax: mo.tradeLimit,
		ClientsMax: mo.clientsMax,
	})
	check(m.t, err)
	m.journal = &memoryJournal{symbols: m.engine.Symbols(), kept: make(map[desk.Key]desk.Kept)}
	usd, _ := trading.ParseCurrency("USD")
	_, err = machine.OpenAccount(testNow, trading.Settings{Currency: usd}, 500_000)
	check(m.t, err)
	check(m.t, m.journal.Commit(machine.Take(nil), nil, &alert.Changes{}))
	do := desk.Options{
		Engine: m.engine, Machine: machine, Journal: m.journal, History: m.journal, Now: o.Now,
	}
	if mo.deskOptions != nil {
		mo.deskOptions(&do)
	}
	m.desk, err = desk.New(do)
	check(m.t, err)
	o.Desk, o.Trades = m.desk, m.journal
}

// newTradeMarket is a market with trading where EURUSD, USDJPY and GBPUSD have quotes.
func newTradeMarket(t testing.TB, o marketOptions) *testMarket {
	o.desk = true
	m := newTestMarket(t, o)
	m.quote("EURUSD", "1.10000", "1.10010")
	m.quote("GBPUSD", "1.30000", "1.30020")
	m.quote("USDJPY", "150.000", "150.020")
	return m
}

// quote posts one quote, a millisecond after the last.
func (m *testMarket) quote(symbol, bid, ask string) {
	m.t.Helper()
	at := m.clock.Add(int64(core.Millisecond))
	m.post(fmt.Sprintf(`{"symbol":%q,"bid":%s,"ask":%s,"time":%d}`, symbol, bid, ask, at))
}

// ask sends a request about trading and expects a status.
func (m *testMarket) ask(status int, method, path, body string, headers ...string) string {
	m.t.Helper()
	a := m.do(method, path, body, append([]string{"Content-Type", jsonType}, headers...)...)
	if a.status != status {
		m.t.Fatalf("%s %s %s: got %d %s, want %d", method, path, body, a.status, a.body, status)
	}
	return a.body
}

// has fails unless a text has all parts.
func has(t testing.TB, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("no %s in\n%s", part, text)
		}
	}
}
