"""Grade a class: every submission is read, reviewed and turned into points.

    python -m course_utils grade FOLDER --image-set stamps --out DIR

What counts for how much stands in a rubric (rubric.yaml is the default one). Nothing of
a submission is executed; a broken one gets a reason instead of points and never stops
the others. `gradebook` writes what comes out.
"""

import math
from dataclasses import dataclass, replace

from course_utils import submission_file
from course_utils.grading import copies, rubric
from course_utils.grading.class_list import Entry, by_student, in_time, own_id
from course_utils.grading.receipts import collect, load_times
from course_utils.review import public_half, review
from course_utils.texts import shown


@dataclass
class Class:
    """A graded class: students in the order of their rank."""

    students: list
    image_set: object
    rubric: dict
    deadline: object
    problems: list  # (file, sentence) on files that are nobody's
    n_files: int = 0


def grade(
    folder,
    image_set,
    *,
    deadline=None,
    times=None,
    roster=None,
    rules=None,
    marks=None,
):
    """Grade every submission in a folder or in an LMS' bulk download; returns a Class.

    image_set: ImageSet with the instructor's true labels. deadline: aware datetime, or
    None. times: path of a receipts CSV. roster: roster.Roster. rules: as
    `rubric.load` gives them. marks: {student id in lower case: points for the answers}.
    The submissions are only read. Raises ValueError if there is nothing to grade.
    """
    if image_set.true_labels is None:
        raise ValueError(f"{image_set.name} has no true labels: nothing can be scored.")
    rules = rules or rubric.load()
    options = review_options(image_set, rules)
    times = load_times(times) if times else None
    entries = [_entry(r, image_set, options) for r in collect(folder, times)]
    students, problems = by_student(entries, roster)
    if times:
        _sent_at(students, times)
    for student in students:
        _count(student, rules, deadline)
    counted = [student for student in students if student.counted]
    copies.flag_copies(counted)
    copies.flag_far(counted)
    for student in counted:
        student.parts = _points(student, student.counted, rules, marks or {})
    _rank(students)
    unknown = set(marks or {}) - {s.student_id.casefold() for s in students}
    problems += [
        (shown(student), "is in the marks, but nobody has this student id.")
        for student in sorted(unknown)
    ]
    return Class(students, image_set, rules, deadline, problems, len(entries))


def sentence(graded):
    """What became of the class, in a line or two."""
    students = graded.students
    scored = sum(student.counted is not None for student in students)
    late = sum(bool(student.late) for student in students)
    flagged = sum(bool(student.flags) for student in students)
    good = sum(not entry.error for student in students for entry in student.entries)
    return (
        f"{graded.n_files} files of {sum(bool(s.entries) for s in students)} students: "
        f"{scored} scored, {late} late, {graded.n_files - good} files could not be "
        f"scored, {flagged} students to look at."
    )


def review_options(image_set, rules):
    """How `review` is to look at a submission by these rules."""
    return {
        "clusters_per_class": rules["most_clusters_per_class"],
        "own_seeds": rules["own_seeds"],
        "public": public_half(image_set, rules["salt"]),
    }


def _entry(receipt, image_set, options):
    entry = Entry(receipt, error=receipt.problem)
    if entry.error:
        return entry
    try:
        sent = submission_file.read(receipt.read())
        entry.student_id, entry.name = sent.student_id, sent.name
        entry.file_hash, entry.answers = sent.receipt, sent.answers
        entry.lessons, entry.versions = sent.lessons, sent.versions
        entry.review = review(sent, image_set, **options)
        entry.error = " ".join(entry.review.errors)
    except (ValueError, OSError, MemoryError) as error:
        entry.error = str(error) or type(error).__name__
    return entry


def _sent_at(students, times):
    """Give plain files the times that the receipts have by student id."""
    for student in students:
        for entry in student.entries:
            time = times.time_of(student.student_id) if student.student_id else None
            if time and not entry.receipt.time:
                entry.receipt = replace(
                    entry.receipt, time=time, time_source="receipts file"
                )
        student.entries.sort(key=in_time)


def _count(student, rules, deadline):
    """Choose the entry that counts, and say if it is late."""
    good = [entry for entry in student.entries if not entry.error]
    if good:
        student.counted = good[-1]
        if rules["count"] == "best":
            # Of equal ones the earliest, so that handing in again costs nothing.
            student.counted = max(
                good, key=lambda e: _worth(student, e, rules, deadline)
            )
    elif student.entries:
        student.flags.append("nothing that was handed in can be scored.")
    for entry in student.entries:
        if entry.error and good:
            student.flags.append(
                f"{shown(entry.receipt.path)} cannot be scored; "
                f"{shown(student.counted.receipt.path)} counts instead."
            )
    if student.counted:
        student.penalty, student.late = _lateness(
            student.counted.receipt, rules["late"], deadline
        )
        student.flags += student.counted.review.flags


def _worth(student, entry, rules, deadline):
    """Points of an entry after lateness, without the written answers."""
    parts = _points(student, entry, rules, {})
    penalty, _ = _lateness(entry.receipt, rules["late"], deadline)
    return sum(part.points or 0 for part in parts.values()) * (1 - penalty)


def _points(student, entry, rules, marks):
    return rubric.points(
        entry.review,
        entry.answers,
        rules,
        own_id=own_id(student, entry),
        mark=marks.get(student.student_id.casefold()),
    )


def _lateness(receipt, how, deadline):
    """(share of the points that is lost, in words)"""
    days, words = 0, ""
    if deadline and receipt.time:
        minutes = (receipt.time - deadline).total_seconds() / 60
        if minutes > how["grace_minutes"]:
            days = math.ceil(minutes / (24 * 60))
            words = f"{days} day{'' if days == 1 else 's'} late by the "
            words += receipt.time_source
    exact = deadline and receipt.time_source == "receipts file"
    if receipt.marked_late and not days and not exact:
        days, words = 1, "late by its name, by how much is not known: one day"
    return min(days * how["percent_a_day"], how["most_percent"], 100) / 100, words


def _rank(students):
    """Order by points, then best NMI; equal ones share a rank, unscored come last."""

    def key(student):
        if student.points is None:
            return (1, 0, 0)
        best = student.counted.review.best
        return (0, -student.points, -round(best.scores["nmi"], 9) if best else 0)

    students.sort(key=lambda s: (*key(s), s.student_id.casefold(), s.name))
    for place, student in enumerate(students, 1):
        before = students[place - 2] if place > 1 else None
        tied = before and key(before) == key(student)
        student.rank = before.rank if tied else place
