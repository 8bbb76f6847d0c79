package options

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"time"
)

// Torture says which server is killed again and again, and for how long.
type Torture struct {
	// Server is the path of the binary.
	Server string
	// Dir is where a new directory is made for the server.
	Dir string
	// Rounds ends the run after so many, Duration after so long; 0 sets no limit.
	Rounds   int
	Duration time.Duration
	// Senders is how many feed the server at once.
	Senders int
	Seed    uint64
	// Sync is the server's -sync: a kill loses nothing in either mode.
	Sync string
	// Keep leaves the directory. It is left in any case when something was wrong.
	Keep bool
}

// tortureRounds are those of a run that says nothing of its end.
const tortureRounds = 20

const tortureIntroduction = `bench torture starts a server of its own, kills it again and again
while it takes quotes and while it recovers, and compares all that it acknowledged with what it
knows afterwards.

  go run ./bench torture -server ./server.exe [flags]

The server gets a new directory inside -dir, a free port of the loopback address and -feed none;
nothing else is touched. Run it on the disk whose promises are in question. Ctrl-C ends the run
early with its report.

Exit code: 0 all is as promised, 1 something was lost, doubled or wrong, 2 wrong usage.
`

const tortureExamples = `
Examples:
  go build -o server.exe ./cmd/server/main.go
  go run ./bench torture -server ./server.exe
  go run ./bench torture -server ./server.exe -dir /mnt/data -duration 10m -seed 7
`

var tortureGroups = []group{{"Flags", []string{
	"server", "dir", "rounds", "duration", "senders", "seed", "sync", "keep",
}}}

// ParseTorture reads the arguments after the word torture. Help goes to out.
func ParseTorture(args []string, out io.Writer) (Torture, error) {
	var o Torture
	fs := o.flags()
	err := parse(fs, args, func() error {
		return printReference(out, fs, tortureIntroduction, tortureGroups, tortureExamples)
	})
	if err != nil {
		return Torture{}, err
	}
	if err := o.complete(); err != nil {
		return Torture{}, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	return o, nil
}

func (o *Torture) flags() *flag.FlagSet {
	fs := flag.NewFlagSet("bench torture", flag.ContinueOnError)
	fs.StringVar(&o.Server, "server", "", "`path` of the server binary; must be given")
	fs.StringVar(&o.Dir, "dir", ".", "`directory` in which a new one is made for the server; it "+
		"decides the disk")
	fs.IntVar(&o.Rounds, "rounds", 0, fmt.Sprintf("`rounds` of load, kill and comparison; 0 is no "+
		"limit with -duration and %d without", tortureRounds))
	fs.DurationVar(&o.Duration, "duration", 0, "`time` after which no round is begun; 0 is no limit")
	fs.IntVar(&o.Senders, "senders", 4, "`connections` that post at once, each symbols of its own")
	fs.Uint64Var(&o.Seed, "seed", 1, "`number` that decides all quotes and the moments of the kills")
	fs.StringVar(&o.Sync, "sync", "full", "`mode` of the server's commits, full or normal; a kill "+
		"loses nothing in either")
	fs.BoolVar(&o.Keep, "keep", false, "leave the directory; it is left in any case when something "+
		"was wrong")
	return fs
}

func (o *Torture) complete() error {
	switch {
	case o.Server == "":
		return errors.New("-server is missing: the path of the server binary")
	case o.Rounds < 0 || o.Duration < 0:
		return errors.New("-rounds and -duration are not negative")
	case o.Senders < 1 || o.Senders > 64:
		return fmt.Errorf("-senders is 1 to 64, not %d", o.Senders)
	case o.Sync != "full" && o.Sync != "normal":
		return fmt.Errorf("-sync is full or normal, not %q", o.Sync)
	}
	if o.Rounds == 0 && o.Duration == 0 {
		o.Rounds = tortureRounds
	}
	return nil
}
