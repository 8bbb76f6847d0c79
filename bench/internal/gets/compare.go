package gets

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tradingengine/bench/internal/latency"
	"tradingengine/bench/internal/wire"
)

// CompareOptions describe a comparison of two servers on the same paths.
type CompareOptions struct {
	// Engine and Bare are the two servers.
	Engine, Bare wire.Options
	Paths        []string
	Connections  int
	// Rounds is how often each server is measured for each path, Slice for how long.
	Rounds int
	Slice  time.Duration
}

// Comparison is the result for one path. Rates are requests a second, the median of the rounds.
// Ratio is the median of the rounds' own ratios: what slows the box down for a while meets both
// servers of a round, but not all rounds.
type Comparison struct {
	Path        string    `json:"path"`
	EngineRate  float64   `json:"enginePerSecond"`
	BareRate    float64   `json:"barePerSecond"`
	Ratio       float64   `json:"ratio"`
	EngineBytes float64   `json:"engineBodyBytes"`
	BareBytes   float64   `json:"bareBodyBytes"`
	EngineRates []float64 `json:"engineRounds"`
	BareRates   []float64 `json:"bareRounds"`
	Errors      []string  `json:"errors,omitempty"`
}

// Compare measures both servers flat out in turns, so that whatever else the box does meets both
// alike. The order of a pair alternates: the second of two neighbours must not always profit from
// a warmer processor.
func Compare(
	ctx context.Context, opts CompareOptions, progress func(Comparison),
) ([]Comparison, error) {
	var all []Comparison
	for _, path := range opts.Paths {
		c := Comparison{Path: path}
		for round := range opts.Rounds {
			for turn := range 2 {
				if err := ctx.Err(); err != nil {
					return all, fmt.Errorf("comparison was interrupted: %w", err)
				}
				if err := c.measure(ctx, opts, (round+turn)%2 == 0); err != nil {
					return all, err
				}
			}
			c.sum()
			progress(c)
		}
		all = append(all, c)
	}
	return all, nil
}

// measure runs one slice against one of the servers.
func (c *Comparison) measure(ctx context.Context, opts CompareOptions, engine bool) error {
	address := opts.Bare
	if engine {
		address = opts.Engine
	}
	l := NewLoad(LoadOptions{
		Wire: address, Endpoints: Chosen([]string{c.Path}), Connections: opts.Connections,
		Duration: opts.Slice,
	})
	if err := l.Open(); err != nil {
		return err
	}
	start := time.Now()
	if err := l.Run(ctx, start); err != nil {
		return err
	}
	took := time.Since(start).Seconds()
	sum := latency.Summarize(l.opts.Endpoints[0].recorder)
	c.Errors = append(c.Errors, l.Errors()...)
	if sum.Count == 0 || took == 0 {
		return fmt.Errorf("compare %s: %w", c.Path, errNothing)
	}
	rate, size := float64(sum.Count)/took, float64(l.Bytes())/float64(sum.Count)
	if engine {
		c.EngineRates, c.EngineBytes = append(c.EngineRates, rate), size
	} else {
		c.BareRates, c.BareBytes = append(c.BareRates, rate), size
	}
	return nil
}

var errNothing = errors.New("no request was answered")

func (c *Comparison) sum() {
	c.EngineRate, c.BareRate = median(c.EngineRates), median(c.BareRates)
	ratios := make([]float64, 0, len(c.BareRates))
	for round, bare := range c.BareRates {
		ratios = append(ratios, c.EngineRates[round]/bare)
	}
	c.Ratio = median(ratios)
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	half := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[half]
	}
	return (sorted[half-1] + sorted[half]) / 2
}
