"""Tables that an instructor gives: CSV with commas, semicolons or tabs, in UTF-8."""

import io
import os
import unicodedata
from collections import defaultdict

from course_utils._support.csv_rows import read_rows
from course_utils._support.text import plain
from course_utils.homework import untrusted_files


def key(text):
    """A text to be compared: Unicode can write one letter in several ways."""
    return unicodedata.normalize("NFC", plain(str(text), most=520)).strip()


def read(path, known):
    """The column names in lower case, and [(row number, cells by them, row as it is)].

    known: the columns that decide which separator is meant, see `csv_rows`.
    """
    try:
        data = untrusted_files.read_regular(os.path.realpath(path))
    except OSError as error:
        why = error.strerror or error
        raise ValueError(f"{path} cannot be read ({why}).") from error
    if len(data) > untrusted_files.MAX_BYTES:
        why = untrusted_files.too_large(len(data))
        raise ValueError(f"{path} is {why}: is it the right file?")
    try:
        text = io.StringIO(data.decode("utf-8-sig"), newline="")
    except UnicodeDecodeError as error:
        raise ValueError(_not_a_table(path, error)) from error
    header, table = read_rows(text, known)
    names, rows = [name.strip().lower() for name in header], []
    for number, cells in table:
        if isinstance(cells, str):
            raise ValueError(_not_a_table(path, f"row {number}: {cells}"))
        shown = (plain(cell, most=520).strip() for cell in cells)
        by_name = defaultdict(str, zip(names, shown, strict=False))
        rows.append((number, by_name, dict(zip(header, cells, strict=False))))
    return set(names), rows


def _not_a_table(path, why):
    return f"{path} is not a CSV table in UTF-8 ({why}): save it as CSV UTF-8."
