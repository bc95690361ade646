// The lines of a chart on one axis: uPlot wants a value, or null, at each place of it.

const MOST_LANES = 3;

// Lines: {kind, label, x, y, bands: [{level, lower, upper}]}. Observed comes first.
export function align(lines) {
  const base = lines[0]?.x ?? [];
  const seen = new Set(base);
  const extra = new Set();
  for (const line of lines.slice(1)) for (const x of line.x) if (!seen.has(x)) extra.add(x);
  const xs = extra.size ? [...base, ...extra] : [...base];
  if (extra.size) xs.sort((a, b) => a - b);
  const place = new Map();
  xs.forEach((x, i) => place.set(x, i));
  const columns = [xs], details = [], bands = [];
  for (const line of lines) {
    const column = spread(line.x, line.y, xs.length, place);
    columns.push(column.values);
    details.push({ line, role: "point", ...column.range });
    for (const band of line.bands ?? []) {
      const upper = spread(line.x, band.upper, xs.length, place);
      const lower = spread(line.x, band.lower, xs.length, place);
      columns.push(upper.values, lower.values);
      details.push({ line, role: "upper", level: band.level, ...upper.range }, { line, role: "lower", level: band.level, ...lower.range });
      bands.push({ series: [columns.length - 2, columns.length - 1], kind: line.kind });
    }
  }
  return { columns, details, bands };
}

function spread(x, y, length, place) {
  const values = new Array(length).fill(null);
  let first = length, last = -1;
  for (let k = 0; k < x.length; k++) {
    const value = y[k];
    if (value === null || value === undefined || !Number.isFinite(value)) continue;
    const i = place.get(x[k]);
    values[i] = value;
    if (i < first) first = i;
    if (i > last) last = i;
  }
  return { values, range: { first, last } };
}

// Past forecasts in lanes, so that none touches the one before in its lane.
// Where too many overlap, each second, third ... is drawn.
export function lanes(forecasts) {
  const sorted = [...forecasts].filter((fold) => fold.x.length).sort((a, b) => a.x[0] - b.x[0]);
  let every = 1, result = arrange(sorted);
  while (result.length > MOST_LANES) {
    every += 1;
    result = arrange(sorted.filter((_, i) => (sorted.length - 1 - i) % every === 0));
  }
  return { lanes: result, every };
}

function arrange(forecasts) {
  const ends = [], result = [];
  for (const fold of forecasts) {
    // One place between two forecasts stays empty: two lanes alternate.
    let lane = ends.findIndex((end, k) => end < fold.x[0] && result[k].at(-1).next < fold.x[0]);
    if (lane < 0) {
      lane = ends.length;
      result.push([]);
    }
    const step = fold.x.length > 1 ? (fold.x.at(-1) - fold.x[0]) / (fold.x.length - 1) : 0;
    fold.next = fold.x.at(-1) + 1.5 * step;
    ends[lane] = fold.x.at(-1);
    result[lane].push(fold);
    if (result.length > MOST_LANES) return result;
  }
  return result;
}
