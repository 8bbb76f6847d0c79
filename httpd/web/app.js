// The page: what is selected, where its data comes from, and who shows it.
//
//   /api/config, /api/symbols ─► header, table, time frames      at start, at every new connection
//   /ws  quotes, bars:<frame> ─► table, chart                    while it is connected
//   /api/quotes, /ohlc        ─► table, chart                    while it is not
//   /health, /api/stats       ─► header, counters                all the time
//   account:1, /api/account…  ─► account.js

import { AccountPanel } from "./account.js";
import { getHealth, getJSON, getList, onKeyNeeded, setAccessKey } from "./api.js";
import { BarChart } from "./chart.js";
import { isNumber } from "./format.js";
import { enableCopying, hasMetrics, showLinks, showSending } from "./programs.js";
import { QuoteTable } from "./quotes.js";
import { repeat } from "./repeat.js";
import { showConfig, showNotice, showState, showStats } from "./status.js";
import { Stream } from "./stream.js";

const byId = (id) => document.getElementById(id);
const defaultFrames = ["1m", "5m", "15m", "30m", "1h", "4h", "1d", "1w"];

const state = {
  config: {},
  symbols: new Map(), // By name, as /api/symbols tells them.
  frames: [],
  metrics: null, // Whether /metrics is served; null until asked.
  symbol: "",
  frame: "",
  quotesLive: false, // The stream brings quotes,
  barsLive: false, // and the bars that are selected.
};

const table = new QuoteTable({
  body: byId("quotes"), filter: byId("filter"), message: byId("quotes-message"),
  onSelect: (symbol) => select(symbol, state.frame),
});
const chart = new BarChart({
  box: byId("chart"), legend: byId("legend"), message: byId("chart-message"),
});
const stream = new Stream({ path: "/ws", onMessage: receive, onState: streamState });
const panel = new AccountPanel({ stream, digitsOf });

// --- What the server is ---------------------------------------------------------------------

// learn asks what the server is and what it trades. After a restart both may be different.
async function learn() {
  try {
    const [config, symbols] = await Promise.all([getJSON("/api/config"), getList("/api/symbols")]);
    takeConfig(config);
    takeSymbols(symbols.filter((s) => typeof s.symbol === "string" && s.symbol));
    showNotice("learn", "");
  } catch (error) {
    const refused = error.status !== 0;
    showNotice("learn", refused ? `The server does not tell its symbols: ${error.message}` : "");
    if (state.symbols.size === 0) {
      byId("quotes-message").textContent = refused ? "No symbols" : "Waiting for the server…";
    }
    return;
  }
  if (state.metrics === null) {
    state.metrics = await hasMetrics();
  }
  showPrograms();
}

function takeConfig(config) {
  const { version, feed } = state.config;
  state.config = config !== null && typeof config === "object" ? config : {};
  showConfig(state.config);
  if ((version && version !== state.config.version) || (feed && feed !== state.config.feed)) {
    location.reload(); // An old page must not serve a new server, nor mix invented and real quotes.
  }
  const frames = Array.isArray(state.config.timeframes) ?
    state.config.timeframes.filter((f) => typeof f === "string") : [];
  showFrames(frames.length > 0 ? frames : defaultFrames);
}

function takeSymbols(symbols) {
  state.symbols = new Map(symbols.map((s) => [s.symbol, s]));
  table.setSymbols(symbols);
  const [symbol, frame] = fromAddress();
  const wanted = [state.symbol, symbol].find((name) => state.symbols.has(name));
  const first = wanted ?? (symbols.find((s) => isNumber(s.bid)) ?? symbols[0])?.symbol ?? "";
  const frameWanted = [state.frame, frame].find((name) => state.frames.includes(name));
  select(first, frameWanted ?? state.frames[0]);
  // Many symbols at a high rate would keep a browser busy with what nobody can read.
  stream.want("quotes", { channel: "quotes", maxRateHz: symbols.length > 200 ? 1 : 4 });
}

function showPrograms() {
  const { symbol, frame, metrics, config } = state;
  showLinks({ symbol, frame, metrics });
  showSending({ config, symbol, digits: digitsOf(symbol), quote: table.quote(symbol) });
}

function digitsOf(symbol) {
  const digits = state.symbols.get(symbol)?.digits;
  return Number.isInteger(digits) && digits >= 0 && digits <= 12 ? digits : 5;
}

// --- What is selected -------------------------------------------------------------------------

// The selection is in the address, so that it can be shared and survives a reload.
function fromAddress() {
  try {
    return decodeURIComponent(location.hash.slice(1)).split("/");
  } catch {
    return [];
  }
}

