// What happens when somebody does something.

get("title").textContent = about.title;
get("subtitle").textContent = `${n.toLocaleString("en")} pictures · ${about.subtitle}`;

function radio(parent, name, title, checked, action) {
  const input = make("input", { type: "radio", name, value: title, checked, onchange: action });
  get(parent).append(make("label", {}, input, ` ${title}`));
}
about.layouts.forEach((layout, number) => radio("layouts", "layout", layout.title, number === 0, () => {
  arrange(number);
  state.chosen?.size ? flyTo([...state.chosen]) : whole();
}));
function colour(group) {
  state.group = group;
  listGroups();
  draw();
}
radio("colours", "colour", "nothing", true, () => colour(-1));
about.groups.forEach((group, number) => radio("colours", "colour", group.key, false, () => colour(number)));

get("tools").onsubmit = (event) => {
  event.preventDefault();
  if (state.chosen?.size) flyTo([...state.chosen]);
};
get("search").oninput = () => {
  const query = get("search").value.trim();
  choose(search(query), query && `“${query}”`);
};
get("size").oninput = () => { state.size = Number(get("size").value); draw(); later(); };
get("whole").onclick = whole;
get("download").onclick = download;
get("visible").onclick = () => choose(visible(), "visible");
get("clear").onclick = () => { get("search").value = ""; choose(null); };
get("close").onclick = () => { get("picture").hidden = true; get("map").focus(); };
get("show-labels").onchange = placeLabels;
get("labels").append(...labels);
document.addEventListener("moved", () => { placeLabels(); unhover(); });

const at = (event) => {
  const corner = container.getBoundingClientRect();
  return [event.clientX - corner.left, event.clientY - corner.top];
};

// Under the pointer
let hovered = -1;
function unhover() {
  hovered = -1;
  get("tip").hidden = true;
}
function hover(event) {
  const tip = get("tip");
  const found = event.buttons || event.target.closest("#labels") ? -1 : pictureAt(...at(event));
  if (found >= 0) {
    const [x, y] = at(event);
    const [w, h] = box();
    tip.style.transform = `translate(${x < w - 300 ? x + 14 : x - 284}px, ${y < h - 330 ? y + 14 : Math.max(y - 330, 0)}px)`;
  }
  if (found === hovered) return;
  hovered = found;
  tip.hidden = found < 0;
  if (found < 0) return;
  const image = make("img", { alt: "" });
  const shown = facts(found).slice(0, 6).map(([, text]) => text.length > 120 ? `${text.slice(0, 119)}…` : text);
  tip.replaceChildren(image, ...shown.map((text) => make("div", { textContent: text })));
  large(found).then((data) => { image.src = `data:image/jpeg;base64,${data}`; }).catch(tell);
}

// A lasso, drawn in screen pixels
let rope = null;
let pressed = null;
function inside([x, y], corners) {
  let odd = false;
  corners.forEach(([ax, ay], k) => {
    const [bx, by] = corners[(k + 1) % corners.length];
    if ((ay > y) !== (by > y) && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) odd = !odd;
  });
  return odd;
}
function lasso(on) {
  get("lasso").setAttribute("aria-pressed", String(on));
  container.classList.toggle("lasso", on);
  instance.setProps({ views: plane(!on) });
}
get("lasso").onclick = () => lasso(get("lasso").getAttribute("aria-pressed") !== "true");
function drawRope() {
  get("rope").setAttribute("d", rope?.length ? `M${rope.map((p) => p.join(" ")).join("L")}Z` : "");
}
container.addEventListener("pointerdown", (event) => {
  if (event.target.closest("#labels button")) return;
  pressed = at(event);
  if (!container.classList.contains("lasso")) return;
  rope = [pressed];
  container.setPointerCapture(event.pointerId);
});
container.addEventListener("pointermove", (event) => {
  if (!rope) return hover(event);
  rope.push(at(event));
  drawRope();
});
container.addEventListener("pointerup", (event) => {
  const path = [...(rope ?? []), at(event)];
  const moved = pressed && path.some(([x, y]) => Math.hypot(x - pressed[0], y - pressed[1]) > 4);
  if (rope && moved) {
    const caught = everything.filter((i) => inside(screen(i), rope));
    choose(caught, "lasso");
    lasso(false);
  } else if (pressed && !moved && !rope) {
    const found = pictureAt(...at(event));
    if (found >= 0) open(found);
  }
  rope = pressed = null;
  drawRope();
});
container.addEventListener("pointercancel", () => {  // a palm, or a gesture of the system
  rope = pressed = null;
  drawRope();
});
container.addEventListener("pointerleave", unhover);

// The keyboard
const step = () => 60 / 2 ** state.view.zoom;
const keys = {
  ArrowLeft: () => [-step(), 0, 0], ArrowRight: () => [step(), 0, 0],
  ArrowUp: () => [0, step(), 0], ArrowDown: () => [0, -step(), 0],
  "+": () => [0, 0, 0.5], "=": () => [0, 0, 0.5], "-": () => [0, 0, -0.5],
};
container.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target !== container) return;
  if (event.key === "Escape") get("clear").click();
  else if (event.key === "0") whole();
  else if (event.key === "Enter") {
    const found = pictureAt(...box().map((side) => side / 2));
    if (found >= 0) open(found);
  } else if (keys[event.key]) {
    const [x, y, zoom] = keys[event.key]();
    fly([state.view.target[0] + x, state.view.target[1] + y], state.view.zoom + zoom);
  } else return;
  event.preventDefault();
});

choose(null);
start().then(() => {
  listGroups();
  listSpots();
  document.body.dataset.ready = "yes";
  later();
}).catch(tell);
