package feed

import (
	"math"
	"strings"
)

// class tells assets apart by when they trade and how.
type class uint8

const (
	classFiat class = iota
	classMetal
	classCoin
	classOther
)

// asset is one leg of symbols: a currency, a metal, a coin, an index. Its price is the value of one
// unit in US dollars, so that every cross follows from its two legs.
type asset struct {
	name   string
	usd    float64 // What one unit was worth early in 2026.
	daily  float64 // Volatility of a day, in log.
	dollar float64 // Correlation with the moves of the dollar against everything,
	risk   float64 // with the mood for risk,
	coin   float64 // and with coins.
	spread float64 // Its part of a symbol's spread, as a share of the price.
	weight float64 // Its part in how often a symbol is quoted.
	class  class
	asia   bool // Much of its trading day is Tokyo's.

	value  float64 // Log of its value now.
	anchor float64 // Log of usd: where it is pulled back to.
	burst  float64 // How much busier than usual it is just now: 0 is as usual.
}

const (
	basis = 1e-4 // One basis point.
	pct   = 1e-2
)

// knownAssets lists what the market knows a price of. The values are those of January 2026.
func knownAssets() []asset {
	return []asset{
		{name: "USD", usd: 1, spread: 0.1 * basis, weight: 1.3},
		{name: "EUR", usd: 1.1637, daily: 0.40 * pct, dollar: 0.75, spread: 0.5 * basis, weight: 1.6},
		fiat("GBP", 1.3418, 0.44, 0.65, 0.2, 0.75, 1.3),
		asian("JPY", 1/157.95, 0.50, 0.5, -0.35, 0.65, 1.4),
		asian("AUD", 0.6709, 0.55, 0.55, 0.5, 0.85, 1.0),
		fiat("CAD", 1/1.3872, 0.34, 0.5, 0.3, 0.8, 0.9),
		fiat("CHF", 1/0.79684, 0.44, 0.65, -0.3, 0.9, 0.8),
		asian("NZD", 0.5790, 0.56, 0.55, 0.5, 1.2, 0.7),
		asian("SGD", 1/1.2855, 0.22, 0.65, 0.3, 1.4, 0.5),
		asian("HKD", 1/7.7970, 0.03, 0.2, 0, 0.5, 0.5),
		fiat("SEK", 1/9.20, 0.55, 0.7, 0.3, 3, 0.4),
		fiat("NOK", 1/10.05, 0.60, 0.6, 0.4, 3, 0.4),
		fiat("DKK", 1/6.42, 0.40, 0.75, 0, 2, 0.3),
		fiat("PLN", 1/3.63, 0.55, 0.7, 0.3, 4, 0.3),
		fiat("CZK", 1/20.9, 0.50, 0.7, 0.2, 5, 0.2),
		fiat("HUF", 1/331.0, 0.65, 0.6, 0.3, 6, 0.2),
		fiat("TRY", 1/43.2, 0.40, 0.2, 0.3, 10, 0.3),
		fiat("ZAR", 1/16.4, 0.80, 0.5, 0.5, 6, 0.4),
		fiat("MXN", 1/17.6, 0.60, 0.4, 0.5, 4, 0.4),
		asian("CNH", 1/6.96, 0.18, 0.5, 0.2, 1.5, 0.4),
		asian("CNY", 1/6.97, 0.15, 0.5, 0.2, 2, 0.3),
		asian("THB", 1/31.3, 0.35, 0.5, 0.2, 5, 0.2),
		asian("INR", 1/90.6, 0.25, 0.4, 0.2, 4, 0.2),
		asian("KRW", 1/1472.0, 0.45, 0.5, 0.4, 4, 0.3),
		fiat("BRL", 1/5.37, 0.80, 0.4, 0.5, 8, 0.3),
		fiat("ILS", 1/3.15, 0.50, 0.4, 0.4, 8, 0.2),
		{
			name: "XAU", usd: 4670, daily: 1.0 * pct, dollar: 0.4, risk: -0.1, spread: 0.7 * basis,
			weight: 1.4, class: classMetal,
		},
		metal("XAG", 93.2, 2.2, 2.5, 0.8),
		metal("XPT", 2340, 1.8, 6, 0.4),
		metal("XPD", 1810, 2.0, 10, 0.3),
		coin("BTC", 93_000, 2.0, 1.2, 1.5),
		coin("ETH", 3_215, 2.6, 1.6, 1.3),
		coin("BNB", 925, 2.2, 2.4, 0.9),
		coin("SOL", 133.5, 3.0, 2.6, 1.0),
		coin("XRP", 1.97, 2.8, 3, 1.0),
		coin("LTC", 69.8, 2.6, 5, 0.5),
		coin("BCH", 585, 2.6, 6, 0.4),
		coin("ADA", 0.367, 3.0, 6, 0.5),
		coin("DOT", 1.98, 3.2, 8, 0.4),
		coin("DOGE", 0.1275, 3.2, 6, 0.5),
		coin("LINK", 12.8, 3.2, 6, 0.4),
		coin("AVAX", 12.6, 3.2, 8, 0.4),
		other("US30", 49_300, 0.7, 0.5),
		other("US500", 6_930, 0.7, 0.7),
		other("NAS100", 25_500, 0.9, 0.7),
		other("US100", 25_500, 0.9, 0.7),
		other("GER40", 25_300, 0.8, 0.6),
		other("UK100", 10_230, 0.6, 0.4),
		other("JP225", 53_900, 1.0, 0.4),
		other("USOIL", 59.4, 1.6, 0.6),
		other("UKOIL", 64.1, 1.6, 0.6),
		other("XTI", 59.4, 1.6, 0.6),
		other("XBR", 64.1, 1.6, 0.6),
		other("XNG", 3.4, 3.0, 0.4),
	}
}

