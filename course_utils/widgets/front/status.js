// One line of text that screen readers speak when it changes.
function render({ model, el }) {
  const line = document.createElement("p");
  line.className = "course-status";
  line.setAttribute("role", "status");
  const show = () => { line.textContent = model.get("text"); };
  model.on("change:text", show);
  show();
  el.append(line);
  // What has the focus gets its keys, and JupyterLab takes none for its shortcuts.
  const keepKeys = ({ target }) => {
    if (target.closest(".course-explorer")) target.dataset.lmSuppressShortcuts = "true";
  };
  document.addEventListener("focusin", keepKeys);
  return () => document.removeEventListener("focusin", keepKeys);
}
export default { render };
