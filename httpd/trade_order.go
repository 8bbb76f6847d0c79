package httpd

import (
	"strings"

	"tradingengine/core"
	"tradingengine/core/trading"
)

// The fields of the requests about orders and positions. The order of names is the one in which
// errors list them.
var (
	orderFields = []string{
		"accountId", "clientOrderId", "symbol", "side", "type", "volume", "price", "limitPrice",
		"priceBound", "timeInForce", "expireAt", "reduceOnly", "stopLoss", "takeProfit", "trailing",
	}
	trailingFields  = []string{"distance", "unit", "activation"}
	orderListFields = []string{"accountId", "orders"}
	ocoFields       = []string{"type", "accountId", "orders"}
	amendmentFields = []string{
		"price", "limitPrice", "stopLoss", "takeProfit", "trailing", "expireAt",
	}
	marketOrderFields   = []string{"accountId", "symbol", "side", "volume", "sl", "tp"}
	positionPatchFields = []string{"stopLoss", "takeProfit", "trailing", "sl", "tp"}
	modifyFields        = []string{"positionId", "sl", "tp"}
	closeFields         = []string{"volume"}
	closeOneFields      = []string{"positionId", "volume"}
	closeByFields       = []string{"with"}
	closeManyFields     = []string{"type", "symbol", "accountId"}
)

// clientIDMax is the longest clientOrderId.
const clientIDMax = 64

// account reads which account is meant: the sender's own when none is named.
func (o *object) account() trading.AccountID {
	return trading.AccountID(o.integer("accountId", int64(max(o.home, 1)), 1))
}

// symbol reads a symbol by name or alias. The symbol returned in case of a fault has every digit,
// so that the rest can be read for its form.
func (o *object) symbol(symbols *core.Registry) (core.SymbolID, *core.Symbol) {
	name := o.text("symbol")
	id, err := symbols.Find(name)
	if err != nil {
		if o.err == nil {
			o.refuse(trading.CodeUnknownSymbol, "%s", withoutPrefix(err, core.ErrUnknownSymbol))
		}
		return 0, &core.Symbol{Digits: core.DigitsMax}
	}
	return id, symbols.Symbol(id)
}

// clientID reads the client's own id of an order. It is short and plain, so that it can stand in a
// path.
func (o *object) clientID() string {
	id := o.text("clientOrderId")
	if _, given := o.value("clientOrderId"); !given {
		return ""
	}
	if !validClientID(id) {
		o.fail(badField, "%s must be 1 to %d characters of A-Z a-z 0-9 . _ : + = -",
			o.quote("clientOrderId"), clientIDMax)
	}
	return id
}

