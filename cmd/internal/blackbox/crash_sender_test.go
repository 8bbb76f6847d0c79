package blackbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"time"
)

// crashBatchMax is how many quotes a sender posts at most at a time. Smaller batches mean more
// commits, and so more moments that a kill can hit.
const crashBatchMax = 500

// crashFramesMax is how many batches a sender has in flight that streams them.
const crashFramesMax = 8

// crashSender feeds some symbols, alone and in order, and keeps the batches that are not acknowledged
// until they are: one that it posts, or some that it streams.
type crashSender struct {
	t       *testing.T
	lp      string
	markets []*crashMarket
	random  *rand.Rand
	ack     string
	streams bool

	of           []*crashMarket // Whose quote each in flight is.
	flight       []crashQuote
	body         []byte
	batches      []crashBatch // What is in flight, oldest first.
	acknowledged int64        // Quotes in batches answered.
	last         []byte       // The body of the last batch answered.
	accepted     int          // Quotes in it that were not refused for what they are.
	ahead        int          // How often a kill left quotes of a market that were not acknowledged.
	refused      string       // The code of the answer that was not 200, or "".
}

// crashBatch is how much of what is in flight was sent together.
type crashBatch struct{ quotes, bytes int }

// crashAnswer is what POST /ticks says of a batch.
type crashAnswer struct {
	Received, Stored, Throttled, Rejected int64
	Committed                             bool
	Errors                                []struct{ Code string }
	Code                                  string
}

// crashSenders returns two senders with their own symbols, which are shared out so that each
// batch is for several shards. The first streams its batches, the other posts them.
func crashSenders(t *testing.T, seed uint64) []*crashSender {
	t.Helper()
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	// Within a few days New York changes its clock.
	begin := time.Date(2014, 3, 6, 20, 30, 0, 0, time.UTC).UnixMicro()
	market := func(symbol string, digits int, bid int64) *crashMarket {
		return &crashMarket{
			symbol: symbol, digits: digits, zone: zone, bid: bid, clock: begin,
			random: rand.New(rand.NewPCG(seed, uint64(bid))),
		}
	}
	senders := []*crashSender{
		{lp: "ALPHA", markets: []*crashMarket{
			market("EURUSD", 5, 108_234), market("GBPUSD", 5, 126_410),
			market("USDJPY", 3, 148_123), market("BTCUSD", 2, 8_812_300),
		}},
		{lp: "BETA", markets: []*crashMarket{
			market("AUDUSD", 5, 63_021), market("USDCAD", 5, 143_777),
			market("EURJPY", 3, 160_456), market("XRPUSD", 5, 231_009),
		}},
	}
	senders[0].streams = true
	for i, s := range senders {
		s.t, s.ack, s.random = t, "commit", rand.New(rand.NewPCG(seed, uint64(i)))
		for _, m := range s.markets {
			m.lp = s.lp
		}
	}
	return senders
}

// fill makes the next batch.
func (s *crashSender) fill() {
	quotes, size := len(s.flight), len(s.body)
	for range 1 + s.random.IntN(crashBatchMax) {
		m := s.markets[s.random.IntN(len(s.markets))]
		q := m.next()
		s.of, s.flight = append(s.of, m), append(s.flight, q)
		s.body = fmt.Appendf(s.body, `{"symbol":"%s","bid":%s,"ask":%s,"time":%d,"seq":%d,"lp":"%s"}`,
			m.symbol, m.price(q.bid), m.price(q.ask), q.time, q.seq, m.lp)
		s.body = append(s.body, '\n')
	}
	s.batches = append(s.batches, crashBatch{len(s.flight) - quotes, len(s.body) - size})
}

// run sends batches until the server is gone or refuses one. What was not acknowledged in the run
// before comes first, as it was.
func (s *crashSender) run(url string) {
	s.refused = ""
	if s.streams {
		s.stream(url)
		return
	}
	s.post(url)
}

