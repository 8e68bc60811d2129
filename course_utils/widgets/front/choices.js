// A group of check boxes, with "All" and "None" where there are many.
function render({ model, el }) {
  const group = element("fieldset", "course-choices");
  const boxes = element("div", "course-boxes");
  const send = (value) => { model.set("value", value); model.save_changes(); };
  const values = () => model.get("options").map(([, value]) => value);
  const build = () => {
    boxes.replaceChildren(...model.get("options").map(([text, value]) => {
      const label = element("label");
      const box = element("input");
      box.type = "checkbox";
      box.addEventListener("change", () => {
        const chosen = new Set(model.get("value"));
        chosen[box.checked ? "add" : "delete"](value);
        send(values().filter((each) => chosen.has(each)));
      });
      label.append(box, element("span", "", text));
      label.title = text;
      return label;
    }));
    if (values().length > 3) for (const [text, chosen] of [["All", values], ["None", () => []]]) {
      const button = element("button", "course-small", text);
      button.type = "button";
      button.setAttribute("aria-label", `${text}: ${model.get("description")}`);
      button.addEventListener("click", () => send(chosen()));
      boxes.append(button);
    }
    show();
  };
  const show = () => {
    const chosen = new Set(model.get("value"));
    boxes.querySelectorAll("input").forEach((box, i) => { box.checked = chosen.has(values()[i]); });
  };
  group.append(element("legend", "", model.get("description")), boxes);
  model.on("change:options", build);
  model.on("change:value", show);
  build();
  el.append(group);
}
export default { render };
