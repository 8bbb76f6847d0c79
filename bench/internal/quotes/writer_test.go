package quotes

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tradingengine/bench/internal/server"
)

var instruments = []server.Instrument{
	{Symbol: "EURUSD", Digits: 5},
	{Symbol: "USDJPY", Digits: 3},
	{Symbol: "BTCUSD", Digits: 2},
	{Symbol: "XRPUSD", Digits: 5},
	{Symbol: "INDEX", Digits: 0},
	{Symbol: "PENNY", Digits: 2, Bid: 101, Ask: 102},
	{Symbol: "TOKEN", Digits: 9, Bid: 4_999_999_999, Ask: 5_000_000_001},
}

// quote is what a reader who knows nothing of the writer finds in a body.
type quote struct {
	Symbol string      `json:"symbol"`
	Bid    json.Number `json:"bid"`
	Ask    json.Number `json:"ask"`
	Time   int64       `json:"time"`
	Seq    uint64      `json:"seq"`
	LP     string      `json:"lp"`
}

func readBody(t *testing.T, format Format, body []byte) []quote {
	t.Helper()
	var list []quote
	switch format {
	case JSON:
		if err := json.Unmarshal(body, &list); err != nil {
			t.Fatalf("%v in %.200s", err, body)
		}
	case NDJSON:
		for line := range bytes.Lines(body) {
			var q quote
			if err := json.Unmarshal(line, &q); err != nil {
				t.Fatalf("%v in %s", err, line)
			}
			list = append(list, q)
		}
	case CSV:
		rows, err := csv.NewReader(bytes.NewReader(body)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows[1:] {
			var q quote
			for i, field := range row {
				switch rows[0][i] {
				case "symbol":
					q.Symbol = field
				case "bid":
					q.Bid = json.Number(field)
				case "ask":
					q.Ask = json.Number(field)
				case "time":
					q.Time, err = strconv.ParseInt(field, 10, 64)
				case "seq":
					q.Seq, err = strconv.ParseUint(field, 10, 64)
				case "lp":
					q.LP = field
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, q)
		}
	}
	return list
}

func rational(t *testing.T, n json.Number) *big.Rat {
	t.Helper()
	r, ok := new(big.Rat).SetString(string(n))
	if !ok {
		t.Fatalf("%q is no price", n)
	}
	return r
}

// The quotes must keep every rule of the engine, judged here on exact fractions of the text: the
// symbol's decimals, ask > bid > 0, no jump beyond half the price, and 40 to 60 % dropped by the
// rule that a mid must move 0.001 % of the last stored one, for each symbol by itself.
func TestQuotesKeepTheRules(t *testing.T) {
	for seed := range uint64(3) {
		w := NewWriter(WriterOptions{Instruments: instruments, Seed: seed})
		var all []quote
		for range 40 {
			all = append(all, readBody(t, NDJSON, w.Write(500, time.Now()))...)
		}
		if len(all) != 20_000 {
			t.Fatalf("got %d quotes, want 20000", len(all))
		}
		for _, i := range instruments {
			checkSymbol(t, i, all)
		}
	}
}

func TestFormatsSayTheSame(t *testing.T) {
	want := readBody(t, NDJSON, NewWriter(WriterOptions{Instruments: instruments}).Write(1000, time.Now()))
	for _, format := range []Format{CSV, JSON} {
		w := NewWriter(WriterOptions{Instruments: instruments, Format: format})
		if got := readBody(t, format, w.Write(1000, time.Now())); !slices.Equal(got, want) {
			t.Errorf("%v: the quotes differ from those in NDJSON", format)
		}
	}
}

func checkSymbol(t *testing.T, i server.Instrument, all []quote) {
	t.Helper()
	var stored, last, first *big.Rat
	var count, throttled int
	threshold, half := big.NewRat(1, 100_000), big.NewRat(1, 2)
	for _, q := range all {
		if q.Symbol != i.Symbol {
			continue
		}
		count++
		for _, price := range []json.Number{q.Bid, q.Ask} {
			_, decimals, _ := strings.Cut(string(price), ".")
			if len(decimals) != i.Digits {
				t.Fatalf("%s: %s has %d decimals, want %d", q.Symbol, price, len(decimals), i.Digits)
			}
		}
		bid, ask := rational(t, q.Bid), rational(t, q.Ask)
		if bid.Sign() <= 0 || ask.Cmp(bid) <= 0 {
			t.Fatalf("%s: bid %s, ask %s", q.Symbol, q.Bid, q.Ask)
		}
		mid := new(big.Rat).Mul(half, new(big.Rat).Add(bid, ask))
		if last != nil && move(mid, last).Cmp(new(big.Rat).Mul(half, last)) > 0 {
			t.Fatalf("%s: jump from %v to %v", q.Symbol, last, mid)
		}
		last = mid
		if stored != nil && move(mid, stored).Cmp(new(big.Rat).Mul(threshold, stored)) < 0 {
			throttled++
			continue
		}
		if first == nil {
			first = mid
		}
		stored = mid
	}
	if share := float64(throttled) / float64(count); share < 0.4 || share > 0.6 {
		t.Errorf("%s: %d of %d throttled, %.3f, want 0.4 to 0.6", i.Symbol, throttled, count, share)
	}
	ratio, _ := new(big.Rat).Quo(last, first).Float64()
	if math.Abs(ratio-1) > 0.06 {
		t.Errorf("%s: the walk went from %v to %v", i.Symbol, first, last)
	}
}

func move(a, b *big.Rat) *big.Rat {
	d := new(big.Rat).Sub(a, b)
	return d.Abs(d)
}

func TestFieldsAreWrittenAsAsked(t *testing.T) {
	for format := range Format(len(formatNames)) {
		opts := WriterOptions{
			Instruments: instruments[:2], Format: format,
			Times: true, FirstSequence: 7, Source: "BENCH",
		}
		due := time.Now().Add(-time.Minute)
		list := readBody(t, format, NewWriter(opts).Write(50, due))
		next := map[string]uint64{"EURUSD": 7, "USDJPY": 7}
		for _, q := range list {
			if q.Seq != next[q.Symbol] || q.LP != "BENCH" {
				t.Fatalf("%v: got %+v, want seq %d of BENCH", format, q, next[q.Symbol])
			}
			next[q.Symbol]++
			if q.Time != due.UnixMicro() {
				t.Fatalf("%v: time %d, want that at which it was due, %d", format, q.Time,
					due.UnixMicro())
			}
		}
		opts.Times, opts.FirstSequence, opts.Source = false, 0, ""
		body := string(NewWriter(opts).Write(50, time.Now()))
		for _, word := range []string{"time", "seq", "lp"} {
			if strings.Contains(body, word) {
				t.Errorf("%v: %s is written though not asked for", format, word)
			}
		}
	}
}

func TestSeedDecides(t *testing.T) {
	f := func(seed, stream uint64) string {
		w := NewWriter(WriterOptions{Instruments: instruments, Seed: seed, Stream: stream})
		return string(w.Write(100, time.Now()))
	}
	first := f(1, 0)
	if again := f(1, 0); again != first {
		t.Errorf("the same seed gave other quotes: %s, then %s", first, again)
	}
	if f(2, 0) == first || f(1, 1) == first {
		t.Error("another seed or stream gave the same quotes")
	}
}

func TestStartsAtTheLivePrice(t *testing.T) {
	w := NewWriter(WriterOptions{Instruments: instruments[5:6]})
	q := readBody(t, NDJSON, w.Write(1, time.Now()))[0]
	if q.Bid != "1.01" || q.Ask != "1.02" {
		t.Errorf("got %s/%s, want the live 1.01/1.02", q.Bid, q.Ask)
	}
}

func TestAppendPrice(t *testing.T) {
	f := func(points int64, digits int, want string) {
		t.Helper()
		if got := string(appendPrice(nil, points, digits)); got != want {
			t.Errorf("%d with %d digits: got %s, want %s", points, digits, got, want)
		}
	}
	f(108234, 5, "1.08234")
	f(110000, 5, "1.10000")
	f(5, 5, "0.00005")
	f(0, 2, "0.00")
	f(150, 0, "150")
	f(99, 2, "0.99")
	f(100, 2, "1.00")
	f(9_223_372_036_854_775_807, 9, "9223372036.854775807")
}

func TestWritingAllocatesNothing(t *testing.T) {
	w := NewWriter(WriterOptions{Instruments: instruments, FirstSequence: 1, Source: "BENCH"})
	w.Write(1000, time.Now())
	w.body = append(w.body, make([]byte, 1<<20)...)
	if n := testing.AllocsPerRun(100, func() { w.Write(500, time.Now()) }); n != 0 {
		t.Errorf("a batch allocates %v times, want 0", n)
	}
}

var bodySink []byte

// A slower writer takes the cores from the engine under test: at 60 ns a quote, 250,000 quotes a
// second cost 1.5 % of one core.
func BenchmarkWriter(b *testing.B) {
	for format := range Format(len(formatNames)) {
		b.Run(format.String(), func(b *testing.B) {
			b.ReportAllocs()
			w := NewWriter(WriterOptions{Instruments: instruments, Format: format})
			for b.Loop() {
				bodySink = w.Write(500, time.Now())
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/500, "ns/quote")
		})
	}
}
