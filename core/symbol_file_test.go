package core

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestReadSymbols(t *testing.T) {
	base := DefaultSymbols()
	base[1].Aliases = []string{"CABLE"}
	symbols, err := ReadSymbols([]byte(`[
  {"symbol": "xauusd", "aliases": ["GOLD", "XAUUSD.r"], "throttle": "0.01%"},
  {"digits": 4, "symbol": "EURUSD", "swapLong": -1.25, "swapShort": "0.5", "stopLevel": 10,
   "session": "24x7", "tripleSwapDay": "FRIDAY", "commissionPerLot": 3.5, "throttle": 0.00002},
  {"symbol": "GBPUSD", "aliases": []},
  {"symbol": "DAX", "base": "dax", "quote": "eur", "digits": 1, "contractSize": 0.5, "lotMin": 1,
   "lotMax": 500, "lotStep": 0.1, "marginRate": 0.05}
]`), base)
	if err != nil {
		t.Fatal(err)
	}
	if len(symbols) != 23 || symbols[21].Name != "XAUUSD" || symbols[22].Name != "DAX" {
		t.Fatalf("%d symbols", len(symbols))
	}
	gold := NewSymbol("XAUUSD")
	gold.Aliases, gold.Throttle, gold.OwnThrottle = []string{"GOLD", "XAUUSD.r"}, 100_000, true
	euro := base[0]
	euro.Digits, euro.SwapLong, euro.SwapShort, euro.StopLevel = 4, -1_250_000, 500_000, 10
	euro.Session, euro.TripleSwapDay, euro.Commission = Session24x7, time.Friday, 3_500_000
	euro.Throttle, euro.OwnThrottle = 20_000, true
	pound := base[1]
	pound.Aliases = []string{}
	dax := NewSymbol("DAX")
	dax.Base, dax.Quote, dax.Digits, dax.ContractSize = "DAX", "EUR", 1, 500_000
	dax.LotMin, dax.LotMax, dax.LotStep, dax.MarginRate = one, 500*one, 100_000, 50_000
	for i, want := range map[int]Symbol{0: euro, 1: pound, 2: base[2], 21: gold, 22: dax} {
		if !reflect.DeepEqual(symbols[i], want) {
			t.Errorf("got\n%+v; want\n%+v", symbols[i], want)
		}
	}
	if len(base) != 21 || base[0].Digits != 5 || base[1].Aliases[0] != "CABLE" {
		t.Error("the symbols given were changed")
	}
	if _, err := NewRegistry(symbols); err != nil {
		t.Error(err)
	}
	if symbols, err = ReadSymbols([]byte(" [ ] "), base); err != nil || len(symbols) != 21 {
		t.Errorf("an empty list: %d, %v", len(symbols), err)
	}
}

// TestReadSymbolsKeepsAliasesApart overrides aliases of a symbol whose array is shared.
func TestReadSymbolsKeepsAliasesApart(t *testing.T) {
	base := []Symbol{NewSymbol("EURUSD")}
	base[0].Aliases = []string{"FIBER"}
	symbols, err := ReadSymbols([]byte(`[{"symbol":"EURUSD","aliases":["EURO"]}]`), base)
	if err != nil || symbols[0].Aliases[0] != "EURO" || base[0].Aliases[0] != "FIBER" {
		t.Errorf("%v, got %v of %v", err, symbols[0].Aliases, base[0].Aliases)
	}
}

