"""Classes as Canvas and Moodle export them: what was handed in, and the roster.

    people = [Sender("Anna", "Anders", "aanders", {"homework.zip": data}), ...]
    made = write_class(tmp_path, "moodle", "de", people)
    grader.grade(made.submissions, ..., roster=roster.load(made.roster))

Names, columns, times and statuses are those of the platforms' own exports, in English,
German, French and Spanish. The options are what differs between honest sites; a test of
what goes wrong changes the students or the files.
"""

import csv
import io
import os
import zipfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

DEADLINE = datetime(2026, 11, 30, 12)  # on the clock of the platform
DOWNLOADED = datetime(2026, 12, 7, 9, 30)


@dataclass
class Sender:
    """A student of the platform, with the files that the student handed in.

    number: the platform's, made up if 0. files: {original name: bytes}; none is no
    submission. late: by how much, or None. extension: to when, or None. text: True for
    one who also typed something into the platform. grade: the one in the gradebook.
    """

    first: str
    last: str
    login: str = ""
    files: dict = field(default_factory=dict)
    number: int = 0
    email: str = ""
    sis_id: str = ""
    late: timedelta | None = None
    extension: datetime | None = None
    group: str = ""
    text: bool = False
    grade: str = ""

    def __post_init__(self):
        self.email = self.email or f"{self.login or self.last.lower()}@uni.example"

    @property
    def name(self):
        return f"{self.first} {self.last}".strip()

    @property
    def time(self):
        """When the files came."""
        due = self.extension or DEADLINE
        return due + self.late if self.late else due - timedelta(hours=5)


def write_class(
    folder, platform, language="en", students=(), *, packed=True, **options
):
    """Write submissions and roster to a folder; returns an object with both paths.

    packed: the bulk download as it comes, or the folder it was unpacked to, where every
    file has the time of the download. options: those of `canvas_gradebook`, or those of
    `moodle_files` and `moodle_worksheet`.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    students = list(students)
    for i, student in enumerate(students):
        student.number = student.number or 41001 + 7 * i
    if platform == "canvas":
        members = canvas_files(students)
        table = canvas_gradebook(students, language, **options)
    else:
        layout = {k: options.pop(k) for k in ("flat", "old") if k in options}
        blind = options.get("blind", False)
        members = moodle_files(students, language, blind=blind, **layout)
        table = moodle_worksheet(students, language, **options)
    roster = folder / f"{platform}_roster.csv"
    roster.write_bytes(table)
    submissions = folder / ("submissions.zip" if packed else "submissions")
    if packed:
        with zipfile.ZipFile(submissions, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in members.items():
                archive.writestr(name, data)
    for name, data in {} if packed else members.items():
        path = submissions / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (DOWNLOADED.timestamp(),) * 2)
    return SimpleNamespace(submissions=submissions, roster=roster, members=members)


# Canvas

READ_ONLY = {
    "en": "(read only)",
    "de": "(schreibgeschützt)",
    "fr": "(lecture seule)",
    "es": "(solo lectura)",
}


def canvas_name(student):
    """The sortable name, of which only letters are left."""
    return "".join(c for c in f"{student.last}{student.first}".lower() if c.isalnum())


def canvas_files(students):
    """{name: bytes} of "Download submissions"."""
    members, file_id = {}, 98
    for student in students:
        late = "_LATE" if student.late else ""
        start = f"{canvas_name(student)}{late}_{student.number}"
        for original, data in student.files.items():
            name = original.rpartition("/")[2]  # Canvas has no folders
            members[f"{start}_{file_id}_{name}"] = data
            file_id += 1
        if student.text:
            members[f"{start}_text.html"] = b"<p>Dear teacher</p>"
    return members


def canvas_gradebook(
    students,
    language="en",
    *,
    assignments=("Homework (12345)",),
    points_possible=(100.0,),
    logins="login",  # or "email"
    sis_ids=True,
    separate_names=False,
    manual_posting=True,
    test_student=True,
    separator=None,
    bom=True,
):
    """The bytes of the gradebook's export; the grade of a student is the first."""
    separator = separator or ("," if language == "en" else ";")
    sign = "." if language == "en" else ","
    names = ["LastName", "FirstName"] if separate_names else ["Student"]
    sis = ["SIS User ID"] if sis_ids else []
    about = [*names, "ID", *sis, "SIS Login ID", "Section"]
    totals = ["Assignments Current Score", "Current Score", "Final Score"]
    rows = [[*about, *assignments, *totals]]
    if manual_posting:
        rows.append(
            [""] * len(about) + ["Manual Posting"] * len(assignments) + [""] * 3
        )
    possible = [f"{points:.2f}".replace(".", sign) for points in points_possible]
    read_only = [READ_ONLY[language]] * 3
    rows.append(
        ["    Points Possible"] + [""] * (len(about) - 1) + possible + read_only
    )
    for s in sorted(students, key=lambda s: (s.last, s.first)):
        named = [s.last, s.first] if separate_names else [f"{s.last}, {s.first}"]
        login = s.email if logins == "email" else s.login
        sis = [s.sis_id] if sis_ids else []
        grades = [s.grade] + [""] * (len(assignments) - 1)
        rows.append([*named, s.number, *sis, login, "Class A and Class B", *grades])
    if test_student:
        named = ["Student", "Test"] if separate_names else ["Student, Test"]
        rows.append([*named, 99999, *[""] * len(sis), "0f" * 20, "Class A"])
    length = len(rows[0])
    rows = [[*row, *[""] * (length - len(row))] for row in rows]
    return (b"\xef\xbb\xbf" if bom else b"") + _csv(rows, separator)


