// Requests to the service: the key, errors as problems, answers that are remembered.

let key = "";
const remembered = new Map();
const listeners = { key: () => {} };

export class Problem extends Error {
  constructor(problem) {
    super(problem.detail);
    Object.assign(this, problem);
  }
}

export function useKey(value) {
  key = value;
  remembered.clear();
}

export const hasKey = () => key !== "";

export function onKeyNeeded(listener) {
  listeners.key = listener;
}

export function forget() {
  remembered.clear();
}

export async function ask(path, options = {}) {
  const headers = key ? { ...options.headers, Authorization: "Bearer " + key } : options.headers;
  let response, content;
  try {
    response = await fetch(path, { ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem({ status: 0, kind: "down", detail: "" });
  }
  try {
    content = await response.json();
  } catch {
    throw new Problem({ status: response.status, kind: "unreadable", detail: "" });
  }
  if (response.status === 401) listeners.key();
  if (!response.ok && content.registry === undefined) throw new Problem(content);
  return content;
}

// A GET whose answer stays true for the version it names.
export function recall(path) {
  if (!remembered.has(path)) {
    const answer = ask(path);
    remembered.set(path, answer);
    answer.catch(() => remembered.delete(path));
  }
  return remembered.get(path);
}

// None where the service has no such record: versions of an older Recast.
export async function recallOrNull(path) {
  try {
    return await recall(path);
  } catch (problem) {
    if (problem.status === 404 || problem.status === 405) return null;
    throw problem;
  }
}

export const post = (path, body) => ask(path, {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(body),
});

export function path(name, version, part = "", query = {}) {
  const parameters = new URLSearchParams(query);
  if (version) parameters.set("version", version);
  const text = String(parameters);
  return "v1/models/" + encodeURIComponent(name) + (part && "/" + part) + (text && "?" + text);
}
