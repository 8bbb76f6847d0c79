package trading

import (
	"fmt"
	"strconv"
	"strings"

	"tradingengine/core"
)

// symbolChanges reads the set lines of a script.
func symbolChanges(text string) (changes []func(*core.Symbol)) {
	for _, line := range strings.Split(text, "\n") {
		words := strings.Fields(line)
		if len(words) < 3 || words[0] != "set" {
			continue
		}
		changes = append(changes, func(s *core.Symbol) {
			if s.Name != words[1] {
				return
			}
			for _, word := range words[2:] {
				name, value, _ := strings.Cut(word, "=")
				v, _ := ParseVolume([]byte(value))
				switch name {
				case "commission":
					s.Commission = core.Micro(v)
				case "stopLevel":
					s.StopLevel = int64(v / Lot)
				case "swapLong":
					s.SwapLong = core.Micro(v)
				case "lotMin":
					s.LotMin = core.Micro(v)
				}
			}
		})
	}
	return changes
}

func (s *script) openAccount(words []string) {
	s.account(words[0], words[1], func(o *Settings) {
		for _, word := range words[2:] {
			if v, ok := ParseMarginMode(word); ok {
				o.MarginMode = v
			} else if v, ok := ParseHedgedMargin(word); ok {
				o.HedgedMargin = v
			} else if v, ok := ParseStopOutPolicy(word); ok {
				o.StopOutPolicy = v
			} else if word == "unprotected" {
				o.KeepNegative = true
			} else {
				o.Leverage, _ = strconv.ParseInt(word, 10, 64)
			}
		}
	})
}

func (s *script) amendment(id OrderID, words []string) Amendment {
	symbol := s.id("EURUSD")
	if o := s.orders[id]; o != nil {
		symbol = o.Symbol
	}
	return s.changes(symbol, words)
}

// changes reads price=1.1 sl= and the like; nothing after = removes the level.
func (s *script) changes(id core.SymbolID, words []string) (a Amendment) {
	symbol := s.symbols.Symbol(id).Name
	for _, word := range words {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "price":
			a.Price = To(s.price(symbol, value))
		case "limit":
			a.LimitPrice = To(s.price(symbol, value))
		case "sl":
			a.StopLoss = To(s.price(symbol, value))
		case "tp":
			a.TakeProfit = To(s.price(symbol, value))
		case "trail":
			a.Trailing = To(s.trailing(symbol, value))
		case "expire":
			t, _ := core.ParseTime(value)
			a.ExpireAt = To(t)
		default:
			s.t.Fatalf("no change %q", word)
		}
	}
	return a
}

func (s *script) summary(id AccountID) {
	v, err := s.Summary(id)
	if err != nil {
		s.t.Fatal(err)
	}
	amount := func(n Money) string { return string(AppendMoney(nil, n, v.Currency)) }
	level := "no level"
	if v.HasLevel {
		level = string(AppendMoney(nil, Money(v.MarginLevel), usd)) + " %"
	}
	fmt.Fprintf(&s.out, "balance %s, equity %s, margin %s, free %s, %s\n", amount(v.Balance),
		amount(v.Equity), amount(v.Margin), amount(v.FreeMargin), level)
}
