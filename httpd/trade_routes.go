package httpd

// tradeRoutes are the routes of trading. What is not told apart by its path but by its fields, such
// as the old forms, shares a line.
func (s *Server) tradeRoutes() []*route {
	const (
		account  = "/api/accounts/{accountId}"
		order    = "/api/orders/{orderId}"
		position = "/api/positions/{positionId}"
	)
	line := func(method, path string, access access, handle handler) *route {
		return &route{method: method, path: path, handle: handle, access: access}
	}
	easing := func(method, path string, handle handler) *route {
		return &route{method: method, path: path, handle: handle, access: forTraders, eases: true}
	}
	return []*route{
		line(get, "/api/account/summary", forTraders, s.getSummary),
		line(get, "/api/accounts", forTraders, s.getAccounts),
		line(post, "/api/accounts", forAdmins, s.postAccount),
		line(get, account, forTraders, s.getAccount),
		line(patch, account, forAdmins, s.patchAccount),
		line(post, account+"/transfers", forAdmins, s.postTransfer),

		line(get, "/api/orders", forTraders, s.getOrders),
		line(post, "/api/orders", forTraders, s.postOrder),
		line(post, "/api/orders/batch", forTraders, s.postBatch),
		line(post, "/api/orders/market", forTraders, s.postMarketOrder),
		line(post, "/api/orders/preview", forTraders, s.postPreview),
		line(get, order, forTraders, s.getOrder),
		line(patch, order, forTraders, s.patchOrder),
		easing(remove, order, s.deleteOrder),
		line(get, order+"/explain", forTraders, s.getExplanation),

		line(get, "/api/positions", forTraders, s.getPositions),
		easing(post, "/api/positions/close", s.postClose),
		easing(post, "/api/positions/close-bulk", s.postCloseBulk),
		line(post, "/api/positions/modify", forTraders, s.postModify),
		line(get, position, forTraders, s.getPosition),
		line(patch, position, forTraders, s.patchPosition),
		easing(post, position+"/close", s.postClosePosition),
		easing(post, position+"/close-by", s.postCloseBy),

		line(get, "/api/trades", forTraders, s.getTrades),
		line(get, "/api/ledger", forTraders, s.getLedger),
		line(get, "/api/statements/{day}", forTraders, s.getStatement),
		line(get, "/api/events", forTraders, s.getEvents),

		line(get, "/api/trading-state", forReaders, s.getTradingState),
		line(patch, "/api/trading-state", forAdmins, s.patchTradingState),
		line(get, "/api/journal/head", forAdmins, s.getJournalHead),
		line(post, "/api/verify", forAdmins, s.postVerify),
	}
}
