package httpd

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"tradingengine/core"
	"tradingengine/core/alert"
	"tradingengine/core/desk"
	"tradingengine/core/trading"
)

// repeatedHeader marks an answer that was made for an earlier request of the same key.
const repeatedHeader = "Idempotency-Replayed"

// keyMax is the longest Idempotency-Key.
const keyMax = 255

// Scopes of keys: a header's is the access key that it came with, or all who need none; an order's
// id has its account. So nobody is given the answer to a request of somebody else.
const (
	keyScope   = "key"
	orderScope = "order:"
)

// keyScope is the scope of the header Idempotency-Key.
func (c *caller) keyScope() string {
	if c.id == 0 {
		return keyScope
	}
	return keyScope + ":" + strconv.FormatInt(c.id, 10)
}

// deal is a request that changes something.
type deal struct {
	who     *caller           // Set by trade.
	account trading.AccountID // Which must be the caller's; 0 where apply finds out.
	// found is the account that apply found. Apply may still run when its caller has given up.
	found   trading.AccountID
	symbols []core.SymbolID
	orders  []string // The clientOrderIds of its orders.
	old     bool     // Of an old client, whom a refusal tells that it was no success.
	// apply does it on the desk's goroutine and appends the answer to dst.
	apply applying
	// used, if set, does instead what is left to do when the clientOrderId orders[at] belongs to an
	// older order.
	used func(at int) applying
	// alerts, if set, does it to the book of alerts instead.
	alerts func(dst []byte, b *alert.Book, now core.Time) (body []byte, status int, err error)
}

// applying does a deal on the desk's goroutine and appends the answer to dst.
type applying func(dst []byte, m *trading.Machine, now core.Time,
) (body []byte, status int, err error)

// trade has a deal done and answers when all it did is committed. An account that the deal names
// must be the caller's; whatever else it is about, apply has to look at.
func (s *Server) trade(ctx *fasthttp.RequestCtx, d *deal) error {
	d.who = callerOf(ctx)
	ctx.SetUserValue(aboutName{}, d.account)
	if d.account != 0 && !d.who.mayUse(d.account) {
		if d.old {
			return unsuccessful(trading.ErrUnknownAccount)
		}
		return trading.ErrUnknownAccount
	}
	c := desk.Command{Account: d.account, Symbols: d.symbols}
	if err := s.setKeys(ctx, d, &c); err != nil {
		return err
	}
	if d.alerts != nil {
		c.Alerts = func(b *alert.Book, now core.Time) desk.Answer {
			body, status := s.alertAnswer(d, b, now)
			return desk.Answer{Status: status, Body: body}
		}
	}
	c.Apply = s.answering(d, d.apply)
	wait, stop := context.WithTimeout(context.Background(), s.opts.Limits.CommitTimeout)
	defer stop()
	a, err := s.opts.Desk.Do(wait, &c)
	if at := d.usedOrder(err); at >= 0 {
		c.Keys = slices.DeleteFunc(c.Keys, isOrderKey)
		c.Apply = s.answering(d, d.used(at))
		a, err = s.opts.Desk.Do(wait, &c)
	}
	if err != nil {
		return deskError(err)
	}
	if d.found != 0 && !a.Repeated {
		ctx.SetUserValue(aboutName{}, d.found)
	}
	if a.Repeated {
		ctx.Response.Header.Set(repeatedHeader, "true")
	}
	ctx.SetStatusCode(a.Status)
	ctx.SetContentType(jsonType)
	if a.Status >= 400 {
		ctx.SetContentType(problemJSONType)
	}
	ctx.SetBody(a.Body)
	return nil
}

// answering makes the desk's answer of what apply returns.
func (s *Server) answering(d *deal, apply applying) func(*trading.Machine, core.Time) desk.Answer {
	return func(m *trading.Machine, now core.Time) desk.Answer {
		body, status, err := apply(nil, m, now)
		if err == nil {
			return desk.Answer{Status: status, Body: body}
		}
		if d.old {
			err = unsuccessful(err)
		}
		p := s.problemOf(err)
		return desk.Answer{Status: p.status, Body: p.append(nil)}
	}
}

// usedOrder returns which of the deal's clientOrderIds was used before, by what the desk said; −1
// for none.
func (d *deal) usedOrder(err error) int {
	var reused *desk.ReusedError
	if d.used == nil || !errors.As(err, &reused) || !isOrderKey(reused.Key) {
		return -1
	}
	return slices.Index(d.orders, reused.Key.Name)
}

func isOrderKey(k desk.Key) bool { return strings.HasPrefix(k.Scope, orderScope) }

// position returns an open position that the deal may be about.
func (d *deal) position(m *trading.Machine, id trading.PositionID) (trading.PositionView, bool) {
	p, ok := d.who.position(m, id)
	if ok {
		d.found = p.Account
	}
	return p, ok
}

// unsuccessful adds to a problem what old clients look at.
func unsuccessful(err error) error {
	p := tradeProblem(err)
	if p == nil && !errors.As(err, &p) {
		return err
	}
	q := *p
	q.members = append(bytes.Clone(p.members), `,"success":false`...)
	return &q
}

// look answers with what see prints of the trading state, which the caller must be let see if it
// names no account. see runs on the desk's goroutine, keeps nothing of the machine, and may outlive
// the request.
func (s *Server) look(ctx *fasthttp.RequestCtx, account trading.AccountID,
	symbols []core.SymbolID, see func(m *trading.Machine, now core.Time) ([]byte, error),
) error {
	if account != 0 && !callerOf(ctx).mayUse(account) {
		return trading.ErrUnknownAccount
	}
	var body []byte
	var err error
	if failed := s.read(account, symbols, func(m *trading.Machine, now core.Time) {
		body, err = see(m, now)
	}); failed != nil {
		return failed
	}
	if err != nil {
		return err
	}
	giveBody(ctx, jsonType, body)
	return nil
}

