// The map itself: layers of deck.gl, the view, and what is under the pointer.

const still = matchMedia("(prefers-reduced-motion: reduce)");
const state = {
  layout: 0, group: -1, size: 0, view: null, fitted: true, chosen: null, why: "", opened: -1,
  version: 0, detail: [], flights: 0, moving: false,
};
const container = document.getElementById("map");
let instance;

const LARGEST = 400; // pixels of a thumbnail
const FILL = 0.92; // of a cell's side, by a thumbnail
const points = () => about.layouts[state.layout].at;
let room; // width and height of the map, measured only when they change: asking takes time
function measure() { room = [Math.max(container.clientWidth, 50), Math.max(container.clientHeight, 50)]; }
const box = () => room;
new ResizeObserver(() => {
  measure();
  names.flat().forEach((name) => { delete name.place; });
  if (!instance) return;
  if (state.fitted) whole(false);
  else draw();
}).observe(container);

const MARGIN = [16, 34]; // pixels left free at each side, and above and below for names
/** The zoom at which all images are on the screen. */
function fitZoom() {
  const { span, step } = about.layouts[state.layout];
  const [w, h] = box().map((side, axis) => Math.max(side - 2 * MARGIN[axis], 20));
  const cell = step ? step * WORLD : 0.03 * WORLD;
  return Math.log2(Math.min(w / (span[2] - span[0] + cell), h / (span[3] - span[1] + cell)));
}

/** The longer side of a thumbnail in pixels, at the present zoom. */
function thumbnail() {
  const { step } = about.layouts[state.layout];
  const [w, h] = box();
  const scattered = Math.min(Math.max(0.4 * Math.sqrt((w * h) / n), 12), 28);
  const natural = step
    ? FILL * step * WORLD * 2 ** state.view.zoom
    : scattered * 2 ** (0.6 * (state.view.zoom - fitZoom())); // slower than the distances: they come apart
  return Math.min(Math.max(natural * 2 ** state.size, 3), LARGEST);
}

/** Where a place of the layouts' square is on the screen; y goes up. */
function project(x, y) {
  const [w, h] = box();
  const scale = 2 ** state.view.zoom;
  return [
    (x * WORLD - state.view.target[0]) * scale + w / 2,
    (state.view.target[1] - y * WORLD) * scale + h / 2,
  ];
}
const screen = (i) => project(points()[2 * i], points()[2 * i + 1]);

/** The image at these pixels, or -1; of several the nearest. */
function pictureAt(x, y) {
  let best = -1;
  let least = Infinity;
  const reach = Math.max(thumbnail() / 2, 4);
  for (let i = 0; i < n; i++) {
    const [px, py] = screen(i);
    const apart = Math.max(Math.abs(px - x), Math.abs(py - y));
    if (apart > reach) continue;
    const distance = (px - x) ** 2 + (py - y) ** 2 + (state.chosen && !state.chosen.has(i) ? 1e6 : 0);
    if (distance < least) [best, least] = [i, distance];
  }
  return best;
}

/** The image nearest to a place, and how far it is to the right of and above a box around the place. */
function nearestImage([x, y], [halfWidth, halfHeight] = [0, 0]) {
  const at = points();
  const beyond = (apart, half) => Math.sign(apart) * Math.max(Math.abs(apart) - half, 0);
  let [best, least, shift] = [-1, Infinity, [0, 0]];
  for (let i = 0; i < n; i++) {
    const dx = beyond(at[2 * i] * WORLD - x, halfWidth);
    const dy = beyond(at[2 * i + 1] * WORLD - y, halfHeight);
    if (dx * dx + dy * dy < least) [best, least, shift] = [i, dx * dx + dy * dy, [dx, dy]];
    if (least === 0) break;
  }
  return [best, ...shift];
}

const INNER = 0.4; // from the middle to where an image must be, in shares of the map's sides
/** A view moved just so far that an image is on the screen: the map is never empty. */
function keepInView(view) {
  const between = 0.55 * (about.layouts[state.layout].step ?? 0) * WORLD; // between two cells the view is free
  const halves = box().map((side) => Math.max((INNER * side) / 2 ** view.zoom, between));
  const [, dx, dy] = nearestImage(view.target, halves);
  return dx || dy ? { ...view, target: [view.target[0] + dx, view.target[1] + dy, 0] } : view;
}

