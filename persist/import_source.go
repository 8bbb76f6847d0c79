package persist

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync/atomic"

	"tradingengine/core"
)

// importBatchRows is how many quotes travel together from the reader of a file to the merge.
const importBatchRows = 2048

// importBatch is what the reader of a file read: quotes in order of time, and what it refused.
type importBatch struct {
	quotes  []core.Quote
	refused importRefusals
	err     error // Nothing follows it.
}

// importSource reads and parses one file in a goroutine of its own. The merge receives its batches
// and gives them back; it owns everything but what run uses.
type importSource struct {
	file    *importFile
	batches chan *importBatch
	free    chan *importBatch
	lps     [core.SourcesMax + 1]core.SourceID // The id in the market file of a source, 0 not known.
	names   *core.Sources                      // The sources of this file.

	batch *importBatch
	next  int // The quote at hand in batch.
}

// quote is the quote at hand.
func (s *importSource) quote() *core.Quote { return &s.batch.quotes[s.next] }

// before orders sources by the quotes at hand.
func (s *importSource) before(o *importSource) bool {
	a, b := s.quote().Time, o.quote().Time
	return a < b || a == b && s.file.rank < o.file.rank
}

func newImportSource(f *importFile, lp string) (*importSource, error) {
	// Ids are given out by the merge, in the order of time; readers run beside each other and
	// would give them out as chance has it.
	names, err := core.NewSources([]string{lp})
	if err != nil {
		return nil, err
	}
	return &importSource{
		file: f, names: names,
		batches: make(chan *importBatch, 2), free: make(chan *importBatch, 4),
	}, nil
}

// run reads the file; it ends with the file, an error, or ctx, and then closes batches.
func (s *importSource) run(ctx context.Context, symbols *core.Registry, done *atomic.Int64) {
	defer close(s.batches)
	parser := &core.Parser{Symbols: symbols, Sources: s.names, DefaultSource: 1}
	lines, err := s.file.open(done)
	if err == nil {
		r := &importReader{source: s, lines: lines, parser: parser, batch: &importBatch{}}
		if err = r.read(ctx); err == nil && !s.file.sorted {
			err = r.sendSorted(ctx)
		}
		err = errors.Join(err, lines.close())
	}
	if err != nil {
		select {
		case s.batches <- &importBatch{err: err}:
		case <-ctx.Done():
		}
	}
}

// send hands a batch over and returns an empty one.
func (s *importSource) send(ctx context.Context, b *importBatch) (*importBatch, error) {
	select {
	case s.batches <- b:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case b = <-s.free:
		b.quotes, b.refused = b.quotes[:0], importRefusals{}
		return b, nil
	default:
		return &importBatch{}, nil
	}
}

// importReader is the state of a source's goroutine.
type importReader struct {
	source  *importSource
	lines   *importLines
	parser  *core.Parser
	columns *core.CSVColumns // Of a CSV file.
	batch   *importBatch
}

// read parses the file. Quotes of an unsorted file stay in one batch until all are there.
func (r *importReader) read(ctx context.Context) (err error) {
	f := r.source.file
	if !f.json {
		if r.columns, err = f.columns(r.lines); err != nil {
			return err
		}
	}
	for {
		line, err := r.lines.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return f.readError(err)
		}
		r.parse(line)
		rows := int64(len(r.batch.quotes)) + r.batch.refused.total
		if rows%importBatchRows == 0 {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if f.sorted {
				if r.batch, err = r.source.send(ctx, r.batch); err != nil {
					return err
				}
			}
		}
	}
	if f.sorted {
		_, err = r.source.send(ctx, r.batch)
	}
	return err
}

func (r *importReader) parse(line []byte) {
	q := core.Quote{Line: int32(r.lines.number)}
	reject, detail := core.RejectBadLine, ""
	switch {
	case line == nil:
		detail = fmt.Sprintf("the line is longer than %d bytes", importLineMax)
	case r.source.file.json:
		reject = r.parser.JSON(line, &q)
	default:
		reject = r.parser.CSV(r.columns, line, &q)
	}
	if reject == core.RejectNone && q.Time == 0 {
		reject, detail = core.RejectMissingField, "time is missing"
	}
	if reject == core.RejectNone {
		q.Seq = 0 // Numbers are the business of live senders.
		r.batch.quotes = append(r.batch.quotes, q)
		return
	}
	f, refused := r.source.file, &r.batch.refused
	refused.count(reject)
	if refused.keeps(f, r.lines.number) {
		if detail == "" {
			detail = r.parser.Detail(reject)
		}
		refused.keep(f, ImportRefusal{f.path, r.lines.number, reject, detail})
	}
}

// sendSorted puts the quotes of an unsorted file in order of time, quotes of equal time in order of
// the file, and sends them.
func (r *importReader) sendSorted(ctx context.Context) error {
	all := r.batch
	slices.SortStableFunc(all.quotes, func(a, b core.Quote) int {
		return compareTimes(a.Time, b.Time)
	})
	b := &importBatch{refused: all.refused}
	for run := range slices.Chunk(all.quotes, importBatchRows) {
		var err error
		b.quotes = append(b.quotes, run...)
		if b, err = r.source.send(ctx, b); err != nil {
			return err
		}
	}
	_, err := r.source.send(ctx, b)
	return err
}

func compareTimes(a, b core.Time) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
