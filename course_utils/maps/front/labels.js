// Names on the map: of hotspots where images are scattered, of blocks where they are sorted.

const MAX_LABELS = 150;
const EDGE = 4; // pixels that a name keeps from the edge
const HIGH = 24; // of a name: what a finger hits
const count = (k) => `${k.toLocaleString("en")} image${k === 1 ? "" : "s"}`;
const share = (value) => value.toFixed(2).replace(/^0/, "");

/** The members of each entry of a labelling. */
const membersOf = about.groups.map((group) => {
  const found = group.entries.map(() => []);
  group.labels.forEach((entry, i) => found[entry].push(i));
  return found;
});

/** The labelling whose blocks a layout shows, or -1. */
const blocksOf = (layout) => about.groups.findIndex((group) => group.key === about.layouts[layout].name);

const spotName = (spot, number) => spot.words || `hotspot ${number + 1}`;
const shortName = (entry) => entry.name + (entry.words && `: ${entry.words.split(", ")[0]}`);

/** Where the named images are, in the layout's square: [left, bottom, right, top]. */
function extent(layout, indices, outliers = 0) {
  const places = about.layouts[layout].at;
  const [across, up] = [0, 1].map((axis) => indices.map((i) => places[2 * i + axis]).sort((a, b) => a - b));
  const [low, high] = [outliers, 1 - outliers].map((part) => Math.round(part * (indices.length - 1)));
  return [across[low], up[low], across[high], up[high]];
}

/** What a layout has names for: {texts, why, members, extent}, the largest first.
    texts: what fits of them is shown, the longest first. */
function named(layout) {
  const blocks = blocksOf(layout);
  if (blocks >= 0) {
    return about.groups[blocks].entries.map((entry, number) => {
      const members = membersOf[blocks][number];
      const purity = entry.purity === undefined ? "" : ` · purity ${share(entry.purity)}`;
      const texts = [
        `${shortName(entry)} · ${count(members.length)}${purity}`, `${entry.name} · ${count(members.length)}${purity}`,
        `${entry.name} · ${members.length}${purity}`, `${entry.name} · ${members.length}`, entry.name,
        ...(about.groups[blocks].key === "cluster" && entry.label >= 0 ? [String(entry.label)] : []),
      ];
      return members.length && { texts, why: entry.name, members, extent: extent(layout, members) };
    }).filter(Boolean).slice(0, MAX_LABELS);
  }
  if (about.layouts[layout].name === "grid") return []; // what is near there need not be alike
  return about.hotspots.filter((spot) => spot.words).slice(0, MAX_LABELS).map((spot) => ({
    texts: [spot.words, spot.words.split(", ")[0]], why: spot.words, members: spot.members,
    extent: extent(layout, spot.members, 0.05),
  }));
}

const pen = document.createElement("canvas").getContext("2d");
/** How many pixels a name is wide. */
function widthOf(text) {
  pen.font = getComputedStyle(get("labels")).font;
  return Math.ceil(pen.measureText(text).width) + 6;
}

const names = []; // of each layout, once it is shown
function namesHere() {
  names[state.layout] ??= named(state.layout).map((name) => {
    const button = make("button", { type: "button", title: name.texts[0] });
    button.tabIndex = -1; // the list has the same for the keyboard
    button.onclick = (event) => { choose(name.members, name.why, { add: adding(event) }); flyTo(name.members); };
    get("labels").append(button);
    return { ...name, button, widths: name.texts.map(widthOf) };
  });
  return names[state.layout];
}

const SIDES = { // of what is named: how far left of its left edge, and above its top, a name begins
  above: (wide, across) => [(across - wide) / 2, -HIGH],
  "above left": () => [0, -HIGH],
  "above right": (wide, across) => [across - wide, -HIGH],
  below: (wide, across, down) => [(across - wide) / 2, down],
  left: (wide, across, down) => [-wide - EDGE, (down - HIGH) / 2],
  right: (wide, across, down) => [across + EDGE, (down - HIGH) / 2],
};