// TestReadSymbolsSaysWhere has one fault a file, in line 3, and wants line and field named.
func TestReadSymbolsSaysWhere(t *testing.T) {
	f := func(member, want string) {
		t.Helper()
		file := "[\n{\"symbol\": \"EURUSD\", \"digits\": 5,\n" + member + "\n}\n]\n"
		_, err := ReadSymbols([]byte(file), DefaultSymbols())
		if !errors.Is(err, ErrSymbolFile) || err.Error() != "symbol file: line 3: "+want {
			t.Errorf("%s: %v\nwant %s", member, err, want)
		}
	}
	f(`"digit": 5`, "field digit: no such field; did you mean digits?")
	f(`"Digits": 5`, "field Digits: no such field; did you mean digits?")
	f(`"tripleswapday": "FRIDAY"`,
		"field tripleswapday: no such field; did you mean tripleSwapDay?")
	f(`"bid": 1.1`, "field bid: no such field; there are "+strings.Join(symbolFields, " "))
	f(`"digits": 5`, "field digits: is given twice")
	f(`"symbol": "EURUSD"`, "field symbol: is given twice")
	f(`"base": 1`, "field base: 1 is not a string")
	f(`"base": null`, "field base: null is not a string")
	f(`"base": ""`, "field base: bad symbol: EURUSD: base and quote must each name a currency "+
		"such as EUR")
	f(`"stopLevel": -1`, "field stopLevel: -1 is not a whole number")
	f(`"stopLevel": 1.5`, "field stopLevel: 1.5 is not a whole number")
	f(`"stopLevel": "5"`, `field stopLevel: "5" is not a whole number`)
	f(`"stopLevel": null`, "field stopLevel: null is not a whole number")
	f(`"lotMin": null`, "field lotMin: null is not a plain decimal of at most 6 places")
	f(`"lotMin": 1e-2`, "field lotMin: 1e-2 is not a plain decimal of at most 6 places")
	f(`"lotMin": 0.0000001`, "field lotMin: 0.0000001 is not a plain decimal of at most 6 places")
	f(`"lotMin": 0`, "field lotMin: bad symbol: EURUSD: lotMin, lotStep and lotMax must be above "+
		"0, the maximum not below the minimum")
	f(`"marginRate": 1.5`, "field marginRate: bad symbol: EURUSD: marginRate must be above 0 and "+
		"at most 1")
	f(`"session": "24/7"`, `field session: "24/7" is not one of 24x5, 24x7`)
	f(`"tripleSwapDay": "WED"`, `field tripleSwapDay: "WED" is not a day from "MONDAY" to "FRIDAY"`)
	f(`"tripleSwapDay": "SATURDAY"`,
		`field tripleSwapDay: "SATURDAY" is not a day from "MONDAY" to "FRIDAY"`)
	f(`"tripleSwapDay": "Sunday"`,
		`field tripleSwapDay: "Sunday" is not a day from "MONDAY" to "FRIDAY"`)
	f(`"aliases": "EURUSD.r"`, `field aliases: "EURUSD.r" is not an array of strings`)
	f(`"aliases": null`, "field aliases: null is not an array of strings")
	f(`"aliases": ["EUR/USD"]`, `field aliases: "EUR/USD" is not [A-Z0-9._-]{1,32}`)
	f(`"lotMax": tru`, "field lotMax: invalid character '\\n' in literal true (expecting 'e')")
}

func TestReadSymbolsRefuses(t *testing.T) {
	f := func(file, want string) {
		t.Helper()
		_, err := ReadSymbols([]byte(file), DefaultSymbols())
		if !errors.Is(err, ErrSymbolFile) || !strings.Contains(err.Error(), want) ||
			!strings.HasPrefix(err.Error(), "symbol file: line ") {
			t.Errorf("%s: %v; want %s", file, err, want)
		}
	}
	f("", "expected \"[\"")
	f("{}", "a symbol file is a JSON array of objects")
	f("null", "a symbol file is a JSON array of objects")
	f("[1]", "expected \"{\"")
	f("[null]", "expected \"{\"")
	f("[{}]", "field symbol is missing")
	f(`[{"digits":5}]`, "field symbol is missing")
	f(`[{"symbol":""}]`, `field symbol: "" is not`)
	f(`[{"symbol":"EUR USD"}]`, `field symbol: "EUR USD" is not`)
	f(`[{"symbol":7}]`, "field symbol: 7 is not a string")
	f(`[{"symbol":"A"},{"symbol":"a"}]`, "field symbol: A is there twice")
	f(`[{"symbol":"A"}`, "expected \"]\"")
	f(`[{"symbol":"A"}] x`, "text after the array")
	f(`[{"symbol":"A"}][]`, "text after the array")
	f(`[{"symbol":"A",}]`, "invalid character")
	// A field that only another makes right is not to blame.
	_, err := ReadSymbols([]byte(`[{"symbol":"A","lotMin":200,"lotMax":500}]`), nil)
	if err != nil {
		t.Errorf("a minimum that its maximum follows: %v", err)
	}
	f("[{\"symbol\":\"A\",\n\"lotMin\":200,\n\"lotStep\":1\n}]", "line 2: field lotMin: bad symbol")
}
