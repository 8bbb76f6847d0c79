// Run by TestAccountEvents, beside a copy of events.js.
import assert from "node:assert/strict";
import { AccountEvents, Ticket, isUnanswered } from "./events.mjs";

const event = (seq, prev, type = "SWAP", data = {}) => ({ accountId: 1, seq, prev, type, data, time: seq });

// Events of others are not its own, and none counts twice.
let e = new AccountEvents(1);
e.start(10);
assert.equal(e.take({ type: "quote", symbol: "EURUSD" }), false);
assert.equal(e.take({ ...event(11, 4), accountId: 2 }), false);
assert.equal(e.take(event(9, 4)), false);
assert.equal(e.take(event(12, 9)), true); // What lies before the start is no gap.
assert.equal(e.take(event(12, 9)), false);
assert.equal(e.take(event(15, 12)), true); // Seqs of others lie between.
assert.deepEqual([e.seq, e.gaps], [15, 0]);

// A missing event shows, also right after the start.
assert.equal(e.take(event(20, 17)), true);
assert.equal(e.gaps, 1);
e = new AccountEvents(1);
e.start(10);
e.take(event(14, 12));
assert.equal(e.gaps, 1);

// The newest trades come first, and no more than are shown are kept.
for (let seq = 15; seq < 60; seq++) {
  e.take(event(seq, seq - 1, "ORDER_FILLED", { symbol: "EURUSD", price: seq }));
}
assert.deepEqual([e.fills.length, e.fills[0].price, e.fills[11].price, e.gaps], [12, 59, 48, 1]);
e.forget(30);
assert.equal(e.take(event(31, 28)), true);
assert.deepEqual([e.fills.length, e.seq, e.gaps], [0, 31, 1]);

// An order that nobody answered is sent again under its id, another one is not.
let n = 0;
const t = new Ticket(() => `id-${++n}`);
const first = t.order(1, "EURUSD", "BUY", "0.10");
assert.deepEqual(first, {
  accountId: 1, symbol: "EURUSD", side: "BUY", type: "MARKET", volume: "0.10", clientOrderId: "id-1",
});
assert.equal(t.order(1, "EURUSD", "BUY", "0.10").clientOrderId, "id-1");
assert.equal(t.order(1, "EURUSD", "SELL", "0.10").clientOrderId, "id-2");
t.answered();
assert.equal(t.order(1, "EURUSD", "SELL", "0.10").clientOrderId, "id-3");
assert.equal(isUnanswered({ status: 0, code: "" }), true);
assert.equal(isUnanswered({ status: 503, code: "TRADING_TIMEOUT" }), true);
assert.equal(isUnanswered({ status: 422, code: "NO_PRICE" }), false);
assert.equal(isUnanswered({ status: 503, code: "TRADING_BUSY" }), false);
