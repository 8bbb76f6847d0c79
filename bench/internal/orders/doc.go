// Package orders is the load of orders: each connection buys at the market and then sells what it
// bought, again and again, on an account that is opened for the run, so that nothing of anybody
// else is touched.
//
// The schedule is shared by all connections and open, as that of GETs: a slot is due whatever
// became of those before it, and its latency counts from then. A list (POST /api/orders/batch) is
// one request of one slot.
//
// What is sent adds up: every order is acknowledged, refused by a rule, or failed, which means that
// its sender does not know what became of it. After the run the engine's own list of filled orders
// must have all that were acknowledged, and no more than those that failed beyond them.
package orders