func validClientID(id string) bool {
	for i := range len(id) {
		c := id[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= ':'
		if !letter && c != '.' && c != '_' && c != '+' && c != '=' && c != '-' {
			return false
		}
	}
	return id != "" && len(id) <= clientIDMax
}

// orderRequest reads an order. account is the one of the list that holds the order, or 0.
func (o *object) orderRequest(symbols *core.Registry, account trading.AccountID,
) (r trading.OrderRequest) {
	o.allow(orderFields)
	o.need("symbol", "side", "type", "volume")
	r.Account = o.account()
	if account != 0 {
		if _, given := o.value("accountId"); given && r.Account != account {
			o.fail(badField, "%s: all orders of a list belong to one account", o.quote("accountId"))
		}
		r.Account = account
	}
	r.ClientID = o.clientID()
	var s *core.Symbol
	r.Symbol, s = o.symbol(symbols)
	r.Side = word(o, "side", sideWords)
	r.Type = word(o, "type", orderTypeWords)
	r.TimeInForce = word(o, "timeInForce", timeInForceWords)
	r.Volume = o.volume("volume")
	r.Price = o.price("price", s)
	r.LimitPrice = o.price("limitPrice", s)
	r.PriceBound = o.price("priceBound", s)
	r.ExpireAt = o.time("expireAt")
	r.ReduceOnly = o.flag("reduceOnly", false)
	r.StopLoss = o.price("stopLoss", s)
	r.TakeProfit = o.price("takeProfit", s)
	r.Trailing = o.trailing(s)
	return r
}

// trailing reads how a stop follows the market.
func (o *object) trailing(s *core.Symbol) (t trading.Trailing) {
	if _, given := o.value("trailing"); !given {
		return t
	}
	c := o.child("trailing", trailingFields)
	c.need("distance")
	t.Distance = c.integer("distance", 0, 1)
	t.Unit = word(&c, "unit", unitWords)
	t.Activation = c.price("activation", s)
	if o.err == nil {
		o.err = c.err
	}
	return t
}

// orderList reads the orders of a list and the account they share.
func (o *object) orderList(symbols *core.Registry) []trading.OrderRequest {
	account := o.account()
	_, given := o.value("accountId")
	var list []trading.OrderRequest
	for i, each := range o.list("orders") {
		if i == 0 && !given {
			account = each.account()
		}
		list = append(list, each.orderRequest(symbols, account))
		if o.err == nil {
			o.err = each.err
		}
	}
	return list
}

// marketOrder reads the form of old clients, to whom a level of 0 is none.
func (o *object) marketOrder(symbols *core.Registry) (r trading.OrderRequest) {
	o.allow(marketOrderFields)
	o.need("symbol", "side", "volume")
	r = trading.OrderRequest{Account: o.account(), Type: trading.Market}
	var s *core.Symbol
	r.Symbol, s = o.symbol(symbols)
	r.Side = word(o, "side", sideWords)
	r.Volume = o.volume("volume")
	r.StopLoss = o.oldLevel("sl", s)
	r.TakeProfit = o.oldLevel("tp", s)
	return r
}

// oldLevel reads a price of which 0 means none.
func (o *object) oldLevel(name string, s *core.Symbol) core.Price {
	if text, given := o.number(name); given {
		if p, reject := core.ParsePrice(text, s.Digits); p == 0 && reject == core.RejectNone {
			return 0
		}
	}
	return o.price(name, s)
}

// change reads a level of a patch: left out it stays, null removes it.
func (o *object) change(name string, s *core.Symbol) (c trading.Change[core.Price]) {
	if o.find(name) == nil {
		return c
	}
	return trading.To(o.price(name, s))
}

func (o *object) trailingChange(s *core.Symbol) (c trading.Change[trading.Trailing]) {
	if o.find("trailing") == nil {
		return c
	}
	return trading.To(o.trailing(s))
}

// amendment reads the changes of an order; allow was called.
func (o *object) amendment(s *core.Symbol) (a trading.Amendment) {
	a.Price = o.change("price", s)
	a.LimitPrice = o.change("limitPrice", s)
	a.StopLoss = o.change("stopLoss", s)
	a.TakeProfit = o.change("takeProfit", s)
	a.Trailing = o.trailingChange(s)
	if o.find("expireAt") != nil {
		a.ExpireAt = trading.To(o.time("expireAt"))
	}
	return a
}

// positionPatch reads the changes of a position; allow was called. sl and tp are what old clients
// call the levels, and 0 removes them there.
func (o *object) positionPatch(s *core.Symbol) (p trading.PositionPatch) {
	p.StopLoss = o.change("stopLoss", s)
	p.TakeProfit = o.change("takeProfit", s)
	p.Trailing = o.trailingChange(s)
	for _, old := range []struct {
		name, now string
		change    *trading.Change[core.Price]
	}{{"sl", "stopLoss", &p.StopLoss}, {"tp", "takeProfit", &p.TakeProfit}} {
		if o.find(old.name) == nil {
			continue
		}
		if old.change.Given {
			o.fail(duplicateField, "%s and %s are the same field", o.quote(old.name), o.quote(old.now))
		}
		*old.change = trading.To(o.oldLevel(old.name, s))
	}
	return p
}

// closeMany reads which positions are to be closed; allow was called.
func (o *object) closeMany(symbols *core.Registry) trading.BulkClose {
	o.need("type")
	b := trading.BulkClose{Account: o.account(), Filter: word(o, "type", closeFilterWords)}
	if _, b.HasSymbol = o.value("symbol"); b.HasSymbol {
		b.Symbol, _ = o.symbol(symbols)
	}
	return b
}

// someChange refuses a patch that changes nothing: its sender meant something else.
func (o *object) someChange(names []string) {
	if len(o.members) == 0 {
		o.fail(missingField, "nothing is to be changed; there are %s", strings.Join(names, " "))
	}
}
