// Training from the page, where the operator allows it: its lines as they come.

import { ask } from "../api.js";
import { h, show } from "../dom.js";
import { problemNotice } from "../notices.js";
import { address } from "../state.js";
import { t } from "../words.js";

const PAUSE = 1000; // milliseconds between two looks at a training

export class Training {
  // A form to train where this key may; else how the operator allows it.
  async offer(root, source, options) {
    const allowed = await ask("v1/training").then((answer) => answer.can_train, () => false);
    if (!allowed) {
      show(root, h("p", { class: "hint" }, t("train.off")));
      return;
    }
    const name = h("input", { id: "train-name", type: "text", value: (source.name() || "sales").replace(/(\.[^.]*)+$/, ""), required: true });
    this.box = h("div", {});
    show(root, h("h3", {}, t("train.title")), h("p", { class: "hint" }, t("train.why")),
      h("div", { class: "tools" }, h("div", { class: "field" }, h("label", { for: "train-name" }, t("train.name")), name),
        h("button", { type: "button", id: "train", onclick: () => this.start(source, { ...options, name: name.value.trim() }) }, t("train.go"))),
      this.box);
  }

  async start(source, options) {
    const query = new URLSearchParams(Object.entries(options).filter(([, value]) => value));
    try {
      const started = await ask("v1/training?" + query, { method: "POST", headers: { "Content-Type": "text/csv" }, body: source.content() });
      problemNotice("train", null);
      await this.follow(started.id);
    } catch (problem) {
      problemNotice("train", problem);
    }
  }

  async follow(id) {
    const lines = h("pre", { hidden: true, tabindex: 0, role: "log", "aria-label": t("train.progress") });
    const state = h("p", { role: "status" }, t("train.running"));
    const stop = h("button", { type: "button", class: "quiet", id: "stop-training", onclick: () => ask("v1/training/" + id, { method: "DELETE" }).catch((problem) => problemNotice("train", problem)) }, t("train.stop"));
    show(this.box, state, lines, stop);
    for (;;) {
      const now = await ask("v1/training/" + id);
      lines.textContent = now.lines.join("\n");
      lines.hidden = !now.lines.length;
      lines.scrollTop = lines.scrollHeight;
      if (now.state !== "running") {
        stop.remove();
        state.textContent = t("train." + now.state);
        const name = now.outcome?.name ?? now.outcome?.model;
        if (now.state === "done" && name) state.append(" ", h("a", { href: address({ tab: "forecast", model: name, version: "", series: "" }) }, t("train.open", { name })));
        return;
      }
      await new Promise((resolve) => { setTimeout(resolve, PAUSE); });
    }
  }
}
