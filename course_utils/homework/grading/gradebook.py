"""The tables of a graded class, for people and for the learning platform.

    gradebook.write(grader.grade(folder, image_set), "graded")

The same class gives the same bytes: nothing holds today's date. Every text is made
harmless for a spreadsheet (`text.cell`). Grades go back to the platform in the very
file that it gave as roster, see `hand_back`.
"""

import csv
import io
import typing
from pathlib import Path

from course_utils._support import files
from course_utils._support.text import cell
from course_utils.homework.flags import KINDS
from course_utils.homework.grading import adjustments, hand_back, pages, rubric
from course_utils.homework.grading.grader import ANSWERS
from course_utils.homework.grading.marks import COLUMNS, TOTAL, load_marks
from course_utils.homework.grading.pages import SCORES
from course_utils.homework.grading.rubric import short

MARKS = "marks.csv", "marks-without-names.csv"
KEPT = {*MARKS, "adjustments.csv"}  # hold what people wrote: never removed
# The names of what is written besides, or the first folder of it
NAMES = r"(grades|problems|canvas|moodle)\.csv|.*\.html|feedback(-.*\.zip)?"
SIGN = r"(grades|canvas|moodle)\.csv"  # those of no other command
PLATFORMS = {"canvas": "Canvas", "moodle": "Moodle"}


def write(graded, out, assignment=None, *, even_so=False, named_answers=False):
    """Write a `grader.Class` to the folder `out`.

    All is made before the first file is written. Pages and tables of a grading before,
    which are not made any more, are removed, but nothing that this did not write.

    Parameters
    ----------
    graded : grader.Class
    out : path
    assignment : str, optional
        Its title on the pages, and its column in Canvas' gradebook.
    even_so : bool
        Write what is to be imported although `graded.troubles` speaks against it.
    named_answers : bool
        Show names beside the written answers.

    Returns
    -------
    list of Path, list of str
        The files, and notes on what to do before the grades are handed out.

    Raises
    ------
    ValueError
        If out/marks.csv holds marks that were not counted, or `out` other files than
        those of a grading.
    """
    out = Path(out)
    check_out(out)
    for name in MARKS:
        _check_marks(graded, out / name)
    made, notes = _for_platform(graded, assignment, even_so)
    notes = [*graded.troubles, *_notes(graded), *notes]
    tables = {
        "grades.csv": _bytes(_grades(graded), bom=True),
        "marks.csv": _bytes(_marks(graded), bom=True),
        "marks-without-names.csv": _bytes(_still_to_mark(graded), bom=True),
    }
    if not (out / "adjustments.csv").exists():
        tables["adjustments.csv"] = _bytes([adjustments.COLUMNS], bom=True)
    troubles = problems(graded)
    rows = [Problem._fields[:-1], *(problem[:-1] for problem in troubles)]
    tables["problems.csv"] = _bytes(rows, bom=True)
    title = assignment or "Image clustering"
    feedback = _encoded(pages.feedback_pages(graded, title))
    zips = {}
    if not graded.troubles or even_so:
        zips = _feedback_zips(graded, feedback, notes)
    shown = pages.class_pages(graded, title, troubles, notes, named_answers)
    tables |= _encoded(shown) | feedback | zips
    tables |= made
    before = files.written_before(out)
    # If this is interrupted, the next grading knows what is its own.
    files.claim(out, tables, lambda path: path.name in KEPT)
    for name, data in tables.items():
        with files.atomic_file(out / name) as file:
            file.write(data)
    for name in before - set(tables) - KEPT:
        (out / name).unlink(missing_ok=True)
    files.list_written(out, tables)
    return [out / name for name in tables], notes


def check_out(out):
    """Raise ValueError rather than write a grading between other files.

    Marks and adjustments may be there before the first grading.
    """

    def is_ours(folder):
        names = {path.name for path in folder.iterdir()}
        return all(name in KEPT or files.is_clutter(name) for name in names)

    files.check_folder(out, NAMES, SIGN, is_ours)


