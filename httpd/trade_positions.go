package httpd

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"

	"github.com/valyala/fasthttp"

	"tradingengine/core"
	"tradingengine/core/trading"
)

var positionParameters = []string{"accountId", "symbol", "limit", "cursor"}

// getPositions answers with open positions at the live prices. Their cursor is the id.
func (s *Server) getPositions(ctx *fasthttp.RequestCtx) error {
	q := newQuery(ctx, positionParameters)
	l := s.readList(callerOf(ctx), &q)
	if q.err != nil {
		return q.err
	}
	return s.look(ctx, l.accounts[0], nil, func(m *trading.Machine, _ core.Time) ([]byte, error) {
		dst := append([]byte(nil), listOpen...)
		var positions []trading.PositionView
		for _, account := range l.accounts {
			positions = m.AppendPositions(positions, account)
		}
		slices.SortFunc(positions, func(a, b trading.PositionView) int { return cmp.Compare(a.ID, b.ID) })
		for _, p := range positions {
			if uint64(p.ID) <= l.cursor || l.symbol != nil && p.Symbol != *l.symbol {
				continue
			}
			if l.limit--; l.limit < 0 {
				break
			}
			dst = append(trading.AppendPosition(dst, s.symbols, &p), ",\n"...)
		}
		return closeList(dst, 0), nil
	})
}

// getPosition answers with one open position.
func (s *Server) getPosition(ctx *fasthttp.RequestCtx) error {
	id, err := positionOf(ctx)
	if err != nil {
		return err
	}
	who := callerOf(ctx)
	return s.look(ctx, 0, nil, func(m *trading.Machine, _ core.Time) ([]byte, error) {
		p, ok := who.position(m, id)
		if !ok {
			return nil, noPosition(id)
		}
		return append(trading.AppendPosition(nil, s.symbols, &p), '\n'), nil
	})
}

func positionOf(ctx *fasthttp.RequestCtx) (trading.PositionID, error) {
	id, err := pathID(ctx, 2, unknownPosition)
	return trading.PositionID(id), err
}

func noPosition(id trading.PositionID) error {
	return unknownPosition.because(fmt.Sprintf("there is no open position %d", id))
}

// patchPosition changes the levels of a position.
func (s *Server) patchPosition(ctx *fasthttp.RequestCtx) error {
	id, err := positionOf(ctx)
	if err != nil {
		return err
	}
	o := readBody(ctx, positionPatchFields)
	o.someChange(positionPatchFields)
	if o.err != nil {
		return o.err
	}
	d := &deal{}
	d.apply = func(dst []byte, m *trading.Machine, now core.Time) ([]byte, int, error) {
		v, err := s.modify(d, m, now, id, &o)
		if err != nil {
			return nil, 0, err
		}
		return append(trading.AppendPosition(dst, s.symbols, &v), '\n'), http.StatusOK, nil
	}
	return s.trade(ctx, d)
}

// modify reads a patch for a position, whose symbol says what a price is, and makes it.
func (s *Server) modify(d *deal, m *trading.Machine, now core.Time, id trading.PositionID,
	o *object,
) (v trading.PositionView, err error) {
	p, ok := d.position(m, id)
	if !ok {
		return v, noPosition(id)
	}
	change := o.positionPatch(s.symbols.Symbol(p.Symbol))
	if o.err != nil {
		return v, o.err
	}
	return m.ModifyPosition(now, id, change)
}

// postModify is the form of old clients.
func (s *Server) postModify(ctx *fasthttp.RequestCtx) error {
	o := readBody(ctx, modifyFields)
	o.need("positionId")
	id := trading.PositionID(o.integer("positionId", 0, 1))
	if o.err != nil {
		return unsuccessful(o.err)
	}
	d := &deal{old: true}
	d.apply = func(dst []byte, m *trading.Machine, now core.Time) ([]byte, int, error) {
		v, err := s.modify(d, m, now, id, &o)
		if err != nil {
			return nil, 0, err
		}
		dst = append(dst, `{"success":true,"position":`...)
		dst = trading.AppendPosition(dst, s.symbols, &v)
		return append(dst, '}', '\n'), http.StatusOK, nil
	}
	return s.trade(ctx, d)
}

// postClosePosition closes a position, or a part of it.
func (s *Server) postClosePosition(ctx *fasthttp.RequestCtx) error {
	id, err := positionOf(ctx)
	if err != nil {
		return err
	}
	var o object
	if len(ctx.PostBody()) > 0 { // Without a body all is closed.
		o = readBody(ctx, closeFields)
	}
	volume := o.volume("volume")
	if o.err != nil {
		return o.err
	}
	return s.closeOne(ctx, id, func(m *trading.Machine, now core.Time) (trading.Result, error) {
		return m.ClosePosition(now, id, volume)
	})
}

