package trading

import (
	"strconv"

	"tradingengine/core"
)

// Money is an amount in minor units of an account's currency: cents of USD, whole JPY.
type Money int64

// MoneyMax bounds an amount that a client may move and the notional of an order, in minor units,
// so that balances and valuations stay far inside 64 bits.
const MoneyMax Money = 1_000_000_000_000_000

// moneyLimit is where a valuation is cut: a thousand times MoneyMax.
const moneyLimit = 1000 * MoneyMax

// Currency is a currency an account may have. Zero is none.
type Currency uint8

// currencies are the currencies of accounts with their decimals. The order is part of nothing that
// is stored: journals name currencies.
var currencies = [...]struct {
	name   string
	digits int
}{
	{"", 0},
	{"USD", 2},
	{"EUR", 2},
	{"GBP", 2},
	{"JPY", 0},
	{"CHF", 2},
	{"AUD", 2},
	{"CAD", 2},
	{"NZD", 2},
	{"SGD", 2},
	{"HKD", 2},
	{"NOK", 2},
	{"SEK", 2},
	{"DKK", 2},
	{"PLN", 2},
	{"CZK", 2},
	{"HUF", 2},
	{"ZAR", 2},
	{"MXN", 2},
	{"TRY", 2},
	{"CNH", 2},
	{"ILS", 2},
	{"THB", 2},
	{"INR", 2},
	{"KRW", 0},
}

// usd is the currency that bridges two others.
const usd Currency = 1

// jpy is one of those without decimals.
const jpy Currency = 4

// ParseCurrency finds a currency by its upper case name.
func ParseCurrency(name string) (Currency, bool) {
	for i := 1; i < len(currencies); i++ {
		if currencies[i].name == name {
			return Currency(i), true
		}
	}
	return 0, false
}

// CurrencyNames lists the currencies an account may have.
func CurrencyNames() []string {
	var names []string
	for _, c := range currencies[1:] {
		names = append(names, c.name)
	}
	return names
}

// String returns the name, e.g. USD.
func (c Currency) String() string { return currencies[c].name }

// Digits is the number of decimals of the currency: 2 for most, 0 for JPY.
func (c Currency) Digits() int { return currencies[c].digits }

// minor is the number of minor units in one unit.
func (c Currency) minor() uint64 { return uint64(core.Pow10(currencies[c].digits)) }

// AppendMoney prints an amount with exactly the currency's decimals.
func AppendMoney(dst []byte, m Money, c Currency) []byte {
	return core.AppendPrice(dst, core.Price(m), c.Digits())
}

// ParseMoney reads a plain decimal exactly. More decimals than the currency has are
// core.RejectPriceDigits; what is no plain decimal, or above 10^15 minor units, is
// core.RejectBadNumber.
func ParseMoney(s []byte, c Currency) (Money, core.Reject) {
	n, reject := core.ParsePrice(s, c.Digits())
	return Money(n), reject
}

// Volume is a quantity in millionths of a lot. Lot steps are whole millionths, so every volume a
// symbol allows is exact. Units of base currency = lots · contract size.
type Volume int64

// Lot is one lot.
const Lot Volume = 1_000_000

// ParseVolume reads lots as a plain decimal. More than six decimals are core.RejectPriceDigits.
func ParseVolume(s []byte) (Volume, core.Reject) {
	n, reject := core.ParsePrice(s, 6)
	return Volume(n), reject
}

// AppendVolume prints lots with at least two decimals and no more zeros than that: 0.10, 0.001.
func AppendVolume(dst []byte, v Volume) []byte {
	if v < 0 {
		dst = append(dst, '-')
		v = -v
	}
	dst = strconv.AppendInt(dst, int64(v/Lot), 10)
	dst = append(dst, '.')
	rest, digits := int64(v%Lot), 6
	for digits > 2 && rest%10 == 0 {
		rest /= 10
		digits--
	}
	for d := digits - 1; d >= 0; d-- {
		dst = append(dst, byte('0'+rest/core.Pow10(d)%10))
	}
	return dst
}
