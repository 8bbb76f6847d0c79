// BarSeries is what the chart shows: the bars of one symbol and time frame, oldest first. It knows
// nothing of drawing.

import { isNumber } from "./format.js";

export class BarSeries {
  constructor() {
    this.bars = [];
  }

  get oldest() {
    return this.bars[0] ?? null;
  }

  get newest() {
    return this.bars[this.bars.length - 1] ?? null;
  }

  // replace takes the newest bars of the server. complete says that they are all it has; otherwise
  // older bars that join up with them are kept.
  replace(bars, complete) {
    const fresh = readBars(bars);
    const start = fresh[0]?.time;
    const joined = !complete && this.newest && start <= this.newest.time;
    this.bars = joined ? this.bars.filter((bar) => bar.time < start).concat(fresh) : fresh;
  }

  // prepend takes older bars and returns how many were new.
  prepend(bars) {
    const limit = this.oldest?.time ?? Infinity;
    const older = readBars(bars).filter((bar) => bar.time < limit);
    this.bars = older.concat(this.bars);
    return older.length;
  }

  // merge takes one version of a bar and says what it was to the series: "newest" (a new bar, or
  // the last one again), "inside" (an earlier one), or "" for nothing new. Of two versions of a bar
  // the one with more quotes is the later, in whatever order they arrive.
  merge(raw) {
    const bar = readBar(raw);
    if (!bar) {
      return "";
    }
    const last = this.newest;
    if (!last || bar.time > last.time) {
      this.bars.push(bar);
      return "newest";
    }
    for (let i = this.bars.length - 1; i >= 0 && this.bars[i].time >= bar.time; i--) {
      const known = this.bars[i];
      if (known.time === bar.time) {
        if (bar.volume < known.volume || (bar.volume === known.volume && known.complete)) {
          return "";
        }
        this.bars[i] = bar;
        return bar.time === last.time ? "newest" : "inside";
      }
    }
    return "";
  }
}

// readBars drops what is not a bar and puts the rest in order: a chart takes nothing else.
function readBars(list) {
  const byTime = new Map();
  for (const raw of list) {
    const bar = readBar(raw);
    if (bar) {
      byTime.set(bar.time, bar);
    }
  }
  return [...byTime.values()].sort((a, b) => a.time - b.time);
}

function readBar(raw) {
  const { time, open, high, low, close } = raw;
  if (![time, open, high, low, close].every(isNumber)) {
    return null;
  }
  const volume = isNumber(raw.volume) ? raw.volume : 0;
  return { time, open, high, low, close, volume, complete: raw.complete !== false };
}
