"""Whose is which file: the students of a class with all that they handed in."""

import collections
from dataclasses import dataclass, field

from course_utils.review import Review
from course_utils.texts import shown


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
