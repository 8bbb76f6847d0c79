package app

import (
	"errors"
	"fmt"
	"os"

	"tradingengine/cmd/internal/config"
	"tradingengine/core"
)

// readSymbols returns the symbols built in, changed by a symbol file when one is named.
func readSymbols(file string) (*core.Registry, error) {
	symbols := core.DefaultSymbols()
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("%w: -symbols: %w", config.ErrUsage, err)
		}
		if symbols, err = core.ReadSymbols(text, symbols); err != nil {
			if errors.Is(err, core.ErrSymbolFile) {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			return nil, err
		}
	}
	return core.NewRegistry(symbols)
}
