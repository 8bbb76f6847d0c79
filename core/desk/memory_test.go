package desk

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"

	"tradingengine/core"
	"tradingengine/core/alert"
	"tradingengine/core/trading"
)

// forgetful is a journal that takes everything and keeps nothing.
type forgetful struct{}

func (forgetful) Commit([]trading.Event, []Kept, *alert.Changes) error { return nil }

func (forgetful) Answer(context.Context, Key) (k Kept, found bool, err error) { return k, false, nil }

func (forgetful) Events(context.Context, bool, trading.AccountID, uint64, int,
) ([]trading.Event, error) {
	return nil, errors.New("nothing is kept")
}

// TestMemoryIsBounded places 200,000 orders, each with a client's id and a key: buys and their
// closes, limits and their ends, and refusals. What machine and desk hold after all of them is what
// they held after half.
//
// It was seen to find the ids of closed orders kept for ever: 6.6 MB.
func TestMemoryIsBounded(t *testing.T) {
	orders := 200_000
	if testing.Short() {
		orders = 60_000
	}
	s := newStand(t, Options{Tail: 1_000}, core.Options{}, &memory{})
	machine, err := trading.New(trading.Options{Symbols: s.engine.Symbols(), ClientsMax: 2_000})
	if err != nil {
		t.Fatal(err)
	}
	now := core.Time(1_768_842_000_000_000) // 2026-01-19T17:00:00Z
	d, err := New(Options{
		Engine: s.engine, Machine: machine, Journal: forgetful{}, History: forgetful{},
		Open: openDemo, Tail: 1_000, Now: func() core.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Desk = d
	s.start()
	defer s.stop()
	id := s.symbol("EURUSD")
	placed := 0
	place := func(m *trading.Machine, now core.Time, r trading.OrderRequest) trading.Order {
		placed++
		r.Account, r.Symbol, r.Volume = 1, id, trading.Lot/100
		r.ClientID = fmt.Sprint("client-", placed)
		result, err := m.Place(now, r)
		if err != nil {
			t.Error(err)
		}
		return result.Order
	}
	const each = 50 // Of a command; one in five is a close, without an id.
	half := func() uint64 {
		for range orders / 2 / each {
			c := &Command{Account: 1, Symbols: []core.SymbolID{id}}
			for k := range each {
				c.Keys = append(c.Keys, Key{"order:1", fmt.Sprint(placed, " ", k)})
			}
			c.Apply = func(m *trading.Machine, now core.Time) Answer {
				m.SetQuote(trading.Quote{Symbol: id, Time: now - 1, Bid: 110_000, Ask: 110_010})
				for range each / 5 {
					bought := place(m, now, trading.OrderRequest{Side: trading.Buy, Type: trading.Market})
					_, _ = m.ClosePosition(now, bought.Position, 0)
					limit := trading.OrderRequest{Side: trading.Buy, Type: trading.Limit, Price: 100_000}
					_, _ = m.Cancel(now, place(m, now, limit).ID)
					place(m, now, trading.OrderRequest{Side: trading.Buy, Type: trading.Limit})
					place(m, now, trading.OrderRequest{Side: trading.Sell, Type: trading.Market, ReduceOnly: true})
				}
				return Answer{Status: 201}
			}
			s.must(c, 201)
		}
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	before := half()
	after := half()
	if grown := int64(after) - int64(before); grown > 2<<20 {
		t.Errorf("%d orders more took %d bytes", orders/2, grown)
	}
	if machine.OpenOrders() != 0 || machine.OpenPositions() != 0 || placed != orders/5*4 {
		t.Errorf("%d placed, %d open, %d positions", placed, machine.OpenOrders(),
			machine.OpenPositions())
	}
}
