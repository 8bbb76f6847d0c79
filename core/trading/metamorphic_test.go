package trading

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"tradingengine/core"
)

// walk plays random quotes and orders of EURUSD. mirror turns the market upside down: bid and ask
// of 2.0 minus, buys for sells. It returns the P/L of every close.
func walk(t *testing.T, seed uint64, mirror bool, mode MarginMode) (pnls []Money) {
	const about = 200_000 // 2.00000
	d := newDesk(t)
	a := d.account("USD", "1000000", func(s *Settings) { s.MarginMode = mode })
	r := rand.New(rand.NewPCG(seed, 1))
	id := d.id("EURUSD")
	price := func(p core.Price) core.Price {
		if mirror && p != 0 {
			return about - p
		}
		return p
	}
	bid := core.Price(100_000)
	for range 2000 {
		d.clock += core.Second
		bid += core.Price(r.Int64N(101) - 50)
		bid = min(max(bid, 80_000), 120_000)
		q := Quote{id, d.clock, bid, bid + core.Price(r.Int64N(20))}
		if mirror {
			q.Bid, q.Ask = price(q.Ask), price(q.Bid)
		}
		d.Quote(d.clock, q)
		if r.IntN(4) > 0 {
			continue
		}
		side := Side(1 + r.IntN(2))
		up := core.Price(3 - 2*int(side))
		o := OrderRequest{
			Account: a, Symbol: id, Side: side, Volume: Volume(1+r.Int64N(50)) * 10_000,
			Type: []OrderType{Market, Limit, Stop}[r.IntN(3)],
		}
		if o.Type != Market {
			away := up * core.Price(20+r.Int64N(60))
			if o.Type == Limit {
				away = -away
			}
			o.Price = bid + away
		}
		from := max(o.Price, bid*core.Price(bit(o.Price == 0)))
		if r.IntN(2) == 0 {
			o.StopLoss, o.TakeProfit = from-up*core.Price(60+r.Int64N(99)), from+up*core.Price(60+r.Int64N(99))
		} else if r.IntN(2) == 0 {
			o.Trailing.Distance = 30 + r.Int64N(60)
		}
		o.Price, o.StopLoss, o.TakeProfit = price(o.Price), price(o.StopLoss), price(o.TakeProfit)
		if mirror {
			o.Side = o.Side.Opposite()
		}
		if _, err := d.Place(d.clock, o); err != nil {
			t.Fatal(err)
		}
	}
	d.ClosePositions(d.clock, BulkClose{Account: a})
	d.step()
	for _, e := range d.journal {
		if f, ok := e.Data.(*FillData); ok && f.Entry == Out {
			pnls = append(pnls, f.PnL)
		}
	}
	d.checkReplay()
	return pnls
}

// TestMirroredMarket: upside down, every close gains what it gained before: a long of the mirrored
// market is a short of the other. So no rule treats a side better.
func TestMirroredMarket(t *testing.T) {
	for seed := range uint64(4) {
		for _, mode := range []MarginMode{Hedging, Netting} {
			straight, mirrored := walk(t, seed, false, mode), walk(t, seed, true, mode)
			if len(straight) < 100 {
				t.Errorf("only %d closes", len(straight))
			}
			if fmt.Sprint(straight) != fmt.Sprint(mirrored) {
				t.Errorf("seed %d, %v: closes gained\n%v\nand mirrored\n%v", seed, mode, straight,
					mirrored)
			}
		}
	}
}

// TestSplitting: an order in parts gains what it gains whole, whenever the parts are exact; netting
// or hedging; and what is closed in parts is closed whole.
func TestSplitting(t *testing.T) {
	total := func(mode MarginMode, opens, closes []string) Money {
		d := newDesk(t)
		a := d.account("USD", "1000000", func(s *Settings) { s.MarginMode = mode })
		d.quote("EURUSD", "1.10000", "1.10010")
		for _, v := range opens {
			d.place(a, "BUY "+v+" EURUSD")
		}
		d.quote("EURUSD", "1.10133", "1.10143")
		for _, v := range closes {
			d.place(a, "SELL "+v+" EURUSD reduce")
		}
		s, _ := d.Summary(a)
		if s.Positions != 0 {
			t.Errorf("%d positions are left", s.Positions)
		}
		return s.Balance
	}
	for _, mode := range []MarginMode{Hedging, Netting} {
		want := total(mode, []string{"1.00"}, []string{"1.00"})
		f := func(opens, closes []string) {
			t.Helper()
			if got := total(mode, opens, closes); got != want {
				t.Errorf("%v: %v closed by %v leaves %d; want %d", mode, opens, closes, got, want)
			}
		}
		f([]string{"0.40", "0.60"}, []string{"1.00"})
		f([]string{"1.00"}, []string{"0.30", "0.20", "0.50"})
		f([]string{"0.10", "0.20", "0.30", "0.40"}, []string{"0.50", "0.50"})
	}
}

// TestScaling: ten times the volume gains and uses ten times as much, to the cent.
func TestScaling(t *testing.T) {
	run := func(volume string) (Money, Money) {
		d := newDesk(t)
		a := d.account("USD", "1000000")
		d.quote("EURUSD", "1.10000", "1.10010")
		d.place(a, "SELL "+volume+" EURUSD")
		s, _ := d.Summary(a)
		d.quote("EURUSD", "1.09820", "1.09830")
		d.place(a, "BUY "+volume+" EURUSD reduce")
		after, _ := d.Summary(a)
		return after.Balance - 100_000_000, s.Margin
	}
	gained, used := run("0.20")
	if g, u := run("2.00"); g != 10*gained || u != 10*used || g != 34_000 {
		t.Errorf("2 lots gain %d and use %d; a tenth gains %d and uses %d", g, u, gained, used)
	}
}

// TestNettingCost: what is paid for a netting position is conserved to the last point, whatever is
// closed of it: all P/L together are what was received less what was paid.
func TestNettingCost(t *testing.T) {
	d := newDesk(t)
	a := d.account("USD", "1000000", func(s *Settings) { s.MarginMode = Netting })
	r := rand.New(rand.NewPCG(5, 5))
	paid, opened := Wide{}, Volume(0)
	for i := range 400 {
		d.clock++
		bid := core.Price(100_000 + r.Int64N(20_000))
		d.Quote(d.clock, Quote{d.id("EURUSD"), d.clock, bid, bid})
		o := OrderRequest{
			Account: a, Symbol: d.id("EURUSD"), Side: Buy, Type: Market,
			Volume: Volume(1+r.Int64N(99)) * 10_000,
		}
		if i%3 > 0 && opened > o.Volume {
			o.Side = Sell
		}
		before := whole(d.cost(a))
		if result, err := d.Place(d.clock, o); err != nil || result.Refusal != nil {
			t.Fatal(err, result.Refusal)
		}
		if o.Side == Buy {
			opened += o.Volume
			paid = paid.add(mulWide(int64(bid), int64(o.Volume)))
			continue
		}
		opened -= o.Volume
		// The share that was closed, and the rest, are what was there.
		share := halves(ratio(before.Mul(before, whole(mulWide(int64(o.Volume), 1))), int64(opened+o.Volume)))
		paid = paid.sub(mulWide(share.Int64(), 1))
		if d.cost(a) != paid {
			t.Fatalf("step %d: the position cost %v; want %v", i, whole(d.cost(a)), whole(paid))
		}
	}
	d.step()
	d.checkReplay()
}

// cost is what the only position of an account cost.
func (d *desk) cost(id AccountID) Wide {
	for _, p := range d.AppendPositions(nil, id) {
		return p.Cost
	}
	return Wide{}
}
