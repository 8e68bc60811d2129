"""The students of a class, as Canvas, Moodle or the instructor list them.

Canvas writes its columns in English everywhere; Moodle translates them, so they are
found by their names in English, German, French and Spanish, and otherwise by what their
cells hold. What cannot be understood is left out, never guessed.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from course_utils._support.text import plain
from course_utils.homework.grading.csv_tables import Sheet, key, read_sheet

COLUMNS = (  # of a roster
    "Student, ID, SIS User ID, SIS Login ID; Identifier, Full name, Email address, ID "
    "number; First name, Last name, Email address, ID number; student_id, name, "
    "email, lms_id"
)

PLAIN = ("student_id", "name", "email", "lms_id", "username", "login")

CANVAS = (
    *("student", "lastname", "firstname", "id", "sis user id", "sis login id"),
    *("integration id", "section"),
)

# What Moodle calls the columns of a grading worksheet or of the list of participants.
MOODLE = {
    "identifier": ("identifier", "identifiant", "identificador"),  # German: "ID"
    "full name": (
        *("full name", "vollständiger name", "nom complet", "nombre completo"),
        *("first name / last name", "vorname / nachname", "prénom / nom"),
        *("nombre / apellido(s)", "nombre / apellidos"),
    ),
    "first name": ("first name", "vorname", "prénom", "nombre"),
    "last name": (
        *("last name", "surname", "nachname", "nom", "nom de famille"),
        *("apellido(s)", "apellidos", "apellido"),
    ),
    "email address": (
        *("email address", "email", "e-mail-adresse", "e-mail", "adresse de courriel"),
        *("courriel", "adresse e-mail", "dirección de correo", "dirección email"),
        *("correo electrónico", "dirección de correo electrónico"),
    ),
    "username": (
        *("username", "anmeldename", "benutzername", "nom d'utilisateur"),
        *("nom d’utilisateur", "nombre de usuario", "usuario"),
    ),
    "id number": (
        *("id number", "id-nummer", "matrikelnummer", "numéro d'identification"),
        *("numéro d’identification", "número de id", "número de identificación"),
    ),
    "status": ("status", "statut", "estado", "estatus"),
    "group": (
        *("group", "groups", "gruppe", "gruppen", "groupe", "groupes"),
        *("grupo", "grupos"),
    ),
    "grade": ("grade", "bewertung", "note", "calificación"),
    "maximum grade": (
        *("maximum grade", "bestwertung", "note maximale", "calificación máxima"),
    ),
    "scale": ("scale", "skala", "barème", "escala"),
    "grade can be changed": (
        *("grade can be changed", "bewertung kann geändert werden"),
        *("la note peut être modifiée", "la calificación puede ser cambiada"),
        *("la calificación puede cambiarse",),
    ),
    "last modified (submission)": (
        *("last modified (submission)", "zuletzt geändert (abgabe)"),
        *("dernière modification (travail remis)", "última modificación (entrega)"),
    ),
    "last modified (grade)": (
        *("last modified (grade)", "zuletzt geändert (bewertung)"),
        *("dernière modification (note)", "última modificación (calificación)"),
    ),
    "feedback comments": (
        *("feedback comments", "feedback als kommentar", "feedback par commentaires"),
        *("comentarios de retroalimentación", "comentarios de la retroalimentación"),
    ),
}

KNOWN = {*PLAIN, *CANVAS, *(name for names in MOODLE.values() for name in names)}

YES = {"yes", "ja", "oui", "sí", "si"}
NO = {"no", "nein", "non"}


@dataclass(frozen=True)
class Submitted:
    """What Moodle's worksheet says of a submission.

    time, extension: as Moodle shows them, without a time zone, or None. late: how late
    by Moodle's own deadline or extension; None if the status says nothing of lateness.
    text: the status as it is written.
    """

    time: datetime | None = None
    late: timedelta | None = None
    extension: datetime | None = None
    text: str = ""


@dataclass(frozen=True)
class Student:
    """One row of the roster; `row` holds all its columns as they stand in the file.

    ids: all that a submission may call the student, in lower case: student id, login,
    e-mail address and its part before the @, the platform's number. number: the row's,
    the header is row 1. submitted: Moodle's word on the submission, or None.
    """

    student_id: str
    name: str
    email: str = ""
    lms_id: str = ""
    row: dict = field(default_factory=dict, repr=False, compare=False)
    ids: frozenset = field(default=frozenset(), repr=False, compare=False)
    number: int = field(default=0, repr=False, compare=False)
    submitted: Submitted | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Roster:
    """The students in file order; kind: "canvas", "moodle" or "plain".

    sheet: the file as it is. columns: {Moodle's English name: index of the column}.
    """

    kind: str
    students: tuple
    numbers: dict = field(repr=False)  # {lms_id: Student}
    ids: dict = field(repr=False)  # {identifier in lower case: Student}
    names: dict = field(repr=False)  # {platform: {name as it writes it: Students}}
    groups: frozenset = field(repr=False)
    sheet: Sheet = field(repr=False)
    columns: dict = field(repr=False)

    def find(self, receipt):
        """The student who sent a file by the platform's word, or None.

        The platform's number decides wherever the roster has such numbers, and else the
        platform's name, if exactly one student has it. What the file says of itself is
        never asked: nobody can hand in under another's name.
        """
        if not receipt.lms:
            return None
        if receipt.user and self.numbers and self.kind in (receipt.lms, "plain"):
            return self.numbers.get(_digits(receipt.user))
        names = self.names[receipt.lms]
        if receipt.lms == "canvas":
            found = names.get(_canvas_key(receipt.who), ())
        else:
            who = _moodle_key(receipt.who)
            found = names.get(who) or self._after_group(who)
        return found[0] if len(found) == 1 else None

    def by_id(self, text):
        """The student who has this identifier, whichever of them it is, or None."""
        return self.ids.get(_id_key(text)) if isinstance(text, str) else None

    def _after_group(self, who):
        """The students named after a group's name: Group A-Jane Doe.

        Anne-Marie Doe is no Marie Doe: the group is in the roster, or has a space or a
        digit in its name, as no first name has.
        """
        found = []
        for dash in re.finditer("-", who):
            group, name = who[: dash.start()], who[dash.end() :]
            if group in self.groups or re.search(r"[\s\d]", group):
                found += self.names["moodle"].get(name, ())
        return found


def load(path):
    """Read a Canvas gradebook, a Moodle worksheet or list of participants, or a CSV.

    Raises ValueError that names the columns that would do, or the rows that are wrong.
    """
    sheet = read_sheet(path, KNOWN)
    names = [_column_key(name) for name in sheet.header]
    columns = _moodle_columns(sheet, names)
    if {"student_id", "name"} <= {*names}:
        kind = "plain"
    elif "id" in names and {"student", "lastname"} & {*names}:
        kind = "canvas"
    elif "identifier" in columns or (
        {"full name", "first name"} & {*columns}
        and {"email address", "id number", "username"} & {*columns}
    ):
        kind = "moodle"
    else:
        raise ValueError(
            f"{path} is no roster: a Canvas gradebook, a Moodle grading worksheet, a "
            "list of Moodle's participants, or a table of your own has the columns "
            f"{COLUMNS}."
        )
    if kind != "moodle":
        columns = {
            name: names.index(name) for name in (*PLAIN, *CANVAS) if name in names
        }
    people = []
    for number, values in sheet.rows:
        shown = [plain(value, most=520).strip() for value in values]
        cells = defaultdict(str, {name: shown[i] for name, i in columns.items()})
        if kind == "canvas" and not _is_canvas_student(cells, first=not people):
            continue
        person = PEOPLE[kind](cells)
        person["row"] = dict(zip(sheet.header, values, strict=False))
        person["number"] = number
        if not person["student_id"]:
            raise ValueError(f"{path}, row {number}: the student's id is missing.")
        people.append(person)
    if not people:
        raise ValueError(f"{path} names no student: export the roster again.")
    students, numbers, ids = _identified(path, people)
    names = {"canvas": defaultdict(list), "moodle": defaultdict(list)}
    for student in students:
        for name in _canvas_names(student.name):
            names["canvas"][name].append(student)
        for name in _names(student.name, _moodle_key):
            names["moodle"][name].append(student)
    groups = frozenset()
    if kind == "moodle" and "group" in columns:
        cells = [values[columns["group"]] for _, values in sheet.rows]
        groups = frozenset(_moodle_key(g) for cell in cells for g in cell.split(","))
    return Roster(kind, students, numbers, ids, names, groups, sheet, columns)


def _is_canvas_student(cells, first):
    """False for the rows of points and of posting, and for Canvas' test student.

    first: no student has been in a row above.
    """
    person = _canvas_student(cells)
    name = person["name"].lower()
    return not (
        "points possible" in name
        or name == "student, test"
        or re.fullmatch("[0-9a-f]{40}", cells["sis login id"])  # the test student's
        or (not person["student_id"] and (first or not name))
    )


def _canvas_student(cells):
    login, number = cells["sis login id"], cells["id"]
    name = cells["student"] or f"{cells['lastname']}, {cells['firstname']}"
    return {
        "student_id": cells["sis user id"] or login or number,
        "name": name.strip(", "),
        "email": login if "@" in login else "",
        "lms_id": number,
        "ids": (cells["sis user id"], login, cells["integration id"]),
    }


def _moodle_student(cells):
    name = f"{cells['first name']} {cells['last name']}".strip()
    number = re.search("[0-9]*$", cells["identifier"])[0]
    names = cells["id number"], cells["username"], cells["email address"]
    return {
        "student_id": next(filter(None, names), number),
        "name": cells["full name"] or name or cells["identifier"],
        "email": cells["email address"],
        "lms_id": number,
        "ids": names,
        "submitted": _submitted(cells) if cells["identifier"] else None,
    }


def _plain_student(cells):
    return {name: cells[name] for name in ("student_id", "name", "email", "lms_id")} | {
        "ids": (cells["email"], cells["username"], cells["login"])
    }


PEOPLE = {"canvas": _canvas_student, "moodle": _moodle_student, "plain": _plain_student}


def _identified(path, people):
    """(students, {number: student}, {identifier: student}) of the rows.

    A number and the part of an address before the @ name a student only if nobody else
    has them in any form.
    """
    sure = [
        {_id_key(name) for name in (person["student_id"], *person["ids"])} - {""}
        for person in people
    ]
    row_of = {}
    for person, ids in zip(people, sure, strict=True):
        person["lms_id"] = _digits(person["lms_id"])
        number = person["lms_id"] and ("number", person["lms_id"])
        for index in (*sorted(ids), number):
            if index and index in row_of:
                shared = index[1] if isinstance(index, tuple) else index
                raise ValueError(
                    f"{path}: rows {row_of[index]} and {person['number']} both have "
                    f"{shared}: an id or an address belongs to one student."
                )
            if index:
                row_of[index] = person["number"]
    weak = [
        {_id_key(person["lms_id"]), *(i.partition("@")[0] for i in ids if "@" in i)}
        - ids
        - {""}
        for person, ids in zip(people, sure, strict=True)
    ]
    n_owners = Counter(name for ids in (*sure, *weak) for name in ids)
    students, numbers, by_id = [], {}, {}
    for person, own, more in zip(people, sure, weak, strict=True):
        ids = own | {name for name in more if n_owners[name] == 1}
        student = Student(**person | {"ids": frozenset(ids)})
        students.append(student)
        numbers |= {student.lms_id: student} if student.lms_id else {}
        by_id |= dict.fromkeys(ids, student)
    return tuple(students), numbers, by_id


def _id_key(text):
    return key(text).casefold()


def _digits(number):
    """A number of the platform as it is compared: without zeros in front."""
    return number.lstrip("0") if number.isdigit() else number


# Names, as the platforms write them into the names of files


def _names(name, as_written):
    """The ways in which a platform may write a name, each passed to `as_written`.

    Whether the last name comes first or last, and which words it has, is not known.
    """
    words = name.replace(",", " ").split()
    turns = range(max(1, len(words)))
    return {as_written(" ".join(words[i:] + words[:i])) for i in turns} - {""}


def _canvas_names(name):
    """How Canvas may write it: letters and digits, or only those from A to Z."""
    names = _names(name, _canvas_key)
    return names | {"".join(filter(str.isascii, name)) for name in names} - {""}


def _canvas_key(name):
    return "".join(c for c in key(name).casefold() if c.isalnum())


def _moodle_key(name):
    """Moodle leaves out what no file system takes, and turns underscores to spaces."""
    kept = re.sub(r"[&<>\"`|':\\/]", "", re.sub("[_,]", " ", key(name)))
    return " ".join(kept.casefold().split())


# Moodle's columns


def _column_key(name):
    return " ".join(key(name).lower().split())


def _moodle_columns(sheet, names):
    """{English name: index} of the columns, by their names and by what they hold."""
    columns = {}
    for english, translated in MOODLE.items():
        found = [i for i, name in enumerate(names) if name in translated]
        if found:
            columns[english] = found[0]
    cells = [[values[i].strip() for _, values in sheet.rows] for i in range(len(names))]
    found = _by_content(cells) if cells and cells[0] else {}
    if "identifier" not in found or len({*columns, *found}) < 3:
        return columns
    taken = {*columns.values()}
    found = {name: i for name, i in found.items() if i not in taken}
    return found | columns


def _by_content(cells):
    """What the columns of a worksheet in any language are, as far as the cells say."""
    first = {re.sub("[0-9]+$", "", cell) for cell in cells[0]}
    if len(first) != 1 or first == {""} or first & {*cells[0]}:
        return {}
    found = {"identifier": 0}
    for i, column in enumerate(cells):
        if any(column) and all(re.fullmatch(r"\S+@\S+|", cell) for cell in column):
            found.setdefault("email address", i)
        if all(cell.casefold() in YES | NO for cell in column):
            found.setdefault("grade can be changed", i)
    if found.get("email address", 0) > 1:
        found["full name"] = 1
    changed = found.get("grade can be changed")
    if changed and number_of(cells[changed - 1][0]) and len({*cells[changed - 1]}) == 1:
        found |= {"maximum grade": changed - 1, "grade": changed - 2}
    dates = [
        i
        for i, column in enumerate(cells)
        if changed and i > changed and all(c == "-" or parse_time(c) for c in column)
    ]
    if len(dates) == 2:
        found["last modified (submission)"], found["last modified (grade)"] = dates
        if dates[1] + 1 < len(cells):
            found["feedback comments"] = dates[1] + 1
    return found


def number_of(text):
    """A number of Canvas or Moodle, 7.50 or 7,50, or None."""
    text = text.strip()
    if not re.fullmatch(r"[0-9]{1,9}([.,][0-9]{1,9})?", text):
        return None
    return float(text.replace(",", "."))


# Moodle's status and times

MONTHS = {
    name: month
    for month, names in enumerate(
        (
            "january januar janner janvier enero",
            "february februar feber fevrier febrero",
            "march marz mars marzo",
            "april avril abril",
            "may mai mayo",
            "june juni juin junio",
            "july juli juillet julio",
            "august aout agosto",
            "september septembre septiembre setiembre",
            "october oktober octobre octubre",
            "november novembre noviembre",
            "december dezember decembre diciembre",
        ),
        start=1,
    )
    for name in names.split()
}

DATES = (
    r"(?P<day>\d{1,2})(?:\.|er|st|nd|rd|th)? (?:de )?(?P<month>[a-z]+),? (?:del? )?"
    r"(?P<year>\d{4})",
    r"(?P<month>[a-z]+) (?P<day>\d{1,2}),? (?P<year>\d{4})",
    r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})",
    r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})",
)
TIME = (
    r"(?P<hour>\d{1,2})[:h](?P<minute>\d\d)(?::\d\d)?(?: ?(?P<half>[ap])\.? ?m\.?)?"
    "(?: uhr)?"
)
TIMES = [
    re.compile(rf"(?:[a-z]+\.?,? )?{date},? (?:(?:a|a las|um|at) )?{TIME}")
    for date in DATES
]

UNITS = {
    timedelta(days=365): ("year", "jahr", "an", "annee", "ano"),
    timedelta(weeks=1): ("week", "woche", "semaine", "semana"),
    timedelta(days=1): ("day", "tag", "jour", "dia"),
    timedelta(hours=1): ("hour", "stunde", "heure", "hora"),
    timedelta(minutes=1): ("min", "minute", "minuto"),
    timedelta(seconds=1): (
        *("sec", "second", "sek", "sekunde", "s", "seconde", "seg", "segundo"),
    ),
}

LATE = [
    re.compile(pattern.format(r"(?P<time>\d.*)"))
    for pattern in (
        *("{} late", "{} (?:zu spat|verspatet|spater|verspatung)"),
        *("en retard de {}", "{} (?:de|en) retard"),
        *("(?:con )?{} (?:despues|de retraso|tarde|mas tarde|de demora)",),
    )
]

EXTENSION = re.compile(
    "(?:extension|verlanger|prolongation|plazo ampliado|prorroga|ampliacion)[^:]*"
    r"(?::| until| bis| jusqu'au| hasta) *(?P<time>.*)"
)


def _submitted(cells):
    """A Submitted from the cells of a row of the worksheet."""
    late = extension = None
    for part in re.split(r"\s+-(?:\s+|$)", cells["status"]):
        part = _folded(part)
        for pattern in LATE:
            if match := pattern.fullmatch(part):
                late = late or parse_duration(match["time"])
        if match := EXTENSION.fullmatch(part):
            extension = extension or parse_time(match["time"])
    time = parse_time(cells["last modified (submission)"])
    return Submitted(time, late, extension, cells["status"])


def parse_time(text):
    """A time as Moodle writes it in four languages, without a time zone, or None."""
    text = _folded(text)
    match = next(filter(None, (time.fullmatch(text) for time in TIMES)), None)
    if not match:
        return None
    month, hour = match["month"], int(match["hour"])
    if match["half"] and hour <= 12:
        hour = hour % 12 + 12 * (match["half"] == "p")
    try:
        return datetime(
            int(match["year"]),
            MONTHS.get(month) or int(month),
            int(match["day"]),
            hour,
            int(match["minute"]),
        )
    except ValueError:  # no such month, day or hour
        return None


def parse_duration(text):
    """A duration as Moodle writes it in four languages, 2 days 3 hours, or None."""
    part = r"(\d{1,6}) ?([a-z]+)\.?(?: |$)"
    text, total = _folded(text), timedelta()
    if not text or re.sub(part, "", text):
        return None
    for number, word in re.findall(part, text):
        unit = next((u for u, words in UNITS.items() if _is_unit(word, words)), None)
        if unit is None:
            return None
        total += int(number) * unit
    return total


def _is_unit(word, words):
    return any(word in (w, w + "s", w + "e", w + "n") for w in words)


def _folded(text):
    """The text in lower case, without accents and with single spaces."""
    apart = unicodedata.normalize("NFKD", text.casefold().replace("’", "'"))
    kept = "".join(c for c in apart if not unicodedata.combining(c))
    return " ".join(kept.split())
