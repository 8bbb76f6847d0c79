package desk

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"tradingengine/core"
	"tradingengine/core/trading"
)

var errDisk = errors.New("the disk said no")

// TestTooManyUncommittedEvents holds the journal: commands are refused above one bound while quotes
// go on, and above the other the desk ends and nobody gets an answer.
//
// It was seen to find a bound that counts only what the machine has.
func TestTooManyUncommittedEvents(t *testing.T) {
	bubble(t, Options{Behind: 20, BehindMax: 40}, core.Options{}, func(s *stand) {
		s.quote("EURUSD", 110_000, 110_002)
		s.memory.hold()
		var held []*later
		for range 7 { // Each has three events.
			held = append(held, s.later(s.buy("EURUSD")))
		}
		if refused := s.later(s.buy("EURUSD")); !errors.Is(refused.err, ErrBehind) {
			t.Errorf("with %d events waiting: %+v", s.Stats().Head-s.Committed(), refused)
		}
		s.memory.release()
		synctest.Wait()
		for _, l := range held {
			if !l.over || l.err != nil {
				t.Errorf("after the commit: %+v", l)
			}
		}
		for i := range 7 {
			s.must(s.sellStop("EURUSD", core.Price(109_000-i)), 201)
		}
		s.memory.hold()
		held = []*later{s.later(s.buy("EURUSD")), s.later(s.buy("EURUSD")), s.later(s.buy("EURUSD"))}
		sent := s.send("EURUSD", 109_990, 109_992, true)
		s.quote("EURUSD", 108_000, 108_002) // Fires seven stops, each with two events.
		if s.Stats().Quotes == 0 || s.Failed() != nil {
			t.Errorf("%d quotes taken, %v", s.Stats().Quotes, s.Failed())
		}
		if refused := s.later(s.buy("EURUSD")); !errors.Is(refused.err, ErrBehind) {
			t.Errorf("behind: %+v", refused)
		}
		for i := range 7 {
			s.quote("EURUSD", core.Price(108_000+i), core.Price(108_002+i))
		}
		if s.Failed() != nil {
			t.Errorf("ended with %d events waiting", s.Stats().Head-s.Committed())
		}
		s.memory.release()
		synctest.Wait()
		for _, l := range held {
			if !l.over || l.err != nil {
				t.Errorf("%+v", l)
			}
		}
		s.engine.Committed(s.engine.Applied(nil), nil)
		if _, _, err := sent.Wait(context.Background()); err != nil {
			t.Error(err)
		}
		sent.Release()
	})
}

// TestDeskEndsFarBehind has quotes do more than may wait.
func TestDeskEndsFarBehind(t *testing.T) {
	bubble(t, Options{BehindMax: 15}, core.Options{}, func(s *stand) {
		s.quote("EURUSD", 110_000, 110_002)
		for i := range 8 {
			s.must(s.sellStop("EURUSD", core.Price(109_000-i)), 201)
		}
		s.memory.hold()
		waiting := s.later(s.buy("EURUSD"))
		sent := s.send("EURUSD", 108_000, 108_002, true)
		synctest.Wait()
		if s.Failed() == nil {
			t.Fatalf("the desk goes on with %d events waiting", s.Stats().Head-s.Committed())
		}
		if _, _, err := sent.Wait(context.Background()); !errors.Is(err, ErrFailed) {
			t.Errorf("the sender got %v", err)
		}
		s.memory.release()
		synctest.Wait()
		// The group that was under way may still be committed, and then its caller is told so.
		if !waiting.over || waiting.err != nil && !errors.Is(waiting.err, ErrFailed) {
			t.Errorf("the caller got %+v", waiting)
		}
		if _, err := s.Do(context.Background(), s.buy("EURUSD")); !errors.Is(err, ErrFailed) &&
			!errors.Is(err, ErrStopped) {
			t.Errorf("afterwards: %v", err)
		}
		s.shardsGoOn()
	})
}

// shardsGoOn sends many quotes of a watched symbol, which nobody takes any more.
func (s *stand) shardsGoOn() {
	s.t.Helper()
	before := s.engine.Stats().Received
	for i := range 3000 {
		s.send("EURUSD", core.Price(108_000+i%9), core.Price(108_020), false).Release()
		if i%500 == 0 {
			synctest.Wait()
		}
	}
	time.Sleep(time.Second)
	synctest.Wait()
	if n := s.engine.Stats().Received - before; n != 3000 {
		s.t.Errorf("%d of 3000 quotes were applied after the desk ended", n)
	}
}