def _for_platform(graded, assignment, even_so):
    """({name: bytes} of the file to import, notes)"""
    roster = graded.roster
    if not roster or roster.kind not in PLATFORMS:
        return {}, [
            "No file to import is written: give the gradebook that Canvas exports, or "
            "Moodle's grading worksheet, as --roster, and the grades go into it."
        ]
    platform = PLATFORMS[roster.kind]
    if graded.troubles and not even_so:
        return {}, [
            f"No file for {platform} is written because of this. If it is as it should "
            "be, grade again with --even-so."
        ]
    held = [s for s in graded.students if s.conflict]
    grades = [
        (student.roster, student.points, comment(student))
        for student in graded.students
        if student.roster and student.points is not None and not student.conflict
    ]
    data, notes = hand_back.fill_grades(
        roster,
        grades,
        assignment=assignment,
        max_points=rubric.max_points(graded.rubric),
    )
    if held:
        notes.append(
            f"{len(held)} with files in conflict are left out of the file for "
            f"{platform}: see problems.csv."
        )
    n_unknown = sum(s.points is not None and not s.roster for s in graded.students)
    if n_unknown:
        notes.append(
            f"{n_unknown} with points are not on the roster, so not in the file for "
            f"{platform}."
        )
    return ({f"{roster.kind}.csv": data} if data else {}), notes


def _encoded(shown):
    return {name: page.encode("utf-8", "replace") for name, page in shown.items()}


def _feedback_zips(graded, feedback, notes):
    """The students' pages as zips that the platforms take back."""
    made = {}
    for platform, title in PLATFORMS.items():
        entries = [
            (student.counted.receipt, page)
            for student, page in zip(graded.students, feedback.values(), strict=True)
            if student.counted and student.counted.receipt.lms == platform
        ]
        if not entries:
            continue
        data, unnamed = hand_back.feedback_zip(entries, platform)
        made[f"feedback-{platform}.zip"] = data
        if unnamed:
            notes.append(
                f"{len(unnamed)} pages are not in feedback-{platform}.zip, as {title} "
                "did not say who the student is."
            )
    return made


def comment(student):
    """The points and why, in a line that the platform shows to the student."""
    said = [
        f"{part.replace('_', ' ')}: {short(p.points) or 'not marked yet'} of "
        f"{short(p.most)}"
        for part, p in student.parts.items()
    ]
    if student.late:
        said.append(f"{student.late}: {student.penalty:.0%} less")
    said += [adjustment.sentence for adjustment in student.adjustments]
    return "; ".join(said)


def _notes(graded):
    """Sentences on what the instructor should know before handing out the grades."""
    found = [*graded.notes]
    n_waiting = sum(not student.complete for student in graded.students)
    if n_waiting:
        found.append(
            f"The written answers of {n_waiting} are not all marked: read them in "
            "answers-1.html …, fill in marks.csv, and grade again."
        )
    n_own = sum(_self_supplied(student) for student in graded.students)
    if n_own:
        found.append(
            f"{n_own} handed in images of their own: their true labels are theirs too, "
            "so look at the contact sheet on their page."
        )
    n_unknown = sum(
        bool(
            graded.deadline
            and s.counted
            and not s.counted.receipt.time
            and not s.counted.receipt.lms
        )
        for s in graded.students
    )
    if n_unknown:
        found.append(
            f"When the files of {n_unknown} came is not known, so they are not late: "
            "give --times, a CSV of when they came, or --times files."
        )
    if secret := rubric.secret_note(graded.rubric):
        found.append(secret)
    return found


class Problem(typing.NamedTuple):
    """What a person should look at. kind: of `flags.KINDS`; student: whose, or None."""

    kind: str
    student_id: str
    name: str
    file: str
    problem: str
    student: object = None


