"""Grade a class: every submission is read, reviewed and turned into points.

    python -m course_utils grade FOLDER --image-set stamps --out DIR

What earns how many points is in a rubric (rubric.yaml is the default). No part of a
submission is executed; a broken one gets a reason instead of points and never stops the
others. `gradebook` writes the tables, `pages` the pages.
"""

import collections
import math
from dataclasses import dataclass, field, replace

from course_utils._support.text import shown
from course_utils.homework import submission_file
from course_utils.homework.grading import plagiarism
from course_utils.homework.grading.inbox import collect, load_times
from course_utils.homework.grading.rubric import load_rubric, points
from course_utils.homework.review import Review, public_half, review_submission


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
    rules = rules or load_rubric()
    options = review_options(image_set, rules)
    times = load_times(times) if times else None
    entries = [_entry(r, image_set, options) for r in collect(folder, times)]
    students, problems = by_student(entries, roster)
    if times:
        _sent_at(students, times)
    for student in students:
        _count(student, rules, deadline)
    counted = [student for student in students if student.counted]
    plagiarism.flag_copies(counted)
    plagiarism.flag_far(counted)
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
        sent = submission_file.read_submission(receipt.read())
        entry.student_id, entry.name = sent.student_id, sent.name
        entry.file_hash, entry.answers = sent.receipt, sent.answers
        entry.lessons, entry.versions = sent.lessons, sent.versions
        entry.review = review_submission(sent, image_set, **options)
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
    return points(
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


@dataclass
class Entry:
    """One file: what was received, read and found. error: why nothing is scored."""

    receipt: object
    student_id: str = ""
    name: str = ""
    file_hash: str = ""
    answers: list = field(default_factory=list)
    lessons: dict = field(default_factory=dict)
    versions: dict = field(default_factory=dict)
    review: Review = field(default_factory=Review)
    error: str = ""


@dataclass
class Student:
    """A student of the class, with every file and the one that counts."""

    student_id: str
    name: str
    roster: object = None  # roster.Student, if on the roster
    entries: list = field(default_factory=list)
    counted: Entry | None = None
    parts: dict = field(default_factory=dict)  # {part of the rubric: Part}
    late: str = ""  # in words; "" if in time
    penalty: float = 0.0  # share of the points
    flags: list = field(default_factory=list)  # for a person to look at
    rank: int | None = None

    @property
    def points(self):
        """Points after lateness, without those still to give; None if not scored."""
        if not self.parts:
            return None
        given = [part.points for part in self.parts.values() if part.points is not None]
        return round(sum(given) * (1 - self.penalty), 2)

    @property
    def complete(self):
        """True if no points are left for a person to give."""
        return all(part.points is not None for part in self.parts.values())


def by_student(entries, roster=None):
    """Students with their entries in the order of time, and (file, reason) of nobody's.

    Whose a file is says the LMS by its name; only for plain files the manifest does.
    With a roster, students who handed in nothing are there too.
    """
    groups, problems = collections.defaultdict(list), []
    for entry in entries:
        person = roster.find(entry.receipt, entry.student_id) if roster else None
        name = "".join(entry.name.casefold().split())
        if person:
            key = ("roster", person.student_id, "")
        elif entry.receipt.user:
            key = ("lms", entry.receipt.lms, entry.receipt.user)
        elif entry.student_id:
            key = ("id", entry.student_id.casefold(), name)
        else:
            problems.append((entry.receipt.path, entry.error))
            continue
        groups[key].append((entry, person))
    students = []
    for group in groups.values():
        entry, person = next((g for g in group if g[0].student_id), group[0])
        student = Student(
            student_id=person.student_id if person else entry.student_id,
            name=person.name if person else entry.name or entry.receipt.who,
            roster=person,
            entries=sorted((e for e, _ in group), key=in_time),
        )
        student.student_id = student.student_id or entry.receipt.user
        students.append(student)
    if roster:
        seen = {id(student.roster) for student in students}
        students += [
            Student(person.student_id, person.name, person)
            for person in roster.students
            if id(person) not in seen
        ]
        for student in students:
            if not student.roster:
                student.flags.append("not on the roster.")
    _same_ids(students)
    return students, problems


def _same_ids(students):
    """Flag ids that several students use, and files that name somebody else's."""
    users = collections.defaultdict(set)
    for number, student in enumerate(students):
        for entry in student.entries:
            if entry.student_id:
                users[entry.student_id.casefold()].add(number)
            if student.roster and not own_id(student, entry):
                student.flags.append(
                    f"{shown(entry.receipt.path)} says it is of student "
                    f"{shown(entry.student_id)}: its exercises are not counted."
                )
    for used, numbers in sorted(users.items()):
        if len(numbers) > 1:
            for number in sorted(numbers):
                names = [shown(students[n].name) for n in sorted(numbers - {number})]
                students[number].flags.append(
                    f"the student id {shown(used)} is also used by {', '.join(names)}."
                )


def own_id(student, entry):
    """False if the file names another student id than the roster."""
    if not (student.roster and entry.student_id):
        return True
    return entry.student_id.casefold() in student.roster.ids


def in_time(entry):
    """Sort key: in the order of time; files without a time come first."""
    time = entry.receipt.time
    return (time is not None, time.timestamp() if time else 0, entry.receipt.path)
