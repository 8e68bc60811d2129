// A table of counts with its totals and scores. Every count above 0 is a button that asks
// for its images; while the counts are edited, every count is a field. One stop of the
// Tab key for the buttons, the arrow keys walk from count to count.
function heading(text, scope) {
  const made = element("th");
  made.scope = scope;
  const inner = element("span", "", text); // cut off where it is long, whole in its title
  inner.title = text;
  made.append(inner);
  return made;
}

function countButton(count, place, label, model) {
  const made = element("button", "", count);
  made.type = "button";
  made.dataset.cell = JSON.stringify(place);
  made.setAttribute("aria-label", label);
  made.title = label;
  made.addEventListener("click", () => model.send({ cell: place }));
  return made;
}

function countField(place, label, model) {
  const made = element("input");
  let timer;
  made.type = "number";
  made.min = 0;
  made.dataset.cell = JSON.stringify(place);
  made.setAttribute("aria-label", label);
  made.addEventListener("input", () => { // as one types, not only at the end
    clearTimeout(timer);
    if (made.value === "") return;
    timer = setTimeout(() => model.send({ edit: [...place, Number(made.value)] }), 250);
  });
  made.addEventListener("keydown", (event) => event.stopPropagation()); // no shortcuts
  return made;
}

// The shade of a count and its frame: they change as counts are edited.
function dress(count, row, column) {
  const value = row.counts[column];
  count.classList.add("course-count");
  count.classList.toggle("course-most", value > 0 && value === Math.max(...row.counts));
  count.classList.toggle("course-edited", row.edited.includes(column));
  count.style.setProperty("--course-share", row.total ? value / row.total : 0);
}

function countCell(row, column, table, model) {
  const made = element("td");
  const count = row.counts[column];
  const which = `${row.name}, class ${table.columns[column]}`;
  if (table.editing) {
    made.append(countField([row.id, column], which, model));
  } else if (count) {
    const most = count === Math.max(...row.counts) ? ", the most of this cluster" : "";
    made.append(countButton(count, [row.id, column], `${which}: ${count}${most}`, model));
    dress(made.firstChild, row, column);
  } else {
    made.className = "course-none";
    made.textContent = "·";
  }
  return made;
}

function build(table, model) {
  const made = element("table");
  const titles = made.createTHead().insertRow();
  for (const text of ["cluster", ...table.columns, "images", "purity"])
    titles.append(heading(text, "col"));
  const body = made.createTBody();
  for (const row of table.rows) {
    const line = body.insertRow();
    line.append(heading(row.name, "row"));
    row.counts.forEach((_, column) => line.append(countCell(row, column, table, model)));
    line.append(element("td", "course-total"), element("td"));
  }
  const foot = made.createTFoot().insertRow();
  foot.append(heading("all clusters", "row"));
  for (const _ of table.totals) foot.append(element("td", "course-total"));
  foot.append(element("td", "course-total"), element("td"));
  return made;
}

// Writes what changes as counts are edited, and leaves alone the field that has the focus.
function fill(made, table) {
  table.rows.forEach((row, i) => {
    const line = made.tBodies[0].rows[i];
    line.querySelectorAll("input").forEach((field, column) => {
      if (field !== document.activeElement) field.value = row.counts[column];
      dress(field, row, column);
    });
    const [total, purity] = [...line.cells].slice(-2);
    [total.textContent, purity.textContent] = [row.total, row.purity];
  });
  const last = [...table.totals, table.total, table.purity];
  [...made.tFoot.rows[0].cells].slice(1).forEach((cell, i) => { cell.textContent = last[i]; });
}

function shades() {
  const made = element("span", "course-shades");
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    const part = element("span");
    part.style.setProperty("--course-share", share);
    made.append(part);
  }
  made.setAttribute("aria-hidden", "true");
  return made;
}

function caption(table) {
  return [`${table.caption} The bluer a cell, the larger its share of its cluster (its row): 0 % `,
    shades(), " 100 %. A thick frame marks the most frequent class of a cluster."];
}

// The scores of the whole table, with what they were before it was edited.
function scoreTiles(scores) {
  return scores.map(({ title, value, before }) => {
    const tile = element("li");
    tile.append(element("span", "course-before", title), element("strong", "", value),
      element("span", "course-before", before ? `was ${before}` : ""));
    return tile;
  });
}

const STEPS = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };

// The next count that way; in a column without one, the nearest count of that row.
function next(table, button, [down, right]) {
  const td = button.parentElement;
  const rows = [...table.tBodies[0].rows];
  if (right) {
    const inRow = [...td.parentElement.querySelectorAll("button")];
    return inRow[inRow.indexOf(button) + right];
  }
  const row = rows[rows.indexOf(td.parentElement) + down];
  const distance = (other) => Math.abs(other.parentElement.cellIndex - td.cellIndex);
  return row && [...row.querySelectorAll("button")].sort((a, b) => distance(a) - distance(b))[0];
}

function render({ model, el }) {
  const card = element("div", "course-card course-contingency");
  const tiles = element("ul", "course-tiles");
  const scroller = element("div", "course-table");
  const about = element("p", "course-caption");
  let built = ""; // the shape of the table of fields that is there
  card.append(tiles, scroller, about);
  const buttons = () => [...scroller.querySelectorAll("button")];
  const makeStop = oneStop(scroller, buttons);
  const markChosen = () => {
    const chosen = JSON.stringify(model.get("chosen"));
    for (const button of buttons())
      button.setAttribute("aria-pressed", button.dataset.cell === chosen);
  };
  const show = () => {
    const table = model.get("table");
    const shape = JSON.stringify([table.columns, table.rows.map((row) => row.id)]);
    if (!table.editing || shape !== built) scroller.replaceChildren(build(table, model));
    built = table.editing ? shape : "";
    fill(scroller.firstChild, table);
    tiles.replaceChildren(...scoreTiles(table.scores));
    about.replaceChildren(...caption(table));
    makeStop(buttons()[0]);
    markChosen();
  };
  scroller.addEventListener("keydown", (event) => {
    const from = event.target.closest("button");
    if (!from || !(event.key in STEPS)) return;
    event.preventDefault();
    event.stopPropagation();
    next(scroller.querySelector("table"), from, STEPS[event.key])?.focus();
  });
  model.on("change:table", show);
  model.on("change:chosen", markChosen);
  show();
  el.append(card);
}
export default { render };
