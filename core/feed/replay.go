package feed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"tradingengine/core"
)

// ReplaySource is the lp of replayed quotes that name none, unless another one is given.
const ReplaySource = "REPLAY"

// ReplayOptions configure a Replay. Zero values mean the default given.
type ReplayOptions struct {
	Engine *core.Engine // Required.
	Glob   string       // The files, by a pattern,
	Files  []string     // or by name, or both.
	Source core.SourceID
	Speed  float64 // Times as fast as recorded; 0 is as fast as storage takes it.
	Loop   bool    // After the end, begin again, whole weeks later.
	// Room bounds the quotes sent and not committed yet; default 8,000. It must not exceed the
	// ticks that a ring holds.
	Room     int
	Now      func() core.Time     // Default core.Now.
	Progress func(ReplayProgress) // Called about every second, and at the end of each pass.
	Log      *slog.Logger         // Default discards.
}

// ReplayProgress says how far a replay has come.
type ReplayProgress struct {
	Pass       int       // From 1; more than one only in a loop.
	Rows       int64     // Of this pass.
	Refused    int64     // Rows among them that are no quotes of a known symbol.
	Bytes      int64     // Of the files as they lie on disk.
	BytesTotal int64     // Of all files.
	Time       core.Time // The time of the newest quote.
	PerSecond  float64   // Rows a second since the last report.
	ETA        time.Duration
	Done       bool // The pass has ended.
}

// Replay sends the quotes of recorded files to an engine, with the times they were recorded with,
// in order of these. Its methods are for one goroutine.
type Replay struct {
	opts  ReplayOptions
	files []recording
	bytes int64
	said  int // Refused rows that were described in the log.
}

const (
	speedMin = 0.001
	speedMax = 1e6

	week = 7 * day

	// paceEvery is the shortest pause: quotes that are due within it go out together.
	paceEvery = 20 * time.Millisecond
	// silenceMax is the longest time without a quote that a paced replay waits out. Longer ones,
	// such as weekends or the time between two recordings, are skipped.
	silenceMax = core.Hour

	reportEvery  = time.Second
	describedMax = 5
)

