"""Tables that an instructor gives: CSV with commas, semicolons or tabs, in UTF-8."""

import codecs
import csv
import io
import os
import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field

from course_utils._support.csv_rows import find_separator, read_rows
from course_utils._support.text import FORMULA, plain
from course_utils.homework import untrusted_files


def unguarded(text):
    """A cell without the apostrophe that `text.cell` put in front of it."""
    return (
        text[1:] if text[:1] == "'" and text[1:].lstrip().startswith(FORMULA) else text
    )


def key(text):
    """A text to be compared: Unicode can write one letter in several ways."""
    return unicodedata.normalize("NFC", plain(str(text), most=520)).strip()


@dataclass(frozen=True)
class Sheet:
    """A table as it is in its file, to be given back with some cells filled in.

    header: the column names as they are written. rows: a list of (row number, cells).
    """

    header: list
    rows: list = field(repr=False)
    separator: str
    data: bytes = field(repr=False)

    def fill(self, cells):
        """The bytes of the file with {(row number, column index): text} filled in.

        Everything else stays byte for byte: encoding, line ends, separator, quotes.
        """
        by_row = defaultdict(dict)
        for (number, column), text in cells.items():
            by_row[number][column] = text
        lines = [
            self._fill_row(values, raw, by_row[number]) if number in by_row else raw
            for number, values, raw in self._raw_rows()
        ]
        mark = codecs.BOM_UTF8 if self.data.startswith(codecs.BOM_UTF8) else b""
        return mark + "".join(lines).encode()

    def _raw_rows(self):
        """(row number, cells, text of the row with its line end) of every row."""
        taken = []

        def record(lines):
            for line in lines:
                taken.append(line)
                yield line

        text = io.StringIO(self.data.decode("utf-8-sig"), newline="")
        table = csv.reader(record(text), delimiter=self.separator)
        for number, values in enumerate(table, start=1):
            yield number, values, "".join(taken)
            taken.clear()

    def _fill_row(self, values, raw, texts):
        body = raw.rstrip("\r\n")
        other = f"[^{self.separator}]*"
        cell = re.compile(f'"[^"]*(?:""[^"]*)*"{other}|(?!"){other}')
        fields, at = [], 0
        while at <= len(body) and (found := cell.match(body, at)):
            fields.append(found[0])
            at = found.end() + 1
        if len(fields) != len(values):
            raise ValueError(f"the quotes of {raw[:60]!r} cannot be understood.")
        for column, text in texts.items():
            fields += [""] * (column + 1 - len(fields))
            quoted = fields[column].startswith('"') or re.search(
                f'[{self.separator}"\r\n]', text
            )
            fields[column] = '"' + text.replace('"', '""') + '"' if quoted else text
        return self.separator.join(fields) + raw[len(body) :]


def read_sheet(path, known):
    """Read a table; raises ValueError that says what is wrong with it.

    known: the columns that decide which separator is meant, see `csv_rows`.
    """
    try:
        data = untrusted_files.read_bounded(os.path.realpath(path))
    except OSError as error:
        why = error.strerror or error
        raise ValueError(f"{path} cannot be read ({why}).") from error
    if len(data) > untrusted_files.MAX_BYTES:
        why = untrusted_files.too_large(len(data))
        raise ValueError(f"{path} is {why}: is it the right file?")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(_not_a_table(path, error)) from error
    header, table = read_rows(io.StringIO(text, newline=""), known)
    rows = []
    for number, cells in table:
        if isinstance(cells, str):
            raise ValueError(_not_a_table(path, f"row {number}: {cells}"))
        rows.append((number, cells))
    separator = find_separator(io.StringIO(text, newline="").readline(), known)
    return Sheet(header, rows, separator, data)


def read(path, known):
    """The column names in lower case, and [(row number, cells by them, row as it is)].

    known: the columns that decide which separator is meant, see `csv_rows`.
    """
    sheet = read_sheet(path, known)
    names, rows = [name.strip().lower() for name in sheet.header], []
    for number, cells in sheet.rows:
        shown = (plain(cell, most=520).strip() for cell in cells)
        by_name = defaultdict(str, zip(names, shown, strict=False))
        rows.append((number, by_name, dict(zip(sheet.header, cells, strict=False))))
    return set(names), rows


def _not_a_table(path, why):
    return f"{path} is not a CSV table in UTF-8 ({why}): save it as CSV UTF-8."
