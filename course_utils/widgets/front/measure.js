// Tells Python how wide the notebook is, now and whenever that changes.
function render({ model, el }) {
  let timer;
  const observer = new ResizeObserver(([{ contentRect }]) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const width = Math.round(contentRect.width);
      if (!width || width === model.get("width")) return;
      model.set("width", width);
      model.save_changes();
    }, 150);
  });
  el.style.width = "100%";
  observer.observe(el);
  return () => { clearTimeout(timer); observer.disconnect(); };
}
export default { render };
