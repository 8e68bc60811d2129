"""One small JPEG that shows what is in somebody's own image set, class by class.

`submit` draws it; the grader sees at a glance whether pictures and classes are
real. What comes in a submission is decoded within narrow bounds and encoded again, so
that only our own bytes are ever shown.
"""

import io
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont, JpegImagePlugin

from course_utils._support.text import plain
from course_utils.images import decoding

NAME = "contact_sheet.jpg"
MAX_BYTES = 1024**2
MAX_SIDE = 2048  # pixels
MAX_SCANS = 3  # a progressive JPEG can have thousands, each as slow as a picture

CELLS = (128, 96, 64, 48, 32)  # pixels a side, the largest that fits
HEADER = 20  # pixels above each class, for its name
QUALITIES = (85, 70, 50, 30, 15)


class BadSheet(ValueError):
    """It cannot be shown; the message says why."""


def draw(image_set):
    """The bytes of the contact sheet of an image set with true labels.

    All images if they fit, else an even choice of each class. The same image set gives
    the same bytes.
    """
    members = [
        np.flatnonzero(image_set.true_labels == label)
        for label in range(len(image_set.class_names))
    ]
    most_classes = MAX_SIDE // (HEADER + CELLS[-1])
    shown = [label for label, places in enumerate(members) if len(places)]
    left_out, shown = len(shown[most_classes:]), shown[:most_classes]
    cell, most = _fit([len(members[label]) for label in shown])
    columns, places, height = MAX_SIDE // cell, [], 0
    for label in shown:
        chosen = members[label]
        if len(chosen) > most:
            chosen = chosen[np.linspace(0, len(chosen) - 1, most).round().astype(int)]
        places.append((height, label, chosen))
        height += HEADER + cell * -(-len(chosen) // columns)
    width = cell * min(columns, max(len(chosen) for _, _, chosen in places))
    sheet = Image.new("RGB", (max(width, MAX_SIDE // 4), height), "white")
    pen, font = ImageDraw.Draw(sheet), _font()
    for top, label, chosen in places:
        name = plain(image_set.class_names[label], most=60)
        title = f"{name}: {len(chosen)} of {len(members[label])}"
        if left_out and label == shown[-1]:
            title += f" (and {left_out} more classes)"
        pen.text((2, top + 2), title, "black", font)
        for number, index in enumerate(chosen.tolist()):
            row, column = divmod(number, columns)
            small = decoding.thumbnail(image_set.read(index), cell - 2)
            sheet.paste(small, (column * cell, top + HEADER + row * cell))
    return _encode(sheet)


def checked(data):
    """The picture of untrusted bytes, encoded anew; or BadSheet."""
    if len(data) > MAX_BYTES:
        raise BadSheet("larger than 1 MB")
    if not data.startswith(b"\xff\xd8\xff"):
        raise BadSheet("not a JPEG")
    if data.count(b"\xff\xda") > MAX_SCANS:
        raise BadSheet("a JPEG of many scans")
    try:
        with JpegImagePlugin.JpegImageFile(io.BytesIO(data)) as image:  # the header
            width, height = image.size
            if max(width, height) > MAX_SIDE:
                raise BadSheet(f"{width} × {height} pixels; at most {MAX_SIDE} a side")
            if image.info.get("progressive") or image.info.get("progression"):
                raise BadSheet("a progressive JPEG")
            pixels = np.asarray(image.convert("RGB"))
        return _encode(Image.fromarray(pixels))  # without comments, EXIF and profiles
    except BadSheet:
        raise
    except Exception as error:  # Pillow raises nearly every kind
        raise BadSheet("a damaged JPEG") from error


def _fit(sizes):
    """(pixels of a cell, most images of one class), so that all classes fit."""
    room = MAX_SIDE - HEADER * len(sizes)
    for cell in CELLS:
        if cell * sum(-(-n // (MAX_SIDE // cell)) for n in sizes) <= room:
            return cell, max(sizes)
    rows = room // (CELLS[-1] * len(sizes))  # of each class
    return CELLS[-1], rows * (MAX_SIDE // CELLS[-1])


def _font():
    folder = Path(matplotlib.get_data_path(), "fonts", "ttf")
    return ImageFont.truetype(str(folder / "DejaVuSans.ttf"), 13)


def _encode(image):
    for quality in QUALITIES:
        file = io.BytesIO()
        image.save(file, "JPEG", quality=quality)
        if file.tell() <= MAX_BYTES:
            break
    return file.getvalue()