func (s *crashSender) post(url string) {
	client := &http.Client{Transport: &http.Transport{}, Timeout: 30 * time.Second}
	defer client.CloseIdleConnections()
	for {
		if len(s.batches) == 0 {
			s.fill()
		}
		resp, err := client.Post(url+"/ticks?ack="+s.ack, "application/x-ndjson",
			bytes.NewReader(s.body[:s.batches[0].bytes]))
		if err != nil {
			return
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			return
		}
		var got crashAnswer
		if err := json.Unmarshal(text, &got); err != nil {
			s.t.Errorf("%s: answer %s: %v", s.lp, text, err)
			return
		}
		if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusAccepted {
			s.refused = got.Code
			return
		}
		if !s.answered(&got) {
			return
		}
	}
}

// stream sends frames and keeps crashFramesMax of them in flight.
func (s *crashSender) stream(url string) {
	socket, err := dialAt(s.t, url, "/ws/ingest?ack="+s.ack)
	if err != nil {
		return
	}
	defer socket.close()
	sent, size := 0, 0 // Batches and bytes of those in flight.
	for frame := int64(1); ; {
		for ; sent < crashFramesMax; sent++ {
			if sent == len(s.batches) {
				s.fill()
			}
			more := s.batches[sent].bytes
			if socket.send(string(s.body[size:size+more])) != nil {
				break // What was answered before counts.
			}
			size += more
		}
		text, err := socket.next()
		if err != nil {
			return
		}
		var got struct {
			Type  string
			Frame int64
			crashAnswer
		}
		switch err = json.Unmarshal([]byte(text), &got); {
		case err == nil && got.Type == "heartbeat":
		case err == nil && got.Type == "shutdown":
			return
		case err == nil && got.Type == "error" && got.Frame == frame:
			s.refused = got.Code
			return
		case err == nil && got.Type == "ack" && got.Frame == frame:
			frame++
			sent, size = sent-1, size-s.batches[0].bytes
			if !s.answered(&got.crashAnswer) {
				return
			}
		default:
			s.t.Errorf("%s: instead of the answer to frame %d: %s (%v)", s.lp, frame, text, err)
			return
		}
	}
}

// answered takes the oldest batch in flight as acknowledged, and compares what the server says became of
// it with what must have.
func (s *crashSender) answered(got *crashAnswer) bool {
	batch := s.batches[0]
	want := crashAnswer{Received: int64(batch.quotes), Committed: s.ack == "commit"}
	s.accepted = 0
	for i := range batch.quotes {
		q := &s.flight[i]
		if q.stamp != 0 {
			s.accepted++
		}
		switch {
		case q.stamp == 0 || q.taken:
			want.Rejected++
		case s.of[i].take(q):
			want.Stored++
		default:
			want.Throttled++
		}
	}
	if !want.Committed { // An answer that does not wait knows no more than how many there were.
		want.Stored, want.Throttled, want.Rejected = 0, 0, 0
	}
	s.acknowledged += int64(batch.quotes)
	s.last = append(s.last[:0], s.body[:batch.bytes]...)
	s.of = slices.Delete(s.of, 0, batch.quotes)
	s.flight = slices.Delete(s.flight, 0, batch.quotes)
	s.body = slices.Delete(s.body, 0, batch.bytes)
	s.batches = slices.Delete(s.batches, 0, 1)
	if got.Received != want.Received || got.Stored != want.Stored || got.Committed != want.Committed ||
		got.Throttled != want.Throttled || got.Rejected != want.Rejected {
		s.t.Errorf("%s: a batch was answered\ngot  %+v\nwant %+v", s.lp, *got, want)
		return false
	}
	return true
}

// settle says that the file holds so many quotes of a market. They must be all acknowledged ones
// and perhaps the first of those in flight, which are taken then.
func (s *crashSender) settle(m *crashMarket, quotes int64) bool {
	if quotes < m.accepted {
		s.t.Errorf("%s: %d acknowledged quotes are lost: the bars hold %d, want at least %d",
			m.symbol, m.accepted-quotes, quotes, m.accepted)
		return false
	}
	if quotes > m.accepted {
		s.ahead++
	}
	for i := range s.flight {
		q := &s.flight[i]
		if s.of[i] == m && q.stamp != 0 && !q.taken && m.accepted < quotes {
			q.taken = true
			m.take(q)
		}
	}
	if m.accepted < quotes {
		s.t.Errorf("%s: the bars hold %d quotes, but only %d were sent", m.symbol, quotes, m.accepted)
		return false
	}
	return true
}
