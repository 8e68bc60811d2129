// The plane of the k-means stepper, and the inertia beside it. A click places a point;
// so does Enter at the cross, which the arrow keys move.
const SIZE = 400;
const COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9",
  "#000000", "#999999"];
// A shape for each cluster, as paths around (0, 0): colour is never the only sign
const SHAPES = [
  "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0", "M-4-4h8v8h-8z", "M0-5l5 9h-10z", "M0-6l5 6l-5 6l-5-6z",
  "M0 5l5-9h-10z", "M-5-2h3v-3h4v3h3v4h-3v3h-4v-3h-3z", "M-5-5l5 3l5-3l-3 5l3 5l-5-3l-5 3l3-5z",
  "M-3-5h6l3 5l-3 5h-6l-3-5z",
];

function svg(tag, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

function drawPlane(plane, model, toPixels) {
  const { points, labels, centres } = model.get("state");
  const parts = [];
  if (labels.length) points.forEach((point, i) => {
    const [x1, y1] = toPixels(point), [x2, y2] = toPixels(centres[labels[i]]);
    parts.push(svg("line", { x1, y1, x2, y2, stroke: "#bbb", "stroke-width": 0.7 }));
  });
  points.forEach((point, i) => {
    const cluster = labels.length ? labels[i] : -1;
    const [x, y] = toPixels(point);
    parts.push(svg("path", {
      class: "course-point", "data-cluster": cluster, transform: `translate(${x} ${y})`,
      d: SHAPES[cluster] ?? SHAPES[0], fill: COLOURS[cluster] ?? "#fff",
      stroke: "#222", "stroke-width": cluster < 0 ? 1.2 : 0.6,
    }));
  });
  centres.forEach((centre, cluster) => {
    const [x, y] = toPixels(centre);
    const group = svg("g", { class: "course-centre", transform: `translate(${x} ${y})` });
    const cross = { d: "M-7-7L7 7M-7 7L7-7", fill: "none", "stroke-linecap": "round" };
    group.append(
      svg("path", { ...cross, stroke: "#fff", "stroke-width": 7 }),
      svg("path", { ...cross, stroke: "#000", "stroke-width": 3.5 }),
      svg("text", { x: 10, y: 4, class: "course-number" }, cluster),
    );
    parts.push(group);
  });
  plane.replaceChildren(...parts);
}

function drawInertia(chart, history) {
  const [left, right, top, bottom] = [54, 290, 24, SIZE - 46];
  const highest = Math.max(...history.map((step) => step.inertia), 1e-12);
  const at = (step, i) => [
    left + 12 + (i * (right - left - 24)) / Math.max(history.length - 1, 7),
    bottom - (step.inertia / highest) * (bottom - top - 10),
  ];
  const places = history.map(at);
  const short = (value) => Number(value.toPrecision(3)).toString();
  const text = { fill: "#1a1a1a", "font-size": 12 };
  const axis = { fill: "none", stroke: "#555" };
  chart.replaceChildren(
    svg("path", { ...axis, d: `M${left} ${top}V${bottom}H${right}` }),
    svg("text", { ...text, x: left - 6, y: top + 14, "text-anchor": "end" },
      history.length ? short(highest) : ""),
    svg("text", { ...text, x: left - 6, y: bottom + 4, "text-anchor": "end" }, "0"),
    svg("text", { ...text, x: left, y: 14 }, "inertia after each step"),
    svg("text", { ...text, x: left, y: bottom + 20 }, "○ after an assignment"),
    svg("text", { ...text, x: left, y: bottom + 38 }, "■ after an update"),
    svg("polyline", { points: places.map(String).join(" "), fill: "none", stroke: "#0072B2" }),
    ...history.map((step, i) => {
      const [x, y] = places[i];
      return step.name === "update"
        ? svg("rect", { class: "course-step", x: x - 4, y: y - 4, width: 8, height: 8, fill: "#0072B2" })
        : svg("circle", { class: "course-step", cx: x, cy: y, r: 4.5, fill: "#fff", stroke: "#0072B2", "stroke-width": 2 });
    }),
  );
}

const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

function render({ model, el }) {
  const card = document.createElement("div");
  card.className = "course-card course-stepper";
  const plane = svg("svg", { class: "course-plane", viewBox: `0 0 ${SIZE} ${SIZE}`,
    tabindex: 0, role: "application" });
  const points = svg("g", {});
  const cross = svg("path", { class: "course-cursor", d: "M-9 0H9M0-9V9" });
  plane.append(points, cross);
  const chart = svg("svg", { class: "course-inertia", viewBox: `0 0 300 ${SIZE}`, role: "img" });
  const where = document.createElement("span");
  where.className = "course-where";
  where.setAttribute("role", "status");
  const side = document.createElement("div");
  side.append(plane, where);
  card.append(side, chart);
  let cursor = [0.5, 0.5]; // as shares of the plane, from the lower left corner

  const span = () => model.get("extent"); // [left, right, lower, upper]
  const toPixels = ([x, y]) => {
    const [left, right, lower, upper] = span();
    return [((x - left) / (right - left)) * SIZE, (1 - (y - lower) / (upper - lower)) * SIZE];
  };
  const place = ([across, up]) => {
    const [left, right, lower, upper] = span();
    return [left + across * (right - left), lower + up * (upper - lower)];
  };
  const moveCross = () => {
    cross.setAttribute("transform", `translate(${cursor[0] * SIZE} ${(1 - cursor[1]) * SIZE})`);
    where.textContent = `cross at ${place(cursor).map((value) => value.toFixed(1)).join(", ")}`;
  };
  const show = () => {
    const { points: placed, centres, history } = model.get("state");
    drawPlane(points, model, toPixels);
    drawInertia(chart, history);
    plane.setAttribute("aria-label", `Plane with ${placed.length} points and ${centres.length} ` +
      "centres. The arrow keys move a cross, Enter places what a click would.");
    chart.setAttribute("aria-label", "Inertia after each step: " +
      (history.map((step) => step.inertia.toFixed(2)).join(", ") || "no step yet"));
  };
  plane.addEventListener("click", (event) => {
    const box = plane.getBoundingClientRect();
    cursor = [(event.clientX - box.left) / box.width, (box.bottom - event.clientY) / box.height];
    moveCross();
    model.send({ placed: place(cursor) });
  });
  plane.addEventListener("keydown", (event) => {
    const move = MOVES[event.key], stride = event.shiftKey ? 0.1 : 0.02;
    if (!move && event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    event.stopPropagation();
    if (!move) return void model.send({ placed: place(cursor) });
    cursor = cursor.map((share, i) => Math.min(1, Math.max(0, share + stride * move[i])));
    moveCross();
  });
  model.on("change:state", show);
  model.on("change:extent", () => { moveCross(); show(); });
  moveCross();
  show();
  el.append(card);
}
export default { render };
