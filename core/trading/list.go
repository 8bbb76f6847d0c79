package trading

import "tradingengine/core"

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
		m.finishList(a, results)
		return results, nil
	}
	if at, refusal := m.checkList(a, list, oco); refusal != nil {
		results := m.refuseList(a, list, at, refusal)
		m.finishList(a, results)
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
	m.finishList(a, results)
	return results, nil
}

// checkList checks a list as if each order were placed after those before it. At most one of a
// pair fills, so each of it is checked as if the other were never filled.
func (m *Machine) checkList(a *account, list []OrderRequest, oco bool) (int, *Refusal) {
	m.trial.start(a)
	for i := range list {
		r := &list[i]
		if oco {
			orders := m.trial.orders
			m.trial.start(a)
			m.trial.orders = orders
		}
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

// repeatList is repeat for a list: it is repeated when all its orders have a ClientID and are.
func (m *Machine) repeatList(a *account, list []OrderRequest) ([]Result, bool) {
	for i := range list {
		first, used := a.clients[list[i].ClientID]
		if !used || first.fingerprint != m.fingerprint(&list[i]) {
			return nil, false
		}
	}
	results := make([]Result, len(list))
	for i := range list {
		results[i], _ = m.repeat(a, &list[i])
	}
	return results, true
}

// RefuseUsed records orders of one account as rejected, because the ClientID of list[at] belongs to
// an older order, which the machine may have forgotten. The error is ErrUnknownAccount.
func (m *Machine) RefuseUsed(now core.Time, list []OrderRequest, at int) ([]Result, error) {
	a := m.account(list[at].Account)
	if a == nil {
		return nil, ErrUnknownAccount
	}
	m.begin(now)
	list = append([]OrderRequest(nil), list...)
	for i := range list {
		normalize(&list[i])
	}
	results := m.refuseList(a, list, at, duplicate(list[at].ClientID))
	m.finishList(a, results)
	return results, nil
}

// finishList ends a command of an account with several results.
func (m *Machine) finishList(a *account, results []Result) {
	m.touch(a)
	m.end(Quote{})
	for i := range results {
		results[i].Seq = a.LastSeq
	}
}
