package core

import (
	"bytes"
	"encoding/json"
)

// nestingMax is how deep an ignored value of a quote may be nested.
const nestingMax = 16

// JSON reads one quote from a JSON object. Fields it does not know are ignored. Numbers may be
// given as strings. Words in the place of a number (NaN, 1e5, 0x10) are the business of the
// number's own test, so that they get its code.
func (p *Parser) JSON(object []byte, q *Quote) Reject {
	p.raw.have = [fieldCount]bool{}
	p.raw.seen = [fieldCount]bool{}
	s := bytes.TrimSpace(object)
	if len(s) < 2 || s[0] != '{' {
		return p.badLine("not a JSON object")
	}
	i := skipSpace(s, 1)
	if i < len(s) && s[i] == '}' {
		i++
	} else {
		for {
			next, fault := p.member(s, i)
			if fault != "" {
				return p.badLine(fault)
			}
			i = skipSpace(s, next)
			if i < len(s) && s[i] == ',' {
				i = skipSpace(s, i+1)
				continue
			}
			if i < len(s) && s[i] == '}' {
				i++
				break
			}
			return p.badLine("not a JSON object")
		}
	}
	if i != len(s) {
		return p.badLine("text after the JSON object")
	}
	return p.resolve(q)
}

// member reads `"name": value` at i and returns the index after it.
func (p *Parser) member(s []byte, i int) (next int, fault string) {
	name, i, ok := scanString(s, i)
	if !ok {
		return 0, "not a JSON object"
	}
	i = skipSpace(s, i)
	if i >= len(s) || s[i] != ':' {
		return 0, "not a JSON object"
	}
	i = skipSpace(s, i+1)
	f, known := fieldOf(name)
	if !known {
		if next = skipValue(s, i); next < 0 {
			return 0, "not a JSON object"
		}
		return next, ""
	}
	if p.raw.seen[f] {
		return 0, "the field " + fieldNames[f] + " is given twice"
	}
	p.raw.seen[f] = true
	var value []byte
	switch {
	case i < len(s) && s[i] == '"':
		if value, next, ok = scanString(s, i); !ok {
			return 0, "not a JSON object"
		}
	case i < len(s) && (s[i] == '{' || s[i] == '['):
		return 0, "the field " + fieldNames[f] + " is not a plain value"
	default:
		next = i
		for next < len(s) && !endsValue(s[next]) {
			next++
		}
		if value = s[i:next]; len(value) == 0 {
			return 0, "not a JSON object"
		}
		if string(value) == "null" {
			return next, ""
		}
		if f == fieldSymbol || f == fieldLP {
			return 0, "the field " + fieldNames[f] + " is not a string"
		}
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

// skipValue returns the index after the value at s[i], or −1 when there is none.
func skipValue(s []byte, i int) int {
	depth := 0
	for {
		i = skipSpace(s, i)
		if i >= len(s) {
			return -1
		}
		start := i
		switch s[i] {
		case '"':
			_, next, ok := scanString(s, i)
			if !ok {
				return -1
			}
			i = next
		case '{', '[':
			depth++
			if depth > nestingMax {
				return -1
			}
			i++
			continue
		case '}', ']', ',', ':':
			if depth == 0 {
				return -1
			}
			if s[i] == '}' || s[i] == ']' {
				depth--
			}
			i++
		default:
			for i < len(s) && !endsValue(s[i]) && s[i] != ':' {
				i++
			}
			if i == start {
				return -1
			}
		}
		if depth == 0 {
			return i
		}
	}
}
