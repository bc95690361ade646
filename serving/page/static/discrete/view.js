// The view of classifiers, labelers and models of symbols, in place of the forecast.

import { path, post, recall } from "../api.js";
import { $, h, s, show } from "../dom.js";
import { problemNotice } from "../notices.js";
import { Source } from "../reading.js";
import { view } from "../state.js";
import { list, number, percent, t, word } from "../words.js";
import { readSeries } from "./rows.js";
import { drawStrips } from "./strips.js";

const INKS = ["forecast", "backtest", "baseline", "overlay", "before"]; // of labels
const MOST_ROWS = 200, MOST_LENGTH = 10000;

export class DiscreteView {
  constructor() {
    this.source = new Source({ text: "discrete-values", file: "discrete-file", drop: "discrete-drop", given: () => this.read() });
    $("discrete-form").addEventListener("submit", (event) => { event.preventDefault(); this.read(); });
    $("symbols-form").addEventListener("submit", (event) => { event.preventDefault(); this.generate(); });
  }

  async refresh() {
    const { model, version } = view();
    try {
      const details = await recall(path(model, version));
      problemNotice("forecast", null);
      if (view().model === model && view().version === version) this.draw(details);
    } catch (problem) {
      problemNotice("forecast", problem);
    }
  }

  draw(details) {
    if (this.details?.name !== details.name || this.details.version !== details.version) show($("discrete-result"));
    this.details = details;
    const isSymbols = details.task === "next";
    document.title = `${details.name}: ${t("task." + details.task)} – Recast`;
    $("discrete-name").textContent = details.name;
    show($("discrete-badges"), h("span", { class: "badge good" }, t("badge.version", { version: details.version })), h("span", { class: "badge" }, t("task." + details.task)));
    $("discrete-about").textContent = isSymbols
      ? t("discrete.symbols", { n: details.num_symbols })
      : t("discrete.classes", { n: details.num_classes, names: list(details.classes.slice(0, 10).map(String)) });
    $("discrete-form").hidden = isSymbols;
    $("symbols-form").hidden = !isSymbols;
    $("discrete-needed").textContent = details.channels.length > 1
      ? t("discrete.channels", { names: details.channels.join(", ") }) : t("discrete.channel", { name: details.channels[0] ?? "" });
    $("symbols-hint").textContent = t(details.is_text ? "symbols.text" : "symbols.list");
    $("symbols-length").max = MOST_LENGTH;
    const figures = Object.entries(details.metrics);
    $("discrete-figures").hidden = !figures.length;
    show($("discrete-metrics"), figures.map(([name, value]) => h("div", {}, h("dt", {}, word("metric", name)), h("dd", {}, number(value)))));
  }

  ask(verb, body) {
    return post(path(this.details.name, view().version, verb), body);
  }

  async busy(button, work) {
    $(button).disabled = true;
    try {
      await work();
      problemNotice("discrete", null);
    } catch (problem) {
      show($("discrete-result"));
      problemNotice("discrete", problem);
    } finally {
      $(button).disabled = false;
    }
  }

  async read() {
    await this.busy("discrete-read", async () => {
      if (this.source.isEmpty()) throw { title: t("values.none"), detail: $("discrete-needed").textContent };
      const { details } = this, series = await readSeries(this.source.content(), details);
      const answer = await this.ask(details.task, { series, ...(details.task === "classify" && { explain: true }) });
      this.drawSeries(series, answer);
    });
  }

  drawSeries(series, answer) {
    const result = h("div", {});
    const one = (i) => show(result, answer.predictions[i].labels ? this.steps(series[i], answer.predictions[i], answer.classes) : this.series(series[i], answer.predictions[i], answer.classes));
    const pick = series.length > 1 && h("div", { class: "field" }, h("label", { for: "discrete-series" }, t("series")),
      h("select", { id: "discrete-series", onchange: (event) => { one(event.target.value); this.redraw(); } }, series.map(({ id }, i) => h("option", { value: i }, id))));
    show($("discrete-result"), h("section", { class: "card" }, h("div", { class: "bar" }, h("h2", {}, t("discrete.answer")), pick), result));
    one(0);
    this.redraw();
  }

