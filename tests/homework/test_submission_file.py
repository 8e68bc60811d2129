"""The reader of submissions, which nobody vouches for: it refuses and never breaks.

The fuzz tries 600 inputs; COURSE_FUZZ=100000 tries so many. It prints what became of
them with `pytest -s`.
"""

import collections
import io
import json
import os
import random
import time
import tracemalloc
import zipfile

import jsonschema
import pytest
from conftest import ROOT
from hostile_files import hostile_files
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sample_submissions import hand_in, pack, table, unpack, zipped

from course_utils._support.text import plain
from course_utils.homework import contact_sheet, submission_file
from course_utils.homework.submission_file import (
    BadSubmission,
    Submission,
    fingerprint,
    read_submission,
)

N_FUZZ = int(os.environ.get("COURSE_FUZZ", 600)) // 3
MANY = settings(
    max_examples=N_FUZZ,
    deadline=None,
    derandomize="COURSE_FUZZ" not in os.environ,
    suppress_health_check=list(HealthCheck),
    database=None,
)
COUNTED = collections.Counter()


@pytest.fixture(scope="module", autouse=True)
def tell():
    yield
    print(f"\nfuzz: {dict(COUNTED)}")


@pytest.fixture(scope="module")
def bytes_of(small, tmp_path_factory):
    """A small good file, the same packed with compression, and the hostile ones."""
    folder = tmp_path_factory.mktemp("files")
    found = table(small, {("raw", "l2+kmeans", 3, s): clusters(s) for s in (1, 2)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_ANSWERS", str(folder / "answers"))
        hand_in(folder / "a", small, "anna01", "Anna Anders", found)
        hand_in(folder / "b", small, "jo", "Jo", found, self_supplied_labels=True)
    good, supplied = ((folder / name).read_bytes() for name in "ab")
    manifest, labels = unpack(good)
    manifest["code"] = {"nmi": "def nmi(t, c):\n    return 0"}
    with_code = pack(manifest, labels)
    return {
        "good": good,
        "supplied": supplied,
        "code": with_code,
        "deflated": pack(*unpack(good)),
        "hostile": hostile_files(good, supplied),
    }


def clusters(seed):
    return [random.Random(seed + i).randrange(3) for i in range(30)]


def test_every_hostile_file_is_refused_with_its_reason(bytes_of):
    assert len(bytes_of["hostile"]) > 80
    wrong = {}
    for what, (data, words) in bytes_of["hostile"].items():
        started = time.process_time()
        try:
            wrong[what] = read_submission(data)
        except BadSubmission as error:
            told = str(error)
            if words not in told or not told.isprintable() or len(told) > 400:
                wrong[what] = told
        seconds = time.process_time() - started
        if seconds > 5:
            wrong[what] = f"took {seconds:.1f} s"
    assert wrong == {}


@pytest.mark.parametrize(
    ("bomb", "most_mb"),
    [
        ("a bomb of labels", 100),
        ("a bomb of JSON", 20),
        ("a bomb that says it is small", 100),
        ("as many members as fit", 5),
        ("many members, said to be two", 5),
        ("200,000 keys", 100),
        ("deep JSON", 30),
        ("a huge integer", 20),
        ("16 million lines of a byte", 150),
        ("16 million cells", 150),
    ],
)
def test_bombs_take_little_memory(bytes_of, bomb, most_mb):
    data, _ = bytes_of["hostile"][bomb]
    tracemalloc.start()
    try:
        with pytest.raises(BadSubmission):
            read_submission(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak / 1e6 < most_mb


def test_the_largest_that_is_read_takes_bounded_time_and_memory(good):
    """Just under every bound: the header is right, so that all of it is read."""
    about, _ = unpack(good)
    about["image_set"]["n_images"], n_runs = 100_000, 18
    about["runs"] = [about["runs"][0] | {"run": f"r{i}"} for i in range(n_runs)]
    names = ",".join(["image", *(run["run"] for run in about["runs"])])
    rows = "\n".join(f"{i:06}" + ",123456" * n_runs for i in range(100_000))
    data = pack(about, f"{names}\n{rows}\n")
    started = time.process_time()
    assert len(read_submission(data).labels) == n_runs
    assert time.process_time() - started < 20


def test_json_of_any_depth_is_refused(good):
    about, labels = unpack(good)
    for depth in (2, 20, *range(800, 1000, 3), 20_000):
        for text in (
            "[" * depth + "]" * depth,
            json.dumps(about | {"versions": 0})[:-2] + "[" * depth + "]" * depth + "}",
        ):
            with pytest.raises(BadSubmission):
                read_submission(pack(text, labels))


def test_what_other_programs_may_do_to_it_is_still_read(good):
    about, labels = unpack(good)
    sent = read_submission(good)
    assert isinstance(sent, Submission)
    turned = zipped({"labels.csv": labels, "manifest.json": json.dumps(about)})
    with_bom = pack(("\ufeff" + json.dumps(about)).encode(), "\ufeff" + labels)
    windows = pack(about, labels.replace("\n", "\r\n") + "\r\n")
    quoted = pack(about, labels.replace("red/0.png", '"red/0.png"'))
    comment = good[:-2] + b"\5\0hello"
    for data in (turned, with_bom, windows, quoted, comment):
        again = read_submission(data)
        assert again.images == sent.images and again.runs == sent.runs
        assert all((again.labels[run] == sent.labels[run]).all() for run in sent.labels)


def test_names_and_answers_lose_what_cannot_be_seen(good):
    about, labels = unpack(good)
    about["student"]["name"] = "Anna\u202egpj.exe\x00\x1b[31m\u2066"
    about["answers"][0]["answer"] = "first\n\u202esecond\x07"
    sent = read_submission(pack(about, labels))
    assert sent.name == "Annagpj.exe[31m"
    assert sent.answers[0]["answer"] == "first\nsecond"
    assert "cannot be seen" in sent.notes[0]


@pytest.mark.parametrize(
    "code",
    [{"ari": "x"}, {"nmi": 1}, {"nmi": "x" * 20_001}, [], "x", None, {"nmi": ["x"]}],
)
def test_code_of_another_form_is_refused(good, code):
    about, labels = unpack(good)
    with pytest.raises(BadSubmission, match=r"manifest\.json\.code"):
        read_submission(pack(about | {"code": code}, labels))


def test_code_is_text_without_what_turns_it(good):
    about, labels = unpack(good)
    about["code"] = {"nmi": "def nmi():\n\treturn 1 \u202e\x00# end"}
    assert read_submission(pack(about, labels)).code == {
        "nmi": "def nmi():\n\treturn 1 # end"
    }


def test_a_name_that_nobody_can_see_is_noted(good):
    about, labels = unpack(good)
    about["student"]["name"] = "\u3164\u200b"
    sent = read_submission(pack(about, labels))
    assert sent.notes == ("the name has no visible character.",)


def test_nothing_is_written_and_nothing_is_run(good, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = "__import__('pathlib').Path('run').touch()"
    about, labels = unpack(good)
    about["student"]["name"] = about["answers"][0]["answer"] = code
    about["versions"] = {code: "{{ 7 * 7 }} %s {0.__class__}"}
    read_submission(pack(about, labels))
    for name in ("../up", "/tmp/course-was-here", "run"):
        with pytest.raises(BadSubmission):
            read_submission(zipped({name: code, "labels.csv": labels}))
    before = {p for p in tmp_path.rglob("*") if "answers" not in p.parts}
    assert before == set()
    assert not (tmp_path.parent / "up").exists()
    assert not os.path.exists("/tmp/course-was-here")


def test_the_schema_is_one_and_says_the_same_as_the_reader(good):
    schema = json.loads(submission_file.SCHEMA.read_text(encoding="utf-8"))
    validator = jsonschema.validators.validator_for(schema)
    validator.check_schema(schema)
    jsonschema.validate(unpack(good)[0], schema)
    assert submission_file.SCHEMA.parent == ROOT / "course_utils" / "homework"


KEYS = ["{x}", "{0}", "%s", '"', "\\", "a.b[0]", "", "\u202e", "x" * 79, "x" * 81]


@pytest.mark.parametrize("key", KEYS)
def test_what_does_not_follow_the_schema_is_refused_whatever_its_names(key, good):
    """Held against the reference implementation."""
    schema = json.loads(submission_file.SCHEMA.read_text(encoding="utf-8"))
    reference = jsonschema.validators.validator_for(schema)(schema)
    state = {"state": "right", "tries": 1}

    def manifests():
        for part, value in [
            ("lessons", {key: {"1": state}}),
            ("lessons", {key: {key: state | {"tries": -1}}}),
            ("lessons", {key: {key: state | {key: 1}}}),
            ("versions", {key: key}),
            ("versions", {key: 1}),
            ("version", True),
            ("exercises", {key: [1]}),
            ("exercises", {"nmi": [1, None, 0.5]}),
            ("exercises", {"nmi": [1, key]}),
            ("student", {"id": key, "name": "A"}),
            ("student", {"id": "a1", "name": key}),
            ("answers", [{"question": key, "answer": key}]),
            ("runs", [{"run": key}]),
            (key, key),
        ]:
            yield json.loads(json.dumps(unpack(good)[0])) | {part: value}

    for manifest in manifests():
        right = reference.is_valid(manifest)
        try:
            submission_file._follow_schema(manifest)
        except BadSubmission as error:
            assert not right and "does not follow the schema" in str(error)
        else:
            assert right


def test_the_fingerprint_is_that_of_an_image_set(small):
    assert fingerprint(small.images, small.digests) == small.fingerprint


# Fuzz


def refused_or_read(data):
    """Read it: anything but BadSubmission is a failure."""
    COUNTED["tried"] += 1
    try:
        sent = read_submission(data)
    except BadSubmission as error:
        COUNTED[str(error).replace(".", " ").split()[0] + " …"] += 1
        assert len(str(error)) < 1000
        return
    COUNTED["read"] += 1
    assert sent.student_id and len(sent.images) > 1
    assert all(len(labels) == len(sent.images) for labels in sent.labels.values())


@given(st.binary(max_size=400), st.sampled_from([b"", b"PK\3\4", b"PK\5\6", b"PK\1\2"]))
@MANY
def test_fuzz_of_any_bytes(data, start):
    end = b"PK\5\6" + bytes(4) + b"\2\0\2\0" if len(data) % 2 else b""
    refused_or_read(start + data + end + data[:12])


changes = st.lists(
    st.tuples(
        st.sampled_from(["flip", "cut", "insert", "zero", "twice"]),
        st.floats(0, 1, exclude_max=True),
        st.integers(1, 255),
    ),
    min_size=1,
    max_size=6,
)


@given(changes, st.sampled_from(["good", "deflated", "supplied"]), st.booleans())
@MANY
def test_fuzz_of_damaged_files(bytes_of, changes, which, at_the_end):
    data = bytearray(bytes_of[which])
    for how, where, value in changes:
        first = max(0, len(data) - 300) if at_the_end else 0  # where the directory is
        at = first + int(where * (len(data) - first))
        if how == "flip" and data:
            data[at] ^= value
        elif how == "insert":
            data[at:at] = bytes([value]) * value
        elif how == "twice":
            data[at:at] = data[at : at + value]
        elif how == "zero":
            data[at : at + value] = bytes(len(data[at : at + value]))
        else:
            del data[at : at + value]
    refused_or_read(bytes(data))


@given(changes)
@MANY
def test_fuzz_of_contact_sheets(bytes_of, changes):
    """The checksum is right, so that the picture itself is looked at."""
    with zipfile.ZipFile(io.BytesIO(bytes_of["supplied"])) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    data = bytearray(members[contact_sheet.NAME])
    for how, where, value in changes:
        at = int(where * len(data)) if value % 2 else int(where * 700)  # the header
        if how in ("flip", "zero") and at < len(data):
            data[at] = data[at] ^ value if how == "flip" else 0
        elif how == "cut":
            del data[at:]
        else:
            data[at:at] = data[at : at + value]
    sent = read_submission(zipped(members | {contact_sheet.NAME: bytes(data)}))
    if sent.contact_sheet is None:
        assert "the contact sheet is left out: " in sent.notes[0]
    else:
        assert sent.contact_sheet.startswith(b"\xff\xd8\xff")
        assert len(sent.contact_sheet) <= contact_sheet.MAX_BYTES


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.text(st.characters(exclude_categories=[]), max_size=30),
    st.sampled_from([[], {}, "", "=1", "../x", "\ud800", "x" * 600, 2**31, 1e308]),
    st.recursive(
        st.none(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner),
        max_leaves=5,
    ),
)


@given(ODD, st.integers(0, 10**9), st.booleans())
@MANY
def test_fuzz_of_values(bytes_of, value, where, in_the_table):
    chance = random.Random(where)
    about, labels = unpack(bytes_of["code"])
    if in_the_table:
        rows = [line.split(",") for line in labels.splitlines()]
        row = chance.choice(rows[: chance.choice([1, 3, 30])])
        row[chance.randrange(len(row))] = plain(str(value))
        labels = "\n".join(map(",".join, rows))
    else:
        part = about
        while True:  # walk down to somewhere
            key = chance.choice(
                range(len(part)) if isinstance(part, list) else list(part)
            )
            inside = isinstance(part[key], dict | list) and part[key]
            if not inside or chance.random() < 0.2:
                break
            part = part[key]
        if chance.random() < 0.2 and isinstance(part, dict):
            part[str(value)] = part.pop(key)
        else:
            part[key] = value
    refused_or_read(pack(about, labels))
