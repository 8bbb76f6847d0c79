package config

import (
	"fmt"
	"strings"

	"tradingengine/core"
)

// FeedKind is where quotes come from.
type FeedKind uint8

// The kinds of feeds.
const (
	FeedSimulator FeedKind = iota
	FeedNone
	FeedReplay
)

var feedNames = [...]string{"simulator", "none", "replay"}

// String returns the name as the flag and /api/config have it.
func (k FeedKind) String() string { return feedNames[k] }

// directory is where the data of a feed lie when -data does not say.
func (k FeedKind) directory() string {
	return [...]string{"demo", "market", "replay"}[k]
}

// Feed is the value of -feed.
type Feed struct {
	Kind   FeedKind
	Replay string // The text after "replay:".
}

// String returns the flag's text.
func (f *Feed) String() string {
	if f.Kind == FeedReplay {
		return "replay:" + f.Replay
	}
	return f.Kind.String()
}

// Set reads the flag's text.
func (f *Feed) Set(s string) error {
	if rest, ok := strings.CutPrefix(s, "replay:"); ok {
		*f = Feed{Kind: FeedReplay, Replay: rest}
		return nil
	}
	for i, name := range feedNames[:FeedReplay] {
		if s == name {
			*f = Feed{Kind: FeedKind(i)}
			return nil
		}
	}
	hint := ""
	if near := core.NearestName(s, feedNames[:]); near != "" {
		hint = "; did you mean " + near + "?"
	}
	return fmt.Errorf("a feed is simulator, none or replay:GLOB[,speed=10|max][,loop]%s", hint)
}
