package desk

import (
	"strconv"
	"sync"

	"tradingengine/core"
	"tradingengine/core/alert"
	"tradingengine/core/trading"
)

// alerts keeps the book of alerts on what happens: it gives the book values of accounts and events
// of trading in its own words. It belongs to the desk's goroutine.
type alerts struct {
	book    *alert.Book
	machine *trading.Machine
	symbols *core.Registry
	told    uint64 // Events up to this seq were looked at.
	moved   []trading.AccountID
	asked   []int64
	flows   []flow
}

// flow is what events moved in and out of an account.
type flow struct {
	account trading.AccountID
	seq     uint64 // The newest event.
	amount  trading.Money
}

// tell gives the book what an input did to accounts. cause is the quote behind it, or none.
func (a *alerts) tell(now core.Time, cause alert.Cause) {
	if head := a.machine.Head(); head != a.told {
		a.readEvents(now)
		a.told = head
	}
	a.moved = a.machine.TakeMoved(a.moved[:0])
	for _, f := range a.flows {
		c := cause
		if c.Quote == 0 {
			c.Event = f.seq
		}
		a.value(now, f.account, f.amount, c)
	}
	for _, id := range a.moved {
		if !a.flowed(id) {
			a.value(now, id, 0, cause)
		}
	}
	a.flows = a.flows[:0]
}

func (a *alerts) flowed(id trading.AccountID) bool {
	for i := range a.flows {
		if a.flows[i].account == id {
			return true
		}
	}
	return false
}

// readEvents looks at the events since the last time: they may be what a rule waits for, and they
// change what their accounts are worth.
func (a *alerts) readEvents(now core.Time) {
	events := a.machine.Since(a.told)
	for i := range events {
		e := &events[i]
		if a.book.WantsEvents() {
			if happened, ok := a.happened(e); ok {
				a.book.Event(now, happened)
			}
		}
		if e.Account != 0 && a.book.Wants(int64(e.Account)) {
			a.flow(e)
		}
	}
}

func (a *alerts) flow(e *trading.Event) {
	amount := trading.Money(0)
	if d, ok := e.Data.(*trading.TransferData); ok {
		if amount = d.Amount; d.Transfer == trading.Withdraw {
			amount = -amount
		}
	}
	for i := range a.flows {
		if f := &a.flows[i]; f.account == e.Account {
			f.seq, f.amount = e.Seq, f.amount+amount
			return
		}
	}
	a.flows = append(a.flows, flow{e.Account, e.Seq, amount})
}

// value gives the book what an account is worth. While a position has no price that is not known.
func (a *alerts) value(now core.Time, id trading.AccountID, amount trading.Money, c alert.Cause) {
	s, err := a.machine.Summary(id)
	if err != nil || s.Unpriced > 0 {
		return
	}
	if c.Quote == 0 && c.Event == 0 {
		c.Since = now
	}
	hundredths := func(m trading.Money) int64 {
		// A valuation may be cut at 10^18; with two more zeros it would not fit.
		const most = 10_000_000_000_000_000
		return int64(max(min(m, most), -most)) * core.Pow10(2-s.Currency.Digits())
	}
	a.book.Account(now, alert.Values{
		Account: int64(id), Equity: hundredths(s.Equity), PnL: hundredths(s.PnL),
		MarginLevel: s.MarginLevel, HasLevel: s.HasLevel, Transferred: hundredths(amount),
	}, c)
}

// observe has the machine tell of the accounts that rules wait for, and gives their values.
func (a *alerts) observe(now core.Time) {
	for a.asked = a.book.TakeAccounts(a.asked[:0]); len(a.asked) > 0; {
		for _, n := range a.asked {
			id := trading.AccountID(n)
			a.machine.Observe(id, a.book.Wants(n))
			if a.book.Wants(n) {
				a.value(now, id, 0, alert.Cause{})
			}
		}
		a.asked = a.book.TakeAccounts(a.asked[:0])
	}
}

