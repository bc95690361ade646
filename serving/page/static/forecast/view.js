// The view "Forecast": from the address to the requests to what is drawn.

import { Axis } from "../chart/axis.js";
import { Timeline, keysHint } from "../chart/timeline.js";
import { $, h, options, show } from "../dom.js";
import { problemNotice } from "../notices.js";
import { go, note, view } from "../state.js";
import { methodName, number, t } from "../words.js";
import { drawHeat } from "./heat.js";
import { backtestLevel, backtestLines, baselineLines, forecastLine, recentWindow, stepsAfter } from "./lines.js";
import { drawNumbers } from "./numbers.js";
import { PlanGrid, describeEdits, edited, prefill, readEdits } from "./plan.js";
import { backtestOf, detailsOf, evaluationOf, findSeries, historyOf, seasonLength, versionsOf } from "./records.js";
import { explanationOf, forecastOf, requestOf } from "./request.js";
import { baselineName, record, sentence, uses } from "./sentence.js";
import { Sent } from "./sent.js";
import { SeriesList } from "./series_list.js";
import { Take } from "./take.js";

const LEVELS = [80, 95];

export class ForecastView {
  constructor() {
    this.ticket = 0;
    this.sent = null;
    this.chart = new Timeline($("chart"), (min, max) => this.axis && note({ from: this.axis.code(min), to: this.axis.code(max) }));
    this.list = new SeriesList((series) => { this.leaveSent(); go({ series, from: "", to: "", plan: "" }); });
    this.grid = new PlanGrid((edits) => go({ plan: Object.keys(edits).length ? JSON.stringify(edits) : "" }));
    this.take = new Take();
    this.source = new Sent((series) => { this.sent = series; this.refresh(); });
    $("compare").addEventListener("change", (event) => go({ compare: event.target.value }));
    $("horizon").addEventListener("change", () => $("settings").reportValidity() && go({ horizon: $("horizon").value, from: "", to: "" }));
    $("levels").addEventListener("change", () => go({ levels: [...document.querySelectorAll("#levels input:checked")].map((box) => box.value).join(",") || "none" }));
    $("settings").addEventListener("submit", (event) => event.preventDefault());
  }

  leaveSent() {
    this.sent = null;
    this.source.reset();
  }

  // Draw the view of the address; a later call overtakes an earlier one.
  async refresh() {
    const ticket = ++this.ticket, state = view();
    $("forecast").setAttribute("aria-busy", "true");
    try {
      const now = await this.load(state, () => ticket !== this.ticket);
      if (now && ticket === this.ticket) {
        problemNotice("forecast", null);
        await this.explain(now, ticket);
      }
    } catch (problem) {
      if (ticket === this.ticket) problemNotice("forecast", problem);
    } finally {
      if (ticket === this.ticket) $("forecast").setAttribute("aria-busy", "false");
    }
  }

  async load(state, isLate) {
    const details = await detailsOf(state.model, state.version);
    if (isLate()) return null;
    if (this.details && this.details.name !== details.name) this.leaveSent();
    this.details = details;
    const id = state.series || details.series_ids[0] || details.context[0].id;
    const horizon = Number(state.horizon) || details.horizon;
    const levels = state.levels ? state.levels.split(",").map(Number).filter((level) => level >= 1 && level <= 99) : LEVELS;
    this.drawFrame(details, state, horizon, levels, id);
    const records = { evaluation: evaluationOf(details), backtest: this.sent ? null : backtestOf(details, id), versions: versionsOf(details.name) };
    Object.values(records).forEach((one) => one?.catch(() => {})); // each is awaited below
    const history = this.sent ? sentHistory(this.sent) : await historyOf(details, id);
    const evaluation = await records.evaluation;
    if (isLate()) return null;
    const season = seasonLength(details, evaluation);
    const now = { details, state, id, horizon, levels, history, evaluation, season, version: state.version, sent: this.sent, chart: this.chart };
    now.axis = new Axis(history.timestamps?.[0] ?? 0, details.data.zone, details.freq);
    now.historyX = history.timestamps ? now.axis.xs(history.timestamps) : history.values.map((_, i) => i + 1);
    this.axis = now.axis;
    await this.forecast(now);
    now.backtest = await records.backtest;
    if (isLate()) return null;
    this.drawForecast(now);
    await this.compare(now, await records.versions, isLate);
    return now;
  }

