// A picture of a chart with its text alternative, and its numbers to unfold.
function render({ model, el }) {
  const card = document.createElement("div");
  card.className = "course-card";
  const image = document.createElement("img");
  image.className = "course-chart";
  const details = document.createElement("details");
  const summary = document.createElement("summary");
  summary.textContent = "The numbers of the chart";
  const table = document.createElement("table");
  details.append(summary, table);
  const show = () => {
    image.src = model.get("src");
    image.alt = model.get("alt");
    card.hidden = !model.get("src");
    table.replaceChildren();
    model.get("rows").forEach((row, number) => {
      const line = table.insertRow();
      for (const value of row) {
        const made = document.createElement(number ? "td" : "th");
        made.textContent = value;
        line.append(made);
      }
    });
  };
  model.on("change:src change:rows", show);
  show();
  card.append(image, details);
  el.append(card);
}
export default { render };
