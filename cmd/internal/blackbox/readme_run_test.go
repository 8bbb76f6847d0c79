package blackbox

import (
	"strings"
	"testing"
)

// tick and bar are lines of /ticks and /ohlc, as README shows them.
const (
	readmeTick = `\{"symbol":"EURUSD","bid":\d\.\d{5},"ask":\d\.\d{5},"spread":0\.000\d\d,` +
		`"timestamp":"\S+Z","time":\d{16},"lp":"SIM"\}`
	readmeBar = `\{"time":\d{10},"open":[\d.]+,"high":[\d.]+,"low":[\d.]+,"close":[\d.]+,"volume":\d+,` +
		`"complete":(true|false)\}`
)

// readmeSessions are blocks of README that an operator pastes line by line on a first start, and
// what each line prints.
var readmeSessions = map[string][]string{
	`curl -s 'http://localhost:7999/ticks?symbol=EURUSD&limit=2'`: {
		`\[\n` + readmeTick + `,\n` + readmeTick + `\n\]\n`,
		`\[\n` + readmeBar + `,\n` + readmeBar + `\n\]\n`,
		`\{"type":"about:blank",.*did you mean EURUSD\?"\}\n`,
	},
	`sqlite3 data/demo/market.db`: {
		`(EURUSD\|\d{16}\|\S+Z\|[\d.]+\|[\d.]+\|[\d.e-]+\|SIM\n){3}`,
		`(\d{4}-\S+:00:00Z(\|[\d.]+){4}\|\d+\n){3}`,
	},
	`curl -s http://localhost:7999/metrics`: {
		`(engine_(quotes|orders)_\S+ \d+\n){30,}`,
		`(ok|degraded)\n(\w+\n)*`,
	},
	`# one-liners`: {
		``,
		`healthy\n`,
		`(\w+ \S+ of \S+\n){11,}`,
		`\d+ MB, up \d+ s\n`,
		`(\w+ \d+% throttled\n)+`,
		`(\S+.* p50 [\d.nul]+ p95 [\d.nul]+ p99 [\d.nul]+ ms\n)+`,
		`quotes/s: [\d.]+ now, [\d.]+ over a minute\n`,
		`flushed -?\d s ago, \d+ ticks wait\n`,
		`0\n`,
		`5000(\.00)? USD, equity 5000(\.00)?\n`,
		`/\n(/\S+\n){30,}`,
	},
}

// typesReadme pastes the sessions.
func (o *operator) typesReadme(t *testing.T) {
	t.Helper()
	for begin, prints := range readmeSessions {
		lines := readmeBlock(t, begin)
		if len(lines) != len(prints) {
			t.Errorf("the block of README that begins with %q has %d lines, want %d", begin, len(lines),
				len(prints))
			continue
		}
		for i, line := range lines {
			o.types(line, prints[i])
		}
	}
}

// typesBackup makes a backup of the directory of a first start as README says, and returns what puts
// it back once the server has stopped.
func (o *operator) typesBackup(t *testing.T) (restore func()) {
	t.Helper()
	lines := readmeBlock(t, "./server.exe backup")
	prints := []string{
		`.*copied market.db and trading.db of data/demo to backups/now: .*\n`,
		`.*ok: market.db and trading.db of backups/now, 21 symbols, .*\n`,
		`.*restored market.db and trading.db from backups/now to data/demo: .*\n.*before-restore-.*\n`,
		`OK\nhealthy\n`,
	}
	if len(lines) != len(prints) {
		t.Fatalf("the block about backups is %q", lines)
	}
	types := func(i int) {
		o.types(strings.NewReplacer("data/market", "data/demo", "$(date +%F)", "now", "2026-11-24", "now").
			Replace(lines[i]), prints[i])
	}
	types(0)
	types(1)
	types(3)
	return func() { types(2) }
}
