// The mark of each class and cluster: colour and shape as the course's figures draw them.

const SHAPES = { // by matplotlib's names, in a square of 16
  o: "M8 1a7 7 0 1 0 .01 0z",
  s: "M1.5 1.5h13v13h-13z",
  D: "M8 0 16 8 8 16 0 8z",
  "^": "M8 .5 15.5 14.5H.5z",
  v: "M8 15.5.5 1.5h15z",
  P: "M5.5.5h5v5h5v5h-5v5h-5v-5h-5v-5h5z",
  X: "M4.5.5 8 4l3.5-3.5 4 4L12 8l3.5 3.5-4 4L8 12l-3.5 3.5-4-4L4 8 .5 4.5z",
  "*": "M8 0l2 5.5 6 .2-4.7 3.7 1.7 6L8 12l-5 3.4 1.7-6L0 5.7l6-.2z",
  x: "M1.5 3 3 1.5l5 5 5-5L14.5 3l-5 5 5 5-1.5 1.5-5-5-5 5L1.5 13l5-5z",
};

const SIDE = 64; // pixels of a mark in its atlas
const MARKS_PER_ROW = 8;
const atlases = [];

/** All marks of a group of labels, on one canvas: {canvas, mapping}, by number of the entry. */
function marksOf(group) {
  atlases[group] ??= (() => {
    const looks = new Map();
    for (const { colour, marker } of about.groups[group].entries) looks.set(colour + marker, { colour, marker });
    const canvas = document.createElement("canvas");
    canvas.width = SIDE * MARKS_PER_ROW;
    canvas.height = SIDE * Math.ceil(looks.size / MARKS_PER_ROW);
    const brush = canvas.getContext("2d");
    brush.lineJoin = "round";
    const mapping = {};
    [...looks.entries()].forEach(([key, { colour, marker }], at) => {
      const [x, y] = [(at % MARKS_PER_ROW) * SIDE, Math.floor(at / MARKS_PER_ROW) * SIDE];
      const scale = (0.7 * SIDE) / 16;
      brush.setTransform(scale, 0, 0, scale, x + 0.15 * SIDE, y + 0.15 * SIDE);
      const path = new Path2D(SHAPES[marker]);
      for (const [stroke, width] of [["#fff", 5], [about.outline, 2.5]]) { // a rim on any image
        brush.strokeStyle = stroke;
        brush.lineWidth = width;
        brush.stroke(path);
      }
      brush.fillStyle = colour;
      brush.fill(path);
      mapping[key] = { x, y, width: SIDE, height: SIDE };
    });
    return { canvas, mapping };
  })();
  return atlases[group];
}

/** The mark of one entry, for a list. */
function mark({ colour, marker }) {
  const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  picture.setAttribute("viewBox", "-1 -1 18 18");
  picture.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", SHAPES[marker]);
  path.setAttribute("fill", colour);
  picture.append(path);
  return picture;
}
