// The view "Try": a file of one's own, without any model, and then the training of one.

import { Timeline } from "../chart/timeline.js";
import { Axis } from "../chart/axis.js";
import { $, copy, h, show } from "../dom.js";
import { backtestLines, forecastLine, recentWindow, stepsAfter } from "../forecast/lines.js";
import { plain } from "../forecast/sent.js";
import { problemNotice } from "../notices.js";
import { Source, drawReading, inspect } from "../reading.js";
import { about, has, methodName, number, t } from "../words.js";
import { forecastWithPast } from "./zero_shot.js";
import { Training } from "./training.js";

export class TryView {
  constructor() {
    this.options = {};
    this.source = new Source({ text: "try-values", file: "try-file", drop: "try-drop", given: () => this.read() });
    $("try-form").addEventListener("submit", (event) => { event.preventDefault(); this.read(); });
    for (const id of ["try-values", "try-file"]) $(id).addEventListener("change", () => { this.options = {}; show($("try-options")); });
    this.training = new Training();
  }

  refresh() {
    problemNotice("forecast", null);
  }

  query() {
    return { ...this.options, horizon: this.horizon, file: this.source.name() };
  }

  get horizon() {
    return Number($("try-horizon").value) || 14;
  }

  async read() {
    if (this.source.isEmpty()) {
      problemNotice("try", { title: t("values.none"), detail: t("try.needed") });
      return;
    }
    $("try-read").disabled = true;
    try {
      const answer = await inspect(this.source.content(), this.query());
      problemNotice("try", null);
      this.answer = answer;
      if (answer.questions?.length) this.ask(answer);
      else await this.draw(answer);
    } catch (problem) {
      show($("try-result"));
      problemNotice("try", problem);
    } finally {
      $("try-read").disabled = false;
    }
  }

  // What the file leaves open: a field for each option.
  ask(answer) {
    show($("try-result"));
    show($("try-options"),
      h("h3", {}, t("reading.questions")),
      answer.questions.map(({ option, problem }) => {
        if (!option) return h("p", {}, problem);
        const set = (event) => { this.options[option] = event.target.value; };
        const names = answer.columns.map((column) => column.name);
        const field = ["time", "target", "series_id"].includes(option) && names.length
          ? h("select", { id: "try-" + option, onchange: set }, [h("option", { value: "" }, "–"), ...names.map((one) => h("option", { value: one }, one))])
          : h("input", { id: "try-" + option, type: "text", onchange: set });
        return h("div", { class: "field" }, h("label", { for: "try-" + option }, has("option." + option) ? t("option." + option) : option), field, h("p", { class: "hint" }, problem));
      }));
    $("try-options").querySelector("select, input")?.focus();
  }

  async draw(answer) {
    show($("try-options"));
    const reading = h("div", {});
    drawReading(reading, answer);
    const chart = h("div", { class: "chart", id: "try-chart" });
    this.words = h("p", { class: "sentence" });
    this.more = h("p", { class: "soft" });
    const pick = answer.series.length > 1 && h("div", { class: "field" }, h("label", { for: "try-series" }, t("series")),
      h("select", { id: "try-series", onchange: (event) => this.forecast(event.target.value) }, answer.series.map((one) => h("option", { value: one.id }, one.id))));
    show($("try-result"),
      h("section", { class: "card" }, h("h2", {}, t("try.found")), reading, answer.left_out > 0 && h("p", { class: "hint" }, t("reading.left", { n: answer.left_out }))),
      h("section", { class: "card" }, h("div", { class: "bar" }, h("h2", {}, t("try.forecast")), pick), this.words, this.more, chart),
      this.next(answer));
    this.chart = new Timeline(chart);
    await this.forecast(answer.series[0].id);
  }

  async forecast(id) {
    const series = this.answer.series.find((one) => one.id === id);
    try {
      const { forecast, folds, miss, naive, season } = await forecastWithPast(plain(series), this.horizon, this.answer);
      problemNotice("try", null);
      const axis = new Axis(series.timestamps?.[0] ?? 0, null, this.answer.freq);
      const xs = series.timestamps?.length ? axis.xs(series.timestamps) : series.values.map((_, i) => i + 1);
      const ahead = forecast.timestamps ? axis.xs(forecast.timestamps) : stepsAfter(xs.at(-1), forecast.point.length);
      const past = backtestLines({ xs: (stamps) => stamps }, folds.map((fold) => ({ ...fold, timestamps: xs.slice(fold.start, fold.start + fold.point.length) })), 80);
      const recent = recentWindow(xs, this.horizon, past.lines.length ? [{ x: past.lines[0].x }] : [], ahead.at(-1));
      this.words.textContent = t("try.sentence", { value: about(forecast.point[0]), when: axis.isTime ? axis.moment(ahead[0], { weekday: true }) : axis.moment(ahead[0]), lower: about(forecast.intervals[80].lower[0] ?? NaN), upper: about(forecast.intervals[80].upper[0] ?? NaN) });
      this.more.textContent = folds.length
        ? t("try.past", { n: folds.length, value: about(miss), other: about(naive), season: number(season), method: methodName(forecast.method) })
        : t("try.nopast");
      this.chart.show({
        axis, start: xs.at(-1), recent, window: recent,
        lines: [{ key: "observed", kind: "observed", label: t("line.observed"), x: xs, y: series.values }, ...past.lines, forecastLine(axis, { ...forecast, x: ahead }, "forecast", t("line.forecast"))],
        label: t("chart.label", { n: xs.length, id, steps: ahead.length, value: number(forecast.point.at(-1)) }),
      });
    } catch (problem) {
      problemNotice("try", problem);
    }
  }

  // The exact line that trains a model on this file, or the training itself.
  next(answer) {
    const line = h("pre", { tabindex: 0, "aria-label": t("try.command") }, answer.command);
    const note = h("span", { class: "hint", role: "status" });
    const training = h("div", {});
    this.training.offer(training, this.source, this.query());
    return h("section", { class: "card" }, h("h2", {}, t("try.next")),
      answer.problem ? h("p", {}, answer.problem) : h("p", { class: "soft" }, t("try.next.why")), line,
      h("div", { class: "tools" },
        h("button", { type: "button", onclick: async () => { await copy(line.textContent); note.textContent = t("take.copied"); } }, t("take.copy")),
        note),
      training);
  }
}
