package persist

import (
	"cmp"
	"fmt"
	"slices"

	"tradingengine/core"
)

// ImportRefusalsKept is how many refused rows an import describes.
const ImportRefusalsKept = 10

// ImportRefusal describes one row that was refused.
type ImportRefusal struct {
	File   string
	Line   int
	Reason core.Reject
	Detail string
}

// String says it in one line, e.g. ticks.csv:17: CROSSED: ask 1.08230 below bid 1.08234.
func (r ImportRefusal) String() string {
	return fmt.Sprintf("%s:%d: %s: %s", r.File, r.Line, r.Reason, r.Detail)
}

// importRefusals counts refused rows and keeps the first by file and line, in that order.
type importRefusals struct {
	total  int64
	counts [core.RejectReasons]int64
	first  []importRefusal
}

type importRefusal struct {
	file *importFile
	ImportRefusal
}

func (r *importRefusal) compare(file *importFile, line int) int {
	return cmp.Or(cmp.Compare(r.file.rank, file.rank), cmp.Compare(r.Line, line))
}

// keeps reports whether a refusal there would be kept, so that its text need not be built if not.
func (r *importRefusals) keeps(file *importFile, line int) bool {
	return len(r.first) < ImportRefusalsKept || r.first[len(r.first)-1].compare(file, line) > 0
}

// count adds one refused row to the counters.
func (r *importRefusals) count(reason core.Reject) {
	r.total++
	r.counts[reason]++
}

// keep describes a refused row if it is one of the first.
func (r *importRefusals) keep(file *importFile, refusal ImportRefusal) {
	if !r.keeps(file, refusal.Line) {
		return
	}
	at, _ := slices.BinarySearchFunc(r.first, refusal.Line, func(o importRefusal, line int) int {
		return o.compare(file, line)
	})
	r.first = slices.Insert(r.first, at, importRefusal{file, refusal})
	r.first = r.first[:min(len(r.first), ImportRefusalsKept)]
}

// merge takes what a reader refused in.
func (r *importRefusals) merge(o *importRefusals) {
	r.total += o.total
	for i, n := range o.counts {
		r.counts[i] += n
	}
	for _, refusal := range o.first {
		r.keep(refusal.file, refusal.ImportRefusal)
	}
}

// described returns the refusals kept.
func (r *importRefusals) described() []ImportRefusal {
	var all []ImportRefusal
	for _, refusal := range r.first {
		all = append(all, refusal.ImportRefusal)
	}
	return all
}

// refusalDetail says in plain words why a quote that could be read was refused.
func refusalDetail(reason core.Reject, q *core.Quote, digits int) string {
	price := func(p core.Price) []byte { return core.AppendPrice(nil, p, digits) }
	switch reason {
	case core.RejectNotPositive:
		return fmt.Sprintf("bid %s and ask %s must both be above zero", price(q.Bid), price(q.Ask))
	case core.RejectCrossed:
		return fmt.Sprintf("ask %s below bid %s", price(q.Ask), price(q.Bid))
	case core.RejectAbsurd:
		return fmt.Sprintf("mid %s is more than 50 %% from the one before",
			core.AppendMid(nil, core.MidOf(q.Bid, q.Ask), digits))
	case core.RejectTooManySources:
		return core.ErrTooManySources.Error()
	case core.RejectLate:
		return fmt.Sprintf("time %s is more than 1 s behind the last stored time", q.Time)
	default:
		return reason.String()
	}
}
