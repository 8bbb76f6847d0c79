package core

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// FuzzParseJSON compares with encoding/json: what is taken is valid JSON and means the same, and
// what is called no object is none.
func FuzzParseJSON(f *testing.F) {
	for _, text := range []string{
		`{"symbol":"EURUSD","bid":1.08234,"ask":1.08236}`,
		`{"symbol":"usdjpy","bid":"157.1","ask":157.123,"time":"2026-01-19T13:49:24.1Z","seq":1}`,
		`{"symbol":"EURUSD","bid":1,"ask":2,"time":1768830564,"lp":"SIM","x":[{"a":"}"},1e5,null]}`,
		`{"s\u0079mbol":"EURUSD","bid":1,"ask":2,"time_ms":null,"":{}}`,
		`{"x":[},"symbol":"EURUSD"}`, `{"bid":1,"bid":1}`, `{"symbol":"EURUSD","bid":0x1p-2}`,
		`{`, ``,
	} {
		f.Add([]byte(text))
	}
	p := newTestParser(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		var q Quote
		reject := p.JSON(text, &q)
		var object map[string]json.RawMessage
		valid := json.Unmarshal(text, &object) == nil && object != nil
		if reject != RejectNone {
			p.Detail(reject)
			if reject == RejectBadLine && valid &&
				(p.fault == notObject || strings.HasPrefix(p.fault, "text after")) {
				t.Fatalf("%q is an object, got %q", text, p.fault)
			}
			return
		}
		if !valid {
			t.Fatalf("%q was taken and is not a JSON object", text)
		}
		fields := map[string]string{}
		for name, value := range object {
			fields[strings.Replace(name, "_ms", "", 1)] = plainText(value)
		}
		checkTaken(t, p, &q, fields)
	})
}

// plainText is a value as a string: that of a string, and the literal of anything else.
func plainText(value json.RawMessage) string {
	var text string
	if value[0] == '"' && json.Unmarshal(value, &text) == nil {
		return text
	}
	if string(value) == "null" {
		return ""
	}
	return string(value)
}

// checkTaken compares a quote with the fields it was read from.
func checkTaken(t *testing.T, p *Parser, q *Quote, fields map[string]string) {
	t.Helper()
	s := p.Symbols.Symbol(q.Symbol)
	if name := fields["symbol"]; !strings.EqualFold(name, s.Name) {
		t.Fatalf("symbol %q became %s", name, s.Name)
	}
	for name, price := range map[string]Price{"bid": q.Bid, "ask": q.Ask} {
		want, ok := new(big.Rat).SetString(fields[name])
		if got := big.NewRat(int64(price), Pow10(s.Digits)); !ok || got.Cmp(want) != 0 {
			t.Fatalf("%s %q became %s", name, fields[name], got.FloatString(s.Digits))
		}
	}
	checkTakenTime(t, q.Time, fields["time"])
	number := new(big.Int)
	if seq := fields["seq"]; seq != "" {
		number.SetString(seq, 10)
	}
	if number.Cmp(new(big.Int).SetUint64(q.Seq)) != 0 {
		t.Fatalf("seq %q became %d", fields["seq"], q.Seq)
	}
	source := fields["lp"]
	if source == "" {
		source = "API"
	}
	bad := q.Bid <= 0 || q.Ask < q.Bid // Then its name need not be known.
	if got := p.Sources.Name(q.Source); got != source && !bad {
		t.Fatalf("lp %q became %q", fields["lp"], got)
	}
}

func checkTakenTime(t *testing.T, got Time, text string) {
	t.Helper()
	if text == "" {
		if got != 0 {
			t.Fatalf("no time became %v", got)
		}
		return
	}
	if instant, err := time.Parse(time.RFC3339Nano, text); err == nil {
		if got != Time(instant.UnixMicro()) {
			t.Fatalf("time %q became %v", text, got)
		}
		return
	}
	n, ok := new(big.Int).SetString(text, 10)
	if !ok {
		t.Fatalf("time %q became %v", text, got)
	}
	for unit := int64(1_000_000); unit > 0; unit /= 1000 {
		if micros := new(big.Int).Mul(n, big.NewInt(unit)); micros.IsInt64() &&
			micros.Int64() == int64(got) {
			return
		}
	}
	t.Fatalf("time %q became %d", text, got)
}

