"""Who sent which file, and when: from the learning platform's names, never the content.

Reads a folder, a bulk download as Canvas or Moodle name it, or plain files. What comes
from students is only listed here, read within bounds, and never followed, unpacked,
run or changed. Every text is fit to be shown (`plain`), but not escaped for HTML.
"""

import contextlib
import csv
import io
import itertools
import os
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

MOST_BYTES = 16 * 1024**2  # of one file
MOST_FILES = 20_000
MOST_DIRECTORY = 8 * 1024**2  # bytes that list the members of an archive
# What a damaged archive raises.
ODD = zipfile.BadZipFile, NotImplementedError, zlib.error, struct.error, OverflowError
IGNORED = {"__macosx", "thumbs.db", "desktop.ini"}  # and hidden files
UNSAFE = re.compile(  # control characters, line ends, and what turns the text round
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"
)
# Canvas: lastfirst[_LATE]_USER_FILE_original, and anon_XXXXX in place of name and user;
# Moodle: Full Name_PARTICIPANT_assignsubmission_file[_], then / or _ and the original.
CANVAS = re.compile(
    r"(?P<who>.*?)(?P<late>_LATE)?_(?P<user>\d+)_(\d+_.|(text|link)\.html$)", re.ASCII
)
ANONYMOUS = re.compile(r"(?P<late>LATE_)?(?P<who>anon_[A-Za-z0-9]{5})(?P<user>)_\d+_.")
MOODLE = re.compile(
    r"(?P<who>.*?)(_(?P<user>\d+))?(?P<late>)_assignsubmission_[a-z]+(_|$)", re.ASCII
)


def plain(text, most=200):
    """Text from outside as one line: no control or bidi characters, at most `most`."""
    text = UNSAFE.sub("", str(text)[: 4 * most])
    text = re.sub("[\ud800-\udfff]", "?", text)  # what was not Unicode on the disk
    return text if len(text) <= most else text[: most - 1] + "…"


def parse_deadline(text):
    """A time in ISO 8601 with its zone, in UTC; raises ValueError for any other."""
    try:
        time = datetime.fromisoformat(str(text).strip())
        if time.tzinfo is not None:
            return time.astimezone(UTC)
    except (ValueError, OverflowError):
        what = "is not a time in ISO 8601: write it like"
    else:
        what = "could be anywhere: say the time zone:"
    raise ValueError(f"{plain(text, 60)!r} {what} 2026-11-30T23:59+01:00")


@dataclass(frozen=True)
class Receipt:
    """One file that was handed in.

    path: where it lies in the folder or archive, for showing. lms: "canvas", "moodle"
    or "". who, user: the platform's name and number of the student, or "". time: in UTC
    or None, as time_source tells: "receipts file", "file time" or "". marked_late: the
    platform wrote LATE into the name. problem: why it is not even opened, or "".
    """

    path: str
    size: int = 0
    lms: str = ""
    who: str = ""
    user: str = ""
    time: datetime | None = None
    time_source: str = ""
    marked_late: bool = False
    problem: str = ""
    source: tuple = field(default=(), repr=False, compare=False)  # (file[, member])

    def read(self):
        """Its bytes, at most MOST_BYTES; raises ValueError that says why not."""
        if self.problem or not self.source:
            raise ValueError(f"{self.path} is not opened: {self.problem or 'no file'}.")
        try:
            data = (_member if len(self.source) == 2 else _regular)(*self.source)
        except OSError as error:
            why = error.strerror or error
            raise ValueError(f"{self.path} cannot be read ({why}).") from error
        except ODD as error:
            raise ValueError(f"{self.path} is damaged in the archive.") from error
        if len(data) > MOST_BYTES:
            raise ValueError(f"{self.path} is {_too_large(len(data))}.")
        return data


@dataclass(frozen=True)
class Times:
    """A receipts CSV: when files came {path or name: time}, or students' {id: time}."""

    files: dict
    students: dict

    def time_of(self, student):
        """When this student (LMS number or student id) sent the files, or None."""
        return self.students.get(_key(student).casefold())


