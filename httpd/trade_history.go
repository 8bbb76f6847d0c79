package httpd

import (
	"context"
	"fmt"

	"tradingengine/core"
	"tradingengine/core/alert"
	"tradingengine/core/trading"
)

// TradeHistory is what the journal of trading holds beyond what the desk has in memory: everything
// committed. Account 0 stands for all, a nil symbol too. Rows come in ascending order of seq, those
// with a seq above after, at most limit of them.
type TradeHistory interface {
	// Orders calls each for orders as they stand after their newest event, which has seq. statuses
	// has a bit for each status that is wanted, or is 0.
	Orders(ctx context.Context, account trading.AccountID, symbol *core.SymbolID, statuses uint,
		after uint64, limit int, each func(seq uint64, o *trading.Order)) error
	// Order finds an order by id.
	Order(ctx context.Context, id trading.OrderID) (seq uint64, o trading.Order, found bool, err error)
	// OrderEvents returns the events of an order itself.
	OrderEvents(ctx context.Context, id trading.OrderID) ([]trading.Event, error)
	// Trades returns events with trading.FillData.
	Trades(ctx context.Context, account trading.AccountID, symbol *core.SymbolID, after uint64,
		limit int) ([]trading.Event, error)
	// Postings calls each for events with a posting and a seq of at most last; house is the balance of
	// the house's account after it.
	Postings(ctx context.Context, account trading.AccountID, after, last uint64, limit int,
		each func(e *trading.Event, house trading.Money)) error
	// DayEnd finds where a day of an account ends: the seq of its last event, and the balance then.
	// The swaps of the 17:00 that ends it are its last.
	DayEnd(ctx context.Context, account trading.AccountID, at core.Time) (last uint64,
		balance trading.Money, err error)
	// Fires calls each for alerts that ever fired, by seq, with the JSON that clients see.
	Fires(ctx context.Context, choose *alert.Filter, limit int, each func(data []byte)) error
	// Fire finds an alert by id.
	Fire(ctx context.Context, id alert.FireID) (f alert.Fire, found bool, err error)
	// Head returns the seq of the newest event and the hash of the chain up to it.
	Head(ctx context.Context) (seq uint64, hash [32]byte, err error)
	// Verify reads the journal up to seq, checks its chain, and folds it into a machine of its own.
	// It returns the hash of the chain and of that machine. An error that wraps trading.ErrJournal
	// says what is wrong with the journal.
	Verify(ctx context.Context, seq uint64) (hash, state [32]byte, err error)
}

// stored runs a read of the journal with a deadline.
func (s *Server) stored(read func(ctx context.Context) error) error {
	ctx, stop := context.WithTimeout(context.Background(), s.opts.Limits.ReadHistory)
	defer stop()
	if err := read(ctx); err != nil {
		return fmt.Errorf("%w: %w", errHistory, err)
	}
	return nil
}
