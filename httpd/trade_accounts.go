package httpd

import (
	"net/http"
	"strconv"

	"github.com/valyala/fasthttp"

	"tradingengine/core"
	"tradingengine/core/trading"
)

var (
	accountFields = []string{
		"currency", "leverage", "marginMode", "hedgedMargin", "stopOutPolicy",
		"negativeBalanceProtection", "deposit", "tradingState",
	}
	accountPatchFields = []string{
		"leverage", "hedgedMargin", "stopOutPolicy", "negativeBalanceProtection", "tradingState",
	}
	fixedFields        = []string{"currency", "marginMode"}
	transferFields     = []string{"type", "amount", "reference"}
	tradingStateFields = []string{"tradingState"}
	summaryParameters  = []string{"accountId"}
	accountsParameters = []string{"limit", "cursor"}
	referenceMax       = 100
)

// getSummary answers with an account at the live prices.
func (s *Server) getSummary(ctx *fasthttp.RequestCtx) error {
	q := newQuery(ctx, summaryParameters)
	id := q.account(callerOf(ctx).home())
	if q.err != nil {
		return q.err
	}
	return s.look(ctx, id, nil, func(m *trading.Machine, _ core.Time) ([]byte, error) {
		a, err := m.Summary(id)
		if err != nil {
			return nil, err
		}
		dst := appendInt(appendSummary(nil, &a), `,"asOfSeq":`, int64(m.Head()))
		return append(dst, '}', '\n'), nil
	})
}

// getAccounts answers with the caller's accounts. Their cursor is the id.
func (s *Server) getAccounts(ctx *fasthttp.RequestCtx) error {
	q := newQuery(ctx, accountsParameters)
	limit, cursor := q.limit(listLimit, listLimitMax), q.cursor()
	if q.err != nil {
		return q.err
	}
	who := callerOf(ctx)
	return s.look(ctx, 0, nil, func(m *trading.Machine, _ core.Time) ([]byte, error) {
		dst := append([]byte(nil), listOpen...)
		for id := cursor + 1; id <= uint64(m.Accounts()) && limit > 0; id++ {
			if !who.mayUse(trading.AccountID(id)) {
				continue
			}
			a, err := m.Summary(trading.AccountID(id))
			if err != nil {
				return nil, err
			}
			dst = append(appendAccount(dst, &a), ",\n"...)
			limit--
		}
		return closeList(dst, 0), nil
	})
}

// getAccount answers with one account.
func (s *Server) getAccount(ctx *fasthttp.RequestCtx) error {
	id, err := accountOf(ctx)
	if err != nil {
		return err
	}
	return s.look(ctx, id, nil, func(m *trading.Machine, _ core.Time) ([]byte, error) {
		return accountAnswer(nil, m, id)
	})
}

func accountOf(ctx *fasthttp.RequestCtx) (trading.AccountID, error) {
	id, err := pathID(ctx, 2, unknownAccount)
	return trading.AccountID(id), err
}

func accountAnswer(dst []byte, m *trading.Machine, id trading.AccountID) ([]byte, error) {
	a, err := m.Summary(id)
	if err != nil {
		return nil, err
	}
	return append(appendAccount(dst, &a), '\n'), nil
}

// postAccount opens an account.
func (s *Server) postAccount(ctx *fasthttp.RequestCtx) error {
	o := readBody(ctx, accountFields)
	o.need("currency")
	settings := trading.Settings{
		Currency:      word(&o, "currency", currencyWords),
		MarginMode:    word(&o, "marginMode", marginModeWords),
		HedgedMargin:  word(&o, "hedgedMargin", hedgedMarginWords),
		StopOutPolicy: word(&o, "stopOutPolicy", stopOutPolicyWords),
		TradingState:  word(&o, "tradingState", tradingStateWords),
		Leverage:      o.leverage(100),
		KeepNegative:  !o.flag("negativeBalanceProtection", true),
	}
	deposit := o.money("deposit", settings.Currency)
	if deposit < 0 {
		o.refuse(trading.CodeAmount, `"deposit" must not be negative`)
	}
	if o.err != nil {
		return o.err
	}
	return s.trade(ctx, &deal{
		apply: func(dst []byte, m *trading.Machine, now core.Time) ([]byte, int, error) {
			id, err := m.OpenAccount(now, settings, deposit)
			if err == nil {
				dst, err = accountAnswer(dst, m, id)
			}
			return dst, http.StatusCreated, err
		},
	})
}

