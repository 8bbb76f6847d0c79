package core

import (
	"fmt"
	"strings"
	"testing"
)

func newTestParser(t testing.TB) *Parser {
	t.Helper()
	registry := recordedSymbols(t)
	sources, err := NewSources([]string{"API", "SIM"})
	if err != nil {
		t.Fatal(err)
	}
	return &Parser{Symbols: registry, Sources: sources, DefaultSource: 1}
}

// parserTable calls f once a line. A want is a quote as printQuote prints it, or a code with the
// detail that a sender reads.
func parserTable(t *testing.T, read func(p *Parser, text string, q *Quote) Reject,
) func(text, want string) {
	p := newTestParser(t)
	return func(text, want string) {
		t.Helper()
		q := Quote{Line: 7}
		got := ""
		if reject := read(p, text, &q); reject != RejectNone {
			got = fmt.Sprintf("%v: %s", reject, p.Detail(reject))
		} else {
			got = printQuote(p, &q)
			if q.Line != 7 {
				t.Errorf("%s: the line became %d", text, q.Line)
			}
		}
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
}

func printQuote(p *Parser, q *Quote) string {
	s := p.Symbols.Symbol(q.Symbol)
	text := fmt.Sprintf("%s %s %s", s.Name, AppendPrice(nil, q.Bid, s.Digits),
		AppendPrice(nil, q.Ask, s.Digits))
	if q.Time != 0 {
		text += " " + q.Time.String()
	}
	if q.Seq != 0 {
		text += fmt.Sprint(" seq ", q.Seq)
	}
	return text + " " + p.Sources.Name(q.Source)
}

func TestParseJSON(t *testing.T) {
	f := parserTable(t, func(p *Parser, text string, q *Quote) Reject {
		return p.JSON([]byte(text), q)
	})
	const plain = "EURUSD 1.08234 1.08236 API"
	f(`{"symbol":"EURUSD","bid":1.08234,"ask":1.08236}`, plain)
	f(" \t\r\n{ \"ask\" : 1.08236 ,\n\"bid\"\t:1.08234,\"symbol\":\"eurusd\" } \r\n", plain)
	f(`{"symbol":"EURUSD","bid":"1.08234","ask":"1.082360"}`, plain)
	f(`{"symbol":"EURUSD","bid":1.08234,"ask":1.08236,"time":1768830564100,"seq":17,"lp":"SIM"}`,
		"EURUSD 1.08234 1.08236 2026-01-19T13:49:24.100000Z seq 17 SIM")
	f(`{"symbol":"EURUSD","bid":1.08234,"ask":1.08236,"time":"2026-01-19T13:49:24.1Z","seq":"17"}`,
		"EURUSD 1.08234 1.08236 2026-01-19T13:49:24.100000Z seq 17 API")
	f(`{"symbol":"EURUSD","bid":1.08234,"ask":1.08236,"time":null,"seq":null,"lp":null}`, plain)
	f(`{"symbol":"EURUSD","bid":1.08234,"ask":1.08236,"time":"","seq":"","lp":""}`, plain)
	f(`{"symbol":"EURUSD","bid":1.08234,"ask":1.08236,"time":0}`, plain)
	// Negative and zero prices, and crossed ones, are for the shard to refuse.
	f(`{"symbol":"EURUSD","bid":-1,"ask":0}`, "EURUSD -1.00000 0.00000 API")
	f(`{"symbol":"EURUSD","bid":2,"ask":1}`, "EURUSD 2.00000 1.00000 API")
	// Escapes, in names too.
	f(`{"s\u0079mbol":"EUR\u0055SD","b\u0069d":"1.0823\u0034","ask":1.08236}`, plain)
	f(`{"symbol":"EURUSD","bid":1.08234,"ask":1.08236,"lp":"\u0053IM"}`,
		"EURUSD 1.08234 1.08236 SIM")
	// Ignored fields, of any kind.
	f(`{"x":{"symbol":"GBPUSD","y":[1,[2,{"z":"}]"}],null,true,-1.5e-7]},"symbol":"EURUSD",`+
		`"bid":1.08234,"note":"a \"quote\" \\","ask":1.08236,"w":false,"SYMBOL":1,"":{}}`, plain)
	f(`{"x":[],"x":{},"symbol":"EURUSD","bid":1.08234,"ask":1.08236}`, plain)
	f(`{"x":`+strings.Repeat("[", 16)+strings.Repeat("]", 16)+
		`,"symbol":"EURUSD","bid":1.08234,"ask":1.08236}`, plain)
}

func TestParseJSONBadLine(t *testing.T) {
	f := parserTable(t, func(p *Parser, text string, q *Quote) Reject {
		return p.JSON([]byte(text), q)
	})
	const rest = `"symbol":"EURUSD","bid":1.08234,"ask":1.08236}`
	const not = "BAD_LINE: not a JSON object"
	for _, text := range []string{
		"", " ", "{", "}", "[]", "null", "1.5", `"EURUSD"`, "EURUSD,1.08234,1.08236", `{"symbol"`,
		`{"symbol":`, `{"symbol":"EURUSD"`, `{"symbol":"EURUSD",`, `{"symbol":"EURUSD","bid":}`,
		`{"symbol":"EURUSD,"bid":1,"ask":1}`, `{"symbol":"EURUSD","bid":1,"ask":1,}`, `{,}`, `{:}`,
		`{symbol:"EURUSD","bid":1,"ask":1}`, `{'symbol':'EURUSD'}`, `{"symbol" "EURUSD"}`,
		`{"symbol":"EURUSD" "bid":1}`, `{"symbol":"EURUSD";"bid":1}`, `{"symbol":"EURUSD","bid":,}`,
		"{\"symbol\":\"EUR\nUSD\"}", `{"symbol":"\x"}`, `{"symbol":"\u12"}`, `{"symbol":"\`,
		"\ufeff{" + rest, "\u00a0{" + rest,
		`{"x":nan,` + rest, `{"x":NaN,` + rest, `{"x":01,` + rest,
		`{"x":[},` + rest, `{"x":[1,],` + rest, `{"x":{"a"},` + rest, `{"x":{1:2},` + rest,
		`{"x":,` + rest, `{"x":"\q",` + rest, `{"x":[` + rest, `{"x":]` + rest, `{"x":tru,` + rest,
		`{"x":1:2,` + rest, `{"x":[1 2],` + rest, `{"x":"` + "\x01" + `",` + rest,
	} {
		f(text, not)
	}
	f("{"+rest+"}", "BAD_LINE: text after the JSON object")
	f("{"+rest+",", "BAD_LINE: text after the JSON object")
	f("{"+rest+" {"+rest, "BAD_LINE: text after the JSON object")
	f(`{"x":`+strings.Repeat("[", 17)+strings.Repeat("]", 17)+","+rest,
		"BAD_LINE: a value is nested more than 16 deep")
	f(`{"x":`+strings.Repeat(`{"x":`, 100_000), "BAD_LINE: a value is nested more than 16 deep")

	f(`{"bid":1.1,`+rest, "BAD_LINE: the field bid is given twice")
	f(`{"bid":null,`+rest, "BAD_LINE: the field bid is given twice")
	f(`{"b\u0069d":1,`+rest, "BAD_LINE: the field bid is given twice")
	f(`{"time":1,"time_ms":1,`+rest, "BAD_LINE: the field time is given twice")
	f(`{"lp":["SIM"],`+rest, "BAD_LINE: the field lp is not a plain value")
	f(`{"time":{},`+rest, "BAD_LINE: the field time is not a plain value")
	f(`{"lp":7,`+rest, "BAD_LINE: the field lp is not a string")
	f(`{"lp":SIM,`+rest, "BAD_LINE: the field lp is not a string")
	f(`{"symbol":EURUSD,"bid":1,"ask":1}`, "BAD_LINE: the field symbol is not a string")
	const badName = "BAD_LINE: lp is not 1 to 32 printable characters without quotes, commas or " +
		"backslashes"
	f(`{"lp":"a\"b",`+rest, badName)
	f(`{"lp":"a,b",`+rest, badName)
	f(`{"lp":"a\\b",`+rest, badName)
	f(`{"lp":"ü",`+rest, badName)
	f(`{"lp":"`+strings.Repeat("x", 33)+`",`+rest, badName)
	// It is told before everything else that is wrong with the quote.
	f(`{"lp":"a,b","symbol":"NOPE","bid":"x"}`, badName)
}

func TestParseJSONFields(t *testing.T) {
	f := parserTable(t, func(p *Parser, text string, q *Quote) Reject {
		return p.JSON([]byte(text), q)
	})
	f(`{}`, "MISSING_FIELD: symbol is missing")
	f(`{"bid":1,"ask":1}`, "MISSING_FIELD: symbol is missing")
	f(`{"symbol":"","bid":1,"ask":1}`, "MISSING_FIELD: symbol is missing")
	f(`{"symbol":null,"bid":1,"ask":1}`, "MISSING_FIELD: symbol is missing")
	f(`{"symbol":"EURUSD","ask":1}`, "MISSING_FIELD: bid is missing")
	f(`{"symbol":"EURUSD","bid":null,"ask":1}`, "MISSING_FIELD: bid is missing")
	f(`{"symbol":"EURUSD","bid":1}`, "MISSING_FIELD: ask is missing")
	f(`{"symbol":"EURUSD","bid":1,"Ask":1}`, "MISSING_FIELD: ask is missing")

	f(`{"symbol":"EURUSX","bid":1,"ask":1}`,
		`UNKNOWN_SYMBOL: no symbol "EURUSX"; did you mean EURUSD?`)
	f(`{"symbol":"ZZZZZZZZZ","bid":1,"ask":1}`, `UNKNOWN_SYMBOL: no symbol "ZZZZZZZZZ"`)
	f(`{"symbol":" EURUSD","bid":1,"ask":1}`,
		`UNKNOWN_SYMBOL: no symbol " EURUSD"; did you mean EURUSD?`)
	f(`{"symbol":"`+strings.Repeat("E", 50)+`","bid":1,"ask":1}`,
		`UNKNOWN_SYMBOL: no symbol "`+strings.Repeat("E", 40)+`…"`)

	number := func(field, value, detail string) {
		t.Helper()
		text := map[string]string{"bid": "1.08234", "ask": "1.08236", field: value}
		object := `{"symbol":"EURUSD"`
		for name, value := range text {
			object += fmt.Sprintf(`,"%s":%s`, name, value)
		}
		f(object+"}", "BAD_NUMBER: "+field+" "+detail)
	}
	for _, value := range strings.Fields(`NaN Infinity -Infinity 1e5 1E5 1e999 0x1p-2 0x10 1_000
		true .5 1. 01 +1 -- 1.2.3 99999999999999999999`) {
		number("bid", value, fmt.Sprintf("%q is not a plain decimal", value))
		number("ask", value, fmt.Sprintf("%q is not a plain decimal", value))
		number("ask", `"`+value+`"`, fmt.Sprintf("%q is not a plain decimal", value))
	}
	number("bid", `"1,5"`, `"1,5" is not a plain decimal`)
	number("bid", `" 1.5"`, `" 1.5" is not a plain decimal`)
	const notTime = " is neither RFC 3339 nor a whole epoch in s, ms or µs"
	for _, value := range strings.Fields(`1768830564.5 -1 1e9 01768830564 +1768830564 NaN true
		2026-01-19T13:49:24Z 100000000000000000 99999999999999999999`) {
		number("time", value, fmt.Sprintf("%q", value)+notTime)
	}
	number("time", `"yesterday"`, `"yesterday"`+notTime)
	number("time", `"1960-01-19T13:49:24Z"`, `"1960-01-19T13:49:24Z"`+notTime)
	for _, value := range strings.Fields("0 -1 1.5 1e3 007 1000000000000000000 x") {
		number("seq", value, fmt.Sprintf("%q is not a whole number above 0", value))
	}

	const digits = `PRICE_DIGITS: bid "1.082345" has more than the 5 decimals of EURUSD; ` +
		`set "digits" of EURUSD in a -symbols file`
	f(`{"symbol":"EURUSD","bid":1.082345,"ask":1.08236}`, digits)
	f(`{"symbol":"USDJPY","bid":157.123,"ask":157.1234}`, strings.NewReplacer("bid", "ask",
		"1.082345", "157.1234", "5 decimals", "3 decimals", "EURUSD", "USDJPY").Replace(digits))
	// In the order of the reasons: numbers before digits, whichever field they are of.
	f(`{"symbol":"EURUSD","bid":1.082345,"ask":1e5}`,
		`BAD_NUMBER: ask "1e5" is not a plain decimal`)
	f(`{"symbol":"EURUSD","bid":1.082345,"ask":1,"seq":0}`,
		`BAD_NUMBER: seq "0" is not a whole number above 0`)
	f(`{"symbol":"NOPE","bid":x}`, "MISSING_FIELD: ask is missing")
	f(`{"symbol":"NOPENOPE","bid":x,"ask":1}`, `UNKNOWN_SYMBOL: no symbol "NOPENOPE"`)
}

// TestParserNewSources fills the table of names: only a quote that a shard could take gets one.
func TestParserNewSources(t *testing.T) {
	p := newTestParser(t)
	line := func(lp, rest string) []byte {
		return fmt.Appendf(nil, `{"symbol":"EURUSD","lp":%q,%s}`, lp, rest)
	}
	var q Quote
	for _, rest := range []string{
		`"bid":0,"ask":1`, `"bid":-1,"ask":1`, `"bid":2,"ask":1`, `"bid":x,"ask":1`,
		`"bid":1.123456,"ask":2`, `"bid":1,"ask":2,"seq":0`, `"bid":1`,
	} {
		p.JSON(line("NEW", rest), &q)
		if n := p.Sources.Len(); n != 2 {
			t.Errorf("%s registered its lp", rest)
		}
	}
	for n := 3; n <= SourcesMax; n++ {
		reject := p.JSON(line(fmt.Sprint("LP", n), `"bid":1,"ask":1`), &q)
		if reject != RejectNone || int(q.Source) != n {
			t.Fatalf("name %d: %v, source %d", n, reject, q.Source)
		}
	}
	reject := p.JSON(line("ONE TOO MANY", `"bid":1,"ask":1`), &q)
	if reject != RejectTooManySources || p.Detail(reject) != "no room for another lp name" {
		t.Errorf("name 256: %v %q", reject, p.Detail(reject))
	}
	if reject := p.JSON(line("ONE TOO MANY", `"bid":2,"ask":1`), &q); reject != RejectNone {
		t.Errorf("a crossed quote of name 256: %v; want it left to the shard", reject)
	}
	reject = p.JSON(line("LP255", `"bid":1,"ask":1`), &q)
	if reject != RejectNone || q.Source != 255 {
		t.Errorf("the last name: %v, source %d", reject, q.Source)
	}
}

func TestParseCSV(t *testing.T) {
	header := ""
	f := parserTable(t, func(p *Parser, text string, q *Quote) Reject {
		columns, err := ParseCSVHeader([]byte(header))
		if err != nil {
			t.Fatal(err)
		}
		return p.CSV(columns, []byte(text), q)
	})
	const plain = "EURUSD 1.08234 1.08236 API"
	header = "symbol,bid,ask"
	f("EURUSD,1.08234,1.08236", plain)
	f("EURUSD,1.08234,1.08236\r", plain)
	f(" eurusd ,\t1.08234 , 1.08236 \r", plain)
	f(`"EURUSD","1.08234","1.08236"`, plain)
	f(` "EURUSD" , "1.08234",1.08236`+"\r", plain)
	f("EURUSD,1.08234", "BAD_LINE: fewer columns than the header names")
	f("", "BAD_LINE: fewer columns than the header names")
	f("EURUSD,1.08234,1.08236,", "BAD_LINE: more columns than the header names")
	f("EURUSD,1.08234,1.08236,1", "BAD_LINE: more columns than the header names")
	f("EURUSD,,1.08236", "MISSING_FIELD: bid is missing")
	f(`EURUSD,"",1.08236`, "MISSING_FIELD: bid is missing")
	f(",1.08234,1.08236", "MISSING_FIELD: symbol is missing")
	f(",,", "MISSING_FIELD: symbol is missing")
	f("EURUSX,1.08234,1.08236", `UNKNOWN_SYMBOL: no symbol "EURUSX"; did you mean EURUSD?`)
	f("EURUSD,NaN,1.08236", `BAD_NUMBER: bid "NaN" is not a plain decimal`)
	f("EURUSD,1.08234,1.0823e0", `BAD_NUMBER: ask "1.0823e0" is not a plain decimal`)
	f("EURUSD,1 .5,1.6", `BAD_NUMBER: bid "1 .5" is not a plain decimal`)
	f(`EURUSD,1.5,1"6`, `BAD_NUMBER: ask "1\"6" is not a plain decimal`)
	f(`EURUSD,"1""5",1.6`, `BAD_NUMBER: bid "1\"\"5" is not a plain decimal`)
	const quotes = "BAD_LINE: a value opens with a double quote and does not close with one"
	f(`EURUSD,"1.5,1.6`, quotes)
	f(`EURUSD,1.5,"1.6`, quotes)
	f(`EURUSD,1.5,"1.6""`, quotes)
	f(`EURUSD,1.5,"`, quotes)
	f(`EURUSD,"1.5"x,1.6`, quotes)
	f(`EURUSD,"1.5" "",1.6`, quotes)

	header = "note,time_ms,symbol,bid,ask,seq,lp,other"
	f(`a,1768830564100,EURUSD,1.08234,1.08236,17,SIM,b`,
		"EURUSD 1.08234 1.08236 2026-01-19T13:49:24.100000Z seq 17 SIM")
	f(`"a,""b"",",1768830564100,EURUSD,1.08234,1.08236,17,SIM,"""x"""`,
		"EURUSD 1.08234 1.08236 2026-01-19T13:49:24.100000Z seq 17 SIM")
	f(`,,EURUSD,1.08234,1.08236,,,`, plain)
	f(`,2026-01-19T13:49:24.1Z,EURUSD,1.08234,1.08236,,,`,
		"EURUSD 1.08234 1.08236 2026-01-19T13:49:24.100000Z API")
	f(`,,EURUSD,1.08234,1.08236,,"a,b",`, "BAD_LINE: lp is not 1 to 32 printable characters "+
		"without quotes, commas or backslashes")
	f(`,,EURUSD,1.08234,1.08236,0,SIM,`, `BAD_NUMBER: seq "0" is not a whole number above 0`)
	// A comma inside quotes is no column, even where the pieces would make a quote.
	f(`"x,1,EURUSD,1.08234,1.08236,1,SIM,y"`, "BAD_LINE: fewer columns than the header names")
}

func TestParseCSVHeader(t *testing.T) {
	f := func(header string, want string, stored bool) {
		t.Helper()
		c, err := ParseCSVHeader([]byte(header))
		if err != nil {
			t.Errorf("%q: %v", header, err)
			return
		}
		var got []string
		for i, f := range c.fields {
			name := "-"
			if c.known[i] {
				name = fieldNames[f]
			}
			got = append(got, name)
		}
		if strings.Join(got, " ") != want || c.Stored() != stored {
			t.Errorf("%q: columns %v, stored %v; want %s, %v", header, got, c.Stored(), want,
				stored)
		}
	}
	f("symbol,bid,ask", "symbol bid ask", false)
	f("time_ms,symbol,bid,ask\r", "time symbol bid ask", false)
	f("\xef\xbb\xbfSymbol, Bid ,\"ASK\"\r\n", "symbol bid ask", false)
	f("\xef\xbb\xbf\"symbol\",bid,ask", "symbol bid ask", false)
	f("ask,volume,bid,symbol,lp,seq,time", "ask - bid symbol lp seq time", false)
	f("symbol,time,bid,ask,spread,lp", "symbol time bid ask - lp", true)
	f(`"a,symbol",symbol,bid,ask,`, "- symbol bid ask -", false)

	bad := func(header, want string) {
		t.Helper()
		_, err := ParseCSVHeader([]byte(header))
		if err == nil || !strings.HasPrefix(err.Error(), ErrCSVHeader.Error()) ||
			!strings.HasSuffix(err.Error(), want) {
			t.Errorf("%q: %v; want %s", header, err, want)
		}
	}
	bad("", `got ""`)
	bad("symbol,bid", `got "symbol,bid"`)
	bad("symbol;bid;ask", `got "symbol;bid;ask"`)
	bad("EURUSD,1.1,1.2", `got "EURUSD,1.1,1.2"`)
	bad("symbol,bid,ask,bid", "bid is there twice")
	bad("symbol,bid,ask,time,time_ms", "time is there twice")
	bad(`symbol,"bid,ask`, "does not close with one")
	bad(strings.Repeat("x", 200), `got "`+strings.Repeat("x", 60)+`…"`)
}
