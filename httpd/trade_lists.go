package httpd

import (
	"context"
	"math"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"tradingengine/core"
	"tradingengine/core/trading"
)

var (
	orderListParameters = []string{"accountId", "symbol", "status", "limit", "cursor"}
	tradeParameters     = []string{"accountId", "symbol", "limit", "cursor"}
	ledgerParameters    = []string{"accountId", "limit", "cursor"}
	statementParameters = []string{"accountId", "day"}
	eventParameters     = []string{"accountId", "since", "limit"}
)

// known makes sure that an account exists and is the caller's; 0 stands for all that are.
func (s *Server) known(who *caller, account trading.AccountID) error {
	if account != 0 && (!who.mayUse(account) || s.opts.Desk.LastSeq(account) == 0) {
		return unknownAccount.because("there is no account " + strconv.FormatInt(int64(account), 10))
	}
	return nil
}

// listRequest is what the lists of trading have in common.
type listRequest struct {
	accounts []trading.AccountID // See caller.listed.
	symbol   *core.SymbolID
	limit    int
	cursor   uint64 // Of the last row that the client has seen.
}

// readList reads what is common to lists; an account that is named must be the caller's.
func (s *Server) readList(who *caller, q *query) (l listRequest) {
	account := q.account(0)
	l.symbol = q.optionalSymbol(s.symbols)
	l.limit, l.cursor = q.limit(listLimit, listLimitMax), q.cursor()
	if q.err == nil {
		q.err = s.known(who, account)
	}
	l.accounts = who.listed(account)
	return l
}

// getOrders answers with orders, open or not, as they stand. They are ordered by their newest
// event, so that a cursor also brings what has changed since.
func (s *Server) getOrders(ctx *fasthttp.RequestCtx) error {
	q := newQuery(ctx, orderListParameters)
	statuses := q.statuses()
	l := s.readList(callerOf(ctx), &q)
	if q.err != nil {
		return q.err
	}
	return s.list(ctx, &l, func(wait context.Context, account trading.AccountID, add addRow) error {
		return s.opts.Trades.Orders(wait, account, l.symbol, statuses, l.cursor, l.limit,
			func(seq uint64, o *trading.Order) {
				add(seq, func(dst []byte) []byte { return s.appendOrder(dst, seq, o) })
			})
	})
}

// getOrder answers with one order, open or not.
func (s *Server) getOrder(ctx *fasthttp.RequestCtx) error {
	id, err := s.namedOrder(ctx)
	if err != nil {
		return err
	}
	seq, o, err := s.storedOrder(callerOf(ctx), id)
	if err != nil {
		return err
	}
	giveBody(ctx, jsonType, append(s.appendOrder(nil, seq, &o), '\n'))
	return nil
}

// namedOrder finds the id of the order that a request names.
func (s *Server) namedOrder(ctx *fasthttp.RequestCtx) (id trading.OrderID, err error) {
	name, err := s.orderOf(ctx)
	if err != nil || name.id != 0 {
		return name.id, err
	}
	failed := s.read(name.account, nil, func(m *trading.Machine, _ core.Time) {
		id, err = name.find(m)
	})
	if failed != nil {
		return 0, failed
	}
	if err != nil {
		return s.oldOrder(&name, err)
	}
	return id, nil
}

// storedOrder finds an order, open or not, that the caller may see.
func (s *Server) storedOrder(who *caller, id trading.OrderID,
) (seq uint64, o trading.Order, err error) {
	found := false
	err = s.stored(func(wait context.Context) (err error) {
		seq, o, found, err = s.opts.Trades.Order(wait, id)
		return err
	})
	if err == nil && (!found || !who.mayUse(o.Account)) {
		err = unknownOrder.because("there is no order " + strconv.FormatInt(int64(id), 10))
	}
	return seq, o, err
}

// getTrades answers with trades: each is one order against one position.
func (s *Server) getTrades(ctx *fasthttp.RequestCtx) error {
	q := newQuery(ctx, tradeParameters)
	l := s.readList(callerOf(ctx), &q)
	if q.err != nil {
		return q.err
	}
	return s.list(ctx, &l, func(wait context.Context, account trading.AccountID, add addRow) error {
		events, err := s.opts.Trades.Trades(wait, account, l.symbol, l.cursor, l.limit)
		for i := range events {
			e := &events[i]
			add(e.Seq, func(dst []byte) []byte { return s.appendTrade(dst, e) })
		}
		return err
	})
}

// getLedger answers with postings: the client's side and, to whom may see all accounts and names
// none, the house's side of each too. limit counts postings.
func (s *Server) getLedger(ctx *fasthttp.RequestCtx) error {
	q := newQuery(ctx, ledgerParameters)
	l := s.readList(callerOf(ctx), &q)
	if q.err != nil {
		return q.err
	}
	return s.list(ctx, &l, func(wait context.Context, account trading.AccountID, add addRow) error {
		return s.opts.Trades.Postings(wait, account, l.cursor, math.MaxUint64, l.limit,
			func(e *trading.Event, house trading.Money) {
				add(e.Seq, func(dst []byte) []byte {
					dst = appendLine(dst, e)
					if account == 0 {
						dst = appendHouseLine(append(dst, ",\n"...), e, house)
					}
					return dst
				})
			})
	})
}

