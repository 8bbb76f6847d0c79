// The panel of the account that is meant when none is named, which is the demo account or the first
// of the key in use: what it is worth, what is open, what was traded, which alerts have fired, and a
// ticket.
//
//   account:<id>                      ─► trades, and when to ask again
//   alerts                            ─► when to ask for alerts again
//   /api/account/summary, /positions, /orders ─► the rest, after events and every other second

import { getJSON, getList, postJSON } from "./api.js";
import { AccountEvents, Ticket, isUnanswered } from "./events.js";
import { formatClock, formatCount, formatMoney, formatPrice, isNumber, none } from "./format.js";
import { repeat } from "./repeat.js";

const byId = (id) => document.getElementById(id);
const rowsMax = 50; // Positions and orders shown.
const replayed = 300; // Events of the past that are asked for, to show its trades.
const afterEventMs = 150; // Events come in heaps; what they changed is asked for once.

const facts = [
  ["Balance", "balance"], ["Equity", "equity"], ["Margin", "margin"],
  ["Free margin", "freeMargin"], ["Level", "marginLevel"], ["P/L", "unrealizedPnL"],
];

export class AccountPanel {
  // digitsOf tells the decimals of a symbol's price.
  constructor({ stream, digitsOf }) {
    this.stream = stream;
    this.digitsOf = digitsOf;
    this.events = new AccountEvents(0); // Until the account is known.
    this.ticket = new Ticket(() => `page-${crypto.getRandomValues(new Uint32Array(3)).join("-")}`);
    this.symbol = "";
    this.currency = "USD";
    this.timer = 0;
    this.following = false; // Subscribed to the events,
    this.absent = false; // which this server does not have for this page.
    this.refresh = repeat(2000, () => this.load());
    // The key Enter does not trade.
    byId("ticket").addEventListener("submit", (event) => event.preventDefault());
    for (const button of byId("ticket").querySelectorAll("button")) {
      button.addEventListener("click", () => this.send(button.value));
    }
  }

  // select says which symbol the ticket is for.
  select(symbol) {
    this.symbol = symbol;
    byId("ticket-symbol").textContent = symbol;
  }

  // receive takes a message of the stream and reports whether it was for this panel.
  receive(message) {
    if (this.events.take(message)) {
      this.stream.resume("account", { since: this.events.seq });
      this.soon();
      return true;
    }
    if (message.channel === this.events.channel) {
      if (message.type === "ahead") {
        this.events.forget(message.last);
        this.stream.resume("account", { since: message.last });
        this.showGaps("The server has lost events that this page has seen.");
      }
      return message.type !== "error";
    }
    if (message.type === "alert") {
      this.soon();
      return true;
    }
    return false;
  }

  soon() {
    this.timer ||= setTimeout(() => {
      this.timer = 0;
      this.refresh();
    }, afterEventMs);
  }

  async load() {
    if (this.absent) {
      return;
    }
    try {
      const summary = await getJSON("/api/account/summary");
      const of = `accountId=${summary.accountId}&limit=${rowsMax + 1}`;
      const [positions, orders, alerts] = await Promise.all([
        getList(`/api/positions?${of}`),
        getList(`/api/orders?status=OPEN&${of}`),
        getList(`/api/alerts?status=FIRED&limit=${rowsMax + 1}`),
      ]);
      this.follow(summary);
      this.show(summary, positions, orders);
      fillTable("alerts", alerts, (a) => this.alertRow(a));
    } catch (error) {
      // 404 is a server that does not trade, 401 and 403 one that wants a key.
      this.absent = [401, 403, 404].includes(error.status);
      byId("account").hidden ||= this.absent;
      byId("account").dataset.level = "bad"; // What is shown is old.
    }
  }

  // follow subscribes, once it is known where the account stands.
  follow(summary) {
    if (isNumber(summary.asOfSeq) && !this.following) {
      this.following = true;
      this.events = new AccountEvents(summary.accountId);
      this.events.start(Math.max(0, summary.asOfSeq - replayed));
      this.stream.want("account", { channel: this.events.channel, since: this.events.seq });
      this.stream.want("alerts", { channel: "alerts" });
    }
  }

  show(summary, positions, orders) {
    this.currency = String(summary.currency ?? "USD");
    byId("account").hidden = false;
    byId("account").dataset.level = "";
    byId("account-title").textContent = `Account ${summary.accountId} · ${this.currency}`;
    byId("account-facts").replaceChildren(...facts.map(([label, field]) => this.fact(label, field,
      summary[field])));
    fillTable("positions", positions, (p) => this.positionRow(p));
    fillTable("orders", orders, (o) => this.orderRow(o));
    fillTable("fills", this.events.fills, (f) => this.fillRow(f));
    this.showGaps("");
  }

