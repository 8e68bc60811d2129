"""The tables of a graded class, for people and for the learning platform.

    gradebook.write(grader.grade(folder, image_set), "graded")

The same class gives the same bytes: nothing holds today's date. Every text is made
harmless for a spreadsheet (`text.cell`). The tables for Canvas and Moodle hold only
students with points, so that an import takes no grade away. What the platforms need was
read in their own importers: Canvas takes every column that it does not know for an
assignment; Moodle refuses a worksheet without `MODIFIED` and skips grades above its own
maximum.
"""

import csv
import io
import re
from pathlib import Path

from course_utils._support import files
from course_utils._support.text import cell
from course_utils.homework.grading import marks, pages, rubric
from course_utils.homework.grading.pages import SCORES
from course_utils.homework.grading.rubric import short

ANSWERS = "answers"  # the part of the rubric that a person marks


def write(graded, out, assignment="Image clustering"):
    """Write a `grading.Class` to the folder `out`; returns the list of files.

    assignment: its title, which is also its column in Canvas. Files: grades.csv,
    marks.csv (to be filled in and given back), canvas.csv and moodle.csv (where the
    students can be named to them), problems.csv, overview.html, two leaderboards and
    feedback/, one page a student. All is made before the first file is written.
    Raises ValueError if out/marks.csv holds marks which were not counted.
    """
    out = Path(out)
    tables = {
        "grades.csv": _bytes(_grades(graded), bom=True),
        "marks.csv": _bytes(_marks(graded, out / "marks.csv"), bom=True),
        "canvas.csv": _bytes(canvas(graded, assignment)[0]),
        "moodle.csv": _bytes(moodle(graded)[0]),
    }
    troubles = problems(graded)
    header = ("student_id", "name", "file", "problem")
    tables["problems.csv"] = _bytes([header, *troubles], bom=True)
    made = pages.pages(graded, assignment, troubles, notes(graded))
    for name, page in made.items():
        tables[name] = page.encode("utf-8", "replace")
    for name, data in tables.items():
        if not data:  # one of before, which would be imported by mistake
            (out / name).unlink(missing_ok=True)
            continue
        with files.atomic_file(out / name) as file:
            file.write(data)
    return [out / name for name, data in tables.items() if data]


def notes(graded):
    """Sentences on what the instructor should know before handing out the grades."""
    found, n_waiting = [], sum(not student.complete for student in graded.students)
    if n_waiting:
        found.append(
            f"The written answers of {n_waiting} are not marked: fill in the column "
            "answers_points of marks.csv and grade again with --marks marks.csv."
        )
    scored = any(student.points is not None for student in graded.students)
    for_canvas, for_moodle = canvas(graded, ""), moodle(graded)
    for name, (rows, n_unknown) in (
        ("canvas.csv", for_canvas),
        ("moodle.csv", for_moodle),
    ):
        if rows and n_unknown:
            found.append(
                f"{n_unknown} with points are not in {name}, as their number there is "
                "not known: enter their points by hand."
            )
    if scored and not (for_canvas[0] or for_moodle[0]):
        found.append(
            "Neither canvas.csv nor moodle.csv is written: they need the roster that "
            "Canvas or Moodle exports, or the files as named in their bulk download."
        )
    most = rubric.max_points(graded.rubric)
    theirs = {row_of(student).get("maximum grade", "") for student in graded.students}
    for maximum in sorted(theirs - {""}):
        if maximum.replace(",", ".") not in (short(most), f"{most:.2f}"):
            found.append(
                f"Moodle's maximum grade is {maximum}, the rubric's {short(most)}: "
                "make them the same before the import."
            )
    n_own = sum(_self_supplied(student) for student in graded.students)
    if n_own:
        found.append(
            f"{n_own} handed in pictures and true labels of their own: look at those "
            "before you trust the scores."
        )
    return found


def problems(graded):
    """What a person should look at: rows (student_id, name, file, sentence)."""
    rows = [("", "", file, f"nobody's: {why}") for file, why in graded.problems]
    for student in graded.students:
        who = student.student_id, student.name
        if not student.entries:
            rows.append((*who, "", "no submission"))
        for entry in student.entries:
            if entry.error:
                rows.append((*who, entry.receipt.path, entry.error))
        counted = student.counted.receipt.path if student.counted else ""
        rows += [(*who, counted, flag) for flag in student.flags]
    return rows


def _grades(graded):
    parts, most = graded.rubric["points"], rubric.max_points(graded.rubric)
    yield (
        *("rank", "student_id", "name", "file", "receipt", "received", "late"),
        *("penalty", "points", "of", *(f"{part}_points" for part in parts)),
        *("best_run", *SCORES, "flags", "reason"),
    )
    for student in graded.students:
        entry = student.counted or (student.entries[-1] if student.entries else None)
        file = hashed = received = ""
        if entry:
            file, hashed, time = entry.receipt.path, entry.file_hash, entry.receipt.time
            received = time.isoformat(timespec="seconds") if time else ""
        best = student.counted.review.best if student.counted else None
        given = [student.parts[p].points if p in student.parts else None for p in parts]
        yield (
            *(
                student.rank or "",
                student.student_id,
                student.name,
                file,
                hashed,
                received,
            ),
            *(student.late, short(student.penalty), short(student.points)),
            *(short(most), *map(short, given), best.run if best else ""),
            *(f"{best.scores[score]:.4f}" if best else "" for score in SCORES),
            *(" | ".join(student.flags), _reason(student)),
        )


def _reason(student):
    if student.points is None:
        return student.entries[-1].error if student.entries else "no submission"
    waiting = "" if student.complete else ", the written answers are not marked yet"
    own = ", by labels of the student's own" if _self_supplied(student) else ""
    return f"scored{own}{waiting}"


def _self_supplied(student):
    return bool(student.counted and student.counted.review.self_supplied)


def _marks(graded, path):
    """marks.csv: marks that were given stay, also where nothing is scored (yet)."""
    kept = marks.load(path) if path.exists() else {}
    rows = [("student_id", "name", "answers_points")]
    for student in graded.students:
        mark = kept.pop(student.student_id.casefold(), None)
        part = student.parts.get(ANSWERS)
        if part and mark is not None and part.points is None:
            raise ValueError(
                f"{path} holds marks which were not counted, {short(mark)} for "
                f"{student.student_id}: add --marks {path}, or move it away."
            )
        mark = mark if part is None else part.points
        rows.append((student.student_id, student.name, short(mark)))
    return rows + [(student, "", short(mark)) for student, mark in kept.items()]


def _bytes(rows, bom=False):
    """A CSV. Excel shows umlauts only after a BOM; the platforms need none."""
    rows = [[cell(value) for value in row] for row in rows]
    if not rows:
        return b""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8-sig" if bom else "utf-8")


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
        most = short(rubric.max_points(graded.rubric))
        empty = [""] * (len(columns) - 1)
        rows[:0] = [(*columns, title), ("    Points Possible", *empty, most)]
    return rows, n_unknown


def moodle(graded):
    """Rows of a grading worksheet, and how many with points cannot be named in it."""
    most, rows, n_unknown = short(rubric.max_points(graded.rubric)), [], 0
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
