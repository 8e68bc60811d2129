"""The submission file: read from bytes that nobody vouches for.

A submission is a .zip of two texts: manifest.json, which follows the published
submission.schema.json, and labels.csv. It may also hold contact_sheet.jpg. Nothing in
it is executed, unpickled or written to disk, and every size is bounded before it is
read. `submission` writes such files.
"""

import csv
import functools
import hashlib
import io
import json
import math
import re
from dataclasses import dataclass, field
from pathlib import Path

import fastjsonschema
import numpy as np

from course_utils._support.text import has_ink, plain, shown
from course_utils.homework import contact_sheet
from course_utils.homework.untrusted_files import (
    MAX_BYTES,
    BadZip,
    packing_problem,
    read_zip_member,
    zip_members,
)
from course_utils.images.image_set import fingerprint

FORMAT, VERSION = "image-clustering-submission", 1
SCHEMA = Path(__file__).with_name("submission.schema.json")
MEMBERS = ("manifest.json", "labels.csv")
MAX_TEXT = {"manifest.json": 2 * 1024**2, "labels.csv": 32 * 1024**2}
MAX_CELLS = 2_000_000  # of labels.csv


class BadSubmission(ValueError):
    """The file cannot be read as a submission; the message says why."""


@dataclass(frozen=True)
class Submission:
    """What a submission says. Nothing of it is verified; `review` does that.

    runs: the dictionaries of the manifest. labels: {run: int array (n_images,)}, in the
    order of images. digests, true_names: one per image if the labels are self-supplied,
    else None. code: {name: text} of the student's own functions, only to be read.
    contact_sheet: a JPEG, encoded anew, or None. receipt: SHA-256 of the file. notes:
    sentences on what was put right.
    """

    student_id: str
    name: str
    image_set: dict
    runs: list = field(repr=False)
    labels: dict = field(repr=False)
    images: tuple = field(repr=False)
    digests: tuple | None = field(repr=False)
    true_names: tuple | None = field(repr=False)
    exercises: dict = field(repr=False)
    answers: list = field(repr=False)
    lessons: dict = field(repr=False)
    versions: dict = field(repr=False)
    code: dict = field(repr=False, default_factory=dict)
    contact_sheet: bytes | None = field(repr=False, default=None)
    receipt: str = ""
    notes: tuple = ()

    @property
    def own_pictures(self):
        """(how many images, how many classes) if the labels are self-supplied."""
        if self.true_names is None:
            return None
        return len(self.images), len(set(self.true_names))


def read_submission(data):
    """Read a submission from untrusted bytes.

    Parameters
    ----------
    data : bytes
        The whole file; unpacked in memory within fixed limits, never executed.

    Returns
    -------
    Submission

    Raises
    ------
    BadSubmission
        For whatever is wrong with it; the message says what. No other exception.
    """
    if len(data) > MAX_BYTES:
        raise BadSubmission(
            f"the file is larger than {MAX_BYTES // 1024**2} MB: hand in fewer runs."
        )
    texts, sheet, notes = _unzip(data)
    manifest = parse(texts["manifest.json"])
    header, columns = _table(texts["labels.csv"])
    supplied = manifest["image_set"]["self_supplied_labels"]
    fixed = ["image", "sha256", "true_label"] if supplied else ["image"]
    runs = manifest["runs"]
    expected = fixed + [run["run"] for run in runs]
    if header != expected:
        raise BadSubmission(_other_columns(header, expected))
    images = columns[0]
    if len(images) != manifest["image_set"]["n_images"]:
        raise BadSubmission(
            f"labels.csv has {len(images)} pictures, the manifest says "
            f"{manifest['image_set']['n_images']}."
        )
    twice = repeated(images)
    if twice is not None:
        raise BadSubmission(f"labels.csv has the picture {shown(twice)} twice.")
    digests, true_names = columns[1:3] if supplied else (None, None)
    labels = {
        run["run"]: _integers(run["run"], column)
        for run, column in zip(runs, columns[len(fixed) :], strict=True)
    }
    if supplied:
        _fingerprint(manifest, images, digests)
    name = plain(manifest["student"]["name"])
    if name != manifest["student"]["name"]:
        notes.append("the name held characters that cannot be seen; they are left out.")
    if not has_ink(name):
        notes.append("the name has no visible character.")
    return Submission(
        student_id=manifest["student"]["id"],
        name=name,
        image_set=manifest["image_set"],
        runs=runs,
        labels=labels,
        images=images,
        digests=digests,
        true_names=true_names,
        exercises=manifest["exercises"],
        answers=[
            {key: plain(text, "\n\t") for key, text in answer.items()}
            for answer in manifest["answers"]
        ],
        lessons=manifest["lessons"],
        versions=manifest["versions"],
        code={
            score: plain(text, "\n\t")
            for score, text in manifest.get("code", {}).items()
        },
        contact_sheet=sheet,
        receipt=hashlib.sha256(data).hexdigest(),
        notes=tuple(notes),
    )


