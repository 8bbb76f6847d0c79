package core

import (
	"errors"
	"fmt"
	"time"
)

// Time is an instant in microseconds since 1970-01-01T00:00:00Z. The stored times of one symbol
// strictly increase, so a tick's Time is also its identity, its key in the file and the cursor a
// client resumes from.
type Time int64

// Common spans of Time, in microseconds.
const (
	Millisecond Time = 1000
	Second           = 1000 * Millisecond
	Minute           = 60 * Second
	Hour             = 60 * Minute
)

// ErrTime is returned for text that is neither RFC 3339 nor a whole epoch.
var ErrTime = errors.New("time is neither RFC 3339 nor an epoch in s, ms or µs")

// Epochs are told apart by size: seconds up to the year 5138, then milliseconds, then
// microseconds. The ranges do not overlap for instants from 1973 on.
const (
	epochSecondsMax = 100_000_000_000
	epochMillisMax  = 100_000_000_000_000
	epochMicrosMax  = 100_000_000_000_000_000
)

// TimeOf converts a wall clock reading, cutting nanoseconds.
func TimeOf(t time.Time) Time { return Time(t.UnixMicro()) }

// Now reads the wall clock. Only the edges call it; a shard never does.
func Now() Time { return TimeOf(time.Now()) }

// Std returns t as a UTC time.Time.
func (t Time) Std() time.Time { return time.UnixMicro(int64(t)).UTC() }

// Millis returns whole milliseconds since the epoch, rounded down.
func (t Time) Millis() int64 { return floorDiv(int64(t), int64(Millisecond)) }

// Seconds returns whole seconds since the epoch, rounded down.
func (t Time) Seconds() int64 { return floorDiv(int64(t), int64(Second)) }

// Floor returns t rounded down to a multiple of span.
func (t Time) Floor(span Time) Time { return Time(floorDiv(int64(t), int64(span))) * span }

// String returns RFC 3339 with six decimals in UTC, e.g. 2026-01-19T13:49:24.100000Z.
func (t Time) String() string { return string(t.Append(nil)) }

// Append appends the form of String to dst without allocating.
func (t Time) Append(dst []byte) []byte {
	const layout = "2006-01-02T15:04:05.000000Z"
	return t.Std().AppendFormat(dst, layout)
}

// ParseTime reads RFC 3339 text, or a whole epoch in seconds, milliseconds or microseconds.
func ParseTime(s string) (Time, error) {
	if n, ok := parseDigits(s); ok {
		return EpochTime(n)
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return TimeOf(t), nil
	}
	return 0, fmt.Errorf("%w: %q", ErrTime, cut(s, 40))
}

// EpochTime tells seconds, milliseconds and microseconds apart by size.
func EpochTime(n int64) (Time, error) {
	switch {
	case n < 0 || n >= epochMicrosMax:
		return 0, fmt.Errorf("%w: %d", ErrTime, n)
	case n < epochSecondsMax:
		return Time(n) * Second, nil
	case n < epochMillisMax:
		return Time(n) * Millisecond, nil
	default:
		return Time(n), nil
	}
}

// parseDigits reads a whole number of at most 18 digits, without leading zeros.
func parseDigits[T ~string | ~[]byte](s T) (n int64, ok bool) {
	if len(s) == 0 || len(s) > 18 || s[0] == '0' && len(s) > 1 {
		return 0, false
	}
	for i := range len(s) {
		if s[i]-'0' > 9 {
			return 0, false
		}
		n = n*10 + int64(s[i]-'0')
	}
	return n, true
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// cut shortens outside text before it is quoted in an error.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}
