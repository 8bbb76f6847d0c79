package persist

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"tradingengine/core"
	"tradingengine/core/trading"
)

// verifyTrading looks at the file of money: it follows the chain, folds the events into a machine,
// and derives the lists from them again, in a file of its own, to compare them with those stored.
// Answers do not follow from events; they can only not speak of events that are not there.
func verifyTrading(ctx context.Context, v *verifier) (err error) {
	if _, err := tradingSchema.versionOf(v.conn, v.file); err != nil {
		return err
	}
	if v.symbols == nil && v.Wrong > 0 { // The file of the market is damaged.
		v.fault("its events cannot be read without the symbols of %s", MarketFile)
		return nil
	}
	dir, err := os.MkdirTemp("", "verify-")
	if err != nil {
		return err
	}
	path := filepath.Join(dir, TradingFile)
	derived, err := openAs(path, "_pragma=synchronous(0)")
	if err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	if err = tradingSchema.migrate(derived, path); err == nil {
		err = v.events(ctx, derived)
	}
	if err == nil {
		err = verifyOutbox(ctx, v)
	}
	return errors.Join(err, derived.close(), os.RemoveAll(dir))
}

// events verifies the events, and what derived says must follow from them.
func (v *verifier) events(ctx context.Context, derived *conn) error {
	symbols, err := foldSymbols(v.symbols)
	if err != nil {
		return err
	}
	err = derived.transact(func() error {
		head, err := v.derive(ctx, derived, symbols)
		v.Events = int64(head.Seq)
		return err
	})
	switch {
	case errors.Is(err, trading.ErrJournal), errors.Is(err, ErrDamaged):
		v.fault("%v", err)
		return nil
	case err != nil:
		return err
	}
	if err := v.compare(ctx, derived); err != nil {
		return err
	}
	return v.alerts(ctx, symbols)
}

// alerts verifies that every rule and open fire can be read, where the file has any. They do not
// follow from events.
func (v *verifier) alerts(ctx context.Context, symbols *core.Registry) error {
	tables, err := v.conn.int("SELECT count(*) FROM sqlite_schema WHERE name = 'alert_rule'")
	if err != nil || tables == 0 {
		return err
	}
	_, err = readAlerts(ctx, v.conn, symbols, func(err error) { v.fault("%v", err) })
	return err
}

// foldSymbols are the symbols as far as the fold of events needs them: their names and digits. What
// else they have may have changed since, and is in the events where it counts.
func foldSymbols(stored []StoredSymbol) (*core.Registry, error) {
	list := make([]core.Symbol, len(stored))
	for i, s := range stored {
		list[i] = core.NewSymbol(s.Name)
		list[i].Digits = s.Digits
		list[i].ContractSize = core.NewSymbol("EURUSD").ContractSize // Can be counted at any digits.
	}
	return core.NewRegistry(list)
}

// derive fills the tables of lists from the events.
func (v *verifier) derive(ctx context.Context, to *conn, symbols *core.Registry,
) (head JournalHead, err error) {
	m, err := trading.New(trading.Options{Symbols: symbols})
	if err != nil {
		return head, err
	}
	rows, end := newJournalRows(to), journalEnd{houses: map[string]trading.Money{}}
	f := follower{
		func(ctx context.Context, read func(context.Context, *conn) error) error {
			return read(ctx, v.conn)
		}, symbols, v.progress,
	}
	head, err = f.run(ctx, math.MaxInt64, func(e *trading.Event) error {
		if err := m.Replay(*e); err != nil {
			return err
		}
		if e.Seq%followRows == 0 {
			if err := rows.flush(); err != nil {
				return err
			}
			rows.reset()
		}
		return rows.derive(&end, symbols, e)
	})
	return head, errors.Join(err, rows.flush())
}

// derivedTables are the tables that follow from the events, with what names a row of them.
var derivedTables = []struct{ name, key string }{
	{"order_event", "seq"}, {"order_state", "id"}, {"trade", "seq"}, {"posting", "seq"},
}

// compare finds the rows that only one of the stored and the derived tables has.
func (v *verifier) compare(ctx context.Context, derived *conn) error {
	mode, err := modeAtRest(v.path)
	if err != nil {
		return err
	}
	uri, err := fileURI(v.path, mode)
	if err != nil {
		return err
	}
	if err := derived.exec("ATTACH ? AS stored", uri); err != nil {
		return err
	}
	for _, t := range derivedTables {
		v.progress(Progress{"checking the table " + t.name, 0, 1})
		text := fmt.Sprintf(`SELECT DISTINCT %[2]s FROM (
			SELECT * FROM (SELECT * FROM stored.%[1]s EXCEPT SELECT * FROM main.%[1]s)
			UNION ALL SELECT * FROM (SELECT * FROM main.%[1]s EXCEPT SELECT * FROM stored.%[1]s)
			) ORDER BY 1`, t.name, t.key)
		err := derived.query(ctx, text, func(row []driver.Value) error {
			v.fault("table %s: not what the events give at %s %v", t.name, t.key, row[0])
			return nil
		})
		if err != nil {
			return err
		}
	}
	return derived.query(ctx, "SELECT key, seq FROM stored.answer WHERE seq > ? ORDER BY id",
		func(row []driver.Value) error {
			v.fault("table answer: key %q speaks of event %v, which does not exist", row[0], row[1])
			return nil
		}, v.Events)
}
