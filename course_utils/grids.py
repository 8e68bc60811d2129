"""Pictures side by side: a cell of its own for each, so that none covers another.

These are places of a plane, rearranged; `layouts` computes them from features.
"""

import numpy as np

GAP = 1  # empty cells between blocks
SHELF = 1.3  # shelves are so much wider than all of them are high, about


def unit(points):
    """The points scaled into the unit square, centred, their aspect ratio kept."""
    points = _points(points)
    if not len(points):
        return points.astype(np.float32)
    low, high = points.min(axis=0), points.max(axis=0)
    span = (high - low).max() or 1  # 1 if they all lie at one place
    return np.clip((points - (low + high) / 2) / span + 0.5, 0, 1).astype(np.float32)


def grid(points):
    """A cell of its own for every picture: whole numbers, float32 array (n, 2).

    The grid has ceil(√n) columns; only its lowest row, y = 0, may be incomplete, at the
    right. Neighbours stay near each other: the rectangle of cells is halved across its
    longer side and so are the pictures, by their order along that side, and both
    halves again. So only the order of the x and of the y counts. Pictures at one place
    are taken in their order. Source: the median splits of Bentley's k-d tree (1975).
    """
    points = _points(points)
    n_images = len(points)
    n_columns = int(np.ceil(np.sqrt(n_images)))
    n_rows = -(-n_images // max(n_columns, 1))
    in_lowest_row = n_images - n_columns * (n_rows - 1)
    cells = np.zeros((n_images, 2), np.float32)
    by_x, by_y = np.lexsort(points.T[::-1]), np.lexsort(points.T)
    order_x, order_y = np.argsort(by_x), np.argsort(by_y)

    def n_cells(left, right, low, high):
        absent = right - max(left, in_lowest_row) if low == 0 else 0
        return (right - left) * (high - low) - max(absent, 0)

    def fill(members, left, right, low, high):
        """Give the pictures the cells of columns left… and rows low…, ends excluded."""
        if len(members) <= 1:
            cells[members] = left, high - 1
            return
        across = right - left >= high - low
        members = members[np.argsort((order_x if across else order_y)[members])]
        middle = (left + right) // 2 if across else (low + high) // 2
        one = (left, middle, low, high) if across else (left, right, low, middle)
        other = (middle, right, low, high) if across else (left, right, middle, high)
        n_first = n_cells(*one)
        fill(members[:n_first], *one)
        fill(members[n_first:], *other)

    fill(np.arange(n_images), 0, n_columns, 0, n_rows)
    return cells


def grouped(labels, points=None):
    """Cells so that pictures of one label form a block: float32 array (n, 2).

    labels: one a picture, of any kind that can be sorted; -1 is noise and comes last.
    points: within its block, a picture lies as `grid` puts it; without them, in
    reading order. The blocks are about square and stand on shelves, the biggest first,
    with an empty cell or more between them.
    """
    labels = np.asarray(labels)
    if labels.ndim != 1:
        raise ValueError(f"labels have shape {labels.shape}: one a picture is needed.")
    points = None if points is None else _points(points)
    if points is not None and len(points) != len(labels):
        raise ValueError(f"{len(labels)} labels, but {len(points)} points.")
    try:
        groups, codes = np.unique(labels, return_inverse=True)
    except TypeError as error:
        raise ValueError(
            "labels of several kinds: take all int, or all str."
        ) from error
    members = [np.flatnonzero(codes == code) for code in range(len(groups))]
    noise = [label == -1 for label in groups.tolist()]
    order = sorted(range(len(groups)), key=lambda g: (noise[g], -len(members[g])))
    blocks = {g: _block(members[g], points) for g in order}
    sizes = {g: block.max(axis=0) + 1 for g, block in blocks.items()}
    area = sum(np.prod(size + GAP) for size in sizes.values())
    widest = max([np.sqrt(SHELF * area), *(width for width, _ in sizes.values())])
    places = np.zeros((len(labels), 2), np.float32)
    left = top = tallest = 0
    for g in order:
        width, height = sizes[g]
        if left + width > widest:  # the next shelf
            left, top, tallest = 0, top - tallest - GAP, 0
        places[members[g]] = blocks[g] + (left, top - height)
        left, tallest = left + width + GAP, max(tallest, height)
    return places - places.min(axis=0) if len(places) else places


def _block(members, points):
    if points is not None:
        return grid(points[members])
    n_columns = int(np.ceil(np.sqrt(len(members))))
    rows, columns = np.divmod(np.arange(len(members)), n_columns)
    return np.column_stack([columns, rows.max() - rows]).astype(np.float32)


def _points(points):
    points = np.asarray(points, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"points have shape {points.shape}: (n, 2) is needed.")
    if not np.isfinite(points).all():
        raise ValueError("points hold NaN or infinity: lay the pictures out again.")
    return points