// happened says what an event is for those who wait for one.
func (a *alerts) happened(e *trading.Event) (alert.Event, bool) {
	h := alert.Event{Seq: e.Seq, Account: int64(e.Account)}
	switch d := e.Data.(type) {
	case *trading.FillData:
		if !d.Done {
			return h, false
		}
		h.What, h.Symbol, h.HasSymbol = alert.OrderFilled, d.Symbol, true
		h.Title = a.order(d.Order, d.Side, d.Symbol) + " filled at " +
			string(core.AppendPrice(nil, d.Price, a.symbols.Symbol(d.Symbol).Digits))
	case *trading.OrderData:
		if e.Type != trading.OrderRejected {
			return h, false
		}
		o := &d.Order
		h.What, h.Symbol, h.HasSymbol = alert.OrderRejected, o.Symbol, true
		h.Title = a.order(o.ID, o.Side, o.Symbol) + " rejected: " + o.Code.String()
	case *trading.MarginData:
		what := "margin call"
		switch e.Type {
		case trading.MarginCalled:
			h.What = alert.MarginCalled
		case trading.StopOut:
			h.What, what = alert.StoppedOut, "stop-out"
		default:
			return h, false
		}
		text := []byte("account " + strconv.FormatInt(int64(e.Account), 10) + " " + what + ", equity ")
		text = trading.AppendMoney(text, d.Equity, d.Currency)
		text = trading.AppendMoney(append(text, ", margin "...), d.Margin, d.Currency)
		h.Title = string(append(append(text, ' '), d.Currency.String()...))
	default:
		return h, false
	}
	return h, true
}

// order is for instance "order 12 BUY EURUSD".
func (a *alerts) order(id trading.OrderID, side trading.Side, symbol core.SymbolID) string {
	return "order " + strconv.FormatInt(int64(id), 10) + " " + side.String() + " " +
		a.symbols.Symbol(symbol).Name
}

// Tell takes what a check of the server found. It never waits: false means that it was not taken,
// because too much is waiting or the desk ended.
func (d *Desk) Tell(g alert.Reading) bool { return d.watcher.Send(&reading{g, d.now()}) }

// reading is the message of Tell.
type reading struct {
	alert.Reading
	now core.Time
}

// alertTail keeps the newest committed changes of fires for subscribers. The committer adds,
// anybody reads.
type alertTail struct {
	mu   sync.RWMutex
	ring []alert.FireChange
	next uint64 // Change n lies in n mod len; those of [next − len, next) are there.
}

// alertTailSize is how many changes of fires are kept for subscribers.
const alertTailSize = 4096

func (t *alertTail) add(changes []alert.FireChange) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range changes {
		t.ring[t.next%alertTailSize] = changes[i]
		t.next++
	}
}

// AlertMark is where the next committed change of a fire comes.
func (d *Desk) AlertMark() uint64 {
	d.alertTail.mu.RLock()
	defer d.alertTail.mu.RUnlock()
	return d.alertTail.next
}

// Alerts appends at most limit committed changes of fires from mark on and returns the mark after
// them. missed counts those that are no longer in memory. Changed tells when there are more.
func (d *Desk) Alerts(dst []alert.FireChange, mark uint64, limit int,
) (changes []alert.FireChange, next, missed uint64) {
	t := &d.alertTail
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.next > alertTailSize && mark < t.next-alertTailSize {
		missed = t.next - alertTailSize - mark
		mark += missed
	}
	for ; mark < t.next && limit > 0; mark++ {
		dst = append(dst, t.ring[mark%alertTailSize])
		limit--
	}
	return dst, mark, missed
}

// announce lets everybody know of committed changes of fires.
func (d *Desk) announce(changes []alert.FireChange) {
	d.alertTail.add(changes)
	for i := range changes {
		c := &changes[i]
		if (c.New || c.Wake) && c.Channels&alert.Log != 0 {
			d.opts.Log.Info("alert", "rule", int64(c.Rule), "severity", c.Severity.String(), "title",
				c.Title)
		}
	}
}
