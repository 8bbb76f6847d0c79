// BarChart draws one BarSeries with TradingView Lightweight Charts, follows it live, and fetches
// older bars when somebody scrolls to them.

import { ApiError, getList } from "./api.js";
import { BarSeries } from "./bars.js";
import { formatCount, formatMid, formatOpenTime, formatPercent, isNumber } from "./format.js";

const pageSize = 500; // Bars of one request.
const barsMax = 20_000; // A chart of more is slow and shows nothing more.
const rightOffset = 5; // Empty places right of the newest bar.
const tailSize = 3; // Bars asked for while no stream brings them.

export class BarChart {
  constructor({ box, legend, message }) {
    this.box = box;
    this.legend = legend;
    this.message = message;
    this.series = new BarSeries();
    this.selection = null; // {symbol, frame, digits}
    this.loads = 0; // Number of the newest load: answers of earlier ones are not wanted any more.
    this.loaded = false;
    this.held = null; // Bar messages that came during a load, whose answer may be older.
    this.atOldest = false;
    this.fetchingOlder = false;
    this.hovered = null;
    this.library = globalThis.LightweightCharts;
    if (!this.library) {
      this.say("The chart library did not load.");
      return;
    }
    this.build();
  }

  build() {
    const { createChart, CandlestickSeries, HistogramSeries, CrosshairMode } = this.library;
    this.chart = createChart(this.box, {
      autoSize: true,
      // The credit below the chart names TradingView. Its logo would bring a style element of its
      // own, which a content security policy without unsafe-inline refuses.
      layout: { attributionLogo: false },
      crosshair: { mode: CrosshairMode.Normal },
      handleScroll: { vertTouchDrag: false }, // A finger that goes up or down moves the page.
      localization: { timeFormatter: formatOpenTime },
      timeScale: { rightOffset, minBarSpacing: 1.5, secondsVisible: false },
    });
    this.volume = this.chart.addSeries(HistogramSeries, {
      priceScaleId: "", priceFormat: { type: "volume" }, lastValueVisible: false,
      priceLineVisible: false,
    });
    this.volume.priceScale().applyOptions({ scaleMargins: { top: 0.84, bottom: 0 } });
    this.candles = this.chart.addSeries(CandlestickSeries, {});
    this.candles.priceScale().applyOptions({ scaleMargins: { top: 0.06, bottom: 0.2 } });
    this.chart.subscribeCrosshairMove((move) => {
      this.hovered = isNumber(move.time) ? move.time : null;
      this.writeLegend();
    });
    this.chart.timeScale().subscribeVisibleLogicalRangeChange((range) => {
      if (range && range.from < 20) {
        this.loadOlder();
      }
    });
    this.box.addEventListener("keydown", (event) => this.pressed(event));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.paint());
    this.paint();
  }

  // paint takes the colours from the style sheet, which knows whether it is dark.
  paint() {
    const style = getComputedStyle(document.documentElement);
    const color = (name) => style.getPropertyValue(`--${name}`).trim();
    this.colors = { up: color("up-soft"), down: color("down-soft") };
    this.chart.applyOptions({
      layout: {
        background: { type: "solid", color: color("panel") }, textColor: color("muted"),
        fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 11,
      },
      grid: { vertLines: { color: color("grid") }, horzLines: { color: color("grid") } },
      rightPriceScale: { borderColor: color("line") },
      timeScale: { borderColor: color("line") },
      crosshair: {
        vertLine: { color: color("muted"), labelBackgroundColor: color("label") },
        horzLine: { color: color("muted"), labelBackgroundColor: color("label") },
      },
    });
    const [up, down] = [color("up"), color("down")];
    this.candles.applyOptions({
      upColor: up, borderUpColor: up, wickUpColor: up,
      downColor: down, borderDownColor: down, wickDownColor: down,
    });
    this.draw();
  }

  // show turns to another symbol or time frame. The bars come with load.
  show(selection) {
    this.selection = selection;
    this.series.replace([], true);
    this.loaded = false;
    this.held = null;
    this.atOldest = false;
    this.hovered = null;
    this.loads++;
    if (!this.library) {
      return;
    }
    this.box.setAttribute("aria-label", `Bars of ${selection.symbol}, ${selection.frame}`);
    this.candles.applyOptions({
      priceFormat: { type: "price", precision: selection.digits, minMove: 10 ** -selection.digits },
    });
    this.chart.applyOptions({ timeScale: { timeVisible: !/[dw]$/i.test(selection.frame) } });
    this.draw();
    this.say("Loading bars…");
  }

  // load fetches the newest bars. It is called again whenever the stream of bars begins anew, so
  // that nothing is missing between the two.
  async load() {
    if (!this.library || !this.selection) {
      return;
    }
    const load = ++this.loads;
    this.held = [];
    try {
      const bars = await getList(this.path(`limit=${pageSize}`));
      if (load === this.loads) {
        this.fill(bars, this.held);
      }
    } catch (error) {
      if (load === this.loads) {
        this.failed(error);
      }
    }
  }

  fill(bars, held) {
    const fresh = !this.loaded;
    const complete = bars.length < pageSize;
    this.series.replace(bars, complete);
    held.forEach((bar) => this.series.merge(bar));
    this.held = null;
    this.loaded = true;
    this.atOldest = complete;
    this.draw();
    if (fresh) {
      this.chart.timeScale().resetTimeScale();
      this.chart.priceScale("right").applyOptions({ autoScale: true });
      this.fitWidth();
    }
    this.say(this.series.newest ? "" : `No bars of ${this.selection.symbol} yet.`);
  }

  // fitWidth shows a bar each eight pixels, wider ones where there are few.
  fitWidth() {
    const width = this.box.clientWidth;
    const few = Math.min(24, width / (this.series.bars.length + 2 * rightOffset));
    this.chart.timeScale().applyOptions({ barSpacing: Math.max(width < 600 ? 6 : 8, few) });
  }

  // poll stands in for the stream: it fetches the last bars, or all when there are none yet.
  async poll() {
    if (!this.loaded || !this.series.newest) {
      await this.load();
      return;
    }
    const load = this.loads;
    try {
      const bars = await getList(this.path(`limit=${tailSize}`));
      if (load === this.loads) {
        bars.forEach((bar) => this.update(bar));
      }
    } catch (error) {
      if (load === this.loads && error.status !== 0) {
        this.failed(error);
      }
    }
  }

  // apply takes a bar message of the stream.
  apply(message) {
    const { selection } = this;
    if (message.symbol !== selection?.symbol || message.timeframe !== selection.frame) {
      return;
    }
    this.held?.push(message);
    if (this.loaded) {
      this.update(message);
    }
  }

  update(raw) {
    const place = this.series.merge(raw);
    if (place === "newest") {
      this.candles.update(this.series.newest);
      this.volume.update(this.volumeOf(this.series.newest));
      this.say("");
    } else if (place === "inside") {
      this.draw();
    }
    this.writeLegend();
  }

  async loadOlder() {
    const { oldest, bars } = this.series;
    if (!this.loaded || !oldest || this.atOldest || this.fetchingOlder || bars.length >= barsMax) {
      return;
    }
    this.fetchingOlder = true;
    const load = this.loads;
    try {
      const older = await getList(this.path(`limit=${pageSize}&to=${oldest.time - 1}`));
      if (load === this.loads) {
        this.atOldest = this.series.prepend(older) === 0;
        this.draw();
      }
    } catch {
      // The next scroll asks again; what is shown is still right.
    } finally {
      this.fetchingOlder = false;
    }
  }

  path(query) {
    const { symbol, frame } = this.selection;
    return `/ohlc?${new URLSearchParams({ symbol, timeframe: frame })}&${query}`;
  }

  draw() {
    this.candles.setData(this.series.bars);
    this.volume.setData(this.series.bars.map((bar) => this.volumeOf(bar)));
    this.writeLegend();
  }

  volumeOf(bar) {
    const color = bar.close >= bar.open ? this.colors.up : this.colors.down;
    return { time: bar.time, value: bar.volume, color };
  }

  failed(error) {
    const reason = error instanceof ApiError ? error.message : "unexpected answer";
    if (!this.series.newest) {
      this.say(`No bars: ${reason}`);
    }
  }

  say(text) {
    this.message.textContent = text;
    this.message.hidden = text === "";
  }

  // writeLegend tells the bar under the crosshair, or the newest.
  writeLegend() {
    const { bars, newest } = this.series;
    const bar = (this.hovered !== null && bars.findLast((b) => b.time === this.hovered)) || newest;
    if (!bar || !this.selection) {
      this.legend.replaceChildren();
      return;
    }
    const price = (value) => formatMid(value, this.selection.digits);
    const pieces = [
      ["time", formatOpenTime(bar.time)], ["O", price(bar.open)], ["H", price(bar.high)],
      ["L", price(bar.low)], ["C", price(bar.close)], ["", formatPercent(bar.open, bar.close)],
      ["V", formatCount(bar.volume)],
    ];
    this.legend.replaceChildren(...pieces.map(([name, value]) => legendPiece(name, value)));
    this.legend.className = `legend ${bar.close >= bar.open ? "rise" : "fall"}`;
    if (!bar.complete) {
      this.legend.append(legendPiece("tag", "forming"));
    }
  }

  pressed(event) {
    const scale = this.chart.timeScale();
    const actions = {
      ArrowLeft: () => scale.scrollToPosition(scale.scrollPosition() - 10, false),
      ArrowRight: () => scale.scrollToPosition(scale.scrollPosition() + 10, false),
      End: () => scale.scrollToPosition(rightOffset, false),
      "+": () => this.zoom(1.25),
      "=": () => this.zoom(1.25),
      "-": () => this.zoom(0.8),
    };
    const action = actions[event.key];
    if (action && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      action();
    }
  }

  zoom(factor) {
    const scale = this.chart.timeScale();
    const spacing = scale.options().barSpacing * factor;
    scale.applyOptions({ barSpacing: Math.min(60, Math.max(1.5, spacing)) });
  }
}

function legendPiece(name, value) {
  const piece = document.createElement("span");
  if (name === "time" || name === "tag") {
    piece.className = name;
    piece.textContent = value;
    return piece;
  }
  const figure = document.createElement("b");
  figure.textContent = value;
  piece.append(name, figure);
  return piece;
}
