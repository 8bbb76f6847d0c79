package blackbox

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestTradeRate measures, and only with -long: orders a second in batches of concurrent clients, and
// how long single orders take at a fixed rate while quotes flow in. Every answer comes after the
// commit with synchronous=FULL. A regression means that a commit holds fewer orders, or that orders
// wait for quotes.
func TestTradeRate(t *testing.T) {
	if !*long {
		t.Skip("measures; needs -long")
	}
	s := start(t, t.TempDir(), "-feed", "none", "-data", "d")
	const clients = 8
	for range clients {
		s.send(201, "POST", "/api/accounts", `{"currency":"USD","marginMode":"NETTING","deposit":5000}`)
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
	stop := make(chan struct{})
	var feeding sync.WaitGroup
	var quotes atomic.Int64
	feeding.Go(func() { s.feedQuotes(client, stop, &quotes) })
	s.until(10*time.Second, "quotes flow", func() bool { return quotes.Load() > 0 })

	s.batchRate(client, clients)
	s.orderLatency(client, clients, &quotes)
	close(stop)
	feeding.Wait()
	s.send(200, "POST", "/api/verify", "")
}

// feedQuotes posts 50,000 quotes a second in batches of 500.
func (s *server) feedQuotes(client *http.Client, stop chan struct{}, sent *atomic.Int64) {
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		case <-ticker.C:
		}
		var body bytes.Buffer
		for i := range 500 {
			price := 300_000 + (n*7+i)%100
			fmt.Fprintf(&body, `{"symbol":"ETHUSD","bid":%d.%02d,"ask":%d.%02d}`+"\n", price/100, price%100,
				price/100, price%100)
		}
		resp, err := client.Post(s.url+"/ticks?ack=accept", "application/x-ndjson", &body)
		if err != nil {
			s.t.Error(err)
			return
		}
		resp.Body.Close()
		sent.Add(500)
	}
}

const rateOrder = `{"symbol":"ETHUSD","side":"%s","type":"MARKET","volume":0.01}`

// order posts and reports whether it was taken.
func (s *server) order(client *http.Client, path, body string) bool {
	resp, err := client.Post(s.url+path, "application/json", strings.NewReader(body))
	if err != nil {
		s.t.Error(err)
		return false
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		s.t.Errorf("%s: %s", path, resp.Status)
	}
	return resp.StatusCode == http.StatusCreated
}

// batchRate counts orders in batches of 200, one client an account.
func (s *server) batchRate(client *http.Client, clients int) {
	var orders atomic.Int64
	var running sync.WaitGroup
	begin := time.Now()
	for i := range clients {
		list := make([]string, 200)
		for k := range list {
			list[k] = fmt.Sprintf(rateOrder, []string{"BUY", "SELL"}[k%2])
		}
		body := fmt.Sprintf(`{"accountId":%d,"orders":[%s]}`, i+2, strings.Join(list, ","))
		running.Go(func() {
			for time.Since(begin) < 5*time.Second && s.order(client, "/api/orders/batch", body) {
				orders.Add(int64(len(list)))
			}
		})
	}
	running.Wait()
	s.t.Logf("batches of 200 from %d clients: %.0f orders/s", clients,
		float64(orders.Load())/time.Since(begin).Seconds())
}

// orderLatency sends single orders at 2,000 a second, each timed from when it was due.
func (s *server) orderLatency(client *http.Client, clients int, quotes *atomic.Int64) {
	const rate, seconds = 2000, 5
	took := make([]time.Duration, rate*seconds)
	var running sync.WaitGroup
	begin, before := time.Now(), quotes.Load()
	var next atomic.Int64
	for range 128 {
		running.Go(func() {
			for n := next.Add(1) - 1; n < int64(len(took)); n = next.Add(1) - 1 {
				due := begin.Add(time.Duration(n) * time.Second / rate)
				time.Sleep(time.Until(due))
				body := fmt.Sprintf(rateOrder, []string{"BUY", "SELL"}[n/int64(clients)%2])
				body = fmt.Sprintf(`{"accountId":%d,%s`, 2+n%int64(clients), body[1:])
				if !s.order(client, "/api/orders", body) {
					return
				}
				took[n] = time.Since(due)
			}
		})
	}
	running.Wait()
	all := time.Since(begin).Seconds()
	slices.Sort(took)
	at := func(share float64) time.Duration { return took[int(share*float64(len(took)-1))] }
	s.t.Logf("%.0f orders/s one by one beside %.0f quotes/s: p50 %s, p99 %s, p99.9 %s, max %s",
		rate*seconds/all, float64(quotes.Load()-before)/all, at(0.5), at(0.99), at(0.999), at(1))
}
