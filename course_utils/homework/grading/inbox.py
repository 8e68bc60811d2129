"""The inbox of a homework: who handed in which file, and when.

Reads a folder, the bulk download of Canvas or Moodle, or plain files. Who sent a file
follows from the names that the platform gives, never from the content. What comes from
students is only listed here, read within bounds, and never followed, unpacked, run or
changed. Every text is fit to be shown (`plain`), but not escaped for HTML.

A file's own time is when it was written to this disk, which for a download is the time
of the download: it counts only where it is asked for.
"""

import contextlib
import itertools
import os
import re
import stat
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from course_utils._support.text import plain
from course_utils.homework.grading import csv_tables
from course_utils.homework.untrusted_files import (
    MAX_BYTES,
    BadZip,
    packing_problem,
    read_bounded,
    read_zip_member,
    too_large,
    zip_members,
)

MAX_FILES = 20_000
MAX_DIRECTORY = 8 * 1024**2  # bytes that list the members of a bulk download

IGNORED = {"__macosx", "thumbs.db", "desktop.ini"}  # and hidden files, but no .zip

# Canvas: lastfirst[_LATE]_USER_FILE_original, and anon_XXXXX in place of name and user;
# Moodle: Full Name_PARTICIPANT_assignsubmission_file[_], then / or _ and the original.
# What students typed into the platform comes as .html and has no file's number.
ORIGINAL = r"(?P<file>\d+)_(?=.)|(?P<text>text|link)\.html$"
CANVAS = re.compile(
    rf"(?P<who>.*?)(?P<late>_LATE|_late)?_(?P<user>\d+)_(?:{ORIGINAL})", re.ASCII
)

ANONYMOUS = re.compile(
    r"(?P<late>LATE_)?(?P<who>anon_[A-Za-z0-9]{5})(?P<late_too>_LATE)?(?P<user>)_"
    rf"(?:{ORIGINAL})",
    re.ASCII,
)

MOODLE = re.compile(
    r"(?P<who>.*?)(_(?P<user>\d+))?_assignsubmission_(?P<plugin>[a-z]+)(_|$)", re.ASCII
)


@dataclass(frozen=True)
class Receipt:
    """One file that was handed in.

    path: where it lies in the folder or archive, for showing. lms: "canvas", "moodle"
    or "". who, user: the platform's name and number of the student, or "". time: in UTC
    or None, as time_source tells: "receipts file", "file time" or "". marked_late: the
    platform wrote LATE into the name; a file of Canvas without it came in time.
    problem: why it is not even opened, or "". note: why its file time does not count.
    prefix: the platform's part of its name, or of its folder's. order: Canvas' number
    of the file and of its repetition, higher is newer; (0, 0) if nothing is known.
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
    note: str = ""
    prefix: str = ""
    order: tuple = (0, 0)
    source: tuple = field(default=(), repr=False, compare=False)  # (file[, member])

    def read(self):
        """Its bytes, at most MAX_BYTES; raises ValueError that says why not."""
        if self.problem or not self.source:
            raise ValueError(f"{self.path} is not opened: {self.problem or 'no file'}.")
        try:
            if len(self.source) == 2:
                data = read_zip_member(*self.source, MAX_BYTES, MAX_DIRECTORY)
            else:
                data = read_bounded(*self.source)
        except OSError as error:
            why = error.strerror or error
            raise ValueError(f"{self.path} cannot be read ({why}).") from error
        except BadZip as error:
            raise ValueError(f"{self.path} is damaged in the archive.") from error
        if len(data) > MAX_BYTES:
            raise ValueError(f"{self.path} is {too_large(len(data))}.")
        return data


class Inbox(list):
    """The Receipts of what was handed in, sorted by path.

    texts: Receipts of what students typed into the platform: online texts and links.
    ignored: paths of what no student sent: hidden files, __MACOSX, desktop.ini.
    """

    def __init__(self, receipts=(), texts=(), ignored=()):
        super().__init__(receipts)
        self.texts, self.ignored = list(texts), sorted(ignored)


@dataclass(frozen=True)
class Times:
    """A receipts CSV: when files came {path or name: time}, or students' {id: time}."""

    files: dict
    students: dict

    def time_of(self, student):
        """When this student (LMS number or student id) sent the files, or None."""
        return self.students.get(csv_tables.key(student).casefold())