// read lets see look at the trading state; what it saw is committed when read returns.
func (s *Server) read(account trading.AccountID, symbols []core.SymbolID,
	see func(m *trading.Machine, now core.Time),
) error {
	return s.readDesk(account, symbols, see, nil)
}

// readDesk is read, of the machine or of the book of alerts.
func (s *Server) readDesk(account trading.AccountID, symbols []core.SymbolID,
	see func(m *trading.Machine, now core.Time), alerts func(b *alert.Book, now core.Time),
) error {
	wait, stop := context.WithTimeout(context.Background(), s.opts.Limits.CommitTimeout)
	defer stop()
	q := desk.Query{Account: account, Symbols: symbols, Look: see, Alerts: alerts}
	if err := s.opts.Desk.Read(wait, &q); err != nil {
		return deskError(err)
	}
	return nil
}

// setKeys gives a command the keys that make it happen once.
func (s *Server) setKeys(ctx *fasthttp.RequestCtx, d *deal, c *desk.Command) error {
	if key := ctx.Request.Header.Peek("Idempotency-Key"); len(key) > 0 {
		if !validKey(key) {
			return badKey.because(fmt.Sprintf("an Idempotency-Key is 1 to %d visible characters of "+
				"ASCII", keyMax))
		}
		c.Keys = append(c.Keys, desk.Key{Scope: callerOf(ctx).keyScope(), Name: string(key)})
	}
	for _, id := range d.orders {
		if id != "" {
			c.Keys = append(c.Keys, orderKey(d.account, id))
		}
	}
	if len(c.Keys) == 0 {
		return nil
	}
	text := append(append([]byte(nil), ctx.Method()...), ' ')
	text = append(text, ctx.Path()...)
	if query := ctx.URI().QueryString(); len(query) > 0 { // It may name the account.
		text = append(append(text, '?'), query...)
	}
	text = append(text, '\n')
	c.Hash = sha256.Sum256(append(text, canonical(ctx.PostBody())...))
	return nil
}

func validKey(key []byte) bool {
	for _, c := range key {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return len(key) <= keyMax
}

// canonical prints a body that was read in a form that does not depend on spaces and the order of
// fields, because programs differ in both from one request to the next.
func canonical(body []byte) []byte {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return body // An empty one.
	}
	text, err := json.Marshal(v)
	if err != nil {
		return body
	}
	return text
}

// deskError says what it means for a client that the desk did not answer.
func deskError(err error) error {
	var reused *desk.ReusedError
	switch {
	case errors.As(err, &reused) && strings.HasPrefix(reused.Key.Scope, keyScope):
		return keyReused.because("this Idempotency-Key was used for another request")
	case errors.As(err, &reused):
		return refusalOf(&trading.Refusal{
			Code:   trading.CodeDuplicateClientOrderID,
			Detail: fmt.Sprintf("the clientOrderId %q was used for another order", reused.Key.Name),
		})
	case errors.Is(err, desk.ErrBusy), errors.Is(err, desk.ErrBehind):
		return tradingBusy.because(err.Error() + "; nothing was done")
	case errors.Is(err, desk.ErrStopped):
		return shuttingDown.because("the server is shutting down; nothing was done")
	case errors.Is(err, desk.ErrFailed):
		return tradingFailed.because("the journal failed, so whether this was done is not known")
	case errors.Is(err, desk.ErrJournal):
		return journalDown.because("the journal cannot be written at the moment; nothing was done")
	case errors.Is(err, context.DeadlineExceeded):
		return tradingTimeout.because("the journal did not commit in time, so whether this was done " +
			"is not known; the same Idempotency-Key or clientOrderId makes it safe to send again")
	}
	return err
}

// tradeProblem says what a client is told of an error of the machine; nil when it is none.
func tradeProblem(err error) *problem {
	var r *trading.Refusal
	switch {
	case errors.As(err, &r):
		return refusalOf(r)
	case errors.Is(err, trading.ErrUnknownAccount):
		return unknownAccount.because("there is no such account")
	case errors.Is(err, trading.ErrUnknownOrder):
		return unknownOrder.because("there is no such order")
	case errors.Is(err, trading.ErrUnknownPosition):
		return unknownPosition.because("there is no such open position")
	}
	return nil
}

// objectTypes are what a body may call itself: JSON, nothing, or what curl says by itself.
var objectTypes = []string{jsonType, "", "application/x-www-form-urlencoded"}

// requestObject reads the body of a request.
func requestObject(ctx *fasthttp.RequestCtx) object {
	kind, _, _ := bytes.Cut(ctx.Request.Header.ContentType(), []byte{';'})
	if indexName(objectTypes, bytes.ToLower(bytes.TrimSpace(kind))) < 0 {
		o := object{}
		o.fail(badMediaType, "the body must be %s, not %q", jsonType, cutText(string(kind)))
		return o
	}
	o := readObject(ctx.PostBody())
	o.home = callerOf(ctx).home()
	return o
}

// readBody reads the body of a request, which may hold the fields names.
func readBody(ctx *fasthttp.RequestCtx, names []string) object {
	o := requestObject(ctx)
	o.allow(names)
	return o
}

// pathID reads an id out of a path.
func pathID(ctx *fasthttp.RequestCtx, part int, unknown fault) (int64, error) {
	text := pathPart(ctx, part)
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 || text[0] == '+' || text[0] == '0' {
		return 0, unknown.because(fmt.Sprintf("%q is no id; ids are whole numbers from 1 on",
			cutText(text)))
	}
	return id, nil
}
