package core

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
)

func TestSourcesRegister(t *testing.T) {
	s, err := NewSources([]string{"SIM", "API"})
	if err != nil {
		t.Fatal(err)
	}
	f := func(name string, want SourceID, wantErr error) {
		t.Helper()
		if got, err := s.Register(name); got != want || !errors.Is(err, wantErr) {
			t.Errorf("%q: %d, %v; want %d, %v", name, got, err, want, wantErr)
		}
	}
	f("SIM", 1, nil)
	f("API", 2, nil)
	f("My LP (1)", 3, nil)
	f("sim", 4, nil) // Names keep their case.
	f("", 0, ErrSourceName)
	f(strings.Repeat("x", 33), 0, ErrSourceName)
	f(`a"b`, 0, ErrSourceName)
	f(`a\b`, 0, ErrSourceName)
	f("a,b", 0, ErrSourceName)
	f("a\nb", 0, ErrSourceName)
	f("é", 0, ErrSourceName)
	for n := 5; n <= SourcesMax; n++ {
		f(fmt.Sprint("LP", n), SourceID(n), nil)
	}
	f("LP256", 0, ErrTooManySources)
	f("LP255", 255, nil)
	if s.Len() != SourcesMax || s.Name(1) != "SIM" || s.Name(255) != "LP255" || s.Name(0) != "" {
		t.Errorf("%d names: %q, %q, %q", s.Len(), s.Name(1), s.Name(255), s.Name(0))
	}
	if id, ok := s.Lookup([]byte("LP256")); ok || id != 0 {
		t.Errorf("a name without an id was found as %d", id)
	}
	if _, err := NewSources([]string{"a", "b,"}); !errors.Is(err, ErrSourceName) {
		t.Errorf("a bad name in the list: %v", err)
	}
	few, err := NewSources(nil)
	if err != nil || few.Len() != 0 || few.Name(200) != "" {
		t.Errorf("an empty table: %v, %d, %q", err, few.Len(), few.Name(200))
	}
}

// TestSourcesConcurrently registers the same names from everywhere: each gets one id, for good.
func TestSourcesConcurrently(t *testing.T) {
	s, err := NewSources(nil)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for i := range 200 {
				name := fmt.Sprint("LP", (i*7+worker)%100)
				id, err := s.Register(name)
				found, ok := s.Lookup([]byte(name))
				if err != nil || !ok || found != id || s.Name(id) != name {
					t.Errorf("%s: %d, %v, found as %d, named %q", name, id, err, found, s.Name(id))
				}
			}
		})
	}
	all.Wait()
	if s.Len() != 100 {
		t.Errorf("%d ids for 100 names", s.Len())
	}
}
