"""Small pictures for a page: many on one sheet, for WebGL, and larger ones in packs.

A sheet is a square JPEG cut into equal cells, one picture per cell, its own proportions
kept, in the cell's upper left corner, with a gutter around it. A pack is a few larger
JPEGs, to be asked for when somebody comes near. Pictures stream through: one sheet and
one pack in memory.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image
from tqdm.auto import tqdm

from course_utils.images import decoding

SHEET = 2048  # pixels a side: every WebGL device takes it

GUTTER = 1  # white pixels around each picture, else its neighbours shine through

PACK = 64  # pictures

CELLS = ((10_000, 64), (None, 32))  # up to so many pictures, pixels a cell

DETAILS = ((2_000, 256), (None, 128))  # longest side of a larger picture


def sizes(n_images):
    """(cell, detail): pixels a side for a map of so many pictures."""
    return tuple(
        next(size for most, size in steps if most is None or n_images <= most)
        for steps in (CELLS, DETAILS)
    )


def per_sheet(cell):
    """How many pictures a sheet holds."""
    return (SHEET // cell) ** 2


def build(image_set, order, *, cell, detail, progress=True):
    """Yield ("sheet", number, JPEG bytes) and ("pack", number, list of JPEG bytes).

    order: indices of the pictures; the n-th of them lies in sheet n // per_sheet(cell)
    and pack n // PACK. At the end comes ("shapes", 0, uint8 array (n, 2)): width and
    height of each small picture, in that order. The memory does not grow with n.
    """
    columns, inner = SHEET // cell, (cell - 2 * GUTTER,) * 2
    shapes = np.empty((len(order), 2), np.uint8)
    sheet = None

    def work(index):
        large = decoding.thumbnail(image_set.read(index), detail)
        small = large.copy()
        small.thumbnail(inner, Image.Resampling.LANCZOS, reducing_gap=None)
        return small, decoding.as_jpeg(large, 80)

    with (
        ThreadPoolExecutor() as pool,
        tqdm(
            total=len(order),
            desc="thumbnails",
            unit=" pictures",
            delay=2,
            disable=not progress,
        ) as bar,
    ):
        for start in range(0, len(order), PACK):
            made = list(pool.map(work, order[start : start + PACK]))
            for place, (small, _) in enumerate(made, start):
                number, inside = divmod(place, columns**2)
                if inside == 0:
                    if sheet is not None:
                        yield "sheet", number - 1, decoding.as_jpeg(sheet, 85)
                    rows = -(-min(len(order) - place, columns**2) // columns)
                    sheet = Image.new("RGB", (SHEET, rows * cell), "white")
                row, column = divmod(inside, columns)
                sheet.paste(small, (column * cell + GUTTER, row * cell + GUTTER))
                shapes[place] = small.size
            yield "pack", start // PACK, [large for _, large in made]
            bar.update(len(made))
    if sheet is not None:
        yield "sheet", (len(order) - 1) // columns**2, decoding.as_jpeg(sheet, 85)
    yield "shapes", 0, shapes
