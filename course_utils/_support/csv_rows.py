"""CSV tables that people write: with commas, semicolons or tabs, and a header."""

import csv
import itertools


def read_rows(text, known):
    """(header, rows) of a CSV table; the rows are read one by one.

    text: a text file, opened with newline="" (and encoding="utf-8-sig"). known: names
    of columns in lower case. The separator is the one by which the header has the most
    of them. header: the column names as they are written, row 1. rows: an iterator of
    (row number, cells). cells: a list of str, filled up with "" to the length of the
    header; or a str that says why the row cannot be read. Rows without any text are
    passed over.
    """
    first = text.readline()

    def n_known(separator):
        header = _header(csv.reader([first], delimiter=separator))
        return len(known & {name.strip().lower() for name in header})

    separator = max(",;\t", key=n_known)
    table = csv.reader(itertools.chain([first], text), delimiter=separator)
    header = _header(table)
    return header, _rows(table, len(header))


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
