// Known covariates of the steps ahead: a grid to edit, or to paste a table into.

import { $, h, show } from "../dom.js";
import { list, number, t } from "../words.js";

const MOST_CHOICES = 40;

// The plan stored with the model, else the values one season before.
export function prefill(details, history, horizon, season) {
  const columns = details.covariates.known.map((name) => details.data.columns.find((column) => column.name === name) ?? { name, kind: "number" });
  const values = {}, copied = [];
  for (const { name } of columns) {
    const stored = history.future?.known_covariates?.[name] ?? [];
    const count = history.values.length;
    const past = (history.known_covariates?.[name] ?? []).slice(0, count);
    const later = (history.known_covariates?.[name] ?? []).slice(count);
    const ahead = stored.some((value) => value !== null) ? stored : later;
    const complete = [...past, ...ahead];
    if (ahead.length < horizon) copied.push(name);
    while (complete.length < past.length + horizon) {
      complete.push(complete[complete.length - Math.max(1, Math.min(season, complete.length))] ?? 0);
    }
    values[name] = complete.slice(past.length, past.length + horizon);
  }
  return { columns, values, copied };
}

// Edits: {name: {step: value}}, as in the address.
export function edited(plan, edits) {
  const values = {};
  for (const { name } of plan.columns) {
    values[name] = plan.values[name].map((value, i) => edits[name]?.[i] ?? value);
  }
  return values;
}

export function readEdits(text) {
  try {
    const edits = JSON.parse(text || "{}");
    return edits && typeof edits === "object" && !Array.isArray(edits) ? edits : {};
  } catch {
    return {};
  }
}

export class PlanGrid {
  constructor(changed) {
    this.root = $("plan");
    this.changed = changed;
  }

  draw({ plan, edits, axis, xs }) {
    Object.assign(this, { plan, edits, xs });
    this.root.hidden = !plan.columns.length;
    if (this.root.hidden) return;
    const names = list(plan.columns.map((column) => column.name));
    const focused = this.root.contains(document.activeElement) ? document.activeElement.dataset : null;
    const place = focused && `[data-name="${CSS.escape(focused.name)}"][data-step="${focused.step}"]`;
    show(this.root,
      h("h2", { id: "plan-title" }, t("plan.title", { names })),
      h("p", { class: "hint" }, plan.copied.length ? t("plan.copied", { names: list(plan.copied) }) : t("plan.stored"), " ", t("plan.paste")),
      h("div", { class: "scroll", role: "region", tabindex: 0, "aria-labelledby": "plan-title" }, h("table", { onpaste: (event) => this.paste(event) },
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("moment")), plan.columns.map((column) => h("th", { scope: "col" }, column.name)))),
        h("tbody", {}, xs.map((x, step) => this.row(axis.moment(x, { weekday: true }), step))))),
      h("div", { class: "tools" }, h("button", { type: "button", disabled: !Object.keys(edits).length, onclick: () => this.changed({}) }, t("plan.reset"))));
    if (place) this.root.querySelector(place)?.focus();
  }

  row(moment, step) {
    const cells = this.plan.columns.map((column) => h("td", {}, this.field(column, step, moment)));
    return h("tr", {}, h("th", { scope: "row", class: "words" }, moment), cells);
  }

  field(column, step, moment) {
    const edit = this.edits[column.name]?.[step];
    const value = edit ?? this.plan.values[column.name][step];
    const common = {
      class: "grid-input" + (edit === undefined ? "" : " edited"), "data-name": column.name, "data-step": step,
      "aria-label": t("plan.cell", { name: column.name, moment }),
      onchange: (event) => this.edit([[column, step, event.target.value]], event.target),
    };
    const categories = column.categories ?? [];
    if (column.kind === "text" && categories.length && categories.length <= MOST_CHOICES) {
      const choices = categories.includes(String(value)) ? categories : [...categories, String(value)];
      return h("select", common, choices.map((choice) => h("option", { value: choice, selected: choice === String(value) }, choice)));
    }
    return h("input", { ...common, type: "text", inputmode: column.kind === "number" ? "decimal" : "text", value: String(value ?? "") });
  }

  edit(cells, field) {
    const edits = structuredClone(this.edits);
    for (const [column, step, text] of cells) {
      const value = column.kind === "number" ? Number(text.trim().replace(",", ".")) : text.trim();
      if (column.kind === "number" && (!text.trim() || !Number.isFinite(value))) {
        field?.setAttribute("aria-invalid", "true");
        field?.setCustomValidity(t("plan.number", { text }));
        field?.reportValidity();
        return;
      }
      edits[column.name] = { ...edits[column.name], [step]: value };
      if (String(this.plan.values[column.name][step]) === String(value)) delete edits[column.name][step];
      if (!Object.keys(edits[column.name]).length) delete edits[column.name];
    }
    this.changed(edits);
  }

  // A table from a spreadsheet fills the cells right of and below the one it is pasted into.
  paste(event) {
    const text = event.clipboardData.getData("text").replace(/\r/g, "").replace(/\n$/, "");
    if (!/[\t\n]/.test(text) || event.target.dataset.step === undefined) return;
    event.preventDefault();
    const first = this.plan.columns.findIndex((column) => column.name === event.target.dataset.name);
    const top = Number(event.target.dataset.step);
    const cells = [];
    text.split("\n").forEach((line, i) => line.split("\t").forEach((value, k) => {
      const column = this.plan.columns[first + k];
      if (column && top + i < this.xs.length) cells.push([column, top + i, value]);
    }));
    this.edit(cells, event.target);
  }
}

export const describeEdits = (edits) => t("plan.edited", { n: Object.values(edits).reduce((sum, column) => sum + Object.keys(column).length, 0), names: list(Object.keys(edits)) });
export const stepNumber = (step) => number(step + 1);
