package torture

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"tradingengine/bench/internal/options"
	"tradingengine/bench/internal/report"
	"tradingengine/bench/internal/server"
	"tradingengine/bench/internal/wire"
)

// ErrNoRoom is returned when there are fewer symbols than senders.
var ErrNoRoom = errors.New("each sender needs a symbol of its own")

// The moments of kills, and what a run is made of.
const (
	symbolsMax    = 8
	loadLeast     = 20 * time.Millisecond
	loadMost      = 600 * time.Millisecond
	recoveryKills = 3 // At most in a round.
)

// torture is one run.
type torture struct {
	opts    options.Torture
	dir     string
	random  *rand.Rand
	senders []*sender
	child   *child // The newest server, nil before the first.
	longest time.Duration
	report  *Report
	show    func(string)
}

// Run tortures a server until the options end it, something is wrong, or ctx ends. Each round is
// shown in a line. The report tells what was found up to then, also with an error.
func Run(ctx context.Context, opts options.Torture, show func(string)) (*Report, error) {
	binary, err := filepath.Abs(opts.Server)
	if err != nil {
		return nil, fmt.Errorf("find the server: %w", err)
	}
	opts.Server = binary
	parent, err := filepath.Abs(opts.Dir)
	if err != nil {
		return nil, fmt.Errorf("make a directory: %w", err)
	}
	// The directory is new, or this fails: nobody else's files are ever touched.
	dir, err := os.MkdirTemp(parent, "torture-")
	if err != nil {
		return nil, fmt.Errorf("make a directory: %w", err)
	}
	t := &torture{
		opts: opts, dir: dir, random: rand.New(rand.NewPCG(opts.Seed, 0)), show: show,
		report: &Report{Options: opts, Dir: dir, Kept: true},
	}
	start := time.Now()
	err = t.run(ctx)
	t.report.Seconds = time.Since(start).Seconds()
	if ctx.Err() != nil {
		t.report.Interrupted, err = true, nil // The server was killed: that is all that went wrong.
	}
	if t.child != nil {
		err = errors.Join(err, t.child.kill())
	}
	if !opts.Keep && err == nil && t.report.Findings.Clean() {
		err = os.RemoveAll(dir)
		t.report.Kept = err != nil
	}
	return t.report, err
}

func (t *torture) run(ctx context.Context) error {
	if err := t.launch(ctx); err != nil {
		return err
	}
	if err := t.child.ready(ctx); err != nil {
		return err
	}
	if err := t.prepare(); err != nil {
		return err
	}
	end := time.Now().Add(t.opts.Duration)
	for round := 1; t.opts.Rounds == 0 || round <= t.opts.Rounds; round++ {
		if t.opts.Duration > 0 && time.Now().After(end) {
			break
		}
		if err := t.round(ctx, round); err != nil {
			return err
		}
		t.report.Rounds++
		if !t.report.Findings.Clean() {
			return nil
		}
	}
	return t.finish(ctx)
}

func (t *torture) launch(ctx context.Context) error {
	var err error
	t.child, err = launch(ctx, t.opts.Server, t.dir, "-sync", t.opts.Sync)
	return err
}

// prepare shares out symbols among senders.
func (t *torture) prepare() error {
	client := server.NewClient(wire.Options{Address: t.child.address})
	// Nothing depends on the end of a connection that only asked.
	defer func() { _ = client.Close() }()
	survey, err := client.Survey()
	if err != nil {
		return err
	}
	instruments := survey.Instruments[:min(len(survey.Instruments), max(symbolsMax, t.opts.Senders))]
	if len(instruments) < t.opts.Senders {
		return fmt.Errorf("%w: %d senders, %d symbols", ErrNoRoom, t.opts.Senders, len(instruments))
	}
	for n := range t.opts.Senders {
		s := &sender{random: rand.New(rand.NewPCG(t.opts.Seed, uint64(1+n)))}
		for i := n; i < len(instruments); i += t.opts.Senders {
			s.markets = append(s.markets, newMarket(instruments[i].Symbol, fmt.Sprintf("T%d", n),
				instruments[i].Digits, rand.New(rand.NewPCG(t.opts.Seed, uint64(1000+i)))))
		}
		t.senders = append(t.senders, s)
	}
	t.report.Symbols = len(instruments)
	return nil
}

