package config

import (
	"errors"

	"tradingengine/core"
)

// Trading are the bounds between the market and the money.
type Trading struct {
	DeskQuotes     int // Quotes that may wait for the desk.
	Commands       int // Commands and reads that may.
	Uncommitted    int // Events that may wait for the journal before commands are refused,
	UncommittedMax int // and before the server ends.
	AlertRules     int // Rules of alerts.
	AlertsOpen     int // Alerts that are not resolved.
}

func (c *Trading) flags(fs Flags) {
	fs.IntVar(&c.DeskQuotes, "desk-quotes", 65_536,
		"`quotes` of traded symbols that may wait for the desk before a shard waits")
	fs.IntVar(&c.Commands, "commands", 4_096,
		"trading `requests` that may wait for the desk before they get 503")
	fs.IntVar(&c.Uncommitted, "uncommitted", 10_000,
		"`events` that may wait for trading.db before requests that trade get 503")
	fs.IntVar(&c.UncommittedMax, "uncommitted-max", 1_000_000,
		"`events` that may wait for trading.db before the server stops with exit code 1")
	fs.IntVar(&c.AlertRules, "alert-rules", 10_000, "most `rules` of alerts")
	fs.IntVar(&c.AlertsOpen, "alerts-open", 10_000,
		"`alerts` that may be unresolved before the oldest counts as resolved")
}

func (c *Trading) check() error {
	return errors.Join(
		between("desk-quotes", c.DeskQuotes, core.BatchMax, 100_000_000),
		between("commands", c.Commands, 1, 1_000_000),
		between("uncommitted", c.Uncommitted, 1, 100_000_000),
		between("uncommitted-max", c.UncommittedMax, 1, 100_000_000),
		between("alert-rules", c.AlertRules, 1, 100_000),
		between("alerts-open", c.AlertsOpen, 1, 1_000_000),
	)
}
