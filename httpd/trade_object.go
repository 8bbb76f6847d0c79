package httpd

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"tradingengine/core"
	"tradingengine/core/trading"
)

// Faults of a body that is JSON, or should be.
var (
	unknownField   = fault{400, "UNKNOWN_FIELD", "Unknown field", 0}
	duplicateField = fault{400, "DUPLICATE_FIELD", "Duplicate field", 0}
	missingField   = fault{400, "MISSING_FIELD", "Missing field", 0}
	badField       = fault{400, "BAD_FIELD", "Bad field", 0}
	badNumber      = fault{400, "BAD_NUMBER", "Bad number", 0}
)

// object is a JSON object that a client sent. encoding/json takes it apart; numbers stay text until
// they are parsed exactly. Like a query it keeps the first fault it meets, so that a handler reads
// all fields and then looks at err once. A field given as null counts as not given, except where
// null has a meaning.
type object struct {
	members []member
	path    string            // Where it lies in the body: "" or, for instance, "trailing.".
	home    trading.AccountID // The account that is meant when none is named; 0 means 1.
	err     error
}

type member struct {
	name string
	raw  json.RawMessage
}

// readObject reads a whole body. A name that is given twice is refused: readers of JSON disagree on
// which of the two counts.
func readObject(body []byte) object {
	o := object{}
	switch {
	case len(bytes.TrimSpace(body)) == 0:
		o.fail(emptyBody, "the body is empty; a JSON object is expected")
	case !utf8.Valid(body):
		o.fail(badJSON, "the body is not UTF-8")
	default:
		o.read(body)
	}
	return o
}

func (o *object) read(text []byte) {
	d := json.NewDecoder(bytes.NewReader(text))
	open, err := d.Token()
	if err == nil && open != json.Delim('{') {
		o.fail(badField, "%s must be a JSON object, not %s", o.whole(), kindOf(text))
		return
	}
	for err == nil && d.More() {
		var m member
		if m, err = readMember(d); err == nil {
			if o.find(m.name) != nil {
				o.fail(duplicateField, "%s is given twice", o.quote(m.name))
			}
			o.members = append(o.members, m)
		}
	}
	if err == nil {
		_, err = d.Token() // The closing brace.
	}
	if err == nil {
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			return
		}
		if err == nil {
			err = errors.New("something follows the object")
		}
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("it ends too early")
	}
	o.fail(badJSON, "%s is not valid JSON: %s", o.whole(), cutText(err.Error()))
}

func readMember(d *json.Decoder) (m member, err error) {
	name, err := d.Token()
	if err != nil {
		return m, err
	}
	m.name, _ = name.(string)
	return m, d.Decode(&m.raw)
}

// whole names the object in an error.
func (o *object) whole() string {
	if o.path == "" {
		return "the body"
	}
	return strings.TrimSuffix(o.path, ".")
}

// quote names a field in an error.
func (o *object) quote(name string) string { return `"` + o.path + cutText(name) + `"` }

func (o *object) fail(f fault, format string, args ...any) {
	if o.err == nil {
		o.err = f.because(fmt.Sprintf(format, args...))
	}
}

// allow refuses every field that is not one of names.
func (o *object) allow(names []string) {
	for _, m := range o.members {
		if indexName(names, []byte(m.name)) >= 0 {
			continue
		}
		detail := "there is no field " + o.quote(m.name)
		if near := nearField(m.name, names); near != "" {
			detail += "; did you mean " + near + "?"
		} else {
			detail += "; there are " + strings.Join(names, " ")
		}
		o.fail(unknownField, "%s", detail)
	}
}

// nearField looks for a slip of a name, also one of upper and lower case. Very short names are near
// everything and never suggested otherwise.
func nearField(name string, known []string) string {
	var long []string
	for _, k := range known {
		if strings.EqualFold(k, name) {
			return k
		}
		if len(k) >= suggestFrom {
			long = append(long, k)
		}
	}
	return core.NearestName(name, long)
}

// find returns a field as it was sent, nil when it was not.
func (o *object) find(name string) json.RawMessage {
	for i := range o.members {
		if o.members[i].name == name {
			return o.members[i].raw
		}
	}
	return nil
}

// value returns a field that was given and is not null.
func (o *object) value(name string) (raw json.RawMessage, given bool) {
	raw = o.find(name)
	return raw, !isNull(raw)
}

// need reports a field that is missing.
func (o *object) need(names ...string) {
	for _, name := range names {
		if _, given := o.value(name); !given {
			o.fail(missingField, "the field %s is missing", o.quote(name))
		}
	}
}

// kindOf says what a value is.
func kindOf(raw []byte) string {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return "nothing"
	}
	switch raw[0] {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "a text"
	case 't', 'f':
		return "true or false"
	case 'n':
		return "null"
	}
	return "a number"
}

// names returns the names of the fields that were sent.
func (o *object) names() []string {
	names := make([]string, len(o.members))
	for i := range o.members {
		names[i] = o.members[i].name
	}
	return names
}