// round loads the server, kills it, sometimes kills it again while it recovers, and looks at what
// it knows when it is back.
func (t *torture) round(ctx context.Context, round int) error {
	before := t.acknowledged()
	loaded, killed, err := t.load(ctx)
	if err != nil {
		return err
	}
	again := 0
	if t.random.IntN(2) == 0 {
		again = 1 + t.random.IntN(recoveryKills)
	}
	for range again {
		if err := t.launch(ctx); err != nil {
			return err
		}
		// The longest start so far tells how far moments must reach.
		if err := t.wait(ctx, 0, t.longest+t.longest/4+time.Millisecond); err != nil {
			return err
		}
		killed = time.Now()
		if err := t.child.kill(); err != nil {
			return err
		}
		t.report.Kills++
		t.report.RecoveryKills++
	}
	recovered, right, err := t.recover(ctx, killed)
	if err != nil {
		return err
	}
	t.say(round, loaded, t.acknowledged()-before, again, recovered, right)
	return nil
}

// load lets the senders run for a random time and kills the server under them.
func (t *torture) load(ctx context.Context) (loaded time.Duration, killed time.Time, err error) {
	start := time.Now()
	var running sync.WaitGroup
	for _, s := range t.senders {
		running.Go(func() { s.run(ctx, t.child.address, false) })
	}
	err = t.wait(ctx, loadLeast, loadMost)
	gone := t.child.gone()
	killed = time.Now()
	loaded = killed.Sub(start)
	err = errors.Join(err, t.child.kill())
	running.Wait()
	if err == nil && gone {
		err = t.notBack(ctx, fmt.Errorf("%w under load:\n%s", ErrExited, t.child.said.String()))
	}
	t.report.Kills++
	t.report.Loaded += loaded
	t.report.Acknowledged = t.acknowledged()
	t.answers()
	return loaded, killed, err
}

// answers notes what senders were told that they must not be.
func (t *torture) answers() {
	f := &t.report.Findings
	for _, s := range t.senders {
		if s.wrong != "" {
			f.note(&f.WrongAnswers, 1, "%s", s.wrong)
			s.wrong = ""
		}
	}
}

func (t *torture) acknowledged() (n int64) {
	for _, s := range t.senders {
		n += s.acknowledged
	}
	return n
}

// wait lets things go on for a random time.
func (t *torture) wait(ctx context.Context, least, most time.Duration) error {
	if !pause(ctx, least+time.Duration(t.random.Int64N(int64(most-least)))) {
		return ctx.Err()
	}
	return nil
}

// recover starts the server again and checks it. It returns how long after the kill it was ready,
// and how long until its first answer about quotes was right; 0 if that was wrong.
func (t *torture) recover(ctx context.Context, killed time.Time) (ready, right time.Duration,
	err error,
) {
	launched := time.Now()
	if err := t.launch(ctx); err != nil {
		return 0, 0, err
	}
	if err := t.child.ready(ctx); err != nil {
		return 0, 0, t.notBack(ctx, err)
	}
	ready = time.Since(killed)
	t.longest = max(t.longest, time.Since(launched))
	t.report.Ready = append(t.report.Ready, ready)
	client := server.NewClient(wire.Options{Address: t.child.address})
	defer func() { err = errors.Join(err, client.Close()) }()
	c := newChecker(client, &t.report.Findings)
	if right, err = t.firstAnswer(client, killed); err != nil {
		return ready, right, err
	}
	return ready, right, t.check(c, false)
}

// notBack counts a server that is not there when it should be, unless that is an interrupt's doing.
func (t *torture) notBack(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		t.report.Findings.NotBack++
	}
	return err
}

// say shows a round.
func (t *torture) say(round int, loaded time.Duration, acknowledged int64, again int,
	ready, right time.Duration,
) {
	text := fmt.Sprintf("round %3d", round)
	if t.opts.Rounds > 0 {
		text += fmt.Sprintf(" of %d", t.opts.Rounds)
	}
	text += fmt.Sprintf("  %.2f s, %s quotes acknowledged, 1 kill", loaded.Seconds(),
		report.Thousands(acknowledged))
	if again > 0 {
		text += fmt.Sprintf(", %d more while it recovered", again)
	}
	text += fmt.Sprintf("; ready after %.0f ms", millis(ready))
	if right > 0 {
		text += fmt.Sprintf(", right after %.0f ms", millis(right))
	}
	if t.report.Findings.Clean() {
		text += "; ok"
	} else {
		text += "; WRONG"
	}
	t.show(text)
}
