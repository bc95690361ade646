// The forecast as a table of numbers.

import { $, h, show } from "../dom.js";
import { decimals, number, t } from "../words.js";

export function drawNumbers({ axis, xs, forecast, before, levels }) {
  const ascending = [...levels].sort((a, b) => a - b);
  const places = decimals(forecast.point);
  const head = [t("moment"), before && t("line.before"), t("line.forecast"), ...ascending.flatMap((level) => [t("numbers.from", { level }), t("numbers.to", { level })])];
  show($("head"), h("tr", {}, head.filter(Boolean).map((text) => h("th", { scope: "col" }, text))));
  show($("body"), forecast.point.map((value, i) => {
    const changed = before && before.point[i] !== value;
    const bounds = ascending.flatMap((level) => [forecast.intervals[level]?.lower[i], forecast.intervals[level]?.upper[i]]);
    const cells = [before && number(before.point[i], places), number(value, places), ...bounds.map((bound) => number(bound, places))];
    return h("tr", { class: changed ? "changed" : null }, h("td", {}, axis.moment(xs[i], { weekday: true })),
      cells.filter((cell) => cell !== undefined && cell !== null && cell !== false).map((cell) => h("td", {}, cell)));
  }));
}