  showGaps(text) {
    const { gaps } = this.events;
    const missed = gaps > 0 ? `${formatCount(gaps)} times events are missing between those seen. ` : "";
    byId("account-gaps").textContent = missed + text;
  }

  fact(label, field, value) {
    const element = document.createElement("div");
    const name = document.createElement("dt");
    const text = document.createElement("dd");
    name.textContent = label;
    text.textContent = field === "marginLevel" ? (isNumber(value) ? `${value.toFixed(2)} %` : none) :
      formatMoney(value, this.currency);
    if (field === "unrealizedPnL") {
      text.className = sign(value);
    }
    element.append(name, text);
    return element;
  }

  positionRow(p) {
    const price = (v) => formatPrice(v, this.digitsOf(p.symbol));
    return [
      p.symbol, p.side, formatVolume(p.volume), price(p.openPrice), price(p.currentPrice),
      `${price(p.stopLoss)} / ${price(p.takeProfit)}`,
      { text: formatMoney(p.unrealizedPnL, this.currency), className: sign(p.unrealizedPnL) },
    ];
  }

  orderRow(o) {
    return [
      o.symbol, o.side, formatVolume(o.volume), o.type, formatPrice(o.price, this.digitsOf(o.symbol)),
      o.status, formatClock(Date.parse(o.placedAt) * 1000),
    ];
  }

  fillRow(f) {
    return [
      f.symbol, f.side, formatVolume(f.volume), formatPrice(f.price, this.digitsOf(f.symbol)), f.cause,
      { text: formatMoney(f.realizedPnL, this.currency), className: sign(f.realizedPnL) },
      formatClock(f.time),
    ];
  }

  alertRow(a) {
    return [
      a.severity, a.title, a.symbol ?? (isNumber(a.accountId) ? `account ${a.accountId}` : none),
      formatClock(isNumber(a.createdAt) ? a.createdAt : Date.parse(a.createdAt) * 1000),
    ];
  }

  // send places a market order and shows what became of it.
  async send(side) {
    const volume = byId("ticket-volume").value.trim();
    if (!this.symbol || !this.following || (side !== "BUY" && side !== "SELL")) {
      return;
    }
    const order = this.ticket.order(this.events.id, this.symbol, side, volume);
    const buttons = [...byId("ticket").querySelectorAll("button")];
    buttons.forEach((button) => (button.disabled = true));
    this.answer("", `${side} ${volume} ${this.symbol} …`);
    try {
      const done = await postJSON("/api/orders", order);
      this.ticket.answered();
      const price = formatPrice(done.fillPrice, this.digitsOf(done.symbol));
      this.answer("good", `${done.status}: ${done.side} ${formatVolume(done.volume)} ${done.symbol}` +
        (isNumber(done.fillPrice) ? ` at ${price}, position ${done.positionId}` : ""));
    } catch (error) {
      if (isUnanswered(error)) {
        this.answer("warn", `${error.message}: whether it was done is not known. The same again sends ` +
          "the same order, which is done once at most.");
      } else {
        this.ticket.answered();
        this.answer("bad", `${error.code || error.status}: ${error.message}`);
      }
    } finally {
      buttons.forEach((button) => (button.disabled = false));
    }
    this.refresh();
  }

  answer(level, text) {
    byId("ticket-answer").dataset.level = level;
    byId("ticket-answer").textContent = text;
  }
}

// Volumes are in lots and have at least two decimals.
const formatVolume = (v) => (isNumber(v) ? v.toFixed(Math.max(2, `${v}`.split(".")[1]?.length ?? 0)) :
  none);

function sign(value) {
  if (!isNumber(value) || value === 0) {
    return "";
  }
  return value < 0 ? "down" : "up";
}

// fillTable writes rows of cells, each a text or {text, className}, and says what is not shown.
function fillTable(id, list, cells) {
  const rows = list.slice(0, rowsMax).map((item) => {
    const row = document.createElement("tr");
    row.append(...cells(item).map((cell) => {
      const element = document.createElement("td");
      element.textContent = String(cell?.text ?? cell ?? none);
      element.className = cell?.className ?? "";
      return element;
    }));
    return row;
  });
  byId(id).replaceChildren(...rows);
  byId(`${id}-message`).textContent = list.length > rowsMax ?
    `The first ${rowsMax} are shown; /api/${id} has more.` : list.length === 0 ? "None" : "";
}
