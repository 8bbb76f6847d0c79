package httpd

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/valyala/fasthttp"

	"tradingengine/core"
	"tradingengine/core/alert"
	"tradingengine/core/trading"
)

// Faults of alerts. What a rule cannot be is a 422 with the code of the alert.Refusal.
var (
	unknownRule   = fault{404, "UNKNOWN_RULE", "Unknown alert rule", 0}
	unknownAlert  = fault{404, "UNKNOWN_ALERT", "Unknown alert", 0}
	alertResolved = fault{409, "ALERT_RESOLVED", "Alert resolved", 0}
)

var (
	ruleListParameters  = []string{"limit", "cursor"}
	alertListParameters = []string{"status", "accountId", "since", "limit", "cursor"}
	snoozeFields        = []string{"minutes"}
)

// snoozeMax is the longest snooze, in minutes: a week.
const snoozeMax = 7 * 24 * 60

// alertRoutes are the routes of alerts.
func (s *Server) alertRoutes() []*route {
	const (
		rule  = "/api/alerts/rules/{ruleId}"
		fired = "/api/alerts/{alertId}"
	)
	line := func(method, path string, handle handler) *route {
		return &route{method: method, path: path, handle: handle, access: forTraders}
	}
	return []*route{
		line(get, "/api/alerts", s.getAlerts),
		line(get, "/api/alerts/rules", s.getRules),
		line(post, "/api/alerts/rules", s.postRule),
		line(get, rule, s.getRule),
		line(patch, rule, s.patchRule),
		line(remove, rule, s.deleteRule),
		line(post, rule+"/test", s.postRuleTest),
		line(get, fired, s.getAlert),
		line(post, fired+"/acknowledge", s.postAcknowledge),
		line(post, fired+"/snooze", s.postSnooze),
		line(post, fired+"/resolve", s.postResolve),
	}
}

// alertProblem says what a client is told of an error of the book; nil when it is none.
func alertProblem(err error) *problem {
	var r *alert.Refusal
	switch {
	case errors.As(err, &r):
		return fault{422, r.Code, titleOf(r.Code), 0}.because(r.Detail)
	case errors.Is(err, alert.ErrUnknownRule):
		return unknownRule.because("there is no such alert rule")
	case errors.Is(err, alert.ErrUnknownFire):
		return alertResolved.because("this alert is resolved")
	}
	return nil
}

// mayUseAlerts reports whether rules and alerts of an account, or of none, are the caller's.
func (c *caller) mayUseAlerts(account int64) bool { return c.mayUse(trading.AccountID(account)) }

// lookAlerts answers with what see prints of the book of alerts, as look does of the machine.
func (s *Server) lookAlerts(ctx *fasthttp.RequestCtx, see func(b *alert.Book) ([]byte, error),
) error {
	var body []byte
	var err error
	failed := s.readDesk(0, nil, nil, func(b *alert.Book, _ core.Time) { body, err = see(b) })
	if failed != nil || err != nil {
		return errors.Join(failed, err)
	}
	giveBody(ctx, jsonType, body)
	return nil
}

// getRules answers with the rules that the caller may use, by id, which is their cursor.
func (s *Server) getRules(ctx *fasthttp.RequestCtx) error {
	q := newQuery(ctx, ruleListParameters)
	limit, cursor := q.limit(listLimit, listLimitMax), q.cursor()
	if q.err != nil {
		return q.err
	}
	who := callerOf(ctx)
	return s.lookAlerts(ctx, func(b *alert.Book) ([]byte, error) {
		dst := append([]byte(nil), listOpen...)
		for _, r := range b.AppendRules(nil, alert.RuleID(cursor), -1) {
			if !who.mayUseAlerts(r.Account) {
				continue
			}
			if limit--; limit < 0 {
				break
			}
			dst = append(alert.AppendRule(dst, s.symbols, &r), ",\n"...)
		}
		return closeList(dst, 0), nil
	})
}

