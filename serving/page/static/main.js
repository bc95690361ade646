// The frame of the page: which view is shown, which models there are, how the service is.

import { ask, forget, onKeyNeeded, useKey } from "./api.js";
import { $, options } from "./dom.js";
import { DiscreteView } from "./discrete/view.js";
import { ForecastView } from "./forecast/view.js";
import { ModelsView } from "./models/view.js";
import { notice, problemNotice } from "./notices.js";
import { QualityView } from "./quality/view.js";
import { address, go, note, onChange, view } from "./state.js";
import { TryView } from "./trial/view.js";
import { date, t } from "./words.js";

const POLL = 5000, SOON = 700; // milliseconds between two looks at the service, and while it loads
const VIEWS = ["forecast", "discrete", "quality", "models", "try"];

let models = null, needsKey = false, answered = null, drawn = "", lastHealth = null;
const views = { forecast: new ForecastView(), discrete: new DiscreteView(), quality: new QualityView(), models: new ModelsView(() => look()), try: new TryView(() => lastHealth) };

// Models of discrete series have one view in place of the forecast and its quality.
const isDiscrete = (name) => models?.some((model) => model.name === name && model.task !== "forecast");
const shownView = ({ tab, model }) => (["forecast", "quality"].includes(tab) && isDiscrete(model) ? "discrete" : tab);

function drawFrame() {
  const state = view(), shown = shownView(state), discrete = isDiscrete(state.model);
  const isCurrent = (tab) => tab === state.tab || (tab === "forecast" && shown === "discrete");
  document.querySelector("nav [data-tab=forecast]").textContent = t(discrete ? "tab.discrete" : "tab.forecast");
  document.querySelector("nav [data-tab=quality]").hidden = Boolean(discrete);
  for (const link of document.querySelectorAll("[data-tab]")) {
    link.href = address({ tab: link.dataset.tab });
    if (link.closest("nav")) {
      if (isCurrent(link.dataset.tab)) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  }
  const isBlank = state.tab !== "try" && (needsKey || !models?.length);
  for (const name of VIEWS) $(name).hidden = name !== shown || isBlank || (needsKey && name === "try");
  $("login").hidden = !needsKey;
  $("empty").hidden = needsKey || state.tab === "try" || !models || models.length > 0 || lastHealth?.state === "starting" || lastHealth?.state === "unavailable";
  $("pick").hidden = !models?.length || needsKey;
}

async function draw() {
  if (!choose()) return drawFrame();
  drawFrame();
  const shown = shownView(view());
  if ($(shown).hidden) return undefined;
  if (shown !== "forecast") document.title = `${t("tab." + shown)} – Recast`;
  return views[shown].refresh();
}

// The model of the address, or else the first; false while it may still be loaded.
function choose() {
  const state = view();
  notice("unknown", null);
  if (!models?.length || (state.model && state.version)) return true;
  if (models.some((model) => model.name === state.model)) {
    note({ model: state.model });
    return true;
  }
  if (state.model && isLoading()) return false;
  if (state.model) notice("unknown", "warn", t("unknown.title"), t("unknown.text", { name: state.model }));
  note({ model: models[0].name, ...(state.model && { series: "", version: "", plan: "", from: "", to: "", compare: "" }) });
  return true;
}

const isLoading = () => lastHealth.loading > 0 || (lastHealth.state === "degraded" && lastHealth.registry.reachable && !lastHealth.refused.length);

async function look() {
  try {
    const health = await ask("readyz");
    answered = Date.now();
    notice("down", null);
    drawHealth(health);
    if (health.state === "starting" || health.state === "unavailable") {
      models ??= [];
      drawFrame();
      if (view().tab === "try") await redraw();
      return;
    }
    const list = await ask("v1/models");
    needsKey = false;
    await take(list.models);
  } catch (problem) {
    if (problem.status === 401) drawFrame();
    else if (problem.kind === "down") drawDown();
    else if (!models) problemNotice("forecast", problem);
  }
}

async function take(list) {
  models = list;
  const names = list.map((model) => model.name);
  options($("model"), names.map((name) => [name, name]), view().model || names[0]);
  await redraw();
}

// Draw again only where another version answers now: a person may be reading.
async function redraw() {
  const now = JSON.stringify([models.map((model) => [model.name, model.version, model.aliases]), needsKey, isLoading()]);
  if (now === drawn) return drawFrame();
  if (drawn) forget();
  drawn = now;
  return draw();
}

function drawHealth(health) {
  lastHealth = health;
  const isAway = health.registry.configured && !health.registry.reachable;
  $("state").textContent = t("state." + health.state) + (isAway && health.state !== "unavailable" ? t("state.away") : "");
  $("state").className = "state " + health.state;
  notice("starting", health.state === "starting" || (view().model && models && !models.some((model) => model.name === view().model) && isLoading()) ? "warn" : null, t("starting.title"), t("starting.text"));
  notice("unavailable", health.state === "unavailable" ? "bad" : null, t("unavailable.title"), t("unavailable.text"));
  notice("away", isAway && health.state === "degraded" ? "warn" : null, t("away.title"), t(health.registry.recalled ? "away.recalled" : "away.text"));
  const refused = health.refused.map((one) => `${one.name} ${one.version}: ${one.reason}`);
  notice("refused", refused.length ? "warn" : null, t("refused.title"), t("refused.text"), refused);
}

function drawDown() {
  $("state").textContent = t("state.down");
  $("state").className = "state unavailable";
  const since = answered ? date(answered, undefined, { timeStyle: "medium" }) : "";
  notice("down", "bad", t("down.title"), since ? t("down.since", { time: since }) : t("down.text"));
}

onKeyNeeded(() => {
  needsKey = true;
  drawFrame();
});
$("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  useKey($("key").value.trim());
  $("key").value = "";
  needsKey = false;
  notice("key", null);
  drawn = "";
  await look();
  if (needsKey) notice("key", "bad", t("key.wrong.title"), t("key.wrong"));
});
$("model").addEventListener("change", () => {
  go({ model: $("model").value, version: "", series: "", horizon: "", compare: "", from: "", to: "", plan: "" });
});
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-tab]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  go({ tab: link.dataset.tab });
  $("main").focus({ preventScroll: true });
});
onChange(() => {
  $("model").value = view().model;
  draw();
});
drawFrame();
(async function poll() {
  await look();
  setTimeout(poll, lastHealth && isLoading() ? SOON : POLL);
})();
