package torture

import (
	"context"
	"errors"
	"sync"
	"time"

	"tradingengine/bench/internal/server"
	"tradingengine/bench/internal/wire"
)

// firstAnswer asks for the newest tick of one symbol until the first answer.
func (t *torture) firstAnswer(client *server.Client, killed time.Time) (time.Duration, error) {
	c := newChecker(client, &Findings{}) // What is wrong is found again, and counted.
	s := t.senders[0]
	if err := t.settle(c, s, s.markets[0]); err != nil {
		return 0, err
	}
	is, err := c.newest(s.markets[0])
	if err != nil || !is || !c.found.Clean() {
		return 0, err
	}
	right := time.Since(killed)
	t.report.Right = append(t.report.Right, right)
	return right, nil
}

// settle finds out which quotes of a market the server holds.
func (t *torture) settle(c *checker, s *sender, m *market) error {
	held, err := c.held(m)
	if err != nil {
		return err
	}
	found, lost, extra := s.settle(m, held)
	t.report.Found += found
	c.found.note(&c.found.LostQuotes, lost, "%s: the bars hold %d quotes, %d were acknowledged",
		m.symbol, held, m.accepted)
	c.found.note(&c.found.DoubledQuotes, extra, "%s: the bars hold %d quotes, only %d were sent",
		m.symbol, held, m.accepted)
	return nil
}

// check compares what the server knows with what the senders know: what is new, or everything.
func (t *torture) check(c *checker, all bool) error {
	for _, s := range t.senders {
		for _, m := range s.markets {
			if err := t.settle(c, s, m); err != nil {
				return err
			}
		}
	}
	if c.found.LostQuotes+c.found.DoubledQuotes > 0 {
		return nil // Ticks and bars are other ones then, and say no more.
	}
	for _, s := range t.senders {
		for _, m := range s.markets {
			if err := c.ticks(m); err != nil {
				return err
			}
			if all {
				if err := c.allTicks(m); err != nil {
					return err
				}
			}
			if err := c.bars(m, all); err != nil {
				return err
			}
		}
	}
	return nil
}

// finish has the last batches acknowledged, then compares everything, and the counters.
func (t *torture) finish(ctx context.Context) (err error) {
	var running sync.WaitGroup
	for _, s := range t.senders {
		running.Go(func() { s.run(ctx, t.child.address, true) })
	}
	running.Wait()
	t.report.Acknowledged = t.acknowledged()
	t.answers()
	client := server.NewClient(wire.Options{Address: t.child.address})
	defer func() { err = errors.Join(err, client.Close()) }()
	c := newChecker(client, &t.report.Findings)
	if err := t.check(c, true); err != nil {
		return err
	}
	return t.counters(c)
}

// counters compares what the newest server counted with what was sent to it.
func (t *torture) counters(c *checker) error {
	stats, err := c.client.Stats()
	if err != nil {
		return err
	}
	var sent int64
	for _, s := range t.senders {
		sent += s.sent
	}
	quotes, counted := stats.QuotesRemainder()
	ticks, alike := stats.TicksRemainder()
	f := c.found
	switch {
	case !counted || !alike:
		f.note(&f.WrongAnswers, 1, "/api/stats does not count quotes and ticks at one moment")
	case quotes != 0 || ticks != 0:
		f.note(&f.WrongAnswers, 1, "/api/stats does not add up: quotes %+v, ticks %+v", *stats.Quotes,
			*stats.Ticks)
	case stats.Quotes.Received != sent || stats.Ticks.Lost != 0:
		f.note(&f.WrongAnswers, 1, "/api/stats: %d quotes received, %d ticks lost; %d quotes were sent",
			stats.Quotes.Received, stats.Ticks.Lost, sent)
	}
	return nil
}
