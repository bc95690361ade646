// The chart of a series: history, past forecasts, forecasts, their intervals.

import { h, show } from "../dom.js";
import { decimals, number, t } from "../words.js";
import { listen, pan, zoom } from "./gestures.js";
import { INKS, colour, onTheme, sample, tint } from "./ink.js";
import { align } from "./table.js";

export class Timeline {
  // `moved(min, max)` hears of each new window that a person has chosen.
  constructor(root, moved = () => {}) {
    this.moved = moved;
    this.hidden = new Set();
    this.readout = h("p", { class: "hint", role: "status", "aria-live": "polite" });
    this.legend = h("ul", { class: "legend" });
    this.hint = h("p", { class: "hint", id: root.id + "-keys" }, keysHint());
    this.plot = h("div", { class: "plot", tabindex: 0, role: "group", "aria-describedby": this.hint.id });
    this.buttons = h("div", { class: "windows", role: "group", "aria-label": t("chart.window") });
    show(root, this.plot, this.legend, this.buttons, this.readout, this.hint);
    this.move = {
      window: () => this.window ?? [...this.limits],
      set: (min, max) => this.set(min, max),
      all: () => this.set(-Infinity, Infinity),
      cursor: (step) => this.step(step),
    };
    onTheme(() => this.draw());
    new ResizeObserver(() => this.resize()).observe(root);
  }

  // content: {axis, lines, label, start: first x of the forecast, window: [min, max]}
  show(content) {
    if (content.window || !content.sameWindow) this.window = content.window ?? null;
    this.content = content;
    this.draw();
  }

  draw() {
    if (!this.content) return;
    const { axis, lines, label } = this.content;
    const shown = lines.filter((line) => !this.hidden.has(line.key));
    this.table = align(shown.length ? shown : lines.slice(0, 1));
    const xs = this.table.columns[0];
    this.limits = [xs[0], xs.at(-1)];
    this.uplot?.destroy();
    this.places = decimals(this.table.columns[1].concat(lines.at(-1).y).filter((value) => value !== null).slice(-2000));
    this.plot.setAttribute("aria-label", label);
    this.uplot = new uPlot(this.options(axis), this.table.columns, this.plot);
    this.plot.querySelector("canvas").setAttribute("aria-hidden", "true");
    listen(this.plot, this.uplot.over, this.move);
    this.set(...(this.window ?? [-Infinity, Infinity]), false);
    this.drawLegend();
    this.drawButtons();
  }