  // The forecast of the view; with edits of the plan, that before them too.
  async forecast(now) {
    const { details, history, horizon, levels, season } = now;
    const hasPlan = details.covariates.known.length > 0 && !now.sent;
    now.edits = hasPlan ? readEdits(now.state.plan) : {};
    const request = (covariates) => requestOf({ details, history, horizon, levels, covariates });
    if (hasPlan) now.plan = prefill(details, history, horizon, season);
    now.body = request(hasPlan ? edited(now.plan, now.edits) : null);
    now.isChanged = hasPlan && Object.keys(now.edits).length > 0;
    const before = now.isChanged ? forecastOf(details, now.version, request(now.plan.values), now.id) : null;
    now.forecast = await forecastOf(details, now.version, now.body, now.sent?.id ?? now.id);
    now.before = await before;
    now.xs = now.forecast.timestamps ? now.axis.xs(now.forecast.timestamps) : stepsAfter(now.historyX.at(-1), now.forecast.point.length);
    now.steps = now.xs;
    for (const one of [now.forecast, now.before]) if (one) one.x = now.xs;
  }

  drawFrame(details, state, horizon, levels, id) {
    $("name").textContent = details.name;
    document.title = `${details.name}: ${t("tab.forecast")} – Recast`;
    $("horizon").value = horizon;
    $("trained").textContent = t("horizon.trained", { n: details.horizon });
    for (const box of document.querySelectorAll("#levels input")) box.checked = levels.includes(Number(box.value));
    this.list.set(details, id);
    this.source.draw(details);
  }

  drawForecast(now) {
    const { details, forecast, axis, xs } = now;
    const level = [...now.levels].sort((a, b) => a - b)[0];
    show($("badges"), badges(details, forecast));
    $("sentence").textContent = sentence({ details, forecast, axis, xs, level });
    const entry = now.entry ?? {};
    $("record").textContent = now.sent ? uses(details) : [record({ ...now, entry }), uses(details)].join(" ");
    if (!now.sent) this.drawEntry(now);
    drawNumbers(now);
    if (now.plan) this.grid.draw({ plan: now.plan, edits: now.edits, axis, xs });
    else $("plan").hidden = true;
    $("parts").classList.toggle("planned", Boolean(now.plan));
    this.take.draw(now);
    this.drawChart(now, []);
  }

  // The figures of this very series, where they are recorded.
  async drawEntry(now) {
    if (!now.evaluation) return;
    const found = await findSeries(now.details, now.id, 0).catch(() => null);
    const entry = found?.series.find((one) => one.id === now.id);
    if (!entry || this.details !== now.details || !Number.isFinite(entry.mae)) return;
    now.entry = entry;
    $("record").textContent = [record({ ...now, entry }), uses(now.details)].join(" ");
  }

