package desk

import (
	"context"
	"errors"

	"tradingengine/core/alert"
	"tradingengine/core/trading"
)

// Journal makes what the desk does durable. Commit is called by one goroutine.
type Journal interface {
	// Commit stores events, dense and in order, answers, and what became of alerts, each of which may
	// be nothing, in one transaction, and returns when they are on the disk. An error that wraps
	// ErrPassing means that nothing was stored and that the same may be tried again. After any other
	// error the file cannot be trusted.
	Commit(events []trading.Event, answers []Kept, alerts *alert.Changes) error
}

// History reads what the journal holds. It is called from many goroutines.
type History interface {
	// Answer finds what was kept under a key.
	Answer(ctx context.Context, key Key) (kept Kept, found bool, err error)
	// Events returns at most limit events after since, oldest first; of one account only unless all.
	Events(ctx context.Context, all bool, account trading.AccountID, since uint64, limit int,
	) ([]trading.Event, error)
}

// ErrPassing is wrapped by an error of Journal.Commit that may pass, such as a full disk.
var ErrPassing = errors.New("the journal cannot be written at the moment")
