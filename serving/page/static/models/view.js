// The view "Models": versions side by side; one becomes champion, or the last one again.

import { forget, path, post } from "../api.js";
import { Axis } from "../chart/axis.js";
import { $, h, show } from "../dom.js";
import { detailsOf, versionsOf } from "../forecast/records.js";
import { unitOf } from "../forecast/sentence.js";
import { notice, problemNotice } from "../notices.js";
import { go, view } from "../state.js";
import { date, has, methodName, number, t } from "../words.js";

export class ModelsView {
  constructor(look) {
    this.look = look;
    this.ticked = new Set();
  }

  async refresh() {
    const { model } = view();
    try {
      if (this.model !== model) this.ticked.clear();
      this.model = model;
      forget(); // aliases move
      const answer = await versionsOf(model);
      const details = await detailsOf(model, "");
      problemNotice("forecast", null);
      if (view().tab === "models") this.draw(answer, details);
    } catch (problem) {
      problemNotice("forecast", problem);
    }
  }

  draw(answer, details) {
    this.answer = answer;
    const rows = answer?.versions ?? [{ ...details, created: null, rows: null, series: details.num_series }];
    show($("models"),
      h("div", { class: "title" }, h("h1", {}, t("models.title", { name: details.name }))),
      h("section", { class: "card" },
        h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": t("models.title", { name: details.name }) }, h("table", { class: "wrap" },
          h("thead", {}, h("tr", {}, ["overlay", "version", "created", "until", "rows", "window", "method", "error", "verdict", "actions"].map((name) => h("th", { scope: "col", class: name === "rows" ? null : "words" }, t("models." + name))))),
          h("tbody", {}, rows.map((row) => this.row(row, details))))),
        h("div", { class: "tools" },
          h("button", { type: "button", id: "overlay", disabled: true, onclick: () => this.overlay() }, t("models.overlay.go")),
          answer?.can_promote && h("button", { type: "button", id: "rollback", onclick: () => this.move("rollback", {}) }, t("models.rollback"))),
        h("p", { class: "hint" }, t(answer?.can_promote ? "models.hint" : "models.hint.nokey"))),
      details.metrics && h("section", { class: "card" }, h("h2", {}, t("models.card")), card(details)));
    this.tick();
  }

  row(row, details) {
    const version = String(row.version);
    const isChampion = row.aliases.includes(details.alias ?? "champion");
    const box = h("input", { type: "checkbox", "aria-label": t("models.tick", { version }), onchange: (event) => {
      if (event.target.checked) this.ticked.add(version);
      else this.ticked.delete(version);
      this.tick();
    } });
    box.checked = this.ticked.has(version);
    return h("tr", { class: isChampion ? "strong" : null },
      h("td", {}, box),
      h("td", { class: "words" }, version, " ", row.aliases.map((alias) => h("span", { class: "badge good" }, alias))),
      h("td", { class: "words" }, row.created ? date(Date.parse(row.created), undefined, { dateStyle: "medium" }) : "–"),
      h("td", { class: "words" }, until(row.trained_until, details)),
      h("td", {}, row.rows ? number(Number(row.rows)) : "–"),
      h("td", { class: "words" }, row.seq_len ? t("models.window.text", { n: row.seq_len, ahead: number(Number(row.horizon)) }) : "–"),
      h("td", { class: "words" }, methodOf(row)),
      h("td", { class: "words" }, errorOf(row)),
      h("td", { class: "words" }, row.verdict ?? "–"),
      h("td", { class: "words" }, h("div", { class: "tools" },
        h("button", { type: "button", onclick: () => go({ tab: "forecast", version: isChampion ? "" : version, compare: "", from: "", to: "" }), "aria-label": t("models.open.label", { version }) }, t("models.open")),
        this.answer?.can_promote && !isChampion && h("button", { type: "button", onclick: () => this.move("promote", { version }), "aria-label": t("models.promote.label", { version }) }, t("models.promote")),
        row.url && h("a", { href: row.url, rel: "noreferrer" }, "MLflow"))));
  }

  tick() {
    const button = $("overlay");
    button.disabled = this.ticked.size !== 2;
  }

  overlay() {
    const [first, second] = [...this.ticked].sort((a, b) => Number(b) - Number(a));
    go({ tab: "forecast", version: first, compare: "v" + second, from: "", to: "" });
  }

  async move(action, body) {
    const text = action === "promote" ? t("models.promote.sure", { version: body.version, name: this.model }) : t("models.rollback.sure", { name: this.model });
    if (!confirm(text)) return;
    try {
      const done = await post(path(this.model, "", action), body);
      problemNotice("move", null);
      notice("moved", "warn", t("models.moved.title"), t("models.moved", { alias: done.alias, version: done.version, before: done.before ?? "–" }));
      await this.look();
      await this.refresh();
    } catch (problem) {
      problemNotice("move", problem);
    }
  }
}

function methodOf(row) {
  if (row.answers) return String(row.answers);
  if (row.methods) return Object.entries(row.methods).map(([method, n]) => `${methodName(method)} (${number(n)})`).join(", ");
  return row.label ?? "–";
}

function errorOf(row) {
  const { metrics = {} } = row;
  const name = ["mae", "mase", "accuracy", "perplexity"].find((one) => Number.isFinite(metrics[one]));
  return [h("div", {}, name ? `${errorName(name)} ${number(metrics[name])}` : "–"), row.evidence && h("small", { class: "soft" }, row.evidence)];
}

function until(stamp, details) {
  if (!stamp) return "–";
  const axis = new Axis(stamp, details.data?.zone, details.freq);
  return axis.moment(axis.x(stamp));
}

function pace(freq) {
  if (!freq) return t("models.steps");
  return /^\d/.test(freq) ? freq : t("models.pace", { unit: unitOf(freq), freq });
}

function card(details) {
  const entries = details.task !== "forecast" ? discreteEntries(details) : [
    ["models.target", details.target],
    ["models.until", until(details.trained_until, details)],
    ["models.freq", pace(details.freq)],
    ["models.network", details.cell.toUpperCase()],
    ["models.window", t("models.window.text", { n: details.seq_len, ahead: number(details.horizon) })],
    ["models.series", number(details.num_series)],
    ["models.method", Object.entries(details.methods).map(([method, n]) => `${methodName(method)} (${number(n)})`).join(", ")],
    ["models.covariates", Object.values(details.covariates).flat().join(", ") || "–"],
  ];
  return h("dl", {}, entries.map(([key, text]) => h("div", {}, h("dt", {}, t(key)), h("dd", {}, text))));
}

const errorName = (name) => (has("metric." + name) ? t("metric." + name) : name.toUpperCase());

function discreteEntries(details) {
  return [
    ["models.task", t("task." + details.task)],
    details.num_classes ? ["models.classes", details.classes.join(", ")] : ["models.symbols", number(details.num_symbols)],
    ["models.network", details.cell.toUpperCase()],
    ["models.channels", details.channels.join(", ") || "–"],
    ["models.series", number(details.num_series)],
    ["models.rows", number(details.num_rows)],
  ];
}
