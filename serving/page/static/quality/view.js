// The view "How good": figures of the backtest in the unit of the data, each explained.

import { $, h, s, show } from "../dom.js";
import { bestOf, detailsOf, evaluationOf } from "../forecast/records.js";
import { baselineName, shareOf, unitOf } from "../forecast/sentence.js";
import { Axis } from "../chart/axis.js";
import { problemNotice } from "../notices.js";
import { address, go, view } from "../state.js";
import { about, decimals, methodName, number, percent, t, word } from "../words.js";
import { drawSteps } from "./steps.js";

const MOST_WORST = 10;

export class QualityView {
  async refresh() {
    const state = view();
    try {
      const details = await detailsOf(state.model, state.version);
      const evaluation = await evaluationOf(details);
      problemNotice("forecast", null);
      if (view().tab === "quality") this.draw(details, evaluation);
    } catch (problem) {
      problemNotice("forecast", problem);
    }
  }

  draw(details, evaluation) {
    const title = h("div", { class: "title" }, h("h1", {}, t("quality.title", { name: details.name })), h("span", { class: "badge" }, t("badge.version", { version: details.version })));
    if (!evaluation) {
      show($("quality"), title, plainMetrics(details));
      return;
    }
    const canvas = h("div", { class: "figure" });
    show($("quality"), title,
      h("section", { class: "card lead" }, summary(details, evaluation)),
      h("div", { class: "columns" },
        leaderboard(details, evaluation), coverage(evaluation), worstSeries(details, evaluation),
        h("section", { class: "card full" }, h("h2", {}, t("quality.steps")), h("p", { class: "hint" }, t("quality.steps.why")), canvas),
        worstMoments(details, evaluation)),
      glossary());
    drawSteps(canvas, evaluation, (model) => nameOf(model, evaluation, details));
  }
}

function nameOf(model, evaluation, details) {
  return baselineName(model, evaluation.season_length, details.freq);
}

function summary(details, evaluation) {
  const { serving, baseline } = bestOf(evaluation);
  const texts = [];
  if (serving) {
    texts.push(h("p", { class: "sentence" }, baseline
      ? t("record.beside", { value: about(serving.mae), other: about(baseline.mae), unit: unitOf(details.freq), name: nameOf(baseline.model, evaluation, details) })
      : t("record.alone", { value: about(serving.mae), unit: unitOf(details.freq) })));
    const aim = evaluation.leaderboard.find((row) => row.skill !== null && Math.abs(row.skill) < 1e-9);
    if (Number.isFinite(serving.skill_lower) && aim) {
      texts.push(h("p", { class: "soft" }, t("quality.sure", { name: nameOf(aim.model, evaluation, details), lower: percent(serving.skill_lower), upper: percent(serving.skill_upper), skill: percent(serving.skill) })));
    }
  }
  const methods = Object.entries(evaluation.methods).map(([method, n]) => `${methodName(method)} (${number(n)})`).join(", ");
  texts.push(h("p", { class: "soft" }, t("record.evidence", { n: evaluation.folds, series: evaluation.num_series }), " ", t("quality.methods", { methods })));
  return texts;
}

function leaderboard(details, evaluation) {
  const rows = evaluation.leaderboard;
  const places = decimals(rows.map((row) => row.mae));
  const largest = Math.max(...rows.map((row) => row.mae ?? 0));
  const levels = [...new Set(rows.flatMap((row) => Object.keys(row.coverage ?? {})))].map(Number).sort((a, b) => a - b);
  return h("section", { class: "card full" }, h("h2", {}, t("quality.board", { target: details.target })),
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": t("quality.board", { target: details.target }) }, h("table", { class: "wrap" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("method")), h("th", { scope: "col" }, t("figure.mae")), h("td"),
        h("th", { scope: "col" }, "RMSE"), h("th", { scope: "col" }, "MASE"), levels.map((level) => h("th", { scope: "col" }, t("quality.in", { level }))))),
      h("tbody", {}, rows.map((row) => h("tr", { class: row.serves ? "strong" : null },
        h("th", { scope: "row", class: "words" }, nameOf(row.model, evaluation, details), row.serves && " – " + t("quality.serves")),
        h("td", {}, number(row.mae, places)),
        h("td", {}, meter(row.mae, largest)),
        h("td", {}, number(row.rmse, places)),
        h("td", {}, number(row.mase, 2)),
        levels.map((level) => h("td", {}, row.coverage?.[level] === undefined || row.coverage[level] === null ? "–" : percent(row.coverage[level])))))))));
}

