package trading

import "tradingengine/core"

// Place places an order. The error is ErrUnknownAccount; a refusal is in the result.
func (m *Machine) Place(now core.Time, r OrderRequest) (Result, error) {
	a := m.account(r.Account)
	if a == nil {
		return Result{}, ErrUnknownAccount
	}
	m.begin(now)
	normalize(&r)
	if result, repeated := m.repeat(a, &r); repeated {
		m.finish(a, &result)
		return result, nil
	}
	m.trial.start(a)
	if refusal := m.check(&m.trial, &r); refusal != nil {
		result := m.refuse(a, &Order{OrderRequest: r, Cause: ByClient}, refusal)
		m.finish(a, &result)
		return result, nil
	}
	o := m.accept(a, &r, 0)
	m.run(o)
	result := m.result(o)
	m.finish(a, &result)
	return result, nil
}

// normalize fills in what a request left open, so that equal requests are equal.
func normalize(r *OrderRequest) {
	if r.TimeInForce == 0 {
		switch {
		case r.Type == Market:
			r.TimeInForce = FOK
		case r.ExpireAt != 0:
			r.TimeInForce = GTD
		default:
			r.TimeInForce = GTC
		}
	}
	r.Trailing.normalize()
}

func (t *Trailing) normalize() {
	if t.Distance == 0 {
		*t = Trailing{}
	} else if t.Unit == 0 {
		t.Unit = Points
	}
	t.Active = false
}

// repeat answers a request whose ClientID was used before: the same request is repeated, another
// one is refused.
func (m *Machine) repeat(a *account, r *OrderRequest) (Result, bool) {
	if r.ClientID == "" {
		return Result{}, false
	}
	first, used := a.clients[r.ClientID]
	if !used {
		return Result{}, false
	}
	if first.fingerprint != m.fingerprint(r) {
		return m.refuse(a, &Order{OrderRequest: *r, Cause: ByClient}, duplicate(r.ClientID)), true
	}
	result := Result{Repeated: true}
	result.Order.ID, result.Order.ClientID, result.Order.Account = first.order, r.ClientID, a.ID
	if o := m.orders[first.order]; o != nil {
		result.Order = o.Order
	}
	return result, true
}

func duplicate(clientID string) *Refusal {
	return &Refusal{
		Code:   CodeDuplicateClientOrderID,
		Detail: "clientOrderId " + clientID + " was used for another order",
	}
}

// refuse records an order as rejected. It gets an id like any other.
func (m *Machine) refuse(a *account, o *Order, refusal *Refusal) Result {
	o.ID = m.lastOrder + 1
	o.Status, o.Code, o.PlacedAt = Rejected, refusal.Code, m.now
	o.Fingerprint = m.fingerprint(&o.OrderRequest)
	refusal.Currency = a.Currency
	m.emit(a.ID, OrderRejected, &OrderData{
		Order: *o, Cause: o.Cause, Quote: m.markets[o.Symbol].quote, Detail: refusal.Detail,
		Currency: a.Currency, Required: refusal.Required, Available: refusal.Available,
	})
	return Result{Order: *o, Refusal: refusal}
}

// accept records a checked order as placed.
func (m *Machine) accept(a *account, r *OrderRequest, linked OrderID) *order {
	o := Order{
		OrderRequest: *r, ID: m.lastOrder + 1, Status: Pending, Cause: ByClient, Linked: linked,
		PlacedAt: m.now,
	}
	o.Fingerprint = m.fingerprint(&o.OrderRequest)
	if o.TimeInForce == DAY {
		// Not m.dayEnd: after a restart that is the last 17:00 until time moves on.
		o.ExpireAt = core.D1.End(core.D1.Open(m.now))
	}
	q := &m.markets[r.Symbol].quote
	if o.Type == TrailingStop {
		o.Trailing, o.Price, _ = follow(o.Trailing, o.Side.Opposite(), o.Price, q)
	}
	m.emit(a.ID, OrderPlaced, &OrderData{Order: o, Cause: ByClient, Quote: *q})
	return m.orders[o.ID]
}

// run fills an order that can be filled at once, and cancels one that had to be.
func (m *Machine) run(o *order) {
	q := &o.exposure.market.quote
	switch {
	case o.Type == Market:
		m.fill(o, RuleMarket, *q)
	case o.Type == Limit && reached(o.Side, o.Price, q):
		m.fill(o, RuleLimit, *q)
	case o.TimeInForce == IOC || o.TimeInForce == FOK:
		m.endOrder(o, OrderCanceled, Canceled, ending{
			cause: ByClient, code: CodeNotFilled, detail: "the limit was not reached", quote: *q,
		})
	}
}

// reached reports whether a limit price is reached: a buy fills at the ask, a sell at the bid.
func reached(side Side, limit core.Price, q *Quote) bool {
	if side == Buy {
		return q.Ask <= limit
	}
	return q.Bid >= limit
}

// result is what became of an order so far in this command.
func (m *Machine) result(o *order) Result { return Result{Order: o.Order, Refusal: o.refusal} }

// finish ends a command of an account with one result.
func (m *Machine) finish(a *account, r *Result) {
	m.touch(a)
	m.end(Quote{})
	r.Seq = a.LastSeq
}

// ending is how an open order ends without a fill.
type ending struct {
	cause   Cause
	code    Code
	detail  string
	refusal *Refusal // For rejections: has code and detail.
	quote   Quote
}

// endOrder ends an open order, and with it the other one of its pair.
func (m *Machine) endOrder(o *order, t EventType, s Status, e ending) {
	d := &OrderData{Order: o.Order, Cause: e.cause, Quote: e.quote, Detail: e.detail}
	d.Order.Status, d.Order.Code = s, e.code
	if e.refusal != nil {
		d.Order.Code, d.Detail = e.refusal.Code, e.refusal.Detail
		d.Currency = o.exposure.account.Currency
		d.Required, d.Available = e.refusal.Required, e.refusal.Available
		e.refusal.Currency = d.Currency
		o.refusal = e.refusal
	}
	m.emit(o.Account, t, d)
	m.endLinked(o)
}

// endLinked ends the other order of a pair when one has ended.
func (m *Machine) endLinked(o *order) {
	other := m.orders[o.Linked]
	if o.Linked == 0 || other == nil {
		return
	}
	m.emit(o.Account, OrderCanceled, &OrderData{Order: other.ended(CodeOCOEnded), Cause: ByOCO})
}

// ended is a copy of an order that was cancelled.
func (o *order) ended(code Code) Order {
	d := o.Order
	d.Status, d.Code = Canceled, code
	return d
}