// ruleOf finds the rule that a request names, if the caller may use it.
func ruleOf(who *caller, b *alert.Book, id alert.RuleID) (alert.Rule, error) {
	r, ok := b.Rule(id)
	if !ok || !who.mayUseAlerts(r.Account) {
		return r, alert.ErrUnknownRule
	}
	return r, nil
}

func ruleID(ctx *fasthttp.RequestCtx) (alert.RuleID, error) {
	id, err := pathID(ctx, 3, unknownRule)
	return alert.RuleID(id), err
}

// getRule answers with one rule.
func (s *Server) getRule(ctx *fasthttp.RequestCtx) error {
	id, err := ruleID(ctx)
	if err != nil {
		return err
	}
	who := callerOf(ctx)
	return s.lookAlerts(ctx, func(b *alert.Book) ([]byte, error) {
		r, err := ruleOf(who, b, id)
		if err != nil {
			return nil, err
		}
		return append(alert.AppendRule(nil, s.symbols, &r), '\n'), nil
	})
}

// postRule adds a rule.
func (s *Server) postRule(ctx *fasthttp.RequestCtx) error {
	o := readBody(ctx, ruleFields)
	r := o.newRule(callerOf(ctx), s.symbols)
	if o.err == nil && r.Account != 0 {
		o.err = s.known(callerOf(ctx), trading.AccountID(r.Account))
	}
	if o.err != nil {
		return o.err
	}
	return s.trade(ctx, &deal{
		account: trading.AccountID(r.Account),
		alerts: func(dst []byte, b *alert.Book, now core.Time) ([]byte, int, error) {
			r, err := b.Create(now, r)
			return append(alert.AppendRule(dst, s.symbols, &r), '\n'), http.StatusCreated, err
		},
	})
}

// changeRule has something done to the rule that a request names, and answers with what do returns.
func (s *Server) changeRule(ctx *fasthttp.RequestCtx,
	do func(b *alert.Book, now core.Time, r alert.Rule) ([]byte, error),
) error {
	id, err := ruleID(ctx)
	if err != nil {
		return err
	}
	who := callerOf(ctx)
	return s.trade(ctx, &deal{
		alerts: func(dst []byte, b *alert.Book, now core.Time) ([]byte, int, error) {
			r, err := ruleOf(who, b, id)
			if err == nil {
				dst, err = do(b, now, r)
			}
			return append(dst, '\n'), http.StatusOK, err
		},
	})
}

// patchRule changes fields of a rule. Its threshold is read where its symbol is known.
func (s *Server) patchRule(ctx *fasthttp.RequestCtx) error {
	o := requestObject(ctx)
	o.keepFixed(fixedRuleFields, "rule")
	o.allow(rulePatchFields)
	if o.err != nil {
		return o.err
	}
	return s.changeRule(ctx, func(b *alert.Book, now core.Time, r alert.Rule) ([]byte, error) {
		o := o // A repeated request is read anew.
		if o.patchRule(&r, s.symbols); o.err != nil {
			return nil, o.err
		}
		r, err := b.Change(now, r)
		return alert.AppendRule(nil, s.symbols, &r), err
	})
}

// deleteRule removes a rule and answers with what it was.
func (s *Server) deleteRule(ctx *fasthttp.RequestCtx) error {
	return s.changeRule(ctx, func(b *alert.Book, now core.Time, r alert.Rule) ([]byte, error) {
		return alert.AppendRule(nil, s.symbols, &r), b.Delete(now, r.ID)
	})
}

// postRuleTest fires a rule as a test and answers with the alert.
func (s *Server) postRuleTest(ctx *fasthttp.RequestCtx) error {
	return s.changeRule(ctx, func(b *alert.Book, now core.Time, r alert.Rule) ([]byte, error) {
		f, err := b.Test(now, r.ID)
		return alert.AppendFire(nil, s.symbols, &f), err
	})
}

