// Everything around the map: the selection, groups, hotspots, one image.

const get = (id) => document.getElementById(id);
const MAX_SHOWN = 60;

function make(tag, values = {}, ...children) {
  const element = Object.assign(document.createElement(tag), values);
  element.append(...children);
  return element;
}

/** Tell those who do not see the map what has changed. */
function say(text) { get("said").textContent = text; }

/** A thumbnail out of its sheet, as an element of the page. */
function thumb(i, side) {
  const sheet = sheets[Math.floor(place[i] / about.perSheet)];
  const scale = side / Math.max(width(i), height(i));
  const [x, y] = cornerOf(i).map((pixels) => pixels * scale);
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

/** What is known of an image, as [name, text] pairs. */
function facts(i) {
  const found = [["File", about.images[i]]];
  if (about.captions) found.push(["Caption", about.captions[i]]);
  for (const group of about.groups) {
    const entry = group.entries[group.labels[i]];
    found.push([group.key[0].toUpperCase() + group.key.slice(1), entry.name]);
  }
  return found;
}
const titleOf = (i) => about.captions?.[i] || about.images[i];

/** A thumbnail to click. */
function imageButton(i, side, onclick) {
  const button = make("button", { type: "button", title: titleOf(i), onclick }, thumb(i, side));
  button.setAttribute("aria-label", titleOf(i));
  return button;
}

const history = []; // earlier selections, for Undo
const MAX_HISTORY = 50;
const adding = (event) => Boolean(event?.shiftKey) || get("add").checked;

/** Select images (all if null): the others fade. why: said before the number. */
function choose(indices, why = "", { add = false, pressed = null, replace = false } = {}) {
  if (!replace) history.push({ indices: state.chosen && [...state.chosen], why: state.why });
  if (history.length > MAX_HISTORY) history.shift();
  const both = add && indices && state.chosen?.size;
  show(both ? [...new Set([...state.chosen, ...indices])] : indices, both ? `${state.why} + ${why}` : why);
  pressed?.setAttribute("aria-pressed", "true");
}

function undo() {
  const { indices, why } = history.pop();
  get("search").value = "";
  show(indices, why);
}

function show(indices, why) {
  state.chosen = indices && new Set(indices);
  state.why = why;
  state.version += 1;
  document.querySelectorAll(".list button[aria-pressed=true]").forEach((b) => b.setAttribute("aria-pressed", "false"));
  const size = indices ? indices.length : n;
  get("chosen").textContent = `${why}${why && ": "}${count(size)}`
    + (indices && size > MAX_SHOWN ? `, the first ${MAX_SHOWN} here` : "");
  get("strip").replaceChildren(...(indices ?? []).slice(0, MAX_SHOWN).map((i) => imageButton(i, 44, () => open(i, true))));
  get("empty").hidden = !indices || size > 0;
  get("empty").textContent = why.startsWith("“") ? `No image matches ${why}` : `No image in the ${why}`;
  get("clear").disabled = !indices;
  get("undo").disabled = !history.length;
  if (instance) { draw(); later(); }
  document.dispatchEvent(new Event("chosen"));
}

/** Open one image in the panel; near: fly there too. */
function open(i, near = false) {
  state.opened = i;
  get("picture").hidden = false;
  get("large").alt = titleOf(i);
  get("large").dataset.picture = i;
  get("facts").replaceChildren(...facts(i).flatMap(([name, text]) => [make("dt", { textContent: name }), make("dd", { textContent: text })]));
  const others = nearestTo(i);
  get("nearest").hidden = !others.length;
  get("nearest-strip").replaceChildren(...others.map((other) => imageButton(other, 44, () => open(other, true))));
  document.querySelector("aside").scrollTop = 0;
  get("picture").scrollTop = 0;
  say(`Opened: ${titleOf(i)}`);
  if (near && instance) fly([points()[2 * i] * WORLD, points()[2 * i + 1] * WORLD], Math.max(state.view.zoom, fitZoom() + 2));
  else placeRing();
  large(i).then((data) => {
    if (Number(get("large").dataset.picture) === i) get("large").src = `data:image/jpeg;base64,${data}`;
  }).catch(tell);
}
function close() {
  state.opened = -1;
  get("picture").hidden = true;
  placeRing();
  container.focus();
}

/** The frame around the opened image on the map. */
function placeRing() {
  const ring = get("ring");
  ring.hidden = state.opened < 0 || !instance || state.moving;
  if (ring.hidden) return;
  const [x, y] = screen(state.opened);
  const side = Math.max(thumbnail(), 12) + 8;
  ring.style.width = ring.style.height = `${side}px`;
  ring.style.transform = `translate(${x - side / 2}px, ${y - side / 2}px)`;
}

/** A row of a list: a button with a thumbnail, a text and a smaller one. */
function row(medoid, text, small, look, members, action) {
  const words = make("span", { className: "text", textContent: text });
  if (small) words.append(make("small", { textContent: small }));
  const button = make("button", { type: "button" }, ...(look ? [look] : []), make("span", { className: "slot" }, thumb(medoid, 40)), words);
  button.setAttribute("aria-pressed", "false");
  button.onclick = (event) => {
    if (button.getAttribute("aria-pressed") === "true") choose(null);
    else {
      choose(members, text, { add: adding(event), pressed: button });
      action?.();
    }
  };
  return make("li", {}, button);
}

/** The labelling in the list: that of the blocks, else that of the marks, else the clusters. */
function groupShown() {
  const blocks = blocksOf(state.layout);
  return blocks >= 0 ? blocks : Math.max(state.group, 0);
}

function listGroups() {
  const number = groupShown();
  const { key, entries, scores } = about.groups[number];
  get("groups-title").textContent = key === "class" ? "Classes" : "Clusters";
  get("groups-scores").textContent = Object.entries(scores ?? {}).map(([name, value]) => `${name} ${share(value)}`).join(" · ");
  get("group-list").replaceChildren(...entries.map((entry, at) => {
    const members = membersOf[number][at];
    const small = [count(members.length), entry.words];
    if (entry.purity !== undefined) small.push(`${share(entry.purity)} ${entry.majority}`);
    const look = state.group === number ? mark(entry) : null;
    return members.length && row(entry.medoid, entry.name, small.filter(Boolean).join(" · "), look, members);
  }).filter(Boolean));
}

function listSpots() {
  get("spots").hidden = !about.hotspots.length;
  get("spot-list").replaceChildren(...about.hotspots.map((spot, number) => row(
    spot.medoid, spotName(spot, number), count(spot.members.length) + (spot.words ? "" : " · no word in common"), null,
    spot.members, () => flyTo(spot.members),
  )));
}

/** Images whose file name or caption holds every word. */
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
