package torture

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// flying returns a sender with a batch of its two markets in flight.
func flying(t *testing.T) *sender {
	t.Helper()
	s := &sender{random: rand.New(rand.NewPCG(7, 7)), markets: []*market{market5(1), market5(2)}}
	for len(s.flight) < 20 {
		s.fill()
	}
	return s
}

func (s *sender) flyingOf(m *market) (n int64) {
	for i := range s.flight {
		if s.of[i] == m {
			n++
		}
	}
	return n
}

// Seen to fail on a sender that takes quotes of the other market, on one that takes all in flight,
// and on one that lets fewer than were acknowledged pass.
func TestSettle(t *testing.T) {
	s := flying(t)
	m := s.markets[0]
	inFlight := s.flyingOf(m)
	m.accepted = 100
	f := func(held, wantFound, wantLost, wantExtra int64) {
		t.Helper()
		found, lost, extra := s.settle(m, held)
		if found != wantFound || lost != wantLost || extra != wantExtra {
			t.Errorf("held %d of %d: found %d, lost %d, extra %d; want %d, %d, %d", held, m.accepted,
				found, lost, extra, wantFound, wantLost, wantExtra)
		}
	}
	f(93, 0, 7, 0)
	f(100, 0, 0, 0)
	f(103, 3, 0, 0)
	f(103, 0, 0, 0)
	for i, taken := 0, 0; taken < 3; i++ { // The first three, in order.
		if s.of[i] == m {
			taken++
			if !s.flight[i].taken {
				t.Errorf("quote %d of the batch is not taken", i)
			}
		} else if s.flight[i].taken {
			t.Errorf("quote %d is of the other market", i)
		}
	}
	f(100+inFlight+2, inFlight-3, 0, 2)
}

// Seen to fail on a sender that does not look at what became of the quotes, on one that counts
// those found after a kill as new, and on one that compares what nobody can know.
func TestAnswers(t *testing.T) {
	f := func(name string, wantWrong bool, spoil func(*sender, *reply)) {
		t.Helper()
		s := flying(t)
		m := s.markets[0]
		if found, _, _ := s.settle(m, 2); found != 2 {
			t.Fatalf("found %d, want 2", found)
		}
		n := int64(len(s.flight))
		// What a copy of the sender makes of the batch is the right answer.
		twin := flying(t)
		twin.settle(twin.markets[0], 2)
		stored := int64(0)
		for i := range twin.flight {
			if !twin.flight[i].taken && twin.of[i].take(&twin.flight[i]) {
				stored++
			}
		}
		got := reply{Received: n, Stored: stored, Throttled: n - 2 - stored, Rejected: 2, Committed: true}
		spoil(s, &got)
		if ok := s.answered(got); ok == wantWrong || (s.wrong != "") != wantWrong {
			t.Errorf("%s: passed %v, wrong %q", name, ok, s.wrong)
		}
		if s.acknowledged != n || len(s.flight) != 0 || m.accepted+s.markets[1].accepted != n {
			t.Errorf("%s: acknowledged %d of %d, accepted %d and %d", name, s.acknowledged, n,
				m.accepted, s.markets[1].accepted)
		}
	}
	f("right", false, func(*sender, *reply) {})
	f("taken twice", true, func(_ *sender, got *reply) { got.Rejected -= 2; got.Throttled += 2 })
	f("refused", true, func(_ *sender, got *reply) { got.Rejected++; got.Throttled-- })
	f("not committed", true, func(_ *sender, got *reply) { got.Committed = false })
	f("one left out", true, func(_ *sender, got *reply) { got.Received-- })
	f("after 503", false, func(s *sender, got *reply) {
		s.unsure = true
		got.Rejected += got.Throttled
		got.Throttled = 0
	})
}

func TestBatchesCarryTheirQuotes(t *testing.T) {
	s := flying(t)
	lines := strings.Split(strings.TrimSuffix(string(s.body), "\n"), "\n")
	if len(lines) != len(s.flight) {
		t.Fatalf("%d lines for %d quotes", len(lines), len(s.flight))
	}
	for i := range lines {
		if want := string(s.of[i].append(nil, &s.flight[i])); lines[i]+"\n" != want {
			t.Errorf("line %d is %s, want %s", i, lines[i], want)
		}
	}
}
