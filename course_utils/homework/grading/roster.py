"""The students of a class, as Canvas, Moodle or the instructor list them."""

import re
from dataclasses import dataclass, field

from course_utils.homework.grading.csv_tables import key, read

COLUMNS = (  # of a roster
    "Student, ID, SIS User ID, SIS Login ID; Identifier, Full name, Email address, ID "
    "number; First name, Last name, Email address, ID number; student_id, name, "
    "email, lms_id"
)


@dataclass(frozen=True)
class Student:
    """One row of the roster; `row` holds all its columns as they stand in the file."""

    student_id: str
    name: str
    email: str = ""
    lms_id: str = ""
    row: dict = field(default_factory=dict, repr=False, compare=False)

    @property
    def ids(self):
        """What a submission may call the student: id, e-mail, login, in lower case."""
        columns = {name.strip().lower(): value for name, value in self.row.items()}
        logins = columns.get("sis login id", ""), columns.get("username", "")
        names = {key(n).casefold() for n in (self.student_id, self.email, *logins)}
        return frozenset(names - {""})


@dataclass(frozen=True)
class Roster:
    """The students in file order; kind: "canvas", "moodle" or "plain"."""

    kind: str
    students: tuple
    numbers: dict = field(repr=False)  # {lms_id: Student}
    ids: dict = field(repr=False)  # {student id, login or e-mail address: Student}

    def find(self, receipt, manifest_id=None):
        """The student who sent a file, or None.

        The platform's number decides wherever the roster holds such numbers, so nobody
        can hand in under another's name; else what the submission says of itself.
        """
        if receipt.user and self.numbers and self.kind in (receipt.lms, "plain"):
            return self.numbers.get(receipt.user)
        return self.ids.get(key(manifest_id).casefold()) if manifest_id else None


def load(path):
    """Read a Canvas gradebook, a Moodle worksheet or list of participants, or a CSV.

    Raises ValueError that names the columns that would do, or the rows that are wrong.
    """
    header, rows = read(path, set(re.split("[,;] ", COLUMNS.lower())))
    if {"student_id", "name"} <= header:
        kind = "plain"
    elif "id" in header and header & {"student", "lastname"}:
        kind = "canvas"
    elif "identifier" in header or (
        header & {"full name", "first name"} and header & {"email address", "id number"}
    ):
        kind = "moodle"
    else:
        raise ValueError(
            f"{path} is no roster: a Canvas gradebook, a Moodle grading worksheet, a "
            "list of Moodle's participants, or a table of your own has the columns "
            f"{COLUMNS}."
        )
    students, numbers, ids, row_of = [], {}, {}, {}
    for number, cells, row in rows:
        points = kind == "canvas" and not cells["id"] and not students
        if points or cells["student"].lower() in ("points possible", "student, test"):
            continue
        student = _student(kind, cells, row)
        if not student.student_id:
            raise ValueError(f"{path}, row {number}: the student's id is missing.")
        students.append(student)
        taken = [(ids, name) for name in sorted(student.ids)]
        taken.append((numbers, student.lms_id))
        for index, name in taken:
            if name and name in index:
                raise ValueError(
                    f"{path}: rows {row_of[index[name].student_id]} and {number} both "
                    f"have {name}: an id or an address belongs to one student."
                )
            if name:
                index[name] = student
        row_of[student.student_id] = number
    if not students:
        raise ValueError(f"{path} names no student: export the roster again.")
    return Roster(kind, tuple(students), numbers, ids)


def _student(kind, cells, row):
    if kind == "canvas":
        login, number = cells["sis login id"], cells["id"]
        name = cells["student"] or f"{cells['lastname']}, {cells['firstname']}"
        email = login if "@" in login else ""
        return Student(
            cells["sis user id"] or login or number, name, email, number, row
        )
    if kind == "moodle":
        last, email = cells["last name"] or cells["surname"], cells["email address"]
        name = cells["full name"] or f"{cells['first name']} {last}".strip()
        number = re.search("[0-9]*$", cells["identifier"])[0]
        return Student(cells["id number"] or email or number, name, email, number, row)
    return Student(*(cells[c] for c in ("student_id", "name", "email", "lms_id")), row)
