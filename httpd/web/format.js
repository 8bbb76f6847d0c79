// How prices, counts and times are written. JSON numbers lose their trailing zeros in JavaScript,
// so prices are printed with the digits of their symbol.

export const none = "–";

export const isNumber = (v) => typeof v === "number" && Number.isFinite(v);

export const formatPrice = (value, digits) => (isNumber(value) ? value.toFixed(digits) : none);

// formatMid prints a mid price, which has one more digit only where it lies between two points.
export function formatMid(value, digits) {
  if (!isNumber(value)) {
    return none;
  }
  const text = value.toFixed(digits + 1);
  return text.endsWith("0") ? value.toFixed(digits) : text;
}

// pricePieces splits a price as dealers read it: the big figure, the pips, the fraction of a pip.
// Prices that are not quoted in fractional pips stay whole.
export function pricePieces(text, digits) {
  if ((digits !== 3 && digits !== 5) || text.length < 5) {
    return [text, "", ""];
  }
  return [text.slice(0, -3), text.slice(-3, -1), text.slice(-1)];
}

// formatPoints prints a difference of prices in points, the unit of a symbol's last digit.
export const formatPoints = (difference, digits) =>
  (isNumber(difference) ? whole.format(Math.round(difference * 10 ** digits)) : none);

// formatChange prints a difference with its sign, and without one when it rounds to nothing.
export function formatChange(difference, digits) {
  const text = formatPoints(Math.abs(difference), digits);
  return text === "0" || text === none ? text : (difference < 0 ? "−" : "+") + text;
}

export function formatPercent(from, to) {
  if (!isNumber(to) || !(from > 0)) {
    return none;
  }
  const percent = ((to - from) / from) * 100;
  const text = Math.abs(percent).toFixed(2) + "%";
  return text === "0.00%" ? text : (percent < 0 ? "−" : "+") + text;
}

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 2 });

export const formatCount = (n) => (isNumber(n) ? whole.format(n) : none);

// formatShort keeps big counts narrow; formatCount belongs beside it as a title.
export const formatShort = (n) =>
  (isNumber(n) && Math.abs(n) >= 1e7 ? short.format(n) : formatCount(n));

export function formatRate(n) {
  if (!isNumber(n)) {
    return none;
  }
  return (n < 9.95 && n > 0 ? n.toFixed(1) : formatShort(n)) + "/s";
}

export const formatShare = (share) => (isNumber(share) ? (share * 100).toFixed(1) + "%" : none);

// formatMoney prints an amount with the decimals of its currency.
export function formatMoney(value, currency) {
  if (!isNumber(value)) {
    return none;
  }
  const style = { style: "currency", currency, currencyDisplay: "code" };
  let digits = 2;
  try {
    digits = new Intl.NumberFormat("en-US", style).resolvedOptions().maximumFractionDigits;
  } catch { /* No currency that this browser knows. */ }
  return new Intl.NumberFormat("en-US", {
    minimumFractionDigits: digits, maximumFractionDigits: digits,
  }).format(value);
}

const pad = (n) => String(n).padStart(2, "0");
const days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

// formatClock prints the time of day, or the date once a quote is older than a day.
export function formatClock(micros, now = Date.now()) {
  if (!isNumber(micros)) {
    return none;
  }
  const t = new Date(micros / 1000);
  if (Math.abs(now - t.getTime()) < 24 * 3600 * 1000) {
    return `${pad(t.getUTCHours())}:${pad(t.getUTCMinutes())}:${pad(t.getUTCSeconds())}`;
  }
  return `${t.getUTCFullYear()}-${pad(t.getUTCMonth() + 1)}-${pad(t.getUTCDate())}`;
}

export function formatInstant(micros) {
  const t = new Date(micros / 1000);
  return Number.isNaN(t.getTime()) ? "" : t.toISOString().replace("T", " ").replace("Z", " UTC");
}

// formatOpenTime prints the open time of a bar, given in seconds.
export function formatOpenTime(seconds) {
  const t = new Date(seconds * 1000);
  return `${days[t.getUTCDay()]} ${t.getUTCDate()} ${months[t.getUTCMonth()]} ` +
    `${t.getUTCFullYear()} ${pad(t.getUTCHours())}:${pad(t.getUTCMinutes())} UTC`;
}
