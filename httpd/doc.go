// Package httpd serves the market over HTTP and WebSocket: quotes come in by POST /ticks and
// /ws/ingest, and live prices, ticks, bars, statistics and health go out. It is the only package
// that knows fasthttp.
//
// # The path of a request
//
//	connection ─► Server.handle ─► route ─► handler ─► bytes, or an error ─► fail ─► problem+json
//
// All routes stand in one table (routes.go). A handler either writes an answer and returns nil, or
// returns an error; errors.go alone turns errors into answers.
//
// # Reading the market
//
// A request for ticks or bars is a window on a series: a span of time and a limit. The newest part
// of a series is in the engine's rings and the older part in [History]; pick joins both without a
// gap or a repeat (window.go). Elements are encoded once: every series that is asked for keeps its
// newest elements as lines of JSON (lines.go), so that an answer is mostly one copy of bytes.
//
// # Trading
//
//	body ─► object (strict) ─► deal ─► desk: apply, print the answer ─► commit ─► answer
//
// What a request may hold is read before the desk is asked (trade_*.go); the machine decides, and
// nobody is answered before the commit. Lists come from [TradeHistory], live values from the desk.
// Account channels are in account_*.go.
//
// # Who may do what
//
//	header, or first message ─► keyring ─► caller ─► role: route (keys.go) ─► account: handler
//
// A handler asks its caller (caller.go) about each account, order or position, and answers what is
// not the caller's as what does not exist. testdata/access.txt is the table of it.
//
// # Who owns what
//
//	fasthttp.RequestCtx   its handler, until that returns; nothing of it is kept
//	lines                 a mutex; what a reader was given is never written again
//	lineBudget            a mutex for the list of series, atomics for the rest
//	histogram, routeStats atomics
//	rates                 a mutex; Serve's own goroutine adds a sample a second
//	keyring               an atomic pointer; SetKeys replaces the table
//	budget                one atomic word
//	failures              a mutex
//	memo                  an atomic pointer; what it points to is never written again
//	core.Submission       its handler, or the goroutines of a sender in turn (ingest_session.go)
//	hub, session          goroutines of their own; see hub.go
//
// # Full, slow, gone
//
// Too many connections get 503 at once, a body too large 413, one more large body than there is
// room for 503 (body_room.go), a full engine 503 with Retry-After and nothing taken, storage that
// does not commit in time 503 that says the outcome is unknown. A request whose end two programs
// could see differently gets 400 and its connection is closed (framing.go). Reads of History have a
// deadline. A panic is logged once: of a handler it is answered with 500, of a session it ends that
// session, of the hub all streams (hub_guard.go).
package httpd
