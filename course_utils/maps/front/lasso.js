// The lasso: a rope drawn by mouse, pen or finger, in screen pixels.

const at = (event) => {
  const corner = container.getBoundingClientRect();
  return [event.clientX - corner.left, event.clientY - corner.top];
};

let rope = null;
let pressed = null; // where the pointer went down

/** How often a closed rope winds around a place; where it crosses itself, inside stays inside. */
function winding([x, y], corners) {
  let turns = 0;
  corners.forEach(([ax, ay], k) => {
    const [bx, by] = corners[(k + 1) % corners.length];
    const side = (bx - ax) * (y - ay) - (x - ax) * (by - ay);
    if (ay <= y && by > y && side > 0) turns += 1;
    if (ay > y && by <= y && side < 0) turns -= 1;
  });
  return turns;
}

/** Switch lasso mode on or off; the map stands still in it. */
function lasso(on) {
  get("lasso").setAttribute("aria-pressed", String(on));
  container.classList.toggle("lasso", on);
  instance.setProps({ views: plane(!on) });
  if (!on) drop();
}
const lassoing = () => container.classList.contains("lasso");

function drawRope() {
  get("rope").setAttribute("d", rope?.length ? `M${rope.map((p) => p.join(" ")).join("L")}Z` : "");
}
function drop() {
  rope = pressed = null;
  drawRope();
}

/** Follow one pointer; tapped is called for a click that is no rope. */
function listenForRopes(tapped) {
  const ours = (event) => event.isPrimary && event.button <= 0;
  container.addEventListener("pointerdown", (event) => {
    if (!ours(event) || event.target.closest("#labels button, #overview, #album")) return;
    pressed = at(event);
    if (!lassoing()) return;
    rope = [pressed];
    container.setPointerCapture(event.pointerId); // the rope may leave the map
  });
  container.addEventListener("pointermove", (event) => {
    if (!rope || !event.isPrimary) return;
    const passed = event.getCoalescedEvents?.() ?? [];
    rope.push(...(passed.length ? passed : [event]).map(at)); // a fast hand leaves few events
    drawRope();
  });
  container.addEventListener("pointerup", (event) => {
    if (!ours(event)) return;
    const path = [...(rope ?? []), at(event)];
    const moved = pressed && path.some(([x, y]) => Math.hypot(x - pressed[0], y - pressed[1]) > 4);
    if (rope && moved) {
      choose(everything.filter((i) => winding(screen(i), path)), "lasso", { add: adding(event) });
      lasso(false);
    } else if (pressed && !moved && !rope) tapped(event);
    drop();
  });
  container.addEventListener("pointercancel", drop); // a palm, or a gesture of the system
}