// postCloseBy closes a position against an opposite one.
func (s *Server) postCloseBy(ctx *fasthttp.RequestCtx) error {
	id, err := positionOf(ctx)
	if err != nil {
		return err
	}
	o := readBody(ctx, closeByFields)
	o.need("with")
	with := trading.PositionID(o.integer("with", 0, 1))
	if o.err != nil {
		return o.err
	}
	who := callerOf(ctx)
	return s.closeOne(ctx, id, func(m *trading.Machine, now core.Time) (trading.Result, error) {
		if _, ok := who.position(m, with); !ok {
			return trading.Result{}, noPosition(with)
		}
		return m.CloseBy(now, id, with)
	})
}

// closeOne answers with the order that closed a position.
func (s *Server) closeOne(ctx *fasthttp.RequestCtx, id trading.PositionID,
	step func(m *trading.Machine, now core.Time) (trading.Result, error),
) error {
	d := &deal{}
	d.apply = func(dst []byte, m *trading.Machine, now core.Time) ([]byte, int, error) {
		r, err := s.closing(d, m, now, id, step)
		if err != nil {
			return nil, 0, err
		}
		return append(s.appendOrder(dst, r.Seq, &r.Order), '\n'), http.StatusCreated, nil
	}
	return s.trade(ctx, d)
}

func (s *Server) closing(d *deal, m *trading.Machine, now core.Time, id trading.PositionID,
	step func(m *trading.Machine, now core.Time) (trading.Result, error),
) (trading.Result, error) {
	if _, ok := d.position(m, id); !ok {
		return trading.Result{}, noPosition(id)
	}
	r, err := step(m, now)
	if err == nil {
		err = s.refused(&r)
	}
	return r, err
}

// postClose closes the positions that a filter selects or, in the form of old clients, one that
// positionId names.
func (s *Server) postClose(ctx *fasthttp.RequestCtx) error {
	o := requestObject(ctx)
	if _, given := o.value("positionId"); given {
		return s.closeOld(ctx, &o)
	}
	o.allow(slices.Concat(closeManyFields, closeOneFields))
	return s.closeMany(ctx, &o, false, s.appendResults)
}

// closeOld is the old form that closes one position.
func (s *Server) closeOld(ctx *fasthttp.RequestCtx, o *object) error {
	o.allow(closeOneFields)
	id := trading.PositionID(o.integer("positionId", 0, 1))
	volume := o.volume("volume")
	if o.err != nil {
		return unsuccessful(o.err)
	}
	d := &deal{old: true}
	d.apply = func(dst []byte, m *trading.Machine, now core.Time) ([]byte, int, error) {
		r, err := s.closing(d, m, now, id,
			func(m *trading.Machine, now core.Time) (trading.Result, error) {
				return m.ClosePosition(now, id, volume)
			})
		if err != nil {
			return nil, 0, err
		}
		return s.appendSuccess(dst, m, &r), http.StatusOK, nil
	}
	return s.trade(ctx, d)
}

// postCloseBulk is the form of old clients for many.
func (s *Server) postCloseBulk(ctx *fasthttp.RequestCtx) error {
	o := readBody(ctx, closeManyFields)
	return s.closeMany(ctx, &o, true, func(dst []byte, results []trading.Result) []byte {
		closed := 0
		for i := range results {
			if results[i].Refusal == nil {
				closed++
			}
		}
		dst = appendInt(dst, `{"success":true,"closed":`, int64(closed))
		dst = s.appendResults(append(dst, `,"orders":`...), results)
		dst[len(dst)-1] = '}'
		return append(dst, '\n')
	})
}

func (s *Server) closeMany(ctx *fasthttp.RequestCtx, o *object, old bool,
	answer func(dst []byte, results []trading.Result) []byte,
) error {
	b := o.closeMany(s.symbols)
	if o.err != nil {
		if old {
			return unsuccessful(o.err)
		}
		return o.err
	}
	return s.trade(ctx, &deal{
		account: b.Account, old: old,
		apply: func(dst []byte, m *trading.Machine, now core.Time) ([]byte, int, error) {
			results, err := m.ClosePositions(now, b)
			if err != nil {
				return nil, 0, err
			}
			return answer(dst, results), http.StatusOK, nil
		},
	})
}

// appendSuccess is what an old client is told of an order: the position it left, or null.
func (s *Server) appendSuccess(dst []byte, m *trading.Machine, r *trading.Result) []byte {
	dst = append(dst, `{"success":true,"position":`...)
	if p, ok := m.Position(r.Order.Position); ok {
		dst = trading.AppendPosition(dst, s.symbols, &p)
	} else {
		dst = append(dst, `null`...)
	}
	dst = s.appendOrder(append(dst, `,"order":`...), r.Seq, &r.Order)
	return append(dst, '}', '\n')
}
