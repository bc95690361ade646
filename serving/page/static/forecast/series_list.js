// The search over all series: a combobox that asks the service as one types.

import { $, h, show } from "../dom.js";
import { about, t } from "../words.js";
import { findSeries } from "./records.js";

const PAUSE = 150; // milliseconds of no typing before the service is asked

export class SeriesList {
  constructor(chosen) {
    this.input = $("series");
    this.box = $("series-list");
    this.chosen = chosen;
    this.rows = [];
    this.active = -1;
    this.input.addEventListener("focus", () => this.input.select());
    this.input.addEventListener("click", () => this.open(""));
    this.input.addEventListener("input", () => this.later(this.input.value));
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.input.addEventListener("blur", () => setTimeout(() => this.close(), 120));
  }

  set(details, id) {
    this.details = details;
    this.id = id;
    $("series-field").hidden = details.num_series < 2;
    if (document.activeElement !== this.input) this.input.value = id;
  }

  later(search) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.open(search), PAUSE);
  }

  async open(search) {
    this.controller?.abort();
    this.controller = new AbortController();
    this.search = search;
    try {
      this.fill(await findSeries(this.details, search, 0, this.controller.signal));
    } catch (error) {
      if (error.name !== "AbortError") this.close();
    }
  }

  fill(answer) {
    this.rows = answer.series;
    this.active = Math.max(0, this.rows.findIndex((row) => row.id === this.id));
    const items = this.rows.map((row, i) => h("li", {
      role: "option", id: "series-" + i, "aria-selected": String(i === this.active),
      onmousedown: (event) => { event.preventDefault(); this.choose(i); },
    }, h("span", {}, row.id), Number.isFinite(row.mae) && h("small", {}, t("series.off", { value: about(row.mae) }))));
    const left = answer.total - this.rows.length;
    if (!this.rows.length) items.push(h("li", { class: "more", role: "option", "aria-disabled": "true", "aria-selected": "false" }, t("series.none", { search: this.search })));
    else if (left > 0) items.push(h("li", { class: "more", role: "option", "aria-disabled": "true", "aria-selected": "false" }, t(answer.isCut ? "series.cut" : "series.more", { n: this.rows.length, total: answer.total })));
    show(this.box, items);
    this.box.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    this.mark();
  }

  mark() {
    [...this.box.children].forEach((item, i) => {
      if (i < this.rows.length) item.setAttribute("aria-selected", String(i === this.active));
    });
    const item = this.rows.length ? this.box.children[this.active] : null;
    if (item) this.input.setAttribute("aria-activedescendant", item.id);
    else this.input.removeAttribute("aria-activedescendant");
    item?.scrollIntoView({ block: "nearest" });
  }

  key(event) {
    const isOpen = !this.box.hidden;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!isOpen) return this.open("");
      const by = event.key === "ArrowDown" ? 1 : -1;
      this.active = (this.active + by + this.rows.length) % Math.max(1, this.rows.length);
      this.mark();
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (isOpen && this.rows.length) this.choose(this.active);
    } else if (event.key === "Escape" && isOpen) {
      event.preventDefault();
      this.close();
    }
    return undefined;
  }

  choose(i) {
    const { id } = this.rows[i];
    this.id = id;
    this.input.value = id;
    this.close();
    this.chosen(id);
  }

  close() {
    clearTimeout(this.timer);
    this.box.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
    if (this.id !== undefined) this.input.value = this.id;
  }
}
