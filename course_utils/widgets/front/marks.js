// The marker of a class or a cluster, by matplotlib's code, as a path around (0, 0).
// Colour and code come from Python (plots.look); the outline is the style sheet's.
const PATHS = {
  "o": "M-4.4 0a4.4 4.4 0 1 0 8.8 0a4.4 4.4 0 1 0-8.8 0z",
  "s": "M-4-4h8v8h-8z",
  "D": "M0-5.6l5.6 5.6l-5.6 5.6l-5.6-5.6z",
  "^": "M0-5.4l5.2 9.4h-10.4z",
  "v": "M0 5.4l5.2-9.4h-10.4z",
  "P": "M-1.8-5.2h3.6v3.4h3.4v3.6h-3.4v3.4h-3.6v-3.4h-3.4v-3.6h3.4z",
  "X": "M-5.2-3.2l2-2l3.2 3.2l3.2-3.2l2 2l-3.2 3.2l3.2 3.2l-2 2l-3.2-3.2l-3.2 3.2l-2-2l3.2-3.2z",
  "*": "M0-6.4l1.6 4.2l4.5.2l-3.5 2.8l1.2 4.4l-3.8-2.5l-3.8 2.5l1.2-4.4l-3.5-2.8l4.5-.2z",
  "x": "M-4-4l8 8M-4 4l8-8",
};

function mark([colour, marker], attributes = {}) {
  const made = svg("path", { class: "course-mark", d: PATHS[marker], fill: colour, ...attributes });
  if (marker === "x") made.setAttribute("style", `stroke: ${colour}; stroke-width: 2`);
  return made;
}
