package persist

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"

	"tradingengine/core"
	"tradingengine/core/alert"
)

// storeAlerts writes what became of rules and fires, in the transaction of a commit. A fire whose
// id is there already is left as it is, and no webhook is told of it again.
func (j *Journal) storeAlerts(c *conn, changes *alert.Changes) error {
	for i := range changes.Rules {
		r := &changes.Rules[i]
		err := c.exec(`INSERT OR REPLACE INTO alert_rule (id, account_id, removed, data, state)
			VALUES (?, ?, 0, ?, ?)`, int64(r.ID), r.Account,
			string(alert.AppendRule(nil, j.symbols, r)), string(alert.AppendState(nil, &r.State)))
		if err != nil {
			return err
		}
	}
	for _, id := range changes.Removed {
		if err := c.exec("UPDATE alert_rule SET removed = 1 WHERE id = ?", int64(id)); err != nil {
			return err
		}
	}
	for i := range changes.Fires {
		if err := j.storeFire(c, &changes.Fires[i]); err != nil {
			return err
		}
	}
	return nil
}

func (j *Journal) storeFire(c *conn, f *alert.FireChange) error {
	data := alert.AppendFire(nil, j.symbols, &f.Fire)
	id := f.ID.String()
	if !f.New {
		return c.exec("UPDATE alert_fire SET status = ?, data = ? WHERE id = ?", f.Status.String(),
			string(data), id)
	}
	err := c.exec(`INSERT OR IGNORE INTO alert_fire
		(seq, id, rule_id, account_id, status, created, data) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		int64(f.Seq), id, int64(f.Rule), f.Account, f.Status.String(), int64(f.CreatedAt), string(data))
	if err != nil || f.Channels&alert.Webhook == 0 {
		return err
	}
	if added, err := c.int("SELECT changes()"); err != nil || added == 0 {
		return err
	}
	body := f.CreatedAt.Append([]byte(`{"type":"alert","timestamp":"`))
	body = append(append(append(body, `","data":`...), data...), '}')
	return j.enqueueHooks(c, id, body, f.CreatedAt)
}

// Alerts returns what a book of alerts starts with again. A rule or fire that makes no sense any
// more, for instance because its symbol is gone, is left where it is and reported in the log.
func (j *Journal) Alerts(ctx context.Context) (s alert.Stored, err error) {
	err = j.reading(ctx, func(ctx context.Context, c *conn) error {
		s, err = readAlerts(ctx, c, j.symbols, func(err error) {
			j.log.Warn("an alert is left out", "reason", err)
		})
		return err
	})
	return s, j.Refuse(err)
}

// readAlerts reads what Alerts returns and gives what makes no sense to wrong.
func readAlerts(ctx context.Context, c *conn, symbols *core.Registry, wrong func(error),
) (s alert.Stored, err error) {
	err = c.query(ctx, "SELECT data, state FROM alert_rule WHERE removed = 0 ORDER BY id",
		func(row []driver.Value) error {
			data, state := fmt.Sprint(row[0]), fmt.Sprint(row[1])
			r, err := alert.ParseRule(symbols, []byte(data), []byte(state))
			if err != nil {
				wrong(err)
			} else {
				s.Rules = append(s.Rules, r)
			}
			return nil
		})
	if err != nil {
		return s, err
	}
	err = c.query(ctx, "SELECT data FROM alert_fire WHERE status <> 'RESOLVED' ORDER BY seq",
		func(row []driver.Value) error {
			f, err := alert.ParseFire(symbols, []byte(fmt.Sprint(row[0])))
			if err != nil {
				wrong(err)
			} else {
				s.Fires = append(s.Fires, f)
			}
			return nil
		})
	if err != nil {
		return s, err
	}
	err = c.query(ctx, "SELECT id FROM alert_fire ORDER BY seq DESC LIMIT ?",
		func(row []driver.Value) error {
			if id, ok := alert.ParseFireID(fmt.Sprint(row[0])); ok {
				s.Recent = append(s.Recent, id)
			}
			return nil
		}, int64(alert.RecentMax))
	slices.Reverse(s.Recent)
	if err != nil {
		return s, err
	}
	last, err := c.int("SELECT coalesce(max(id), 0) FROM alert_rule")
	s.LastRule = alert.RuleID(last)
	if err != nil {
		return s, err
	}
	last, err = c.int("SELECT coalesce(max(seq), 0) FROM alert_fire")
	s.LastFire = uint64(last)
	return s, err
}

// Fires gives each at most limit fires that were ever made, by seq, as they stand: the JSON that
// clients see.
func (j *Journal) Fires(
	ctx context.Context, choose *alert.Filter, limit int, each func(data []byte),
) error {
	f := &filter{}
	f.add("seq > ?", int64(choose.After))
	f.add("created >= ?", int64(choose.Since))
	in := func(column string, values []driver.Value) {
		if len(values) > 0 {
			f.add(column+" IN ("+strings.Repeat(", ?", len(values))[2:]+")", values...)
		}
	}
	var accounts, statuses []driver.Value
	for _, id := range choose.Accounts {
		accounts = append(accounts, id)
	}
	for _, s := range choose.Statuses {
		statuses = append(statuses, s.String())
	}
	in("account_id", accounts)
	in("status", statuses)
	return j.reading(ctx, func(ctx context.Context, c *conn) error {
		return c.query(ctx, "SELECT data FROM alert_fire WHERE "+f.text.String()+
			" ORDER BY seq LIMIT ?", func(row []driver.Value) error {
			each([]byte(fmt.Sprint(row[0])))
			return nil
		}, append(f.args, int64(limit))...)
	})
}

// Fire finds a fire by id.
func (j *Journal) Fire(ctx context.Context, id alert.FireID) (f alert.Fire, found bool, err error) {
	err = j.reading(ctx, func(ctx context.Context, c *conn) error {
		return c.query(ctx, "SELECT data FROM alert_fire WHERE id = ?", func(row []driver.Value) error {
			f, err = alert.ParseFire(j.symbols, []byte(fmt.Sprint(row[0])))
			found = true
			return err
		}, id.String())
	})
	return f, found, err
}
