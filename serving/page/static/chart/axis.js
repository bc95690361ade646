// Timestamps of the service as numbers of a chart, and back as words.

import { date, number, t } from "../words.js";

const OFFSET = /(Z|[+-]\d\d:?\d\d)$/;
const DAY = 86400;

function usable(zone) {
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return Boolean(zone);
  } catch {
    return false;
  }
}

export class Axis {
  // Integer steps have no zone; naive times are shown as they are.
  constructor(sample, zone, freq) {
    this.isTime = typeof sample === "string";
    this.zone = usable(zone) ? zone : "UTC";
    this.isNaive = !usable(zone);
    this.isDaily = !freq || !/(^|\d)(h|min|s|ms|T|S|H)$/.test(freq.split("-")[0]);
    this.freq = freq ?? "";
  }

  x(stamp) {
    if (!this.isTime) return Number(stamp);
    const text = String(stamp).replace(/(\.\d{3})\d+/, "$1");
    const plain = this.isNaive ? text.replace(OFFSET, "") : text;
    const complete = plain.includes("T") ? plain : plain + "T00:00:00";
    return Date.parse(OFFSET.test(complete) ? complete : complete + "Z") / 1000;
  }

  xs(stamps) {
    return stamps.map((stamp) => this.x(stamp));
  }

  moment(x, { weekday = false } = {}) {
    if (!this.isTime) return t("step", { n: x });
    const unit = this.freq.split("-")[0];
    let style = { day: "numeric", month: "short", year: "numeric" };
    if (/^(M|ME|MS|BME|BMS|Q|QS|QE)$/.test(unit)) style = { month: "long", year: "numeric" };
    else if (/^(Y|YS|YE|A|AS)$/.test(unit)) style = { year: "numeric" };
    else if (!this.isDaily) style = { ...style, hour: "2-digit", minute: "2-digit" };
    if (weekday && style.day) style.weekday = "short";
    return date(x * 1000, this.zone, style);
  }

  // For the address of the view: a date, or a number.
  code(x) {
    return this.isTime ? new Date(x * 1000).toISOString().slice(0, this.isDaily ? 10 : 16) : String(Math.round(x * 100) / 100);
  }

  decode(text) {
    if (!text) return null;
    const x = this.isTime ? Date.parse(text + (text.length > 10 ? "Z" : "T00:00:00Z")) / 1000 : Number(text);
    return Number.isFinite(x) ? x : null;
  }

  // Labels of the ticks, as coarse as their distance.
  labels(splits, increment) {
    if (!this.isTime) return splits.map((x) => number(x));
    let previous = "";
    return splits.map((x) => {
      const year = date(x * 1000, this.zone, { year: "numeric" });
      let text;
      if (increment >= 360 * DAY) text = year;
      else {
        if (increment >= 28 * DAY) text = date(x * 1000, this.zone, { month: "short" });
        else if (increment >= DAY) text = date(x * 1000, this.zone, { day: "numeric", month: "short" });
        else text = date(x * 1000, this.zone, { hour: "2-digit", minute: "2-digit" });
        const under = increment >= DAY ? year : date(x * 1000, this.zone, { day: "numeric", month: "short" });
        if (under !== previous) text += "\n" + under;
        previous = under;
      }
      return text;
    });
  }
}
