package desk

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"tradingengine/core"
	"tradingengine/core/trading"
)

// TestKeyedCommandsHappenOnce repeats commands: while the first is under way, after its commit,
// when its answer is not in memory any more, and after a new start. Each gets the first answer, and
// there is one position for each key.
//
// It was seen to find a repeated answer that does not wait for the first one's commit, and a key
// that is not looked up in the journal.
func TestKeyedCommandsHappenOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		sleepUntil(core.Time(1_768_842_000_000_000))
		s := newStand(t, Options{}, core.Options{}, m).start()
		key := func(name string) Key { return Key{"order:1", name} }
		s.quote("EURUSD", 110_000, 110_002)
		m.hold()
		first, again := s.later(s.buy("EURUSD", key("a"))), s.later(s.buy("EURUSD", key("a")))
		other := s.buy("EURUSD", key("a"))
		other.Hash[0] = 1
		var reused *ReusedError
		if wrong := s.later(other); !errors.As(wrong.err, &reused) || reused.Key != key("a") {
			t.Errorf("another request under the key: %+v", wrong)
		}
		if first.over || again.over {
			t.Error("answered before the commit")
		}
		m.release()
		synctest.Wait()
		same := func(name string, got *later) {
			t.Helper()
			if !got.over || got.err != nil || !got.answer.Repeated ||
				string(got.answer.Body) != string(first.answer.Body) ||
				got.answer.Seq != first.answer.Seq || got.answer.Status != 201 {
				t.Errorf("%s: got %+v; want %+v again", name, got, first)
			}
		}
		if first.answer.Repeated {
			t.Error("the first answer says that it is repeated")
		}
		same("under way", again)
		same("in memory", s.later(s.buy("EURUSD", key("a"))))
		same("one of two keys", s.later(s.buy("EURUSD", key("new"), key("a"))))

		s.must(s.buy("EURUSD", key("b"), key("b"), key("c")), 201)
		if a := s.must(s.buy("EURUSD", key("c")), 201); !a.Repeated {
			t.Error("the second key was forgotten")
		}
		for i := range keysKept {
			s.must(&Command{
				Keys: []Key{{"many", fmt.Sprint(i)}},
				Apply: func(m *trading.Machine, now core.Time) Answer {
					if err := m.Transfer(now, 1, trading.Deposit, 1, ""); err != nil {
						t.Error(err)
					}
					return Answer{Status: 201}
				},
			}, 201)
		}
		s.must(s.buy("EURUSD"), 201) // Drops what was committed before.
		same("in the journal", s.later(s.buy("EURUSD", key("a"))))
		if wrong := s.later(other); !errors.As(wrong.err, &reused) {
			t.Errorf("another request under a key of the journal: %+v", wrong)
		}
		if n := s.Stats().LookUps; n != 2 {
			t.Errorf("%d keys were looked up; want 2", n)
		}
		s.stop()

		s = newStand(t, Options{}, core.Options{}, m).start()
		same("after a new start", s.later(s.buy("EURUSD", key("a"))))
		s.stop()
		if n := s.count("POSITION_OPENED"); n != 3 || s.err != nil {
			t.Errorf("%d positions; want 3; %v", n, s.err)
		}
	})
}

// TestCommandsWithoutEffectAreNotKept lets a command be tried again that had nothing to do.
func TestCommandsWithoutEffectAreNotKept(t *testing.T) {
	bubble(t, Options{}, core.Options{}, func(s *stand) {
		calls := 0
		c := &Command{
			Keys: []Key{{"key", "x"}},
			Apply: func(m *trading.Machine, now core.Time) Answer {
				calls++
				_, err := m.Cancel(now, 77)
				if !errors.Is(err, trading.ErrUnknownOrder) {
					t.Error(err)
				}
				return Answer{Status: 404}
			},
		}
		for range 2 {
			if a := s.must(c, 404); a.Repeated {
				t.Error("an answer was kept")
			}
		}
		if calls != 2 || len(s.memory.kept) != 0 {
			t.Errorf("%d calls, %d answers kept", calls, len(s.memory.kept))
		}
	})
}

// TestFilterForgetsNothing puts many keys into the filter: none is called new afterwards, and of
// others nearly all are.
func TestFilterForgetsNothing(t *testing.T) {
	s := newKeys()
	const n = 100_000
	for i := range n {
		s.mark(Key{"a", fmt.Sprint(i)})
	}
	wrong := 0
	for i := range n {
		if !s.used(Key{"a", fmt.Sprint(i)}) {
			t.Fatalf("key %d is called new", i)
		}
		if s.used(Key{"b", fmt.Sprint(i)}) {
			wrong++
		}
	}
	if wrong > 5 {
		t.Errorf("%d of %d new keys are called used", wrong, n)
	}
}

// TestKeysAreLookedUpWithoutHoles drops the answers of a key while its repeat is at the journal: the
// repeat is sent there again instead of being taken for new.
func TestKeysAreLookedUpWithoutHoles(t *testing.T) {
	s := newKeys()
	k := &call{command: &Command{Keys: []Key{{"a", "x"}}}}
	s.mark(k.command.Keys[0])
	if _, err := s.find(k); !errors.Is(err, errLookUp) {
		t.Fatalf("got %v", err)
	}
	again := &call{command: k.command, looked: true, known: k.known}
	if a, err := s.find(again); a != nil || err != nil {
		t.Errorf("looked up in vain: %v, %v", a, err)
	}
	for i := range keysKept + 1 {
		s.add(Key{"b", fmt.Sprint(i)}, Hash{}, &Answer{Seq: 1})
	}
	s.drop(0)
	again = &call{command: k.command, looked: true, known: k.known}
	if _, err := s.find(again); !errors.Is(err, errLookUp) {
		t.Errorf("after answers were dropped: %v", err)
	}
}
