// The part of the page for those who write programs: addresses to look at, and how to send quotes.

import { exists } from "./api.js";
import { formatPrice } from "./format.js";

const byId = (id) => document.getElementById(id);

// showLinks lists addresses that fit what is selected.
export function showLinks({ symbol, frame, metrics }) {
  const links = [
    ["/api/quotes", "live quotes"], ["/api/symbols", "symbols"], ["/api/config", "configuration"],
    ["/api/stats", "counters"], ["/health", "health"], ["/health/detail", "every check"],
  ];
  if (metrics) {
    links.push(["/metrics", "for Prometheus"]);
  }
  if (symbol) {
    const name = encodeURIComponent(symbol);
    links.push(
      [`/ticks?symbol=${name}&limit=100`, "newest ticks"],
      [`/ticks?symbol=${name}&format=csv`, "ticks as CSV"],
      [`/ohlc?symbol=${name}&timeframe=${encodeURIComponent(frame)}`, "bars"],
    );
  }
  byId("links").replaceChildren(...links.map(([path, text]) => linkItem(path, text)));
}

function linkItem(path, text) {
  const item = document.createElement("li");
  const link = document.createElement("a");
  link.href = path;
  link.textContent = path;
  item.append(link, ` ${text}`);
  return item;
}

export const hasMetrics = () => exists("/metrics");

// showSending tells how to send quotes, or why nobody can.
export function showSending({ config, symbol, digits, quote }) {
  const simulated = config.simulated === true;
  byId("send-text").textContent = simulated ?
    "This market is invented, so it takes no quotes. Start the server with -feed none for a " +
      "market of your own: then POST /ticks takes JSON, NDJSON or CSV." :
    "POST /ticks takes quotes as JSON, NDJSON or CSV and answers when they are on disk. " +
      "Fields: symbol, bid, ask, and if you like time, seq, lp. Put your own prices in:";
  const shown = !simulated && symbol;
  byId("send-one").hidden = byId("send-many").hidden = !shown;
  if (!shown) {
    return;
  }
  const example = digits > 3 ? 1.1 : 150; // Where there is no price yet.
  const bid = formatPrice(quote?.bid ?? example, digits);
  const ask = formatPrice(quote?.ask ?? example + 2 * 10 ** -digits, digits);
  const url = `${location.origin}/ticks`;
  fillCommand("send-one", `curl ${url} \\\n  -H 'Content-Type: application/json' \\\n` +
    `  -d '{"symbol":"${symbol}","bid":${bid},"ask":${ask}}'`);
  fillCommand("send-many", `curl ${url} \\\n  -H 'Content-Type: text/csv' ` +
    `--data-binary @- <<'EOF'\nsymbol,bid,ask\n${symbol},${bid},${ask}\nEOF`);
}

function fillCommand(id, text) {
  byId(id).querySelector("pre").textContent = text;
}

// enableCopying makes the Copy buttons work where the browser lets a page copy: not over plain HTTP
// from another machine.
export function enableCopying() {
  for (const command of document.querySelectorAll(".command")) {
    const button = command.querySelector("button");
    if (!navigator.clipboard) {
      button.hidden = true;
      continue;
    }
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(command.querySelector("pre").textContent);
        button.textContent = "Copied";
      } catch {
        button.textContent = "Not allowed";
      }
      setTimeout(() => (button.textContent = "Copy"), 1500);
    });
  }
}
