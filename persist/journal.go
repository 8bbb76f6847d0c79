package persist

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"

	"tradingengine/core"
	"tradingengine/core/trading"
)

// Journal is the file of money, trading.db, of one data directory: the events of trading, which
// follow from each other by a chain of hashes, what is derived from them for reading, and the
// answers that were given. Replay comes first; then one goroutine commits and any goroutine reads.
type Journal struct {
	database
	symbols  *core.Registry
	progress func(Progress)

	// What follows belongs to the goroutine that commits,
	end  journalEnd
	rows journalRows
	// and this to whoever holds writing.
	checkpoints checkpoints

	outbox outbox

	head atomic.Pointer[JournalHead]
}

// JournalHead is the end of the journal: the seq of its newest event and the hash of the chain up
// to it.
type JournalHead struct {
	Seq  uint64
	Hash [32]byte
}

// Answer is the first answer to a request that named a key.
type Answer struct {
	Scope, Key string // Unique together.
	Hash       [32]byte
	Status     int
	Body       []byte
	Seq        uint64
}

// OpenJournal opens the file of money beside the market's, creating or upgrading it, under the lock
// and with the options of the store. Each of its commits is on the disk when it returns, whatever
// the store's Sync says. It is closed before the store.
func (s *Store) OpenJournal() (*Journal, error) {
	return openJournal(s.opts)
}

// ReadJournal opens it for reads alone, also beside a running server. A directory without one is an
// error that wraps os.ErrNotExist.
func ReadJournal(opts Options) (*Journal, error) {
	opts.ReadOnly = true
	opts.setDefaults()
	return openJournal(opts)
}

func openJournal(opts Options) (*Journal, error) {
	j := &Journal{
		database: database{
			path: filepath.Join(opts.Dir, TradingFile), schema: &tradingSchema, log: opts.Log,
			readers: opts.Readers, readTimeout: opts.ReadTimeout, resync: opts.resync,
		},
		symbols: opts.Symbols, progress: opts.Progress,
	}
	j.checkpoints = checkpoints{file: &j.database, every: walCheckpointPages, warn: walWarnPages}
	j.outbox = outbox{most: waitingMax, finishedMost: finishedMax, wake: make(chan struct{}, 1)}
	j.end.houses = map[string]trading.Money{}
	j.head.Store(&JournalHead{})
	if err := j.open(opts.ReadOnly); err != nil {
		return nil, errors.Join(j.Refuse(err), j.Close())
	}
	return j, nil
}

func (j *Journal) open(readOnly bool) error {
	if readOnly {
		if _, err := os.Stat(j.path); err != nil {
			return fmt.Errorf("no journal: %w", err)
		}
	}
	if err := j.schema.inspect(j.path); err != nil {
		return err
	}
	if readOnly {
		return j.openReading()
	}
	if err := j.openWriter("FULL"); err != nil {
		return err
	}
	if err := j.transact(addCurrencies); err != nil {
		return openFailure(j.path, err)
	}
	j.rows = newJournalRows(j.writing.conn)
	return j.openReading()
}

// addCurrencies tells the views how many minor units the currencies have. It writes only what is
// new, because whether the file is damaged is not known yet.
func addCurrencies(c *conn) error {
	for _, name := range trading.CurrencyNames() {
		currency, _ := trading.ParseCurrency(name)
		err := c.exec(`INSERT INTO currency (name, scale) VALUES (?, ?)
			ON CONFLICT DO UPDATE SET scale = excluded.scale WHERE scale <> excluded.scale`, name,
			float64(core.Pow10(currency.Digits())))
		if err != nil {
			return err
		}
	}
	return nil
}

// Close gives the file free. It may be called more than once.
func (j *Journal) Close() error { return j.close() }
