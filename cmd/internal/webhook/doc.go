// Package webhook delivers what lies in the outbox of trading.db to the webhooks it is for. It
// follows Standard Webhooks: a message is a POST of JSON with its id, the time and a signature of
// both and the body; an answer of 2xx says that the receiver has it.
//
// A [Courier] takes what is due from the outbox, tries it, and writes down how that went. It is
// woken by commits that put something in and by the clock, works beside the trading of quotes and
// orders, and gives nothing to memory that is not in the file: after a restart it goes on where the
// last run stopped. A message can therefore arrive twice, with the same id, and never be forgotten.
//
//	no answer, not 2xx   again after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, each ± 20 %; then FAILED
//	3xx                  a failure: whoever may choose the target must not choose it for us
//	410                  the webhook is disabled, and all that waits for it is given up
//
// Each webhook has a few attempts of its own under way, so that a slow receiver holds up nobody
// else. A receiver has 15 s to answer. Nothing is read of its answer but the status.
//
// # Addresses
//
// Whoever may add webhooks could make the server send requests to where only the server can reach.
// Addresses that are not public are therefore refused, when the URL is given and when a connection
// is made: what counts is the address that is dialled, because a name may lead elsewhere each time
// it is looked up. Proxies are not used, for they would dial instead.
package webhook
