"""CSV tables that people write: with commas, semicolons or tabs, and a header."""

import codecs
import csv
import itertools

BLOCK = 1 << 20  # bytes that are looked at at once


def encoding_of(file):
    """The encoding of a table, from all of its bytes; the file is put back to 0.

    UTF-8 with or without a mark; UTF-16, which Excel calls Unicode text; else
    Windows-1252, in which programs for Western Europe save when nobody asks. A file
    with the mark of UTF-8 is UTF-8, whatever a row of it holds.
    """
    file.seek(0)
    head = file.read(BLOCK)
    file.seek(0)
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if b"\0" in head[:2]:  # without a mark; no header begins with a zero
        return "utf-16-be" if head[:1] == b"\0" else "utf-16-le"
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while block := file.read(BLOCK):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252"
    finally:
        file.seek(0)
    return "utf-8-sig"


def read_rows(text, known):
    """(header, rows) of a CSV table; the rows are read one by one.

    text: a text file, opened with newline="" in the encoding of `encoding_of`. known:
    names of columns in lower case; by them `find_separator` chooses. header: the column
    names as they are written, row 1. rows: an iterator of (row number, cells). cells: a
    list of str, filled up with "" to the length of the header; or a str that says why
    the row cannot be read. Rows without any text are passed over.
    """
    first = text.readline()
    separator = find_separator(first, known)
    table = csv.reader(itertools.chain([first], text), delimiter=separator)
    header = _header(table)
    return header, _rows(table, len(header))


def find_separator(first, known):
    """The separator by which the first line of a table has the most known columns."""

    def n_known(separator):
        header = _header(csv.reader([first], delimiter=separator))
        return len(set(known) & {name.strip().lower() for name in header})

    return max(",;\t", key=n_known)


def find_columns(header, *choices):
    """For each choice of names, in lower case, the index of the first that is there.

    The names of a header count in any case, with spaces around them. None for a choice
    of which no name is there.
    """
    names = [name.strip().lower() for name in header]
    return [
        next((names.index(name) for name in choice if name in names), None)
        for choice in choices
    ]


def _header(table):
    try:
        return next(table, [])
    except csv.Error:
        return []


def _rows(table, n_columns):
    for number in itertools.count(2):
        try:
            row = next(table)
        except StopIteration:
            return
        except csv.Error as error:  # a quote that is never closed, for example
            yield number, f"not CSV: {error}"
            continue
        if any(cell.strip() for cell in row):
            yield number, row + [""] * (n_columns - len(row))
