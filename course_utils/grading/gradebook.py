"""What the instructor gets out of a graded class: tables for people and for the LMS.

    files = gradebook.write(grading.grade(folder, image_set), "grades")

The pages beside them are made in `pages`. The same class gives the same
bytes: nothing holds a date of today. Every text of a table is made harmless for a
spreadsheet (`texts.cell`).
"""

import csv
import io
from pathlib import Path

from course_utils import storage
from course_utils.grading import lms, marks, pages, rubric
from course_utils.grading.lms import short
from course_utils.grading.pages import SCORES
from course_utils.texts import cell

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
        "canvas.csv": _bytes(lms.canvas(graded, assignment)[0]),
        "moodle.csv": _bytes(lms.moodle(graded)[0]),
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
        with storage.atomic_file(out / name) as file:
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
    canvas, moodle = lms.canvas(graded, ""), lms.moodle(graded)
    for name, (rows, n_unknown) in (("canvas.csv", canvas), ("moodle.csv", moodle)):
        if rows and n_unknown:
            found.append(
                f"{n_unknown} with points are not in {name}, as their number there is "
                "not known: enter their points by hand."
            )
    if scored and not (canvas[0] or moodle[0]):
        found.append(
            "Neither canvas.csv nor moodle.csv is written: they need the roster that "
            "Canvas or Moodle exports, or the files as named in their bulk download."
        )
    most = rubric.most_points(graded.rubric)
    theirs = {
        lms.row_of(student).get("maximum grade", "") for student in graded.students
    }
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
    parts, most = graded.rubric["points"], rubric.most_points(graded.rubric)
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
