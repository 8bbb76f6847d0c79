package options

import (
	"flag"
	"fmt"
	"strings"
)

// explain turns an error of package flag into a sentence, with the flag that was probably meant.
func explain(fs *flag.FlagSet, err error) error {
	// Package flag has no type for this error, so its text is all there is.
	name, unknown := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
	if !unknown {
		return fmt.Errorf("%w: %w", ErrUsage, err)
	}
	best, bestDistance := "", len(name)/2+2
	fs.VisitAll(func(f *flag.Flag) {
		if d := distance(name, f.Name); d < bestDistance {
			best, bestDistance = f.Name, d
		}
	})
	if best == "" {
		return fmt.Errorf("%w: unknown flag -%s", ErrUsage, name)
	}
	return fmt.Errorf("%w: unknown flag -%s; did you mean -%s?", ErrUsage, name, best)
}

// distance is how many letters must be inserted, removed or replaced to turn a into b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
