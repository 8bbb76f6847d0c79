package desk

import (
	"fmt"
	"testing"
	"testing/synctest"

	"tradingengine/core"
	"tradingengine/core/trading"
)

// TestOrderCounts trades every way there is and looks at what is counted: orders once they are
// committed, and what is open as soon as it is.
//
// It was seen to find changes counted as new orders, and orders counted before their commit.
func TestOrderCounts(t *testing.T) {
	bubble(t, Options{}, core.Options{}, func(s *stand) {
		s.quote("EURUSD", 110_000, 110_002)
		s.must(s.buy("EURUSD"), 201)
		s.must(s.buy("EURUSD"), 201)
		s.must(s.sellStop("EURUSD", 109_000), 201)
		s.must(s.sellStop("EURUSD", 108_000), 201)
		s.must(s.sellStop("EURUSD", 111_000), 422) // Passed already.
		s.must(s.do(func(m *trading.Machine, now core.Time) error {
			_, err := m.Amend(now, 4, trading.Amendment{Price: trading.To(core.Price(108_500))})
			return err
		}), 200)
		s.must(s.do(func(m *trading.Machine, now core.Time) error {
			_, err := m.Cancel(now, 4)
			return err
		}), 200)
		s.quote("EURUSD", 108_900, 108_902) // Fires the stop that is left.
		s.must(s.do(func(m *trading.Machine, now core.Time) error {
			_, err := m.ClosePosition(now, 1, 0)
			return err
		}), 200)
		want := "MARKET PENDING 3, MARKET FILLED 3, STOP PENDING 2, STOP FILLED 1, STOP CANCELED 1, " +
			"STOP REJECTED 1, 0 orders and 2 positions open"
		if got := counted(s.Stats()); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}

		s.memory.hold()
		held := s.later(s.buy("EURUSD"))
		if st := s.Stats(); st.Orders[trading.Market][trading.Filled] != 3 || st.OpenPositions != 3 {
			t.Errorf("before the commit: %s", counted(st))
		}
		s.memory.release()
		synctest.Wait()
		st := s.Stats()
		if !held.over || st.Orders[trading.Market][trading.Filled] != 4 {
			t.Errorf("after it: %s", counted(st))
		}
		commits := uint64(0)
		for _, n := range st.Times.Counts {
			commits += n
		}
		if commits != uint64(st.Commits) || commits == 0 {
			t.Errorf("%d commits were timed of %d", commits, st.Commits)
		}
	})
}

// do is a command of account 1 that must not fail.
func (s *stand) do(f func(m *trading.Machine, now core.Time) error) *Command {
	return &Command{Account: 1, Apply: func(m *trading.Machine, now core.Time) Answer {
		if err := f(m, now); err != nil {
			s.t.Error(err)
		}
		return Answer{Status: 200}
	}}
}

func counted(s Stats) (text string) {
	for kind := trading.Market; kind <= trading.TrailingStop; kind++ {
		for status := trading.Pending; status <= trading.Expired; status++ {
			if n := s.Orders[kind][status]; n != 0 {
				text += fmt.Sprintf("%s %s %d, ", kind, status, n)
			}
		}
	}
	return text + fmt.Sprintf("%d orders and %d positions open", s.OpenOrders, s.OpenPositions)
}
