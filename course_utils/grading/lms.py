"""The grades as Canvas and Moodle import them.

Only students with points are in them, so that an import takes no grade away. What the
platforms need was read in their own importers: Canvas takes every column that it does
not know for an assignment, Moodle refuses a worksheet without `MODIFIED`, and skips
grades above its own maximum.
"""

import re

from course_utils.grading import rubric

CANVAS = "Student", "ID", "SIS User ID", "SIS Login ID", "Section"
# Canvas' own columns about a student; any other would become an assignment there.
CANVAS_KNOWS = {*CANVAS, "LastName", "FirstName", "Integration ID", "Root Account"}
MODIFIED = "Last modified (grade)"  # Moodle's worksheet is not read without it


def canvas(graded, assignment):
    """Rows of a gradebook to import, and how many with points cannot be named in it."""
    roster = next((s.roster.row for s in graded.students if _on_canvas(s)), {})
    columns = [column for column in roster if column.strip() in CANVAS_KNOWS] or CANVAS
    numbered = re.compile(re.escape(assignment) + r" \(\d+\)")  # with Canvas' number
    title = next(filter(numbered.fullmatch, roster), assignment)
    rows, n_unknown = [], 0
    for student in graded.students:
        if student.points is None:
            continue
        receipt = student.counted.receipt
        if _on_canvas(student):
            about = student.roster.row
        elif receipt.lms == "canvas" and receipt.user:
            about = {columns[0]: student.name, "ID": receipt.user}
        else:
            n_unknown += 1
            continue
        known = [about.get(column, "") for column in columns]
        rows.append((*known, short(student.points)))
    if rows:
        most = short(rubric.most_points(graded.rubric))
        empty = [""] * (len(columns) - 1)
        rows[:0] = [(*columns, title), ("    Points Possible", *empty, most)]
    return rows, n_unknown


def moodle(graded):
    """Rows of a grading worksheet, and how many with points cannot be named in it."""
    most, rows, n_unknown = short(rubric.most_points(graded.rubric)), [], 0
    for student in graded.students:
        if student.points is None:
            continue
        row, receipt = row_of(student), student.counted.receipt
        of_moodle = row and "student_id" not in row and not _on_canvas(student)
        number = row.get("identifier", "") if of_moodle else ""
        if not number and receipt.lms == "moodle" and receipt.user:
            number = f"Participant {receipt.user}"
        if not (of_moodle or number):
            n_unknown += 1
            continue
        person = student.roster
        feedback = [
            f"{part.replace('_', ' ')}: {short(p.points) or 'not marked yet'} of "
            f"{short(p.most)}"
            for part, p in student.parts.items()
        ] + [f"{student.late}: {student.penalty:.0%} less"] * bool(student.late)
        name, id_number = row.get("full name") or student.name, row.get("id number", "")
        email = person.email if person else ""
        modified = row.get(MODIFIED.lower(), "")
        points = short(student.points)
        feedback = "; ".join(feedback)
        rows.append((number, name, email, id_number, points, most, modified, feedback))
    if rows:
        columns = "Identifier", "Full name", "Email address", "ID number", "Grade"
        rows.insert(0, (*columns, "Maximum grade", MODIFIED, "Feedback comments"))
    return rows, n_unknown


def row_of(student):
    """The row of the roster, its columns in lower case."""
    row = student.roster.row if student.roster else {}
    return {column.strip().lower(): value for column, value in row.items()}


def _on_canvas(student):
    """True if the roster is a Canvas gradebook."""
    row = row_of(student)
    named = "student" in row or "lastname" in row
    return "student_id" not in row and "id" in row and named


def short(number):
    """A number as short as it can be written; "" for None."""
    return "" if number is None else f"{number:.2f}".rstrip("0").rstrip(".")
