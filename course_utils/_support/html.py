"""Pages that need no other file: one style, images inside the HTML."""

import base64
from pathlib import Path

import jinja2
from markupsafe import Markup

from course_utils._support.text import plain

TEMPLATES = Path(__file__).with_name("templates")


def image_data_uri(data, kind="png"):
    """Turn the bytes of an image file into an address for `<img src="…">`.

    kind: "png", "jpeg" or "webp".

    >>> image_data_uri(b"abc")
    'data:image/png;base64,YWJj'
    """
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"


def templates(folder):
    """The jinja2 templates of a folder, which can extend the course's `page.html`.

    Every text is escaped, and characters that do not print are made visible.
    """
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader([folder, TEMPLATES]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _shown(value):
    """Every value that a template puts on a page, before it is escaped."""
    if not isinstance(value, str) or isinstance(value, Markup) or value.isprintable():
        return value
    return plain(value, keep="\n\t")
