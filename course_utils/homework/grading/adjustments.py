"""What an instructor changes by hand: adjustments.csv, applied at every grading.

One row per change: `student_id` (any id that the roster knows), then what is needed of
`extension_days`, `excused` (yes), `set_points`, `add_points`, `counts` (the file that
counts, where several could), and `comment`, which the student sees. Several rows may
concern one student: they are applied from top to bottom.
"""

import math
from dataclasses import dataclass

from course_utils._support.text import shown
from course_utils.homework.grading import csv_tables
from course_utils.homework.grading.rubric import short

COLUMNS = (
    "student_id",
    "extension_days",
    "excused",
    "set_points",
    "add_points",
    "counts",
    "comment",
)
YES = {"yes", "y", "x", "1", "true", "ja", "oui", "sí", "si"}
NO = {"", "no", "n", "0", "false", "nein", "non"}


@dataclass(frozen=True)
class Adjustment:
    """One row. points_set, points_added: None where the cell is empty."""

    student_id: str
    extension_days: float = 0
    excused: bool = False
    points_set: float | None = None
    points_added: float | None = None
    counts: str = ""
    comment: str = ""
    row: int = 0

    def apply(self, points):
        """The points after this change, never below 0."""
        if self.points_set is not None:
            points = self.points_set
        return max(points + (self.points_added or 0), 0)

    @property
    def sentence(self):
        """What was changed and why, for the student's page."""
        said = []
        if self.extension_days:
            days = short(self.extension_days)
            said.append(f"{days} day{'' if days == '1' else 's'} more time")
        if self.excused:
            said.append("excused")
        if self.points_set is not None:
            said.append(f"points set to {short(self.points_set)}")
        if self.points_added is not None:
            sign = "+" if self.points_added >= 0 else "−"
            said.append(f"{sign}{short(abs(self.points_added))} points")
        if self.counts:
            said.append(f"the file that counts is {self.counts}")
        changed = ", ".join(said)
        if not self.comment:
            return f"{changed}."
        return f"{changed}: {self.comment}" if changed else self.comment


def load_adjustments(path):
    """Read adjustments.csv: [`Adjustment`] in the order of the rows.

    Commas, semicolons or tabs may separate the columns, and 7,5 is 7.5. Raises
    ValueError with the row that is wrong.
    """
    header, rows = csv_tables.read(path, set(COLUMNS))
    unknown = sorted(header - {*COLUMNS, "name", ""})
    if "student_id" not in header or unknown:
        what = f"has the column {shown(unknown[0])}" if unknown else "has no student_id"
        raise ValueError(f"{path} {what}: its columns are {', '.join(COLUMNS)}.")
    found = []
    for line, cells, _ in rows:
        if not any(cells[column] for column in COLUMNS):
            continue
        where = f"{path}, row {line}"
        if not cells["student_id"]:
            raise ValueError(f"{where}: student_id is missing.")
        found.append(
            Adjustment(
                csv_tables.unguarded(cells["student_id"]),
                _number(cells["extension_days"], f"{where}: extension_days", 0) or 0,
                _yes(cells["excused"], f"{where}: excused"),
                _number(cells["set_points"], f"{where}: set_points", 0),
                _number(cells["add_points"], f"{where}: add_points"),
                cells["counts"],
                csv_tables.unguarded(cells["comment"]),
                line,
            )
        )
    return found


def _yes(text, what):
    if text.casefold() in YES | NO:
        return text.casefold() in YES
    raise ValueError(f"{what} is {shown(text)}: write yes, or leave it empty.")


def _number(text, what, least=-math.inf):
    if not text:
        return None
    try:
        number = float(text.replace(",", ".").replace("−", "-").removeprefix("'"))
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number >= least):
        kind = "a number" if least < 0 else "a number, 0 or more"
        raise ValueError(f"{what} is {shown(text)}: write {kind}.")
    return number
