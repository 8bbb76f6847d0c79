package orders

import (
	"bytes"
	"encoding/json"
	"fmt"

	"tradingengine/bench/internal/server"
	"tradingengine/bench/internal/wire"
)

// listPage is how many orders are asked for at once when they are counted.
const listPage = 5_000

// OpenAccount opens the account that the load trades on, with money and leverage for everything.
func (l *Load) OpenAccount() error {
	const body = `{"currency":"USD","leverage":10000,"deposit":1000000000}`
	conn := wire.New(l.opts.Wire)
	head := wire.AppendPostHead(nil, l.opts.Wire.Address, "/api/accounts", "application/json",
		len(body))
	answer, err := conn.Post(head, []byte(body))
	var opened struct{ AccountID int64 }
	switch {
	case err != nil:
		err = fmt.Errorf("POST /api/accounts: %w", err)
	case answer.Status != 201:
		err = fmt.Errorf("POST /api/accounts: %w: status %d: %s", server.ErrAnswer, answer.Status,
			server.Brief(answer.Body))
	default:
		err = json.Unmarshal(answer.Body, &opened)
	}
	if l.account = opened.AccountID; err == nil && l.account == 0 {
		err = fmt.Errorf("POST /api/accounts: %w: no accountId in %s", server.ErrAnswer,
			server.Brief(answer.Body))
	}
	if e := conn.Close(); err == nil && e != nil {
		err = fmt.Errorf("close connection: %w", e)
	}
	return err
}

// Account is the one that was opened.
func (l *Load) Account() int64 { return l.account }

// CountFilled asks the engine for the filled orders of the account, page by page.
func (l *Load) CountFilled() (filled int64, err error) {
	conn := wire.New(l.opts.Wire)
	defer func() { _ = conn.Close() }() // What it was for has been read.
	for cursor := int64(0); ; {
		path := fmt.Sprintf("%s?accountId=%d&status=FILLED&limit=%d&cursor=%d", placeRoute, l.account,
			listPage, cursor)
		answer, err := conn.Get(wire.AppendGet(nil, l.opts.Wire.Address, path))
		if err == nil && answer.Status != 200 {
			err = fmt.Errorf("%w: status %d: %s", server.ErrAnswer, answer.Status,
				server.Brief(answer.Body))
		}
		if err != nil {
			return filled, fmt.Errorf("GET %s: %w", path, err)
		}
		rows := int64(bytes.Count(answer.Body, statusFilled))
		filled += rows
		if rows < listPage {
			return filled, nil
		}
		var last struct{ Seq int64 }
		lines := bytes.Split(bytes.TrimSuffix(bytes.TrimSpace(answer.Body), []byte("\n]")), []byte("\n"))
		if err := json.Unmarshal(lines[len(lines)-1], &last); err != nil || last.Seq <= cursor {
			return filled, fmt.Errorf("GET %s: %w: its last row is %s", path, server.ErrAnswer,
				server.Brief(lines[len(lines)-1]))
		}
		cursor = last.Seq
	}
}
