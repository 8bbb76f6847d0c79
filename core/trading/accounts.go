package trading

import (
	"fmt"

	"tradingengine/core"
)

// referenceMax is the longest reference of a transfer, in bytes.
const referenceMax = 100

// OpenAccount opens an account. A deposit above zero is its first TRANSFER. The error is a
// *Refusal, and there is no account then.
func (m *Machine) OpenAccount(now core.Time, s Settings, deposit Money) (AccountID, error) {
	m.begin(now)
	s.fill()
	refusal := s.check()
	switch {
	case refusal != nil:
	case deposit < 0 || deposit > MoneyMax:
		refusal = &Refusal{Code: CodeAmount, Detail: "the deposit is below 0 or too large"}
	case len(m.accounts) >= m.options.AccountsMax:
		refusal = &Refusal{
			Code: CodeSettings, Detail: fmt.Sprintf("there are %d accounts, as many as there may be",
				len(m.accounts)),
		}
	}
	if refusal != nil {
		m.end(Quote{})
		return 0, refusal
	}
	id := AccountID(len(m.accounts) + 1)
	m.emit(id, AccountOpened, &AccountData{Settings: s})
	if deposit > 0 {
		m.transfer(m.accounts[id-1], Deposit, deposit, "")
	}
	m.touch(m.accounts[id-1])
	m.end(Quote{})
	return id, nil
}

// fill sets what was left open.
func (s *Settings) fill() {
	orElse(&s.MarginMode, Hedging)
	orElse(&s.HedgedMargin, HedgedMax)
	orElse(&s.StopOutPolicy, LargestLoss)
	orElse(&s.TradingState, Active)
	orElse(&s.Leverage, 100)
}

func orElse[T comparable](v *T, otherwise T) {
	var zero T
	if *v == zero {
		*v = otherwise
	}
}

func (s *Settings) check() *Refusal {
	switch {
	case s.Currency == 0 || int(s.Currency) >= len(currencies):
		return &Refusal{Code: CodeSettings, Detail: "an account needs a currency"}
	case s.Leverage < 1 || s.Leverage > LeverageMax:
		return &Refusal{Code: CodeSettings, Detail: "leverage must be 1 to 10,000"}
	default:
		return nil
	}
}

// PatchAccount changes settings; all or, with an error, none. The error is ErrUnknownAccount or a
// *Refusal.
func (m *Machine) PatchAccount(now core.Time, id AccountID, p AccountPatch) error {
	a := m.account(id)
	if a == nil {
		return ErrUnknownAccount
	}
	next := a.Settings
	change(&next.HedgedMargin, p.HedgedMargin)
	change(&next.StopOutPolicy, p.StopOutPolicy)
	change(&next.Leverage, p.Leverage)
	change(&next.KeepNegative, p.KeepNegative)
	if refusal := next.check(); refusal != nil {
		return refusal
	}
	m.begin(now)
	if next != a.Settings {
		m.emit(id, AccountChanged, &AccountData{Settings: next})
	}
	if p.TradingState.Given && p.TradingState.To != a.TradingState {
		m.emit(id, TradingStateChanged, &StateData{p.TradingState.To, a.TradingState})
	}
	m.touch(a)
	m.end(Quote{})
	return nil
}

func change[T any](v *T, c Change[T]) {
	if c.Given {
		*v = c.To
	}
}

// SetTradingState sets the state of the whole server.
func (m *Machine) SetTradingState(now core.Time, s TradingState) {
	m.begin(now)
	if s != m.state {
		m.emit(0, TradingStateChanged, &StateData{s, m.state})
	}
	m.end(Quote{})
}

// Transfer moves money in or out, or gives credit. reference is at most 100 bytes of text. The
// error is ErrUnknownAccount or a *Refusal.
func (m *Machine) Transfer(now core.Time, id AccountID, t TransferType, amount Money,
	reference string,
) error {
	a := m.account(id)
	if a == nil {
		return ErrUnknownAccount
	}
	m.begin(now)
	refusal := m.checkTransfer(a, t, amount, reference)
	if refusal == nil {
		m.transfer(a, t, amount, reference)
	}
	m.touch(a)
	m.end(Quote{})
	if refusal != nil {
		refusal.Currency = a.Currency
		return refusal
	}
	return nil
}

func (m *Machine) checkTransfer(a *account, t TransferType, amount Money, reference string,
) *Refusal {
	have := a.Balance
	if t == Credit {
		have = a.Credit
	}
	switch {
	case amount <= 0:
		return &Refusal{Code: CodeAmount, Detail: "the amount must be above 0"}
	case amount > MoneyMax || t != Withdraw && have+amount > MoneyMax:
		return &Refusal{Code: CodeTooLarge, Detail: "the amount is too large to count exactly"}
	case len(reference) > referenceMax:
		return &Refusal{Code: CodeSettings, Detail: "a reference has at most 100 bytes"}
	case t != Withdraw:
		return nil
	case a.unpriced > 0:
		return &Refusal{
			Code: CodeConversionRate, Detail: "a position of the account has no price or rate yet",
		}
	}
	if most := min(a.Balance, a.free()); amount > most {
		return &Refusal{
			Code:     CodeInsufficientFunds,
			Detail:   "more than the balance or the free margin",
			Required: amount, Available: max(most, 0),
		}
	}
	return nil
}

// transfer moves money that was checked.
func (m *Machine) transfer(a *account, t TransferType, amount Money, reference string) {
	d := &TransferData{
		Transfer: t, Currency: a.Currency, Amount: amount, CreditAfter: a.Credit, Reference: reference,
	}
	switch t {
	case Deposit:
		d.Posting = a.posting(PostDeposit, amount)
	case Withdraw:
		d.Posting = a.posting(PostWithdraw, -amount)
	case Credit:
		d.CreditAfter += amount
	}
	m.emit(a.ID, Transferred, d)
}

// house returns the house's accounts of a currency; they are made when first used.
func (m *Machine) house(c Currency) *HouseBalance {
	for i := range m.houses {
		if m.houses[i].Currency == c {
			return &m.houses[i]
		}
	}
	m.houses = append(m.houses, HouseBalance{Currency: c})
	return &m.houses[len(m.houses)-1]
}

func (h *HouseBalance) counter(c Counter) *Money {
	switch c {
	case Fees:
		return &h.Fees
	case SwapPot:
		return &h.Swap
	case Funding:
		return &h.Funding
	default:
		return &h.House
	}
}

// sum is what all accounts of a currency add up to: zero.
func (h *HouseBalance) sum() Money { return h.House + h.Fees + h.Swap + h.Funding + h.Clients }