  options(axis) {
    const font = "12px system-ui, sans-serif";
    const common = { stroke: colour("soft"), grid: { stroke: colour("grid"), width: 1 }, ticks: { stroke: colour("grid"), width: 1 }, font };
    return {
      ...this.size(),
      legend: { show: false },
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), axis.zone),
      scales: { x: { time: axis.isTime }, y: { range: (_, min, max) => padded(min, max) } },
      axes: [
        { ...common, space: 70, values: (_, splits, __, ___, increment) => axis.labels(splits, increment) },
        { ...common, size: 62, values: (_, splits) => splits.map((value) => number(value, splitPlaces(splits))) },
      ],
      cursor: { drag: { x: true, y: false, dist: 6, setScale: false }, points: { size: 8 }, bind: { dblclick: () => () => this.move.all() } },
      series: [{}, ...this.table.details.map((detail) => this.series(detail))],
      bands: this.table.bands.map(({ series, kind }) => ({ series, fill: tint(kind, kind === "backtest" ? 0.14 : 0.17) })),
      hooks: {
        setCursor: [() => this.read()],
        setSelect: [(plot) => this.selected(plot)],
        draw: [(plot) => this.drawStart(plot)],
      },
    };
  }

  series({ line, role, first, last }) {
    const ink = INKS[line.kind];
    const linear = uPlot.paths.linear();
    // A short line in a long history costs its own length alone.
    const paths = (plot, i, from, to) => linear(plot, i, Math.max(from, first), Math.min(to, Math.max(first, last)));
    if (role !== "point") return { paths, stroke: "transparent", width: 0, points: { show: false } };
    const stroke = colour(line.kind);
    const points = ink.points
      ? { size: ink.points === "full" ? 6 : 5, space: 5, width: 1.3, stroke, fill: ink.points === "full" ? stroke : colour("card") }
      : { size: 4, stroke, fill: stroke, show: line.kind === "observed" && isSparse };
    return { paths, stroke, width: ink.width, dash: ink.dash, points, spanGaps: line.kind === "overlay" };
  }

  selected(plot) {
    if (plot.select.width < 6) return;
    const min = plot.posToVal(plot.select.left, "x"), max = plot.posToVal(plot.select.left + plot.select.width, "x");
    plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    this.set(min, max);
  }

  // Keep a window within the data; never closer than a few steps.
  set(min, max, tell = true) {
    const [first, last] = this.limits, xs = this.table.columns[0];
    const all = last - first || 1;
    const least = Math.min(all, (all / Math.max(1, xs.length - 1)) * 4);
    let span = Math.min(all, Math.max(least, max - min || 0));
    if (!Number.isFinite(span)) span = all;
    const start = Math.min(last - span, Math.max(first, Number.isFinite(min) ? min : first));
    this.window = [start, start + span];
    this.uplot.setScale("x", { min: start, max: start + span || start + 1 });
    if (tell) this.moved(start, start + span);
  }

  step(by) {
    const xs = this.table.columns[0];
    const [min, max] = this.move.window();
    const now = this.uplot.cursor.idx ?? xs.findIndex((x) => x >= (by > 0 ? min : max)) - Math.sign(by);
    const aim = Math.min(xs.length - 1, Math.max(0, by === -Infinity ? 0 : by === Infinity ? xs.length - 1 : now + by));
    if (xs[aim] < min) this.set(xs[aim], xs[aim] + max - min);
    if (xs[aim] > max) this.set(xs[aim] - (max - min), xs[aim]);
    this.uplot.setCursor({ left: this.uplot.valToPos(xs[aim], "x"), top: 20 });
    this.say(aim);
  }

  size() {
    const wide = Math.max(260, this.plot.clientWidth || this.plot.parentElement.clientWidth);
    return { width: wide, height: Math.round(Math.min(400, Math.max(280, wide * 0.42))) };
  }

  resize() {
    if (!this.uplot || !this.plot.clientWidth) return;
    const size = this.size();
    if (size.width !== this.uplot.width || size.height !== this.uplot.height) this.uplot.setSize(size);
  }

  // Numbers under the cursor; without one, those of the first step ahead.
  read() {
    const idx = this.uplot.cursor.idx;
    for (const [key, cell] of this.cells ?? []) {
      cell.textContent = idx === null || idx === undefined ? "" : this.valueAt(key, idx);
    }
    if (this.when) this.when.textContent = idx === null || idx === undefined ? t("chart.point") : this.content.axis.moment(this.table.columns[0][idx], { weekday: true });
  }

  valueAt(key, idx) {
    const parts = [];
    this.table.details.forEach((detail, i) => {
      const value = this.table.columns[i + 1][idx];
      if (legendKey(detail.line) !== key || value === null) return;
      if (detail.role === "point") parts.push(number(value, this.places));
      if (detail.role === "upper" && parts.length < 2) {
        parts.push(`(${number(this.table.columns[i + 2][idx], this.places)} – ${number(value, this.places)})`);
      }
    });
    return parts.join(" ");
  }

  say(idx) {
    const texts = [this.content.axis.moment(this.table.columns[0][idx], { weekday: true })];
    for (const [key, cell] of this.cells) if (cell.textContent) texts.push(this.labels.get(key) + " " + cell.textContent);
    this.readout.textContent = texts.join("; ");
  }

  drawLegend() {
    this.cells = new Map();
    this.labels = new Map();
    this.when = h("span", { class: "when" }, t("chart.point"));
    const items = [h("li", {}, this.when)];
    for (const line of this.content.lines) {
      const key = legendKey(line);
      if (this.cells.has(key)) continue;
      const value = h("b");
      this.cells.set(key, value);
      this.labels.set(key, line.label);
      items.push(h("li", {}, h("button", {
        type: "button", "aria-pressed": String(!this.hidden.has(line.key)), title: t("chart.toggle"), onclick: () => this.toggle(key),
      }, sample(line.kind), line.label, value)));
    }
    show(this.legend, items);
  }

  toggle(key) {
    for (const line of this.content.lines) {
      if (legendKey(line) !== key) continue;
      if (this.hidden.has(line.key)) this.hidden.delete(line.key);
      else this.hidden.add(line.key);
    }
    this.draw();
    const index = [...this.cells.keys()].indexOf(key);
    this.legend.querySelectorAll("button")[index]?.focus();
  }

  drawButtons() {
    const button = (key, action) => h("button", { type: "button", class: "quiet", onclick: action }, t(key));
    show(this.buttons,
      button("chart.all", () => this.move.all()),
      this.content.recent && button("chart.recent", () => this.set(...this.content.recent)),
      button("chart.in", () => zoom(this.move, 0.6, 0.5)),
      button("chart.out", () => zoom(this.move, 1 / 0.6, 0.5)),
      button("chart.earlier", () => pan(this.move, -0.4)),
      button("chart.later", () => pan(this.move, 0.4)));
  }

  drawStart(plot) {
    const { start } = this.content;
    if (start === undefined || start === null) return;
    const x = Math.round(plot.valToPos(start, "x", true)), { ctx, bbox } = plot;
    if (x < bbox.left || x > bbox.left + bbox.width) return;
    ctx.save();
    ctx.strokeStyle = colour("edge");
    ctx.setLineDash([3, 4]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.restore();
  }

  // The chart as it is, with a title and its legend, on a canvas.
  picture(title) {
    const plot = this.plot.querySelector("canvas"), scale = devicePixelRatio || 1, top = 64 * scale;
    const canvas = h("canvas", { width: plot.width, height: plot.height + top });
    const ctx = canvas.getContext("2d");
    ctx.fillStyle = colour("card");
    ctx.fillRect(0, 0, canvas.width, canvas.height);
    ctx.drawImage(plot, 0, top);
    ctx.fillStyle = colour("text");
    ctx.font = `600 ${15 * scale}px system-ui, sans-serif`;
    ctx.fillText(title, 12 * scale, 24 * scale, canvas.width - 24 * scale);
    ctx.font = `${12 * scale}px system-ui, sans-serif`;
    let x = 12 * scale;
    for (const [key, label] of this.labels) {
      const line = this.content.lines.find((one) => legendKey(one) === key);
      if (this.hidden.has(line.key)) continue;
      ctx.strokeStyle = colour(line.kind);
      ctx.lineWidth = INKS[line.kind].width * scale;
      ctx.setLineDash(INKS[line.kind].dash.map((part) => part * scale));
      ctx.beginPath();
      ctx.moveTo(x, 46 * scale);
      ctx.lineTo(x + 26 * scale, 46 * scale);
      ctx.stroke();
      ctx.fillText(label, x + 32 * scale, 50 * scale);
      x += ctx.measureText(label).width + 50 * scale;
    }
    return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  }
}

// How the chart is moved, by fingers or by mouse and keys.
export const keysHint = () => t(matchMedia("(pointer: coarse)").matches ? "chart.hint.touch" : "chart.hint");

// Lanes of past forecasts share one entry of the legend.
const legendKey = (line) => line.group ?? line.key;

// Points of the history are drawn only where there is room for them.
function isSparse(plot, _, from, to) {
  return plot.bbox.width / devicePixelRatio / Math.max(1, to - from) > 14;
}

function padded(min, max) {
  if (min === null) return [0, 1];
  if (min === max) return [min - (Math.abs(min) / 10 || 1), max + (Math.abs(max) / 10 || 1)];
  const room = (max - min) * 0.06;
  return [min >= 0 && min - room < 0 ? 0 : min - room, max + room];
}

function splitPlaces(splits) {
  const increment = splits.length > 1 ? Math.abs(splits[1] - splits[0]) : 1;
  return Math.max(0, Math.min(8, -Math.floor(Math.log10(increment) + 1e-9)));
}
