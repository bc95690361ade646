// The error of each step ahead, for the model and for those beside it.

import { h, show } from "../dom.js";
import { INKS, colour, onTheme, sample } from "../chart/ink.js";
import { number, t } from "../words.js";

const KINDS = ["backtest", "before", "overlay", "baseline"];
const MOST_OTHERS = 3;
let redraw = () => {};
onTheme(() => redraw());

export function drawSteps(root, evaluation, nameOf) {
  const rows = evaluation.by_step ?? [];
  const serving = rows.filter((row) => row.serves);
  const mean = (row) => row.mae.reduce((sum, value) => sum + (value ?? 0), 0) / row.mae.length;
  const others = rows.filter((row) => !row.serves).sort((a, b) => mean(a) - mean(b)).slice(0, MOST_OTHERS);
  const shown = [...serving.map((row) => ({ row, kind: "forecast" })), ...others.map((row, i) => ({ row, kind: KINDS[i] }))];
  if (!shown.length) return;
  const plot = h("div", {});
  const legend = h("ul", { class: "legend", "aria-hidden": "true" }, shown.map(({ row, kind }) => h("li", {}, h("span", { class: "when" }, sample(kind), nameOf(row.model)))));
  show(root, plot, legend, table(shown, nameOf));
  redraw = () => draw(plot, shown);
  redraw();
  new ResizeObserver(() => plot.clientWidth && Math.abs(plot.clientWidth - (plot.drawn ?? 0)) > 2 && redraw()).observe(root);
}

function draw(plot, shown) {
  show(plot);
  plot.drawn = plot.clientWidth;
  const steps = shown[0].row.mae.map((_, i) => i + 1);
  const common = { stroke: colour("soft"), grid: { stroke: colour("grid"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
  new uPlot({
    width: Math.max(260, plot.clientWidth), height: 220,
    legend: { show: false }, cursor: { show: false },
    scales: { x: { time: false }, y: { range: (_, min, max) => [0, max * 1.08 || 1] } },
    axes: [{ ...common, incrs: [1, 2, 5, 10, 20, 50, 100] }, { ...common, size: 58, values: (_, splits) => splits.map((value) => number(value)) }],
    series: [{}, ...shown.map(({ kind }) => ({
      stroke: colour(kind), width: kind === "forecast" ? 2.4 : 1.6, dash: kind === "forecast" ? [] : INKS[kind].dash.length ? INKS[kind].dash : [5, 3],
      points: { show: steps.length <= 60, size: 6, stroke: colour(kind), fill: kind === "forecast" ? colour(kind) : colour("card") },
    }))],
  }, [steps, ...shown.map(({ row }) => row.mae)], plot);
  plot.querySelector("canvas").setAttribute("aria-hidden", "true");
}

// The same in numbers, for those who do not see the chart.
function table(shown, nameOf) {
  return h("details", {}, h("summary", {}, t("quality.steps.numbers")), h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": t("quality.steps.numbers") }, h("table", {},
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("quality.ahead")), shown.map(({ row }) => h("th", { scope: "col" }, nameOf(row.model))))),
    h("tbody", {}, shown[0].row.mae.map((_, i) => h("tr", {}, h("td", {}, number(i + 1)), shown.map(({ row }) => h("td", {}, number(row.mae[i])))))))));
}
