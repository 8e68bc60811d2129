// Everything around the map: the choice of pictures, groups, hotspots, one picture.

const get = (id) => document.getElementById(id);
const MAX_SHOWN = 60;

function make(tag, values = {}, ...children) {
  const element = Object.assign(document.createElement(tag), values);
  element.append(...children);
  return element;
}

/** A thumbnail out of its sheet, as an element of the page. */
function thumb(i, side) {
  const sheet = sheets[Math.floor(place[i] / about.perSheet)];
  const scale = side / Math.max(width(i), height(i));
  const inside = place[i] % about.perSheet;
  const x = (inside % about.columns) * about.cell * scale;
  const y = Math.floor(inside / about.columns) * about.cell * scale;
  const element = make("span", { className: "thumb" });
  Object.assign(element.style, {
    width: `${width(i) * scale}px`,
    height: `${height(i) * scale}px`,
    backgroundImage: sheet ? `url(${sheet.url})` : "",
    backgroundPosition: `-${x}px -${y}px`,
    backgroundSize: `${about.columns * about.cell * scale}px auto`,
  });
  return element;
}

/** What is said of a picture, as [name, text] pairs. */
function facts(i) {
  const found = [["File", about.images[i]]];
  if (about.captions) found.push(["Caption", about.captions[i]]);
  for (const group of about.groups) {
    const entry = group.entries[group.labels[i]];
    found.push([group.key[0].toUpperCase() + group.key.slice(1), entry.name]);
  }
  return found;
}
const named = (i) => about.captions?.[i] || about.images[i];

/** Choose pictures (all if null): the others fade. why: said before the number. */
function choose(indices, why = "", pressed = null) {
  state.chosen = indices && new Set(indices);
  state.version += 1;
  document.querySelectorAll(".list button[aria-pressed=true]").forEach((b) => b.setAttribute("aria-pressed", "false"));
  pressed?.setAttribute("aria-pressed", "true");
  const count = indices ? indices.length : n;
  get("chosen").textContent = `${why}${why && ": "}${count.toLocaleString("en")} picture${count === 1 ? "" : "s"}`
    + (indices && count > MAX_SHOWN ? `, the first ${MAX_SHOWN} here` : "");
  get("strip").replaceChildren(...(indices ?? []).slice(0, MAX_SHOWN).map((i) => {
    const button = make("button", { type: "button", title: named(i), onclick: () => open(i, true) }, thumb(i, 44));
    button.setAttribute("aria-label", named(i));
    return button;
  }));
  get("clear").disabled = !indices;
  if (instance) { draw(); later(); }
}

/** Open one picture in the panel; near: fly there too. */
function open(i, near = false) {
  get("picture").hidden = false;
  get("large").alt = named(i);
  get("large").dataset.picture = i;
  get("facts").replaceChildren(...facts(i).flatMap(([name, text]) => [make("dt", { textContent: name }), make("dd", { textContent: text })]));
  if (near) fly([points()[2 * i] * WORLD, points()[2 * i + 1] * WORLD], Math.max(state.view.zoom, fitZoom() + 3));
  large(i).then((data) => {
    if (Number(get("large").dataset.picture) === i) get("large").src = `data:image/jpeg;base64,${data}`;
  }).catch(tell);
}

/** A row of a list: a button with a thumbnail, a text and a smaller one. */
function row(medoid, text, small, mark, action) {
  const words = make("span", { className: "text", textContent: text });
  if (small) words.append(make("small", { textContent: small }));
  const button = make("button", { type: "button" }, ...(mark ? [mark] : []), make("span", { className: "slot" }, thumb(medoid, 40)), words);
  button.setAttribute("aria-pressed", "false");
  button.onclick = () => (button.getAttribute("aria-pressed") === "true" ? choose(null) : action(button));
  return make("li", {}, button);
}

function mark(group) {
  const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  picture.setAttribute("viewBox", "-1 -1 18 18");
  picture.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", SHAPES[shapeOf(group)]);
  path.setAttribute("fill", colourOf(group));
  picture.append(path);
  return picture;
}

function listGroups() {
  const shown = about.groups[Math.max(state.group, 0)];
  const membersOf = shown.entries.map(() => []);
  shown.labels.forEach((group, i) => membersOf[group].push(i));
  get("groups-title").textContent = shown.key === "class" ? "Classes" : "Clusters";
  get("group-list").replaceChildren(...shown.entries.map((entry, group) => membersOf[group].length && row(
    entry.medoid, entry.name, `${membersOf[group].length.toLocaleString("en")}${entry.words && ` · ${entry.words}`}`,
    state.group >= 0 ? mark(group) : null,
    (button) => choose(membersOf[group], entry.name, button),
  )).filter(Boolean));
}

function listSpots() {
  get("spots").hidden = !about.hotspots.length;
  get("spot-list").replaceChildren(...about.hotspots.map((spot) => row(
    spot.medoid, spot.words, `${spot.members.length.toLocaleString("en")} pictures`, null,
    (button) => { choose(spot.members, spot.words, button); flyTo(spot.members); },
  )));
}

const MAX_LABELS = 40;
const labels = about.hotspots.slice(0, MAX_LABELS).map((spot) => {
  const button = make("button", { type: "button", textContent: spot.words, title: spot.words });
  button.tabIndex = -1; // the list has the same for the keyboard
  button.onclick = () => { choose(spot.members, spot.words); flyTo(spot.members); };
  return button;
});
const anchors = about.layouts.map(() => null); // of each hotspot, [x, y], once a layout is shown
function anchorsOf(layout) {
  const at = about.layouts[layout].points;
  return about.hotspots.slice(0, MAX_LABELS).map(({ members }) => [[0, 0.5], [1, 0.95]].map(([axis, share]) => {
    const along = members.map((i) => at[2 * i + axis]).sort((a, b) => a - b);
    return along[Math.floor(along.length * share)];
  }));
}

/** Put the hotspots' words on the map, above them, the biggest first, none over another. */
function placeLabels() {
  const scattered = !["cluster", "class"].includes(about.layouts[state.layout].name);
  const shown = get("show-labels").checked && scattered;
  anchors[state.layout] ??= anchorsOf(state.layout);
  const taken = [];
  const [w, h] = box();
  const above = thumbnail() / 2 + 14;
  labels.forEach((button, number) => {
    const [x, top] = project(...anchors[state.layout][number]);
    const y = top - above;
    const half = Math.min(about.hotspots[number].words.length * 3.6 + 8, 128);
    const free = shown && x > -half && y > 0 && x < w + half && y < h
      && !taken.some(([ox, oy, oh]) => Math.abs(ox - x) < half + oh && Math.abs(oy - y) < 24);
    button.hidden = !free;
    if (!free) return;
    taken.push([x, y, half]);
    button.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px) translate(-50%, -50%)`;
  });
}

/** Pictures whose file name or caption holds every word. */
function search(query) {
  const wanted = query.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  if (!wanted.length) return null;
  return everything.filter((i) => {
    const text = `${about.images[i]} ${about.captions?.[i] ?? ""}`.toLocaleLowerCase();
    return wanted.every((word) => text.includes(word));
  });
}

function download() {
  const indices = state.chosen ? [...state.chosen] : everything;
  const url = URL.createObjectURL(new Blob([csv(indices)], { type: "text/csv;charset=utf-8" }));
  const link = make("a", { href: url, download: "selection.csv" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}
