package core

import (
	"strings"
	"time"
)

const one Micro = 1_000_000

// DefaultSymbols returns the 21 symbols an engine has without a symbol file.
func DefaultSymbols() []Symbol {
	const forex = "EURUSD GBPUSD USDJPY AUDUSD USDCAD USDCHF NZDUSD EURGBP EURJPY GBPJPY AUDJPY " +
		"AUDCAD AUDCHF AUDNZD AUDSGD AUDHKD"
	const crypto = "BTCUSD ETHUSD BNBUSD SOLUSD XRPUSD"
	swaps := map[string][2]Micro{ // Long and short, points a day.
		"EURUSD": {-500_000, 200_000},
		"GBPUSD": {-800_000, 300_000},
		"USDJPY": {-300_000, 100_000},
		"USDCHF": {-400_000, 150_000},
		"AUDUSD": {-600_000, 250_000},
	}
	var symbols []Symbol
	for _, name := range strings.Fields(forex + " " + crypto) {
		s := NewSymbol(name)
		s.SwapLong, s.SwapShort = swaps[name][0], swaps[name][1]
		symbols = append(symbols, s)
	}
	return symbols
}

// NewSymbol returns a symbol with sensible settings for its name: currency pairs as brokers quote
// them, crypto currencies and metals with their own contract, anything else one unit a lot.
func NewSymbol(name string) Symbol {
	s := Symbol{
		Name: name, Base: name, Quote: "USD", Digits: 2, ContractSize: one,
		LotMin: one / 100, LotMax: 100 * one, LotStep: one / 100, MarginRate: one,
		TripleSwapDay: time.Wednesday,
	}
	if len(name) < 6 || strings.ContainsAny(name[:6], "._-0123456789") {
		return s
	}
	s.Base, s.Quote = name[:3], name[3:6]
	switch s.Base {
	case "XAU":
		s.Digits, s.ContractSize = 3, 100*one
	case "XAG":
		s.Digits, s.ContractSize = 3, 5_000*one
	case "BTC", "ETH", "BNB", "SOL", "XRP":
		s.MarginRate, s.Session = one/10, Session24x7
		if s.Base == "XRP" {
			s.Digits = 5
		}
	default:
		s.Digits, s.ContractSize = 5, 100_000*one
		if s.Quote == "JPY" {
			s.Digits = 3
		}
	}
	return s
}