// leverage reads a leverage, which the machine bounds above.
func (o *object) leverage(value int64) int64 { return o.integer("leverage", value, 1) }

// patchAccount changes settings of an account.
func (s *Server) patchAccount(ctx *fasthttp.RequestCtx) error {
	id, err := accountOf(ctx)
	if err != nil {
		return err
	}
	o := requestObject(ctx)
	for _, name := range fixedFields {
		if o.find(name) != nil {
			o.fail(badField, "%s is fixed when an account is opened", o.quote(name))
		}
	}
	o.allow(accountPatchFields)
	o.someChange(accountPatchFields)
	o.need(o.names()...) // Nothing here can be removed.
	change := o.accountPatch()
	if o.err != nil {
		return o.err
	}
	return s.trade(ctx, &deal{
		account: id,
		apply: func(dst []byte, m *trading.Machine, now core.Time) ([]byte, int, error) {
			err := m.PatchAccount(now, id, change)
			if err == nil {
				dst, err = accountAnswer(dst, m, id)
			}
			return dst, http.StatusOK, err
		},
	})
}

func (o *object) accountPatch() (p trading.AccountPatch) {
	for _, name := range o.names() {
		switch name {
		case "leverage":
			p.Leverage = trading.To(o.leverage(0))
		case "hedgedMargin":
			p.HedgedMargin = trading.To(word(o, name, hedgedMarginWords))
		case "stopOutPolicy":
			p.StopOutPolicy = trading.To(word(o, name, stopOutPolicyWords))
		case "negativeBalanceProtection":
			p.KeepNegative = trading.To(!o.flag(name, true))
		case "tradingState":
			p.TradingState = trading.To(word(o, name, tradingStateWords))
		}
	}
	return p
}

// postTransfer moves money in or out, or gives credit. What an amount is depends on the account's
// currency, so it is read where the account is known.
func (s *Server) postTransfer(ctx *fasthttp.RequestCtx) error {
	id, err := accountOf(ctx)
	if err != nil {
		return err
	}
	o := readBody(ctx, transferFields)
	o.need("type", "amount")
	kind := word(&o, "type", transferWords)
	reference := o.text("reference")
	if len(reference) > referenceMax {
		o.fail(badField, `"reference" must be at most %d bytes`, referenceMax)
	}
	o.number("amount") // For its form.
	if o.err != nil {
		return o.err
	}
	return s.trade(ctx, &deal{
		account: id,
		apply: func(dst []byte, m *trading.Machine, now core.Time) ([]byte, int, error) {
			a, err := m.Summary(id)
			if err != nil {
				return nil, 0, err
			}
			amount := o.money("amount", a.Currency)
			if o.err != nil {
				return nil, 0, o.err
			}
			if err := m.Transfer(now, id, kind, amount, reference); err != nil {
				return nil, 0, err
			}
			if a, err = m.Summary(id); err != nil {
				return nil, 0, err
			}
			return appendTransfer(dst, kind, amount, reference, &a), http.StatusCreated, nil
		},
	})
}

// getTradingState answers with the state of the whole server.
func (s *Server) getTradingState(ctx *fasthttp.RequestCtx) error {
	return s.look(ctx, 0, nil, func(m *trading.Machine, _ core.Time) ([]byte, error) {
		return appendTradingState(nil, m.TradingState()), nil
	})
}