// alertStatuses reads the statuses of alerts that are wanted, separated by commas.
func (q *query) alertStatuses() (list []alert.Status) {
	if !q.args.Has("status") {
		return nil
	}
	for name := range strings.SplitSeq(strings.ToUpper(string(q.args.Peek("status"))), ",") {
		status, ok := alert.ParseStatus(name)
		switch {
		case name == "OPEN":
			list = append(list, alert.Fired, alert.Acknowledged, alert.Snoozed)
		case ok && status >= alert.Fired && status <= alert.Resolved:
			list = append(list, status)
		default:
			q.fail(badParameter, "status must be among OPEN FIRED ACKNOWLEDGED SNOOZED RESOLVED, not %q",
				cutText(name))
		}
	}
	return list
}

// getAlerts answers with all that ever fired and the caller may see, as it stands, by seq.
func (s *Server) getAlerts(ctx *fasthttp.RequestCtx) error {
	who, q := callerOf(ctx), newQuery(ctx, alertListParameters)
	choose := alert.Filter{Statuses: q.alertStatuses(), After: q.cursor()}
	choose.Since, _ = q.time("since")
	account, limit := q.account(0), q.limit(listLimit, listLimitMax)
	if q.err == nil {
		q.err = s.known(who, account)
	}
	if q.err != nil {
		return q.err
	}
	choose.Accounts = accountIDs(who.listed(account))
	dst := append([]byte(nil), listOpen...)
	if account != 0 || who.everything() || len(choose.Accounts) > 0 {
		err := s.stored(func(wait context.Context) error {
			return s.opts.Trades.Fires(wait, &choose, limit, func(data []byte) {
				dst = append(append(dst, data...), ",\n"...)
			})
		})
		if err != nil {
			return err
		}
	}
	giveBody(ctx, jsonType, closeList(dst, 0))
	return nil
}

// storedAlert finds the alert that a request names, if the caller may see it.
func (s *Server) storedAlert(ctx *fasthttp.RequestCtx) (f alert.Fire, err error) {
	found := false
	id, ok := alert.ParseFireID(pathPart(ctx, 2))
	if ok {
		err = s.stored(func(wait context.Context) (err error) {
			f, found, err = s.opts.Trades.Fire(wait, id)
			return err
		})
	}
	if err == nil && (!found || !callerOf(ctx).mayUseAlerts(f.Account)) {
		err = unknownAlert.because("there is no such alert")
	}
	return f, err
}

// getAlert answers with one alert as it stands.
func (s *Server) getAlert(ctx *fasthttp.RequestCtx) error {
	f, err := s.storedAlert(ctx)
	if err != nil {
		return err
	}
	giveBody(ctx, jsonType, append(alert.AppendFire(nil, s.symbols, &f), '\n'))
	return nil
}

// changeAlert has something done to the alert that a request names.
func (s *Server) changeAlert(ctx *fasthttp.RequestCtx,
	do func(b *alert.Book, now core.Time, id alert.FireID) (alert.Fire, error),
) error {
	f, err := s.storedAlert(ctx)
	if err != nil {
		return err
	}
	return s.trade(ctx, &deal{
		alerts: func(dst []byte, b *alert.Book, now core.Time) ([]byte, int, error) {
			f, err := do(b, now, f.ID)
			return append(alert.AppendFire(dst, s.symbols, &f), '\n'), http.StatusOK, err
		},
	})
}

// postAcknowledge says that somebody looks after an alert.
func (s *Server) postAcknowledge(ctx *fasthttp.RequestCtx) error {
	return s.changeAlert(ctx, (*alert.Book).Acknowledge)
}

// postSnooze silences an alert for some minutes.
func (s *Server) postSnooze(ctx *fasthttp.RequestCtx) error {
	o := readBody(ctx, snoozeFields)
	o.need("minutes")
	minutes := o.integer("minutes", 0, 1)
	if minutes > snoozeMax {
		o.fail(badNumber, `"minutes" must be at most %d`, snoozeMax)
	}
	if o.err != nil {
		return o.err
	}
	return s.changeAlert(ctx, func(b *alert.Book, now core.Time, id alert.FireID) (alert.Fire, error) {
		return b.Snooze(now, id, now+core.Time(minutes)*core.Minute)
	})
}

// postResolve ends an alert.
func (s *Server) postResolve(ctx *fasthttp.RequestCtx) error {
	return s.changeAlert(ctx, (*alert.Book).Resolve)
}
