package app

import (
	"context"
	"errors"
	"fmt"

	"tradingengine/core"
	"tradingengine/core/alert"
	"tradingengine/core/desk"
	"tradingengine/core/trading"
	"tradingengine/httpd"
	"tradingengine/persist"
)

// The first account, for whoever tries the server out.
const (
	demoCurrency = "USD"
	demoDeposit  = "5000.00"
)

// journal is the journal in the desk's words.
type journal struct {
	*persist.Journal
	rows []persist.Answer // Of the commit at hand.
}

// Commit implements desk.Journal.
func (j *journal) Commit(
	events []trading.Event, answers []desk.Kept, alerts *alert.Changes,
) error {
	j.rows = j.rows[:0]
	for i := range answers {
		k := &answers[i]
		j.rows = append(j.rows, persist.Answer{
			Scope: k.Key.Scope, Key: k.Key.Name, Hash: k.Hash, Status: k.Answer.Status,
			Body: k.Answer.Body, Seq: k.Answer.Seq,
		})
	}
	err := j.Journal.Commit(events, j.rows, alerts)
	clear(j.rows)
	if persist.IsPassing(err) {
		return fmt.Errorf("%w: %w", desk.ErrPassing, err)
	}
	return err
}

// Answer implements desk.History.
func (j *journal) Answer(ctx context.Context, key desk.Key) (desk.Kept, bool, error) {
	a, found, err := j.Journal.Answer(ctx, key.Scope, key.Name)
	return desk.Kept{
		Key: key, Hash: a.Hash, Answer: desk.Answer{Status: a.Status, Body: a.Body, Seq: a.Seq},
	}, found, err
}

// openTrading brings the trading state to where the last run left it, and makes its desk.
func (v *server) openTrading(ctx context.Context, symbols *core.Registry) (err error) {
	c := v.config
	if v.journal, err = v.store.OpenJournal(); err != nil {
		return err
	}
	machine, err := trading.New(trading.Options{Symbols: symbols})
	if err != nil {
		return err
	}
	r, err := v.journal.Replay(ctx, machine.Replay)
	if err != nil {
		return err
	}
	book, err := v.openAlerts(ctx, symbols)
	if err != nil {
		return err
	}
	j := &journal{Journal: v.journal}
	v.desk, err = desk.New(desk.Options{
		Engine: v.engine, Machine: machine, Journal: j, History: j, Open: openDemo,
		Alerts:     book,
		QuoteClock: c.Clock == "quotes", Behind: c.Uncommitted, BehindMax: c.UncommittedMax,
		Log: v.logs.Main,
	})
	if err != nil {
		return err
	}
	answers, err := v.journal.Keys(ctx, func(scope, key string) {
		v.desk.Remember(desk.Key{Scope: scope, Name: key})
	})
	if err != nil {
		return err
	}
	v.logs.Main.Info("journal read", "events", r.Seq, "answers", answers, "accounts",
		machine.Accounts(), "took", r.Took)
	return nil
}

// openAlerts brings the rules and fires of alerts to where the last run left them.
func (v *server) openAlerts(ctx context.Context, symbols *core.Registry) (*alert.Book, error) {
	book, err := alert.New(alert.Options{
		Symbols: symbols, RulesMax: v.config.AlertRules, FiresMax: v.config.AlertsOpen,
	})
	if err != nil {
		return nil, err
	}
	stored, err := v.journal.Alerts(ctx)
	if err != nil {
		return nil, err
	}
	now := core.Now()
	if v.config.Clock == "quotes" {
		now = v.engine.Newest()
	}
	book.Load(now, &stored)
	return book, nil
}

// openDemo makes account 1. Its first balance is a deposit like any other.
func openDemo(m *trading.Machine, now core.Time) error {
	currency, _ := trading.ParseCurrency(demoCurrency)
	deposit, reject := trading.ParseMoney([]byte(demoDeposit), currency)
	if reject != core.RejectNone {
		return fmt.Errorf("the first deposit: %s", reject)
	}
	_, err := m.OpenAccount(now, trading.Settings{Currency: currency}, deposit)
	return err
}

// closeFiles closes the journal and then the market's file, whose lock covers both.
func (v *server) closeFiles() error {
	var err error
	if v.journal != nil {
		err = v.journal.Close()
	}
	return errors.Join(err, v.store.Close())
}

// checkJournal fails while what is traded cannot be committed.
func (v *server) checkJournal() httpd.CheckResult {
	s := v.desk.Stats()
	r := httpd.CheckResult{OK: true, Value: s.Head - s.Committed, Limit: v.config.Uncommitted}
	if err := v.desk.Failed(); err != nil {
		r.OK, r.Reason = false, err.Error()
	} else if s.JournalDown {
		r.OK, r.Reason = false, "the journal cannot be written; its log line says why"
	}
	return r
}

// tradingFields describe the desk and its journal in /api/stats.
func (v *server) tradingFields() []httpd.Field {
	s := v.desk.Stats()
	return []httpd.Field{
		{Name: "commands", Value: s.Commands},
		{Name: "repeated", Value: s.Repeated},
		{Name: "keysLookedUp", Value: s.LookUps},
		{Name: "reads", Value: s.Reads},
		{Name: "refusedBusy", Value: s.Busy},
		{Name: "refusedBehind", Value: s.Behind},
		{Name: "quotes", Value: s.Quotes},
		{Name: "quotesQueued", Value: s.QuotesQueued},
		{Name: "messagesQueued", Value: s.MessagesQueued},
		{Name: "lastSeq", Value: s.Head},
		{Name: "uncommitted", Value: s.Head - s.Committed},
		{Name: "events", Value: s.Events},
		{Name: "commits", Value: s.Commits},
		{Name: "lastMicros", Value: s.LastTook.Microseconds()},
		{Name: "maxMicros", Value: s.MaxTook.Microseconds()},
		{Name: "failures", Value: s.Failures},
		{Name: "alertRules", Value: s.Alerts.Rules},
		{Name: "alertsOpen", Value: s.Alerts.Open},
		{Name: "alertsFired", Value: s.Alerts.Fires},
		{Name: "alertsRepeated", Value: s.Alerts.Repeated},
		{Name: "alertsSwallowed", Value: s.Alerts.Swallowed},
		{Name: "alertsRefused", Value: s.Alerts.Refused},
		{Name: "alertsCrowded", Value: s.Alerts.Crowded},
	}
}
