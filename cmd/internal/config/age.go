package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// simulatedAge is how long simulated ticks are kept unless told otherwise: they are worth nothing,
// and a forgotten demonstration must not fill the disk. What was quoted for real is never deleted
// unasked.
const simulatedAge = 90 * day

// age is a span as operators say it: 90d, 12h, 0. While its text is empty the feed decides.
type age struct {
	span time.Duration
	text string
}

func retentionFlags(fs Flags) (ticks, bars *age) {
	ticks, bars = &age{}, &age{text: "0"}
	fs.Var(ticks, "retain-ticks",
		"`age` at which ticks are deleted, such as 90d; 0 keeps them for ever; when not given:\n"+
			"90d under the simulator, else 0")
	fs.Var(bars, "retain-bars", "`age` at which bars are deleted; 0 keeps them for ever")
	return ticks, bars
}

func (a *age) String() string { return a.text }

func (a *age) Set(s string) error {
	span, err := parseAge(s)
	if err != nil {
		return err
	}
	*a = age{span, s}
	return nil
}

// of returns the span under a feed.
func (a *age) of(kind FeedKind) time.Duration {
	if a.text == "" && kind == FeedSimulator {
		return simulatedAge
	}
	return a.span
}

// parseAge reads whole days, or what time.ParseDuration reads.
func parseAge(s string) (time.Duration, error) {
	const most = 100 * 365
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.Atoi(days)
		if err == nil && n >= 0 && n <= most {
			return time.Duration(n) * day, nil
		}
	} else if span, err := time.ParseDuration(s); err == nil && span >= 0 {
		return span, nil
	}
	return 0, fmt.Errorf("an age is such as 90d or 12h, at most %dd, or 0 for ever; not %q", most, s)
}