// NewReplay checks the options, finds the files and looks into each.
func NewReplay(opts ReplayOptions) (*Replay, error) {
	if opts.Engine == nil {
		return nil, fmt.Errorf("%w: a replay needs an engine", ErrOptions)
	}
	if opts.Speed != 0 && !(opts.Speed >= speedMin && opts.Speed <= speedMax) {
		return nil, fmt.Errorf("%w: a speed of %g is neither 0 nor %g to %.0f", ErrOptions,
			opts.Speed, speedMin, speedMax)
	}
	if opts.Now == nil {
		opts.Now = core.Now
	}
	if opts.Progress == nil {
		opts.Progress = func(ReplayProgress) {}
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	files, err := recordingsOf(&opts)
	if err != nil {
		return nil, err
	}
	if opts.Source, err = sourceOr(opts.Engine, opts.Source, ReplaySource); err != nil {
		return nil, err
	}
	r := &Replay{opts: opts, files: files}
	for _, f := range files {
		r.bytes += f.size
	}
	return r, nil
}

// Files returns the paths that are replayed, in order.
func (r *Replay) Files() []string {
	paths := make([]string, len(r.files))
	for i, f := range r.files {
		paths[i] = f.path
	}
	return paths
}

// Run replays until the files end, for ever in a loop, and returns nil; also when ctx ends or the
// engine closes. At the end everything is committed. It refuses like Check, and fails on a file
// that cannot be read to its end.
func (r *Replay) Run(ctx context.Context) error {
	if err := r.Check(); err != nil {
		return err
	}
	p := newPipe(r.opts.Engine, r.opts.Now, r.opts.Room)
	var err error
	for shift, n := core.Time(0), 1; ; n++ {
		pass := r.newPass(p, n, shift)
		err = pass.run(ctx)
		if err == nil && pass.first == 0 {
			err = fmt.Errorf("%w: no quote of a known symbol in %d files", ErrReplayFile, len(r.files))
		}
		if err != nil || !r.opts.Loop {
			break
		}
		// Whole weeks keep the hours and days of the market.
		shift += ((pass.last-pass.first)/week + 1) * week
	}
	if uncommitted := p.drain(ctx); err == nil {
		err = uncommitted
	}
	if p.lost > 0 {
		r.opts.Log.Warn("storage was outrun, replayed ticks were overwritten", "ticks", p.lost)
	}
	if ctx.Err() != nil || errors.Is(err, core.ErrClosed) {
		return nil
	}
	return err
}

// replayPass is one way through all files.
type replayPass struct {
	replay  *Replay
	pipe    *pipe
	merger  merger
	shift   core.Time
	pace    pace
	first   core.Time // Earliest and latest time in the files; 0 before the first quote.
	last    core.Time
	number  int
	rows    int64
	refused int64
	began   time.Time
	report  time.Time // When progress was told last,
	before  int64     // and the rows then.
}

func (r *Replay) newPass(p *pipe, number int, shift core.Time) *replayPass {
	e, now := r.opts.Engine, time.Now()
	pass := &replayPass{
		replay: r, pipe: p, shift: shift, number: number, began: now, report: now,
		pace: pace{speed: r.opts.Speed},
	}
	pass.merger = merger{
		files: r.files, refused: pass.refuse,
		parser: &core.Parser{Symbols: e.Symbols(), Sources: e.Sources(), DefaultSource: r.opts.Source},
	}
	return pass
}

func (p *replayPass) run(ctx context.Context) error {
	err := p.quotes(ctx)
	if errors.Is(err, io.EOF) {
		if err = p.pipe.send(ctx, true); err == nil {
			p.tell(time.Now(), true)
		}
	}
	return errors.Join(err, p.merger.close())
}

// quotes sends the quotes of the files until these end with io.EOF.
func (p *replayPass) quotes(ctx context.Context) error {
	fast := p.replay.opts.Speed == 0
	var q core.Quote
	for {
		if err := p.merger.next(&q); err != nil {
			return err
		}
		p.rows++
		if p.first == 0 {
			p.first = q.Time
		}
		p.last = max(p.last, q.Time)
		if wait := p.pace.wait(q.Time); wait > 0 {
			if err := p.pause(ctx, wait); err != nil {
				return err
			}
		}
		// Sending before adding keeps a quote for the end of the pass, where its commit is waited for.
		if p.pipe.full() {
			if err := p.send(ctx, fast); err != nil {
				return err
			}
		}
		q.Time += p.shift
		if p.replay.opts.Loop {
			q.Seq = 0 // The same numbers come again in the next pass.
		}
		p.pipe.add(q)
	}
}

// pause sends what is due and waits for more.
func (p *replayPass) pause(ctx context.Context, wait time.Duration) error {
	if err := p.send(ctx, false); err != nil {
		return err
	}
	timer := time.NewTimer(max(wait, paceEvery))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func (p *replayPass) send(ctx context.Context, wait bool) error {
	if err := p.pipe.send(ctx, wait); err != nil {
		return err
	}
	if now := time.Now(); now.Sub(p.report) >= reportEvery {
		p.tell(now, false)
	}
	return nil
}

// refuse counts a row that is no quote like any other sender's, and describes the first few.
func (p *replayPass) refuse(r *fileReader, reason core.Reject) {
	p.rows++
	p.refused++
	p.pipe.reject(r.line, reason)
	if p.replay.said < describedMax {
		p.replay.said++
		p.replay.opts.Log.Warn("a recorded row was refused", "file", r.path, "line", r.line,
			"code", reason.String(), "detail", r.detail(reason))
	}
}

// tell reports the progress of the pass.
func (p *replayPass) tell(now time.Time, done bool) {
	u := ReplayProgress{
		Pass: p.number, Rows: p.rows, Refused: p.refused, Bytes: p.merger.done(),
		BytesTotal: p.replay.bytes, Time: p.last + p.shift, Done: done,
	}
	if since := now.Sub(p.report).Seconds(); since > 0 {
		u.PerSecond = float64(p.rows-p.before) / since
	}
	if left := u.BytesTotal - u.Bytes; u.Bytes > 0 && left > 0 {
		u.ETA = time.Duration(float64(now.Sub(p.began)) * float64(left) / float64(u.Bytes))
	}
	p.report, p.before = now, p.rows
	p.replay.opts.Progress(u)
}

// pace tells when a recorded quote is due.
type pace struct {
	speed  float64   // 0: at once.
	began  time.Time // The quote of market was due at began.
	market core.Time
	last   core.Time
}

// wait returns how long to wait before a quote; 0 or less when it is due.
func (p *pace) wait(t core.Time) time.Duration {
	if p.speed == 0 {
		return 0
	}
	now := time.Now()
	if p.last == 0 || t > p.last+silenceMax {
		p.began, p.market = now, t
	}
	p.last = max(p.last, t)
	due := time.Duration(float64(t-p.market) / p.speed * float64(time.Microsecond))
	return p.began.Add(due).Sub(now)
}