def collect(folder, times=None):
    """List what was handed in, sorted by path; unusable files have a `problem`.

    folder: a folder (files in it and one folder down), or the bulk download as .zip.
    times: a receipts CSV or its `load_times`; a file that it does not know has no time.
    Without it the file's own time counts, which an archive does not tell.
    Raises ValueError that says what to do if there is nothing to list.
    """
    folder = Path(folder).expanduser()
    if times is not None and not isinstance(times, Times):
        times = load_times(times)
    if folder.is_dir():
        receipts = _in_folder(folder)
    elif folder.is_file():
        receipts = _in_archive(folder)
    else:
        raise ValueError(f"{folder} is neither a folder nor a file: check the path.")
    if not receipts:
        raise ValueError(
            f"{folder} holds no submissions: give the folder that holds the students' "
            ".zip files, or the bulk download of Canvas or Moodle."
        )
    receipts.sort(key=lambda receipt: receipt.path)
    for i, (one, two) in enumerate(itertools.pairwise(receipts), start=1):
        if one.path == two.path:
            why = two.problem or "another file has the same name"
            receipts[i] = replace(two, problem=why)
    return _timed(receipts, times) if times else receipts


def load_times(path):
    """Read a receipts CSV: `file` or `student`, and `time` in ISO 8601 with its zone.

    file: name, or path in the folder; student: LMS number or student id.
    Raises ValueError with the row that is wrong.
    """
    header, rows = _table(path, {"file", "student", "time"})
    if "time" not in header or not header & {"file", "student"}:
        raise ValueError(
            f"{path}: the first line must be `file,time` or `student,time`."
        )
    times = Times({}, {})
    for number, cells, _ in rows:
        file = _key(cells["file"].replace("\\", "/").removeprefix("./"))
        student = _key(cells["student"]).casefold()
        try:
            time = parse_deadline(cells["time"])
        except ValueError as error:
            raise ValueError(f"{path}, row {number}: {error}") from error
        if not file and not student:
            raise ValueError(f"{path}, row {number}: neither a file nor a student.")
        for known, key in ((times.files, file), (times.students, student)):
            if key and key in known:
                raise ValueError(f"{path}, row {number}: {key} is there twice.")
            if key:
                known[key] = time
    return times


def _timed(receipts, times):
    paths = {_key(receipt.path) for receipt in receipts}
    names = Counter(_key(receipt.path).rpartition("/")[2] for receipt in receipts)
    timed = []
    for receipt in receipts:
        path = _key(receipt.path)
        name = path.rpartition("/")[2]
        time = times.files.get(path)
        if time is None and name in times.files and name not in paths:
            if names[name] > 1:
                raise ValueError(
                    f"the receipts name {name}, but {names[name]} files are called so: "
                    "write their paths inside the folder."
                )
            time = times.files[name]
        time = time or times.time_of(receipt.user)
        source = "receipts file" if time else ""
        timed.append(replace(receipt, time=time, time_source=source))
    return timed


def _receipt(name, size, source, problem="", time=None):
    """A receipt with what the platform wrote into the name."""
    path = plain(name, 520)
    *folders, base = path.split("/")
    # A folder's name is the platform's own, the end of a file's name is the student's:
    # so a folder goes first, and then whatever stands nearest to the beginning.
    patterns = [(MOODLE, folder) for folder in folders], [(ANONYMOUS, base)]
    for tried in (*patterns, [(CANVAS, base), (MOODLE, base)]):
        found = [match for pattern, text in tried if (match := pattern.match(text))]
        if found:
            break
    receipt = Receipt(path, size, source=source)
    if found:
        match = min(found, key=lambda match: match.end("who"))
        receipt = replace(
            receipt,
            lms="moodle" if match.re is MOODLE else "canvas",
            who=match["who"],
            user=match["user"] or "",
            marked_late=bool(match["late"]),
        )
    if not problem and size > MOST_BYTES:
        problem = _too_large(size)
    if not problem and not path.lower().endswith(".zip"):
        problem = "not a .zip file"
    source = "file time" if time else ""
    return replace(receipt, problem=problem, time=time, time_source=source)