var quoteAndSpace = regexp.MustCompile(`"[ \t]`)

// FuzzParseCSV compares with encoding/csv: what is taken has the same fields. Spaces after a
// closing quote, which only this parser allows, are left out, as is what is not printable ASCII.
func FuzzParseCSV(f *testing.F) {
	for _, line := range []string{
		"x,EURUSD,1.08234,1.08236,1768830564100,17,SIM",
		`"a,b",EURUSD,"1.08234",1.08236,2026-01-19T13:49:24.1Z,,`,
		`"a""b",usdjpy, 157.1 ,157.123,,1,""`,
		`"x,EURUSD,1.08234,1.08236,1,1,SIM"`, `a"b,EURUSD,1,1,,,`, `",,,`, ``, `,,,,,,`,
	} {
		f.Add(line)
	}
	p := newTestParser(f)
	names := []string{"note", "symbol", "bid", "ask", "time", "seq", "lp"}
	columns, err := ParseCSVHeader([]byte(strings.Join(names, ",")))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, line string) {
		var q Quote
		if reject := p.CSV(columns, []byte(line), &q); reject != RejectNone {
			p.Detail(reject)
			return
		}
		odd := func(r rune) bool { return (r < ' ' || r > '~') && r != '\t' }
		if strings.ContainsFunc(line, odd) || quoteAndSpace.MatchString(line) {
			return
		}
		r := csv.NewReader(strings.NewReader(line))
		r.LazyQuotes, r.TrimLeadingSpace = true, true
		record, err := r.Read()
		if err != nil || len(record) != len(names) {
			t.Fatalf("%q was taken and is %d fields, %v", line, len(record), err)
		}
		fields := map[string]string{}
		for i, name := range names {
			fields[name] = strings.TrimRight(record[i], " \t")
		}
		checkTaken(t, p, &q, fields)
		if only, ok := columns.Time([]byte(line)); only != q.Time || ok != (q.Time != 0) {
			t.Fatalf("%q has the time %v, and %v, %v when only that is read", line, q.Time, only, ok)
		}
	})
}

// FuzzCSVHeader must not panic, and the columns it finds must fit its own line.
func FuzzCSVHeader(f *testing.F) {
	f.Add([]byte("symbol,bid,ask"))
	p := newTestParser(f)
	f.Add([]byte("\xef\xbb\xbfTime_MS,\"symbol\",bid,ask,spread\r"))
	f.Fuzz(func(t *testing.T, line []byte) {
		columns, err := ParseCSVHeader(line)
		if err != nil {
			return
		}
		if len(columns.fields) > 1+bytes.Count(line, []byte{','}) {
			t.Fatalf("%q has %d columns", line, len(columns.fields))
		}
		var q Quote
		if p.CSV(columns, line, &q) == RejectNone {
			t.Fatalf("the header %q reads as a quote", line)
		}
	})
}

// FuzzParseTime takes nothing that does not print and read back as the same instant.
func FuzzParseTime(f *testing.F) {
	f.Add("2026-01-19T13:49:24.1Z")
	f.Add("1768830564100")
	f.Add("-1")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseTime(text)
		if again, e := parseTimeBytes([]byte(text), true); again != got || (e == nil) != (err == nil) {
			t.Fatalf("%q is %v, %v for a parameter and %v, %v in a quote", text, got, err, again, e)
		}
		if err != nil {
			if instant, e := time.Parse(time.RFC3339Nano, text); e == nil {
				t.Fatalf("%q is %v, and was refused", text, instant)
			}
			return
		}
		checkTakenTime(t, got, text)
		if got.Std().Year() > 9999 {
			return // RFC 3339 has no more.
		}
		if back, err := ParseTime(got.String()); err != nil || back != got {
			t.Fatalf("%q prints %s, which reads as %v, %v", text, got, back, err)
		}
	})
}

