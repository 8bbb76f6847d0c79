package httpd

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/valyala/fasthttp"

	"tradingengine/core"
	"tradingengine/core/trading"
)

// postOrder places an order, or two of which the end of one ends the other.
func (s *Server) postOrder(ctx *fasthttp.RequestCtx) error {
	o := requestObject(ctx)
	if raw, given := o.value("type"); given && bytes.EqualFold(raw, []byte(`"OCO"`)) {
		o.allow(ocoFields)
		return s.placeList(ctx, &o, func(m *trading.Machine, now core.Time,
			list []trading.OrderRequest,
		) ([]trading.Result, error) {
			return m.PlaceOCO(now, list[0], list[1])
		})
	}
	r := o.orderRequest(s.symbols, 0)
	if o.err != nil {
		return s.unrecorded(ctx, o.err, r.Account)
	}
	return s.place(ctx, r, false, func(dst []byte, _ *trading.Machine, r *trading.Result) []byte {
		return append(s.appendOrder(dst, r.Seq, &r.Order), '\n')
	})
}

// postBatch places orders, all or none.
func (s *Server) postBatch(ctx *fasthttp.RequestCtx) error {
	o := readBody(ctx, orderListFields)
	return s.placeList(ctx, &o, func(m *trading.Machine, now core.Time, list []trading.OrderRequest,
	) ([]trading.Result, error) {
		return m.PlaceBatch(now, list)
	})
}

// postMarketOrder is the form of old clients: the answer has the position.
func (s *Server) postMarketOrder(ctx *fasthttp.RequestCtx) error {
	o := requestObject(ctx)
	r := o.marketOrder(s.symbols)
	if o.err != nil {
		return unsuccessful(s.unrecorded(ctx, o.err, r.Account))
	}
	return s.place(ctx, r, true, func(dst []byte, m *trading.Machine, r *trading.Result) []byte {
		return s.appendSuccess(dst, m, r)
	})
}

// place places one order and answers with what answer prints of it.
func (s *Server) place(ctx *fasthttp.RequestCtx, r trading.OrderRequest, old bool,
	answer func(dst []byte, m *trading.Machine, r *trading.Result) []byte,
) error {
	return s.trade(ctx, &deal{
		account: r.Account, symbols: []core.SymbolID{r.Symbol}, orders: []string{r.ClientID},
		old: old,
		apply: func(dst []byte, m *trading.Machine, now core.Time) ([]byte, int, error) {
			result, err := m.Place(now, r)
			if err == nil {
				err = s.refused(&result)
			}
			if err != nil {
				return nil, 0, err
			}
			return answer(dst, m, &result), http.StatusCreated, nil
		},
		used: func(at int) applying {
			return func(_ []byte, m *trading.Machine, now core.Time) ([]byte, int, error) {
				results, err := m.RefuseUsed(now, []trading.OrderRequest{r}, at)
				if err == nil {
					err = s.refused(&results[0])
				}
				return nil, 0, err
			}
		},
	})
}

// unrecorded adds to the refusal of what could not be read as an order where the account stands:
// no event tells of it.
func (s *Server) unrecorded(ctx *fasthttp.RequestCtx, err error, account trading.AccountID) error {
	var p *problem
	if !errors.As(err, &p) || p.status != 422 || !callerOf(ctx).mayUse(account) {
		return err
	}
	p.members = appendInt(p.members, `,"seq":`, int64(s.opts.Desk.LastSeq(account)))
	return p
}

// placeList places the orders of a list in one step.
func (s *Server) placeList(ctx *fasthttp.RequestCtx, o *object, step func(m *trading.Machine,
	now core.Time, list []trading.OrderRequest) ([]trading.Result, error),
) error {
	list := o.orderList(s.symbols)
	if _, given := o.value("type"); given && len(list) != 2 {
		o.fail(badField, `"orders" of an OCO pair must be two orders`)
	}
	if o.err != nil {
		return s.unrecorded(ctx, o.err, o.account())
	}
	d := &deal{account: list[0].Account}
	for i := range list {
		d.symbols = append(d.symbols, list[i].Symbol)
		d.orders = append(d.orders, list[i].ClientID)
	}
	d.apply = func(dst []byte, m *trading.Machine, now core.Time) ([]byte, int, error) {
		results, err := step(m, now, list)
		if err == nil {
			err = s.refusedList(results)
		}
		if err != nil {
			return nil, 0, err
		}
		return s.appendResults(dst, results), http.StatusCreated, nil
	}
	d.used = func(at int) applying {
		return func(_ []byte, m *trading.Machine, now core.Time) ([]byte, int, error) {
			results, err := m.RefuseUsed(now, list, at)
			if err == nil {
				err = s.refusedList(results)
			}
			return nil, 0, err
		}
	}
	return s.trade(ctx, d)
}

// refused returns the problem of an order that was rejected, nil when it was not.
func (s *Server) refused(r *trading.Result) error {
	if r.Refusal == nil {
		return nil
	}
	p := refusalOf(r.Refusal)
	if r.Order.ID != 0 {
		p.members = appendInt(p.members, `,"seq":`, int64(r.Seq))
		p.members = s.appendOrder(append(p.members, `,"order":`...), r.Seq, &r.Order)
	}
	return p
}

