package feed

import (
	"errors"
	"strings"
	"testing"
)

func TestParseReplay(t *testing.T) {
	f := func(text string, want ReplaySpec) {
		t.Helper()
		got, err := ParseReplay(text)
		if err != nil || got != want {
			t.Errorf("%q: got %+v, %v, want %+v", text, got, err, want)
		}
	}
	f("replay:day.csv", ReplaySpec{Glob: "day.csv", Speed: 1})
	f("replay:data/ticks-*.csv.gz,speed=10", ReplaySpec{Glob: "data/ticks-*.csv.gz", Speed: 10})
	f("replay:day.csv,speed=max,loop", ReplaySpec{Glob: "day.csv", Loop: true})
	f("replay:day.csv, loop , speed=0.5", ReplaySpec{Glob: "day.csv", Speed: 0.5, Loop: true})
	f(`replay:C:\ticks\*.csv,loop`, ReplaySpec{Glob: `C:\ticks\*.csv`, Speed: 1, Loop: true})

	bad := func(text, want string) {
		t.Helper()
		_, err := ParseReplay(text)
		if !errors.Is(err, ErrReplaySpec) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %v with %q", text, err, ErrReplaySpec, want)
		}
	}
	bad("", "replay:GLOB")
	bad("simulator", "replay:GLOB")
	bad("replay:", "files are missing")
	bad("replay: ,loop", "files are missing")
	bad("replay:x.csv,sped=10", "did you mean speed?")
	bad("replay:x.csv,Loop", "did you mean loop?")
	bad("replay:x.csv,y.csv", "only speed and loop")
	bad("replay:x.csv,loop=yes", "loop takes no value")
	bad("replay:x.csv,loop,loop", "loop is given twice")
	bad("replay:x.csv,speed=1,speed=2", "speed is given twice")
	for _, speed := range []string{"", "0", "-1", "NaN", "Inf", "1e9", "fast", "0.0000001"} {
		bad("replay:x.csv,speed="+speed, "neither max nor a number from 0.001 to 1000000")
	}
	bad("replay:x.csv,speed", "neither max nor a number")
}

// FuzzParseReplay: nothing panics, every refusal is the sentinel, and what is read is written back
// so that it reads the same.
func FuzzParseReplay(f *testing.F) {
	f.Add("replay:data/*.csv.gz,speed=10,loop")
	f.Add("replay:x,speed=max")
	f.Add("replay:x,speed=0x1p3")
	f.Add("replay:,,")
	f.Fuzz(func(t *testing.T, text string) {
		spec, err := ParseReplay(text)
		if err != nil {
			if !errors.Is(err, ErrReplaySpec) {
				t.Fatalf("%q: got %v, want %v", text, err, ErrReplaySpec)
			}
			return
		}
		if spec.Glob == "" || spec.Speed < 0 || spec.Speed > speedMax {
			t.Fatalf("%q: got %+v", text, spec)
		}
		if again, err := ParseReplay(spec.String()); err != nil || again != spec {
			t.Fatalf("%q: read as %+v, written as %q, read again as %+v, %v", text, spec, spec, again, err)
		}
	})
}
