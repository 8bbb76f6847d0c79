package httpd

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"tradingengine/core"
)

// query reads the parameters of a request. It keeps the first fault it meets, so that a handler
// reads all parameters and then looks at err once.
type query struct {
	args *fasthttp.Args
	err  error
}

// suggestFrom is how long an unknown name must be for a suggestion: below it nearly every name is
// near another.
const suggestFrom = 4

// newQuery starts with the names that the route knows. One given twice is ambiguous, and one that
// looks like a slip of a known name would silently change the answer, so both are refused; other
// names are ignored.
func newQuery(ctx *fasthttp.RequestCtx, known []string) query {
	q := query{args: ctx.QueryArgs()}
	seen := 0
	for name := range q.args.All() {
		at := indexName(known, name)
		if at < 0 {
			if near := nearName(string(name), known); near != "" {
				q.fail(badParameter, "there is no parameter %q; did you mean %s?",
					cutText(string(name)), near)
			}
			continue
		}
		if seen&(1<<at) != 0 {
			q.fail(badParameter, "the parameter %s is given twice", known[at])
		}
		seen |= 1 << at
	}
	return q
}

func indexName(names []string, name []byte) int {
	for i := range names {
		if names[i] == string(name) {
			return i
		}
	}
	return -1
}

func nearName(name string, known []string) string {
	if len(name) < suggestFrom {
		return ""
	}
	return core.NearestName(name, known)
}

func (q *query) fail(f fault, format string, args ...any) {
	if q.err == nil {
		q.err = f.because(fmt.Sprintf(format, args...))
	}
}

// symbol reads the symbol, which must be given and known.
func (q *query) symbol(symbols *core.Registry) core.SymbolID {
	name := q.args.Peek("symbol")
	if len(name) == 0 {
		q.fail(missingParameter, "the parameter symbol is missing, e.g. symbol=EURUSD")
		return 0
	}
	id, ok := symbols.Lookup(name)
	if !ok && q.err == nil {
		_, q.err = symbols.Find(string(name))
	}
	return id
}

// limit reads how many elements are wanted.
func (q *query) limit(value, most int) int {
	if !q.args.Has("limit") {
		return value
	}
	text := string(q.args.Peek("limit"))
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil || n < 1 || int(n) > most {
		q.fail(badParameter, "limit must be a whole number from 1 to %d, not %q", most, cutText(text))
		return value
	}
	return int(n)
}

// time reads a time; given is false when there is none.
func (q *query) time(name string) (t core.Time, given bool) {
	if !q.args.Has(name) {
		return 0, false
	}
	// A plus sign that was not escaped arrives as a space, and RFC 3339 has none.
	text := strings.ReplaceAll(string(q.args.Peek(name)), " ", "+")
	t, err := core.ParseTime(text)
	if err != nil {
		q.fail(badParameter, "%s: %v", name, err)
	}
	return t, true
}

// choice reads one of a few words and returns its index; the first is the default.
func (q *query) choice(name string, words ...string) int {
	if !q.args.Has(name) {
		return 0
	}
	text := q.args.Peek(name)
	if i := indexName(words, text); i >= 0 {
		return i
	}
	q.fail(badParameter, "%s must be one of %s, not %q", name, strings.Join(words, " "),
		cutText(string(text)))
	return 0
}
