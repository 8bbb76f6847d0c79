package desk

import (
	"context"
	"errors"
	"fmt"

	"tradingengine/core"
	"tradingengine/core/alert"
	"tradingengine/core/trading"
)

// Errors of commands and reads. But for ErrFailed and an ended context, whose commands may have
// been done, they mean that nothing was done.
var (
	ErrBusy    = errors.New("too many commands are waiting")
	ErrBehind  = errors.New("too many events wait for the journal")
	ErrJournal = errors.New("the journal takes nothing at the moment")
	ErrStopped = errors.New("the desk has stopped")
	ErrFailed  = errors.New("the journal failed")
)

// Key makes a command happen once. It is unique for ever within its scope.
type Key struct {
	Scope string // Whose key it is, e.g. an account and the kind of key.
	Name  string
}

// Hash tells one request from another: of its method, path and body.
type Hash [32]byte

// Command is something that may change the trading state.
type Command struct {
	Keys []Key // None, or each a reason to give the first answer again.
	Hash Hash  // Of the request, where there are keys.
	// Account and Symbols are what the command is about: the prices it may need are made ready.
	Account trading.AccountID
	Symbols []core.SymbolID
	// Apply does it and makes the answer. It runs on the desk's goroutine and must not wait or keep
	// the machine. now is trading time. The answer's Seq is set by the desk.
	Apply func(m *trading.Machine, now core.Time) Answer
	// Alerts, if set, does it to the book of alerts instead.
	Alerts func(b *alert.Book, now core.Time) Answer
}

// Answer is what a client is told.
type Answer struct {
	Status int    // Of HTTP.
	Body   []byte // Never changed once it was returned.
	Seq    uint64 // Of the newest event when the command was done.
	// Repeated is set by Do when the answer is that of an earlier command with the same key.
	Repeated bool
}

// Kept is an answer under one of its keys. Commands without an event leave none.
type Kept struct {
	Key    Key
	Hash   Hash
	Answer Answer
}

// Kept finds what was kept under a key, in the journal.
func (d *Desk) Kept(ctx context.Context, key Key) (kept Kept, found bool, err error) {
	return d.opts.History.Answer(ctx, key)
}

// ReusedError is returned for a key that was used for another request.
type ReusedError struct{ Key Key }

func (e *ReusedError) Error() string {
	return fmt.Sprintf("the key %q was used for another request", e.Key.Name)
}

// Query looks at the trading state.
type Query struct {
	Account trading.AccountID // As in a Command.
	Symbols []core.SymbolID
	// Look and Alerts are as Apply and Alerts of a Command, but they change nothing.
	Look   func(m *trading.Machine, now core.Time)
	Alerts func(b *alert.Book, now core.Time)
}

// Do has a command done and returns its answer when all it did is committed. When ctx ends first,
// whether it is done is unknown to the caller; a key makes it safe to ask again.
func (d *Desk) Do(ctx context.Context, c *Command) (Answer, error) {
	k := &call{command: c}
	for {
		err := d.await(ctx, k)
		switch {
		case err == nil:
			return k.answer, nil
		case !errors.Is(err, errLookUp):
			return Answer{}, err // When ctx ended, the desk may be writing the answer.
		}
		d.counts.lookUps.Add(1)
		for _, key := range c.Keys {
			kept, found, err := d.opts.History.Answer(ctx, key)
			switch {
			case err != nil:
				return Answer{}, fmt.Errorf("%w: %w", ErrJournal, err)
			case found && kept.Hash != c.Hash:
				return Answer{}, &ReusedError{key}
			case found:
				kept.Answer.Repeated = true
				return kept.Answer, nil
			}
		}
		k = &call{command: c, looked: true, known: k.known}
	}
}

// Read has a query answered and returns when everything it saw is committed.
func (d *Desk) Read(ctx context.Context, q *Query) error {
	return d.await(ctx, &call{query: q})
}

// await sends a call and waits for its end.
func (d *Desk) await(ctx context.Context, k *call) error {
	k.done = make(chan struct{})
	k.now = d.now()
	if !d.watcher.Send(k) {
		select {
		case <-d.ended:
			return ErrStopped
		default:
		}
		d.counts.busy.Add(1)
		return ErrBusy
	}
	select {
	case <-k.done:
		return k.err
	case <-ctx.Done():
		return ctx.Err()
	case <-d.ended:
	}
	select {
	case <-k.done:
		return k.err
	default:
		return d.endError()
	}
}

// call is a command or query under way. It belongs to the caller until it is sent, then to the desk
// until done is closed.
type call struct {
	command *Command
	query   *Query
	now     core.Time // Trading time when it was sent.
	looked  bool      // The journal was asked for its keys and has none of them,
	known   uint64    // among those whose place is below this one.
	answer  Answer
	err     error
	done    chan struct{}
}

// errLookUp sends a caller to the journal: its key may be one that is not in memory.
var errLookUp = errors.New("desk: look the key up")

func (k *call) end(err error) {
	k.err = err
	close(k.done)
}
