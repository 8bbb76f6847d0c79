package trading

import (
	"cmp"
	"slices"

	"tradingengine/core"
)

// account is an account with what is open in it.
type account struct {
	Account
	exposures []*exposure // By symbol.
	orders    []*order    // Open ones, by id.
	positions []*position // By id.
	// clients has the ClientIDs of open orders and of the newest closed ones. named counts all that
	// were ever used, and digest is a running hash of them in order.
	clients map[string]clientOrder
	named   uint64
	digest  uint64
	lines   Money // The sum of all postings, counted on its own.

	pnl, used Money // Sums over priced exposures.
	unpriced  int   // Exposures with positions and without a price or rate.

	lastOther uint64 // Seq of the newest event that was no move of a trailing stop.
	touched   bool
	observed  bool // Observe was asked for,
	moved     bool // and it stands in Machine.moved.
}

// clientOrder is what a ClientID was used for.
type clientOrder struct {
	order       OrderID
	fingerprint uint64
}

// order is an open order with its places in the heaps of its symbol.
type order struct {
	Order
	exposure              *exposure
	at, trailAt, expiryAt int32
	moved                 uint64   // Seq of the newest move of its trailing stop.
	refusal               *Refusal // Why it was rejected when it fired.
}

// position is a position with its places in the heaps of its symbol: stop loss, take profit,
// trailing.
type position struct {
	Position
	exposure *exposure
	at       [3]int32
	pnl      Money // At the live prices, while its exposure is priced.
	moved    uint64
}

func (m *Machine) account(id AccountID) *account {
	if id < 1 || id > AccountID(len(m.accounts)) {
		return nil
	}
	return m.accounts[id-1]
}

func compareOrder(o *order, id OrderID) int          { return cmp.Compare(o.ID, id) }
func comparePosition(p *position, id PositionID) int { return cmp.Compare(p.ID, id) }

// closedClients are the newest closed orders that have a ClientID, oldest first from next on once
// there are as many as may be. Their ClientIDs are kept; whoever owns the machine finds older ones
// in the journal.
type closedClients struct {
	list []closedClient
	next int
}

type closedClient struct {
	account *account
	id      string
	order   OrderID
}

// retire notes that an order has ended, and forgets the ClientID of the one that ended longest ago.
func (m *Machine) retire(a *account, o *Order) {
	if o.ClientID == "" || a.clients[o.ClientID].order != o.ID {
		return // A refused second use; the first stands.
	}
	k, ended := &m.closed, closedClient{a, o.ClientID, o.ID}
	if len(k.list) < m.options.ClientsMax {
		k.list = append(k.list, ended)
		return
	}
	oldest := &k.list[k.next]
	if oldest.account.clients[oldest.id].order == oldest.order {
		delete(oldest.account.clients, oldest.id)
	}
	*oldest = ended
	k.next = (k.next + 1) % len(k.list)
}

// remember keeps a ClientID while its order is open, and for some time after. It is not that of an
// order refused for it: the one that has it may be forgotten here.
func (a *account) remember(o *Order) {
	if o.ClientID == "" || o.Code == CodeDuplicateClientOrderID {
		return
	}
	if _, used := a.clients[o.ClientID]; used {
		return // A refused second use; the first stands.
	}
	a.clients[o.ClientID] = clientOrder{o.ID, o.Fingerprint}
	a.named++
	a.digest = mix(mix(mixText(a.digest, o.ClientID), uint64(o.ID)), o.Fingerprint)
}

// equity is balance + credit + unrealised P/L.
func (a *account) equity() Money { return a.Balance + a.Credit + a.pnl }

// free is the free margin.
func (a *account) free() Money { return a.equity() - a.used }

// index puts an open order where quotes and time find it.
func (m *Machine) index(o *order) {
	k, id := o.exposure.market, int64(o.ID)
	if at := orderExpiry(o); at != 0 {
		m.expiries.Set(int64(at), id, &o.expiryAt)
	}
	if o.Trailing.Distance > 0 && o.Type == TrailingStop {
		t := trailKind(o.Side.Opposite(), trailSell, trailBuy)
		k.set(t, trailNext(&o.Trailing, o.Side.Opposite(), o.Price), id, &o.trailAt)
	}
	if kind, p := o.trigger(); p != 0 {
		k.set(kind, p, id, &o.at)
	}
}

// trigger is the heap an open order waits in and its price there; 0 for none.
func (o *order) trigger() (kind, core.Price) {
	buy := o.Side == Buy
	switch {
	case o.Type == Market:
		return 0, 0
	case o.Type == Limit && buy:
		return buyLimit, o.Price
	case o.Type == Limit:
		return sellLimit, o.Price
	case o.Status == Triggered && buy:
		return buyLimit, o.LimitPrice
	case o.Status == Triggered:
		return sellLimit, o.LimitPrice
	case buy:
		return buyStop, o.Price
	default:
		return sellStop, o.Price
	}
}

