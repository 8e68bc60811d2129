// What the page was given: texts and places in `about`, images on sheets and in packs.
// A sheet or pack is a text element of this page, or a script of the folder beside it.

const about = JSON.parse(document.getElementById("about").textContent);
const n = about.images.length;
const WORLD = 1000; // all layouts lie in a square of this side

function bytes(text) {
  const raw = atob(text);
  const found = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) found[i] = raw.charCodeAt(i);
  return found;
}

const place = new Int32Array(bytes(about.place).buffer); // of each image on the sheets
const shapes = bytes(about.shapes); // width, height, in the order of the sheets
for (const layout of about.layouts) { // x, y of each image where it is drawn, and what they span
  layout.at = new Float32Array(bytes(layout.cells ?? layout.points).buffer);
  const span = [Infinity, Infinity, -Infinity, -Infinity];
  layout.at.forEach((value, k) => {
    span[k % 2] = Math.min(span[k % 2], value);
    span[2 + (k % 2)] = Math.max(span[2 + (k % 2)], value);
  });
  layout.span = span.map((value) => value * WORLD);
}
const near = about.nearest && new Uint16Array(bytes(about.nearest.indices).buffer);

function width(i) { return shapes[2 * place[i]]; }
function height(i) { return shapes[2 * place[i] + 1]; }

/** The upper left corner of an image on its sheet, in pixels. */
function cornerOf(i) {
  const inside = place[i] % about.perSheet;
  return [inside % about.columns, Math.floor(inside / about.columns)].map((at) => at * about.cell + about.gutter);
}

const waiting = {};
window.receive = (name, text) => waiting[name](text); // called by the folder's scripts

const everythingHere = new Promise((resolve) => { // the page may still be on its way
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", resolve);
  else resolve();
});

async function text(name) {
  if (!document.getElementById(name)) await everythingHere;
  const element = document.getElementById(name);
  if (element) return element.textContent;
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    waiting[name] = (found) => { delete waiting[name]; script.remove(); resolve(found); };
    script.onerror = () => reject(new Error(`data/${name}.js is not there: was the folder copied whole?`));
    script.src = `data/${name}.js`;
    document.head.append(script);
  });
}

const sheets = []; // {url, bitmap}, as they arrive
async function loadSheet(number) {
  const blob = new Blob([bytes(await text(`sheet-${number}`))], { type: "image/jpeg" });
  sheets[number] = { url: URL.createObjectURL(blob), bitmap: await createImageBitmap(blob) };
  return sheets[number];
}

const MAX_PACKS = 40; // kept; the one not asked for longest goes first
const packs = new Map();
function pack(number) {
  const found = packs.get(number) ?? text(`pack-${number}`).then((found) => found.split(" "));
  packs.delete(number);
  packs.set(number, found);
  if (packs.size > MAX_PACKS) packs.delete(packs.keys().next().value);
  return found;
}

/** The larger version of image i, as text in base64. */
async function large(i) {
  return (await pack(Math.floor(place[i] / about.pack)))[place[i] % about.pack];
}

/** The images nearest to number i by their features, the nearest first. */
function nearestTo(i) {
  const each = about.nearest?.each ?? 0;
  return near ? Array.from(near.subarray(i * each, (i + 1) * each)) : [];
}

/** A text as a cell of a CSV which a spreadsheet may open: quoted, never a formula. */
function cell(value) {
  const safe = String(value).replace(/^(\s*[=+\-@|%\t\r\n])/, "'$1");
  return /[",\r\n;]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** The CSV of these images: a header, then a row per image. */
function csv(indices) {
  const columns = ["image", ...about.groups.map((group) => group.key)];
  if (about.captions) columns.push("caption");
  const rows = indices.map((i) => [
    about.images[i],
    ...about.groups.map((group) => group.values[group.labels[i]]),
    ...(about.captions ? [about.captions[i]] : []),
  ]);
  return [columns, ...rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}
