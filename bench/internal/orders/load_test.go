package orders

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tradingengine/bench/internal/latency"
	"tradingengine/bench/internal/memnet"
	"tradingengine/bench/internal/wire"
)

// desk answers orders as the contract says, but for those that spoil spoils.
type desk struct {
	turn   chan struct{} // One request at a time; unlike a mutex it lets fake time go on.
	sides  []string
	ids    map[string]bool
	filled int
	lists  int
	spoil  func(n int, w http.ResponseWriter) bool // Of the n-th request, from 1: it was answered.
}

func (d *desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.turn <- struct{}{}
	defer func() { <-d.turn }()
	if r.Method == http.MethodGet {
		d.list(w, r)
		return
	}
	body, _ := io.ReadAll(r.Body)
	if r.URL.Path == "/api/accounts" {
		w.WriteHeader(201)
		fmt.Fprint(w, `{"accountId":7,"balance":1000000000.00}`)
		return
	}
	type order struct {
		AccountID     int64
		ClientOrderID string
		Symbol, Side  string
		ReduceOnly    bool
	}
	var list struct{ Orders []order }
	text := string(body)
	if r.URL.Path == "/api/orders" {
		text = `{"orders":[` + text + `]}`
	}
	err := json.Unmarshal([]byte(text), &list)
	for _, o := range list.Orders {
		if err != nil || o.AccountID != 7 || o.Symbol != "ETHUSD" || d.ids[o.ClientOrderID] ||
			o.ReduceOnly != (o.Side == "SELL") || o.Side != list.Orders[0].Side {
			w.WriteHeader(400)
			return
		}
		d.ids[o.ClientOrderID] = true
	}
	d.sides = append(d.sides, list.Orders[0].Side)
	if d.spoil != nil && d.spoil(len(d.sides), w) {
		return
	}
	d.filled += len(list.Orders)
	w.WriteHeader(201)
	fmt.Fprint(w, strings.Repeat(`{"status":"FILLED"}`, len(list.Orders)))
}

// list has a row for each filled order, with its number as seq.
func (d *desk) list(w http.ResponseWriter, r *http.Request) {
	var account, limit, cursor int
	_, err := fmt.Sscanf(r.URL.RawQuery, "accountId=%d&status=FILLED&limit=%d&cursor=%d", &account,
		&limit, &cursor)
	if err != nil || account != 7 {
		w.WriteHeader(400)
		return
	}
	d.lists++
	var rows []string
	for seq := cursor + 1; seq <= d.filled && len(rows) < limit; seq++ {
		rows = append(rows, fmt.Sprintf(`{"seq":%d,"status":"FILLED"}`, seq))
	}
	fmt.Fprintf(w, "[\n%s\n]\n", strings.Join(rows, ",\n"))
}

// inBubble runs a load against a desk on fake time.
func inBubble(t *testing.T, d *desk, opts LoadOptions, check func(l *Load)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		d.ids, d.turn = map[string]bool{}, make(chan struct{}, 1)
		s := &http.Server{Handler: d}
		var serving sync.WaitGroup
		serving.Go(func() { _ = s.Serve(network) })
		opts.Wire = wire.Options{Address: "engine", Timeout: time.Minute, Dial: network.Dial}
		opts.Symbol, opts.Volume = "ETHUSD", "0.01"
		l := NewLoad(opts)
		if err := l.OpenAccount(); err != nil {
			t.Fatal(err)
		}
		if err := l.Run(context.Background(), time.Now()); err != nil {
			t.Error(err)
		}
		check(l)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		serving.Wait()
	})
}

// A stall is charged to all orders that were due in it, not to the one that was on its way. Seen to
// fail where latency ran from the sending.
func TestStallIsChargedToAllThatWasDue(t *testing.T) {
	d := &desk{spoil: func(n int, _ http.ResponseWriter) bool {
		if n == 500 {
			time.Sleep(500 * time.Millisecond)
		}
		return false
	}}
	opts := LoadOptions{Connections: 2, Batch: 1, Rate: 1000, Duration: time.Second, Grace: time.Minute}
	inBubble(t, d, opts, func(l *Load) {
		waited := latency.Summarize(l.Recorder()).Latency
		if got := l.Totals(); got.Sent != 1000 || got.Acknowledged != 1000 || got.Filled != 1000 {
			t.Errorf("got %+v", got)
		}
		if waited.P95 < 400 {
			t.Errorf("got %+v; half of the orders were due in the stall of 500 ms", waited)
		}
	})
}

// Every order is one of acknowledged, refused and failed, and the engine's list tells what was
// filled. Seen to fail where a list counted as one order, and where 503 was an acknowledgement.
func TestOrdersAddUp(t *testing.T) {
	f := func(batch int) {
		t.Helper()
		d := &desk{spoil: func(n int, w http.ResponseWriter) bool {
			switch {
			case n%10 == 3:
				w.WriteHeader(422)
				fmt.Fprint(w, `{"code":"NO_PRICE"}`)
			case n%10 == 6:
				w.WriteHeader(503)
			default:
				return false
			}
			return true
		}}
		opts := LoadOptions{
			Connections: 3, Batch: batch, Rate: 100_000, Count: int64(7_000 * batch), Grace: time.Hour,
		}
		inBubble(t, d, opts, func(l *Load) {
			n := int64(7_000 * batch)
			got := l.Totals()
			if got.Sent != n || got.Refused != n/10 || got.Failed != n/10 || got.Remainder() != 0 ||
				got.Filled != n*8/10 || got.Refusals["NO_PRICE"] != n/10 || got.Busy != 700 {
				t.Errorf("batches of %d: got %+v", batch, got)
			}
			counted, err := l.CountFilled()
			if err != nil || counted != got.Filled || d.lists < 2 {
				t.Errorf("batches of %d: counted %d in %d pages, %v", batch, counted, d.lists, err)
			}
		})
	}
	f(1)
	f(2)
}

// One connection buys and sells in turns, and begins with buying again after an answer that says
// nothing.
func TestBuysAndSells(t *testing.T) {
	d := &desk{spoil: func(n int, w http.ResponseWriter) bool {
		if n == 4 {
			w.WriteHeader(500)
		}
		return n == 4
	}}
	inBubble(t, d, LoadOptions{Connections: 1, Batch: 1, Count: 7}, func(*Load) {
		if got := strings.Join(d.sides, " "); got != "BUY SELL BUY SELL BUY SELL BUY" {
			t.Errorf("got %s", got)
		}
	})
}

// Orders that could not be sent in time are counted and not sent.
func TestOrdersThatWereDueAndNotSent(t *testing.T) {
	d := &desk{spoil: func(int, http.ResponseWriter) bool {
		time.Sleep(time.Second)
		return false
	}}
	opts := LoadOptions{Connections: 1, Batch: 2, Rate: 200, Duration: time.Second, Grace: time.Second}
	inBubble(t, d, opts, func(l *Load) {
		got := l.Totals()
		if got.Sent+got.Unsent != 200 || got.Unsent == 0 || got.Sent > 8 {
			t.Errorf("got %+v", got)
		}
	})
}
