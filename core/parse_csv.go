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
	for rest, more := bytes.ToLower(line), true; more; {
		var name []byte
		var ok bool
		if name, rest, more, ok = nextColumn(rest); !ok {
			return nil, fmt.Errorf("%w; %s", ErrCSVHeader, badQuotes)
		}
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

const badQuotes = "a value opens with a double quote and does not close with one"

// CSV reads one quote from a line of a file with these columns. Values may be in double quotes.
func (p *Parser) CSV(columns *CSVColumns, line []byte, q *Quote) Reject {
	p.raw.reset()
	column := 0
	for rest, more := line, true; more; column++ {
		var value []byte
		var ok bool
		if value, rest, more, ok = nextColumn(rest); !ok {
			return p.badLine(badQuotes)
		}
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

// nextColumn cuts the first value off a line. It is not ok when the value opens with a double
// quote that no quote before a comma or the end closes. A doubled quote inside stays doubled: no
// field of a quote may hold one.
func nextColumn(line []byte) (value, rest []byte, more, ok bool) {
	line = line[skipSpace(line, 0):]
	if len(line) == 0 || line[0] != '"' {
		if i := bytes.IndexByte(line, ','); i >= 0 {
			return trimRight(line[:i]), line[i+1:], true, true
		}
		return trimRight(line), nil, false, true
	}
	end := 1
	for ; end < len(line); end++ {
		if line[end] != '"' {
			continue
		}
		if end+1 == len(line) || line[end+1] != '"' {
			break
		}
		end++
	}
	if end >= len(line) {
		return nil, nil, false, false
	}
	value, rest = line[1:end], line[skipSpace(line, end+1):]
	if len(rest) == 0 {
		return value, nil, false, true
	}
	return value, rest[1:], true, rest[0] == ','
}

// trimRight is skipSpace from the other end; a line's carriage return goes too.
func trimRight(s []byte) []byte {
	for len(s) > 0 && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t' || s[len(s)-1] == '\r') {
		s = s[:len(s)-1]
	}
	return s
}
