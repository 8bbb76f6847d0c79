package httpd

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"tradingengine/core"
	"tradingengine/core/trading"
)

// quoteRate is one of the rates at which quotes are conflated. Sessions that ask for some other
// rate get the next lower one, so that many clients share few streams.
type quoteRate struct {
	name     string // In Hz.
	interval time.Duration
}

var quoteRates = [...]quoteRate{
	{"100", 10 * time.Millisecond},
	{"50", 20 * time.Millisecond},
	{"20", 50 * time.Millisecond},
	{"10", 100 * time.Millisecond},
	{"5", 200 * time.Millisecond},
	{"2", 500 * time.Millisecond},
	{"1", time.Second},
	{"0.5", 2 * time.Second},
	{"0.2", 5 * time.Second},
	{"0.1", 10 * time.Second},
}

const (
	quoteRateMin     = 0.1
	quoteRateMax     = 100
	quoteRateDefault = 10
)

// quoteRateFor returns the highest rate that is not above hz, which lies between the bounds.
func quoteRateFor(hz float64) uint8 {
	for i := range quoteRates {
		if float64(time.Second)/float64(quoteRates[i].interval) <= hz {
			return uint8(i)
		}
	}
	return uint8(len(quoteRates) - 1)
}

const (
	barChannel     = "bars:"
	accountChannel = "account:"
	alertChannel   = "alerts"
)

// parseChannel reads a channel name. The rate of quotes is set by the caller.
func parseChannel(name string) (key streamKey, err error) {
	switch name {
	case "ticks":
		return streamKey{kind: streamTicks}, nil
	case "quotes":
		return streamKey{kind: streamQuotes, rate: quoteRateFor(quoteRateDefault)}, nil
	}
	if name == alertChannel {
		return streamKey{kind: streamAlerts}, nil
	}
	if id, ok := strings.CutPrefix(name, accountChannel); ok {
		return parseAccountChannel(id)
	}
	frame, ok := strings.CutPrefix(name, barChannel)
	if !ok {
		return key, fmt.Errorf("no channel %q; there are ticks, quotes, bars:<frame>, alerts and "+
			"account:<id>", cutText(name))
	}
	key.kind = streamBars
	key.frame, err = core.ParseFrame(frame)
	return key, err
}

// parseAccountChannel reads the id of an account; 0 stands for the whole server.
func parseAccountChannel(id string) (key streamKey, err error) {
	n, err := strconv.ParseUint(id, 10, 63)
	if err != nil || id != strconv.FormatUint(n, 10) {
		return key, fmt.Errorf("no channel %q; an account is a whole number, as in account:1",
			cutText(accountChannel+id))
	}
	return streamKey{kind: streamAccount, account: trading.AccountID(n)}, nil
}

// channel returns the name that clients know.
func (k streamKey) channel() string {
	switch k.kind {
	case streamQuotes:
		return "quotes"
	case streamBars:
		return barChannel + k.frame.String()
	case streamAlerts:
		return alertChannel
	case streamAccount:
		return accountChannel + strconv.FormatInt(int64(k.account), 10)
	default:
		return "ticks"
	}
}

// rateName returns the effective rate of a quotes stream, and "" for other channels.
func (k streamKey) rateName() string {
	if k.kind != streamQuotes {
		return ""
	}
	return quoteRates[k.rate].name
}

// sameChannel reports whether two streams show the same to one session, so that it takes a symbol
// from only one of them.
func (k streamKey) sameChannel(o streamKey) bool {
	return k.kind == o.kind && k.frame == o.frame && k.account == o.account
}