function select(symbol, frame) {
  if (!symbol || (symbol === state.symbol && frame === state.frame)) {
    return;
  }
  Object.assign(state, { symbol, frame, barsLive: false });
  history.replaceState(null, "", `#${encodeURIComponent(symbol)}/${encodeURIComponent(frame)}`);
  document.title = `${symbol} ${frame} · ${state.config.brokerName || "Trading Engine"}`;
  byId("chart-title").textContent = symbol;
  for (const button of byId("frames").children) {
    button.setAttribute("aria-pressed", String(button.textContent === frame));
  }
  table.select(symbol);
  panel.select(symbol);
  chart.show({ symbol, frame, digits: digitsOf(symbol) });
  stream.want("bars", { channel: `bars:${frame}`, symbols: [symbol] });
  // An open stream answers with "subscribed", and that loads the bars.
  if (!state.quotesLive) {
    chart.load();
  }
  showPrograms();
}

function showFrames(frames) {
  if (frames.join() === state.frames.join()) {
    return;
  }
  state.frames = frames;
  byId("frames").replaceChildren(...frames.map((frame) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = frame;
    button.setAttribute("aria-pressed", String(frame === state.frame));
    button.addEventListener("click", () => select(state.symbol, frame));
    return button;
  }));
}

// On a narrow screen the chart is above the table, perhaps out of sight.
byId("quotes").addEventListener("click", () => {
  if (matchMedia("(max-width: 62rem)").matches) {
    byId("chart-panel").scrollIntoView({ block: "nearest" });
  }
});

addEventListener("hashchange", () => {
  const [symbol, frame] = fromAddress();
  if (state.symbols.has(symbol)) {
    select(symbol, state.frames.includes(frame) ? frame : state.frame);
  }
});

// --- What comes in ------------------------------------------------------------------------------

function receive(message) {
  if (panel.receive(message)) {
    return;
  }
  switch (message.type) {
    case "quote":
    case "tick": // Before the first subscription the server sends ticks.
      table.apply(message);
      break;
    case "bar":
      chart.apply(message);
      break;
    case "subscribed":
      subscribed(message);
      break;
    case "shutdown":
      showState("stream", "warn", "Server stops");
      break;
    case "error":
      showNotice("stream", `The stream says: ${message.detail || message.code}`);
      break;
  }
}

function subscribed(message) {
  if (message.channel === "quotes") {
    state.quotesLive = true;
    showState("stream", "good", "Live");
    showNotice("stream", "");
  } else if (message.channel === `bars:${state.frame}` && message.symbols?.includes(state.symbol)) {
    state.barsLive = true;
    chart.load();
  }
}

function streamState(phase) {
  if (phase === "open") {
    learnNow();
    return;
  }
  if (state.quotesLive) {
    showState("stream", "warn", "Connecting");
  }
  state.quotesLive = false;
  state.barsLive = false;
}

// pollQuotes stands in for the stream.
async function pollQuotes() {
  if (state.quotesLive || state.symbols.size === 0) {
    return;
  }
  try {
    (await getList("/api/quotes")).forEach((quote) => table.apply(quote));
    if (!state.quotesLive) {
      showState("stream", "warn", "Polling", "The stream is down; quotes are fetched each second");
    }
  } catch (error) {
    if (!state.quotesLive) {
      showState("stream", "bad", "Offline", error.message);
    }
  }
}

async function checkHealth() {
  try {
    const { ok, reason } = await getHealth();
    if (state.symbols.size === 0) {
      learnNow(); // The server answers again.
    }
    showState("health", ok ? "good" : "bad", ok ? "Healthy" : "Unhealthy", reason);
    showNotice("health", ok ? "" : `The server says it cannot do its job: ${reason}`);
  } catch (error) {
    showState("health", "bad", "Unreachable", error.message);
    showNotice("health", "");
  }
}

async function countAgain() {
  showStats(await getJSON("/api/stats").catch(() => null));
}

// With another key everything may be different, so the page begins anew.
onKeyNeeded((why) => {
  byId("key").hidden = false;
  byId("key-why").textContent = why;
});
byId("key").addEventListener("submit", (event) => {
  event.preventDefault();
  setAccessKey(byId("key-text").value.trim());
  location.reload();
});

showStats(null);
enableCopying();
stream.open();
const learnNow = repeat(60_000, learn); // Sessions open and close.
repeat(1000, pollQuotes);
repeat(2000, async () => state.barsLive || chart.poll());
repeat(5000, checkHealth);
repeat(2000, countAgain);
