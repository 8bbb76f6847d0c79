package torture

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"tradingengine/bench/internal/server"
	"tradingengine/bench/internal/wire"
)

// batchMax is how many quotes a sender posts at most at a time. Smaller batches mean more commits,
// and so more moments that a kill can hit.
const batchMax = 500

// answerTimeout bounds one request: a slow disk is no loss.
const answerTimeout = 30 * time.Second

// refusedMax is how long a server may go on to refuse a batch with 503.
const refusedMax = time.Minute

// sender feeds some symbols, alone and in order, and keeps the batch that is not acknowledged until
// it is. It belongs to the goroutine of run, or to the checks between.
type sender struct {
	markets []*market
	random  *rand.Rand

	of     []*market // Whose quote each in flight is.
	flight []quote
	body   []byte
	head   []byte
	// unsure says that the batch in flight was refused after it was sent, so that nobody knows
	// which of its quotes will be duplicates.
	unsure bool

	acknowledged int64  // Quotes in batches answered.
	sent         int64  // Quotes sent to this start of the server, whatever became of them.
	wrong        string // What an answer said that it must not, "" while none did.
}

// reply is what POST /ticks says of a batch.
type reply struct {
	Received  int64 `json:"received"`
	Stored    int64 `json:"stored"`
	Throttled int64 `json:"throttled"`
	Rejected  int64 `json:"rejected"`
	Committed bool  `json:"committed"`
}

// fill makes the next batch.
func (s *sender) fill() {
	s.of, s.flight, s.body = s.of[:0], s.flight[:0], s.body[:0]
	for range 1 + s.random.IntN(batchMax) {
		m := s.markets[s.random.IntN(len(s.markets))]
		q := m.next()
		s.of, s.flight = append(s.of, m), append(s.flight, q)
		s.body = m.append(s.body, &q)
	}
	s.unsure = false
}

// run posts until the server is gone or answers wrongly. What was not acknowledged before comes
// first, as it was; with last, nothing comes after it.
func (s *sender) run(ctx context.Context, address string, last bool) {
	conn := wire.New(wire.Options{Address: address, Timeout: answerTimeout})
	// The server is killed under it: closing has nothing to tell.
	defer func() { _ = conn.Close() }()
	s.sent = 0
	patient := time.Now()
	for {
		if len(s.flight) == 0 {
			if last {
				return
			}
			s.fill()
		}
		s.head = wire.AppendPostHead(s.head[:0], address, "/ticks?ack=commit",
			"application/x-ndjson", len(s.body))
		answer, err := conn.Post(s.head, s.body)
		if err != nil {
			return
		}
		s.sent += int64(len(s.flight))
		if answer.Status == 503 {
			s.unsure = true
			if time.Since(patient) > refusedMax {
				s.wrong = "POST /ticks: refused for a minute: " + server.Brief(answer.Body)
				return
			}
			if !pause(ctx, min(max(answer.RetryAfter, 10*time.Millisecond), time.Second)) {
				return
			}
			continue
		}
		patient = time.Now()
		var got reply
		if err := json.Unmarshal(answer.Body, &got); err != nil || answer.Status != 200 {
			s.wrong = fmt.Sprintf("POST /ticks: status %d: %s", answer.Status, server.Brief(answer.Body))
			return
		}
		if !s.answered(got) {
			return
		}
	}
}

// pause reports whether ctx lasts so long.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// answered takes the batch in flight as acknowledged, and compares what the server says became of
// it with what must have.
func (s *sender) answered(got reply) bool {
	want := reply{Received: int64(len(s.flight)), Committed: true}
	for i := range s.flight {
		switch q := &s.flight[i]; {
		case q.taken:
			want.Rejected++
		case s.of[i].take(q):
			want.Stored++
		default:
			want.Throttled++
		}
	}
	s.acknowledged += want.Received
	s.flight = s.flight[:0]
	if s.unsure {
		got.Stored, got.Throttled, got.Rejected = want.Stored, want.Throttled, want.Rejected
	}
	if got != want {
		s.wrong = fmt.Sprintf("POST /ticks: answered %+v, want %+v", got, want)
	}
	return got == want
}

// settle says that the server holds so many quotes of a market: all that it acknowledged, and
// perhaps the first of those in flight, which are taken then. It returns how many of them it found,
// how many acknowledged ones are lost, and how many there are that were never sent.
func (s *sender) settle(m *market, held int64) (found, lost, extra int64) {
	if held < m.accepted {
		return 0, m.accepted - held, 0
	}
	for i := range s.flight {
		q := &s.flight[i]
		if s.of[i] == m && !q.taken && m.accepted < held {
			m.take(q)
			found++
		}
	}
	return found, 0, held - m.accepted
}