// fiat makes a currency; daily is in percent and spread in basis points, as traders speak of them.
func fiat(name string, usd, daily, dollar, risk, spread, weight float64) asset {
	return asset{
		name: name, usd: usd, daily: daily * pct, dollar: dollar, risk: risk,
		spread: spread * basis, weight: weight,
	}
}

func asian(name string, usd, daily, dollar, risk, spread, weight float64) asset {
	a := fiat(name, usd, daily, dollar, risk, spread, weight)
	a.asia = true
	return a
}

func metal(name string, usd, daily, spread, weight float64) asset {
	a := fiat(name, usd, daily, 0.4, 0.2, spread, weight)
	a.class = classMetal
	return a
}

func coin(name string, usd, daily, spread, weight float64) asset {
	a := fiat(name, usd, daily, 0, 0.2, spread, weight)
	a.coin, a.class = 0.75, classCoin
	return a
}

func other(name string, usd, daily, weight float64) asset {
	a := fiat(name, usd, daily, 0.1, 0.7, 1.5, weight)
	a.class = classOther
	return a
}

// assetTable finds or makes the assets that the symbols of a registry need.
type assetTable struct {
	known []asset
	used  []asset
	index map[string]int
}

func newAssetTable() *assetTable {
	t := &assetTable{known: knownAssets(), index: map[string]int{}}
	t.find("USD")
	return t
}

// find returns the index of a known asset among the used ones, or −1.
func (t *assetTable) find(name string) int {
	name = strings.ToUpper(name)
	if i, ok := t.index[name]; ok {
		return i
	}
	for _, a := range t.known {
		if a.name == name {
			return t.use(a)
		}
	}
	return -1
}

// invent makes an asset that nothing is known of.
func (t *assetTable) invent(name string, usd float64) int {
	a := other(strings.ToUpper(name), usd, 1, 0.4)
	return t.use(a)
}

func (t *assetTable) use(a asset) int {
	a.anchor = math.Log(a.usd)
	a.value = a.anchor
	t.index[a.name] = len(t.used)
	t.used = append(t.used, a)
	return len(t.used) - 1
}
