package trading

import "testing"

// The numbers that traders know, each with where it comes from.

// TestMarginGolden: OANDA's example of a margin: 100,000 EURUSD at 1.10000, leverage 50.
func TestMarginGolden(t *testing.T) {
	d := newDesk(t)
	a := d.account("USD", "10000", func(s *Settings) { s.Leverage = 50 })
	d.quote("EURUSD", "1.10000", "1.10000")
	d.place(a, "BUY 1.00 EURUSD")
	d.wantSummary(a, "10000.00 10000.00 2200.00 7800.00 454.54")
	// It moves with the live price.
	d.quote("EURUSD", "1.11000", "1.11000")
	d.wantSummary(a, "10000.00 11000.00 2220.00 8780.00 495.49")
}

// TestSmartPartialGolden: cTrader's smart stop-out: 2,000 of 200,000 are sold.
func TestSmartPartialGolden(t *testing.T) {
	d := newDesk(t)
	a := d.account("USD", "500", func(s *Settings) {
		s.Leverage, s.StopOutPolicy = 500, SmartPartial
	})
	d.quote("USDJPY", "109.398", "109.398")
	d.place(a, "BUY 2.00 USDJPY")
	d.place(a, "BUY 0.50 USDJPY")
	d.wantSummary(a, "500.00 500.00 500.00 0.00 100.00")
	if d.count(MarginCalled) != 1 {
		t.Error("no margin call at 100 %")
	}
	d.quote("USDJPY", "109.288", "109.288") // 250,000 · 0.110 / 109.288 = 251.63 lost.
	d.wantSummary(a, "497.99 248.37 496.00 -247.63 50.07")
	stop, sold := d.last(StopOut).Data.(*MarginData), d.last(OrderFilled).Data.(*FillData)
	if stop.Equity != 24837 || levelOf(stop.Equity, stop.Margin) != 4967 {
		t.Errorf("stopped out at equity %d, level %d; want 24837, 4967", stop.Equity,
			levelOf(stop.Equity, stop.Margin))
	}
	if sold.Volume != 2*Lot/100 || sold.Position != 1 || d.count(OrderFilled) != 3 {
		t.Errorf("sold %d of position %d; want 2,000 units of 1", sold.Volume, sold.Position)
	}
}

// TestGapGolden: a sell stop at 100 that the market gaps over fills where the market is.
func TestGapGolden(t *testing.T) {
	d := newDesk(t)
	a := d.account("USD", "10000")
	d.quote("BTCUSD", "105.00", "105.00")
	o := d.place(a, "SELL 1.00 BTCUSD STOP price=100.00")
	d.quote("BTCUSD", "90.00", "90.00")
	if f := d.last(OrderFilled).Data.(*FillData); f.Order != o.ID || f.Price != 9000 {
		t.Errorf("order %d filled at %d; want %d at 9000", f.Order, f.Price, o.ID)
	}
}

// TestTrailingGolden: Nautilus' and Binance's callback rate: a low of 42,000 and 5 % make 44,100.
func TestTrailingGolden(t *testing.T) {
	d := newDesk(t)
	a := d.account("USD", "100000")
	d.quote("BTCUSD", "45000.00", "45000.00")
	d.place(a, "BUY 1.00 BTCUSD TRAILING_STOP trail=500bp")
	d.quote("BTCUSD", "42000.00", "42000.00")
	d.quote("BTCUSD", "44099.99", "44099.99")
	if d.count(OrderFilled) != 0 {
		t.Error("filled below 44,100")
	}
	d.quote("BTCUSD", "44100.00", "44100.00")
	if f := d.last(OrderFilled).Data.(*FillData); f.Price != 4410000 {
		t.Errorf("filled at %d; want 4410000", f.Price)
	}
}
