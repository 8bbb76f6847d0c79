package persist

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"
)

// conn is one connection of the driver, used directly: database/sql costs two to three times as
// much for each row that is written. It belongs to one goroutine at a time.
type conn struct {
	driver driver.Conn
	stmts  map[string]driver.Stmt
}

// fileURI names a file for SQLite, with its query parameters.
func fileURI(path, query string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("cannot name %s: %w", path, err)
	}
	abs = filepath.ToSlash(abs)
	if !strings.HasPrefix(abs, "/") {
		abs = "/" + abs // A drive letter.
	}
	return (&url.URL{Scheme: "file", Path: abs, RawQuery: query}).String(), nil
}

func openConn(path, query string) (*conn, error) {
	uri, err := fileURI(path, query)
	if err != nil {
		return nil, err
	}
	connector, err := sqlite.NewConnector(uri)
	if err != nil {
		return nil, fmt.Errorf("cannot open %s: %w", path, err)
	}
	d, err := connector.Connect(context.Background())
	if err != nil {
		return nil, fmt.Errorf("cannot open %s: %w", path, err)
	}
	return &conn{driver: d, stmts: make(map[string]driver.Stmt)}, nil
}

// borrowConn makes a conn of a driver's connection that belongs to a pool.
func borrowConn(d any) *conn {
	return &conn{driver: d.(driver.Conn), stmts: make(map[string]driver.Stmt)}
}

func (c *conn) close() error { return errors.Join(c.closeStatements(), c.driver.Close()) }

func (c *conn) closeStatements() error {
	var all error
	for text, stmt := range c.stmts {
		all = errors.Join(all, stmt.Close())
		delete(c.stmts, text)
	}
	return all
}

// prepare returns the statement of a text, which is kept until close.
func (c *conn) prepare(text string) (driver.Stmt, error) {
	if stmt := c.stmts[text]; stmt != nil {
		return stmt, nil
	}
	stmt, err := c.driver.Prepare(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, text)
	}
	c.stmts[text] = stmt
	return stmt, nil
}

// exec runs a statement without rows. Arguments are int64, float64 or string.
func (c *conn) exec(text string, args ...driver.Value) error {
	stmt, err := c.prepare(text)
	if err != nil {
		return err
	}
	return execStmt(stmt, named(args))
}

func execStmt(stmt driver.Stmt, args []driver.NamedValue) error {
	_, err := stmt.(driver.StmtExecContext).ExecContext(context.Background(), args)
	return err
}

// script runs statements that are not worth keeping.
func (c *conn) script(text string) error {
	_, err := c.driver.(driver.ExecerContext).ExecContext(context.Background(), text, nil)
	return err
}

// query runs a statement and gives each row to row, which must not keep it.
func (c *conn) query(
	ctx context.Context, text string, row func([]driver.Value) error, args ...driver.Value,
) error {
	stmt, err := c.prepare(text)
	if err != nil {
		return err
	}
	rows, err := stmt.(driver.StmtQueryContext).QueryContext(ctx, named(args))
	if err != nil {
		return err
	}
	return eachRow(ctx, rows, row)
}

// eachRow reads rows to their end and closes them. The driver watches ctx only until the first
// row, so it is looked at here from time to time.
func eachRow(ctx context.Context, rows driver.Rows, row func([]driver.Value) error) error {
	const look = 256
	values := make([]driver.Value, len(rows.Columns()))
	for n := 1; ; n++ {
		err := rows.Next(values)
		if err == nil {
			err = row(values)
		}
		if err == nil && n%look == 0 {
			err = ctx.Err()
		}
		if errors.Is(err, io.EOF) {
			return rows.Close()
		}
		if err != nil {
			return errors.Join(err, rows.Close())
		}
	}
}

// int returns the whole number that a statement gives as its only row and column.
func (c *conn) int(text string, args ...driver.Value) (n int64, err error) {
	err = c.query(context.Background(), text, func(row []driver.Value) error {
		var ok bool
		if n, ok = row[0].(int64); !ok {
			return fmt.Errorf("%s gives %v, not a whole number", text, row[0])
		}
		return nil
	}, args...)
	return n, err
}

// transact runs f in one transaction that holds the write lock from its start, so that it cannot
// fail half way for want of it. When f or the commit fails, nothing of it stays.
func (c *conn) transact(f func() error) error {
	if err := c.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := f()
	if err == nil {
		if err = c.exec("COMMIT"); err == nil {
			return nil
		}
	}
	// Some failures have rolled back already, and then this one fails too: that is no news.
	_ = c.exec("ROLLBACK")
	return err
}

func named(args []driver.Value) []driver.NamedValue {
	values := make([]driver.NamedValue, len(args))
	for i, v := range args {
		values[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return values
}
