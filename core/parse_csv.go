package core

import (
	"bytes"
	"errors"
	"fmt"
)

// ErrCSVHeader is returned for a first line that does not name the columns of quotes.
var ErrCSVHeader = errors.New("the CSV header must name symbol, bid and ask, and may name " +
	"time or time_ms, seq and lp")

// CSVColumns is what a CSV header said: which column holds which field.
type CSVColumns struct {
	fields []field
	known  []bool
	stored bool
}

// ParseCSVHeader reads the first line of a CSV file of quotes. Columns it does not know are
// ignored, as are a byte order mark and the case of the names.
func ParseCSVHeader(line []byte) (*CSVColumns, error) {
	line = bytes.TrimPrefix(bytes.TrimSpace(line), []byte("\xef\xbb\xbf"))
	c := &CSVColumns{}
	var have [fieldCount]bool
	for _, name := range bytes.Split(bytes.ToLower(line), []byte{','}) {
		name = bytes.Trim(bytes.TrimSpace(name), `"`)
		f, known := fieldOf(name)
		if known && have[f] {
			return nil, fmt.Errorf("%w; %s is there twice", ErrCSVHeader, fieldNames[f])
		}
		if known {
			have[f] = true
		}
		c.stored = c.stored || string(name) == "spread"
		c.fields = append(c.fields, f)
		c.known = append(c.known, known)
	}
	if !have[fieldSymbol] || !have[fieldBid] || !have[fieldAsk] {
		return nil, fmt.Errorf("%w; got %q", ErrCSVHeader, cut(string(line), 60))
	}
	return c, nil
}

// Stored reports whether the rows are stored ticks that an engine exported, told by their column
// spread: they passed the throttle once and need not pass it again.
func (c *CSVColumns) Stored() bool { return c.stored }

// CSV reads one quote from a line of a file with these columns. Values may be in double quotes.
func (p *Parser) CSV(columns *CSVColumns, line []byte, q *Quote) Reject {
	p.raw.have = [fieldCount]bool{}
	line = bytes.TrimSuffix(line, []byte{'\r'})
	column := 0
	for rest, more := line, true; more; column++ {
		var value []byte
		value, rest, more = nextColumn(rest)
		if column >= len(columns.fields) {
			return p.badLine("more columns than the header names")
		}
		if columns.known[column] {
			f := columns.fields[column]
			p.raw.fields[f], p.raw.have[f] = value, true
		}
	}
	if column < len(columns.fields) {
		return p.badLine("fewer columns than the header names")
	}
	return p.resolve(q)
}

// nextColumn cuts the first value off a line.
func nextColumn(line []byte) (value, rest []byte, more bool) {
	if i := bytes.IndexByte(line, ','); i >= 0 {
		value, rest, more = line[:i], line[i+1:], true
	} else {
		value = line
	}
	value = bytes.TrimSpace(value)
	if n := len(value); n >= 2 && value[0] == '"' && value[n-1] == '"' {
		value = value[1 : n-1]
	}
	return value, rest, more
}