function meter(value, largest) {
  if (!Number.isFinite(value) || !largest) return null;
  return s("svg", { class: "meter", viewBox: "0 0 100 12", preserveAspectRatio: "none", "aria-hidden": "true" },
    s("rect", { x: 0, y: 1, width: Math.max(0.5, 100 * value / largest), height: 10 }));
}

function coverage(evaluation) {
  const serving = evaluation.leaderboard.find((row) => row.serves);
  const levels = Object.keys(serving?.coverage ?? {}).map(Number).sort((a, b) => a - b);
  return h("section", { class: "card" }, h("h2", {}, t("quality.coverage")),
    levels.length ? levels.map((level) => dial(level, serving.coverage[level])) : h("p", { class: "soft" }, t("quality.coverage.none")),
    h("p", { class: "hint" }, t("quality.coverage.why", { share: shareOf(levels[0] ?? 80), level: levels[0] ?? 80 })));
}

function dial(level, share) {
  if (share === null || share === undefined) return null;
  const hits = Math.round(100 * share);
  const aim = Math.abs(hits - level) <= 4 ? "near" : hits < level ? "narrow" : "broad";
  return h("div", {}, h("p", { class: "dial" }, t("quality.hits", { hits, level })), h("p", { class: "soft" }, t("quality." + aim)));
}

function worstSeries(details, evaluation) {
  const rows = (evaluation.worst_series ?? []).slice(0, MOST_WORST);
  const places = decimals(rows.map((row) => row.mae));
  return h("section", { class: "card" }, h("h2", {}, t("quality.worst.series")),
    h("table", { class: "wrap series" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("series")), h("th", { scope: "col" }, t("figure.mae")), h("th", { scope: "col" }, t("quality.simple")))),
      h("tbody", {}, rows.map((row) => h("tr", {}, h("td", {}, jump(row.id, { series: row.id, from: "", to: "", plan: "" })),
        h("td", {}, number(row.mae, places)), h("td", {}, number(row.baseline_mae, places)))))));
}

function worstMoments(details, evaluation) {
  const rows = (evaluation.worst_moments ?? []).slice(0, MOST_WORST);
  const places = decimals(rows.map((row) => row.actual));
  const axis = new Axis(rows[0]?.timestamp ?? 0, details.data.zone, details.freq);
  return h("section", { class: "card full" }, h("h2", {}, t("quality.worst.moments")),
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": t("quality.worst.moments") }, h("table", { class: "wrap moments" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("moment")), h("th", { scope: "col", class: "words" }, t("series")), h("th", { scope: "col" }, t("quality.came")), h("th", { scope: "col" }, t("line.forecast")), h("th", { scope: "col" }, t("quality.off")))),
      h("tbody", {}, rows.map((row) => {
        const x = axis.x(row.timestamp), start = axis.x(row.cutoff);
        const room = Math.max(x - start, axis.isTime ? 86400 : 1) * 3;
        return h("tr", {}, h("td", {}, jump(axis.moment(x, { weekday: true }), { series: row.id, from: axis.code(start - room), to: axis.code(x + room), plan: "" })),
          h("td", { class: "words" }, row.id), h("td", {}, number(row.actual, places)), h("td", {}, number(row.point, places)), h("td", {}, number(Math.abs(row.error), places)));
      })))));
}

function jump(text, changes) {
  const target = { tab: "forecast", ...changes };
  return h("a", { href: address(target), onclick: (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    go(target);
    scrollTo(0, 0);
  } }, text);
}

const FIGURES = ["mae", "rmse", "mase", "skill", "coverage", "folds"];

function glossary() {
  return h("section", { class: "card glossary" }, h("h2", {}, t("quality.glossary")),
    FIGURES.map((name) => h("details", {}, h("summary", {}, t("figure." + name)), h("p", { class: "soft" }, t("figure." + name + ".why")))));
}

// A version without a record has the figures of its run alone.
function plainMetrics(details) {
  const names = Object.keys(details.metrics);
  if (!names.length) return h("section", { class: "card" }, h("p", {}, t("quality.none")));
  return [h("section", { class: "card" }, h("p", { class: "soft" }, t("quality.norecord")),
    h("dl", {}, names.map((name) => h("div", {}, h("dt", {}, word("figure", name)), h("dd", {}, name === "skill" ? percent(details.metrics[name], 1) : number(details.metrics[name])))))), glossary()];
}