// TestFullDiskRefusesCommands has commits fail for a while: commands are refused, quotes go on,
// reads of what is not committed wait, and then all goes on with nothing lost.
//
// It was seen to find a failed group that is dropped, and commands that are taken while commits
// fail.
func TestFullDiskRefusesCommands(t *testing.T) {
	bubble(t, Options{}, core.Options{}, func(s *stand) {
		s.quote("EURUSD", 110_000, 110_002)
		s.must(s.sellStop("EURUSD", 109_000), 201)
		s.memory.fail(fmt.Errorf("%w: %w", ErrPassing, errDisk))
		waiting := s.later(s.buy("EURUSD"))
		time.Sleep(10 * time.Second)
		if refused := s.later(s.buy("EURUSD")); !errors.Is(refused.err, ErrJournal) {
			t.Errorf("got %+v; want ErrJournal", refused)
		}
		s.quote("EURUSD", 108_000, 108_002)
		if waiting.over || s.Failed() != nil || !s.Stats().JournalDown || s.Stats().Quotes != 1 {
			t.Errorf("over %v, %v, %+v", waiting.over, s.Failed(), s.Stats())
		}
		s.memory.fail(nil)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if !waiting.over || waiting.err != nil || s.Stats().JournalDown {
			t.Errorf("%+v when the disk has room again", waiting)
		}
		if n := s.count("POSITION_OPENED"); n != 2 {
			t.Errorf("%d positions; want the order's and the stop's", n)
		}
		s.must(s.buy("EURUSD"), 201)
	})
}

// TestBrokenJournalEndsTheDesk has a commit fail for good: everybody who waits is told, and Run
// returns the error.
func TestBrokenJournalEndsTheDesk(t *testing.T) {
	bubble(t, Options{}, core.Options{}, func(s *stand) {
		s.quote("EURUSD", 110_000, 110_002)
		s.must(s.sellStop("EURUSD", 109_000), 201)
		s.memory.hold()
		s.memory.fail(errDisk)
		first, second := s.later(s.buy("EURUSD")), s.later(s.buy("EURUSD"))
		sent := s.send("EURUSD", 108_000, 108_002, true)
		synctest.Wait()
		s.memory.release()
		s.running.Wait()
		synctest.Wait()
		for _, l := range []*later{first, second} {
			if !l.over || !errors.Is(l.err, ErrFailed) || !errors.Is(l.err, errDisk) {
				t.Errorf("a caller got %+v", l)
			}
		}
		if _, _, err := sent.Wait(context.Background()); !errors.Is(err, errDisk) {
			t.Errorf("the sender got %v", err)
		}
		if !errors.Is(s.err, errDisk) || !errors.Is(s.Failed(), errDisk) {
			t.Errorf("Run returned %v, Failed %v", s.err, s.Failed())
		}
		s.shardsGoOn()
	})
}

// TestTheEndIsNotWaitedForForEver stops a desk whose journal takes nothing.
func TestTheEndIsNotWaitedForForEver(t *testing.T) {
	bubble(t, Options{FinalTimeout: 3 * time.Second}, core.Options{}, func(s *stand) {
		s.quote("EURUSD", 110_000, 110_002)
		s.memory.fail(fmt.Errorf("%w: %w", ErrPassing, errDisk))
		waiting := s.later(s.buy("EURUSD"))
		start := time.Now()
		s.stop()
		synctest.Wait()
		if took := time.Since(start); took < 3*time.Second || took > 5*time.Second {
			t.Errorf("took %s", took)
		}
		if !waiting.over || !errors.Is(waiting.err, ErrFailed) || !errors.Is(s.err, ErrFailed) {
			t.Errorf("the caller got %+v, Run %v", waiting, s.err)
		}
	})
}

// TestBusyDeskRefuses fills the inbox while the desk is held up by a slow read.
func TestBusyDeskRefuses(t *testing.T) {
	bubble(t, Options{}, core.Options{Messages: 3}, func(s *stand) {
		gate := make(chan struct{})
		blocked := s.later(&Command{
			Apply: func(*trading.Machine, core.Time) Answer {
				<-gate
				return Answer{}
			},
		})
		nothing := func(*trading.Machine, core.Time) Answer { return Answer{} }
		var queued []*later
		for range 2 {
			queued = append(queued, s.later(&Command{Apply: nothing}))
		}
		if refused := s.later(&Command{Apply: nothing}); !errors.Is(refused.err, ErrBusy) {
			t.Errorf("got %+v; want ErrBusy", refused)
		}
		close(gate)
		synctest.Wait()
		for _, l := range append(queued, blocked) {
			if !l.over || l.err != nil {
				t.Errorf("%+v", l)
			}
		}
		if s.Stats().Busy != 1 {
			t.Errorf("%+v", s.Stats())
		}
	})
}
