// The small map in the corner, there when only a part is on the screen: a click goes there.

const overview = get("overview");
const plans = []; // the dots of each layout, drawn once for light and once for dark

const tone = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const darkness = matchMedia("(prefers-color-scheme: dark)");

/** How the layout's square becomes the small map: [scale, left, top]. */
function plan() {
  const { span } = about.layouts[state.layout];
  const [w, h] = [overview.width - 12, overview.height - 12];
  const scale = Math.min(w / (span[2] - span[0] || 1), h / (span[3] - span[1] || 1));
  const [x, y] = middle(span);
  return [scale, overview.width / 2 - x * scale, overview.height / 2 + y * scale];
}

function dots() {
  const key = 2 * state.layout + darkness.matches;
  plans[key] ??= (() => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [overview.width, overview.height];
    const brush = canvas.getContext("2d");
    const [scale, left, top] = plan();
    const places = points();
    brush.fillStyle = tone("--edge");
    const side = n > 2000 ? 1 : 2;
    for (let i = 0; i < n; i++) {
      brush.fillRect(left + places[2 * i] * WORLD * scale - 1, top - places[2 * i + 1] * WORLD * scale - 1, side, side);
    }
    return canvas;
  })();
  return plans[key];
}

/** Draw where the screen is on the whole map. */
function drawOverview() {
  overview.hidden = state.view.zoom < fitZoom() + 0.4;
  if (overview.hidden) return;
  const brush = overview.getContext("2d");
  brush.clearRect(0, 0, overview.width, overview.height);
  brush.drawImage(dots(), 0, 0);
  const [scale, left, top] = plan();
  const [x0, y0, x1, y1] = onScreen().map((value) => value * WORLD);
  const frame = [left + x0 * scale, top - y1 * scale, (x1 - x0) * scale, (y1 - y0) * scale];
  brush.fillStyle = "rgb(0 114 178 / .2)";
  brush.fillRect(...frame);
  brush.strokeStyle = tone("--focus");
  brush.lineWidth = 2;
  brush.strokeRect(...frame);
}

function goThere(event) {
  const [scale, left, top] = plan();
  const shown = overview.getBoundingClientRect();
  const x = ((event.clientX - shown.left) * overview.width) / shown.width;
  const y = ((event.clientY - shown.top) * overview.height) / shown.height;
  fly([(x - left) / scale, (top - y) / scale], state.view.zoom, event.type === "pointerdown");
}
overview.addEventListener("pointerdown", (event) => {
  event.stopPropagation(); // the map beneath is not dragged
  overview.setPointerCapture(event.pointerId);
  goThere(event);
});
overview.addEventListener("pointermove", (event) => {
  event.stopPropagation();
  if (event.buttons) goThere(event);
});
