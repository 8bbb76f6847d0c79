package trading

import (
	"testing"

	"tradingengine/core"
)

// refold writes a journal as text, reads it back and folds it into a new machine.
func refold(t testing.TB, symbols *core.Registry, journal []Event) *Machine {
	t.Helper()
	m, err := New(Options{Symbols: symbols})
	if err != nil {
		t.Fatal(err)
	}
	var text []byte
	for i := range journal {
		e := journal[i]
		text = AppendData(text[:0], symbols, &e)
		read := Event{Seq: e.Seq, Prev: e.Prev, Time: e.Time, Account: e.Account, Type: e.Type}
		if err := ParseData(&read, symbols, text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if again := string(AppendData(nil, symbols, &read)); again != string(text) {
			t.Fatalf("%s was read as %s", text, again)
		}
		if err := m.Replay(read); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	return m
}

// checkReplay wants the fold of all events so far to be the state.
func (d *desk) checkReplay() {
	d.t.Helper()
	d.journal = d.Take(d.journal)
	m := refold(d.t, d.symbols, d.journal)
	if err := m.CheckInvariants(); err != nil {
		d.t.Errorf("after replay: %v", err)
	}
	if m.Hash() != d.Hash() {
		d.t.Error("the fold of the journal is another state")
	}
}

// restart goes on with a machine made from the journal. Live prices are those of the events.
func (d *desk) restart() {
	d.t.Helper()
	d.journal = d.Take(d.journal)
	d.Machine = refold(d.t, d.symbols, d.journal)
}
