"""What goes back to the students: grades in the platform's own file, pages in a zip.

    data, problems = fill_grades(roster, grades, assignment="Homework", max_points=100)
    data, unnamed = feedback_zip([(receipt, page), ...], "canvas")

Canvas takes a column without its number for a new assignment; Moodle skips a row that
it does not like without a word. So the file that the platform gave is given back with
nothing but cells filled in, in the assignment's own points, and sentences say what the
platform would not take.
"""

import html
import io
import re
import zipfile

from course_utils._support.text import cell, shown
from course_utils.homework.grading.roster import NO, YES, number_of

MAX_NAME = 200  # characters of a name in the zip

# A column with one of these in its name is no assignment for Canvas.
TOTALS = re.compile("(Current|Final|Override) (Score|Points|Grade|Status)")
NUMBERED = re.compile(r"(?P<title>.+) \(\d+\)")

ABOUT_STUDENT = {
    *("student", "lastname", "firstname", "id", "sis user id", "sis login id"),
    *("integration id", "root account", "section"),
}

MOODLE_NEEDS = ("identifier", "grade", "maximum grade", "last modified (grade)")

PLAIN_ROSTER = (
    "The roster is a table of your own: give the gradebook that Canvas exports or "
    "Moodle's grading worksheet to get it back with the grades filled in."
)


def fill_grades(roster, grades, *, assignment=None, max_points):
    """The file that Canvas or Moodle gave as roster, with the grades filled in.

    Parameters
    ----------
    roster : roster.Roster
    grades : list of (roster.Student, float or None, str)
        Points as in the rubric, and a comment in plain text, for Moodle. The rows of
        others, and of students without points, stay as they are.
    assignment : str, optional
        Of Canvas, "Homework" or "Homework (12345)"; needed if there are several.
    max_points : float
        The most that the rubric gives, which is all of the assignment's own points.

    Returns
    -------
    (bytes or None, list of str)
        The file, or None if nothing can be filled in; sentences on what cannot and why.
    """
    grades = [
        (s, points, comment) for s, points, comment in grades if points is not None
    ]
    if not grades:
        return None, []
    if roster.kind == "canvas":
        cells, problems = _canvas_cells(roster.sheet, grades, assignment, max_points)
    elif roster.kind == "moodle":
        cells, problems = _moodle_cells(roster, grades, max_points)
    else:
        cells, problems = {}, [PLAIN_ROSTER]
    if not cells:
        return None, problems
    try:
        return roster.sheet.fill(cells), problems
    except ValueError as error:
        return None, [*problems, f"The roster cannot be filled in, as {error}"]


def _canvas_cells(sheet, grades, assignment, max_points):
    """{(row number, column): text} for a gradebook, and sentences."""
    column, problem = _assignment_column(sheet.header, assignment)
    if problem:
        return {}, [problem]
    title = sheet.header[column]
    possible = next(
        (cells[column] for _, cells in sheet.rows if "Points Possible" in cells[0]), ""
    )
    if re.fullmatch(r"\s*\(.*\)\s*", possible):
        return {}, [
            f"Canvas says that {shown(title)} is read only: {possible.strip()}."
        ]
    of = number_of(possible)
    if not of:
        return {}, [
            f"The gradebook has no Points Possible for {shown(title)}: set its points "
            "in Canvas and export the gradebook again."
        ]
    rows, filled, problems = dict(sheet.rows), {}, []
    for student, points, _ in grades:
        now = rows[student.number][column].strip()
        if now.upper() in ("EX", "N/A"):
            why = "excuses" if now.upper() == "EX" else "does not assign it to"
            problems.append(
                f"Canvas {why} {student.name} ({now}): no grade is filled in."
            )
            continue
        grade = _written(points * of / max_points, like=possible)
        filled[student.number, column] = grade
    return filled, problems


def _assignment_column(header, assignment):
    """(index of the column, None), or (None, a sentence that says why not)."""
    names = [name.strip().lower() for name in header]
    after = max(i for i, name in enumerate(names) if name in ABOUT_STUDENT)
    numbered = {
        i: name.strip()
        for i, name in enumerate(header)
        if i > after and NUMBERED.fullmatch(name.strip()) and not TOTALS.search(name)
    }
    there = ", ".join(shown(name, most=80) for name in list(numbered.values())[:20])
    if not numbered:
        return None, (
            "The gradebook has no assignment with Canvas' number, as Homework (12345) "
            "has it, and Canvas would make a new one: publish it and export again."
        )
    if assignment is None:
        if len(numbered) == 1:
            return next(iter(numbered)), None
        return None, (
            "The gradebook has several assignments: choose one with --assignment. They "
            f"are {there}."
        )
    wanted = assignment.strip()
    found = [
        i
        for i, name in numbered.items()
        if wanted in (name, NUMBERED.fullmatch(name)["title"])
    ]
    if len(found) == 1:
        return found[0], None
    if found:
        return None, (
            f"The gradebook has several assignments {shown(wanted)}: give one with its "
            f"number to --assignment. There are {there}."
        )
    return None, (
        f"The gradebook has no assignment {shown(wanted)}, and Canvas would make a new "
        f"one: choose with --assignment. There are {there}."
    )


