"""Points that a person gives for the written answers: marks.csv, filled in."""

import math

from course_utils._support.text import FORMULA, shown
from course_utils.homework.grading import csv_tables

COLUMNS = {"student_id", "answers_points"}


def load(path):
    """The filled-in marks.csv: {student id in lower case: points}, empty ones left out.

    Commas or semicolons may part the columns, and 7,5 is 7.5. Raises ValueError with
    the row that is wrong.
    """
    header, rows = csv_tables.read(path, COLUMNS)
    if not header >= COLUMNS:
        raise ValueError(f"{path} lacks the column student_id or answers_points.")
    marks = {}
    for line, row, _ in rows:
        student = row["student_id"]
        if student[:1] == "'" and student[1:].startswith(FORMULA):
            student = student[1:]  # which `texts.cell` put there
        written = row["answers_points"]
        if not written:
            continue
        where, mark = f"{path}, row {line}", _mark(written)
        if not student or mark is None:
            what = shown(written) if student else "a mark without a student id"
            raise ValueError(f"{where}: {what}: a number from 0 on is needed.")
        if marks.setdefault(student.casefold(), mark) != mark:
            raise ValueError(f"{where}: {shown(student)} has other points above.")
    return marks


def _mark(written):
    try:
        mark = float(written.replace(",", "."))
    except ValueError:
        return None
    return mark if math.isfinite(mark) and mark >= 0 else None
