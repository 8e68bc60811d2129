// Rows of pictures, every one a button. One stop of the Tab key; the arrow keys, Home and
// End walk among the pictures.
function pictureButton(picture, model) {
  const button = element("button", "course-picture");
  button.type = "button";
  button.tabIndex = -1;
  button.title = picture.label;
  button.dataset.id = picture.id;
  const image = element("img", "");
  image.src = picture.src;
  image.alt = picture.label;
  button.append(image);
  if (picture.odd) button.classList.add("course-odd");
  if (picture.badge) {
    const badge = element("span", "course-badge", picture.badge);
    badge.setAttribute("aria-hidden", "true"); // the label says it in words
    button.append(badge);
  }
  if (picture.note) button.append(element("span", "course-note", picture.note));
  button.addEventListener("click", () => model.send({ clicked: picture.id }));
  return button;
}

function pictureRow(row, model) {
  const group = element("div", "course-row");
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", `${row.heading}. ${row.note}`);
  const heading = element("div", "course-heading");
  const notes = row.note ? row.note.split("\n") : [];
  heading.title = [row.heading, ...notes].join("\n"); // whole, where it is cut
  heading.append(element("strong", "", row.heading),
    ...notes.map((note) => element("span", "", note)));
  const pictures = element("div", "course-pictures");
  pictures.append(...row.pictures.map((picture) => pictureButton(picture, model)));
  group.append(heading, pictures);
  return group;
}

function neighbour(buttons, from, key) {
  const { top, left } = from.getBoundingClientRect();
  const place = buttons.indexOf(from);
  if (key === "ArrowRight") return buttons[place + 1];
  if (key === "ArrowLeft") return buttons[place - 1];
  if (key === "Home") return buttons[0];
  if (key === "End") return buttons.at(-1);
  const below = key === "ArrowDown";
  const others = buttons.map((button) => ({ button, at: button.getBoundingClientRect() }));
  const rows = others.filter(({ at }) => (below ? at.top > top + 4 : at.top < top - 4));
  const nearest = (below ? Math.min : Math.max)(...rows.map(({ at }) => at.top));
  return rows
    .filter(({ at }) => Math.abs(at.top - nearest) < 4)
    .sort((a, b) => Math.abs(a.at.left - left) - Math.abs(b.at.left - left))[0]?.button;
}

const SHORT = 12; // pictures: where there is little room, such rows scroll sideways
const KEYS = ["ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp", "Home", "End"];

function render({ model, el }) {
  const card = element("div", "course-card course-rows");
  const buttons = () => [...card.querySelectorAll("button")];
  const makeStop = oneStop(card, buttons);
  const markChosen = () => {
    const chosen = String(model.get("chosen"));
    for (const button of buttons())
      button.setAttribute("aria-pressed", button.dataset.id === chosen);
  };
  const show = () => {
    card.replaceChildren(...model.get("rows").map((row) => pictureRow(row, model)));
    card.hidden = !model.get("rows").length;
    const short = ({ pictures }) => pictures.length <= SHORT;
    card.classList.toggle("course-short", model.get("rows").every(short));
    makeStop(buttons()[0]);
    markChosen();
  };
  card.addEventListener("keydown", (event) => {
    const from = event.target.closest("button");
    if (!from || !KEYS.includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    neighbour(buttons(), from, event.key)?.focus();
  });
  model.on("change:rows", show);
  model.on("change:chosen", markChosen);
  show();
  el.append(card);
}
export default { render };
