// The request of a view: the history that it continues, covariates, steps and levels.

import { path, post } from "../api.js";

const ALL_AT_ONCE = 10; // series up to which a request names none and takes all

// covariates: known ones of the steps ahead by name, or null where there are none.
export function requestOf({ details, history, horizon, levels, covariates }) {
  const body = { horizon, levels };
  if (covariates) body.series = [withPlan(details, history.sent, covariates)];
  else if (history.isSent || details.num_series > ALL_AT_ONCE) body.series = [history.sent];
  return body;
}

// The last observations in the form of a request, with the covariates ahead.
function withPlan(details, sent, covariates) {
  const known = {};
  for (const name of details.covariates.known) {
    known[name] = [...sent.known_covariates[name].slice(0, sent.values.length), ...covariates[name]];
  }
  return { ...sent, known_covariates: known };
}

export async function forecastOf(details, version, body, id) {
  const answer = await post(path(details.name, version, "forecast"), body);
  const forecast = answer.forecasts.find((one) => one.id === id) ?? answer.forecasts[0];
  return { ...forecast, model: answer.model };
}

export async function explanationOf(details, version, body) {
  const horizon = Math.min(body.horizon, details.horizon);
  const series = body.series?.map((one) => ({ ...one, known_covariates: Object.fromEntries(
    Object.entries(one.known_covariates ?? {}).map(([name, values]) => [name, values.slice(0, one.values.length + details.horizon)])) }));
  return post(path(details.name, version, "explain"), { ...body, ...(series && { series }), horizon });
}
