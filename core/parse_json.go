package core

import (
	"encoding/json"
	"fmt"
)

// nestingMax is how deep an ignored value of a quote may be nested.
const nestingMax = 16

const notObject = "not a JSON object"

// JSON reads one quote from a JSON object. Fields it does not know are ignored. Numbers may be
// given as strings. Words in the place of a number (NaN, 1e5, 0x10) are the business of the
// number's own test, so that they get its code.
func (p *Parser) JSON(object []byte, q *Quote) Reject {
	p.raw.reset()
	i := skipSpace(object, 0)
	if i >= len(object) || object[i] != '{' {
		return p.badLine(notObject)
	}
	i = skipSpace(object, i+1)
	for last := i < len(object) && object[i] == '}'; !last; {
		next, fault := p.member(object, i)
		if fault != "" {
			return p.badLine(fault)
		}
		i = skipSpace(object, next)
		switch {
		case i < len(object) && object[i] == ',':
			i = skipSpace(object, i+1)
		case i < len(object) && object[i] == '}':
			last = true
		default:
			return p.badLine(notObject)
		}
	}
	if skipSpace(object, i+1) != len(object) {
		return p.badLine("text after the JSON object")
	}
	return p.resolve(q)
}

// member reads `"name": value` at i and returns the index after it.
func (p *Parser) member(s []byte, i int) (next int, fault string) {
	name, i, ok := scanString(s, i)
	if !ok {
		return 0, notObject
	}
	i = skipSpace(s, i)
	if i >= len(s) || s[i] != ':' {
		return 0, notObject
	}
	i = skipSpace(s, i+1)
	f, known := fieldOf(name)
	if !known {
		return skipValue(s, i)
	}
	if p.raw.seen[f] {
		return 0, "the field " + fieldNames[f] + " is given twice"
	}
	p.raw.seen[f] = true
	return p.value(f, s, i)
}

// value reads the value of a known field at s[i] and returns the index after it.
func (p *Parser) value(f field, s []byte, i int) (next int, fault string) {
	var value []byte
	switch {
	case i < len(s) && s[i] == '"':
		var ok bool
		if value, next, ok = scanString(s, i); !ok {
			return 0, notObject
		}
	case i < len(s) && (s[i] == '{' || s[i] == '['):
		return 0, "the field " + fieldNames[f] + " is not a plain value"
	default:
		next = i
		for next < len(s) && !endsValue(s[next]) {
			next++
		}
		if value = s[i:next]; len(value) == 0 {
			return 0, notObject
		}
		if string(value) == "null" {
			return next, ""
		}
		if f == fieldSymbol || f == fieldLP {
			return 0, "the field " + fieldNames[f] + " is not a string"
		}
		p.raw.bareTime = p.raw.bareTime || f == fieldTime
	}
	p.raw.fields[f], p.raw.have[f] = value, true
	return next, ""
}

func endsValue(c byte) bool {
	return c == ',' || c == '}' || c == ']' || c == ' ' || c == '\t' || c == '\n' || c == '\r'
}

func skipSpace(s []byte, i int) int {
	for i < len(s) && (s[i] == ' ' || s[i] == '\t' || s[i] == '\n' || s[i] == '\r') {
		i++
	}
	return i
}

// scanString reads the string that opens at s[i]; escapes take the slow way.
func scanString(s []byte, i int) (text []byte, next int, ok bool) {
	if i >= len(s) || s[i] != '"' {
		return nil, 0, false
	}
	escaped := false
	for j := i + 1; j < len(s); j++ {
		switch c := s[j]; {
		case c == '\\':
			escaped = true
			j++
		case c == '"':
			if !escaped {
				return s[i+1 : j], j + 1, true
			}
			var out string
			if json.Unmarshal(s[i:j+1], &out) != nil {
				return nil, 0, false
			}
			return []byte(out), j + 1, true
		case c < ' ':
			return nil, 0, false
		}
	}
	return nil, 0, false
}

// skipValue returns the index after the value of an ignored field at s[i]. It finds the end by
// itself, so that depth stays bounded, and leaves the grammar to encoding/json.
func skipValue(s []byte, i int) (next int, fault string) {
	depth, start := 0, i
	for {
		if i >= len(s) {
			return 0, notObject
		}
		switch s[i] {
		case '"':
			var ok bool
			if _, i, ok = scanString(s, i); !ok {
				return 0, notObject
			}
		case '{', '[':
			if depth++; depth > nestingMax {
				return 0, fmt.Sprintf("a value is nested more than %d deep", nestingMax)
			}
			i++
		case '}', ']':
			depth--
			i++
		case ',', ':', ' ', '\t', '\n', '\r':
			i++
		default:
			for i < len(s) && !endsValue(s[i]) && s[i] != ':' {
				i++
			}
		}
		if depth <= 0 {
			break
		}
	}
	if !json.Valid(s[start:i]) {
		return 0, notObject
	}
	return i, ""
}