// unindex takes an order out of all heaps.
func (m *Machine) unindex(o *order) {
	k := o.exposure.market
	m.expiries.Remove(&o.expiryAt)
	k.levels[trailKind(o.Side.Opposite(), trailSell, trailBuy)].Remove(&o.trailAt)
	kind, _ := o.trigger()
	k.levels[kind].Remove(&o.at)
}

// countOrders counts pending orders of an exposure, and whether it needs prices.
func (m *Machine) countOrders(x *exposure, n int) {
	before := x.inUse()
	x.orders += n
	m.useChanged(x, before)
}

func (x *exposure) inUse() bool { return len(x.positions) > 0 || x.orders > 0 }

// useChanged counts the symbols an exposure begins or ceases to need.
func (m *Machine) useChanged(x *exposure, before bool) {
	if x.inUse() == before {
		return
	}
	n := 1
	if before {
		n = -1
	}
	m.use(x.market, n)
	for _, l := range x.route.legs() {
		m.use(l.market, n)
	}
}

// addPosition counts a new position in its exposure and waits for its levels.
func (m *Machine) addPosition(p *position) {
	x := p.exposure
	before := x.inUse()
	x.leave()
	x.positions = append(x.positions, p)
	*x.volume(p.Side) += p.Volume
	if len(x.positions) == 1 {
		m.enroll(x)
	}
	m.revaluePosition(p, len(x.positions) == 1)
	x.enter()
	m.useChanged(x, before)
	m.indexPosition(p)
}

// revaluePosition adds a position's P/L to its exposure, between leave and enter.
func (m *Machine) revaluePosition(p *position, first bool) {
	x := p.exposure
	var rates [2]Rate
	switch {
	case m.folding:
	case first:
		x.revalue()
	case x.priced && x.rates(&rates):
		x.valuePosition(p, &rates)
		x.pnl += p.pnl
	}
}

// replacePosition changes a position that stays open.
func (m *Machine) replacePosition(p *position, to Position) {
	x := p.exposure
	if to.Volume != p.Volume || to.Cost != p.Cost {
		x.leave()
		if x.priced {
			x.pnl -= p.pnl
		}
		*x.volume(p.Side) += to.Volume - p.Volume
		p.Position = to
		m.revaluePosition(p, false)
		x.enter()
	}
	p.Position = to
	m.indexPosition(p)
}

// removePosition takes a closed position out of its exposure and its levels.
func (m *Machine) removePosition(p *position) {
	x := p.exposure
	before := x.inUse()
	x.leave()
	if x.priced {
		x.pnl -= p.pnl
	}
	*x.volume(p.Side) -= p.Volume
	if i, found := slices.BinarySearchFunc(x.positions, p.ID, comparePosition); found {
		x.positions = slices.Delete(x.positions, i, i+1)
	}
	x.enter()
	if len(x.positions) == 0 {
		m.dismiss(x)
	}
	m.useChanged(x, before)
	for i := range p.at {
		x.market.levels[positionKinds[p.Side][i]].Remove(&p.at[i])
	}
}

// positionKinds are the heaps of a position's stop loss, take profit and trailing stop.
var positionKinds = [...][3]kind{
	Buy:  {stopLossLong, takeProfitLong, trailLong},
	Sell: {stopLossShort, takeProfitShort, trailShort},
}

// indexPosition puts a position's levels where quotes find them.
func (m *Machine) indexPosition(p *position) {
	prices := [3]core.Price{p.StopLoss, p.TakeProfit, 0}
	if p.Trailing.Distance > 0 {
		prices[2] = trailNext(&p.Trailing, p.Side, p.StopLoss)
	}
	k := p.exposure.market
	for i, kind := range positionKinds[p.Side] {
		if prices[i] == 0 {
			k.levels[kind].Remove(&p.at[i])
		} else {
			k.set(kind, prices[i], int64(p.ID), &p.at[i])
		}
	}
}

// enroll lists an exposure with the symbols whose quotes change its value; dismiss undoes it.
func (m *Machine) enroll(x *exposure) {
	insertExposure(&x.market.held, x)
	for _, l := range x.route.legs() {
		if l.market != x.market {
			insertExposure(&l.market.converted, x)
		}
	}
}

func (m *Machine) dismiss(x *exposure) {
	removeExposure(&x.market.held, x)
	for _, l := range x.route.legs() {
		removeExposure(&l.market.converted, x)
	}
}

func compareExposure(x, y *exposure) int {
	return cmp.Or(cmp.Compare(x.account.ID, y.account.ID), cmp.Compare(x.market.id, y.market.id))
}

func insertExposure(list *[]*exposure, x *exposure) {
	if i, found := slices.BinarySearchFunc(*list, x, compareExposure); !found {
		*list = slices.Insert(*list, i, x)
	}
}

func removeExposure(list *[]*exposure, x *exposure) {
	if i, found := slices.BinarySearchFunc(*list, x, compareExposure); found {
		*list = slices.Delete(*list, i, i+1)
	}
}
