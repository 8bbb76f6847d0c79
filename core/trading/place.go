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
		return result, nil
	}
	m.trial.start(a)
	if refusal := m.check(&m.trial, &r); refusal != nil {
		result := m.refuse(a, &Order{OrderRequest: r, Cause: ByClient}, refusal)
		m.end(Quote{})
		return result, nil
	}
	o := m.accept(a, &r, 0)
	m.run(o)
	m.touch(a)
	m.end(Quote{})
	return m.result(o), nil
}

// PlaceOCO places two pending orders of one account; the end of one ends the other. Both or none.
func (m *Machine) PlaceOCO(now core.Time, first, second OrderRequest) ([]Result, error) {
	return m.placeList(now, []OrderRequest{first, second}, true)
}

// PlaceBatch places orders of one account, all or none. When one is refused, all are recorded as
// rejected: that one for its reason, the others with LIST_REFUSED.
func (m *Machine) PlaceBatch(now core.Time, list []OrderRequest) ([]Result, error) {
	return m.placeList(now, list, false)
}

func (m *Machine) placeList(now core.Time, list []OrderRequest, oco bool) ([]Result, error) {
	if len(list) == 0 {
		return nil, nil
	}
	a := m.account(list[0].Account)
	if a == nil {
		return nil, ErrUnknownAccount
	}
	m.begin(now)
	list = append([]OrderRequest(nil), list...)
	for i := range list {
		normalize(&list[i])
	}
	if results, repeated := m.repeatList(a, list); repeated {
		return results, nil
	}
	if at, refusal := m.checkList(a, list, oco); refusal != nil {
		results := m.refuseList(a, list, at, refusal)
		m.end(Quote{})
		return results, nil
	}
	orders := make([]*order, len(list))
	for i := range list {
		var linked OrderID
		if oco {
			linked = m.lastOrder + 2 - 2*OrderID(i) // The second names the first.
		}
		orders[i] = m.accept(a, &list[i], linked)
	}
	results := make([]Result, len(list))
	for _, o := range orders {
		if o.Status.Open() { // Not ended as the other of a pair.
			m.run(o)
		}
	}
	for i, o := range orders {
		results[i] = m.result(o)
	}
	m.touch(a)
	m.end(Quote{})
	return results, nil
}

// checkList checks a list as if each order were placed after those before it.
func (m *Machine) checkList(a *account, list []OrderRequest, oco bool) (int, *Refusal) {
	m.trial.start(a)
	for i := range list {
		r := &list[i]
		refusal := m.listFault(a, list, i, oco)
		if refusal == nil {
			refusal = m.check(&m.trial, r)
		}
		if refusal != nil {
			return i, refusal
		}
	}
	return 0, nil
}

// listFault is what is wrong with an order because of its list.
func (m *Machine) listFault(a *account, list []OrderRequest, i int, oco bool) *Refusal {
	r := &list[i]
	if r.Account != a.ID {
		return &Refusal{Code: CodeListRefused, Detail: "a list is of one account"}
	}
	if oco && r.Type == Market {
		return &Refusal{Code: CodeOCO, Detail: "an OCO pair is two pending orders"}
	}
	if r.ClientID == "" {
		return nil
	}
	_, used := a.clients[r.ClientID]
	for j := range i {
		used = used || list[j].ClientID == r.ClientID
	}
	if used {
		return duplicate(r.ClientID)
	}
	return nil
}

// refuseList records all orders of a list as rejected.
func (m *Machine) refuseList(a *account, list []OrderRequest, at int, refusal *Refusal) []Result {
	results := make([]Result, len(list))
	for i := range list {
		why := refusal
		if i != at {
			why = &Refusal{
				Code: CodeListRefused, Detail: "another order of the list was refused: " + refusal.Error(),
			}
		}
		r := list[i]
		r.Account = a.ID
		results[i] = m.refuse(a, &Order{OrderRequest: r, Cause: ByClient}, why)
	}
	return results
}

// normalize fills in what a request left open, so that equal requests are equal.
func normalize(r *OrderRequest) {
	if r.TimeInForce == 0 {
		r.TimeInForce = GTC
		if r.Type == Market {
			r.TimeInForce = FOK
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
	if first.fingerprint != fingerprint(r) {
		return m.refuse(a, &Order{OrderRequest: *r, Cause: ByClient}, duplicate(r.ClientID)), true
	}
	result := Result{Repeated: true}
	result.Order.ID, result.Order.ClientID, result.Order.Account = first.order, r.ClientID, a.ID
	if o := m.orders[first.order]; o != nil {
		result.Order = o.Order
	}
	return result, true
}

// repeatList is repeat for a list: it is repeated when all its orders have a ClientID and are.
func (m *Machine) repeatList(a *account, list []OrderRequest) ([]Result, bool) {
	for i := range list {
		first, used := a.clients[list[i].ClientID]
		if !used || first.fingerprint != fingerprint(&list[i]) {
			return nil, false
		}
	}
	results := make([]Result, len(list))
	for i := range list {
		results[i], _ = m.repeat(a, &list[i])
	}
	return results, true
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
	o.Fingerprint = o.fingerprint()
	refusal.Currency = a.Currency
	m.emit(a.ID, OrderRejected, &OrderData{
		Order: *o, Cause: o.Cause, Quote: m.markets[o.Symbol].quote, Detail: refusal.Detail,
		Currency: a.Currency, Required: refusal.Required, Available: refusal.Available,
	})
	return Result{Order: *o, Seq: m.seq, Refusal: refusal}
}

// accept records a checked order as placed.
func (m *Machine) accept(a *account, r *OrderRequest, linked OrderID) *order {
	o := Order{
		OrderRequest: *r, ID: m.lastOrder + 1, Status: Pending, Cause: ByClient, Linked: linked,
		PlacedAt: m.now,
	}
	o.Fingerprint = o.fingerprint()
	if o.TimeInForce == DAY {
		o.ExpireAt = m.dayEnd
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

// result is what became of an order in this command.
func (m *Machine) result(o *order) Result {
	return Result{Order: o.Order, Seq: *m.lastSeq(o.Account), Refusal: o.refusal}
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