# Moodle

MOODLE = {
    "en": {
        "columns": ["Identifier", "Full name", "Email address", "Status", "Grade"],
        "more": ["Maximum grade", "Grade can be changed", "Last modified (submission)"],
        "last": ["Last modified (grade)", "Feedback comments"],
        "username, id": ["Username", "ID number"],
        "group": "Group",
        "participant": "Participant ",
        "yes": "Yes",
        "submitted": "Submitted for grading",
        "nothing": "No submission",
        "late": "{} late",
        "extension": "Extension granted until: {}",
        "units": ("day", "days", "hour", "hours"),
        "days": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
        "months": "January February March April May June July August September "
        "October November December",
        "time": "{day}, {d} {month} {y}, {half}",
    },
    "de": {
        "columns": [
            "ID",
            "Vollständiger Name",
            "E-Mail-Adresse",
            "Status",
            "Bewertung",
        ],
        "more": [
            *("Bestwertung", "Bewertung kann geändert werden"),
            "Zuletzt geändert (Abgabe)",
        ],
        "last": ["Zuletzt geändert (Bewertung)", "Feedback als Kommentar"],
        "username, id": ["Anmeldename", "ID-Nummer"],
        "group": "Gruppe",
        "participant": "Teilnehmer/in",
        "yes": "Ja",
        "submitted": "Zur Bewertung abgegeben",
        "nothing": "Keine Abgabe",
        "late": "{} zu spät",
        "extension": "Verlängertes Abgabeende bis: {}",
        "units": ("Tag", "Tage", "Stunde", "Stunden"),
        "days": "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag",
        "months": "Januar Februar März April Mai Juni Juli August September Oktober "
        "November Dezember",
        "time": "{day}, {d}. {month} {y}, {clock}",
    },
    "fr": {
        "columns": [
            "Identifiant",
            "Nom complet",
            "Adresse de courriel",
            "Statut",
            "Note",
        ],
        "more": [
            *("Note maximale", "La note peut être modifiée"),
            "Dernière modification (travail remis)",
        ],
        "last": ["Dernière modification (note)", "Feedback par commentaires"],
        "username, id": ["Nom d'utilisateur", "Numéro d'identification"],
        "group": "Groupe",
        "participant": "Participant",
        "yes": "Oui",
        "submitted": "Remis pour évaluation",
        "nothing": "Pas de travail remis",
        "late": "En retard de {}",
        "extension": "Prolongation accordée jusqu'au\u00a0: {}",
        "units": ("jour", "jours", "heure", "heures"),
        "days": "lundi mardi mercredi jeudi vendredi samedi dimanche",
        "months": "janvier février mars avril mai juin juillet août septembre octobre "
        "novembre décembre",
        "time": "{day} {d} {month} {y}, {clock}",
    },
    "es": {
        "columns": [
            *("Identificador", "Nombre completo", "Dirección de correo", "Estado"),
            "Calificación",
        ],
        "more": [
            *("Calificación máxima", "La calificación puede ser cambiada"),
            "Última modificación (entrega)",
        ],
        "last": [
            *("Última modificación (calificación)", "Comentarios de retroalimentación"),
        ],
        "username, id": ["Nombre de usuario", "Número de ID"],
        "group": "Grupo",
        "participant": "Participante ",
        "yes": "Sí",
        "submitted": "Enviado para calificar",
        "nothing": "Sin entrega",
        "late": "{} de retraso",
        "extension": "Plazo ampliado hasta: {}",
        "units": ("día", "días", "hora", "horas"),
        "days": "lunes martes miércoles jueves viernes sábado domingo",
        "months": "enero febrero marzo abril mayo junio julio agosto septiembre "
        "octubre noviembre diciembre",
        "time": "{day}, {d} de {month} de {y}, {clock}",
    },
}


