// Values of the person's own in place of a series seen in training.

import { $, h, show } from "../dom.js";
import { problemNotice } from "../notices.js";
import { Source, drawReading, inspect } from "../reading.js";
import { number, t } from "../words.js";

export class Sent {
  // `changed(series)` gets the series to forecast, or null for those of the training.
  constructor(changed) {
    this.changed = changed;
    this.source = new Source({ text: "values", file: "file", drop: "drop", given: () => this.read() });
    $("read").addEventListener("click", () => this.read());
    for (const radio of document.querySelectorAll("input[name=source]")) {
      radio.addEventListener("change", () => this.choose(radio.value === "sent"));
    }
  }

  draw(details) {
    this.details = details;
    $("needed").textContent = t("values.needed", { n: details.least_history });
  }

  choose(isSent) {
    $("sent").hidden = !isSent;
    if (isSent) $("values").focus();
    else this.changed(null);
  }

  reset() {
    document.querySelector("input[name=source][value=seen]").checked = true;
    $("sent").hidden = true;
    show($("reading"));
  }

  async read() {
    if (this.source.isEmpty()) {
      problemNotice("sent", { title: t("values.none"), detail: t("values.needed", { n: this.details.least_history }) });
      return;
    }
    try {
      const { data, target } = this.details;
      const isTable = Boolean(this.source.chosen);
      const time = data.columns.find((column) => column.role === "time")?.name;
      const id = data.columns.find((column) => column.role === "series_id")?.name;
      const answer = await this.inspect(isTable ? { time, target: data.columns.find((column) => column.role === "target")?.name ?? target, series_id: id } : {});
      problemNotice("sent", null);
      this.show(answer);
    } catch (problem) {
      show($("reading"));
      problemNotice("sent", problem);
    }
  }

  // A file is first read by the columns of the training, then by its own.
  async inspect(options) {
    if (Object.values(options).some(Boolean)) {
      try {
        const answer = await inspect(this.source.content(), options);
        if (!answer.questions.length) return answer;
      } catch (problem) {
        if (problem.status !== 422) throw problem;
      }
    }
    return inspect(this.source.content());
  }

  show(answer) {
    if (answer.questions?.length) {
      problemNotice("sent", { title: t("reading.questions"), detail: answer.questions.map((question) => question.problem).join(" ") });
      return;
    }
    drawReading($("reading"), answer);
    const pick = (id) => this.changed(plain(answer.series.find((one) => one.id === id)));
    if (answer.series.length > 1) {
      $("reading").append(h("label", { for: "sent-series" }, t("series")), h("select", { id: "sent-series", onchange: (event) => pick(event.target.value) },
        answer.series.map((one) => h("option", { value: one.id }, `${one.id} (${number(one.values.length)})`))));
    }
    pick(answer.series[0].id);
  }
}

// A series in the form of a request; without timestamps where none were read.
export function plain({ id, timestamps, values }) {
  const hasTimes = timestamps?.length > 0 && typeof timestamps[0] === "string";
  return { id, values, ...(hasTimes && { timestamps }) };
}
