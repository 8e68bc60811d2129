// Scores as a table: a row is a representation with an algorithm, a cell is a strip from
// the worst to the best seed with a mark at the mean, and the mean as a number. A title
// sorts by its score; a row tells all its numbers, and a click on it asks Python.
const KEYS = { ArrowDown: 1, ArrowUp: -1 };

function withRole(role, tag, className = "", text = "") {
  const made = element(tag, className, text);
  made.setAttribute("role", role);
  return made;
}

// Children of an SVG that is as wide as its cell: x in per cent, y in pixels.
function strip(cell, look, score) {
  const made = svg("svg", { class: "course-strip", "aria-hidden": "true" });
  const at = (value) => `${(100 * (value - score.low)) / (score.high - score.low)}%`;
  const upright = (value, className) =>
    svg("line", { x1: at(value), x2: at(value), y1: 0, y2: "100%", class: className });
  made.append(...score.ticks.map((tick) => upright(tick, "course-grid")));
  if (!cell) return made;
  if (cell.chance !== null) made.append(upright(cell.chance, "course-chance"));
  const middle = svg("svg", { x: at(cell.mean), y: "50%", overflow: "visible" });
  middle.append(mark(look, { transform: "scale(1.15)" }));
  made.append(
    svg("line", { x1: at(cell.low), x2: at(cell.high), y1: "50%", y2: "50%",
      class: "course-span", style: `stroke: ${look[0]}` }),
    middle,
  );
  return made;
}

function axis(score) {
  const made = svg("svg", { class: "course-strip course-axis", "aria-hidden": "true" });
  score.ticks.forEach((tick, i) => {
    const x = `${(100 * (tick - score.low)) / (score.high - score.low)}%`;
    const anchor = i ? (i === score.ticks.length - 1 ? "end" : "middle") : "start";
    made.append(svg("text", { x, y: 12, "text-anchor": anchor }, String(tick)));
  });
  return made;
}

function sentence(line, scores) {
  const told = line.cells.map((cell, i) => {
    if (!cell) return `${scores[i].title} not known`;
    const range = cell.low === cell.high ? "" :
      ` (${cell.low.toFixed(3)} to ${cell.high.toFixed(3)})`;
    const chance = cell.chance === null ? "" : `, chance ${cell.chance.toFixed(3)}`;
    return `${scores[i].title} ${cell.mean.toFixed(3)}${range}${chance}`;
  });
  const runs = `${line.n} ${line.n === 1 ? "run" : "runs"}`;
  return `${line.names.join(" · ")}, ${runs}: ${told.join(", ")}.`;
}

function legend(model) {
  const made = element("p", "course-legend");
  const entry = (drawing, text) => {
    const part = element("span");
    const icon = svg("svg", { viewBox: "-8 -8 16 16", width: 16, height: 16, "aria-hidden": "true" });
    icon.append(drawing);
    part.append(icon, text);
    return part;
  };
  made.append(...model.get("legend").map(([name, look]) => entry(mark(look), name)));
  if (model.get("lines").some((line) => line.cells.some((cell) => cell && cell.chance !== null)))
    made.append(entry(svg("line", { x1: 0, x2: 0, y1: -8, y2: 8, class: "course-chance" }), "chance"));
  return made;
}

function render({ model, el }) {
  const card = element("div", "course-card course-board");
  const readout = element("p", "course-readout");
  readout.setAttribute("role", "status");
  const table = withRole("table", "div", "course-scores");
  const buttons = () => [...table.querySelectorAll(".course-line")];
  const makeStop = oneStop(table, buttons);
  let told = null; // the id of the line that the readout tells

  const sorted = () => {
    const number = model.get("scores").findIndex((score) => score.key === model.get("sort"));
    const value = (line) => line.cells[number]?.mean ?? -Infinity;
    return [...model.get("lines")].sort((a, b) => value(b) - value(a));
  };
  const tell = (id) => {
    const line = model.get("lines").find((each) => each.id === id);
    const click = model.get("clickable") ? " Click to see the clusters." : "";
    told = line ? id : null;
    readout.textContent = line ? sentence(line, model.get("scores")) + click
      : "Point at a row for its numbers, click a score to sort by it.";
    for (const row of table.querySelectorAll("[data-id]"))
      row.classList.toggle("course-told", Number(row.dataset.id) === told);
  };
  const titleRow = () => {
    const row = withRole("row", "div", "course-titles");
    row.append(withRole("columnheader", "div", "course-name", "Representation · algorithm"));
    for (const score of model.get("scores")) {
      const cell = withRole("columnheader", "div", "course-title");
      const here = score.key === model.get("sort");
      const button = element("button", "course-small", score.title + (here ? " ▼" : ""));
      button.type = "button";
      button.title = `Sort by ${score.title}`;
      cell.setAttribute("aria-sort", here ? "descending" : "none");
      button.addEventListener("click", () => {
        model.set("sort", score.key);
        model.save_changes();
        [...table.querySelectorAll(".course-title button")]
          [model.get("scores").indexOf(score)]?.focus();
      });
      cell.append(button, axis(score));
      row.append(cell);
    }
    return row;
  };
  const lineRow = (line) => {
    const row = withRole("row", "div", "course-body");
    row.dataset.id = line.id;
    const head = withRole("rowheader", "div", "course-name");
    const button = element("button", "course-line");
    button.type = "button";
    button.title = line.names.join(" · ");
    button.append(element("strong", "", line.names[0]), element("span", "", line.names[1]));
    head.append(button);
    row.append(head);
    line.cells.forEach((cell, i) => {
      const score = model.get("scores")[i];
      const made = withRole("cell", "div", "course-cell");
      made.append(element("span", "course-label", score.title), strip(cell, line.look, score),
        element("span", "course-value", cell ? cell.mean.toFixed(2) : "–"));
      row.append(made);
    });
    button.addEventListener("focus", () => tell(line.id));
    row.addEventListener("pointerenter", () => tell(line.id));
    row.addEventListener("click", () => {
      tell(line.id);
      if (model.get("clickable")) model.send({ clicked: line.id });
    });
    return row;
  };
  const markChosen = () => {
    for (const row of table.querySelectorAll("[data-id]")) {
      const chosen = Number(row.dataset.id) === model.get("chosen");
      row.classList.toggle("course-chosen", chosen);
      if (model.get("clickable"))
        row.querySelector("button").setAttribute("aria-pressed", chosen);
    }
  };
  const show = () => {
    const lines = sorted();
    card.hidden = !lines.length;
    table.style.setProperty("--course-n", model.get("scores").length);
    table.setAttribute("aria-label", model.get("alt"));
    table.replaceChildren(titleRow(), ...lines.map(lineRow));
    card.replaceChildren(legend(model), readout, table);
    makeStop(buttons()[0]);
    markChosen();
    tell(told);
  };
  table.addEventListener("keydown", (event) => {
    const from = event.target.closest(".course-line");
    if (!from || !(event.key in KEYS)) return;
    event.preventDefault();
    event.stopPropagation();
    buttons()[buttons().indexOf(from) + KEYS[event.key]]?.focus();
  });
  model.on("change:lines change:sort", show);
  model.on("change:chosen", markChosen);
  show();
  el.append(card);
}
export default { render };
