package feed

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"tradingengine/core"
)

// ErrReplaySpec is returned for text that does not describe a replay.
var ErrReplaySpec = errors.New("a replay is written replay:GLOB[,speed=10|max][,loop]")

// ReplaySpec is what the text replay:GLOB[,speed=10|max][,loop] asks for.
type ReplaySpec struct {
	Glob  string
	Speed float64 // Times as fast as recorded; 0 is as fast as possible.
	Loop  bool
}

const replayPrefix = "replay:"

var replayOptions = []string{"speed", "loop"}

// ParseReplay reads replay:GLOB[,speed=10|max][,loop]. Without speed the pace is the recorded one.
// A comma ends the glob, so a file name cannot have one.
func ParseReplay(text string) (ReplaySpec, error) {
	spec := ReplaySpec{Speed: 1}
	rest, ok := strings.CutPrefix(text, replayPrefix)
	if !ok {
		return ReplaySpec{}, ErrReplaySpec
	}
	parts := strings.Split(rest, ",")
	if spec.Glob = strings.TrimSpace(parts[0]); spec.Glob == "" {
		return ReplaySpec{}, fmt.Errorf("%w; the files are missing", ErrReplaySpec)
	}
	given := map[string]bool{}
	for _, part := range parts[1:] {
		name, value, hasValue := strings.Cut(strings.TrimSpace(part), "=")
		if given[name] {
			return ReplaySpec{}, fmt.Errorf("%w; %s is given twice", ErrReplaySpec, name)
		}
		given[name] = true
		if err := spec.set(name, value, hasValue); err != nil {
			return ReplaySpec{}, err
		}
	}
	return spec, nil
}

func (s *ReplaySpec) set(name, value string, hasValue bool) error {
	switch {
	case name == "speed":
		speed, err := parseSpeed(value)
		s.Speed = speed
		return err
	case name == "loop" && !hasValue:
		s.Loop = true
		return nil
	case name == "loop":
		return fmt.Errorf("%w; loop takes no value", ErrReplaySpec)
	}
	if near := core.NearestName(name, replayOptions); near != "" {
		return fmt.Errorf("%w; there is no option %.40q, did you mean %s?", ErrReplaySpec, name, near)
	}
	return fmt.Errorf("%w; there is no option %.40q, only %s", ErrReplaySpec, name,
		strings.Join(replayOptions, " and "))
}

// parseSpeed reads max or a plain number above 0.
func parseSpeed(value string) (float64, error) {
	if value == "max" {
		return 0, nil
	}
	speed, err := strconv.ParseFloat(value, 64)
	if err != nil || !(speed >= speedMin && speed <= speedMax) {
		return 0, fmt.Errorf("%w; speed=%.40s is neither max nor a number from %g to %.0f",
			ErrReplaySpec, value, speedMin, speedMax)
	}
	return speed, nil
}

// String writes the spec as ParseReplay reads it.
func (s ReplaySpec) String() string {
	text := replayPrefix + s.Glob
	if s.Speed == 0 {
		text += ",speed=max"
	} else {
		text += ",speed=" + strconv.FormatFloat(s.Speed, 'g', -1, 64)
	}
	if s.Loop {
		text += ",loop"
	}
	return text
}
