package httpd

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"tradingengine/core"
)

// intake parses the body of one request into a submission.
type intake struct {
	sub    *core.Submission
	parser *core.Parser
	quote  core.Quote
	line   int32
}

// take adds every quote of a body, or refuses the body as a whole and adds none.
func (in *intake) take(format bodyFormatName, body []byte) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return emptyBody.because("the body has no quote")
	}
	switch format {
	case bodyJSON:
		return in.takeJSON(body)
	case bodyCSV:
		return in.takeCSV(body)
	default:
		for len(body) > 0 {
			var line []byte
			if line, body = nextLine(body); len(line) > 0 {
				in.add(in.parser.JSON(line, in.next()))
			}
		}
		return nil
	}
}

// takeJSON takes one object or an array of them. All of it must be JSON: a sender that cannot
// close its brackets may have lost more than its last quote.
func (in *intake) takeJSON(body []byte) error {
	if !json.Valid(body) {
		return badJSON.because("the body is not valid JSON" + jsonFault(body))
	}
	body = bytes.TrimSpace(body)
	switch body[0] {
	case '{':
		in.add(in.parser.JSON(body, in.next()))
	case '[':
		for i := skipBlank(body, 1); body[i] != ']'; {
			end := valueEnd(body, i)
			in.add(in.parser.JSON(body[i:end], in.next()))
			if i = skipBlank(body, end); body[i] == ',' {
				i = skipBlank(body, i+1)
			}
		}
	default:
		return badJSON.because("the body must be a JSON object or an array of objects")
	}
	return nil
}

// takeCSV takes lines whose columns the first line names.
func (in *intake) takeCSV(body []byte) error {
	var header []byte
	for len(header) == 0 {
		header, body = nextLine(body)
	}
	columns, err := core.ParseCSVHeader(header)
	if err != nil {
		return badCSVHeader.because(err.Error())
	}
	for len(body) > 0 {
		var line []byte
		if line, body = nextLine(body); len(line) > 0 {
			in.add(in.parser.CSV(columns, line, in.next()))
		}
	}
	return nil
}

// next returns the place for the next quote, numbered.
func (in *intake) next() *core.Quote {
	in.line++
	in.quote.Line = in.line
	return &in.quote
}

// add passes the quote that was just parsed on, or counts why not.
func (in *intake) add(reject core.Reject) {
	if reject == core.RejectNone {
		in.sub.Add(in.quote)
		return
	}
	detail := ""
	if in.sub.KeepsDetail() {
		detail = in.parser.Detail(reject)
	}
	in.sub.Reject(in.line, reject, detail)
}

// nextLine cuts the first line off, without its end and the blanks around it.
func nextLine(body []byte) (line, rest []byte) {
	if i := bytes.IndexByte(body, '\n'); i >= 0 {
		line, rest = body[:i], body[i+1:]
	} else {
		line = body
	}
	return bytes.TrimSpace(line), rest
}

// jsonFault tells what breaks JSON, and where.
func jsonFault(body []byte) string {
	var value json.RawMessage
	err := json.Unmarshal(body, &value)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Sprintf(": %v at byte %d", err, syntax.Offset)
	}
	return ""
}

// skipBlank returns the index of the next byte that is no blank. The text is valid JSON.
func skipBlank(s []byte, i int) int {
	for s[i] == ' ' || s[i] == '\t' || s[i] == '\n' || s[i] == '\r' {
		i++
	}
	return i
}

// valueEnd returns the index after the value at s[i] of valid JSON that ends in a bracket.
func valueEnd(s []byte, i int) int {
	for depth := 0; ; i++ {
		switch s[i] {
		case '"':
			for i++; s[i] != '"'; i++ {
				if s[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			depth++
			continue
		case '}', ']':
			if depth == 0 {
				return i // The array ends after a plain value.
			}
			depth--
		case ',':
			if depth == 0 {
				return i
			}
			continue
		default:
			continue
		}
		if depth == 0 {
			return i + 1
		}
	}
}
