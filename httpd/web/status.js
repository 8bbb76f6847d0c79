// What the page tells about the server: its name, its health, the connection, its counters.

import { formatCount, formatRate, formatShare, formatShort, isNumber, none } from "./format.js";

const byId = (id) => document.getElementById(id);

// showConfig fills the header. Fields that a server does not send are left out.
export function showConfig(config) {
  const name = String(config.brokerName || "Trading Engine");
  byId("broker").textContent = name;
  byId("version").textContent = config.version ? `version ${config.version}` : "";
  byId("feed").textContent = config.feed ? `feed ${config.feed}` : "";
  byId("simulated").hidden = config.simulated !== true;
  return name;
}

// showState sets one of the two lamps of the header: good, warn, bad or unknown.
export function showState(id, level, text, title = "") {
  const state = byId(id);
  state.dataset.level = level;
  state.title = title;
  const label = state.querySelector(".text");
  if (label.textContent !== text) {
    label.textContent = text; // Only then, because it is read aloud.
  }
}

// Notices are the lines under the header, each for one reason, until that reason is gone.
const notices = new Map();

export function showNotice(reason, text) {
  if ((notices.get(reason) ?? "") === text) {
    return;
  }
  if (text) {
    notices.set(reason, text);
  } else {
    notices.delete(reason);
  }
  const element = byId("notice");
  element.textContent = [...notices.values()].join("  ·  ");
  element.hidden = notices.size === 0;
}

// The counters that are shown: how each is read from /api/stats, and how it is written.
const tiles = [
  { label: "Quotes", hint: "Quotes received a second, over the last 10 s",
    rate: (s) => rate(s, "quotes") },
  { label: "Received", hint: "Quotes received",
    count: (s) => s.quotes?.received },
  { label: "Stored", hint: "Quotes stored as ticks",
    count: (s) => s.ticks?.stored ?? s.quotes?.stored },
  { label: "Throttled", hint: "Share of the accepted quotes that moved too little to be stored",
    share: (s) => s.throttleShare },
  { label: "Rejected", hint: "Quotes refused", bad: "warn",
    count: (s) => s.quotes?.rejected, more: (s) => reasons(s.quotes?.rejectedBy) },
  { label: "Committed", hint: "Stored ticks that are safe on disk",
    count: (s) => s.ticks?.committed },
  { label: "Pending", hint: "Stored ticks that are not on disk yet",
    count: (s) => s.ticks?.pending },
  { label: "Lost", hint: "Stored ticks that were overwritten before they reached the disk",
    bad: "bad", count: (s) => s.ticks?.lost },
];

function rate(stats, name) {
  const spans = stats.rates?.[name];
  return spans?.["10s"] ?? spans?.["1s"];
}

function reasons(rejectedBy) {
  const entries = Object.entries(rejectedBy ?? {});
  return entries.map(([code, n]) => `${code} ${formatCount(n)}`).join(", ");
}

// showStats fills the strip of counters; null shows dashes.
export function showStats(stats) {
  const strip = byId("stats");
  if (strip.children.length === 0) {
    strip.append(...tiles.map(makeTile));
  }
  tiles.forEach((tile, i) => fillTile(strip.children[i], tile, stats));
}

function makeTile(tile) {
  const element = document.createElement("div");
  const label = document.createElement("dt");
  label.textContent = tile.label;
  element.append(label, document.createElement("dd"));
  return element;
}

function fillTile(element, tile, stats) {
  const value = stats ? (tile.rate ?? tile.share ?? tile.count)(stats) : undefined;
  const known = isNumber(value);
  const write = tile.rate ? formatRate : tile.share ? formatShare : formatShort;
  element.lastChild.textContent = known ? write(value) : none;
  const exact = known && tile.count ? `: ${formatCount(value)}` : "";
  const more = (stats && tile.more?.(stats)) || "";
  element.title = tile.hint + exact + (more && ` (${more})`);
  element.dataset.level = tile.bad && known && value > 0 ? tile.bad : "";
}
