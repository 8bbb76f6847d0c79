// QuoteTable shows the live quote of every symbol, one row each.
//
// Quotes may come faster than a screen can show them: apply only remembers the newest of each
// symbol, and the rows that changed are written once a frame, when they are in sight. Cells that
// did not change are not touched.

import {
  formatChange, formatClock, formatInstant, formatPercent, formatPoints, formatPrice, isNumber,
  pricePieces,
} from "./format.js";

const columns = ["symbol", "bid", "ask", "spread", "change", "time"];
const flashMs = 250;

export class QuoteTable {
  // body is the tbody, message the paragraph for when there is nothing to show.
  constructor({ body, filter, message, onSelect }) {
    this.body = body;
    this.filter = filter;
    this.message = message;
    this.onSelect = onSelect;
    this.rows = new Map(); // By symbol, in the order of the table.
    this.selected = "";
    this.dirty = new Set(); // Rows to draw.
    this.frame = 0;
    this.sight = new IntersectionObserver((entries) => this.seen(entries), {
      rootMargin: "200px",
    });
    filter.addEventListener("input", () => this.applyFilter());
    body.addEventListener("click", (event) => this.clicked(event));
    body.addEventListener("keydown", (event) => this.moved(event));
  }

  // setSymbols takes the answer of /api/symbols. Rows of symbols that stay keep what they know, so
  // that a restart of the server does not reset the change since the page was opened.
  setSymbols(symbols) {
    const before = this.rows;
    this.rows = new Map();
    for (const s of symbols) {
      const row = before.get(s.symbol) ?? new Row(s.symbol);
      row.describe(s);
      this.rows.set(s.symbol, row);
      if (!isNumber(s.bid)) {
        row.forget();
      } else if (!row.live) {
        this.apply(s);
      }
      this.touch(row);
    }
    const elements = [...this.rows.values()].map((row) => row.element);
    const same = elements.length === this.body.children.length &&
      elements.every((element, i) => element === this.body.children[i]);
    if (!same) {
      this.body.replaceChildren(...elements);
      this.sight.disconnect();
      elements.forEach((element) => this.sight.observe(element));
    }
    this.applyFilter();
    this.select(this.selected);
  }

  // apply takes anything with symbol, bid, ask and time (µs) or timestamp (ms or text).
  apply(quote) {
    const row = this.rows.get(quote.symbol);
    if (row && isNumber(quote.bid) && isNumber(quote.ask)) {
      row.take(quote.bid, quote.ask, quoteTime(quote));
      this.touch(row);
    }
  }

  quote(symbol) {
    return this.rows.get(symbol)?.live ?? null;
  }

  select(symbol) {
    this.rows.get(this.selected)?.press(false);
    this.selected = symbol;
    this.rows.get(symbol)?.press(true);
  }

  seen(entries) {
    for (const entry of entries) {
      const row = this.rows.get(entry.target.dataset.symbol);
      if (row) {
        row.inSight = entry.isIntersecting;
        this.touch(row);
      }
    }
  }

  touch(row) {
    if (!row.inSight && row.drawn) {
      return; // It is drawn again when it comes into sight.
    }
    this.dirty.add(row);
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      for (const changed of this.dirty) {
        changed.draw();
      }
      this.dirty.clear();
    });
  }

  applyFilter() {
    const text = this.filter.value.trim().toUpperCase();
    let shown = 0;
    for (const [symbol, row] of this.rows) {
      row.element.hidden = !symbol.includes(text);
      shown += row.element.hidden ? 0 : 1;
    }
    this.message.hidden = shown > 0;
    this.message.textContent = this.rows.size === 0 ?
      "The server has no symbols." : `No symbol contains “${this.filter.value.trim()}”.`;
  }

  clicked(event) {
    const symbol = event.target.closest("tr")?.dataset.symbol;
    if (symbol) {
      this.onSelect(symbol);
    }
  }

  // moved lets the arrow keys go from row to row; only one row is in the tab order.
  moved(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const row = event.target.closest("tr");
    if (!step || !row) {
      return;
    }
    const shown = [...this.body.children].filter((element) => !element.hidden);
    const next = shown[shown.indexOf(row) + step];
    if (next) {
      event.preventDefault();
      next.querySelector("button").focus();
      this.onSelect(next.dataset.symbol);
    }
  }
}

