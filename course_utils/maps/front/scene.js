// The map itself: layers of deck.gl and what is under the pointer.

// Okabe and Ito's colours, each group with a shape of its own: never colour alone.
const COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8B6508"];
const SHAPES = [
  "M8 1a7 7 0 1 0 .01 0z", "M1.5 1.5h13v13h-13z", "M8 .5 15.5 14.5H.5z", "M8 0 16 8 8 16 0 8z",
  "M5.5.5h5v5h5v5h-5v5h-5v-5h-5v-5h5z", "M8 15.5.5 1.5h15z", "M8 0l2 5.5 6 .2-4.7 3.7 1.7 6L8 12l-5 3.4 1.7-6L0 5.7l6-.2z",
];
const shapeOf = (group) => group % SHAPES.length; // 7 and 8: 56 pairs
const colourOf = (group) => COLOURS[group % COLOURS.length];
const rgb = COLOURS.map((c) => [1, 3, 5].map((at) => parseInt(c.slice(at, at + 2), 16)));

const BADGE = 64; // pixels of a badge in its atlas
const badges = (() => {
  const canvas = document.createElement("canvas");
  canvas.width = BADGE * SHAPES.length;
  canvas.height = 2 * BADGE;
  const brush = canvas.getContext("2d");
  const mapping = {};
  SHAPES.forEach((path, shape) => [0, 1].forEach((plate) => {
    const side = plate ? 0.4 : 0.3; // of a picture; the plate is the white rim
    const scale = (BADGE * side) / 16;
    const corner = BADGE * (plate ? 0.55 : 0.6);
    brush.setTransform(scale, 0, 0, scale, shape * BADGE + corner, plate * BADGE + corner);
    brush.fill(new Path2D(path));
    mapping[`${shape}-${plate}`] = { x: shape * BADGE, y: plate * BADGE, width: BADGE, height: BADGE, mask: true };
  }));
  return { canvas, mapping };
})();

const still = matchMedia("(prefers-reduced-motion: reduce)");
const state = {
  layout: 0, group: -1, size: 0, view: null, chosen: null, version: 0, detail: [], flights: 0, moving: false,
};
const container = document.getElementById("map");
let instance;

const LARGEST = 400; // pixels of a thumbnail
const points = () => about.layouts[state.layout].points;
let room; // width and height of the map, measured only when they change: asking takes time
function measure() { room = [Math.max(container.clientWidth, 50), Math.max(container.clientHeight, 50)]; }
const box = () => room;
new ResizeObserver(() => { measure(); if (instance) draw(); }).observe(container);
const fitZoom = () => Math.log2(Math.min(...box()) / (1.08 * WORLD));