  drawChart(now, more) {
    const { axis, history, historyX, forecast, xs, backtest, state } = now;
    const level = backtestLevel(backtest, now.levels);
    const past = backtest ? backtestLines(axis, backtest.forecasts, level) : { lines: [], every: 1 };
    const lines = [
      { key: "observed", kind: "observed", label: t("line.observed"), x: historyX, y: history.values },
      ...past.lines,
      ...more,
      ...(now.before ? [forecastLine(axis, now.before, "before", t("line.before"), { bands: false })] : []),
      forecastLine(axis, forecast, "forecast", now.isChanged ? describeEdits(now.edits) : t("line.forecast")),
    ];
    const folds = (backtest?.forecasts ?? []).map((fold) => ({ x: axis.xs(fold.timestamps) }));
    const recent = recentWindow(historyX, now.horizon, folds, xs.at(-1));
    const chosen = [axis.decode(state.from), axis.decode(state.to)];
    const key = [now.details.name, now.id, now.horizon, Boolean(now.sent)].join("\n");
    const isSame = key === this.drawn && !chosen.includes(null);
    this.drawn = key;
    performance.mark("chart");
    this.chart.show({
      axis, lines, recent, start: historyX.at(-1), sameWindow: isSame,
      window: isSame ? null : chosen.includes(null) ? recent : chosen,
      label: t("chart.label", { n: history.values.length, id: history.id, steps: forecast.point.length, value: number(forecast.point.at(-1)) }),
    });
    const hints = [keysHint()];
    if (backtest && level) hints.push(t("chart.band", { level }));
    if (past.every > 1) hints.push(t("chart.every", { n: past.every }));
    const n = history.values.length;
    if (history.isShort) hints.push(t("chart.short", { n }));
    else if (history.total > n) hints.push(t("chart.latest", { n, total: history.total }));
    this.chart.hint.textContent = hints.join(" ");
  }

  // Another version, or the best baseline, over the same history.
  async compare(now, versions, isLate) {
    const { details, backtest, state, axis } = now;
    const others = (versions?.versions ?? []).filter((one) => String(one.version) !== String(details.version));
    const entries = [["", t("compare.nothing")]];
    if (backtest?.baseline) entries.push(["baseline", t("compare.baseline", { name: baselineName(backtest.baseline, now.season, details.freq) })]);
    for (const one of others) entries.push(["v" + one.version, t("compare.version", { version: one.version, alias: one.aliases.length ? ` (${one.aliases.join(", ")})` : "" })]);
    const wanted = entries.some(([value]) => value === state.compare) ? state.compare : "";
    options($("compare"), entries, wanted);
    $("compare").disabled = entries.length < 2;
    const more = wanted === "baseline" ? baselineLines(axis, backtest) : wanted ? await this.overlay(now, wanted.slice(1)) : [];
    if (!isLate() && more.length) this.drawChart({ ...now, state: { ...now.state, ...windowOf(view()) } }, more);
  }

  async overlay(now, version) {
    const { details, axis } = now;
    const past = now.sent ? null : backtestOf({ ...details, version }, now.id);
    const other = await forecastOf(details, version, now.body, now.sent?.id ?? now.id);
    const label = t("line.version", { version });
    const x = other.timestamps ? axis.xs(other.timestamps) : now.xs;
    const ahead = { ...forecastLine(axis, { ...other, x }, "overlay", label, { bands: false }), group: "overlay" };
    const lines = backtestLines(axis, (await past)?.forecasts ?? [], null).lines;
    return [...lines.map((line) => ({ ...line, key: "overlay-" + line.key, group: "overlay", kind: "overlay", label })), ahead];
  }

  async explain(now, ticket) {
    try {
      const body = now.body.series ? now.body : { ...now.body, series: [now.history.sent] };
      const answer = await explanationOf(now.details, now.version, body);
      if (ticket === this.ticket) drawHeat(answer);
    } catch {
      if (ticket === this.ticket) $("why").hidden = true; // the forecast stands without it
    }
  }
}

const windowOf = ({ from, to }) => ({ from, to });

function sentHistory(sent) {
  return { ...sent, total: sent.values.length, sent, isSent: true, future: null };
}

function badges(details, forecast) {
  const parts = [h("span", { class: "badge" }, t("badge.version", { version: details.version }))];
  for (const alias of details.aliases) parts.push(h("span", { class: "badge good" }, alias));
  if (!details.latest) parts.push(h("span", { class: "badge warn" }, t("badge.newer")));
  parts.push(h("span", { class: "badge method", title: t("badge.method.why") }, t("badge.method", { method: methodName(forecast.method) })));
  return parts;
}
