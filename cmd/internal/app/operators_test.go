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

func TestRingSize(t *testing.T) {
	f := func(asked, symbols, want int) {
		t.Helper()
		if got := ringSize(asked, symbols); got != want {
			t.Errorf("ringSize(%d, %d) = %d, want %d", asked, symbols, got, want)
		}
	}
	f(50_000, 21, 50_000)
	f(50_000, 512, 50_000) // 65,536 slots of 32 bytes each: 1 GiB.
	f(50_000, 513, 32_767)
	f(50_000, 2048, 16_383)
	f(100, 2048, 100)
}
