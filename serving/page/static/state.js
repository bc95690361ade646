// The view as it is in the address: a reload or a link gives the same view.

const NAMES = ["tab", "model", "version", "series", "horizon", "levels", "compare", "from", "to", "plan", "overlay"];
const TABS = ["forecast", "quality", "models", "try"];
const listeners = [];

export function view() {
  const query = new URLSearchParams(location.search);
  const state = {};
  for (const name of NAMES) state[name] = query.get(name) ?? "";
  if (!TABS.includes(state.tab)) state.tab = "forecast";
  if (!state.model && location.hash.length > 1 && location.hash !== "#main") state.model = fromHash();
  return state;
}

// Addresses of older pages had the model behind a hash.
function fromHash() {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return "";
  }
}

export function address(changes) {
  const state = { ...view(), ...changes };
  const query = new URLSearchParams();
  for (const name of NAMES) {
    const value = state[name];
    if (value !== "" && value !== undefined && value !== null && !(name === "tab" && value === "forecast")) query.set(name, value);
  }
  return "?" + query;
}

// `replace` changes the address without a step for the back button.
export function go(changes, { replace = false } = {}) {
  const next = address(changes);
  if (next === address({})) replace = true;
  history[replace ? "replaceState" : "pushState"](null, "", next);
  for (const listener of listeners) listener();
}

// The address alone: what is drawn shows it already.
export function note(changes) {
  history.replaceState(null, "", address(changes));
}

export function onChange(listener) {
  listeners.push(listener);
}

addEventListener("popstate", () => {
  for (const listener of listeners) listener();
});