def problems(graded):
    """What a person should look at: `Problem`s, the most serious kind first."""
    rows = [
        Problem("whose", "", "", file, f"nobody's: {why}")
        for file, why in graded.problems
    ]
    for student in graded.students:
        counted = student.counted.receipt.path if student.counted else ""
        found = [
            ("unreadable", e.receipt.path, e.error) for e in student.entries if e.error
        ]
        if student.late:
            found.append(("late", counted, student.late))
        if not (student.entries or student.excused):
            found.append(("late", "", "no submission"))
        found += [
            (getattr(flag, "kind", "odd"), counted, flag)
            for flag in student.flags
            if counted or not flag.startswith("nothing that")
        ]
        rows += [
            Problem(
                kind, student.student_id, student.name, file, str(sentence), student
            )
            for kind, file, sentence in found
        ]
    return sorted(rows, key=lambda row: [*KINDS].index(row.kind))


def _grades(graded):
    parts, most = graded.rubric["points"], rubric.max_points(graded.rubric)
    yield (
        *("rank", "student_id", "name", "id_in_file", "file", "receipt"),
        *("received", "late"),
        *("penalty", "points", "of", *(f"{part}_points" for part in parts)),
        *("best_run", *SCORES, "flags", "adjustments", "reason"),
    )
    for student in graded.students:
        entry = student.counted or (student.entries[-1] if student.entries else None)
        file = hashed = received = id_in_file = ""
        if entry:
            file, hashed, time = entry.receipt.path, entry.file_hash, entry.receipt.time
            received = time.isoformat(timespec="seconds") if time else ""
            id_in_file = entry.student_id
        best = student.counted.review.best if student.counted else None
        given = [student.parts[p].points if p in student.parts else None for p in parts]
        yield (
            *(
                student.rank or "",
                student.student_id,
                student.name,
                id_in_file,
                file,
                hashed,
                received,
            ),
            *(student.late, short(student.penalty), short(student.points)),
            *(short(most), *map(short, given), best.run if best else ""),
            *(f"{best.scores[score]:.4f}" if best else "" for score in SCORES),
            " | ".join(student.flags),
            " | ".join(adjustment.sentence for adjustment in student.adjustments),
            _reason(student),
        )


def _reason(student):
    if student.excused:
        return "excused"
    if student.points is None:
        return student.entries[-1].error if student.entries else "no submission"
    waiting = "" if student.complete else ", the written answers are not marked yet"
    own = ", by labels of the student's own" if _self_supplied(student) else ""
    return f"scored{own}{waiting}"


def _self_supplied(student):
    return bool(student.counted and student.counted.review.self_supplied)


def _check_marks(graded, path):
    """Raise ValueError if a table holds marks that would be lost."""
    if not path.exists():
        return
    most = graded.rubric["points"].get(ANSWERS, {"points": 0})["points"]
    for name, given in load_marks([path], most).given.items():
        for column, (points, *_) in given.items():
            if column not in graded.marks.given.get(name, {}):
                raise ValueError(
                    f"{path} holds marks which were not counted, {short(points)} for "
                    f"{name}: add --marks {path}, or move it away."
                )


def _marks(graded):
    """marks.csv: what there is to mark, and the marks so far, also of nobody known."""
    with_total = any(TOTAL in given for given in graded.marks.given.values())
    columns = [*COLUMNS, *[TOTAL] * with_total]
    yield ("student_id", "name", "code", *columns)
    known = set()
    for student in graded.students:
        known |= {student.student_id.casefold(), student.code.casefold()}
        marks = student.marks or graded.marks.of(student.student_id, student.code)
        if ANSWERS in student.parts or marks:
            who = student.student_id, student.name, student.code
            yield (*who, *(short(marks.get(column)) for column in columns))
    for name in sorted(set(graded.marks.given) - known):
        marks = graded.marks.of(name)
        yield (name, "", "", *(short(marks.get(column)) for column in columns))


def _still_to_mark(graded):
    """The rows of marks-without-names.csv, empty, by code."""
    yield ("code", *COLUMNS)
    for student in sorted(graded.students, key=lambda s: s.code):
        part = student.parts.get(ANSWERS)
        if part and part.points is None:
            yield (student.code, *[""] * len(COLUMNS))


def _bytes(rows, bom=False):
    """A CSV. Excel shows umlauts only after a BOM; the platforms need none."""
    rows = [[cell(value) for value in row] for row in rows]
    if not rows:
        return b""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8-sig" if bom else "utf-8")
