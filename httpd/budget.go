package httpd

import (
	"net"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

// allowance is how much may be spent: count in a span of time, steadily, and so much at once as
// burst says. A count of 0 is no limit.
type allowance struct {
	count, burst int64
	per          time.Duration
}

// budget is what one caller or address has spent of an allowance. It is one word: when the budget
// will be full again, in nanoseconds since the start (the generic cell rate algorithm). A caller
// that is refused spends nothing. Any goroutine may spend.
type budget struct{ full atomic.Int64 }

// spend takes n, or says how long to wait until there is as much. left is what could still be spent
// at once, reset how long until all of it can.
func (b *budget) spend(a *allowance, now time.Time, n int64,
) (left int64, reset, wait time.Duration) {
	at := sinceStart(now)
	cost, span := n*int64(a.per)/a.count, a.burst*int64(a.per)/a.count
	for { // Each turn but the last means that somebody else has spent.
		before := b.full.Load()
		full := max(before, at)
		after := full + cost
		if after-at > span {
			return (span - (full - at)) * a.count / int64(a.per), time.Duration(full - at),
				time.Duration(after - at - span)
		}
		if b.full.CompareAndSwap(before, after) {
			return (span - (after - at)) * a.count / int64(a.per), time.Duration(after - at), 0
		}
	}
}

// allowances are those of a server.
type allowances struct {
	requests, cancels, bytes, failures allowance
}

// budgets are what a key has spent.
type budgets struct{ requests, cancels, bytes budget }

// newAllowances makes them of the limits; a second's worth twice over may be spent at once.
func newAllowances(l *Limits) (a allowances) {
	perSecond := func(n int64, least int64) allowance {
		n = max(n, 0) // Negative: no limit.
		return allowance{count: n, burst: max(2*n, least), per: time.Second}
	}
	a.requests = perSecond(l.KeyRequests, 1)
	a.cancels = perSecond(l.KeyCancels, 1)
	// The longest body must pass.
	a.bytes = perSecond(l.KeyBytes, int64(max(l.IngestBody, l.IngestFrame)))
	a.failures = allowance{count: failedKeys, burst: failedKeys, per: time.Minute}
	return a
}

var (
	tooManyRequests = fault{429, "RATE_LIMITED", "Rate limited", 1}
	tooManyFailures = fault{429, "TOO_MANY_BAD_KEYS", "Too many bad keys", 60}
)

// after is because with how long to wait.
func (f fault) after(wait time.Duration, detail string) *problem {
	f.retryAfter = int(seconds(wait))
	return f.because(detail)
}

// seconds rounds up, to at least one.
func seconds(d time.Duration) int64 { return max(int64((d+time.Second-1)/time.Second), 1) }

// charge lets a caller spend a request of a route, and tells it what is left. Quotes are counted by
// their bytes, when they are known.
func (s *Server) charge(ctx *fasthttp.RequestCtx, r *route, who *caller) error {
	a, b := &s.allowances.requests, &who.spent.requests
	switch {
	case r.access == forSenders:
		return nil
	case r.eases:
		a, b = &s.allowances.cancels, &who.spent.cancels
	}
	if a.count == 0 {
		return nil
	}
	left, reset, wait := b.spend(a, s.opts.clock(), 1)
	h, number := &ctx.Response.Header, [20]byte{}
	h.SetBytesV("RateLimit-Limit", strconv.AppendInt(number[:0], a.burst, 10))
	h.SetBytesV("RateLimit-Remaining", strconv.AppendInt(number[:0], left, 10))
	h.SetBytesV("RateLimit-Reset", strconv.AppendInt(number[:0], seconds(reset), 10))
	if wait > 0 {
		s.refusedFast.Add(1)
		return tooManyRequests.after(wait, "this key has sent more requests than it may: "+
			strconv.FormatInt(a.count, 10)+" a second, and twice as many at once")
	}
	return nil
}

// chargeQuotes lets a caller spend the bytes of quotes, unpacked.
func (s *Server) chargeQuotes(who *caller, bytes int) error {
	a := &s.allowances.bytes
	if who == &anybody || a.count == 0 {
		return nil
	}
	if _, _, wait := who.spent.bytes.spend(a, s.opts.clock(), int64(bytes)); wait > 0 {
		s.refusedFast.Add(1)
		return tooManyRequests.after(wait, "this key has sent more bytes of quotes than it may: "+
			strconv.FormatInt(a.count, 10)+" a second, and twice as many at once; nothing of this "+
			"request was taken")
	}
	return nil
}

const (
	// failedKeys is how many wrong keys an address may name in a minute.
	failedKeys = 5
	// failuresMax is how many addresses are kept.
	failuresMax = 4096
)

// failures are the wrong keys of addresses. Addresses for which there is no room share one budget.
// Any goroutine may call the method.
//
// Who names a right key is let in whatever else comes from the same address: nobody can guess a
// key, and one program with an old key must not lock out all that sit behind the same router.
type failures struct {
	counted atomic.Int64 // Since this start.
	refused atomic.Int64 // Of these, those answered with 429.

	mu     sync.Mutex
	of     map[netip.Addr]*budget
	others budget
}

// note counts a wrong key and says how long its address should wait, if it should.
func (f *failures) note(from net.Addr, a *allowance, now time.Time) (wait time.Duration) {
	f.counted.Add(1)
	f.mu.Lock()
	defer f.mu.Unlock()
	_, _, wait = f.budgetLocked(addressOf(from), now).spend(a, now, 1)
	if wait > 0 {
		f.refused.Add(1)
	}
	return wait
}

func (f *failures) budgetLocked(address netip.Addr, now time.Time) *budget {
	b := f.of[address]
	if b != nil {
		return b
	}
	if len(f.of) >= failuresMax {
		for address, b := range f.of {
			if b.full.Load() <= sinceStart(now) {
				delete(f.of, address) // As good as one that was never here.
			}
		}
	}
	if len(f.of) >= failuresMax {
		return &f.others
	}
	if f.of == nil {
		f.of = make(map[netip.Addr]*budget)
	}
	b = &budget{}
	f.of[address] = b
	return b
}

// addressOf is the address of a peer; of one of IPv6 the network, which is all one customer's.
func addressOf(peer net.Addr) netip.Addr {
	tcp, ok := peer.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	address := tcp.AddrPort().Addr().Unmap()
	const network = 64
	if address.Is6() {
		if p, err := address.Prefix(network); err == nil {
			address = p.Addr()
		}
	}
	return address
}