def _unzip(data):
    """({member: text} of the two texts, contact sheet or None, notes)"""
    if not data.startswith(b"PK"):
        raise BadSubmission("not a .zip file: hand in the file as `submit` wrote it.")
    try:
        members = zip_members(data)
        texts = [member for member in members if member.filename != contact_sheet.NAME]
        names = sorted(member.filename for member in texts)
        if names != sorted(MEMBERS) or len(members) > len(MEMBERS) + 1:
            names = ", ".join(shown(member.filename) for member in members[:3])
            raise BadSubmission(
                f"the .zip holds {len(members):,} files instead of "
                f"{' and '.join(MEMBERS)} ({names}): hand in the file as `submit` "
                "wrote it, not packed again."
            )
        found = {member.filename: _text(data, member) for member in texts}
    except (BadZip, OSError) as error:
        raise BadSubmission(
            f"the .zip is damaged or cut off ({error}): hand in the file as `submit` "
            "wrote it."
        ) from error

    try:
        sheets = [_sheet(data, member) for member in members if member not in texts]
    except (BadZip, OSError, contact_sheet.BadSheet) as error:
        return found, None, [f"the contact sheet is left out: {error}."]
    return found, next(iter(sheets), None), []


def _sheet(data, member):
    if problem := packing_problem(member):
        raise contact_sheet.BadSheet(problem)
    return contact_sheet.checked(read_zip_member(data, member, contact_sheet.MAX_BYTES))


def _text(data, member):
    name = member.filename
    if problem := packing_problem(member):
        raise BadSubmission(
            f"{name} is {problem}: hand in the file as `submit` wrote it."
        )
    content = read_zip_member(data, member, MAX_TEXT[name])
    if len(content) > MAX_TEXT[name]:
        raise BadSubmission(f"{name} is larger than {MAX_TEXT[name] // 1024**2} MB.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadSubmission(
            f"{name} is not UTF-8 text (byte {error.start}): was it opened and saved "
            "by another program?"
        ) from error


def _table(text):
    """The header of labels.csv and its columns, as tuples of strings."""
    ends = text.count("\n") + text.count("\r") - text.count("\r\n")
    if text.count(",") + ends > MAX_CELLS:
        raise BadSubmission(
            f"labels.csv has over {MAX_CELLS:,} cells: hand in fewer runs."
        )
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline="")) if row]
    except csv.Error as error:
        raise BadSubmission(f"labels.csv is not CSV ({error}).") from error
    if len(rows) < 2:
        raise BadSubmission("labels.csv holds no pictures.")
    header, *rows = rows
    for number, row in enumerate(rows, 2):
        if len(row) != len(header):
            raise BadSubmission(
                f"row {number} of labels.csv has {len(row)} cells, its header "
                f"{len(header)}: was it cut off, or saved by a spreadsheet?"
            )
    return header, list(zip(*rows, strict=True))