/** The longer side of a thumbnail in pixels, at the present zoom. */
function thumbnail() {
  const { step } = about.layouts[state.layout];
  const [w, h] = box();
  const scattered = Math.min(Math.max(0.4 * Math.sqrt((w * h) / n), 12), 28);
  const natural = step // slower than the distances, so that pictures come apart
    ? 0.92 * step * WORLD * 2 ** state.view.zoom
    : scattered * 2 ** (0.6 * (state.view.zoom - fitZoom()));
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

/** The picture at these pixels, or -1; of several the nearest. */
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

/** The pictures whose middle is on the screen. */
function visible() {
  const [w, h] = box();
  return Array.from({ length: n }, (_, i) => i).filter((i) => {
    const [x, y] = screen(i);
    return x >= 0 && y >= 0 && x <= w && y <= h;
  });
}

const faded = (i) => state.chosen !== null && !state.chosen.has(i);
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
  const inside = place[i] % about.perSheet;
  const x = (inside % about.columns) * about.cell;
  const y = Math.floor(inside / about.columns) * about.cell;
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

/** Near by, draw only the pictures on the screen and one screen around it. */
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

function badgeLayer(plate) {
  const { labels } = about.groups[state.group];
  return new deck.IconLayer({
    ...common(`badges-${plate}`),
    data: drawn.all,
    iconAtlas: badges.canvas,
    iconMapping: badges.mapping,
    getIcon: (i) => `${shapeOf(labels[i])}-${plate}`,
    getSize: 1,
    sizeMinPixels: 22,
    getColor: (i) => [...(plate ? [255, 255, 255] : rgb[labels[i] % COLOURS.length]), faded(i) ? 20 : 255],
    updateTriggers: {
      getPosition: state.layout, getIcon: state.group, getColor: [state.version, state.group],
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
  if (state.group >= 0) found.push(badgeLayer(1), badgeLayer(0));
  return found;
}

const DETAIL = 2048; // pixels a side of what is drawn larger
let asked = 0;
/** Larger pictures for what is on the screen, once it stands still. */
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
  const columns = Math.floor(DETAIL / cell);
  const indices = visible().filter((i) => !faded(i)).map((i) => [away(i), i])
    .sort((a, b) => a[0] - b[0]).slice(0, columns ** 2).map((pair) => pair[1]);
  const key = `${cell}:${indices.join()}`;
  if (!indices.length || state.detail[0]?.key === key) return;
  const atlas = document.createElement("canvas");
  atlas.width = DETAIL;
  atlas.height = Math.ceil(indices.length / columns) * cell;
  const brush = atlas.getContext("2d");
  const mapping = {};
  await Promise.all(indices.map(async (i, at) => {
    const blob = new Blob([bytes(await large(i))], { type: "image/jpeg" });
    const bitmap = await createImageBitmap(blob);
    const scale = Math.min(1, cell / Math.max(bitmap.width, bitmap.height));
    const [x, y] = [(at % columns) * cell, Math.floor(at / columns) * cell];
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
  if (planned) return;
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

const NO_WEBGL = "This browser does not draw by the graphics card (WebGL): switch hardware acceleration on in its settings, or open the map in another one.";
const LOST = "The graphics card has stopped drawing the map, as after sleep or with too many tabs: reload the page.";
function tell(error) {
  const notice = document.getElementById("notice");
  notice.textContent = error.message;
  notice.hidden = false;
}

/** How far one may zoom: on a lattice until a picture is as large as it gets. */
function limits() {
  const { step } = about.layouts[state.layout];
  const most = step ? Math.log2(LARGEST / (0.92 * step * WORLD)) : fitZoom() + 10;
  return { minZoom: fitZoom() - 1, maxZoom: Math.max(most, fitZoom()) };
}

/** Switch to another layout; the pictures wander there. */
function arrange(layout) {
  state.layout = layout;
  state.detail = [];
  drawn = all;
  state.moving = !still.matches;
  setTimeout(() => { state.moving = false; draw(); later(); }, 700);
}

/** Move the view, in a short flight if the reader likes movement. */
function fly(target, zoom) {
  const { minZoom, maxZoom } = limits();
  const view = { target: [...target, 0], zoom: Math.min(Math.max(zoom, minZoom), maxZoom), minZoom, maxZoom };
  if (!still.matches && state.view) {
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

/** Show all of these pictures, leaving aside the outermost tenth of many. */
function flyTo(indices) {
  const at = points();
  const [low, high] = [0, 1].map((axis) => indices.map((i) => at[2 * i + axis] * WORLD).sort((a, b) => a - b))
    .map((v) => (v.length < 10 ? [v[0], v.at(-1)] : [v[Math.floor(0.05 * v.length)], v[Math.floor(0.95 * v.length)]]));
  const [w, h] = box();
  const margin = 1.3;
  const zoom = Math.log2(Math.min(w / (margin * (low[1] - low[0]) + 8), h / (margin * (high[1] - high[0]) + 8)));
  fly([(low[0] + low[1]) / 2, (high[0] + high[1]) / 2], Math.min(zoom, fitZoom() + 6));
}
const whole = () => fly([WORLD / 2, WORLD / 2], fitZoom());

/** The view; it moves under the hand unless a lasso is drawn. */
function plane(moves) {
  const controller = moves && { keyboard: false, doubleClickZoom: true, inertia: !still.matches };
  return new deck.OrthographicView({ id: "plane", flipY: false, controller });
}

function start() {
  measure();
  state.view = { target: [WORLD / 2, WORLD / 2, 0], zoom: fitZoom(), ...limits() };
  instance = new deck.Deck({
    parent: container,
    views: plane(true),
    initialViewState: state.view,
    layers: [],
    getCursor: () => "",
    onViewStateChange: ({ viewState }) => { state.view = viewState; draw(); later(); },
    onError: (error) => tell(/webgl/i.test(error.message) ? new Error(NO_WEBGL) : error),
  });
  container.addEventListener("webglcontextlost", () => tell(new Error(LOST)), true);
  return Promise.all(members.map((_, number) => loadSheet(number).then(draw)));
}
