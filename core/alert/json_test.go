package alert

import (
	"bytes"
	"testing"

	"tradingengine/core"
)

func testSymbols(t testing.TB) *core.Registry {
	t.Helper()
	symbols, err := core.NewRegistry(core.DefaultSymbols())
	if err != nil {
		t.Fatal(err)
	}
	return symbols
}

// someRules are rules of every kind.
func someRules(t testing.TB, symbols *core.Registry) (list []Rule) {
	t.Helper()
	eurusd, err := symbols.Find("EURUSD")
	if err != nil {
		t.Fatal(err)
	}
	for k := firstPriceKind; k < kindCount; k++ {
		r := Rule{
			ID: RuleID(k), Revision: 3, Kind: k, Name: "a \"name\"\n of " + k.String(), Enabled: true,
			CreatedAt: 1_768_842_000_000_000, Severity: High, Channels: AllChannels, Frequency: EveryCross,
			Cooldown: 300,
		}
		r.State = State{
			Status: Fired, Side: -1, Back: true, Fires: 2, Last: FireID{1, 2, 3}, LastAt: 5, Seen: 6, Peak: 7,
		}
		if k.OfSymbol() {
			r.Symbol, r.HasSymbol = eurusd, true
		}
		if k.OfAccount() {
			r.Account = 12
		}
		if k.hasLevel() {
			r.Threshold, r.Hysteresis = 108_000, 12
			if k == DrawdownAbove {
				r.Threshold = 10_00
			}
		}
		if k == PriceMove || k == FeedStale {
			r.Window, r.ExpireAt = 60, 1_768_842_000_000_001
		}
		r.Fill()
		list = append(list, r)
	}
	return list
}

// TestJSON prints and reads rules of every kind and a fire of each.
func TestJSON(t *testing.T) {
	symbols := testSymbols(t)
	for _, r := range someRules(t, symbols) {
		text, state := AppendRule(nil, symbols, &r), AppendState(nil, &r.State)
		again, err := ParseRule(symbols, text, state)
		if err != nil || again != r {
			t.Errorf("%s %s\n%+v, %v; want\n%+v", text, state, again, err, r)
		}
		f := Fire{
			ID: FireID{9, 8}, Seq: 4, Rule: r.ID, Revision: 3, Kind: r.Kind, Status: Snoozed, Severity: Low,
			Title: "EURUSD \\ there", Symbol: r.Symbol, HasSymbol: r.HasSymbol, Account: r.Account,
			Value: "1.08005", Threshold: "-1.08", Channels: Log, CreatedAt: 5, UpdatedAt: 6, SnoozedUntil: 7,
			Cause: Cause{Symbol: r.Symbol, Quote: 55},
		}
		if k := int(r.Kind); k%3 == 0 {
			f.Cause = Cause{Event: 12}
		} else if k%3 == 1 {
			f.Cause, f.Value, f.Threshold = Cause{Since: 17, Check: "memory", Test: true}, "", ""
		}
		text = AppendFire(nil, symbols, &f)
		fire, err := ParseFire(symbols, text)
		if err != nil || fire != f {
			t.Errorf("%s\n%+v, %v; want\n%+v", text, fire, err, f)
		}
	}
}

// FuzzParseRule reads anything. What is taken makes sense and is printed and read again to the same.
func FuzzParseRule(f *testing.F) {
	symbols := testSymbols(f)
	for _, r := range someRules(f, symbols) {
		f.Add(AppendRule(nil, symbols, &r), AppendState(nil, &r.State))
	}
	f.Add([]byte(`{"id":1,"revision":1,"kind":"PRICE_ABOVE","threshold":1e5}`), []byte(`{}`))
	f.Fuzz(func(t *testing.T, rule, state []byte) {
		r, err := ParseRule(symbols, rule, state)
		if err != nil {
			return
		}
		if refusal := r.Check(); refusal != nil {
			t.Fatalf("taken, but %v", refusal)
		}
		text := AppendRule(nil, symbols, &r)
		again, err := ParseRule(symbols, text, AppendState(nil, &r.State))
		if err != nil || !bytes.Equal(AppendRule(nil, symbols, &again), text) {
			t.Fatalf("%s\n%v", text, err)
		}
	})
}

// FuzzParseFire reads anything as a fire.
func FuzzParseFire(f *testing.F) {
	symbols := testSymbols(f)
	f.Add([]byte(`{"id":"00112233445566778899aabbccddeeff","kind":"SYSTEM","status":"FIRED","severity":` +
		`"LOW","value":3,"channels":["log"],"createdAt":"2026-01-19T13:49:24.100000Z"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		fire, err := ParseFire(symbols, text)
		if err != nil {
			return
		}
		printed := AppendFire(nil, symbols, &fire)
		again, err := ParseFire(symbols, printed)
		if err != nil || !bytes.Equal(AppendFire(nil, symbols, &again), printed) {
			t.Fatalf("%s: %v", printed, err)
		}
	})
}
