// A table of counts; every count above 0 is a button. One stop of the Tab key, the arrow
// keys walk from count to count.
function cell(tag, text, className = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = className;
  return made;
}

function heading(text, scope) {
  const made = cell("th", "");
  made.scope = scope;
  const inner = cell("span", text); // cut off where it is long, whole in its title
  inner.title = text;
  made.append(inner);
  return made;
}

function countCell(count, row, column, table, model) {
  if (!count) return cell("td", "·", "course-none");
  const made = cell("td", "");
  const button = cell("button", count);
  const most = count === Math.max(...row.counts);
  button.type = "button";
  button.tabIndex = -1;
  button.dataset.cell = JSON.stringify([row.id, column]);
  const which = `${row.name}, class ${table.columns[column]}`;
  const label = `${which}: ${count}${most ? ", the most of this cluster" : ""}`;
  button.setAttribute("aria-label", label);
  button.title = label;
  const share = count / row.total;
  button.style.background = `rgba(0, 114, 178, ${(0.5 * share).toFixed(3)})`;
  if (most) button.classList.add("course-most");
  button.addEventListener("click", () => model.send({ cell: [row.id, column] }));
  made.append(button);
  return made;
}

function build(table, model) {
  const made = cell("table", "");
  made.append(cell("caption", table.caption));
  const titles = made.createTHead().insertRow();
  for (const text of ["", ...table.columns, "pictures", "purity"])
    titles.append(heading(text, "col"));
  const body = made.createTBody();
  for (const row of table.rows) {
    const line = body.insertRow();
    line.append(heading(row.name, "row"));
    row.counts.forEach((count, column) =>
      line.append(countCell(count, row, column, table, model)));
    line.append(cell("td", row.total), cell("td", row.purity));
  }
  return made;
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
  const card = cell("div", "", "course-card course-table");
  const buttons = () => [...card.querySelectorAll("button")];
  const makeStop = (stop) => {
    for (const button of buttons()) button.tabIndex = button === stop ? 0 : -1;
  };
  const markChosen = () => {
    const chosen = JSON.stringify(model.get("chosen"));
    for (const button of buttons())
      button.setAttribute("aria-pressed", button.dataset.cell === chosen);
  };
  const show = () => {
    card.replaceChildren(build(model.get("table"), model));
    makeStop(buttons()[0]);
    markChosen();
  };
  card.addEventListener("focusin", (event) => makeStop(event.target.closest("button")));
  card.addEventListener("keydown", (event) => {
    const from = event.target.closest("button");
    if (!from || !(event.key in STEPS)) return;
    event.preventDefault();
    event.stopPropagation();
    next(card.querySelector("table"), from, STEPS[event.key])?.focus();
  });
  model.on("change:table", show);
  model.on("change:chosen", markChosen);
  show();
  el.append(card);
}
export default { render };
