// What leaves the page: CSV, picture, link, and the request for a terminal or Python.

import { hasKey, path } from "../api.js";
import { $, copy, download } from "../dom.js";
import { address } from "../state.js";
import { t } from "../words.js";

export class Take {
  constructor() {
    $("csv").addEventListener("click", () => download(this.name("csv"), csvOf(this.view), "text/csv;charset=utf-8"));
    $("png").addEventListener("click", async () => download(this.name("png"), await this.view.chart.picture(this.title()), "image/png"));
    $("link").addEventListener("click", () => this.say(new URL(address({}), document.baseURI).href));
    for (const button of document.querySelectorAll("[data-copy]")) {
      button.addEventListener("click", () => this.say($(button.dataset.copy).textContent));
    }
  }

  async say(text) {
    await copy(text);
    $("taken").textContent = this.view?.sent ? t("take.copied.sent") : t("take.copied");
  }

  title() {
    const { details, forecast } = this.view;
    return `${details.name} ${details.version}: ${forecast.id}`;
  }

  name(ending) {
    return `${this.view.details.name}-${this.view.forecast.id}.${ending}`;
  }

  draw(view) {
    this.view = view;
    $("taken").textContent = "";
    $("curl").textContent = curlOf(view);
    $("python").textContent = pythonOf(view);
  }
}

// The columns of `recast forecast --output`.
function csvOf({ forecast, levels, steps }) {
  const ascending = [...levels].sort((a, b) => a - b);
  const head = ["series_id", "step", "timestamp", "point", ...ascending.flatMap((level) => [`lower_${level}`, `upper_${level}`]), "method"];
  const rows = forecast.point.map((value, i) => [
    forecast.id, i + 1, forecast.timestamps?.[i] ?? steps[i], value,
    ...ascending.flatMap((level) => [forecast.intervals[level].lower[i], forecast.intervals[level].upper[i]]), forecast.method,
  ]);
  return [head, ...rows].map((row) => row.map(cell).join(",")).join("\n") + "\n";
}

function cell(value) {
  const text = value === null || value === undefined ? "" : String(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function urlOf({ details, version }, part) {
  return new URL(path(details.name, version, part), document.baseURI).href;
}

function curlOf(view) {
  const quoted = (text) => "'" + text.replaceAll("'", "'\\''") + "'";
  return "curl -X POST " + quoted(urlOf(view, "forecast")) +
    (hasKey() ? " \\\n  -H \"Authorization: Bearer $RECAST_KEY\"" : "") +
    " \\\n  -H 'Content-Type: application/json' \\\n  -d " + quoted(JSON.stringify(view.body));
}

// A string of JSON is one of Python, but for signs beyond ASCII.
const literal = (text) => JSON.stringify(text).replace(/[\u007f-\u{10ffff}]/gu, (sign) => "\\U" + sign.codePointAt(0).toString(16).padStart(8, "0"));

function pythonOf({ details, version, body }) {
  const base = new URL(".", document.baseURI).href.replace(/\/$/, "");
  const key = hasKey() ? ', api_key=os.environ["RECAST_KEY"]' : "";
  const series = body.series ? `\nseries = json.loads(${literal(JSON.stringify(body.series))})` : "";
  return (hasKey() ? "import os\n" : "") + (series ? "import json\n" : "") + (hasKey() || series ? "\n" : "") +
    "from serving.client import Client\n" + series + `\nwith Client(${literal(base)}${key}) as client:\n` +
    `    frame = client.forecast(\n        ${literal(details.name)},${series ? "\n        series," : ""}\n` +
    `        horizon=${body.horizon},\n        levels=${JSON.stringify(body.levels)},\n` +
    (version ? `        version=${literal(version)},\n` : "") + "    )\nprint(frame)\n";
}
