// The forecast in plain words, and what its past says of it.

import { about, list, methodName, number, percent, t } from "../words.js";
import { bestOf } from "./records.js";

const UNITS = { D: "day", B: "day", W: "week", h: "hour", MS: "month", ME: "month", QS: "quarter", QE: "quarter", YS: "year", YE: "year", min: "minute" };

export const unitOf = (freq) => t("unit." + (UNITS[(freq ?? "").split("-")[0]] ?? "step"));

export function sentence({ details, forecast, axis, xs, level }) {
  const values = forecast.point, last = values.length - 1;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const parts = [t("sentence.first", { target: details.target, value: about(values[0]), when: momentOf(axis, xs[0]) })];
  const bounds = level && forecast.intervals[level];
  if (bounds && bounds.lower[0] !== null && bounds.upper[0] !== null) {
    parts.push(t("sentence.between", { lower: about(bounds.lower[0]), upper: about(bounds.upper[0]), share: shareOf(level) }));
  }
  let text = parts.join(", ");
  if (last > 0) text += "; " + t("sentence.mean", { n: values.length, value: about(mean), when: momentOf(axis, xs[last]) });
  return text + ".";
}

const momentOf = (axis, x) => (axis.isTime ? axis.moment(x, { weekday: true }) : axis.moment(x));

// 80 % is 8 of 10, 95 % 19 of 20.
export function shareOf(level) {
  for (const count of [2, 10, 20]) {
    const hits = (level / 100) * count;
    if (Math.abs(hits - Math.round(hits)) < 1e-9) return t("share", { hits: Math.round(hits), count });
  }
  return t("share", { hits: level, count: 100 });
}

export function baselineName(name, season, freq) {
  const unit = (freq ?? "").split("-")[0];
  if (/seasonal/.test(name)) {
    const key = "same." + unit.replace(/E$/, "S") + season;
    return t({ "same.D7": "same.week", "same.h24": "same.day", "same.MS12": "same.year", "same.QS4": "same.year", "same.W52": "same.year" }[key] ?? "same.season", { n: season });
  }
  return methodName(name);
}

// How far off it usually is, beside the best simple forecast, and by what evidence.
export function record({ details, evaluation, season, entry }) {
  const { serving, baseline } = bestOf(evaluation);
  const values = { unit: unitOf(details.freq) };
  const texts = [];
  const mine = entry?.mae ?? serving?.mae, theirs = entry?.baseline_mae ?? baseline?.mae;
  if (mine !== undefined && mine !== null) {
    const name = baselineName(evaluation?.baseline ?? "", season, details.freq);
    texts.push(theirs !== undefined && theirs !== null
      ? t("record.beside", { ...values, value: about(mine), other: about(theirs), name })
      : t("record.alone", { ...values, value: about(mine) }));
    if (theirs > 0) texts.push(mine < theirs ? t("record.less", { share: percent(1 - mine / theirs) }) : t("record.notless"));
    if (evaluation) texts.push(t("record.evidence", { n: evaluation.folds, series: evaluation.num_series }));
  } else if (Number.isFinite(details.metrics.mae)) {
    texts.push(t("record.alone", { ...values, value: about(details.metrics.mae) }));
    if (Number.isFinite(details.metrics.skill)) texts.push(t("record.skill", { share: percent(details.metrics.skill) }));
  } else texts.push(t("record.none"));
  return texts.join(" ");
}

export function uses(details) {
  const texts = [];
  const { known, past, static: fixed } = details.covariates;
  if (known.length) texts.push(t("uses.known", { names: list(known), n: known.length }));
  if (past.length || fixed.length) texts.push(t("uses.other", { names: list([...past, ...fixed]) }));
  texts.push(t("uses.window", { n: details.seq_len, ahead: number(details.horizon), until: "" }).trim());
  return texts.join(" ");
}