/** Where a name covers the fewest images, on the whole map: {text, side}, by numbers. */
function bestPlace({ texts, widths, extent: [x0, y0, x1, y1] }) {
  const scale = 2 ** fitZoom() * WORLD;
  const { span, step } = about.layouts[state.layout];
  const half = step ? (FILL * step * scale) / 2 : 14;
  const [w, h] = box();
  const [midX, midY] = middle(span).map((value) => (value / WORLD) * scale);
  const [left, top] = [x0 * scale - half, -y1 * scale - half]; // y goes down, as on the screen
  const [across, down] = [(x1 - x0) * scale + 2 * half, (y1 - y0) * scale + 2 * half];
  const places = points();
  const best = { text: 0, side: "above", cost: Infinity };
  texts.forEach((_, text) => Object.entries(SIDES).forEach(([side, shift], rank) => {
    const wide = widths[text];
    const [x, y] = shift(wide, across, down).map((value, axis) => value + (axis ? top : left));
    const off = Math.max(Math.abs(x + wide / 2 - midX) - (w - wide) / 2 + EDGE, 0)
      + Math.max(Math.abs(y + HIGH / 2 + midY) - (h - HIGH) / 2 + EDGE, 0);
    let cost = text / 2 + rank / 20 + off; // a longer text and a place above are nicer
    for (let i = 0; i < n; i++) {
      const [px, py] = [places[2 * i] * scale, -places[2 * i + 1] * scale];
      if (px > x - half && px < x + wide + half && py > y - half + 4 && py < y + HIGH + half - 4) cost += 1;
    }
    if (cost < best.cost) Object.assign(best, { text, side, cost });
  }));
  return best;
}

/** Put the names beside what they name, the largest first, none over another or off the map. */
function placeLabels() {
  const wanted = get("show-labels").checked && !state.moving;
  names.forEach((some, layout) => {
    if (layout !== state.layout || !wanted) some.forEach(({ button }) => { button.hidden = true; });
  });
  if (!wanted) return;
  const inBlocks = blocksOf(state.layout) >= 0;
  const near = state.view.zoom > fitZoom() + 1.5; // there is room for all words
  const half = thumbnail() / 2;
  const [w, h] = box();
  const taken = [];
  for (const name of namesHere()) {
    const { button, extent: [x0, y0, x1, y1], texts, widths } = name;
    const [left, bottom] = project(x0, y0);
    const [right, top] = project(x1, y1);
    const block = right - left + 2 * half;
    const most = inBlocks ? block + half : w - 2 * EDGE;
    const fitting = widths.findIndex((width) => width <= most);
    const longest = fitting < 0 ? texts.length - 1 : fitting;
    const place = inBlocks ? { side: "above left" } : (name.place ??= bestPlace(name));
    const text = inBlocks || near ? longest : Math.max(place.text, longest);
    const wide = Math.min(widths[text], most);
    const [dx, dy] = SIDES[place.side](wide, block, bottom - top + 2 * half);
    const spot = {
      x: Math.min(Math.max(left - half + dx, EDGE), w - EDGE - wide),
      y: Math.min(Math.max(top - half + dy, EDGE), h - EDGE - HIGH),
      wide,
    };
    const seen = right + half > EDGE && left - half < w - EDGE && bottom + half > HIGH && top - half < h - EDGE;
    const free = seen && most >= Math.min(30, wide)
      && !taken.some((other) => spot.x < other.x + other.wide && other.x < spot.x + wide && Math.abs(other.y - spot.y) < HIGH);
    button.hidden = !free;
    if (!free) continue;
    taken.push(spot);
    if (button.textContent !== texts[text]) button.textContent = texts[text]; // else it is laid out each frame
    button.style.maxWidth = `${Math.ceil(most)}px`;
    button.style.transform = `translate(${Math.round(spot.x)}px, ${Math.round(spot.y)}px)`;
  }
}