// Row is one symbol: what is known of it, and its cells.
class Row {
  constructor(symbol) {
    this.digits = 5;
    this.live = null; // The newest quote.
    this.first = null; // Mid of the first quote that this page saw.
    this.drawn = null; // The quote that the cells show.
    this.timers = { bid: 0, ask: 0 }; // Each ends a flash.
    this.inSight = false;

    this.element = document.createElement("tr");
    this.element.dataset.symbol = symbol;
    this.element.role = "row"; // The style sheet lays rows out as grids, which hides what they are.
    this.cells = {};
    for (const name of columns) {
      const cell = document.createElement(name === "symbol" ? "th" : "td");
      cell.className = name;
      cell.role = name === "symbol" ? "rowheader" : "cell";
      this.cells[name] = cell;
      this.element.append(cell);
    }
    this.button = document.createElement("button");
    this.button.type = "button";
    this.button.textContent = symbol;
    this.cells.symbol.append(this.button);
    for (const side of ["bid", "ask"]) {
      // The pieces of a price, see pricePieces.
      this.cells[side].append(...["span", "b", "small"].map((tag) => document.createElement(tag)));
    }
    this.press(false);
    this.write(null);
  }

  describe(s) {
    if (Number.isInteger(s.digits) && s.digits !== this.digits) {
      this.digits = s.digits;
      this.drawn = null;
    }
    this.element.classList.toggle("closed", s.open === false);
    this.button.title = [
      s.base && s.quote ? `${s.base} in ${s.quote}` : "",
      s.session ? `trades ${s.session}` : "",
      s.open === false ? "closed now" : "",
    ].filter(Boolean).join(", ");
  }

  take(bid, ask, time) {
    this.live = { bid, ask, time, mid: (bid + ask) / 2 };
    this.first ??= this.live.mid;
  }

  // forget empties the row: the server has no quote of the symbol, perhaps not any more.
  forget() {
    this.live = null;
    this.first = null;
    this.drawn = null;
    this.write(null);
  }

  press(selected) {
    this.element.classList.toggle("selected", selected);
    this.button.setAttribute("aria-pressed", String(selected));
    this.button.tabIndex = selected ? 0 : -1;
  }

  draw() {
    const { live, drawn } = this;
    if (!live || (drawn && drawn.bid === live.bid && drawn.ask === live.ask &&
      drawn.time === live.time)) {
      return;
    }
    this.write(live);
    if (drawn) {
      this.flash("bid", live.bid - drawn.bid);
      this.flash("ask", live.ask - drawn.ask);
    }
    this.drawn = live;
  }

  write(quote) {
    this.writePrice("bid", quote?.bid);
    this.writePrice("ask", quote?.ask);
    setText(this.cells.spread, formatPoints(quote?.ask - quote?.bid, this.digits));
    const change = formatChange(quote?.mid - this.first, this.digits);
    setText(this.cells.change, change);
    this.cells.change.className = "change " + direction(change);
    this.cells.change.title = quote ? formatPercent(this.first, quote.mid) : "";
    setText(this.cells.time, formatClock(quote?.time));
    this.cells.time.title = quote && isNumber(quote.time) ? formatInstant(quote.time) : "";
  }

  writePrice(side, value) {
    const pieces = pricePieces(formatPrice(value, this.digits), this.digits);
    pieces.forEach((piece, i) => setText(this.cells[side].children[i], piece));
  }

  // flash marks a price that moved. It is no CSS animation: dozens of those, all day long, keep a
  // processor busy with every frame between.
  flash(side, moved) {
    if (moved === 0) {
      return;
    }
    const cell = this.cells[side];
    clearTimeout(this.timers[side]);
    cell.className = `${side} ${moved > 0 ? "rose" : "fell"}`;
    this.timers[side] = setTimeout(() => (cell.className = side), flashMs);
  }
}

function setText(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

function direction(change) {
  if (change.startsWith("+")) {
    return "up";
  }
  return change.startsWith("−") ? "down" : "still";
}

function quoteTime(quote) {
  if (isNumber(quote.time)) {
    return quote.time;
  }
  const ms = isNumber(quote.timestamp) ? quote.timestamp : Date.parse(quote.timestamp);
  return Number.isNaN(ms) ? null : ms * 1000;
}