/** The images whose middle is on the screen. */
function visible() {
  const [w, h] = box();
  return Array.from({ length: n }, (_, i) => i).filter((i) => {
    const [x, y] = screen(i);
    return x >= 0 && y >= 0 && x <= w && y <= h;
  });
}

const faded = (i) => state.chosen !== null && state.chosen.size > 0 && !state.chosen.has(i);
const common = (id) => {
  const at = points();
  return {
    id,
    getPosition: (i) => [at[2 * i] * WORLD, at[2 * i + 1] * WORLD, 0],
    sizeScale: thumbnail(),
    sizeUnits: "pixels",
    parameters: { depthCompare: "always", depthWriteEnabled: false },
    transitions: state.moving ? { getPosition: 600 } : {},
  };
};

const everything = Array.from({ length: n }, (_, i) => i);
const members = []; // of each sheet
for (let i = 0; i < n; i++) (members[Math.floor(place[i] / about.perSheet)] ??= []).push(i);
const mappings = members.map((some) => Object.fromEntries(some.map((i) => {
  const [x, y] = cornerOf(i);
  return [i, { x, y, width: width(i), height: height(i) }];
})));

const all = { region: null, sheets: members, all: everything };
let drawn = all; // what is given to the graphics card

/** Left, bottom, right and top of what is on the screen, in the layouts' square. */
function onScreen() {
  const [w, h] = box();
  const scale = 2 ** state.view.zoom * WORLD;
  const [x, y] = state.view.target;
  return [x / WORLD - w / 2 / scale, y / WORLD - h / 2 / scale, x / WORLD + w / 2 / scale, y / WORLD + h / 2 / scale];
}

/** Near by, draw only the images on the screen and one screen around it. */
function cull() {
  const [left, bottom, right, top] = onScreen();
  const [dx, dy] = [right - left, top - bottom];
  if (state.moving || (3 * dx >= 1 && 3 * dy >= 1)) { drawn = all; return; }
  const at = points();
  const region = [left - dx, bottom - dy, right + dx, top + dy];
  const inside = (i) => at[2 * i] >= region[0] && at[2 * i] <= region[2]
    && at[2 * i + 1] >= region[1] && at[2 * i + 1] <= region[3];
  const some = members.map((sheet) => sheet.filter(inside));
  drawn = { region, sheets: some, all: some.flat() };
}

/** Whether all that is on the screen is among what is drawn. */
function covered() {
  if (!drawn.region) return true;
  const [left, bottom, right, top] = onScreen();
  const region = drawn.region;
  return left >= region[0] && bottom >= region[1] && right <= region[2] && top <= region[3];
}

function sheetLayer(number) {
  return new deck.IconLayer({
    ...common(`sheet-${number}`),
    data: drawn.sheets[number],
    iconAtlas: sheets[number].bitmap,
    iconMapping: mappings[number],
    getIcon: String,
    getSize: (i) => height(i) / Math.max(width(i), height(i)),
    getColor: (i) => [255, 255, 255, faded(i) ? 25 : 255],
    updateTriggers: { getPosition: state.layout, getColor: state.version },
  });
}

/** The marks of classes or clusters, at the lower right of each thumbnail. */
function markLayer() {
  const { labels, entries } = about.groups[state.group];
  const { canvas, mapping } = marksOf(state.group);
  const side = Math.min(Math.max(0.36 * thumbnail(), 7), 30);
  const aside = Math.max(thumbnail() - side, 0) / 2;
  return new deck.IconLayer({
    ...common("marks"),
    sizeScale: side,
    data: drawn.all,
    iconAtlas: canvas,
    iconMapping: mapping,
    getIcon: (i) => entries[labels[i]].colour + entries[labels[i]].marker,
    getSize: 1,
    getPixelOffset: [aside, aside],
    getColor: (i) => [255, 255, 255, faded(i) ? 20 : 255],
    updateTriggers: {
      getPosition: state.layout, getIcon: state.group, getColor: [state.version, state.group], getPixelOffset: aside,
    },
  });
}

