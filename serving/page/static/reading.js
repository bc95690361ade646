// Values or a file that a person sends: read by the service as `recast inspect` reads.

import { ask } from "./api.js";
import { $, h, show } from "./dom.js";
import { list, number, t } from "./words.js";

const SHOWN = 4; // values at each end

export async function inspect(content, options = {}) {
  const query = String(new URLSearchParams(Object.entries(options).filter(([, value]) => value)));
  return ask("v1/inspect" + (query && "?" + query), {
    method: "POST", headers: { "Content-Type": "text/csv" }, body: content,
  });
}

// A field for pasted text and one for a file, which may also be dropped.
export class Source {
  constructor({ text, file, drop, given }) {
    this.text = $(text);
    this.file = $(file);
    this.given = given;
    const box = $(drop);
    this.file.addEventListener("change", () => this.file.files[0] && this.take(this.file.files[0]));
    this.text.addEventListener("input", () => { this.chosen = null; this.file.value = ""; });
    for (const name of ["dragenter", "dragover"]) {
      box.addEventListener(name, (event) => { event.preventDefault(); box.classList.add("over"); });
    }
    box.addEventListener("dragleave", () => box.classList.remove("over"));
    box.addEventListener("drop", (event) => {
      event.preventDefault();
      box.classList.remove("over");
      if (event.dataTransfer.files[0]) {
        this.file.files = event.dataTransfer.files; // the field shows the name
        this.take(event.dataTransfer.files[0]);
      }
      else this.text.value = event.dataTransfer.getData("text");
    });
  }

  take(file) {
    this.chosen = file;
    this.given();
  }

  content() {
    return this.chosen ?? this.text.value;
  }

  isEmpty() {
    return !this.chosen && !this.text.value.trim();
  }

  // The name of the file, as the service takes it.
  name() {
    return (this.chosen?.name ?? "").replace(/[/\\\p{Cc}]/gu, "-").slice(0, 100);
  }
}

// What was read, in words, with the values echoed.
export function drawReading(root, answer) {
  const first = answer.series[0];
  const facts = [t("reading.rows", { n: answer.rows }), t("reading.series", { n: answer.num_series })];
  if (answer.freq) facts.push(t("reading.freq", { freq: answer.freq }));
  if (answer.season_length > 1) facts.push(t("reading.season", { n: answer.season_length }));
  if (answer.decimal === ",") facts.push(t("reading.comma"));
  show(root,
    h("p", {}, list(facts) + "."),
    first && h("p", {}, h("strong", {}, first.id), ": ", echo(first.values)),
    answer.notes.length > 0 && h("ul", { class: "notes" }, answer.notes.map((note) => h("li", {}, note))));
}

function echo(values) {
  const shown = values.length > 2 * SHOWN + 1
    ? [...values.slice(0, SHOWN).map((value) => number(value)), "…", ...values.slice(-SHOWN).map((value) => number(value))]
    : values.map((value) => number(value));
  return t("reading.values", { values: shown.join("; "), n: values.length });
}