def _too_large(size):
    return f"{size / 1e6:,.0f} MB: larger than {MOST_BYTES // 1024**2} MB"


def _ignored(name):
    return name.startswith(".") or name.lower() in IGNORED


def _in_folder(root):
    receipts, folders, seen = [], [("", root)], 0
    for inside, path in folders:  # grows while it is walked
        try:
            with os.scandir(path) as entries:
                listed = list(itertools.islice(entries, MOST_FILES + 1))
        except OSError as error:
            if not inside:
                raise ValueError(
                    f"{root} cannot be opened ({error.strerror})."
                ) from error
            why = f"the folder cannot be opened ({error.strerror})"
            receipts.append(_receipt(inside, 0, (), why))
            continue
        seen += len(listed)
        if seen > MOST_FILES:
            raise ValueError(
                f"{root} holds more than {MOST_FILES:,} files: give the folder that "
                "holds nothing but the students' .zip files."
            )
        for entry in sorted(listed, key=lambda entry: entry.name):
            if _ignored(entry.name):
                continue
            name = inside + entry.name
            if entry.is_dir(follow_symlinks=False) and not inside:
                folders.append((name + "/", entry.path))
            else:
                receipts.append(_on_disk(name, entry, inside))
    return receipts


def _on_disk(name, entry, inside):
    try:
        about = entry.stat(follow_symlinks=False)
    except OSError as error:
        return _receipt(name, 0, (), f"cannot be looked at ({error.strerror})")
    try:
        time = datetime.fromtimestamp(about.st_mtime, UTC)
    except (OSError, ValueError, OverflowError):
        time = None  # before the year 1, or after 9999
    problem = ""
    if stat.S_ISLNK(about.st_mode):
        problem = "a link is not followed"
    elif stat.S_ISDIR(about.st_mode):
        problem = "a folder inside a folder is not opened"
    elif not stat.S_ISREG(about.st_mode):
        problem = "not a regular file"
    size = about.st_size if stat.S_ISREG(about.st_mode) else 0
    return _receipt(name, size, (entry.path,), problem, None if problem else time)


def _regular(path):
    """The bytes of a regular file and no more than MOST_BYTES + 1; OSError if not."""
    if os.path.islink(path):
        raise OSError("a link is not followed")
    flags = ("O_BINARY", "O_NOFOLLOW", "O_NONBLOCK")  # not every system has them all
    handle = os.open(path, sum((getattr(os, flag, 0) for flag in flags), os.O_RDONLY))
    with open(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError("not a regular file")
        return file.read(MOST_BYTES + 1)


def _in_archive(path):
    """The members of a bulk download, of which only the list is read."""
    try:
        entries, length = _directory(path)
        members = None
        if entries <= MOST_FILES and length <= MOST_DIRECTORY:
            with zipfile.ZipFile(path) as archive:
                members = archive.infolist()
    except (*ODD, OSError, ValueError) as error:
        raise ValueError(
            f"{path} is no .zip archive that can be read ({error}): download it again, "
            "or give the folder that holds the students' files."
        ) from error
    if members is None or len(members) > MOST_FILES:
        raise ValueError(
            f"{path} lists {max(entries, len(members or ())):,} files in "
            f"{length / 1e6:,.0f} MB, which no bulk download does: it is not opened."
        )
    return [
        _receipt(name, member.file_size, (path, member), _why_not(name, member))
        for member in members
        if not (name := _member_name(member)).endswith("/")
        and not any(map(_ignored, set(name.split("/")) - {"", ".", ".."}))
    ]


def _directory(path):
    """How many members an archive claims to have, and the bytes of its list of them."""
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 65_557))
        tail = file.read(65_557)
    at = len(tail) - 22  # as zipfile looks for it: no comment, else the last signature
    if tail[at : at + 4] != b"PK\5\6" or tail[-2:] != b"\0\0":
        at = tail.rfind(b"PK\5\6")
    if at < 0:
        raise zipfile.BadZipFile("its end is missing")
    entries, length = struct.unpack_from("<HL", tail, at + 10)
    if at >= 76 and tail[at - 20 : at - 16] == b"PK\6\7":  # the larger, newer form
        if tail[at - 76 : at - 72] != b"PK\6\6":
            raise zipfile.BadZipFile("its end is damaged")
        entries, length = struct.unpack_from("<QQ", tail, at - 76 + 32)
    return entries, length


