// Words, numbers and dates of the page: words in its language, the rest by the browser.

const texts = JSON.parse(document.getElementById("texts").textContent);
const LOCALE = navigator.languages?.length ? [...navigator.languages] : "en";
const plural = new Intl.PluralRules(document.documentElement.lang);

export function t(key, values = {}) {
  let text = texts[key];
  if (text === undefined) throw new Error("no text " + key);
  if (typeof text === "object") text = text[plural.select(values.n)] ?? text.other;
  return text.replace(/\{(\w+)\}/g, (_, name) => {
    const value = values[name];
    return typeof value === "number" ? number(value) : String(value);
  });
}

export const has = (key) => texts[key] !== undefined;

// A word of the service: translated where the page knows it, else as it is.
export function word(group, name) {
  return has(group + "." + name) ? t(group + "." + name) : String(name).replaceAll("_", " ");
}

// A method of the service; parts of a mean are joined by plus signs.
export const methodName = (name) => list(name.split("+").map((part) => word("method", part)));

// Decimals that tell values of this size apart: as many for all in a column.
export function decimals(values) {
  const size = Math.max(0, ...values.filter(Number.isFinite).map(Math.abs));
  return size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : size >= 0.1 ? 3 : 5;
}

export function number(value, places) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size >= 1e12 || (size > 0 && size < 1e-4)) return value.toExponential(2);
  if (places === undefined) return new Intl.NumberFormat(LOCALE, { maximumFractionDigits: Number.isInteger(value) ? 0 : decimals([value]) }).format(value);
  return new Intl.NumberFormat(LOCALE, { minimumFractionDigits: places, maximumFractionDigits: places }).format(value);
}

// About as exact as one says it: 823.4 is 823, 4.26 is 4.3.
export function about(value) {
  const size = Math.abs(value);
  const options = size >= 100 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 2 };
  return size >= 1e12 ? value.toExponential(1) : new Intl.NumberFormat(LOCALE, options).format(value);
}

export const percent = (share, places = 0) =>
  new Intl.NumberFormat(LOCALE, { style: "percent", maximumFractionDigits: places }).format(share);

export function list(parts) {
  return new Intl.ListFormat(document.documentElement.lang, { type: "conjunction" }).format(parts);
}

const formats = new Map();

function dateFormat(zone, style) {
  const key = zone + JSON.stringify(style);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(LOCALE, { ...style, timeZone: zone }));
  return formats.get(key);
}

export const date = (milliseconds, zone, style) => dateFormat(zone, style).format(milliseconds);
