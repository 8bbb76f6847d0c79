package trading

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"tradingengine/core"
)

// sampleJournal has events of all types.
func sampleJournal(t testing.TB) (*desk, []Event) {
	d := newDesk(t, func(s *core.Symbol) {
		s.Commission, s.SwapLong = 3_500_000, -1_250_000
	})
	a := d.account("USD", "1000")
	d.account("JPY", "100000", func(s *Settings) { s.MarginMode = Netting })
	d.quote("EURUSD", "1.10000", "1.10010")
	d.quote("USDJPY", "150.000", "150.010")
	d.place(a, `BUY 0.50 EURUSD sl=1.09000 tp=1.20000 id=a"\é trail=1234@1.15000`)
	d.place(a, "BUY 0.01 EURUSD STOP_LIMIT price=1.10100 limit=1.10050 DAY bound=1.10200")
	d.place(a, "SELL 0.01 EURUSD TRAILING_STOP trail=50bp")
	d.place(a, "BUY 0.01 EURUSD LIMIT price=1.09990 GTD expire=2026-01-19T10:01:00Z")
	if _, err := d.Cancel(d.clock, d.place(a, "BUY 0.01 EURUSD LIMIT price=1.00000").ID); err != nil {
		t.Fatal(err)
	}
	d.refused(a, "BUY 9.00 EURUSD", "INSUFFICIENT_MARGIN")
	d.place(2, "BUY 0.01 USDJPY")
	d.place(2, "BUY 0.02 USDJPY")
	d.quote("USDJPY", "150.100", "150.110")
	d.place(2, "BUY 0.03 USDJPY")
	d.quote("EURUSD", "1.10090", "1.10110")
	if err := d.Transfer(d.clock, a, Credit, 100, "bonus\x01\n"); err != nil {
		t.Fatal(err)
	}
	if err := d.PatchAccount(d.clock, a, AccountPatch{Leverage: To[int64](200)}); err != nil {
		t.Fatal(err)
	}
	d.SetTradingState(d.clock, Reducing)
	d.SetTradingState(d.clock, Active)
	d.clock = d.at("2026-01-19T22:00:00Z")
	d.Advance(d.clock)
	d.quote("EURUSD", "1.08500", "1.08510")
	d.place(a, "BUY 0.30 EURUSD")
	d.quote("EURUSD", "1.07000", "1.07010")
	d.quote("EURUSD", "1.01000", "1.01010")
	return d, d.journal
}

// TestEveryEventIsRead: what is printed is JSON and is read back as it was, for every type.
func TestEveryEventIsRead(t *testing.T) {
	d, journal := sampleJournal(t)
	seen := map[EventType]bool{}
	for _, e := range journal {
		seen[e.Type] = true
		public := AppendEvent(nil, d.symbols, &e)
		var fields map[string]any
		if err := json.Unmarshal(public, &fields); err != nil {
			t.Fatalf("%s: %v", public, err)
		}
		order, ofOrder := e.Data.(*OrderData)
		amounts := ofOrder && order.Order.Code.HasAmounts()
		if strings.Contains(string(public), `"required":`) != amounts ||
			strings.Contains(string(public), "fingerprint") {
			t.Errorf("clients are shown %s", public)
		}
		read := e
		read.Data = nil
		if err := ParseData(&read, d.symbols, AppendData(nil, d.symbols, &e)); err != nil {
			t.Fatalf("%s: %v", public, err)
		}
		if !reflect.DeepEqual(read, e) {
			t.Errorf("%s was read as %+v; want %+v", public, read.Data, e.Data)
		}
	}
	for i := AccountOpened; i <= TradingStateChanged; i++ {
		if !seen[i] {
			t.Errorf("the sample has no %v", i)
		}
	}
	d.checkReplay()
}

// TestCreditUsed: a journal from before adjustments named the credit they used is read as it was
// meant then, and one that uses more credit than there is is refused.
func TestCreditUsed(t *testing.T) {
	d, journal := sampleJournal(t)
	var text string
	var at int
	for i, e := range journal {
		if e.Type == BalanceAdjusted {
			at, text = i, string(AppendData(nil, d.symbols, &e))
		}
	}
	f := func(used, want string) {
		t.Helper()
		m, _ := New(Options{Symbols: d.symbols})
		for _, e := range journal[:at] {
			if err := m.Replay(e); err != nil {
				t.Fatal(err)
			}
		}
		e := journal[at]
		changed := strings.Replace(text, `,"creditUsed":1.00`, used, 1)
		if used != "" && !strings.Contains(changed, used) {
			t.Fatalf("%s has no creditUsed", text)
		}
		err := ParseData(&e, d.symbols, []byte(changed))
		if err == nil {
			err = m.Replay(e)
		}
		got := fmt.Sprint(m.accounts[0].Credit)
		if errors.Is(err, ErrJournal) {
			got = "refused"
		}
		if got != want {
			t.Errorf("%s: credit left %s; want %s", changed, got, want)
		}
	}
	f(`,"creditUsed":1.00`, "0")
	f(`,"creditUsed":0.99`, "1")
	f("", "100")
	f(`,"creditUsed":1.01`, "refused")
	f(`,"creditUsed":-0.01`, "refused")
	f(`,"creditUsed":x`, "refused")
}

