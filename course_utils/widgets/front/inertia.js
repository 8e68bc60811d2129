// The inertia after each step as a curve with its numbers; steps taken back are faint.
const [WIDE, HIGH] = [320, 300];
const BOX = { left: 56, right: WIDE - 22, top: 34, bottom: HIGH - 62 };

function short(value) {
  if (value && (Math.abs(value) >= 1e5 || Math.abs(value) < 0.01)) return value.toExponential(1);
  return Number(value.toPrecision(3)).toString();
}

// The places of the numbers to write: all of a few, else the first and the one shown.
function told(history, at) {
  if (history.length <= 5) return history.map((_, i) => i);
  return [...new Set([0, at - 1, history.length - 1])].filter((i) => i >= 0)
    .filter((i, place, all) => !place || i - all[place - 1] > 2 || i === at - 1);
}

function stepMark(step, [x, y], state) {
  const made = step.name === "update"
    ? svg("rect", { x: x - 4.5, y: y - 4.5, width: 9, height: 9 })
    : svg("circle", { cx: x, cy: y, r: 5 });
  made.setAttribute("class", `course-step course-${step.name} ${state}`);
  made.append(svg("title", {}, `${step.name}: ${short(step.inertia)}`));
  return made;
}

function drawInertia(chart, history, at) {
  const { left, right, top, bottom } = BOX;
  const highest = Math.max(...history.map((step) => step.inertia), 1e-12);
  const across = (i) => left + 14 + (i * (right - left - 28)) / Math.max(history.length - 1, 7);
  const up = (value) => bottom - (value / highest) * (bottom - top - 12);
  const places = history.map((step, i) => [across(i), up(step.inertia)]);
  const text = (x, y, words, more = {}) => svg("text", { x, y, ...more }, words);
  const parts = [text(0, 15, "Inertia after each step", { class: "course-title" })];
  for (const value of [0, highest / 2, highest]) {
    const y = up(value);
    parts.push(svg("path", { class: "course-grid", d: `M${left} ${y}H${right}` }));
    parts.push(text(left - 7, y + 4, short(value), { "text-anchor": "end" }));
  }
  const every = Math.ceil(history.length / 6);
  history.forEach((_, i) => {
    if (i % every === 0)
      parts.push(text(across(i), bottom + 17, i + 1, { "text-anchor": "middle" }));
  });
  parts.push(text((left + right) / 2, bottom + 34, "step", { "text-anchor": "middle" }));
  parts.push(
    stepMark({ name: "assignment", inertia: 0 }, [left, HIGH - 8], "course-key"),
    text(left + 11, HIGH - 4, "assignment"),
    stepMark({ name: "update", inertia: 0 }, [left + 112, HIGH - 8], "course-key"),
    text(left + 123, HIGH - 4, "update"),
  );
  const curve = (from, to, name) => svg("polyline", {
    class: `course-curve ${name}`, points: places.slice(from, to).map(String).join(" ") });
  parts.push(curve(Math.max(at - 1, 0), history.length, "course-later"), curve(0, at, ""));
  history.forEach((step, i) => {
    const state = i + 1 === at ? "course-now" : i + 1 > at ? "course-later" : "";
    parts.push(stepMark(step, places[i], state));
  });
  for (const i of told(history, at)) {
    const [x, y] = places[i];
    parts.push(text(x, y - 10, short(history[i].inertia), {
      "text-anchor": "middle", class: i + 1 === at ? "course-told course-now" : "course-told" }));
  }
  chart.replaceChildren(...parts);
}
