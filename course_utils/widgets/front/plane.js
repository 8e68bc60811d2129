// The plane of the k-means stepper, and the inertia beside it. A click places a point, a
// centre is dragged. By keyboard: the arrow keys move a cross, Enter places what a click
// would, and a digit moves the centre of that number to the cross.
const SIZE = 400;
const GLIDE = 450; // milliseconds in which centres move
const PAUSE = 900; // milliseconds between the steps of Play
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const HINT = "Before the first step there is no inertia. It is the sum of the squared " +
  "distances of all points to their centre, and k-means makes it smaller step by step.";

function line([x1, y1], [x2, y2], className) {
  return svg("line", { x1, y1, x2, y2, class: className });
}

function drawRegions(layer, centres, looks) {
  const parts = regions(centres, [0, SIZE, 0, SIZE]).map((corners, cluster) =>
    svg("polygon", { class: "course-region", points: corners.map(String).join(" "),
      fill: looks[cluster][0] }));
  layer.replaceChildren(...parts);
}

function drawPoints(layer, places, { labels, restless }, looks) {
  const parts = places.map(([x, y], i) => {
    const group = svg("g", { transform: `translate(${x} ${y})` });
    const cluster = labels.length ? labels[i] : -1;
    if (restless.includes(i)) group.append(svg("circle", { class: "course-ring", r: 9 }));
    const look = cluster < 0 ? ["none", "o"] : looks[cluster];
    const made = mark(look, { "data-cluster": cluster });
    made.classList.add("course-point");
    if (cluster < 0) made.classList.add("course-unlabelled");
    group.append(made);
    return group;
  });
  layer.replaceChildren(...parts);
}

function drawThreads(layer, places, centres, labels) {
  layer.replaceChildren(...(labels.length
    ? places.map((place, i) => line(place, centres[labels[i]], "course-thread")) : []));
}

// Where a centre has been; the last move as an arrow from its ghost.
function drawTrail(past, now) {
  if (!past.length) return [];
  const from = past.at(-1), [dx, dy] = [now[0] - from[0], now[1] - from[1]];
  const length = Math.hypot(dx, dy);
  const parts = [svg("polyline", { class: "course-trail", points: past.map(String).join(" ") })];
  if (length < 6) return parts;
  const [x, y] = [dx / length, dy / length];
  const at = (along, aside) => [now[0] - along * x - aside * y, now[1] - along * y + aside * x];
  parts.push(
    svg("path", { class: "course-ghost", d: "M-6-6L6 6M-6 6L6-6",
      transform: `translate(${from})` }),
    line(from, at(Math.min(12, length), 0), "course-move"),
    svg("polygon", { class: "course-head",
      points: [at(4, 0), at(14, 5), at(14, -5)].map(String).join(" ") }),
  );
  return parts;
}

function drawCentres(layer, centres) {
  const parts = centres.map((centre, cluster) => {
    const group = svg("g", { class: "course-centre", transform: `translate(${centre})` });
    const cross = { d: "M-7-7L7 7M-7 7L7-7" };
    group.dataset.centre = cluster;
    group.append(
      svg("circle", { class: "course-grip", r: 18 }),
      svg("path", { ...cross, class: "course-halo" }),
      svg("path", { ...cross, class: "course-cross" }),
      svg("text", { x: 11, y: 5, class: "course-number" }, cluster),
    );
    return group;
  });
  layer.replaceChildren(...parts);
}

