package options

import (
	"fmt"
	"math"
	"strconv"
)

// Rate is how many a second, or flat out. The zero value switches a load off.
type Rate struct {
	PerSecond float64
	// FlatOut sends the next as soon as the last is answered; PerSecond is then 0.
	FlatOut bool
}

// On says that there is a load at all.
func (r Rate) On() bool { return r.FlatOut || r.PerSecond > 0 }

// String returns the rate as a flag has it.
func (r Rate) String() string {
	if r.FlatOut {
		return "max"
	}
	return strconv.FormatFloat(r.PerSecond, 'f', -1, 64)
}

// MarshalText lets a report name the rate.
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads a number of at least 0, or "max".
func (r *Rate) UnmarshalText(text []byte) error {
	if string(text) == "max" {
		*r = Rate{FlatOut: true}
		return nil
	}
	n, err := strconv.ParseFloat(string(text), 64)
	if err != nil || math.IsNaN(n) || n < 0 || n > 1e9 {
		return fmt.Errorf("a rate is a number a second or max, not %q", text)
	}
	*r = Rate{PerSecond: n}
	return nil
}
