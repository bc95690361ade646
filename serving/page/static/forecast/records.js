// What is known of a series: its history, its past forecasts, how good they were.

import { ask, path, recall, recallOrNull } from "../api.js";

const MOST_POINTS = 100000;
const SEASONS = { h: 24, D: 7, B: 5, W: 52, MS: 12, ME: 12, M: 12, QS: 4, QE: 4, Q: 4 };

export const detailsOf = (name, version) => recall(path(name, version));

// The history, with what of it a request has: all covariates, and nothing missing.
export async function historyOf(details, id) {
  const known = details.context.find((one) => one.id === id);
  const [sent, history] = await Promise.all([
    known ?? recall(path(details.name, details.version, "context", { id })),
    recallOrNull(path(details.name, details.version, "history", { id, limit: MOST_POINTS })),
  ]);
  if (history) return { ...history, sent };
  // A version without a record has the last observations alone.
  return { ...sent, total: sent.values.length, future: null, sent, isShort: true };
}

export const backtestOf = (details, id) => recallOrNull(path(details.name, details.version, "backtest", { id, limit: 1000 }));

export const evaluationOf = (details) => recallOrNull(path(details.name, details.version, "evaluation"));

// While the registry is away, the problem holds the last known versions.
export async function versionsOf(name) {
  try {
    return await recallOrNull(path(name, "", "versions"));
  } catch (problem) {
    if (problem.versions) return problem;
    throw problem;
  }
}

export async function findSeries(details, search, offset, signal) {
  const query = { search, offset, limit: 50 };
  try {
    return await ask(path(details.name, details.version, "series", query), { signal });
  } catch (problem) {
    if (problem.status !== 404) throw problem;
  }
  const wanted = search.toLowerCase();
  const ids = details.series_ids.filter((id) => id.toLowerCase().includes(wanted));
  return { total: search ? ids.length : details.num_series, offset: 0, series: ids.map((id) => ({ id })), isCut: details.num_series > details.series_ids.length };
}

export function seasonLength(details, evaluation) {
  return evaluation?.season_length ?? SEASONS[(details.freq ?? "").split("-")[0]] ?? 1;
}

// The figures of the model and of the best simple forecast beside it.
export function bestOf(evaluation) {
  if (!evaluation) return {};
  const rows = evaluation.leaderboard.filter((row) => Number.isFinite(row.mae));
  const serving = rows.find((row) => row.serves);
  return { serving, baseline: rows.find((row) => row.model === evaluation.baseline) };
}