// refusedList is refused of a list: the problem is that of the order for which the others were
// refused too, and names its place.
func (s *Server) refusedList(results []trading.Result) error {
	var p *problem
	for i := range results {
		r := results[i].Refusal
		if r == nil || r.Code == trading.CodeListRefused && p != nil {
			continue
		}
		if p == nil || r.Code != trading.CodeListRefused {
			p = refusalOf(r)
			p.members = appendInt(p.members, `,"index":`, int64(i))
		}
		if r.Code != trading.CodeListRefused {
			break
		}
	}
	if p == nil {
		return nil
	}
	p.members = appendInt(p.members, `,"seq":`, int64(results[len(results)-1].Seq))
	p.members = append(p.members, `,"orders":`...)
	p.members = bytes.TrimSuffix(s.appendResults(p.members, results), []byte{'\n'})
	return p
}

func (s *Server) appendResults(dst []byte, results []trading.Result) []byte {
	start := len(dst)
	dst = append(dst, listOpen...)
	for i := range results {
		dst = s.appendOrder(dst, results[i].Seq, &results[i].Order)
		dst = append(dst, ",\n"...)
	}
	return closeList(dst, start)
}

// appendOrder appends an order with the seq of its newest event.
func (s *Server) appendOrder(dst []byte, seq uint64, o *trading.Order) []byte {
	dst = appendInt(dst, `{"seq":`, int64(seq))
	at := len(dst)
	dst = trading.AppendOrder(dst, s.symbols, o)
	dst[at] = ',' // Instead of its opening brace.
	return dst
}

// postPreview says what an order would do.
func (s *Server) postPreview(ctx *fasthttp.RequestCtx) error {
	o := requestObject(ctx)
	r := o.orderRequest(s.symbols, 0)
	if o.err != nil {
		return o.err
	}
	return s.look(ctx, r.Account, []core.SymbolID{r.Symbol},
		func(m *trading.Machine, now core.Time) ([]byte, error) {
			p, err := m.Preview(now, r)
			if err != nil {
				return nil, err
			}
			return s.appendPreview(nil, &r, &p), nil
		})
}

// orderName is an order as a path and a query name it.
type orderName struct {
	id      trading.OrderID // 0: by clientID.
	who     *caller         // Who names it.
	client  string
	account trading.AccountID
}

var orderParameters = []string{"accountId"}

// orderOf reads which order is meant: by its id, or by @ and the client's own id of an account.
func (s *Server) orderOf(ctx *fasthttp.RequestCtx) (n orderName, err error) {
	q := newQuery(ctx, orderParameters)
	n.who = callerOf(ctx)
	n.account = q.account(n.who.home())
	client, ok := strings.CutPrefix(pathPart(ctx, 2), "@")
	if ok {
		n.client = client
		return n, q.err
	}
	id, err := pathID(ctx, 2, unknownOrder)
	if q.err != nil {
		err = q.err
	}
	n.id = trading.OrderID(id)
	return n, err
}

// find resolves a client's id.
func (n *orderName) find(m *trading.Machine) (trading.OrderID, error) {
	if n.id != 0 {
		return n.id, nil
	}
	id, ok := m.OrderByClientID(n.account, n.client)
	if !ok || !n.who.mayUse(n.account) {
		return 0, unknownOrder.because(fmt.Sprintf("account %d has no order with the "+
			"clientOrderId %q", n.account, cutText(n.client)))
	}
	return id, nil
}

// deleteOrder cancels an order.
func (s *Server) deleteOrder(ctx *fasthttp.RequestCtx) error {
	return s.changeOrder(ctx, func(m *trading.Machine, now core.Time, order *trading.Order,
	) (trading.Result, error) {
		return m.Cancel(now, order.ID)
	})
}

// patchOrder changes an order.
func (s *Server) patchOrder(ctx *fasthttp.RequestCtx) error {
	o := readBody(ctx, amendmentFields)
	o.someChange(amendmentFields)
	if o.err != nil {
		return o.err
	}
	return s.changeOrder(ctx, func(m *trading.Machine, now core.Time, order *trading.Order,
	) (trading.Result, error) {
		a := o.amendment(s.symbols.Symbol(order.Symbol))
		if o.err != nil {
			return trading.Result{}, o.err
		}
		return m.Amend(now, order.ID, a)
	})
}

// changeOrder does something to an open order. One that exists and is open no more is a conflict.
func (s *Server) changeOrder(ctx *fasthttp.RequestCtx, change func(m *trading.Machine,
	now core.Time, order *trading.Order) (trading.Result, error),
) error {
	name, err := s.orderOf(ctx)
	if err != nil {
		return err
	}
	var closed trading.OrderID
	var unknown error
	d := &deal{}
	d.apply = func(dst []byte, m *trading.Machine, now core.Time) ([]byte, int, error) {
		var id trading.OrderID
		if id, unknown = name.find(m); unknown != nil {
			return nil, 0, unknown
		}
		order, open := m.Order(id)
		if !open || !name.who.mayUse(order.Account) {
			closed = id
			return nil, 0, trading.ErrUnknownOrder
		}
		d.found = order.Account
		r, err := change(m, now, &order)
		if err != nil {
			return nil, 0, err
		}
		return append(s.appendOrder(dst, r.Seq, &r.Order), '\n'), http.StatusOK, nil
	}
	err = s.trade(ctx, d)
	if err == nil && unknown != nil {
		closed, err = s.oldOrder(&name, unknown)
	}
	if err != nil || closed == 0 {
		return err
	}
	return s.notOpen(name.who, closed)
}

// notOpen tells an order that has ended from one that never was, or is somebody else's.
func (s *Server) notOpen(who *caller, id trading.OrderID) error {
	_, order, err := s.storedOrder(who, id)
	if err != nil {
		return err
	}
	return orderNotOpen.because(fmt.Sprintf("order %d is %s", id, order.Status))
}
