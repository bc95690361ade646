// How each kind of line is drawn: told apart by dash and marker, not only by colour.

import { s } from "../dom.js";

export const INKS = {
  observed: { width: 1.8, dash: [], points: false },
  forecast: { width: 2.4, dash: [7, 4], points: "full" },
  before: { width: 2, dash: [2, 3], points: false },
  backtest: { width: 1.2, dash: [], points: "hollow" },
  baseline: { width: 1.6, dash: [1, 4], points: false },
  overlay: { width: 2.2, dash: [10, 3, 2, 3], points: "hollow" },
};

export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
}

// A colour with a share of its strength, as the canvas takes it.
export function tint(name, share) {
  const hex = colour(name);
  return hex + Math.round(255 * share).toString(16).padStart(2, "0");
}

// A piece of the line for the legend.
export function sample(kind) {
  const ink = INKS[kind];
  const parts = [s("line", {
    x1: 1, x2: 31, y1: 6, y2: 6, class: "ink-" + kind, "stroke-width": Math.max(ink.width, 2),
    "stroke-dasharray": ink.dash.join(" ") || null,
  })];
  if (ink.points) {
    parts.push(s("circle", { cx: 16, cy: 6, r: 3.2, class: "ink-" + kind, "stroke-width": 1.6, ...(ink.points === "hollow" && { "fill-opacity": 0 }) }));
  }
  return s("svg", { width: 32, height: 12, viewBox: "0 0 32 12", "aria-hidden": "true" }, parts);
}

// Draw again when the theme changes, and in the colours of paper when it is printed.
export function onTheme(listener) {
  for (const query of ["(prefers-color-scheme: dark)", "print"]) {
    matchMedia(query).addEventListener("change", listener);
  }
}
