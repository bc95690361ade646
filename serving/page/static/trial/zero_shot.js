// A forecast without a model, with its own past: the series cut at several origins.

import { post } from "../api.js";

const ORIGINS = 5, SHORTEST = 8, LONGEST = 2048;
export const LEVELS = [80, 95];

export async function forecastWithPast(series, horizon, { freq, season_length: given }) {
  const { values, timestamps } = series;
  const season = Math.max(1, given ?? 1);
  const starts = [];
  for (let k = 1; k <= ORIGINS; k++) {
    const start = values.length - k * horizon;
    if (start >= Math.max(SHORTEST, season + 1)) starts.push(start);
  }
  const cut = (id, end) => {
    const from = Math.max(0, end - LONGEST);
    return { id, values: values.slice(from, end), ...(timestamps && { timestamps: timestamps.slice(from, end) }) };
  };
  const body = { series: [cut("now", values.length), ...starts.map((start) => cut("at " + start, start))], horizon, levels: LEVELS, ...(freq && { freq }) };
  const answer = await post("v1/forecast", body);
  const byId = new Map(answer.forecasts.map((one) => [one.id, one]));
  const folds = starts.map((start) => ({ ...byId.get("at " + start), start }));
  const misses = [], naives = [];
  for (const { start, point } of folds) {
    point.forEach((value, i) => {
      misses.push(Math.abs(value - values[start + i]));
      naives.push(Math.abs(values[start - season + (i % season)] - values[start + i]));
    });
  }
  return { forecast: { ...byId.get("now"), id: series.id }, folds, season, miss: mean(misses), naive: mean(naives) };
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / (values.length || 1);
