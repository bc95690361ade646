// States and problems in words, above the view.

import { $, h, show } from "./dom.js";
import { t } from "./words.js";

const notices = new Map();

// kind: warn or bad; null takes the notice away.
export function notice(name, kind, title, text, lines = []) {
  const before = JSON.stringify(notices.get(name));
  if (kind) notices.set(name, { kind, title, text, lines });
  else notices.delete(name);
  if (JSON.stringify(notices.get(name)) !== before) draw();
}

export function problemNotice(name, problem) {
  if (!problem) return notice(name, null);
  if (problem.status === 401) return notice(name, null); // the form for the key says it
  if (problem.kind === "down") return notice(name, "bad", t("down.title"), t("down.text"));
  if (!problem.detail) {
    if (problem.kind !== "unreadable") console.error(problem);
    return notice(name, "bad", t("problem.title"), t("problem.unreadable"));
  }
  const flaws = problem.errors?.length > 1 ? problem.errors.map((flaw) => flaw.msg) : [];
  const isPlace = /^\w+\./.test(problem.detail); // body.horizon stays as it is
  const detail = isPlace ? problem.detail : problem.detail[0].toUpperCase() + problem.detail.slice(1);
  return notice(name, "bad", problem.title ?? t("problem.title"), detail, flaws);
}

function draw() {
  show($("notices"), [...notices.values()].map(({ kind, title, text, lines }) =>
    h("div", { class: "notice " + kind, role: kind === "bad" ? "alert" : "status" }, h("strong", {}, title.replace(/\.?$/, ".")), " ", text,
      lines.length > 0 && h("ul", {}, lines.map((line) => h("li", {}, line))))));
}
