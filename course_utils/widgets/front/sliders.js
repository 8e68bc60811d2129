// A slider per name, each over a list of values, and the figure for where they are.
function render({ model, el }) {
  const board = element("div", "course-card");
  const group = element("div", "course-sliders");
  const image = element("img", "course-figure");
  const inputs = {};
  for (const [name, values] of model.get("choices")) {
    const label = element("label", "course-slider");
    const input = inputs[name] = element("input");
    const value = element("output");
    Object.assign(input, { type: "range", min: 0, max: values.length - 1, step: 1 });
    const tell = () => {
      value.textContent = values[input.value];
      input.setAttribute("aria-valuetext", values[input.value]);
    };
    input.addEventListener("input", tell);
    input.addEventListener("change", () => {
      model.set("at", { ...model.get("at"), [name]: Number(input.value) });
      model.save_changes();
    });
    input.tell = tell;
    label.append(element("span", "", name), input, value);
    group.append(label);
  }
  const place = () => {
    for (const [name, at] of Object.entries(model.get("at"))) {
      inputs[name].value = at;
      inputs[name].tell();
    }
  };
  const show = () => {
    image.src = model.get("src");
    image.alt = model.get("alt");
    image.style.width = `${model.get("width")}px`;
  };
  model.on("change:at", place);
  model.on("change:src", show);
  place();
  show();
  board.append(group, image);
  el.append(board);
}
export default { render };