// statementLinesMax is how many lines a statement may have.
const statementLinesMax = 100_000

var statementTooLong = fault{413, "STATEMENT_TOO_LONG", "Statement too long", 0}

// getStatement answers with the balance before and after a day and all that lies between.
func (s *Server) getStatement(ctx *fasthttp.RequestCtx) error {
	q := newQuery(ctx, statementParameters)
	who := callerOf(ctx)
	account, utc := q.account(who.home()), q.choice("day", "newyork", "utc") == 1
	name := pathPart(ctx, 2)
	from, to, ok := dayOf(name, utc)
	if !ok {
		q.fail(badParameter, "a statement is of a day such as 2026-11-24, not %q", cutText(name))
	}
	if q.err == nil {
		q.err = s.known(who, account)
	}
	if q.err != nil {
		return q.err
	}
	d := statement{account: account, day: name, from: from, to: to}
	if err := s.readStatement(&d); err != nil {
		return err
	}
	giveBody(ctx, jsonType, d.append(nil))
	return nil
}

// dayOf returns the span of a day. The trading day of a date ends at 17:00 New York of that date.
func dayOf(name string, utc bool) (from, to core.Time, ok bool) {
	midnight, err := core.ParseTime(name + "T00:00:00Z")
	if err != nil || strings.ContainsAny(name, " +T") || midnight < 0 {
		return 0, 0, false
	}
	if utc {
		return midnight, midnight + 24*core.Hour, true
	}
	// Noon UTC is a morning in New York.
	from = core.D1.Open(midnight + 12*core.Hour)
	return from, core.D1.End(from), true
}

// statement is what is told of a day of an account.
type statement struct {
	account  trading.AccountID
	day      string
	from, to core.Time
	currency trading.Currency
	opening  trading.Money
	closing  trading.Money
	lines    []byte
	count    int
}

func (s *Server) readStatement(d *statement) error {
	err := s.read(d.account, nil, func(m *trading.Machine, _ core.Time) {
		if a, err := m.Summary(d.account); err == nil {
			d.currency = a.Currency
		}
	})
	if err != nil {
		return err
	}
	err = s.stored(func(wait context.Context) (err error) {
		var before, last uint64
		if before, d.opening, err = s.opts.Trades.DayEnd(wait, d.account, d.from); err != nil {
			return err
		}
		if last, d.closing, err = s.opts.Trades.DayEnd(wait, d.account, d.to); err != nil {
			return err
		}
		return s.opts.Trades.Postings(wait, d.account, before, last, statementLinesMax+1,
			func(e *trading.Event, _ trading.Money) {
				d.lines = append(appendLine(d.lines, e), ",\n"...)
				d.count++
			})
	})
	if err == nil && d.count > statementLinesMax {
		err = statementTooLong.because("this day has more lines than a statement may have; " +
			"/api/ledger has all")
	}
	return err
}

func (d *statement) append(dst []byte) []byte {
	dst = appendInt(dst, `{"accountId":`, int64(d.account))
	dst = append(append(dst, `,"day":"`...), d.day...)
	dst = d.from.Append(append(dst, `","from":"`...))
	dst = d.to.Append(append(dst, `","to":"`...))
	dst = append(append(dst, `","currency":"`...), d.currency.String()...)
	dst = trading.AppendMoney(append(dst, `","openingBalance":`...), d.opening, d.currency)
	dst = append(dst, `,"lines":`...)
	start := len(dst)
	dst = closeList(append(append(dst, listOpen...), d.lines...), start)
	dst = trading.AppendMoney(append(dst[:len(dst)-1], `,"closingBalance":`...), d.closing, d.currency)
	return append(dst, '}', '\n')
}

// getEvents answers with events of an account, or of all.
func (s *Server) getEvents(ctx *fasthttp.RequestCtx) error {
	q := newQuery(ctx, eventParameters)
	who := callerOf(ctx)
	account := q.account(0)
	l := listRequest{accounts: who.listed(account), cursor: q.number("since", 0, 0)}
	l.limit = q.limit(listLimit, listLimitMax)
	if q.err == nil {
		q.err = s.known(who, account)
	}
	if q.err != nil {
		return q.err
	}
	return s.list(ctx, &l, func(wait context.Context, account trading.AccountID, add addRow) error {
		var events []trading.Event
		var err error
		if account == 0 {
			events, err = s.opts.Desk.AllEvents(wait, l.cursor, l.limit)
		} else {
			events, err = s.opts.Desk.Events(wait, account, l.cursor, l.limit)
		}
		for i := range events {
			e := &events[i]
			add(e.Seq, func(dst []byte) []byte { return trading.AppendEvent(dst, s.symbols, e) })
		}
		return err
	})
}
