"""Points that a person gives for the written answers: marks.csv, filled in."""

import csv
import io
import math
from pathlib import Path

from course_utils.texts import FORMULA, shown


def load(path):
    """The filled-in marks.csv: {student id in lower case: points}, empty ones left out.

    Commas or semicolons may part the columns, and 7,5 is 7.5. Raises ValueError with
    the row that is wrong.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
        separator = max(",;\t", key=text.partition("\n")[0].count)
        lines = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator)
        rows = [(lines.line_num, row) for row in lines]
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}).") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(
            f"{path} is not a CSV table in UTF-8 ({error}): save it as CSV UTF-8."
        ) from error
    if not {"student_id", "answers_points"} <= set(lines.fieldnames or ()):
        raise ValueError(f"{path} lacks the column student_id or answers_points.")
    marks = {}
    for line, row in rows:
        student = (row["student_id"] or "").strip()
        if student[:1] == "'" and student[1:].startswith(FORMULA):
            student = student[1:]  # which `texts.cell` put there
        written = (row["answers_points"] or "").strip()
        if not written:
            continue
        where, mark = f"{path}, line {line}", _mark(written)
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