// patchTradingState sets the state of the whole server.
func (s *Server) patchTradingState(ctx *fasthttp.RequestCtx) error {
	o := readBody(ctx, tradingStateFields)
	o.need("tradingState")
	state := word(&o, "tradingState", tradingStateWords)
	if o.err != nil {
		return o.err
	}
	return s.trade(ctx, &deal{
		apply: func(dst []byte, m *trading.Machine, now core.Time) ([]byte, int, error) {
			m.SetTradingState(now, state)
			return appendTradingState(dst, m.TradingState()), http.StatusOK, nil
		},
	})
}

func appendTradingState(dst []byte, v trading.TradingState) []byte {
	dst = append(append(dst, `{"tradingState":"`...), v.String()...)
	return append(dst, '"', '}', '\n')
}

// appendSummary appends an account at the live prices, but for the closing brace.
func appendSummary(dst []byte, a *trading.Summary) []byte {
	money := func(name string, m trading.Money) {
		dst = trading.AppendMoney(append(dst, name...), m, a.Currency)
	}
	dst = appendInt(dst, `{"accountId":`, int64(a.ID))
	dst = appendAccountNumber(append(dst, `,"accountNumber":"`...), a.ID)
	dst = append(append(dst, `","currency":"`...), a.Currency.String()...)
	money(`","balance":`, a.Balance)
	money(`,"equity":`, a.Equity)
	money(`,"margin":`, a.Margin)
	money(`,"freeMargin":`, a.FreeMargin)
	if a.HasLevel {
		dst = core.AppendPrice(append(dst, `,"marginLevel":`...), core.Price(a.MarginLevel), 2)
	} else {
		dst = append(dst, `,"marginLevel":null`...)
	}
	money(`,"unrealizedPnL":`, a.PnL)
	dst = appendInt(dst, `,"leverage":`, a.Leverage)
	dst = append(append(dst, `,"marginMode":"`...), a.MarginMode.String()...)
	dst = appendInt(dst, `","openPositions":`, int64(a.Positions))
	money(`,"credit":`, a.Credit)
	return appendInt(dst, `,"unpriced":`, int64(a.Unpriced))
}

// appendAccountNumber prints an id with at least six digits, as statements show it.
func appendAccountNumber(dst []byte, id trading.AccountID) []byte {
	for wide := trading.AccountID(100_000); id < wide && wide > 1; wide /= 10 {
		dst = append(dst, '0')
	}
	return strconv.AppendInt(dst, int64(id), 10)
}

// appendAccount appends an account with its settings.
func appendAccount(dst []byte, a *trading.Summary) []byte {
	dst = appendSummary(dst, a)
	dst = appendInt(dst, `,"openOrders":`, int64(a.Orders))
	dst = append(append(dst, `,"hedgedMargin":"`...), a.HedgedMargin.String()...)
	dst = append(append(dst, `","stopOutPolicy":"`...), a.StopOutPolicy.String()...)
	dst = append(append(dst, `","tradingState":"`...), a.TradingState.String()...)
	dst = strconv.AppendBool(append(dst, `","negativeBalanceProtection":`...), !a.KeepNegative)
	dst = strconv.AppendBool(append(dst, `,"marginCall":`...), a.MarginCall)
	dst = appendInt(dst, `,"lastSeq":`, int64(a.LastSeq))
	return append(dst, '}')
}

// appendTransfer appends what a transfer did to an account.
func appendTransfer(dst []byte, kind trading.TransferType, amount trading.Money, reference string,
	a *trading.Summary,
) []byte {
	dst = appendInt(dst, `{"seq":`, int64(a.LastSeq))
	dst = appendInt(dst, `,"accountId":`, int64(a.ID))
	dst = append(append(dst, `,"type":"`...), kind.String()...)
	dst = trading.AppendMoney(append(dst, `","amount":`...), amount, a.Currency)
	dst = append(append(dst, `,"currency":"`...), a.Currency.String()...)
	dst = appendString(append(dst, `","reference":`...), reference)
	dst = trading.AppendMoney(append(dst, `,"balance":`...), a.Balance, a.Currency)
	dst = trading.AppendMoney(append(dst, `,"credit":`...), a.Credit, a.Currency)
	return append(dst, '}', '\n')
}
