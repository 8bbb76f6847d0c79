package core

import (
	"errors"
	"fmt"
	"strconv"
)

// Parser turns text of senders and files into quotes. It is for one goroutine at a time.
//
// A refused quote leaves the parser knowing what was wrong: Detail puts it into words, so that the
// words are only built when somebody will read them.
type Parser struct {
	Symbols *Registry
	Sources *Sources
	// DefaultSource is the lp of a quote that names none.
	DefaultSource SourceID

	raw   rawQuote
	fault string // What Detail says of a bad line.
}

// rawQuote is the text of the fields of one quote. Fields that alias the input are only valid
// until the next quote.
type rawQuote struct {
	fields [fieldCount][]byte
	have   [fieldCount]bool // Given, and not null.
	seen   [fieldCount]bool // Given, even as null.
}

type field uint8

const (
	fieldSymbol field = iota
	fieldBid
	fieldAsk
	fieldTime
	fieldSeq
	fieldLP
	fieldCount
)

var fieldNames = [fieldCount]string{"symbol", "bid", "ask", "time", "seq", "lp"}

// fieldOf finds a field by its name; ok is false for names that are ignored.
func fieldOf(name []byte) (f field, ok bool) {
	switch string(name) {
	case "symbol":
		return fieldSymbol, true
	case "bid":
		return fieldBid, true
	case "ask":
		return fieldAsk, true
	case "time", "time_ms":
		return fieldTime, true
	case "seq":
		return fieldSeq, true
	case "lp":
		return fieldLP, true
	}
	return 0, false
}

func (p *Parser) badLine(fault string) Reject {
	p.fault = fault
	return RejectBadLine
}

// resolve makes a quote of the fields, testing in the order of the Reject constants. A new source
// name is registered only when nothing else can be told to be wrong with the quote.
func (p *Parser) resolve(q *Quote) Reject {
	r := &p.raw
	p.fault = ""
	for f := fieldSymbol; f <= fieldAsk; f++ {
		if !r.have[f] || len(r.fields[f]) == 0 {
			p.fault = fieldNames[f]
			return RejectMissingField
		}
	}
	id, ok := p.Symbols.Lookup(r.fields[fieldSymbol])
	if !ok {
		return RejectUnknownSymbol
	}
	digits := p.Symbols.Symbol(id).Digits
	bid, bidFault := ParsePrice(r.fields[fieldBid], digits)
	ask, askFault := ParsePrice(r.fields[fieldAsk], digits)
	*q = Quote{Symbol: id, Bid: bid, Ask: ask, Source: p.DefaultSource, Line: q.Line}
	for _, reject := range [...]Reject{RejectBadNumber, RejectPriceDigits} {
		if bidFault == reject || askFault == reject {
			p.fault = fieldNames[fieldBid]
			if bidFault != reject {
				p.fault = fieldNames[fieldAsk]
			}
			return reject
		}
		if reject == RejectBadNumber {
			if fault := p.resolveNumbers(q); fault != RejectNone {
				return fault
			}
		}
	}
	return p.resolveSource(q)
}

// resolveNumbers reads time and seq.
func (p *Parser) resolveNumbers(q *Quote) Reject {
	r := &p.raw
	if r.have[fieldTime] && len(r.fields[fieldTime]) > 0 {
		t, err := parseTimeBytes(r.fields[fieldTime])
		if err != nil {
			p.fault = fieldNames[fieldTime]
			return RejectBadNumber
		}
		q.Time = t
	}
	if r.have[fieldSeq] && len(r.fields[fieldSeq]) > 0 {
		n, ok := parseDigits(r.fields[fieldSeq])
		if !ok || n == 0 {
			p.fault = fieldNames[fieldSeq]
			return RejectBadNumber
		}
		q.Seq = uint64(n)
	}
	return RejectNone
}

func (p *Parser) resolveSource(q *Quote) Reject {
	r := &p.raw
	if !r.have[fieldLP] || len(r.fields[fieldLP]) == 0 {
		return RejectNone
	}
	if id, ok := p.Sources.Lookup(r.fields[fieldLP]); ok {
		q.Source = id
		return RejectNone
	}
	if CheckPrices(q.Bid, q.Ask) != RejectNone {
		return RejectNone // The shard refuses it; its name must not take a place.
	}
	id, err := p.Sources.Register(string(r.fields[fieldLP]))
	switch {
	case errors.Is(err, ErrTooManySources):
		p.fault = err.Error()
		return RejectTooManySources
	case err != nil:
		return p.badLine(err.Error())
	}
	q.Source = id
	return RejectNone
}

// Detail says in plain words why the last quote was refused.
func (p *Parser) Detail(reason Reject) string {
	r := &p.raw
	text := func(f field) string { return cut(string(r.fields[f]), 40) }
	named := func() string {
		f, _ := fieldOf([]byte(p.fault))
		return p.fault + " " + strconv.Quote(text(f))
	}
	switch reason {
	case RejectMissingField:
		return p.fault + " is missing"
	case RejectUnknownSymbol:
		_, err := p.Symbols.Find(string(r.fields[fieldSymbol]))
		return trimWrap(err, ErrUnknownSymbol)
	case RejectBadNumber:
		switch p.fault {
		case "time":
			return named() + " is neither RFC 3339 nor a whole epoch in s, ms or µs"
		case "seq":
			return named() + " is not a whole number above 0"
		}
		return named() + " is not a plain decimal"
	case RejectPriceDigits:
		id, _ := p.Symbols.Lookup(r.fields[fieldSymbol])
		s := p.Symbols.Symbol(id)
		return fmt.Sprintf("%s has more than the %d decimals of %s; set \"digits\" of %s in a "+
			"-symbols file", named(), s.Digits, s.Name, s.Name)
	default:
		return p.fault
	}
}

// trimWrap returns the text of err without the sentinel it starts with.
func trimWrap(err, sentinel error) string {
	if err == nil {
		return sentinel.Error()
	}
	text, prefix := err.Error(), sentinel.Error()+": "
	if len(text) > len(prefix) && text[:len(prefix)] == prefix {
		return text[len(prefix):]
	}
	return text
}

// parseTimeBytes is ParseTime without an allocation for epochs.
func parseTimeBytes(s []byte) (Time, error) {
	if n, ok := parseDigits(s); ok {
		return EpochTime(n)
	}
	return ParseTime(string(s))
}

// parseDigits reads a whole number of at most 18 digits.
func parseDigits(s []byte) (n int64, ok bool) {
	if len(s) == 0 || len(s) > 18 {
		return 0, false
	}
	for _, c := range s {
		if c-'0' > 9 {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}
