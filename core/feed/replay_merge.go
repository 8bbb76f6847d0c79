package feed

import (
	"errors"
	"io"

	"tradingengine/core"
)

// recording is one file of a replay.
type recording struct {
	path  string
	size  int64
	first core.Time // Time of its first quote; 0 when it has none.
}

// merger gives the quotes of several files in order of time; of equal times, those of the earlier
// file first, and those of one file always in its own order. A file is open only while it is in
// use, so a year of daily files takes one descriptor. It belongs to one goroutine; close ends it.
type merger struct {
	parser *core.Parser
	files  []recording // Not opened yet, by first time.
	order  int         // Files opened so far.
	heads  timeHeap[*fileHead]
	used   int64 // Bytes of the files that are closed again.
	broken error // A file that could not be read on, after its last good quote.

	// refused is told of rows that are no quotes. The reader is good for a description until it
	// returns.
	refused func(r *fileReader, reason core.Reject)
}

// fileHead is an open file and the next quote of it.
type fileHead struct {
	reader *fileReader
	quote  core.Quote
}

// next sets q to the next quote, or returns io.EOF after the last.
func (m *merger) next(q *core.Quote) error {
	if m.broken != nil {
		return m.broken
	}
	for len(m.files) > 0 && (len(m.heads) == 0 || m.files[0].first <= m.heads[0].at) {
		if err := m.open(); err != nil {
			return err
		}
	}
	if len(m.heads) == 0 {
		return io.EOF
	}
	head := m.heads[0].item
	*q = head.quote
	err := m.read(head)
	if err == nil {
		m.heads.later(head.quote.Time)
		return nil
	}
	m.heads.pop()
	if !errors.Is(err, io.EOF) {
		m.broken = err
	}
	return m.finish(head)
}

// open takes the next file into use.
func (m *merger) open() error {
	reader, err := openFile(m.files[0].path, m.parser)
	if err != nil {
		return err
	}
	m.files = m.files[1:]
	m.order++
	head := &fileHead{reader: reader}
	switch err := m.read(head); {
	case errors.Is(err, io.EOF):
		return m.finish(head)
	case err != nil:
		return errors.Join(err, m.finish(head))
	}
	m.heads.push(head.quote.Time, m.order, head)
	return nil
}

// read sets the head to the next good row of its file.
func (m *merger) read(head *fileHead) error {
	for {
		reject, err := head.reader.next(&head.quote)
		if err != nil || reject == core.RejectNone {
			return err
		}
		m.refused(head.reader, reject)
	}
}

func (m *merger) finish(head *fileHead) error {
	m.used += head.reader.done()
	return head.reader.close()
}

// done returns how many bytes of the files were used.
func (m *merger) done() int64 {
	n := m.used
	for _, h := range m.heads {
		n += h.item.reader.done()
	}
	return n
}

func (m *merger) close() error {
	var err error
	for _, h := range m.heads {
		err = errors.Join(err, h.item.reader.close())
	}
	m.heads = nil
	return err
}