def _moodle_cells(roster, grades, max_points):
    """{(row number, column): text} for a grading worksheet, and sentences."""
    columns = roster.columns
    if "scale" in columns:
        return {}, [
            "The assignment has a scale in Moodle, not points: set its grade type to "
            "points and download the grading worksheet again."
        ]
    missing = [shown(name) for name in MOODLE_NEEDS if name not in columns]
    if missing:
        return {}, [
            f"The roster has no column {', '.join(missing)}: give the assignment's own "
            "grading worksheet, which Moodle offers for offline grading."
        ]
    rows, filled, problems = dict(roster.sheet.rows), {}, []
    for student, points, comment in grades:
        cells = rows[student.number]
        maximum = cells[columns["maximum grade"]]
        of = number_of(maximum)
        if not of:
            return {}, [
                f"Moodle's maximum grade {shown(maximum)} is no number: set the grade "
                "type of the assignment to points and download the worksheet again."
            ]
        changeable = columns.get("grade can be changed")
        answer = "yes" if changeable is None else cells[changeable].strip()
        grade = round(points * of / max_points, 2)
        if answer.casefold() not in YES:
            why = "cannot be changed" if answer.casefold() in NO else "may be locked"
            problems.append(
                f"The grade of {student.name} {why} in Moodle ({shown(answer)}): "
                "unlock it there and download the worksheet again."
            )
        elif grade > of:
            problems.append(
                f"{student.name} has {_written(grade)} points, and Moodle skips all "
                f"above its maximum grade {maximum.strip()}: enter this grade by hand."
            )
        else:
            filled[student.number, columns["grade"]] = _written(grade, like=maximum)
            if comment and "feedback comments" in columns:
                comment = cell(html.escape(comment, quote=False)).replace("\n", "<br>")
                filled[student.number, columns["feedback comments"]] = comment
    if "feedback comments" not in columns and any(comment for *_, comment in grades):
        problems.append(
            "The worksheet has no column for comments: switch on feedback comments in "
            "the assignment and download it again, if students are to read them."
        )
    return filled, problems


def _written(grade, like="0.0"):
    """A grade with at most two decimals, and the decimal sign of another number."""
    text = f"{round(grade, 2):.2f}".rstrip("0").rstrip(".")
    return text.replace(".", "," if "," in like else ".")


def feedback_zip(entries, platform):
    """A zip of feedback pages, in the names that the platform takes back.

    Parameters
    ----------
    entries : list of (inbox.Receipt, bytes)
        The file of each student that counted, and the page on it.
    platform : "canvas" or "moodle"
        "Re-upload submissions" of Canvas, "Upload multiple feedback files in a zip" of
        Moodle.

    Returns
    -------
    (bytes or None, list of inbox.Receipt)
        The zip, the same for the same pages; the files that cannot be named in it.
    """
    name_of = {"canvas": _canvas_page, "moodle": _moodle_page}[platform]
    pages, unnamed = {}, []
    for receipt, page in entries:
        name = name_of(receipt) if receipt.lms == platform else None
        if name is None or name in pages:
            unnamed.append(receipt)
        else:
            pages[name] = page
    if not pages:
        return None, unnamed
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, page in sorted(pages.items()):
            member = zipfile.ZipInfo(name)  # with a date of 1980
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = 0o100644 << 16
            member.create_system = 3  # also on Windows
            archive.writestr(member, page)
    return data.getvalue(), unnamed


def _canvas_page(receipt):
    """The name of the student's file, as Canvas wrote it, but of a page."""
    if not receipt.order[0] or len(receipt.prefix) >= MAX_NAME:
        return None
    stem = receipt.path.rpartition("/")[2].removeprefix(receipt.prefix)
    stem = re.sub(r"\.[^.]*$", "", stem)
    stem = stem[: MAX_NAME - len(receipt.prefix)]
    return f"{receipt.prefix}{stem or 'feedback'}.html"


def _moodle_page(receipt):
    """A page in the student's folder, whose name has the number as its second part."""
    if not receipt.user:
        return None
    folder = receipt.prefix
    if "/" not in receipt.path:
        folder = folder.rstrip("_")  # it was no folder, but the start of a file's name
    before = f"_{receipt.user}_assignsubmission_"
    who = receipt.who.replace("_", " ")[: MAX_NAME - len(before)]
    return f"{who}{before}{folder.rpartition(before)[2]}/feedback.html"
