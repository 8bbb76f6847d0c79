package httpd

import (
	"tradingengine/core"
	"tradingengine/core/trading"
)

// appendTrade appends a trade: the data of its event with seq, time and account.
func (s *Server) appendTrade(dst []byte, e *trading.Event) []byte {
	dst = appendInt(dst, `{"seq":`, int64(e.Seq))
	dst = appendInt(dst, `,"time":`, int64(e.Time))
	dst = appendInt(dst, `,"accountId":`, int64(e.Account))
	at := len(dst)
	dst = trading.AppendData(dst, s.symbols, e)
	dst[at] = ',' // Instead of its opening brace.
	return dst
}

// appendLine appends the client's side of a posting.
func appendLine(dst []byte, e *trading.Event) []byte {
	p, _ := e.Posting()
	dst = lineHead(dst, e)
	dst = appendInt(dst, `,"accountId":`, int64(e.Account))
	dst = append(append(dst, `,"counterAccount":"`...), p.Counter()...)
	return lineTail(append(dst, '"'), e, p.Amount, p.Balance)
}

// appendHouseLine appends the house's side of a posting, with the balance of the house's account
// after it.
func appendHouseLine(dst []byte, e *trading.Event, balance trading.Money) []byte {
	p, _ := e.Posting()
	dst = lineHead(dst, e)
	dst = append(append(dst, `,"accountId":"`...), p.Counter()...)
	dst = appendInt(dst, `","counterAccount":`, int64(e.Account))
	return lineTail(dst, e, -p.Amount, balance)
}

func lineHead(dst []byte, e *trading.Event) []byte {
	return appendInt(appendInt(dst, `{"seq":`, int64(e.Seq)), `,"time":`, int64(e.Time))
}

func lineTail(dst []byte, e *trading.Event, amount, balance trading.Money) []byte {
	p, _ := e.Posting()
	dst = append(append(dst, `,"type":"`...), p.Type.String()...)
	dst = trading.AppendMoney(append(dst, `","amount":`...), amount, p.Currency)
	dst = append(append(dst, `,"currency":"`...), p.Currency.String()...)
	dst = trading.AppendMoney(append(dst, `","balanceAfter":`...), balance, p.Currency)
	dst = appendString(append(dst, `,"reference":`...), e.Reference())
	return append(dst, '}')
}

// appendPreview appends what an order would do.
func (s *Server) appendPreview(dst []byte, r *trading.OrderRequest, p *trading.Preview) []byte {
	symbol := s.symbols.Symbol(r.Symbol)
	money := func(name string, m trading.Money) {
		dst = trading.AppendMoney(append(dst, name...), m, p.Currency)
	}
	price := func(name string, v core.Price, given bool) {
		if dst = append(dst, name...); given {
			dst = core.AppendPrice(dst, v, symbol.Digits)
		} else {
			dst = append(dst, "null"...)
		}
	}
	if p.Refusal == nil {
		dst = append(dst, `{"accepted":true`...)
	} else {
		dst = append(append(dst, `{"accepted":false,"code":"`...), p.Refusal.Code.String()...)
		dst = appendString(append(dst, `","detail":`...), p.Refusal.Detail)
	}
	dst = appendInt(dst, `,"accountId":`, int64(r.Account))
	dst = append(append(dst, `,"symbol":"`...), symbol.Name...)
	dst = append(append(dst, `","side":"`...), r.Side.String()...)
	dst = trading.AppendVolume(append(dst, `","volume":`...), r.Volume)
	priced := p.Quote.Time != 0
	price(`,"bid":`, p.Quote.Bid, priced)
	price(`,"ask":`, p.Quote.Ask, priced)
	price(`,"price":`, p.Price, p.Price != 0)
	dst = append(append(dst, `,"currency":"`...), p.Currency.String()...)
	money(`","marginBefore":`, p.MarginBefore)
	money(`,"marginAfter":`, p.MarginAfter)
	money(`,"required":`, p.Required)
	money(`,"available":`, p.Available)
	money(`,"commission":`, p.Commission)
	money(`,"spreadCost":`, p.SpreadCost)
	for _, level := range []struct {
		name  string
		pnl   trading.Money
		given bool
	}{
		{`,"pnlAtStopLoss":`, p.AtStopLoss, p.HasStopLossPnL},
		{`,"pnlAtTakeProfit":`, p.AtTakeProfit, p.HasTakeProfitPnL},
	} {
		if level.given {
			money(level.name, level.pnl)
		} else {
			dst = append(append(dst, level.name...), "null"...)
		}
	}
	price(`,"stopOutPrice":`, p.StopOutPrice, p.StopOutPrice != 0)
	return append(dst, '}', '\n')
}
