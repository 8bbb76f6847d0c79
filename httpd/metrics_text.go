package httpd

import (
	"math"
	"strconv"
	"strings"
)

// Metrics is the answer of GET /metrics while it is written, in Prometheus' text form 0.0.4: a
// family (Counter, Gauge or Histogram) and then its samples. Names are those of Prometheus: base
// units, _total behind what only grows. It belongs to one request.
type Metrics struct {
	text   []byte
	family string
}

// Counter begins a family of numbers that only grow.
func (m *Metrics) Counter(name, help string) { m.begin(name, help, "counter") }

// Gauge begins a family of numbers that come and go.
func (m *Metrics) Gauge(name, help string) { m.begin(name, help, "gauge") }

// Histogram begins a family of distributions.
func (m *Metrics) Histogram(name, help string) { m.begin(name, help, "histogram") }

func (m *Metrics) begin(name, help, kind string) {
	m.family = name
	m.text = append(append(append(m.text, "# HELP "...), name...), ' ')
	m.text = append(append(m.text, helpEscapes.Replace(help)...), "\n# TYPE "...)
	m.text = append(append(append(m.text, name...), ' '), kind...)
	m.text = append(m.text, '\n')
}

var (
	helpEscapes  = strings.NewReplacer("\\", `\\`, "\n", `\n`)
	labelEscapes = strings.NewReplacer("\\", `\\`, "\n", `\n`, `"`, `\"`)
)

// Value adds a sample to the family. Labels are names and values in turn.
func (m *Metrics) Value(v float64, labels ...string) { m.sample("", v, labels, "") }

// Distribution adds a histogram to the family: counts[i] are the observations of at most bounds[i]
// and above the bound before, the last of counts those above all bounds.
func (m *Metrics) Distribution(bounds []float64, counts []uint64, sum float64, labels ...string) {
	var total uint64
	for i, n := range counts {
		total += n
		bound := math.Inf(1)
		if i < len(bounds) {
			bound = bounds[i]
		}
		m.sample("_bucket", float64(total), labels, string(appendNumber(nil, bound)))
	}
	m.sample("_sum", sum, labels, "")
	m.sample("_count", float64(total), labels, "")
}

// sample writes one line; le is the bound of a bucket, or empty.
func (m *Metrics) sample(suffix string, v float64, labels []string, le string) {
	dst := append(append(m.text, m.family...), suffix...)
	separator := byte('{')
	label := func(name, value string) {
		dst = append(append(append(dst, separator), name...), `="`...)
		dst = append(append(dst, labelEscapes.Replace(value)...), '"')
		separator = ','
	}
	for i := 0; i+1 < len(labels); i += 2 {
		label(labels[i], labels[i+1])
	}
	if le != "" {
		label("le", le)
	}
	if separator == ',' {
		dst = append(dst, '}')
	}
	m.text = append(appendNumber(append(dst, ' '), v), '\n')
}

// appendNumber prints whole numbers as such, so that they can be compared as text.
func appendNumber(dst []byte, v float64) []byte {
	const exact = 1 << 53
	switch {
	case math.IsInf(v, 1):
		return append(dst, "+Inf"...)
	case v == math.Trunc(v) && math.Abs(v) < exact:
		return strconv.AppendInt(dst, int64(v), 10)
	}
	return strconv.AppendFloat(dst, v, 'g', -1, 64)
}