def moodle_time(time, language):
    """A time as Moodle's worksheet has it."""
    words = MOODLE[language]
    return words["time"].format(
        day=words["days"].split()[time.weekday()],
        month=words["months"].split()[time.month - 1],
        d=time.day,
        y=time.year,
        clock=f"{time:%H:%M}",
        half=f"{time.hour % 12 or 12}:{time:%M} {'AM' if time.hour < 12 else 'PM'}",
    )


def moodle_duration(late, language):
    day, days, hour, hours = MOODLE[language]["units"]
    n = late.seconds // 3600
    parts = [f"{late.days} {day if late.days == 1 else days}"] * bool(late.days)
    parts += [f"{n} {hour if n == 1 else hours}"] * bool(n)
    return " ".join(parts)


def moodle_name(name):
    """A name in the names of files: without what no file system takes."""
    return "".join(c for c in name.replace("_", " ") if c not in "&<>\"`|':\\/")


def moodle_files(students, language="en", *, blind=False, flat=False, old=False):
    """{name: bytes} of "Download all submissions".

    blind: without names. flat: without a folder per student. old: of Moodle before 4.1.
    """
    members = {}
    word = MOODLE[language]["participant"].strip()
    for student in students:
        group = f"{student.group}-" if student.group else ""
        who = moodle_name(word if blind else group + student.name)
        files = {"file": student.files}
        if student.text:
            files["onlinetext"] = {"onlinetext.html": b"<p>Dear teacher</p>"}
        for plugin, named in files.items():
            start = f"{who}_{student.number}_assignsubmission_{plugin}"
            end = "_" if flat else "_/" if old else "/"
            members |= {start + end + name: data for name, data in named.items()}
    return members


def moodle_worksheet(
    students,
    language="en",
    *,
    blind=False,
    usernames=False,
    maximum="100.00",
    can_be_changed=None,
    comments=True,
    bom=False,
):
    """The bytes of the grading worksheet.

    usernames: the site shows the columns of user name and ID number. can_be_changed:
    the word in this column, which is yes in all languages.
    """
    words = MOODLE[language]
    grouped = any(student.group for student in students)
    if language != "en":
        maximum = maximum.replace(".", ",")
    identifier, full_name, email, status, grade = words["columns"]
    about = [full_name, *words["username, id"] * usernames, email] * (not blind)
    last = words["last"] if comments else words["last"][:1]
    group = [words["group"]] * grouped
    rows = [[identifier, *about, status, *group, grade, *words["more"], *last]]
    for s in students:
        number = f"{words['participant']}{s.number}"
        about = [s.name, *[s.login, s.sis_id] * usernames, s.email] * (not blind)
        came = bool(s.files) or s.text
        status = [words["submitted" if came else "nothing"]]
        if came and s.late:
            status.append(words["late"].format(moodle_duration(s.late, language)))
        if s.extension:
            until = moodle_time(s.extension, language)
            status.append(words["extension"].format(until))
        time = moodle_time(s.time, language) if came else "-"
        changed = can_be_changed or words["yes"]
        graded = moodle_time(DOWNLOADED, language) if s.grade else "-"
        row = [number, *about, " - ".join(status), *[s.group] * grouped, s.grade]
        rows.append([*row, maximum, changed, time, graded, *[""] * comments])
    return (b"\xef\xbb\xbf" if bom else b"") + _csv(rows, ",", quote_spaces=True)


def _csv(rows, separator, quote_spaces=False):
    """A CSV; Moodle, by PHP, also puts cells with a space in quotes."""
    if not quote_spaces:
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=separator, lineterminator="\n").writerows(rows)
        return text.getvalue().encode()
    lines = []
    for row in rows:
        cells = [str(cell).replace('"', '""') for cell in row]
        quoted = [f'"{c}"' if set(c) & set(' "\n\t' + separator) else c for c in cells]
        lines.append(separator.join(quoted))
    return ("\n".join(lines) + "\n").encode()
