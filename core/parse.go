package core

import (
	"fmt"
	"strconv"
	"time"
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

	bareTime bool // The time is a JSON number, so only an epoch will do.
}

func (r *rawQuote) reset() {
	r.have, r.seen, r.bareTime = [fieldCount]bool{}, [fieldCount]bool{}, false
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
	source, known := p.DefaultSource, true
	if r.have[fieldLP] && len(r.fields[fieldLP]) > 0 {
		source, known = p.Sources.Lookup(r.fields[fieldLP])
		if !known && !validSourceName(string(r.fields[fieldLP])) {
			return p.badLine(ErrSourceName.Error())
		}
	}
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
	*q = Quote{Symbol: id, Bid: bid, Ask: ask, Source: source, Line: q.Line}
	if p.fault = priceFault(bidFault, askFault, RejectBadNumber); p.fault != "" {
		return RejectBadNumber
	}
	if reject := p.resolveNumbers(q); reject != RejectNone {
		return reject
	}
	if p.fault = priceFault(bidFault, askFault, RejectPriceDigits); p.fault != "" {
		return RejectPriceDigits
	}
	if !known && CheckPrices(bid, ask) == RejectNone {
		return p.register(q)
	}
	return RejectNone // If its prices are wrong the shard says so; its lp must not take a place.
}

// priceFault names the price that has this fault, or "".
func priceFault(bid, ask, fault Reject) string {
	switch fault {
	case bid:
		return fieldNames[fieldBid]
	case ask:
		return fieldNames[fieldAsk]
	}
	return ""
}

// resolveNumbers reads time and seq.
func (p *Parser) resolveNumbers(q *Quote) Reject {
	r := &p.raw
	if r.have[fieldTime] && len(r.fields[fieldTime]) > 0 {
		t, err := parseTimeBytes(r.fields[fieldTime], !r.bareTime)
		if err != nil || t < 0 {
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

// register gives the quote's new lp an id.
func (p *Parser) register(q *Quote) Reject {
	id, err := p.Sources.Register(string(p.raw.fields[fieldLP]))
	if err != nil {
		p.fault = err.Error()
		return RejectTooManySources // The name itself is known to be good.
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

// parseTimeBytes is ParseTime without an allocation, and without the text in the error; text says
// whether RFC 3339 will do.
func parseTimeBytes(s []byte, text bool) (Time, error) {
	if n, ok := parseDigits(s); ok {
		return EpochTime(n)
	}
	if text {
		if t, err := time.Parse(time.RFC3339Nano, string(s)); err == nil {
			return TimeOf(t), nil
		}
	}
	return 0, ErrTime
}
