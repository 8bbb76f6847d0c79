package blackbox

import (
	"encoding/json"
	"fmt"
	"strings"
)

// guards are what waits through all kills, each placed once: a position with a stop loss and a stop
// at 2,950, and a trailing stop 50 below the market.
type guards struct {
	orders [3]int64
	level  int64 // Of the trailing stop when it was last looked at, in cents.
}

// guardOrders is how many orders there are of them in the end: the stop loss makes one.
const guardOrders = 4

func (g *guards) place(s *server) {
	s.t.Helper()
	for i, order := range []string{
		`"side":"BUY","type":"MARKET","stopLoss":2950`, `"side":"SELL","type":"STOP","price":2950`,
		`"side":"SELL","type":"TRAILING_STOP","trailing":{"distance":5000}`,
	} {
		answer := s.post("/api/orders", "application/json", `{"symbol":"ETHUSD","volume":0.01,`+order+
			`}`, 201)
		var o struct{ ID int64 }
		if err := json.Unmarshal([]byte(answer), &o); err != nil {
			s.t.Fatal(err)
		}
		g.orders[i] = o.ID
	}
}

// wait wants all of them to be as they were, but for the trailing stop, which has only risen.
func (g *guards) wait(s *server) {
	s.t.Helper()
	positions := s.get("/api/positions?limit=5000", 200)
	if n := strings.Count(positions, `"stopLoss":2950.00`); n != 1 {
		s.t.Fatalf("%d positions with the stop loss: %s", n, positions)
	}
	for i, id := range g.orders[1:] {
		var o struct {
			Status string
			Price  json.Number
		}
		text := s.get(fmt.Sprint("/api/orders/", id), 200)
		if err := json.Unmarshal([]byte(text), &o); err != nil {
			s.t.Fatal(err)
		}
		price := cents(s.t, o.Price)
		good := price == 295_000
		if i == 1 {
			good = price >= max(g.level, 295_000) && price < 297_000
			g.level = price
		}
		if o.Status != "PENDING" || !good {
			s.t.Fatalf("a stop is %s", text)
		}
	}
}

// fire sends the quote that fires all of them, and kills the server when that is acknowledged.
func (g *guards) fire(s *server) {
	s.t.Helper()
	answer := s.post("/ticks", "application/json", `{"symbol":"ETHUSD","bid":2900.00,"ask":2900.07}`,
		200)
	if !strings.Contains(answer, `"stored":1,"throttled":0,"rejected":0`) {
		s.t.Fatal(answer)
	}
	s.kill()
}

// fired wants each to have been filled once, at that quote, and nothing else by a level.
func (g *guards) fired(s *server) {
	s.t.Helper()
	var got []string
	for cursor := 0; ; {
		var page []struct {
			Seq   int
			Rule  string
			Price json.Number
		}
		text := s.get(fmt.Sprintf("/api/trades?limit=5000&cursor=%d", cursor), 200)
		if err := json.Unmarshal([]byte(text), &page); err != nil {
			s.t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, trade := range page {
			if trade.Rule != "MARKET" && trade.Rule != "CLOSE" {
				got = append(got, fmt.Sprint(trade.Rule, " at ", trade.Price))
			}
			cursor = trade.Seq
		}
	}
	want := "STOP_LOSS at 2900.00, STOP at 2900.00, TRAILING_STOP at 2900.00"
	if all := strings.Join(got, ", "); all != want {
		s.t.Errorf("filled were %s; want %s", all, want)
	}
	if positions := s.get("/api/positions?limit=5000", 200); strings.Contains(positions, `"stopLoss"`) {
		s.t.Errorf("the position with the stop loss is still there: %s", positions)
	}
}
