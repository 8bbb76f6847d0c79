package persist

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"tradingengine/core"
)

// importMerge brings the quotes of all files into the order of their times; quotes of equal time
// come in the order of the files' names, and inside a file as they stand. A file is opened when
// the merge comes to its first quote, so thousands of daily files need few open ones.
type importMerge struct {
	symbols *core.Registry
	lp      string // Of quotes that name none.
	meter   *importMeter
	refused *importRefusals

	waiting []*importFile // By their first time.
	ahead   *importSource // Started, so that it has read something when its turn comes.
	open    mergeHeap[*importSource]
	last    core.Time
	readers sync.WaitGroup
}

// run calls take for every quote in order. It returns when all readers have ended.
func (m *importMerge) run(ctx context.Context, files []*importFile,
	take func(*importSource, *core.Quote) error,
) error {
	ctx, cancel := context.WithCancel(ctx)
	defer m.readers.Wait()
	defer cancel()
	m.open.before = (*importSource).before
	m.waiting = slices.Clone(files)
	slices.SortStableFunc(m.waiting, func(a, b *importFile) int {
		return cmp.Compare(a.first, b.first)
	})
	for {
		if err := m.openDue(ctx); err != nil {
			return err
		}
		if len(m.open.items) == 0 {
			return ctx.Err()
		}
		s := m.open.first()
		q := s.quote()
		if q.Time < m.last {
			return fmt.Errorf("%w: %s changed while it was read", ErrImportFile, s.file.path)
		}
		m.last = q.Time
		if err := take(s, q); err != nil {
			return err
		}
		if err := m.next(ctx, s); err != nil {
			return err
		}
	}
}

// next moves the first source to its next quote.
func (m *importMerge) next(ctx context.Context, s *importSource) error {
	s.next++
	if s.next == len(s.batch.quotes) {
		if err := m.refill(ctx, s); err != nil {
			return err
		}
		if s.batch == nil {
			m.open.drop()
			return nil
		}
	}
	m.open.settle()
	return nil
}

// openDue opens every file whose first quote is due, and the next one if nothing is open.
func (m *importMerge) openDue(ctx context.Context) error {
	for len(m.waiting) > 0 && (len(m.open.items) == 0 ||
		m.waiting[0].first <= m.open.first().quote().Time) {
		s := m.ahead
		if m.ahead = nil; s == nil {
			var err error
			if s, err = m.start(ctx, m.waiting[0]); err != nil {
				return err
			}
		}
		m.waiting = m.waiting[1:]
		if len(m.waiting) > 0 && m.waiting[0].sorted {
			var err error
			if m.ahead, err = m.start(ctx, m.waiting[0]); err != nil {
				return err
			}
		}
		if err := m.refill(ctx, s); err != nil {
			return err
		}
		if s.batch != nil {
			m.open.push(s)
		}
	}
	return nil
}

func (m *importMerge) start(ctx context.Context, f *importFile) (*importSource, error) {
	if !f.sorted {
		m.meter.sorting(f.path)
	}
	s, err := newImportSource(f, m.lp)
	if err != nil {
		return nil, err
	}
	m.readers.Go(func() { s.run(ctx, m.symbols, &m.meter.done) })
	return s, nil
}

// refill receives the next batch that holds a quote; s.batch is nil after the last one.
func (m *importMerge) refill(ctx context.Context, s *importSource) error {
	for {
		if b := s.batch; b != nil {
			s.batch = nil
			select {
			case s.free <- b:
			default:
			}
		}
		b, more := <-s.batches
		if !more {
			return ctx.Err()
		}
		if b.err != nil {
			return b.err
		}
		m.refused.merge(&b.refused)
		m.meter.rows(int64(len(b.quotes)) + b.refused.total)
		s.batch, s.next = b, 0
		if len(b.quotes) > 0 {
			return nil
		}
	}
}