def _integers(run, column):
    # One match for the whole column is many times quicker than one a cell.
    if not re.fullmatch(r"(?:-?[0-9]{1,6},)+", ",".join(column) + ","):
        wrong = next(c for c in column if not re.fullmatch(r"-?[0-9]{1,6}", c))
        raise BadSubmission(
            f"run {shown(run)} has the label {shown(wrong)}: cluster labels are whole "
            "numbers, -1 for noise."
        )
    labels = np.array(column, dtype=np.int32)
    if labels.min() < -1:
        raise BadSubmission(
            f"run {shown(run)} has the label {labels.min()}: below 0 only -1 is one."
        )
    return labels


def _other_columns(header, expected):
    missing = [name for name in expected if name not in set(header)]
    unknown = [name for name in header if name not in set(expected)]
    for names, what in ((missing, "lacks"), (unknown, "has, but the manifest lacks,")):
        if names:
            return f"labels.csv {what} the column {shown(names[0])}" + (
                f" and {len(names) - 1} more." if len(names) > 1 else "."
            )
    return "the columns of labels.csv are not in the order of the manifest."


def _fingerprint(manifest, images, digests):
    if not re.fullmatch(r"(?:[0-9a-f]{64},)+", ",".join(digests) + ","):
        raise BadSubmission("the column sha256 of labels.csv does not hold SHA-256s.")
    if fingerprint(images, digests) != manifest["image_set"]["fingerprint"]:
        raise BadSubmission(
            "the fingerprint in the manifest is not that of the pictures in labels.csv."
        )


def parse(text):
    """The manifest as dictionary, checked against the schema; or BadSubmission."""

    def unique(pairs):
        found = dict(pairs)
        if len(found) != len(pairs):
            twice = shown(repeated([key for key, _ in pairs]))
            raise BadSubmission(f"manifest.json has the key {twice} twice.")
        return found

    def constant(name):
        raise BadSubmission(f"manifest.json holds {name}: a score is a number or null.")

    def integer(digits):
        if len(digits) > 18:
            raise BadSubmission("manifest.json holds a number of over 18 digits.")
        return int(digits)

    def number(digits):
        value = float(digits)
        return value if math.isfinite(value) else constant("a number beyond 1e308")

    try:
        manifest = json.loads(
            text,
            object_pairs_hook=unique,
            parse_constant=constant,
            parse_int=integer,
            parse_float=number,
        )
        _follow_schema(manifest)
    except BadSubmission:
        raise
    except RecursionError:
        raise BadSubmission("manifest.json is nested too deeply.") from None
    except ValueError as error:
        raise BadSubmission(f"manifest.json is not JSON ({error}).") from error
    try:
        json.dumps(manifest, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise BadSubmission(
            "manifest.json holds half a character (a lone surrogate)."
        ) from None
    as_it_is = [manifest[part] for part in ("runs", "lessons", "versions")]
    whole = json.dumps(as_it_is, ensure_ascii=False)
    odd = "\\" in whole or not whole.isprintable()  # else nobody needs to look closer
    for text in _texts(as_it_is) if odd else ():
        if not text.isprintable():
            raise BadSubmission(
                f"manifest.json holds characters that cannot be seen: {shown(text)}."
            )
    twice = repeated([run["run"] for run in manifest["runs"]])
    if twice is not None:
        raise BadSubmission(f"manifest.json has the run {shown(twice)} twice.")
    return manifest


def _follow_schema(manifest):
    try:
        _validator()(manifest)
    except fastjsonschema.JsonSchemaValueException as error:
        where = "".join(f"[{p}]" if p.isdigit() else f".{p}" for p in error.path[1:])
        wanted = f"{error.rule}: {json.dumps(error.rule_definition)}"
        raise BadSubmission(
            f"manifest.json{plain(where)[:120]} does not follow the schema, which says "
            f"{wanted[:160]}."
        ) from None


def _texts(value):
    """Every string in it, the keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        parts = value if isinstance(value, list) else [*value, *value.values()]
        for part in parts:
            yield from _texts(part)


@functools.cache
def _validator():
    return fastjsonschema.compile(json.loads(SCHEMA.read_text(encoding="utf-8")))


def repeated(values):
    """The first value that comes a second time, or None."""
    seen = set()
    return next((v for v in values if v in seen or seen.add(v)), None)