// FuzzReadSymbols compares with encoding/json: what is taken has the values that the file gives.
//
// Seen failing on two fields that were taken for each other, and on decimals of other digits.
func FuzzReadSymbols(f *testing.F) {
	f.Add([]byte(`[{"symbol":"XAUUSD","digits":3,"throttle":"0.01%","aliases":["GOLD"]}]`))
	f.Add([]byte(`[{"symbol":"EURUSD","lotMin":0.01,"session":"24x7","tripleSwapDay":"FRIDAY"}]`))
	f.Add([]byte(`[{"symbol":null}]`))
	f.Add([]byte(`[{"symbol":"gold","base":"xau","contractSize":"100","swapLong":-0.000001,"stopLevel":7}]`))
	f.Add([]byte(`[{"symbol":"X","quote":"USD","lotMin":0.1,"lotMax":"7.5","lotStep":0.2,"marginRate":0.3,
		"swapShort":2,"commissionPerLot":1.25,"throttle":0.5,"tripleSwapDay":"MONDAY"}]`))
	f.Fuzz(func(t *testing.T, file []byte) {
		symbols, err := ReadSymbols(file, DefaultSymbols())
		if err != nil {
			if !strings.Contains(err.Error(), "line ") {
				t.Fatalf("%q: %v names no line", file, err)
			}
			return
		}
		var given []map[string]json.RawMessage
		if err := json.Unmarshal(file, &given); err != nil {
			t.Fatalf("%q was taken and is no list of objects: %v", file, err)
		}
		for i := range symbols {
			if err := symbols[i].check(); err != nil {
				t.Fatalf("%q: %v", file, err)
			}
		}
		for _, fields := range given {
			checkSymbol(t, symbols, fields)
		}
	})
}

// checkSymbol compares a symbol with the fields that a file gives of it.
func checkSymbol(t *testing.T, symbols []Symbol, fields map[string]json.RawMessage) {
	t.Helper()
	name := strings.ToUpper(plainText(fields["symbol"]))
	at := slices.IndexFunc(symbols, func(s Symbol) bool { return s.Name == name })
	if at < 0 {
		t.Fatalf("%s is not there", name)
	}
	s := &symbols[at]
	numbers := map[string]*big.Rat{
		"digits": big.NewRat(int64(s.Digits), 1), "stopLevel": big.NewRat(s.StopLevel, 1),
		"throttle": big.NewRat(int64(s.Throttle), thresholdOne),
	}
	for field, value := range map[string]Micro{
		"contractSize": s.ContractSize, "lotMin": s.LotMin, "lotMax": s.LotMax, "lotStep": s.LotStep,
		"marginRate": s.MarginRate, "swapLong": s.SwapLong, "swapShort": s.SwapShort,
		"commissionPerLot": s.Commission,
	} {
		numbers[field] = big.NewRat(int64(value), 1_000_000)
	}
	texts := map[string]string{
		"symbol": s.Name, "base": s.Base, "quote": s.Quote, "session": s.Session.String(),
		"tripleSwapDay": s.TripleSwapDay.String(),
	}
	for field, raw := range fields {
		text := plainText(raw)
		if number := numbers[field]; number != nil {
			digits, percent := strings.CutSuffix(strings.TrimSpace(text), "%")
			want, ok := new(big.Rat).SetString(strings.TrimSpace(digits))
			if ok && percent {
				want.Quo(want, big.NewRat(100, 1))
			}
			if !ok || number.Cmp(want) != 0 {
				t.Fatalf("%s: %s %s became %s", name, field, raw, number)
			}
			continue
		}
		if want, ok := texts[field]; ok && !strings.EqualFold(text, want) {
			t.Fatalf("%s: %s %s became %s", name, field, raw, want)
		}
		var aliases []string
		if field == "aliases" && (json.Unmarshal(raw, &aliases) != nil ||
			!slices.Equal(aliases, s.Aliases)) {
			t.Fatalf("%s: aliases %s became %q", name, raw, s.Aliases)
		}
	}
}
