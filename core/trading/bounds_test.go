package trading

import (
	"fmt"
	"strings"
	"testing"

	"tradingengine/core"
)

// TestBounds: each bound of an account and of amounts, and what is said when it is reached. It was
// seen to find a reversal that counted as one position more.
func TestBounds(t *testing.T) {
	d := newDesk(t, func(s *core.Symbol) {
		if s.Name == "BTCUSD" {
			s.LotMax = 1_000_000_000_000_000
		}
	})
	d.options.OrdersMax, d.options.PositionsMax, d.options.AccountsMax = 2, 2, 2
	a := d.account("USD", "10000")
	netting := d.account("USD", "10000", func(s *Settings) { s.MarginMode = Netting })
	_, err := d.OpenAccount(d.clock, Settings{Currency: usd}, 0)
	if refusalCode(err) != "SETTINGS" {
		t.Errorf("a third account: %v", err)
	}
	d.quote("EURUSD", "1.10000", "1.10010")
	d.quote("BTCUSD", "50000.00", "50000.00")
	d.quote("ETHUSD", "3000.00", "3000.00")
	for range 2 {
		d.place(a, "BUY 0.01 EURUSD LIMIT price=1.00000")
		d.place(a, "BUY 0.01 EURUSD")
	}
	d.refused(a, "BUY 0.01 EURUSD LIMIT price=1.00000", "TOO_MANY_ORDERS")
	d.refused(a, "BUY 0.01 EURUSD", "TOO_MANY_POSITIONS")
	d.place(a, "SELL 0.01 EURUSD reduce")
	d.place(a, "BUY 0.01 EURUSD")
	d.refused(a, "BUY 900000000 BTCUSD", "TOO_LARGE")
	d.place(netting, "BUY 0.01 EURUSD")
	d.place(netting, "BUY 0.01 BTCUSD")
	d.place(netting, "SELL 0.02 EURUSD") // Reversed, there are still two.
	d.place(netting, "SELL 0.01 EURUSD")
	d.place(netting, "BUY 0.03 EURUSD")
	d.refused(netting, "BUY 0.01 ETHUSD", "TOO_MANY_POSITIONS")
	d.place(netting, "SELL 0.01 EURUSD")
	d.place(netting, "BUY 0.01 ETHUSD")
	f := func(amount Money, want string) {
		t.Helper()
		if got := refusalCode(d.Transfer(d.clock, a, Deposit, amount, "")); got != want {
			t.Errorf("a deposit of %d: %s; want %s", amount, got, want)
		}
	}
	f(0, "AMOUNT")
	f(-1, "AMOUNT")
	f(MoneyMax+1, "TOO_LARGE")
	f(MoneyMax, "TOO_LARGE")
	f(MoneyMax-1_000_000, "accepted")
	if got := refusalCode(d.Transfer(d.clock, a, Credit, 1, strings.Repeat("x", 101))); got != "SETTINGS" {
		t.Errorf("a long reference: %s", got)
	}
	d.step()
	d.checkReplay()
}

// TestPreview: what a preview says is what the order then does, and nothing is written.
func TestPreview(t *testing.T) {
	d := newDesk(t, func(s *core.Symbol) { s.Commission = 7_000_000 })
	a := d.account("USD", "2000")
	d.quote("EURUSD", "1.10000", "1.10010")
	d.place(a, "BUY 0.50 EURUSD")
	before, hash := d.Head(), d.Hash()
	text := "BUY 0.50 EURUSD sl=1.09010 tp=1.11010"
	p, err := d.Preview(d.clock+core.Second, d.request(a, text))
	if err != nil || p.Refusal != nil {
		t.Fatal(err, p.Refusal)
	}
	if d.Head() != before || d.Hash() != hash || d.Now() >= d.clock+core.Second {
		t.Error("a preview wrote something")
	}
	got := fmt.Sprint(p.MarginBefore, p.MarginAfter, p.Required, p.Available, p.Commission,
		p.SpreadCost, p.AtStopLoss, p.AtTakeProfit, p.Price)
	if want := "55003 110005 55852 144147 350 500 -50000 50000 110010"; got != want {
		t.Errorf("preview %s; want %s", got, want)
	}
	d.place(a, text)
	s, _ := d.Summary(a)
	if s.Margin != p.MarginAfter || s.FreeMargin != p.Available-p.Required {
		t.Errorf("margin %d, free %d; previewed %d, %d", s.Margin, s.FreeMargin, p.MarginAfter,
			p.Available-p.Required)
	}
	// The price it says is where the stop-out is, and a point above is not.
	again, _ := d.Preview(d.clock, d.request(a, "SELL 0.01 EURUSD reduce"))
	if again.StopOutPrice == 0 || p.StopOutPrice == 0 {
		t.Fatalf("no stop-out prices: %d, %d", p.StopOutPrice, again.StopOutPrice)
	}
	if _, err := d.ModifyPosition(d.clock, 2, PositionPatch{StopLoss: To[core.Price](0)}); err != nil {
		t.Fatal(err)
	}
	for _, above := range []core.Price{1, 0} {
		d.clock++
		d.Quote(d.clock, Quote{d.id("EURUSD"), d.clock, p.StopOutPrice + above, p.StopOutPrice + above + 10})
		d.step()
		if stopped := d.count(StopOut) > 0; stopped != (above == 0) {
			t.Errorf("%d points above the stop-out price: stopped out %v", above, stopped)
		}
	}
	refused, _ := d.Preview(d.clock, d.request(a, "BUY 9.00 EURUSD"))
	if refused.Refusal == nil || refused.Refusal.Code != CodeInsufficientMargin {
		t.Errorf("9 lots: %v", refused.Refusal)
	}
}

// TestOldClientIDs: the ids of open orders and of the newest closed ones are known, older ones not,
// and the hash of the state says how many there ever were. It was seen to find an open order whose
// id was dropped, and a refused second use that drove out the first.
func TestOldClientIDs(t *testing.T) {
	d := newDesk(t)
	d.options.ClientsMax = 2
	a := d.account("USD", "10000")
	d.quote("EURUSD", "1.10000", "1.10010")
	known := func(want string) {
		t.Helper()
		var got []string
		for _, id := range []string{"open", "a", "b", "c", "d"} {
			if _, ok := d.OrderByClientID(a, id); ok {
				got = append(got, id)
			}
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("known are %s; want %s", text, want)
		}
	}
	d.place(a, "BUY 0.01 EURUSD LIMIT price=1.00000 id=open")
	d.place(a, "BUY 0.01 EURUSD id=a")
	d.refused(a, "BUY 0.02 EURUSD id=a", "DUPLICATE_CLIENT_ORDER_ID")
	d.refused(a, "BUY 0.03 EURUSD id=a", "DUPLICATE_CLIENT_ORDER_ID")
	d.refused(a, "BUY 0.001 EURUSD id=b", "VOLUME_MIN")
	known("open a b")
	d.place(a, "BUY 0.01 EURUSD id=c")
	known("open b c")
	d.place(a, "BUY 0.01 EURUSD id=d")
	known("open c d")
	if _, err := d.Cancel(d.clock, 1); err != nil {
		t.Fatal(err)
	}
	known("open d")
	if named := d.accounts[0].named; named != 5 {
		t.Errorf("%d ids were used; want 5", named)
	}
	d.checkReplay() // With another bound, and the same hash.
}