function layers() {
  if (!covered()) drawn = all;
  const found = members.map((_, number) => number).filter((number) => sheets[number]).map(sheetLayer);
  if (state.detail.length) {
    const { atlas, mapping, indices, key } = state.detail[0];
    found.push(new deck.IconLayer({
      ...common("detail"),
      transitions: {},
      data: indices,
      iconAtlas: atlas,
      iconMapping: mapping,
      getIcon: String,
      getSize: (i) => height(i) / Math.max(width(i), height(i)),
      getColor: (i) => [255, 255, 255, faded(i) ? 0 : 255],
      updateTriggers: { getPosition: state.layout, getIcon: key, getSize: key, getColor: state.version },
    }));
  }
  if (state.group >= 0) found.push(markLayer());
  return found;
}

const DETAIL = 2048; // pixels a side of what is drawn larger
const GUTTER = 2; // white pixels between images there, else they shine through at the edges
let asked = 0;
/** Larger images for what is on the screen, once it stands still. */
async function sharpen() {
  const mine = ++asked;
  const side = thumbnail();
  if (side * devicePixelRatio < 1.2 * about.cell) {
    if (state.detail.length) { state.detail = []; draw(); }
    return;
  }
  const cell = side * devicePixelRatio > 128 ? about.detail : Math.min(128, about.detail);
  const [w, h] = box();
  const away = (i) => { const [x, y] = screen(i); return (x - w / 2) ** 2 + (y - h / 2) ** 2; };
  const pitch = cell + GUTTER;
  const columns = Math.floor(DETAIL / pitch);
  const indices = visible().filter((i) => !faded(i)).map((i) => [away(i), i])
    .sort((a, b) => a[0] - b[0]).slice(0, columns ** 2).map((pair) => pair[1]);
  const key = `${cell}:${indices.join()}`;
  if (!indices.length || state.detail[0]?.key === key) return;
  const atlas = document.createElement("canvas");
  atlas.width = DETAIL;
  atlas.height = Math.ceil(indices.length / columns) * pitch;
  const brush = atlas.getContext("2d");
  brush.fillStyle = "#fff";
  brush.fillRect(0, 0, atlas.width, atlas.height);
  const mapping = {};
  await Promise.all(indices.map(async (i, at) => {
    const blob = new Blob([bytes(await large(i))], { type: "image/jpeg" });
    const bitmap = await createImageBitmap(blob);
    const scale = Math.min(1, cell / Math.max(bitmap.width, bitmap.height));
    const [x, y] = [(at % columns) * pitch, Math.floor(at / columns) * pitch];
    mapping[i] = { x, y, width: Math.floor(bitmap.width * scale), height: Math.floor(bitmap.height * scale) };
    if (mine === asked) brush.drawImage(bitmap, x, y, mapping[i].width, mapping[i].height);
    bitmap.close();
  }));
  if (mine !== asked) return;
  state.detail = [{ atlas, mapping, indices: indices.reverse(), key }];
  draw();
}

let planned = false;
let timer;
/** Draw before the next frame, and sharpen when nothing has moved for a moment. */
function draw() {
  if (planned || !instance) return;
  planned = true;
  requestAnimationFrame(() => {
    planned = false;
    instance.setProps({ layers: layers() });
    document.dispatchEvent(new Event("moved"));
  });
}
function later() {
  clearTimeout(timer);
  timer = setTimeout(() => { cull(); draw(); sharpen().catch(tell); }, 150);
}

const SLOW = 45; // milliseconds per frame
const REST = 200; // milliseconds without a change of the view
let movedAt = 0; // 0: the map rests
let late = 0; // slow frames in a row; 3 and more: the map is drawn coarsely while it moves
/** Where frames are slow, as without a graphics card, draw a moving map at half its density. */
function keepPace() {
  const rested = !movedAt;
  movedAt = performance.now();
  if (!rested) return;
  if (late >= 3) coarsen(true);
  requestAnimationFrame((now) => watchPace(now));
}
function watchPace(now, before = now) {
  if (performance.now() - movedAt > REST) {
    movedAt = 0;
    coarsen(false);
    return;
  }
  if (late < 3) {
    late = now - before > SLOW ? late + 1 : 0;
    if (late === 3) coarsen(true);
  }
  requestAnimationFrame((next) => watchPace(next, now));
}
function coarsen(on) {
  container.dataset.coarse = on;
  instance.setProps({ useDevicePixels: on ? devicePixelRatio / 2 : true });
  draw();
}

const NO_WEBGL = "This browser cannot draw the map (it needs WebGL: switch on hardware acceleration in its settings). Here are the images as a list.";
const LOST = "The graphics card has stopped drawing the map, as after sleep or with too many tabs: reload the page.";
function tell(error) {
  const notice = document.getElementById("notice");
  notice.textContent = error.message;
  notice.hidden = false;
}

