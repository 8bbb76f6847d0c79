package core

import "testing"

func newTestParser(t testing.TB) *Parser {
	t.Helper()
	registry := recordedSymbols(t)
	sources, err := NewSources([]string{"API", "SIM"})
	if err != nil {
		t.Fatal(err)
	}
	return &Parser{Symbols: registry, Sources: sources, DefaultSource: 1}
}
