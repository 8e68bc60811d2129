"""Points that people give for the written answers: marks.csv, filled in.

One row per student, one column per question: `answer_1`, `answer_2`, … A column
`answers_points` for all answers together is read as well. Rows are named by
`student_id`, or by `code` where answers were marked without names.
"""

import math
import statistics
from dataclasses import dataclass, field

from course_utils._support.text import shown
from course_utils.homework import submission
from course_utils.homework.grading import csv_tables

TOTAL = "answers_points"
COLUMNS = tuple(f"answer_{n}" for n in range(1, len(submission.QUESTIONS) + 1))


@dataclass
class Marks:
    """What one or several people gave.

    given: {student id or code, casefolded: {column: [points]}}. notes: sentences on
    what was put right.
    """

    given: dict = field(default_factory=dict)
    notes: list = field(default_factory=list)

    def of(self, *names):
        """{column: points} of the student with one of these names; the mean of several.

        The names that were looked up are remembered, see `unknown`.
        """
        found = {}
        for name in names:
            for column, points in self.given.get(name.casefold(), {}).items():
                found.setdefault(column, []).extend(points)
        return {column: statistics.fmean(points) for column, points in found.items()}


def by_question(answers):
    """{column: answer} of the answers that were written, in the order of the questions.

    Answers to other questions, of an older edition for example, take the columns that
    are left; what is more than that is not marked.
    """
    order = dict(zip(submission.QUESTIONS, COLUMNS, strict=True))
    known = [a for a in answers if a["question"] in order]
    free = [c for q, c in order.items() if q not in {a["question"] for a in known}]
    others = (a for a in answers if a["question"] not in order)
    found = {order[a["question"]]: a for a in known}
    found |= dict(zip(free, others, strict=False))
    return {c: found[c] for c in COLUMNS if c in found and found[c]["answer"].strip()}


def load_marks(paths, most):
    """Read the filled-in tables of one or several markers.

    Parameters
    ----------
    paths : sequence of path
        What one person leaves empty, another may fill in; where two gave points for
        the same answer, their mean counts and a note says so.
    most : float
        Points of all answers together; every question has the same share of it.

    Returns
    -------
    Marks

    Raises
    ------
    ValueError
        With the row that is wrong: no number, or more points than the question has.
    """
    limits = dict.fromkeys(COLUMNS, most / len(COLUMNS)) | {TOTAL: most}
    marks, by_file = Marks(), {}
    for path in paths:
        header, rows = csv_tables.read(path, {"student_id", "code", *limits})
        if not header & {"student_id", "code"} or not header & set(limits):
            raise ValueError(
                f"{path} is no table of marks: it needs student_id or code, and "
                f"{', '.join(COLUMNS)}."
            )
        for line, cells, _ in rows:
            for column in limits:
                _add(marks, by_file, path, line, cells, column, limits[column])
    for name, column in sorted(
        key for key, points in by_file.items() if len({*points.values()}) > 1
    ):
        given = ", ".join(f"{points:g}" for points in by_file[name, column].values())
        marks.notes.append(
            f"{name}, {column}: several marks ({given}), the mean counts."
        )
    return marks


def _add(marks, by_file, path, line, cells, column, most):
    """Note one cell."""
    written = cells[column]
    if not written:
        return
    where = f"{path}, row {line}, {column}"
    name = csv_tables.unguarded(cells["student_id"] or cells["code"]).casefold()
    points = _points(written)
    if not name:
        raise ValueError(f"{where}: points without a student_id or code.")
    if points is None or points > most:
        raise ValueError(
            f"{where} is {shown(written)}: write a number from 0 to {most:g}."
        )
    before = by_file.setdefault((name, column), {})
    if before.get(path, points) != points:
        raise ValueError(f"{where}: {shown(name)} has other points in a row above.")
    if path not in before:
        marks.given.setdefault(name, {}).setdefault(column, []).append(points)
    before[path] = points


def _points(written):
    try:
        points = float(written.replace(",", "."))
    except ValueError:
        return None
    return points if math.isfinite(points) and points >= 0 else None
