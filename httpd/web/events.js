// AccountEvents follows the events of one account, as the channel account:<id> brings them: what it
// has seen, what is missing, and the newest trades.

const fillsMax = 12;

export class AccountEvents {
  constructor(id) {
    this.id = id;
    this.channel = `account:${id}`;
    this.seq = 0; // Of the newest event seen; the stream goes on after it.
    this.begun = false; // An event was seen, so that the next one must name it.
    this.gaps = 0; // How often an event did not follow on the one before.
    this.fills = []; // The newest trades, newest first.
  }

  // start says after which seq events will come.
  start(seq) {
    this.seq = Math.max(this.seq, seq);
  }

  // take reports whether a message is an event of the account that was not seen before.
  take(message) {
    if (message.accountId !== this.id || !Number.isInteger(message.seq) || message.seq <= this.seq) {
      return false;
    }
    // Before the first event anything up to the start may lie; after it, exactly the last one.
    if (this.begun ? message.prev !== this.seq : message.prev > this.seq) {
      this.gaps++;
    }
    this.seq = message.seq;
    this.begun = true;
    if (message.type === "ORDER_FILLED" && message.data) {
      this.fills.unshift({ ...message.data, time: message.time, seq: message.seq });
      this.fills.length = Math.min(this.fills.length, fillsMax);
    }
    return true;
  }

  // forget begins anew: the server has fewer events than this page has seen.
  forget(seq) {
    Object.assign(this, { seq, begun: false, fills: [] });
  }
}

// A Ticket makes market orders. Each has an id of its own, and an order that was not answered is
// sent again as it was, under the same id, so that it is done once at most.
export class Ticket {
  constructor(newID) {
    this.newID = newID;
    this.pending = null; // Sent, and nobody knows what became of it.
  }

  // order returns the body to send.
  order(accountId, symbol, side, volume) {
    const wanted = { accountId, symbol, side, type: "MARKET", volume };
    const { clientOrderId, ...before } = this.pending ?? {};
    this.pending = JSON.stringify(before) === JSON.stringify(wanted) ? this.pending :
      { ...wanted, clientOrderId: this.newID() };
    return this.pending;
  }

  // answered says that the server told what became of the order.
  answered() {
    this.pending = null;
  }
}

// isUnanswered tells errors after which an order may or may not have been done.
export const isUnanswered = (error) =>
  error.status === 0 || error.code === "TRADING_TIMEOUT" || error.code === "TRADING_FAILED";
