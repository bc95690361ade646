// Wheel, drag with shift, touch and keys move the window of a chart.

const STEP = 1.25;

// `move` is {window() -> [min, max], set(min, max), all(), cursor(step)}.
export function listen(plot, over, move) {
  const at = (clientX) => {
    const box = over.getBoundingClientRect();
    return Math.min(1, Math.max(0, (clientX - box.left) / box.width));
  };
  over.addEventListener("wheel", (event) => {
    const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey;
    if (sideways) pan(move, Math.sign(event.deltaX || event.deltaY) * 0.08);
    else if (event.ctrlKey || event.metaKey || plot.contains(document.activeElement)) {
      zoom(move, event.deltaY < 0 ? 1 / STEP : STEP, at(event.clientX));
    } else return; // the page scrolls
    event.preventDefault();
  }, { passive: false });
  dragWithShift(over, move);
  touch(over, move, at);
  plot.addEventListener("keydown", (event) => {
    const action = keyAction(event, move);
    if (!action) return;
    action();
    event.preventDefault();
  });
}

function keyAction(event, move) {
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  const far = event.shiftKey;
  return {
    ArrowLeft: () => (far ? pan(move, -0.25) : move.cursor(-1)),
    ArrowRight: () => (far ? pan(move, 0.25) : move.cursor(1)),
    "+": () => zoom(move, 1 / STEP, 0.5),
    "=": () => zoom(move, 1 / STEP, 0.5),
    "-": () => zoom(move, STEP, 0.5),
    Home: () => move.cursor(-Infinity),
    End: () => move.cursor(Infinity),
    0: () => move.all(),
  }[event.key];
}

export function pan(move, share) {
  const [min, max] = move.window();
  const by = (max - min) * share;
  move.set(min + by, max + by);
}

export function zoom(move, factor, share) {
  const [min, max] = move.window();
  const fixed = min + (max - min) * share;
  move.set(fixed - (fixed - min) * factor, fixed + (max - fixed) * factor);
}

function dragWithShift(over, move) {
  over.addEventListener("mousedown", (event) => {
    if (!event.shiftKey || event.button) return;
    event.stopImmediatePropagation();
    event.preventDefault();
    const [min, max] = move.window();
    const start = event.clientX, wide = over.getBoundingClientRect().width;
    const drag = (moved) => {
      const by = (max - min) * (start - moved.clientX) / wide;
      move.set(min + by, max + by);
    };
    const end = () => {
      removeEventListener("mousemove", drag);
      removeEventListener("mouseup", end);
    };
    addEventListener("mousemove", drag);
    addEventListener("mouseup", end);
  }, { capture: true });
}

// One finger pans, two zoom; up and down is left to the page.
function touch(over, move, at) {
  let start = null;
  const begin = (event) => {
    const fingers = [...event.touches].slice(0, 2).map((one) => one.clientX);
    start = fingers.length ? { fingers, shares: fingers.map(at), window: move.window() } : null;
  };
  over.addEventListener("touchstart", begin, { passive: true });
  over.addEventListener("touchend", begin, { passive: true });
  over.addEventListener("touchmove", (event) => {
    if (!start) return;
    const [min, max] = start.window, wide = over.getBoundingClientRect().width;
    const now = [...event.touches].slice(0, 2).map((one) => one.clientX);
    if (now.length !== start.fingers.length) return begin(event);
    if (now.length === 1) {
      const by = (max - min) * (start.fingers[0] - now[0]) / wide;
      move.set(min + by, max + by);
      return;
    }
    event.preventDefault();
    const spread = Math.max(20, Math.abs(now[1] - now[0])), before = Math.max(20, Math.abs(start.fingers[1] - start.fingers[0]));
    const fixed = min + (max - min) * (start.shares[0] + start.shares[1]) / 2;
    const factor = before / spread;
    move.set(fixed - (fixed - min) * factor, fixed + (max - fixed) * factor);
  }, { passive: false });
}