def _member_name(member):
    """The name of a member; UTF-8 that is not declared as such is common."""
    name = member.filename
    if not member.flag_bits & 0x800:
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return name.replace("\\", "/")


def _why_not(name, member):
    parts = name.split("/")
    kind = stat.S_IFMT(member.external_attr >> 16)
    if not parts[0] or ".." in parts or re.match("[A-Za-z]:", name):
        return "its name leads out of the archive"
    if kind == stat.S_IFLNK:
        return "a link is not followed"
    if kind not in (0, stat.S_IFREG):
        return "not a regular file"
    if member.flag_bits & 0x1:
        return "encrypted"
    if len(parts) > 2:
        return "a folder inside a folder is not opened"
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "packed in an uncommon way"
    return ""


def _member(path, member):
    """The bytes of one member, unpacked in memory up to MOST_BYTES + 1."""
    with open(path, "rb") as file:
        file.seek(member.header_offset)
        header = struct.unpack("<4s22xHH", file.read(30))
        file.seek(header[1] + header[2], os.SEEK_CUR)
        data = file.read(min(member.compress_size, MOST_BYTES + 65_536))
    if member.compress_type == zipfile.ZIP_DEFLATED:
        data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, MOST_BYTES + 1)
    if header[0] != b"PK\3\4" or zlib.crc32(data) != member.CRC:
        raise zipfile.BadZipFile("not the bytes that the archive promises")
    return data


def _key(text):
    """A text to be compared: Unicode can write one letter in several ways."""
    return unicodedata.normalize("NFC", plain(text, 520)).strip()


def _table(path, known):
    """The column names in lower case, and [(row number, cells by them, row as it is)].

    The separator is the one that makes the most known columns.
    """
    try:
        data = _regular(os.path.realpath(path))
        if len(data) > MOST_BYTES:
            raise ValueError(
                f"{path} is {_too_large(len(data))}: is it the right file?"
            )
        text = data.decode("utf-8-sig")

        def lines(separator):
            return csv.reader(io.StringIO(text, newline=""), delimiter=separator)

        def columns(separator):
            return [name.strip().lower() for name in next(lines(separator), [])]

        separator = max(",;\t", key=lambda mark: len(known & set(columns(mark))))
        table = list(lines(separator))
    except OSError as error:
        why = error.strerror or error
        raise ValueError(f"{path} cannot be read ({why}).") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(
            f"{path} is not a CSV table in UTF-8 ({error}): save it as CSV UTF-8."
        ) from error
    names, rows = columns(separator), []
    for number, row in enumerate(table[1:], start=2):
        if any(cell.strip() for cell in row):
            row += [""] * (len(names) - len(row))
            cells = dict(zip(names, (plain(c, 520).strip() for c in row), strict=False))
            as_it_is = dict(zip(table[0], row, strict=False))
            rows.append((number, defaultdict(str, cells), as_it_is))
    return set(names), rows


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
        names = {_key(n).casefold() for n in (self.student_id, self.email, *logins)}
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
        return self.ids.get(_key(manifest_id).casefold()) if manifest_id else None


def load_roster(path):
    """Read a Canvas gradebook, a Moodle worksheet or list of participants, or a CSV.

    Raises ValueError that names the columns that would do, or the rows that are wrong.
    """
    header, rows = _table(path, set(re.split("[,;] ", COLUMNS.lower())))
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
