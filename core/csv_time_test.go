package core

import "testing"

func TestCSVTime(t *testing.T) {
	f := func(header, line string, hasTime bool, want Time, wantOK bool) {
		t.Helper()
		columns, err := ParseCSVHeader([]byte(header))
		if err != nil {
			t.Fatal(err)
		}
		if got := columns.HasTime(); got != hasTime {
			t.Errorf("%s: has time %v, want %v", header, got, hasTime)
		}
		if got, ok := columns.Time([]byte(line)); got != want || ok != wantOK {
			t.Errorf("%s: %s: got %d, %v, want %d, %v", header, line, got, ok, want, wantOK)
		}
	}
	f("symbol,bid,ask", "EURUSD,1,2", false, 0, false)
	f("time_ms,symbol,bid,ask", "1768830564100,EURUSD,1,2", true, 1768830564100000, true)
	f("symbol,bid,ask,Time", "x,y,z, \"2026-01-19T13:49:24.1Z\"\r", true, 1768830564100000, true)
	f("symbol,time,bid,ask", "EURUSD,1768830564100001,1,2", true, 1768830564100001, true)
	f("symbol,bid,ask,time", "EURUSD,1,2", true, 0, false)
	f("symbol,bid,ask,time", "EURUSD,1,2,", true, 0, false)
	f("symbol,bid,ask,time", "EURUSD,1,2,noon", true, 0, false)
	f("symbol,bid,ask,time", "EURUSD,1,2,0", true, 0, false)
}