function render({ model, el }) {
  const card = element("div", "course-card course-stepper");
  const plane = svg("svg", { class: "course-plane", viewBox: `0 0 ${SIZE} ${SIZE}`,
    tabindex: 0, role: "application" });
  const layers = {};
  for (const name of ["regions", "threads", "points", "trails", "centres"])
    plane.append(layers[name] = svg("g"));
  const cross = svg("path", { class: "course-cursor", d: "M-10 0H10M0-10V10" });
  plane.append(cross);
  const where = element("p", "course-where");
  where.setAttribute("role", "status");
  const side = element("div", "course-side");
  const chart = svg("svg", { class: "course-inertia", viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img" });
  const hint = element("p", "course-hint", HINT);
  side.append(plane, where);
  card.append(side, chart, hint);

  let cursor = [0.5, 0.5]; // as shares of the plane, from the lower left corner
  let shown = []; // the centres as they are drawn, in pixels, on their way too
  let frame, timer, held = null, grabbed = false, dragged = false;

  const toPixels = ([x, y]) => {
    const [left, right, lower, upper] = model.get("extent");
    return [((x - left) / (right - left)) * SIZE, (1 - (y - lower) / (upper - lower)) * SIZE];
  };
  const place = ([across, up]) => {
    const [left, right, lower, upper] = model.get("extent");
    return [left + across * (right - left), lower + up * (upper - lower)];
  };
  const shares = (event) => {
    const box = plane.getBoundingClientRect();
    const inside = (value) => Math.min(1, Math.max(0, value));
    return [inside((event.clientX - box.left) / box.width),
      inside((box.bottom - event.clientY) / box.height)];
  };
  const moveCross = () => {
    cross.setAttribute("transform", `translate(${cursor[0] * SIZE} ${(1 - cursor[1]) * SIZE})`);
    const at = place(cursor).map((value) => value.toFixed(1)).join(", ");
    where.textContent = `Cross at ${at}. Enter: place. Digit: move that centre here.`;
  };
  const draw = () => { // all that depends on where the centres are
    const { points, labels, trails } = model.get("state");
    drawRegions(layers.regions, shown, model.get("looks"));
    drawThreads(layers.threads, points.map(toPixels), shown, labels);
    layers.trails.replaceChildren(...shown.flatMap((centre, i) =>
      drawTrail((trails[i] ?? []).map(toPixels), centre)));
    drawCentres(layers.centres, shown);
  };
  const glide = (from, to, start = performance.now()) => {
    const share = Math.min(1, (performance.now() - start) / GLIDE);
    const eased = share * share * (3 - 2 * share);
    shown = to.map((end, i) => end.map((value, axis) =>
      from[i][axis] + eased * (value - from[i][axis])));
    draw();
    if (share < 1) frame = requestAnimationFrame(() => glide(from, to, start));
  };
  const play = () => {
    clearTimeout(timer);
    if (!model.get("playing")) return;
    const { at } = model.get("state");
    timer = setTimeout(() => model.send({ tick: at }), PAUSE);
  };
  const show = () => {
    const { points, centres, history, at } = model.get("state");
    const target = centres.map(toPixels);
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches ||
      target.length !== shown.length || String(target) === String(shown);
    cancelAnimationFrame(frame);
    held = null;
    drawPoints(layers.points, points.map(toPixels), model.get("state"), model.get("looks"));
    if (still) { shown = target; draw(); } else glide(shown, target);
    hint.hidden = history.length > 0;
    chart.style.display = history.length ? "" : "none";
    drawInertia(chart, history, at);
    plane.setAttribute("aria-label", `Plane with ${points.length} points and ${centres.length} ` +
      "centres. The arrow keys move a cross, Enter places what a click would, a digit moves " +
      "the centre of that number to the cross.");
    chart.setAttribute("aria-label", "Inertia after each step: " +
      history.map((step) => step.inertia.toFixed(2)).join(", "));
    play();
  };

  plane.addEventListener("pointerdown", (event) => {
    const centre = event.target.closest(".course-centre");
    grabbed = Boolean(centre);
    dragged = false;
    if (!grabbed) return;
    held = Number(centre.dataset.centre);
    cancelAnimationFrame(frame);
    plane.setPointerCapture(event.pointerId);
  });
  plane.addEventListener("touchstart", (event) => { // a finger drags it, not the page
    if (event.target.closest(".course-centre")) event.preventDefault();
  }, { passive: false });
  plane.addEventListener("pointermove", (event) => {
    if (held === null) return;
    dragged = true;
    cursor = shares(event);
    moveCross();
    shown = shown.map((old, i) => (i === held ? toPixels(place(cursor)) : old));
    draw();
  });
  plane.addEventListener("pointerup", () => {
    if (held !== null && dragged) model.send({ moved: [held, ...place(cursor)] });
    held = null;
  });
  plane.addEventListener("pointercancel", show);
  plane.addEventListener("click", (event) => {
    if (grabbed) return;
    cursor = shares(event);
    moveCross();
    model.send({ placed: place(cursor) });
  });
  plane.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const move = MOVES[event.key], stride = event.shiftKey ? 0.1 : 0.02;
    const digit = /^\d$/.test(event.key);
    if (!move && !digit && event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    event.stopPropagation();
    if (digit) return void model.send({ moved: [Number(event.key), ...place(cursor)] });
    if (!move) return void model.send({ placed: place(cursor) });
    cursor = cursor.map((share, i) => Math.min(1, Math.max(0, share + stride * move[i])));
    moveCross();
  });
  model.on("change:state", show);
  model.on("change:playing", play);
  model.on("change:extent", () => { moveCross(); show(); });
  moveCross();
  show();
  el.append(card);
  return () => { clearTimeout(timer); cancelAnimationFrame(frame); };
}
export default { render };
