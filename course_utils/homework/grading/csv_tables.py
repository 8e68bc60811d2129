"""Tables that an instructor gives: CSV with commas, semicolons or tabs, in UTF-8."""

import csv
import io
import os
import unicodedata
from collections import defaultdict

from course_utils._support.text import plain
from course_utils.homework import untrusted_files


def key(text):
    """A text to be compared: Unicode can write one letter in several ways."""
    return unicodedata.normalize("NFC", plain(str(text), most=520)).strip()


def read(path, known):
    """The column names in lower case, and [(row number, cells by them, row as it is)].

    The separator is the one that makes the most known columns.
    """
    try:
        data = untrusted_files.read_regular(os.path.realpath(path))
        if len(data) > untrusted_files.MAX_BYTES:
            raise ValueError(
                f"{path} is {untrusted_files.too_large(len(data))}: is it the right "
                "file?"
            )
        text = data.decode("utf-8-sig")

        def lines(separator):
            return csv.reader(io.StringIO(text, newline=""), delimiter=separator)

        def columns(separator):
            return [name.strip().lower() for name in next(lines(separator), [])]

        separator = max(",;\t", key=lambda mark: len(known & set(columns(mark))))
        table = list(lines(separator))
    except OSError as error:
        why = error.strerror or error
        raise ValueError(f"{path} cannot be read ({why}).") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(
            f"{path} is not a CSV table in UTF-8 ({error}): save it as CSV UTF-8."
        ) from error
    names, rows = columns(separator), []
    for number, row in enumerate(table[1:], start=2):
        if any(cell.strip() for cell in row):
            row += [""] * (len(names) - len(row))
            cells = dict(
                zip(names, (plain(c, most=520).strip() for c in row), strict=False)
            )
            as_it_is = dict(zip(table[0], row, strict=False))
            rows.append((number, defaultdict(str, cells), as_it_is))
    return set(names), rows