// TestEventText: the public forms, as clients see them.
func TestEventText(t *testing.T) {
	d := newDesk(t, func(s *core.Symbol) { s.Commission = 3_500_000 })
	a := d.account("USD", "10000")
	d.quote("USDJPY", "150.000", "150.010")
	d.place(a, "BUY 0.10 USDJPY sl=149.000 id=ea-42")
	if _, err := d.ClosePosition(d.clock, 1, 0); err != nil {
		t.Fatal(err)
	}
	d.step()
	var got strings.Builder
	for _, e := range d.journal {
		got.Write(append(AppendEvent(nil, d.symbols, &e), '\n'))
	}
	const file = "testdata/events.jsonl"
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || got.String() != string(want) {
		t.Errorf("got\n%s\nwant %v\n%s", got.String(), err, want)
	}
}

// TestBadData: text that AppendData does not print is refused with where and why.
func TestBadData(t *testing.T) {
	d := newDesk(t)
	f := func(kind EventType, text string) {
		t.Helper()
		e := Event{Type: kind}
		if err := ParseData(&e, d.symbols, []byte(text)); !errors.Is(err, ErrJournal) {
			t.Errorf("%s: %v; want %v", text, err, ErrJournal)
		}
	}
	f(TradingStateChanged, ``)
	f(TradingStateChanged, `{}`)
	f(TradingStateChanged, `{"state":"ACTIVE","previous":"HALTED"} `)
	f(TradingStateChanged, `{"state":"ACTIVE","previous":"SLEEPING"}`)
	f(TradingStateChanged, `{"previous":"HALTED","state":"ACTIVE"}`)
	f(TradingStateChanged, `{"state":"ACTIVE","previous":"HALTED","more":1}`)
	f(EventType(99), `{}`)
	good := `{"transfer":"DEPOSIT","currency":"USD","amount":1.00,"credit":0.00}`
	e := Event{Type: Transferred}
	if err := ParseData(&e, d.symbols, []byte(good)); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"1.001", "1e2", "--1.00", "1.", ".5", "", strings.Repeat("9", 41)} {
		f(Transferred, strings.Replace(good, "1.00", bad, 1))
	}
	f(Transferred, strings.Replace(good, "USD", "XYZ", 1))
}

// FuzzParseData: whatever is read is printed as text that is read as the same.
func FuzzParseData(f *testing.F) {
	d, journal := sampleJournal(f)
	for _, e := range journal {
		f.Add(uint8(e.Type), AppendData(nil, d.symbols, &e))
	}
	f.Fuzz(func(t *testing.T, kind uint8, data []byte) {
		e := Event{Type: EventType(kind)}
		if ParseData(&e, d.symbols, data) != nil {
			return
		}
		text := AppendData(nil, d.symbols, &e)
		again := Event{Type: e.Type}
		if err := ParseData(&again, d.symbols, text); err != nil {
			t.Fatalf("%s was printed as %s: %v", data, text, err)
		}
		if !reflect.DeepEqual(e, again) {
			t.Fatalf("%s was printed as %s", data, text)
		}
	})
}

// BenchmarkParseData reads the events of a market order and its close. A restart folds the whole
// journal, so this bounds how fast an engine comes back.
func BenchmarkParseData(b *testing.B) {
	d := newDesk(b)
	a := d.account("USD", "100000")
	d.quote("EURUSD", "1.10000", "1.10010")
	d.place(a, "BUY 0.10 EURUSD sl=1.09000 tp=1.20000 id=ea-42-0001")
	d.ClosePosition(d.clock, 1, 0)
	d.step()
	var texts [][]byte
	events := d.journal[2:]
	for _, e := range events {
		texts = append(texts, AppendData(nil, d.symbols, &e))
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		e := Event{Type: events[i%len(events)].Type}
		if err := ParseData(&e, d.symbols, texts[i%len(texts)]); err != nil {
			b.Fatalf("%s: %v", texts[i%len(texts)], err)
		}
	}
}
