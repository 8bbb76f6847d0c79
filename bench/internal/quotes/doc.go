// Package quotes is the load of quotes: an invented market, written as bodies of POST /ticks and
// sent on a fixed schedule or flat out, with the answers added up.
//
// Each connection quotes symbols of its own. An engine may take two requests in either order, so
// two connections that quoted the same symbol would mix two walks: neither the share of throttled
// quotes nor the numbers of a numbered feed would mean anything.
//
// Paced, nothing is sent twice: a request that failed or was answered 503 is counted and the next
// one follows on schedule, as a price feed does not repeat an old price. Flat out, Retry-After is
// honoured, since a sender that hammers a full inbox measures nothing but refusals.
package quotes