def collect(folder, times=None):
    """List what was handed in, as an Inbox; unusable files have a `problem`.

    folder: a folder (files in it and one folder down, and below a folder that Moodle
    made), or the bulk download as .zip. times: a receipts CSV or its `load_times`; a
    file that it does not know has no time. "files": the files' own times count, where
    they can be true. Without it no file has a time: only the platform knows.
    Raises ValueError that says what to do if there is nothing to list.
    """
    folder = Path(folder).expanduser()
    by_file = isinstance(times, str) and times == "files"
    if times is not None and not by_file and not isinstance(times, Times):
        times = load_times(times)
    if folder.is_dir():
        receipts, ignored = _in_folder(folder, by_file)
    elif folder.is_file() and by_file:
        raise ValueError(
            f"{folder} does not say when its files came: give a table with --times, or "
            "leave it out."
        )
    elif folder.is_file():
        receipts, ignored = _in_archive(folder)
    else:
        raise ValueError(f"{folder} is neither a folder nor a file: check the path.")
    texts = [receipt for receipt in receipts if _is_text(receipt)]
    receipts = [receipt for receipt in receipts if not _is_text(receipt)]
    if not receipts:
        only = " but texts that were typed into the platform" if texts else ""
        raise ValueError(
            f"{folder} holds no submissions{only}: give the folder that holds the "
            "students' .zip files, or the bulk download of Canvas or Moodle."
        )
    receipts = _sorted(receipts)
    if isinstance(times, Times):
        receipts = _timed(receipts, times)
    texts = [replace(text, problem="") for text in _sorted(texts)]
    return Inbox(receipts, texts, ignored)


def _sorted(receipts):
    """In the order of their paths; a second file of the same name has a problem."""
    receipts = sorted(receipts, key=lambda r: (csv_tables.key(r.path), r.path))
    for i, (one, two) in enumerate(itertools.pairwise(receipts), start=1):
        if one.path == two.path:
            why = two.problem or "another file has the same name"
            receipts[i] = replace(two, problem=why)
    return receipts


def load_times(path):
    """Read a receipts CSV: `file` or `student`, and `time` in ISO 8601 with its zone.

    file: name, or path in the folder; student: LMS number or student id.
    Raises ValueError with the row that is wrong.
    """
    header, rows = csv_tables.read(path, {"file", "student", "time"})
    if "time" not in header or not header & {"file", "student"}:
        raise ValueError(
            f"{path}: the first line must be `file,time` or `student,time`."
        )
    times = Times({}, {})
    for number, cells, _ in rows:
        file = csv_tables.key(cells["file"].replace("\\", "/").removeprefix("./"))
        student = csv_tables.key(cells["student"]).casefold()
        try:
            time = parse_deadline(cells["time"]).astimezone(UTC)
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


def parse_deadline(text):
    """A time in ISO 8601 with its zone; raises ValueError for any other."""
    try:
        time = datetime.fromisoformat(str(text).strip())
        if time.tzinfo is not None and time.astimezone(UTC):
            return time
    except (ValueError, OverflowError):
        what = "is not a time in ISO 8601: write it like"
    else:
        what = "could be anywhere: say the time zone:"
    raise ValueError(f"{plain(str(text), most=60)!r} {what} 2026-11-30T23:59+01:00")


def _timed(receipts, times):
    paths = {csv_tables.key(receipt.path) for receipt in receipts}
    names = Counter(
        csv_tables.key(receipt.path).rpartition("/")[2] for receipt in receipts
    )
    timed = []
    for receipt in receipts:
        path = csv_tables.key(receipt.path)
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


def _in_folder(root, by_file):
    """The files in a folder and in its folders, and the paths of ignored ones."""
    receipts, ignored, folders, seen = [], [], [("", root)], 0
    for inside, path in folders:  # grows while it is walked
        try:
            with os.scandir(path) as entries:
                listed = list(itertools.islice(entries, MAX_FILES + 1))
        except OSError as error:
            if not inside:
                raise ValueError(
                    f"{root} cannot be opened ({error.strerror})."
                ) from error
            why = f"the folder cannot be opened ({error.strerror})"
            receipts.append(_receipt(inside, 0, (), why))
            continue
        seen += len(listed)
        if seen > MAX_FILES:
            raise ValueError(
                f"{root} holds more than {MAX_FILES:,} files: give the folder that "
                "holds nothing but the students' .zip files."
            )
        for entry in sorted(listed, key=lambda entry: entry.name):
            name = inside + entry.name
            if _ignored(entry.name):
                ignored.append(plain(name, most=520))
            elif entry.is_dir(follow_symlinks=False) and _opened(name):
                folders.append((name + "/", entry.path))
            else:
                receipts.append(_on_disk(name, entry, by_file))
    return receipts, ignored


def _opened(folder):
    """True for a folder at the top, and in Moodle's, which hold students' folders."""
    parts = folder.split("/")
    return len(parts) < 2 or any(map(MOODLE.match, parts))


