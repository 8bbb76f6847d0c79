package httpd

import (
	"bytes"
	"sync/atomic"

	"github.com/valyala/fasthttp"

	"tradingengine/core"
)

// memo keeps one whole answer of a series: the last one that was asked for twice in a row. While
// the market stands still, or is asked more often than it moves, such an answer goes out from where
// it lies. While it moves faster, nothing is kept and each answer is put together in its
// connection's own buffer.
//
// Publication: an answer is stored complete and never written again.
type memo struct {
	last atomic.Pointer[memoAnswer]
	size atomic.Int64 // Bytes kept.
}

// memoKey says what an answer consists of: ring indices [lo, hi), which always hold the same
// elements, and the forming bar after them.
type memoKey struct {
	lo, hi  uint64
	forming core.Bar
}

type memoAnswer struct {
	memoKey
	body []byte // Nil when it was asked for once.
}

// send answers with the kept answer if it is that of the key.
func (m *memo) send(ctx *fasthttp.RequestCtx, key *memoKey) bool {
	a := m.last.Load()
	if a == nil || a.body == nil || a.memoKey != *key {
		return false
	}
	ctx.SetContentType(jsonType)
	ctx.Response.SetBodyRaw(a.body)
	return true
}

// asked remembers that body was the answer to key, and keeps it when that is so again. It returns
// how many bytes more are kept than before.
func (m *memo) asked(key *memoKey, body []byte) (more int64) {
	a := &memoAnswer{memoKey: *key}
	if last := m.last.Load(); last != nil && last.memoKey == *key {
		a.body = bytes.Clone(body)
	}
	m.last.Store(a)
	size := int64(cap(a.body))
	return size - m.size.Swap(size)
}

// drop forgets the answer and returns how many bytes that were.
func (m *memo) drop() int64 {
	m.last.Store(nil)
	return m.size.Swap(0)
}
