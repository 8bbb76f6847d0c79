package httpd

import (
	"testing"

	"tradingengine/core"
)

// TestStreamDefault is what existing clients rely on: nothing asked, every stored tick, in exactly
// this text.
func TestStreamDefault(t *testing.T) {
	m := newStreamMarket(t, streamMarketOptions{})
	at := testNow - core.Second
	m.apply(
		m.quote("EURUSD", 108_234, 108_236, at),
		m.quote("USDJPY", 157_123, 157_130, at+1234),
		m.quote("EURUSD", 108_234, 108_236, at+2000), // Throttled.
		m.quote("EURUSD", 108_240, 108_241, at+3000),
	)
	c := m.dial("")
	c.expect(
		`{"type":"tick","symbol":"EURUSD","bid":1.08240,"ask":1.08241,"spread":0.00001,`+
			`"timestamp":1768831169003,"lp":"SIM"}`,
		`{"type":"tick","symbol":"USDJPY","bid":157.123,"ask":157.130,"spread":0.007,`+
			`"timestamp":1768831169001,"lp":"SIM"}`,
	)
	m.apply(
		m.quote("BTCUSD", 9_312_345, 9_312_400, at+4000),
		m.quote("EURUSD", 108_240, 108_242, at+4000), // Throttled.
		m.quote("EURUSD", 108_250, 108_250, at+5000),
	)
	c.expect(
		`{"type":"tick","symbol":"BTCUSD","bid":93123.45,"ask":93124.00,"spread":0.55,`+
			`"timestamp":1768831169004,"lp":"SIM"}`,
		`{"type":"tick","symbol":"EURUSD","bid":1.08250,"ask":1.08250,"spread":0.00000,`+
			`"timestamp":1768831169005,"lp":"SIM"}`,
	)
	c.nothing(m)
}
