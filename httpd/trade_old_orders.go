package httpd

import (
	"bytes"
	"context"
	"encoding/json"
	"strconv"

	"tradingengine/core/desk"
	"tradingengine/core/trading"
)

// orderKey is the key of a client's own id of an order.
func orderKey(account trading.AccountID, client string) desk.Key {
	return desk.Key{Scope: orderScope + strconv.FormatInt(int64(account), 10), Name: client}
}

// oldOrder finds an order that ended so long ago that the machine has forgotten the client's id of
// it: in the answer that was kept under that id. unknown is returned for one that never was.
func (s *Server) oldOrder(n *orderName, unknown error) (trading.OrderID, error) {
	if n.client == "" || !n.who.mayUse(n.account) {
		return 0, unknown
	}
	var kept desk.Kept
	err := s.stored(func(wait context.Context) (err error) {
		kept, _, err = s.opts.Desk.Kept(wait, orderKey(n.account, n.client))
		return err
	})
	if err != nil {
		return 0, err
	}
	if id := answeredID(kept.Answer.Body, n.client); id != 0 {
		return id, nil
	}
	return 0, unknown
}

// answeredOrder is an answer to a request with orders: an order, or a refusal of one or more.
type answeredOrder struct {
	ID            trading.OrderID
	ClientOrderID string
	Order         *answeredOrder
	Orders        []answeredOrder
}

// answeredID finds the id of an order in an answer by the client's id of it, or 0.
func answeredID(body []byte, client string) trading.OrderID {
	var a answeredOrder
	if bytes.HasPrefix(body, []byte("[")) {
		body = append(append([]byte(`{"orders":`), body...), '}')
	}
	if json.Unmarshal(body, &a) != nil {
		return 0
	}
	for _, o := range append(a.Orders, a) {
		if o.Order != nil {
			o = *o.Order
		}
		if o.ClientOrderID == client {
			return o.ID
		}
	}
	return 0
}