/** How far one may zoom: on a lattice until an image is as large as it gets. */
function limits() {
  const { step } = about.layouts[state.layout];
  const most = step ? Math.log2(LARGEST / (FILL * step * WORLD)) : fitZoom() + 10;
  return { minZoom: fitZoom() - 0.5, maxZoom: Math.max(most, fitZoom()) };
}

/** Switch to another layout; the images move there. */
function arrange(layout) {
  state.layout = layout;
  state.detail = [];
  drawn = all;
  state.moving = !still.matches;
  setTimeout(() => { state.moving = false; draw(); later(); }, 700);
}

/** Move the view, in a short flight unless the reader prefers less motion. */
function fly(target, zoom, flight = true) {
  if (!instance) return;
  const { minZoom, maxZoom } = limits();
  const view = keepInView({
    target: [...target, 0], zoom: Math.min(Math.max(zoom, minZoom), maxZoom), minZoom, maxZoom,
  });
  state.fitted = false;
  if (flight && !still.matches && state.view) {
    view.transitionDuration = 500;
    view.transitionInterpolator = new deck.LinearInterpolator(["target", "zoom"]);
  } else {
    state.view = view;
  }
  // The stamp: to fly back to where one was, deck.gl must see a change.
  instance.setProps({ initialViewState: { ...view, stamp: ++state.flights } });
  draw();
  later();
}

/** Show all of these images, leaving aside the outermost tenth of many. */
function flyTo(indices) {
  const at = points();
  const [low, high] = [0, 1].map((axis) => indices.map((i) => at[2 * i + axis] * WORLD).sort((a, b) => a - b))
    .map((v) => (v.length < 10 ? [v[0], v.at(-1)] : [v[Math.floor(0.05 * v.length)], v[Math.floor(0.95 * v.length)]]));
  const [w, h] = box();
  const margin = 1.3;
  const zoom = Math.log2(Math.min(w / (margin * (low[1] - low[0]) + 8), h / (margin * (high[1] - high[0]) + 8)));
  fly([(low[0] + low[1]) / 2, (high[0] + high[1]) / 2], Math.min(zoom, fitZoom() + 6));
}
const middle = ([left, bottom, right, top]) => [(left + right) / 2, (bottom + top) / 2];
function whole(flight = true) {
  fly(middle(about.layouts[state.layout].span), fitZoom(), flight);
  state.fitted = true; // and stays so when the window changes
}

/** The colour behind the images, as the style says it. */
function ground() {
  const hex = tone("--ground");
  const full = hex.length === 4 ? hex.replace(/[^#]/g, "$&$&") : hex;
  return [1, 3, 5].map((at) => parseInt(full.slice(at, at + 2), 16));
}

/** The view; it moves under the hand unless a lasso is drawn. */
function plane(moves) {
  const controller = moves && { keyboard: false, doubleClickZoom: true, inertia: !still.matches };
  return new deck.OrthographicView({ id: "plane", flipY: false, controller, clear: true, clearColor: ground() });
}

/** Draw the map; rejected where the browser has no WebGL. */
async function start() {
  measure();
  if (!document.createElement("canvas").getContext("webgl2")) throw new Error(NO_WEBGL);
  state.view = { target: [...middle(about.layouts[state.layout].span), 0], zoom: fitZoom(), ...limits() };
  instance = new deck.Deck({
    parent: container,
    // What upright rectangles on one ground do not need: without a graphics card it halves the frames.
    deviceProps: { webgl: { antialias: false, alpha: false, depth: false, preserveDrawingBuffer: false } },
    views: plane(true),
    initialViewState: state.view,
    layers: [],
    getCursor: () => "",
    onViewStateChange: ({ viewState, interactionState }) => {
      if (interactionState?.isDragging || interactionState?.isPanning || interactionState?.isZooming) state.fitted = false;
      state.view = keepInView(viewState);
      keepPace();
      draw();
      later();
      return state.view;
    },
    onError: (error) => tell(/webgl/i.test(error.message) ? new Error(NO_WEBGL) : error),
  });
  container.addEventListener("webglcontextlost", () => tell(new Error(LOST)), true);
  return Promise.all(members.map((_, number) => loadSheet(number).then(draw)));
}
