"""Who sent which file, and when: from the learning platform's names, never the content.

Reads a folder, a bulk download as Canvas or Moodle name it, or plain files. What comes
from students is only listed here, read within bounds, and never followed, unpacked,
run or changed. Every text is fit to be shown (`plain`), but not escaped for HTML.
"""

import itertools
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from course_utils.grading import tables
from course_utils.grading.files import in_archive, in_folder
from course_utils.texts import plain


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
    raise ValueError(f"{plain(str(text), most=60)!r} {what} 2026-11-30T23:59+01:00")


@dataclass(frozen=True)
class Times:
    """A receipts CSV: when files came {path or name: time}, or students' {id: time}."""

    files: dict
    students: dict

    def time_of(self, student):
        """When this student (LMS number or student id) sent the files, or None."""
        return self.students.get(tables.key(student).casefold())


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
        receipts = in_folder(folder)
    elif folder.is_file():
        receipts = in_archive(folder)
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
    header, rows = tables.read(path, {"file", "student", "time"})
    if "time" not in header or not header & {"file", "student"}:
        raise ValueError(
            f"{path}: the first line must be `file,time` or `student,time`."
        )
    times = Times({}, {})
    for number, cells, _ in rows:
        file = tables.key(cells["file"].replace("\\", "/").removeprefix("./"))
        student = tables.key(cells["student"]).casefold()
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
    paths = {tables.key(receipt.path) for receipt in receipts}
    names = Counter(tables.key(receipt.path).rpartition("/")[2] for receipt in receipts)
    timed = []
    for receipt in receipts:
        path = tables.key(receipt.path)
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
