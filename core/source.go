package core

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// SourceID names who quoted a price (the lp of a quote). Ids are dense, start at 1 and never
// change for the life of a market file; 0 is no source.
type SourceID uint8

// SourcesMax is how many source names one market file may hold.
const SourcesMax = 255

// NumberedSourcesMax is how many sources may number their quotes of one symbol.
const NumberedSourcesMax = 8

// Errors of Sources.
var (
	ErrTooManySources = errors.New("no room for another lp name")
	ErrSourceName     = errors.New("lp is not 1 to 32 printable characters without quotes, " +
		"commas or backslashes")
)

// Sources is the table of source names. Lookups may come from any goroutine and take no lock;
// Register takes one.
//
// Publication: Register stores a new map and then lets it be loaded; a map is never changed after
// it was stored.
type Sources struct {
	mu    sync.Mutex
	table atomic.Pointer[sourceTable]
}

type sourceTable struct {
	ids   map[string]SourceID
	names []string // Index is the SourceID; names[0] is empty.
}

// NewSources returns a table with the given names, in the order of their ids from 1.
func NewSources(names []string) (*Sources, error) {
	s := &Sources{}
	s.table.Store(&sourceTable{ids: map[string]SourceID{}, names: []string{""}})
	for _, name := range names {
		if _, err := s.Register(name); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Lookup finds a registered name without allocating.
func (s *Sources) Lookup(name []byte) (SourceID, bool) {
	id, ok := s.table.Load().ids[string(name)]
	return id, ok
}

// Register returns the id of name, giving it the next one when it is new. It fails with
// ErrSourceName or, when all 255 are taken, ErrTooManySources.
func (s *Sources) Register(name string) (SourceID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.table.Load()
	if id, ok := old.ids[name]; ok {
		return id, nil
	}
	if !validSourceName(name) {
		return 0, fmt.Errorf("%w: %q", ErrSourceName, cut(name, 40))
	}
	if len(old.names) > SourcesMax {
		return 0, ErrTooManySources
	}
	next := &sourceTable{ids: make(map[string]SourceID, len(old.ids)+1)}
	for k, v := range old.ids {
		next.ids[k] = v
	}
	id := SourceID(len(old.names))
	next.ids[name] = id
	next.names = append(append([]string(nil), old.names...), name)
	s.table.Store(next)
	return id, nil
}

// Name returns the name of id, or "" for 0 and ids not given out.
func (s *Sources) Name(id SourceID) string {
	names := s.table.Load().names
	if int(id) >= len(names) {
		return ""
	}
	return names[id]
}

// Len returns the highest id given out.
func (s *Sources) Len() int { return len(s.table.Load().names) - 1 }

func validSourceName(name string) bool {
	if name == "" || len(name) > 32 {
		return false
	}
	for i := range len(name) {
		c := name[i]
		if c < ' ' || c > '~' || c == '"' || c == '\\' || c == ',' {
			return false
		}
	}
	return true
}
