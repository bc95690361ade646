// A series as lines over coloured steps: what decided, or the label of each step.

import { s, show } from "../dom.js";

const HEIGHT = 110, GAP = 14, LEFT = 8, MOST_COLUMNS = 300, MOST_POINTS = 2000;

// shade(step from, to, channel) gives {class, opacity} for a stretch of steps.
export function drawStrips(root, values, names, shade, label) {
  const width = Math.max(280, root.parentElement.clientWidth || 860), steps = values.length, channels = values[0].length;
  const count = Math.min(steps, MOST_COLUMNS), wide = (width - 2 * LEFT) / steps;
  const parts = [];
  for (let channel = 0; channel < channels; channel++) {
    const top = channel * (HEIGHT + GAP), numbers = values.map((row) => row[channel]);
    for (let i = 0; i < count; i++) {
      const from = Math.floor(i * steps / count), to = Math.floor((i + 1) * steps / count);
      const { opacity, ...rest } = shade(from, to, channel);
      if (opacity > 0.005) parts.push(s("rect", { x: LEFT + from * wide, y: top, width: (to - from) * wide, height: HEIGHT, "fill-opacity": opacity.toFixed(3), ...rest }));
    }
    const low = numbers.reduce((a, b) => Math.min(a, b)), high = numbers.reduce((a, b) => Math.max(a, b));
    const every = Math.ceil(steps / MOST_POINTS);
    const points = numbers.map((value, i) => [i, value]).filter(([i]) => i % every === 0)
      .map(([i, value]) => `${(LEFT + (i + 0.5) * wide).toFixed(1)},${(top + HEIGHT - 6 - (HEIGHT - 12) * (high > low ? (value - low) / (high - low) : 0.5)).toFixed(1)}`);
    parts.push(s("polyline", { points: points.join(" "), class: "trace" }));
    if (channels > 1) parts.push(s("text", { x: LEFT + 2, y: top + 12 }, names[channel]));
  }
  root.setAttribute("viewBox", `0 0 ${width} ${channels * (HEIGHT + GAP) - GAP}`);
  root.setAttribute("aria-label", label);
  show(root, parts);
}
