// The region of each centre: the part of a rectangle that is nearer to it than to any
// other centre (a Voronoi cell), as a list of corners; empty where centres coincide.
function regions(centres, [left, right, lower, upper]) {
  const whole = [[left, lower], [right, lower], [right, upper], [left, upper]];
  return centres.map((own, i) => centres.reduce(
    (corners, other, j) => (i === j ? corners : nearer(corners, own, other, i < j)), whole));
}

// The part of a convex polygon that is nearer to one centre than to another.
function nearer(corners, [x, y], [otherX, otherY], first) {
  const across = [otherX - x, otherY - y];
  if (!across[0] && !across[1]) return first ? corners : []; // ties go to the lower number
  const middle = [(x + otherX) / 2, (y + otherY) / 2];
  const beyond = (corner) =>
    (corner[0] - middle[0]) * across[0] + (corner[1] - middle[1]) * across[1];
  return corners.flatMap((corner, i) => {
    const next = corners[(i + 1) % corners.length];
    const [here, there] = [beyond(corner), beyond(next)];
    const kept = here <= 0 ? [corner] : [];
    if (here < 0 !== there < 0 && here !== there) {
      const share = here / (here - there);
      kept.push(corner.map((value, axis) => value + share * (next[axis] - value)));
    }
    return kept;
  });
}
