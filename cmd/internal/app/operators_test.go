package app

import "testing"

func TestPercent(t *testing.T) {
	f := func(part, whole int64, want string) {
		t.Helper()
		if got := percent(part, whole); got != want {
			t.Errorf("percent(%d, %d) = %s, want %s", part, whole, got, want)
		}
	}
	f(40_000, 100_000, "40.0")
	f(0, 0, "0.0")
	f(1, 3, "33.3")
	f(2, 3, "66.7")
	f(5, 5, "100.0")
}
