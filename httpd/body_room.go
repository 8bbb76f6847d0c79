package httpd

import (
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// bodyRoom bounds the memory of all large request bodies together, from their announcement, because
// fasthttp makes a buffer of the announced length at once, to the end of their handlers. A body
// that finds no room is refused with 503. Any goroutine may call the methods.
//
// Bodies above bodyMedium leave half of the room to others, so that a few clients who announce the
// most there may be do not keep everybody's ordinary batches out.
//
// fasthttp tells nobody of some requests that end early, so a body that should have arrived long
// ago no longer counts.
type bodyRoom struct {
	limit int64 // Bytes; set before use.

	mu   sync.Mutex
	used int64
	held map[*fasthttp.RequestHeader]bodyHold // By the request's header, which stays where it is.
	// Bodies refused since this start.
	refused int64
}

// bodyMedium holds thousands of quotes.
const bodyMedium = 256 << 10

// bodyHold is what one request counts for.
type bodyHold struct {
	bytes   int64
	refused bool      // It found no room and counts for nothing.
	until   time.Time // When it has arrived, or never will; zero once its handler runs.
}

// announce counts a body of n bytes that is to arrive within some time, or refuses it.
func (b *bodyRoom) announce(h *fasthttp.RequestHeader, n int64, within time.Duration) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dropLocked(h)
	now := time.Now()
	hold := bodyHold{bytes: n, until: now.Add(within)}
	if !b.fitsLocked(n, now) {
		hold.bytes, hold.refused = 0, true
	}
	b.used += hold.bytes
	b.held[h] = hold
	return !hold.refused
}

// begin keeps what was announced of a request until done, because its handler runs now.
func (b *bodyRoom) begin(h *fasthttp.RequestHeader) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if hold, ok := b.held[h]; ok {
		hold.until = time.Time{}
		b.held[h] = hold
	}
}

// grow makes the request count for n bytes more, or reports that there is no room for them.
func (b *bodyRoom) grow(h *fasthttp.RequestHeader, n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.fitsLocked(n, time.Now()) {
		return false
	}
	hold := b.held[h]
	hold.bytes += n
	b.used += n
	b.held[h] = hold
	return true
}

// done forgets a request and reports whether its body was refused.
func (b *bodyRoom) done(h *fasthttp.RequestHeader) (refused bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.dropLocked(h).refused
}

// fitsLocked reports whether there is room for n bytes more, and counts when there is none.
func (b *bodyRoom) fitsLocked(n int64, now time.Time) bool {
	most := b.limit
	if n > bodyMedium {
		most /= 2
	}
	if b.used+n > most {
		b.sweepLocked(now)
	}
	if b.used+n > most {
		b.refused++
		return false
	}
	return true
}

func (b *bodyRoom) dropLocked(h *fasthttp.RequestHeader) bodyHold {
	hold, ok := b.held[h]
	if ok {
		b.used -= hold.bytes
		delete(b.held, h)
	}
	return hold
}

// sweepLocked forgets the bodies that should have arrived by now.
func (b *bodyRoom) sweepLocked(now time.Time) {
	for h, hold := range b.held {
		if !hold.until.IsZero() && hold.until.Before(now) {
			b.dropLocked(h)
		}
	}
}

// counts returns the bytes in use and how many bodies were refused.
func (b *bodyRoom) counts() (used, refused int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used, b.refused
}
