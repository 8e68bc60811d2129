// What happens when somebody does something.

get("title").textContent = about.title;
get("subtitle").textContent = `${count(n)} · ${about.subtitle}`;

function radio(parent, name, value, title, action) {
  const input = make("input", { type: "radio", name, value, onchange: action });
  get(parent).append(make("label", {}, input, title));
  return input;
}
const layoutRadios = about.layouts.map((layout, number) => radio("layouts", "layout", layout.name, layout.title, () => {
  arrange(number);
  listGroups();
  remember();
  state.chosen?.size ? flyTo([...state.chosen]) : whole();
}));
const colourRadios = [{ key: "nothing" }, ...about.groups].map(({ key }, number) => radio("colours", "colour", key, key, () => {
  state.group = number - 1;
  listGroups();
  remember();
  draw();
  document.dispatchEvent(new Event("chosen"));
}));
layoutRadios[0].checked = colourRadios[0].checked = true;

// The address: #layout=grid&colour=class&q=coin opens the map there
function remember() {
  const parts = new URLSearchParams();
  if (state.layout > 0) parts.set("layout", about.layouts[state.layout].name);
  if (state.group >= 0) parts.set("colour", about.groups[state.group].key);
  if (get("search").value.trim()) parts.set("q", get("search").value.trim());
  try {
    window.history.replaceState(null, "", `#${parts}`);
  } catch { /* a page inside another one may not */ }
}
function recall() {
  const parts = new URLSearchParams(location.hash.slice(1));
  const press = (radios, value) => radios.find((input) => input.value === value && !input.checked)?.click();
  press(layoutRadios, parts.get("layout") ?? layoutRadios[0].value);
  press(colourRadios, parts.get("colour") ?? "nothing");
  const query = parts.get("q") ?? "";
  if (query === get("search").value) return;
  get("search").value = query;
  find();
}
window.addEventListener("hashchange", recall);

function find() {
  const query = get("search").value.trim();
  choose(search(query), query && `“${query}”`, { replace: state.why.startsWith("“") }); // one Undo for a word
  remember();
}
get("tools").onsubmit = (event) => {
  event.preventDefault();
  if (state.chosen?.size) flyTo([...state.chosen]);
};
get("search").oninput = find;
get("size").oninput = () => { state.size = Number(get("size").value); draw(); later(); };
get("whole").onclick = () => whole();
get("lasso").onclick = () => lasso(!lassoing());
get("download").onclick = download;
get("visible").onclick = () => choose(visible(), "visible", { add: adding() });
get("undo").onclick = () => { undo(); remember(); };
get("clear").onclick = () => { get("search").value = ""; choose(null); remember(); };
get("close").onclick = close;
get("show-labels").onchange = placeLabels;
document.addEventListener("moved", () => { placeLabels(); placeRing(); drawOverview(); unhover(); });
darkness.addEventListener("change", () => { instance?.setProps({ views: plane(!lassoing()) }); draw(); });

// Under the pointer
let hovered = -1;
function unhover() {
  hovered = -1;
  get("tip").hidden = true;
}
const brief = (text) => (text.length > 90 ? `${text.slice(0, 89)}…` : text);
function hover(event) {
  const tip = get("tip");
  const covered = event.buttons || lassoing() || event.target.closest("#labels, #overview, #album");
  const found = covered ? -1 : pictureAt(...at(event));
  if (found !== hovered) {
    hovered = found;
    tip.hidden = found < 0;
    if (found < 0) return;
    const image = make("img", { alt: "" });
    const [[, file], ...others] = facts(found);
    tip.replaceChildren(image, ...others.map(([, text]) => make("div", { textContent: brief(text) })),
      make("div", { className: "file", textContent: brief(file) }));
    large(found).then((data) => { image.src = `data:image/jpeg;base64,${data}`; }).catch(tell);
  }
  if (found < 0) return;
  const [x, y] = at(event);
  const [w, h] = box();
  const [wide, high] = [tip.offsetWidth, Math.max(tip.offsetHeight, 170)];
  tip.style.transform = `translate(${x + 24 + wide < w ? x + 24 : x - 24 - wide}px, ${y + 12 + high < h ? y + 12 : Math.max(y - 12 - high, 0)}px)`;
}
container.addEventListener("pointermove", (event) => {
  if (!rope && event.pointerType !== "touch") hover(event);
});
container.addEventListener("pointerleave", unhover);
listenForRopes((event) => {
  const found = pictureAt(...at(event));
  if (found < 0) return;
  unhover();
  if (event.shiftKey) choose([found], titleOf(found), { add: true });
  else open(found);
});

// The keyboard
const step = () => 60 / 2 ** state.view.zoom;
const keys = {
  ArrowLeft: () => [-step(), 0, 0], ArrowRight: () => [step(), 0, 0],
  ArrowUp: () => [0, step(), 0], ArrowDown: () => [0, -step(), 0],
  "+": () => [0, 0, 0.5], "=": () => [0, 0, 0.5], "-": () => [0, 0, -0.5],
};
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && lassoing()) {
    lasso(false);
    event.stopImmediatePropagation();
  }
}, true);
container.addEventListener("keydown", (event) => {
  if (!instance || event.ctrlKey || event.metaKey || event.altKey || event.target !== container) return;
  if (event.key === "Escape") get("clear").click();
  else if (event.key === "0") whole();
  else if (event.key === "Enter") {
    const found = pictureAt(...box().map((side) => side / 2));
    open(found >= 0 ? found : nearestImage(state.view.target)[0]);
  } else if (keys[event.key]) {
    const [x, y, zoom] = keys[event.key]();
    fly([state.view.target[0] + x, state.view.target[1] + y], state.view.zoom + zoom);
  } else return;
  event.preventDefault();
});

show(null, "");
start().catch((error) => {
  tell(error);
  return showAlbum();
}).then(() => {
  listGroups();
  listSpots();
  recall();
  document.body.dataset.ready = "yes";
  if (instance) later();
}).catch(tell);
