// The lines of the chart from what the service answered.

import { lanes } from "../chart/table.js";
import { methodName, t } from "../words.js";

const levelsOf = (intervals) => Object.keys(intervals ?? {}).map(Number).sort((a, b) => b - a);

export function forecastLine(axis, forecast, kind, label, { bands = true } = {}) {
  return {
    key: kind, kind, label, x: forecast.x ?? axis.xs(forecast.timestamps), y: forecast.point,
    bands: bands ? levelsOf(forecast.intervals).map((level) => ({ level, ...forecast.intervals[level] })) : [],
  };
}

// Steps without timestamps follow the last observation.
export function stepsAfter(last, count) {
  return Array.from({ length: count }, (_, i) => last + 1 + i);
}

export function backtestLines(axis, forecasts, level) {
  const folds = forecasts.map((fold) => ({ ...fold, x: axis.xs(fold.timestamps) }));
  const arranged = lanes(folds);
  const lines = arranged.lanes.map((lane, i) => ({
    key: "backtest-" + i, group: "backtest", kind: "backtest", label: t("line.backtest"),
    x: lane.flatMap((fold) => fold.x),
    y: lane.flatMap((fold) => fold.point),
    bands: bandOf(lane, level),
  }));
  return { lines, every: arranged.every };
}

function bandOf(lane, level) {
  if (!level || !lane.every((fold) => fold.intervals?.[level])) return [];
  const join = (side) => lane.flatMap((fold) => fold.intervals[level][side]);
  return [{ level, lower: join("lower"), upper: join("upper") }];
}

export function baselineLines(axis, backtest) {
  const folds = backtest.forecasts.filter((fold) => fold.baseline_point).map((fold) => ({ ...fold, x: axis.xs(fold.timestamps) }));
  return lanes(folds).lanes.map((lane, i) => ({
    key: "baseline-" + i, group: "baseline", kind: "baseline", label: methodName(backtest.baseline),
    x: lane.flatMap((fold) => fold.x), y: lane.flatMap((fold) => fold.baseline_point),
  }));
}

// The level drawn with past forecasts: the narrowest that is shown and recorded.
export function backtestLevel(backtest, levels) {
  const recorded = (backtest?.levels ?? []).map(Number);
  return [...levels].sort((a, b) => a - b).find((level) => recorded.includes(level)) ?? null;
}

// The part of the history that is shown first: past forecasts, or some horizons.
export function recentWindow(xs, horizon, folds, end) {
  const last = xs.length - 1;
  const four = Math.max(40, 4 * horizon);
  let from = Math.max(0, last - four);
  if (folds.length) {
    const start = Math.min(...folds.map((fold) => fold.x[0]));
    const first = xs.findIndex((x) => x >= start);
    if (first >= 0) from = Math.max(Math.min(from, first), last - Math.max(four, 12 * horizon, 150));
  }
  return [xs[Math.max(0, from)], end];
}
