package feed

import (
	"slices"
	"testing"

	"tradingengine/core"
)

func TestActivityFollowsTheClocks(t *testing.T) {
	places, err := loadCities()
	if err != nil {
		t.Fatal(err)
	}
	fiat := func(at core.Time) float64 { a := places.at(at); return a.fiat }
	asia, london := fiat(utc(2026, 1, 20, 3, 0)), fiat(utc(2026, 1, 20, 10, 0))
	overlap, late := fiat(utc(2026, 1, 20, 14, 30)), fiat(utc(2026, 1, 20, 22, 30))
	if !(late < asia && 1.3*asia < london && 1.3*london < overlap) {
		t.Errorf("activity %.2f late, %.2f asia, %.2f london, %.2f overlap: want each well above "+
			"the one before", late, asia, london, overlap)
	}
	// London opens an hour of UTC earlier in summer.
	winter, summer := fiat(utc(2026, 1, 20, 7, 0)), fiat(utc(2026, 7, 21, 7, 0))
	if summer < winter+0.3 {
		t.Errorf("activity at 07:00 UTC: %.2f in winter, %.2f in summer, want more", winter, summer)
	}
	for name, of := range map[string]func(a activity) float64{
		"fiat": func(a activity) float64 { return a.fiat },
		"asia": func(a activity) float64 { return a.asia },
		"coin": func(a activity) float64 { return a.coin },
	} {
		var sum float64
		for minute := range core.Time(24 * 60) {
			sum += of(places.at(tuesday + minute*core.Minute))
		}
		if mean := sum / (24 * 60); mean < 0.9 || mean > 1.1 {
			t.Errorf("%s: the average of a day is %.3f, want 1", name, mean)
		}
	}
}

func TestLondonIsBusierThanAsia(t *testing.T) {
	count := func(start core.Time) (n int) {
		stepTo(newTestModel(t, ModelOptions{Start: start}), start+10*core.Minute,
			func(*core.Quote) { n++ })
		return n
	}
	asia, london := count(tuesday+3*core.Hour), count(tuesday+10*core.Hour)
	if london < asia*4/3 {
		t.Errorf("got %d quotes in London, %d in Asia, want far more", london, asia)
	}
	if perSecond := float64(london) / 600; perSecond < 160 || perSecond > 320 {
		t.Errorf("got %.0f quotes/s at 10:00 UTC with a rate of 200, want about 220", perSecond)
	}
}

func TestQuotesComeInBursts(t *testing.T) {
	m := newTestModel(t, ModelOptions{Start: tuesday + 10*core.Hour})
	var seconds [1200]float64
	stepTo(m, m.Time()+core.Time(len(seconds))*core.Second, func(q *core.Quote) {
		seconds[(q.Time-1-tuesday-10*core.Hour)/core.Second]++
	})
	var sum, squares float64
	for _, n := range seconds {
		sum += n
		squares += n * n
	}
	mean := sum / float64(len(seconds))
	variance := squares/float64(len(seconds)) - mean*mean
	// Chance alone gives a variance equal to the mean.
	if variance < 4*mean {
		t.Errorf("quotes per second: mean %.0f, variance %.0f, want a burstier market", mean, variance)
	}
	if most := slices.Max(seconds[:]); most < 1.8*mean {
		t.Errorf("busiest second has %.0f quotes, the average %.0f, want bursts", most, mean)
	}
}

func TestSpreadsWidenAtTheRollover(t *testing.T) {
	spread := func(name string, start core.Time) float64 {
		m := newTestModel(t, ModelOptions{Start: start, Rate: 100})
		id, sum, n := idOf(t, m.opts.Symbols, name), 0.0, 0.0
		stepTo(m, start+5*core.Minute, func(q *core.Quote) {
			if q.Symbol == id {
				sum += float64(q.Ask - q.Bid)
				n++
			}
		})
		return sum / n
	}
	f := func(name string, day core.Time, rolloverHour core.Time) {
		noon := spread(name, day+11*core.Hour)
		before := spread(name, day+(rolloverHour-1)*core.Hour)
		at := spread(name, day+rolloverHour*core.Hour)
		after := spread(name, day+(rolloverHour+2)*core.Hour)
		if at < 4*noon || before > 2*noon || after > 2*noon {
			t.Errorf("%s on %s: spread %.1f points at 11:00, %.1f an hour before, %.1f at 17:00 New York,"+
				" %.1f two hours after; want it wide at 17:00 alone", name, day, noon, before, at, after)
		}
	}
	f("EURUSD", utc(2026, 1, 20, 0, 0), 22)
	f("EURUSD", utc(2026, 7, 21, 0, 0), 21)
	f("AUDNZD", utc(2026, 7, 21, 0, 0), 21)
	noon, late := spread("BTCUSD", tuesday+11*core.Hour), spread("BTCUSD", tuesday+22*core.Hour)
	if late > 1.3*noon {
		t.Errorf("BTCUSD: spread %.0f points at 17:00 New York, %.0f before, want no rollover", late,
			noon)
	}
}

func TestWeekends(t *testing.T) {
	// Friday 17:00 to Sunday 17:00 New York, in winter.
	friday, sunday := utc(2026, 1, 23, 22, 0), utc(2026, 1, 25, 22, 0)
	count := func(closed bool) (forex, coins, after int) {
		m := newTestModel(t, ModelOptions{
			Start: friday - core.Hour, Rate: 1, CloseWeekends: closed, Silence: core.Minute,
		})
		symbols, mids := m.opts.Symbols, map[core.SymbolID]core.Mid{}
		stepTo(m, sunday+core.Hour, func(q *core.Quote) {
			coin := symbols.Symbol(q.Symbol).Session == core.Session24x7
			mid := core.MidOf(q.Bid, q.Ask)
			switch {
			case q.Time < friday:
			case q.Time >= sunday:
				after++
			case coin:
				coins++
			default:
				forex++
			}
			if last := mids[q.Symbol]; last > 0 && jumped(last, mid) {
				t.Errorf("%s jumped from %d to %d at %s", symbols.Symbol(q.Symbol).Name, last, mid, q.Time)
			}
			mids[q.Symbol] = mid
		})
		return forex, coins, after
	}
	if forex, coins, after := count(true); forex != 0 || coins == 0 || after == 0 {
		t.Errorf("closed: %d quotes of currencies, %d of coins, %d after; want 0, some, some", forex,
			coins, after)
	}
	if forex, coins, _ := count(false); forex < coins {
		t.Errorf("open: %d quotes of currencies, %d of coins, want both", forex, coins)
	}
}