  series({ id, values }, prediction, classes) {
    const best = Math.max(...prediction.probabilities), all = prediction.parts.flat().map(Math.abs);
    const largest = all.reduce((a, b) => Math.max(a, b), 0) || 1;
    const shade = (from, to, channel) => {
      const mean = prediction.parts.slice(from, to).reduce((sum, row) => sum + row[channel], 0) / (to - from);
      return { class: mean > 0 ? "part-for" : "part-against", opacity: 0.75 * Math.abs(mean) / largest };
    };
    const strongest = prediction.parts.map((row) => row.reduce((sum, value) => sum + value, 0));
    const step = strongest.indexOf(Math.max(...strongest)) + 1;
    const chart = this.chart(values, shade, t("discrete.chart", { id, n: values.length, label: String(prediction.label), step }));
    return [
      h("p", { class: "sentence" }, t("discrete.sentence", { id, label: String(prediction.label), share: percent(best, 1) })),
      h("h3", {}, t("discrete.why")), chart,
      h("p", { class: "hint" }, t("discrete.parts", { step }), prediction.share < 1 && " " + t("discrete.share", { share: percent(prediction.share) })),
      table(["discrete.class", "discrete.probability"], classes.map((name, code) => [String(name), meter(prediction.probabilities[code])]), classes.indexOf(prediction.label)),
    ];
  }

  steps({ id, values }, { labels, probabilities }, classes) {
    const codes = labels.map((label) => classes.indexOf(label));
    const shade = (from, to) => ({ class: "label-" + INKS[codes[Math.floor((from + to) / 2)] % INKS.length], opacity: 0.35 });
    const runs = runsOf(codes, probabilities);
    const chart = this.chart(values, shade, t("discrete.runs", { id, n: runs.length }));
    const shown = runs.slice(0, MOST_ROWS);
    return [
      h("p", { class: "sentence" }, t("discrete.runs", { id, n: runs.length })), chart,
      h("ul", { class: "legend" }, classes.map((name, code) => h("li", { class: "when" }, s("svg", { width: 16, height: 12, "aria-hidden": "true" }, s("rect", { width: 16, height: 12, class: "label-" + INKS[code % INKS.length] })), String(name)))),
      table(["discrete.steps", "discrete.class", "discrete.probability"], shown.map((run) => [t("why.span", { first: run.from + 1, last: run.to }), String(classes[run.code]), percent(run.probability, 1)])),
      runs.length > shown.length && h("p", { class: "hint" }, t("discrete.more", { n: runs.length - shown.length })),
    ];
  }

  chart(values, shade, label) {
    const svg = s("svg", { class: "strips", role: "img" });
    this.redraw = () => drawStrips(svg, values, this.details.channels, shade, label);
    return h("div", {}, svg);
  }

  async generate() {
    await this.busy("symbols-go", async () => {
      const text = $("symbols-seed").value, { details } = this;
      const seed = details.is_text ? text : text.split(/[\s,;]+/).filter(Boolean).map((one) => known(one, details));
      const length = Number($("symbols-length").value), temperature = Number($("symbols-temperature").value);
      const following = seed.length ? await this.ask("next", { series: [{ id: "seed", symbols: seed }], top: 5 }) : null;
      const answer = await this.ask("generate", { seed, length, temperature });
      const join = (symbols) => details.is_text ? symbols.join("") : symbols.join(" ");
      show($("discrete-result"),
        h("section", { class: "card", "aria-labelledby": "generated-title" }, h("h2", { id: "generated-title" }, t("symbols.generated")),
          h("pre", { id: "generated", tabindex: 0, "aria-labelledby": "generated-title" }, h("strong", {}, join([...seed]) + (details.is_text || !seed.length ? "" : " ")), join(answer.symbols))),
        following && h("section", { class: "card" }, h("h2", {}, t("symbols.next")),
          table(["symbols.symbol", "discrete.probability"], following.predictions[0].top.map(({ symbol, probability }) => [details.is_text ? "“" + symbol + "”" : String(symbol), meter(probability)]), 0)));
    });
  }
}

// A symbol in its type: a model of numbers reads the number 3, not the text.
function known(text, details) {
  return details.symbols.find((symbol) => String(symbol) === text) ?? text;
}

function runsOf(codes, probabilities) {
  const runs = [];
  codes.forEach((code, i) => {
    const last = runs.at(-1), probability = probabilities[i][code];
    if (last?.code === code) Object.assign(last, { to: i + 1, sum: last.sum + probability });
    else runs.push({ code, from: i, to: i + 1, sum: probability });
  });
  return runs.map((run) => ({ ...run, probability: run.sum / (run.to - run.from) }));
}

const meter = (share) => [percent(share, 1), " ", s("svg", { class: "meter", viewBox: "0 0 100 12", preserveAspectRatio: "none", "aria-hidden": "true" }, s("rect", { width: 100 * share, height: 12 }))];

function table(heads, rows, strong = -1) {
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": t(heads.at(-2)) }, h("table", { class: "wrap" },
    h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col", class: "words" }, t(head))))),
    h("tbody", {}, rows.map((cells, i) => h("tr", { class: i === strong ? "strong" : null }, cells.map((cell) => h("td", { class: "words" }, cell)))))));
}
