// What the forecast looks at: a heat map of steps by observations.

import { $, s, show } from "../dom.js";
import { number, percent, t } from "../words.js";

const MOST_COLUMNS = 60, MOST_ROWS = 24;

export function drawHeat(answer) {
  const shares = answer.importance.map((row) => {
    const total = row.reduce((sum, value) => sum + value, 0) || 1;
    return row.map((value) => value / total);
  });
  const width = Math.max(280, ($("why").parentElement.clientWidth || 860) - 44);
  const columns = groups(answer.lags.length, Math.min(MOST_COLUMNS, Math.floor(width / 12))), rows = groups(shares.length, MOST_ROWS);
  const cells = rows.map(([top, under]) => columns.map(([from, to]) => {
    const part = shares.slice(top, under).flatMap((row) => row.slice(from, to));
    return part.reduce((sum, value) => sum + value, 0) / (under - top);
  }));
  const largest = Math.max(...cells.flat()) || 1;
  const left = 40, right = 8, side = 18, bottom = 26;
  const wide = (width - left - right) / columns.length, height = rows.length * side;
  const parts = cells.flatMap((row, i) => row.map((value, k) => {
    const [top, under] = rows[i], [from, to] = columns[k];
    const title = t("why.cell", { steps: span(top + 1, under), lags: span(answer.lags[from], answer.lags[to - 1]), share: percent(value, 1) });
    return s("rect", { x: left + k * wide, y: i * side, width: wide, height: side, "fill-opacity": (0.04 + 0.96 * value / largest).toFixed(3) }, s("title", {}, title));
  }));
  const every = Math.ceil(rows.length / 12);
  rows.forEach(([top], i) => {
    if (i % every === 0) parts.push(s("text", { x: left - 10, y: i * side + 13, "text-anchor": "end" }, "+" + (top + 1)));
  });
  const labels = Math.min(columns.length, Math.max(3, Math.floor(width / 95)));
  for (let j = 0; j < labels; j++) {
    const k = Math.round(j * (columns.length - 1) / Math.max(labels - 1, 1));
    parts.push(s("text", { x: left + (k + 0.5) * wide, y: height + 18, "text-anchor": "middle" }, "−" + answer.lags[columns[k][1] - 1]));
  }
  $("heat").setAttribute("viewBox", `0 0 ${width} ${height + bottom}`);
  const best = shares[0].indexOf(Math.max(...shares[0]));
  $("heat").setAttribute("aria-label", t("why.label", { lag: answer.lags[best], share: percent(shares[0][best]) }));
  show($("heat"), parts);
  $("why-hint").textContent = t("why.hint", { lag: answer.lags[best], share: percent(shares[0][best]), n: answer.windows });
  $("why").hidden = false;
}

const span = (first, last) => (first === last ? number(first) : t("why.span", { first, last }));

function groups(count, largest) {
  const parts = Math.min(count, largest);
  return Array.from({ length: parts }, (_, i) => [Math.floor(i * count / parts), Math.floor((i + 1) * count / parts)]);
}