def _on_disk(name, entry, by_file):
    try:
        about = entry.stat(follow_symlinks=False)
    except OSError as error:
        return _receipt(name, 0, (), f"cannot be looked at ({error.strerror})")
    problem = ""
    if stat.S_ISLNK(about.st_mode):
        problem = "a link is not followed"
    elif stat.S_ISDIR(about.st_mode):
        problem = "a folder inside a folder is not opened"
    elif not stat.S_ISREG(about.st_mode):
        problem = "not a regular file"
    size = about.st_size if stat.S_ISREG(about.st_mode) else 0
    receipt = _receipt(name, size, (entry.path,), problem)
    return _by_file_time(receipt, about.st_mtime) if by_file else receipt


def _by_file_time(receipt, seconds):
    """The receipt with its file's time, if that can be true."""
    try:
        time = datetime.fromtimestamp(seconds, UTC)
    except (OSError, ValueError, OverflowError):  # before the year 1, or after 9999
        return replace(receipt, note="its file time is not a time.")
    if time.year < 2000 or time > datetime.now(UTC) + timedelta(days=1):
        note = f"its file time, {time:%Y-%m-%d}, cannot be right and does not count."
        return replace(receipt, note=note)
    return replace(receipt, time=time, time_source="file time")


def _in_archive(path):
    """The members of a bulk download, of which only the list is read."""
    try:
        members = zip_members(path, MAX_DIRECTORY)
    except (BadZip, OSError) as error:
        raise ValueError(
            f"{path} is no .zip archive that can be read ({error}): download it again, "
            "or give the folder that holds the students' files."
        ) from error
    if len(members) > MAX_FILES:
        raise ValueError(
            f"{path} lists {len(members):,} files, which no bulk download does: it is "
            "not opened."
        )
    receipts, ignored = [], []
    for member in members:
        name = _member_name(member)
        if name.endswith("/"):
            continue
        if any(map(_ignored, set(name.split("/")) - {"", ".", ".."})):
            ignored.append(plain(name, most=520))
        else:
            why = _why_not(name, member)
            receipts.append(_receipt(name, member.file_size, (path, member), why))
    return receipts, ignored


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
    if len(parts) > 2 and not _opened("/".join(parts[:-1])):
        return "a folder inside a folder is not opened"
    return packing_problem(member)


def _receipt(name, size, source, problem=""):
    """A receipt with what the platform wrote into the name."""
    path = plain(name, most=520)
    if not problem and size > MAX_BYTES:
        problem = too_large(size)
    if not problem and not path.lower().endswith(".zip"):
        problem = "not a .zip file"
    return Receipt(path, size, **_sender(path), problem=problem, source=source)


def _ignored(name):
    """True for what a system adds; a student's hidden .zip is a file like any other."""
    if name.startswith(".") and not name.startswith("._"):
        return not (name.lower().endswith(".zip") or MOODLE.match(name))
    return name.startswith("._") or name.lower() in IGNORED


def _is_text(receipt):
    """True for what a student typed into the platform, which comes with the files."""
    if receipt.problem != "not a .zip file":
        return False
    base = receipt.path.rpartition("/")[2]
    if receipt.lms == "moodle":
        plugin = MOODLE.match(receipt.prefix)["plugin"]
        return plugin == "onlinetext" or base == "onlinetext.html"
    return receipt.lms == "canvas" and base == receipt.prefix


def _sender(path):
    """What a Receipt says of its sender, from where the file lies."""
    *folders, base = path.split("/")
    # A folder's name is the platform's own, the end of a file's name is the student's:
    # so a folder goes first, and then whatever stands nearest to the beginning.
    patterns = [(MOODLE, folder) for folder in folders], [(ANONYMOUS, base)]
    for tried in (*patterns, [(CANVAS, base), (MOODLE, base)]):
        found = [match for pattern, text in tried if (match := pattern.match(text))]
        if found:
            match = min(found, key=lambda match: match.end("who"))
            named = defaultdict(str, match.groupdict(default=""))
            return {
                "lms": "moodle" if match.re is MOODLE else "canvas",
                "who": named["who"],
                "user": named["user"],
                "prefix": match[0],
                "order": _order(named["file"], base),
                "marked_late": bool(named["late"] or named["late_too"]),
            }
    return {}


def _order(file, base):
    """(Canvas' number of a file, which time the same name was handed in)"""
    if not file:
        return 0, 0
    again = re.search(r"-(\d{1,9})(\.[^.]*)?$", base, re.ASCII)
    return int(file), int(again[1]) if again else 0
