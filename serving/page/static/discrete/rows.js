// Series of numbers from pasted text or a file: a row a step, a column a channel.

import { inspect } from "../reading.js";
import { t } from "../words.js";

const MOST_SERIES = 20;

// By a header with the model's columns; else numbers alone, one series.
export async function readSeries(content, details) {
  const text = typeof content === "string" ? content : await content.text();
  const lines = text.split(/\r?\n/).filter((line) => line.trim());
  const mark = lines.some((line) => line.includes("\t")) ? "\t" : lines.some((line) => line.includes(";")) ? ";" : lines.some((line) => /[^\s,],[^\s,]/.test(line) && !/\d,\d+\s/.test(line)) ? "," : /\s+/;
  const rows = lines.map((line) => line.trim().split(mark).map((cell) => cell.trim().replace(/^"(.*)"$/, "$1")));
  const places = details.channels.map((name) => rows[0]?.indexOf(name) ?? -1);
  if (places.every((place) => place >= 0)) return byHeader(rows, places, details, mark);
  if (details.channels.length > 1) return [{ id: t("discrete.pasted"), values: rows.map((row, i) => cells(row, i, details, mark)) }];
  const answer = await inspect(content);
  if (answer.questions?.length) throw { title: t("discrete.unread"), detail: answer.questions[0].problem };
  return answer.series.map(({ id, values }) => ({ id: String(id), values: values.map((value) => [value]) }));
}

function byHeader(rows, places, details, mark) {
  const names = details.columns.filter((column) => column.role === "series_id").map((column) => rows[0].indexOf(column.name)).filter((place) => place >= 0);
  const series = new Map();
  rows.slice(1).forEach((row, i) => {
    const id = names.map((place) => row[place]).join(" · ") || t("discrete.pasted");
    if (!series.has(id)) series.set(id, []);
    series.get(id).push(cells(places.map((place) => row[place] ?? ""), i + 1, details, mark));
  });
  return [...series].slice(0, MOST_SERIES).map(([id, values]) => ({ id, values }));
}

function cells(row, i, details, mark) {
  const numbers = row.map((cell) => cell === "" ? NaN : Number(mark === "," ? cell : cell.replace(",", ".")));
  if (numbers.length !== details.channels.length || !numbers.every(Number.isFinite)) {
    throw { title: t("discrete.unread"), detail: t("discrete.row", { n: i + 1, names: details.channels.join(", "), text: row.join(" ") }) };
  }
  return numbers;
}
