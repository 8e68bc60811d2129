"""What was handed in and when it came: platforms' names, hostile folders."""

import hashlib
import os
import pickle
import stat
import struct
import time
import zipfile
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from course_utils._support.text import plain
from course_utils.homework.grading import inbox
from course_utils.homework.grading.inbox import collect, load_times
from course_utils.homework.grading.roster import load as roster_of
from course_utils.homework.untrusted_files import MAX_BYTES

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


def put(folder, name, data=b"zip", when=NOON):
    """Write a file as if it had come at this time."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (when.timestamp(),) * 2)
    return path


def bulk(folder, members, name="submissions.zip"):
    """Write a bulk download; members: {name or ZipInfo: bytes}."""
    path = folder / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, data in members.items():
            archive.writestr(member, data)
    return path


def table(folder, text, name="table.csv", encoding="utf-8"):
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def contents(folder):
    """Everything that a change of the folder would change."""
    return sorted(
        (
            os.fspath(path),
            (about := path.lstat()).st_mode,
            about.st_mtime_ns,
            about.st_size,
            stat.S_ISREG(about.st_mode)
            and about.st_size < MAX_BYTES
            and hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path in folder.rglob("*")
    )


@pytest.fixture
def sent(tmp_path):
    folder = tmp_path / "sent"
    folder.mkdir()
    return folder


# Names


@pytest.mark.parametrize(
    ("name", "lms", "who", "user", "late"),
    [
        ("doejane_4711_98765_submission.zip", "canvas", "doejane", "4711", False),
        ("doejane_LATE_4711_98765_my_work.zip", "canvas", "doejane", "4711", True),
        ("müllerzoë_LATE_12_34_x-1.zip", "canvas", "müllerzoë", "12", True),
        ("group7_12_34_x.zip", "canvas", "group7", "12", False),
        ("_12_34_x.zip", "canvas", "", "12", False),
        ("anon_X1y2Z_98765_submission.zip", "canvas", "anon_X1y2Z", "", False),
        ("LATE_anon_X1y2Z_98765_a.zip", "canvas", "anon_X1y2Z", "", True),
        ("doejane_late_4711_9_x.zip", "canvas", "doejane", "4711", True),
        ("anon_X1y2Z_LATE_98765_a.zip", "canvas", "anon_X1y2Z", "", True),
        ("doejane_4711_98765_text.html", "canvas", "doejane", "4711", False),
        ("o brien_4711_98765_x.zip", "canvas", "o brien", "4711", False),
        # The end of the name is the student's own: it must not decide.
        ("doe_12_34_LATE_56_78_x.zip", "canvas", "doe", "12", False),
        ("doe_12_34_x_99_assignsubmission_file_y.zip", "canvas", "doe", "12", False),
        ("Jane Doe_77_assignsubmission_file_a.zip", "moodle", "Jane Doe", "77", False),
        ("Jane Doe_77_assignsubmission_file__a.zip", "moodle", "Jane Doe", "77", False),
        ("Jo_7_assignsubmission_file_a_12_34_b.zip", "moodle", "Jo", "7", False),
        ("Jo_7_assignsubmission_file_/a.zip", "moodle", "Jo", "7", False),
        ("Jo_7_assignsubmission_file/a.zip", "moodle", "Jo", "7", False),
        (
            "Jo_7_assignsubmission_file_/doe_LATE_12_34_x.zip",
            "moodle",
            "Jo",
            "7",
            False,
        ),
        ("Jo_7_assignsubmission_file_/anon_abcde_3_x.zip", "moodle", "Jo", "7", False),
        ("Jo_7_assignsubmission_file/my/own/a.zip", "moodle", "Jo", "7", False),
        ("HW 1/Jo_7_assignsubmission_file/my/a.zip", "moodle", "Jo", "7", False),
        ("Jo 2, Jr_7_assignsubmission_file/a.zip", "moodle", "Jo 2, Jr", "7", False),
        ("王小明_7_assignsubmission_file/a.zip", "moodle", "王小明", "7", False),
        ("A-Jo_7_assignsubmission_file/a.zip", "moodle", "A-Jo", "7", False),
        ("a_b_c_7_assignsubmission_file/a.zip", "moodle", "a_b_c", "7", False),
        ("Jo_7_assignsubmission_file/.zip", "moodle", "Jo", "7", False),
        (
            "Participant_41001_assignsubmission_file/a.zip",
            "moodle",
            "Participant",
            "41001",
            False,
        ),
        ("Team_assignsubmission_file_/a.zip", "moodle", "Team", "", False),
        ("s123.zip", "", "", "", False),
        ("class_a/s123_LATE_results.zip", "", "", "", False),
        ("doe_١٢_٣٤_x.zip", "", "", "", False),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_names(sent, tmp_path, packed, name, lms, who, user, late):
    if packed:
        sent = bulk(tmp_path, {name: b"zip"})
    else:
        put(sent, name)
    (found,) = collect(sent)
    assert (found.path, found.lms, found.who) == (name, lms, who)
    assert (found.user, found.marked_late, found.size) == (user, late, 3)
    assert found.problem == ("" if name.endswith(".zip") else "not a .zip file")
    if not found.problem:
        assert found.read() == b"zip"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Zoë 王", "Zoë 王"),
        ("a\u202egpj.\u2066x\u2069\u200f\u061c\u200e", "agpj.x"),
        ("a\x00b\r\nc\x1b[31m\x9b\u2028", "abc[31m"),
        ("a\udcffb", "a?b"),
        ("x" * 201, "x" * 199 + "…"),
        ("x" * 200, "x" * 200),
    ],
)
def test_plain(text, shown):
    assert plain(text, most=200) == shown


# Folders


def test_folder_two_levels_sorted_and_unchanged(sent):
    put(sent, "b.zip", b"b")
    put(sent, "a/z.zip", b"z", datetime(2026, 1, 2, tzinfo=UTC))
    put(sent, "a/deep/er.zip")
    put(sent, "notes.txt")
    hidden = (".DS_Store", ".hidden", "._b.zip", "Thumbs.db", "desktop.ini")
    for ignored in (*hidden, "a/.git/x", "__MACOSX/b.zip"):
        put(sent, ignored)
    before = contents(sent)
    found = collect(str(sent))
    assert [receipt.path for receipt in found] == [
        *("a/deep", "a/z.zip", "b.zip", "notes.txt")
    ]
    assert [receipt.problem for receipt in found] == [
        *("a folder inside a folder is not opened", "", "", "not a .zip file")
    ]
    assert [receipt.time for receipt in found] == [None] * 4
    assert found.ignored == sorted([*hidden, "a/.git", "__MACOSX"])
    assert [found[1].read(), found[2].read()] == [b"z", b"b"]
    with pytest.raises(ValueError, match=r"notes.txt is not opened: not a \.zip file"):
        found[3].read()
    assert contents(sent) == before


def test_every_file_is_a_receipt_a_text_or_ignored(tmp_path):
    names = [
        *(
            "doe_1_2_a.zip",
            "odd name",
            "x/y/z/w.zip",
            "Jo_7_assignsubmission_file/b.doc",
        ),
        *("doe_1_text.html", "__MACOSX/._doe_1_2_a.zip", ".hidden.zip", "x/._a.zip"),
    ]
    found = collect(bulk(tmp_path, dict.fromkeys(names, b"")))
    listed = [receipt.path for receipt in (*found, *found.texts)] + found.ignored
    assert sorted(listed) == sorted(names)
    assert found.ignored == ["__MACOSX/._doe_1_2_a.zip", "x/._a.zip"]


@pytest.mark.parametrize("packed", [False, True])
def test_texts_that_were_typed_into_the_platform_are_no_problem(sent, packed):
    texts = [
        "Jo_7_assignsubmission_onlinetext/onlinetext.html",
        "Jo_7_assignsubmission_onlinetext_onlinetext.html",
        "Jo_8_assignsubmission_file_/onlinetext.html",
        "anon_X1y2Z_text.html",
        "doejane_4711_text.html",
        "doejane_LATE_4711_link.html",
    ]
    files = ["Jo_7_assignsubmission_onlinetext/x.zip", "doe_1_2_text.html", "text.html"]
    for name in (*texts, *files):
        put(sent, name)
    found = collect(
        bulk(sent, dict.fromkeys([*texts, *files], b"")) if packed else sent
    )
    assert [text.path for text in found.texts] == sorted(texts)
    assert {text.problem for text in found.texts} == {""}
    assert {text.user for text in found.texts} == {"", "7", "8", "4711"}
    assert [receipt.path for receipt in found] == sorted(files)


def test_nothing_but_texts(sent):
    put(sent, "doejane_4711_text.html")
    with pytest.raises(ValueError, match="holds no submissions but texts that were"):
        collect(sent)


def test_newer_files_of_canvas_have_higher_numbers_of_any_length(sent):
    names = [
        "doe_1_998_work.zip",
        "doe_1_1002_work-2.zip",
        "doe_1_1002_work-1.zip",
        "doe_1_1002_work.zip",
        "doe_LATE_1_99_late.zip",
    ]
    for name in names:
        put(sent, name)
    newest_last = sorted(collect(sent), key=lambda receipt: receipt.order)
    assert [receipt.path for receipt in newest_last] == [
        names[i] for i in (4, 0, 3, 2, 1)
    ]
    put(sent, "plain-3.zip")
    put(sent, "Jo_7_assignsubmission_file/work-3.zip")
    orders = {receipt.path: receipt.order for receipt in collect(sent)}
    assert orders["plain-3.zip"] == (0, 0)
    assert orders["Jo_7_assignsubmission_file/work-3.zip"] == (0, 0)


def test_the_order_is_not_that_of_the_disk(sent, monkeypatch):
    scandir = os.scandir
    for name in ("b.zip", "é.zip", "e\u0301.zip", "a/2.zip", "a/1.zip", "Z.zip"):
        put(sent, name)
    found = [receipt.path for receipt in collect(sent)]

    class Backwards(list):
        __enter__ = __iter__ = lambda self: list.__iter__(self)
        __exit__ = lambda self, *error: None  # noqa: E731

    def scan(path):
        with scandir(path) as entries:
            return Backwards(sorted(entries, key=lambda e: e.name, reverse=True))

    monkeypatch.setattr(os, "scandir", scan)
    assert [receipt.path for receipt in collect(sent)] == found


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs links and pipes")
def test_links_pipes_and_huge_files_are_not_opened(sent, tmp_path):
    secret = put(tmp_path, "elsewhere/secret.zip", b"secret")
    (sent / "link.zip").symlink_to(secret)
    (sent / "folder").symlink_to(secret.parent)
    (sent / "loop").symlink_to(sent)
    os.mkfifo(sent / "pipe.zip")
    with open(sent / "huge.zip", "wb") as file:
        file.truncate(2**31)
    put(sent, "large.zip", bytes(MAX_BYTES + 1))
    put(sent, "most.zip", bytes(MAX_BYTES))
    before = contents(sent)
    started = time.process_time()
    found = {receipt.path: receipt for receipt in collect(sent)}
    assert time.process_time() - started < 2
    assert {path: receipt.problem for path, receipt in found.items()} == {
        "link.zip": "a link is not followed",
        "folder": "a link is not followed",
        "loop": "a link is not followed",
        "pipe.zip": "not a regular file",
        "huge.zip": "2,147 MB: larger than 16 MB",
        "large.zip": "17 MB: larger than 16 MB",
        "most.zip": "",
    }
    assert len(found["most.zip"].read()) == MAX_BYTES
    assert contents(sent) == before


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs links and pipes")
def test_files_that_change_after_they_were_listed(sent, tmp_path):
    secret = put(tmp_path, "secret", b"secret")
    for name in ("gone.zip", "link.zip", "pipe.zip", "grown.zip"):
        put(sent, name)
    gone, grown, link, pipe = collect(sent)
    for name in ("gone.zip", "link.zip", "pipe.zip"):
        (sent / name).unlink()
    (sent / "link.zip").symlink_to(secret)
    os.mkfifo(sent / "pipe.zip")
    with open(sent / "grown.zip", "wb") as file:
        file.truncate(2**31)
    for receipt, why in [
        (gone, r"gone\.zip cannot be read \(No such file"),
        (link, r"link\.zip cannot be read \(a link is not followed"),
        (pipe, r"pipe\.zip cannot be read \(not a regular file"),
        (grown, "grown.zip is 17 MB: larger than 16 MB"),
    ]:
        with pytest.raises(ValueError, match=why):
            receipt.read()


def test_names_that_trick_the_eye(sent):
    put(sent, "doe_1_2_\u202epiz.zip")
    put(sent, "doe_1_2_piz.zip")
    one, two = collect(sent)
    assert one.path == two.path == "doe_1_2_piz.zip"
    assert one.problem == ""
    assert two.problem == "another file has the same name"


def test_a_name_that_is_not_unicode(sent):
    try:
        (sent / os.fsdecode(b"M\xfcller_5_6_x.zip")).write_bytes(b"zip")
    except OSError:
        pytest.skip("this disk takes only Unicode names")
    (found,) = collect(sent)
    assert (found.path, found.user) == ("M?ller_5_6_x.zip", "5")
    assert found.path.encode() and found.read() == b"zip"


def test_file_times_only_where_they_are_asked_for(sent, tmp_path):
    times = [datetime(2025, 11, 30, 12, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)]
    put(sent, "a.zip", when=times[0])
    put(sent, "doe_1_2_b.zip", when=times[1])
    for receipt in collect(sent):
        assert (receipt.time, receipt.time_source, receipt.note) == (None, "", "")
    found = collect(sent, times="files")
    assert [receipt.time for receipt in found] == times
    assert {receipt.time_source for receipt in found} == {"file time"}
    with pytest.raises(ValueError, match="does not say when its files came"):
        collect(bulk(tmp_path, {"a.zip": b""}), times="files")


@pytest.mark.parametrize("year", [1970, 1999, 2096])
def test_a_file_time_that_cannot_be(sent, year):
    put(sent, "a.zip", when=datetime(year, 5, 6, tzinfo=UTC))
    (found,) = collect(sent, times="files")
    assert (found.time, found.time_source, found.problem) == (None, "", "")
    assert found.note == (
        f"its file time, {year}-05-06, cannot be right and does not count."
    )
    assert found.read() == b"zip"


def test_an_absurd_file_time():
    about = SimpleNamespace(st_mode=stat.S_IFREG, st_mtime=1e18, st_size=1)
    entry = SimpleNamespace(stat=lambda follow_symlinks: about, path="a.zip")
    found = inbox._on_disk("a.zip", entry, by_file=True)
    assert (found.time, found.time_source, found.problem) == (None, "", "")
    assert found.note == "its file time is not a time."


def test_folders_that_cannot_be_opened(sent, monkeypatch):
    put(sent, "a/x.zip")
    put(sent, "b.zip")
    shut, scandir = [sent / "a"], os.scandir

    def scan(path):
        if os.fspath(path) in map(os.fspath, shut):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", scan)
    one, two = collect(sent)
    assert one.problem == "the folder cannot be opened (Permission denied)"
    assert (one.path, one.time, two.problem) == ("a/", None, "")
    shut.append(sent)
    with pytest.raises(ValueError, match=r"cannot be opened \(Permission denied\)"):
        collect(sent)


def test_folders_that_hold_nothing_usable(sent, tmp_path):
    with pytest.raises(ValueError, match="neither a folder nor a file: check the path"):
        collect(tmp_path / "none")
    put(sent, ".hidden")
    with pytest.raises(ValueError, match="holds no submissions: give the folder that"):
        collect(sent)
    with pytest.raises(ValueError, match=r"is no \.zip archive that can be read"):
        collect(put(tmp_path, "some.pdf", b"%PDF"))
    with pytest.raises(ValueError, match=r"is no \.zip archive that can be read"):
        collect(put(tmp_path, "empty.zip", b""))


def test_too_many_files(sent, monkeypatch):
    monkeypatch.setattr(inbox, "MAX_FILES", 5)
    for i in range(6):
        put(sent, f"{i % 2}/{i}.zip")
    with pytest.raises(ValueError, match="more than 5 files: give the folder"):
        collect(sent)


# Bulk downloads


def member(name, mode=stat.S_IFREG | 0o644, flags=0):
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    info.flag_bits |= flags
    return info


def test_hostile_members(tmp_path):
    path = bulk(
        tmp_path,
        {
            "../../evil.zip": b"evil",
            "..\\evil.zip": b"evil",
            "/etc/evil.zip": b"evil",
            "C:/evil.zip": b"evil",
            "a/b/c.zip": b"deep",
            member("link.zip", stat.S_IFLNK | 0o777): b"/etc/passwd",
            member("pipe.zip", stat.S_IFIFO | 0o644): b"",
            "folder/": b"",
            "__MACOSX/._a_1_2_b.zip": b"",
            "good_1_2_x.zip": b"good",
        },
    )
    before = contents(tmp_path)
    found = {receipt.path: receipt for receipt in collect(path)}
    out = "its name leads out of the archive"
    assert {path: receipt.problem for path, receipt in found.items()} == {
        "../../evil.zip": out,
        "../evil.zip": out,
        "/etc/evil.zip": out,
        "C:/evil.zip": out,
        "a/b/c.zip": "a folder inside a folder is not opened",
        "link.zip": "a link is not followed",
        "pipe.zip": "not a regular file",
        "good_1_2_x.zip": "",
    }
    good = found["good_1_2_x.zip"]
    assert (good.time, good.time_source) == (None, "")
    assert pickle.loads(pickle.dumps(good)).read() == b"good"
    for receipt in found.values():
        if receipt.problem:
            with pytest.raises(ValueError, match="is not opened"):
                receipt.read()
    assert contents(tmp_path) == before


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_members_are_read_as_zipfile_reads_them(tmp_path, method):
    data = os.urandom(70_000) + bytes(70_000)
    path = tmp_path / "s.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("b_1_2_x.zip", data)
        with archive.open("a_1_2_x.zip", "w", force_zip64=True) as file:
            file.write(data[::-1])
    assert [r.read() for r in collect(path)] == [data[::-1], data]
    later = put(tmp_path, "t.zip", b"before it" + path.read_bytes())
    assert [r.read() for r in collect(later)] == [data[::-1], data]


@pytest.mark.parametrize(
    ("method", "why"),
    [(zipfile.ZIP_LZMA, "packed in an uncommon way"), (0, "encrypted")],
)
def test_members_that_are_packed_oddly(tmp_path, method, why):
    path = tmp_path / "s.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("a_1_2_x.zip", b"data")
    if why == "encrypted":
        data = bytearray(path.read_bytes())
        data[data.index(b"PK\1\2") + 8] |= 1
        path.write_bytes(data)
    (found,) = collect(path)
    assert found.problem == why


def test_a_bomb_in_the_bulk_download(tmp_path):
    path = bulk(tmp_path, {"a_1_2_x.zip": bytes(64 * 1024**2)})
    (found,) = collect(path)
    assert found.problem == "67 MB: larger than 16 MB"
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\1\2")
    data[at + 24 : at + 28] = struct.pack("<L", 100)  # the size it promises
    path.write_bytes(data)
    (found,) = collect(path)
    assert (found.problem, found.size) == ("", 100)
    with pytest.raises(ValueError, match=r"a_1_2_x.zip is damaged in the archive"):
        found.read()


def test_a_name_without_its_encoding(tmp_path):
    path = bulk(tmp_path, {"m__ller_1_2_x.zip": b"data"})
    path.write_bytes(path.read_bytes().replace(b"m__ller", "müller".encode()))
    (found,) = collect(path)
    assert (found.who, found.read()) == ("müller", b"data")


def end_of_archive(entries, length):
    """The end of an archive that lists so many members in so many bytes."""
    large = struct.pack(
        "<4sQHHLLQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, *[entries] * 2, length, 0
    )
    where = struct.pack("<4sLQL", b"PK\6\7", 0, length, 1)
    small = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 5, 5, 300, 0, 0)  # which is a lie
    return large + where + small


@pytest.mark.parametrize(
    ("entries", "length", "why"),
    [
        (10**6, 0, "holds no submissions"),
        (10, 2**31, "its list of files has more than 8,388,608 bytes"),
    ],
)
def test_an_absurd_directory(tmp_path, entries, length, why):
    path = tmp_path / "s.zip"
    with open(path, "wb") as file:
        file.truncate(length)
        file.seek(length)
        file.write(end_of_archive(entries, length))
    with pytest.raises(ValueError, match=why):
        collect(path)


def test_more_members_than_it_claims(tmp_path, monkeypatch):
    path = bulk(tmp_path, {f"{i}.zip": b"" for i in range(9)})
    data = bytearray(path.read_bytes())
    data[-14:-10] = struct.pack("<HH", 2, 2)
    path.write_bytes(data)
    monkeypatch.setattr(inbox, "MAX_FILES", 5)
    with pytest.raises(ValueError, match="lists 9 files"):
        collect(path)


@pytest.mark.parametrize("cut", [1, 30, 100])
def test_a_download_that_broke_off(tmp_path, cut):
    path = bulk(tmp_path, {"a.zip": b"a" * 50, "b.zip": b"b" * 50})
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(ValueError, match="download it again"):
        collect(path)


# Times


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-11-30T23:59+01:00", datetime(2026, 11, 30, 22, 59, tzinfo=UTC)),
        (" 2026-11-30 12:00:00Z ", NOON),
    ],
)
def test_a_deadline(text, time):
    found = inbox.parse_deadline(text)
    assert found == time and found.utcoffset() is not None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2026-11-30T23:59", r"say the time zone: 2026-11-30T23:59\+01:00"),
        ("2026-11-30", r"say the time zone: 2026-11-30T23:59\+01:00"),
        ("tomorrow", "'tomorrow' is not a time in ISO 8601: write it like 2026"),
        ("0001-01-01T00:00+14:00", "is not a time"),
        ("", "'' is not a time"),
        (None, "'None' is not a time"),
    ],
)
def test_a_deadline_that_says_too_little(text, why):
    with pytest.raises(ValueError, match=why):
        inbox.parse_deadline(text)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("file,time\ndoe_12_34_x.zip,2026-11-30T12:00Z\n", "utf-8"),
        ("Time;File\r\n2026-11-30T13:00+01:00;./doe_12_34_x.zip\r\n", "utf-8-sig"),
        ("student,time,note\n\n12,2026-11-30T12:00Z,\n", "utf-8"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_times_from_a_table(sent, tmp_path, text, encoding, packed):
    names = "doe_12_34_x.zip", "roe_13_35_x.zip"
    for name in names:
        put(sent, name, when=datetime(2020, 1, 1, tzinfo=UTC))
    folder = bulk(tmp_path, dict.fromkeys(names, b"")) if packed else sent
    times = table(tmp_path, text, encoding=encoding)
    for given in (times, load_times(times)):
        one, two = collect(folder, given)
        assert (one.time, one.time_source) == (NOON, "receipts file")
        assert (two.time, two.time_source) == (None, "")


def test_times_by_path_and_by_name(sent, tmp_path):
    put(sent, "Jo_7_assignsubmission_file_/x.zip")
    put(sent, "Zoë_8_assignsubmission_file_/x.zip")
    put(sent, "Zoë_8_assignsubmission_file_/y.zip")
    rows = (
        "file,time\nZoe\u0308_8_assignsubmission_file_\\x.zip,2026-11-30T12:00Z\n"
        "y.zip,2026-11-30T12:00Z\n"
    )
    found = collect(sent, table(tmp_path, rows))
    assert [receipt.time for receipt in found] == [None, NOON, NOON]
    put(sent, "y.zip")
    found = collect(sent, table(tmp_path, rows))
    assert [receipt.time for receipt in found] == [None, NOON, None, NOON]
    with pytest.raises(ValueError, match=r"name x\.zip, but 2 files are called so"):
        collect(sent, table(tmp_path, "file,time\nx.zip,2026-11-30T12:00Z\n"))


def test_the_time_of_a_student_id(tmp_path):
    times = load_times(table(tmp_path, "student,time\nAb12,2026-11-30T12:00Z\n"))
    assert [times.time_of(" aB12"), times.time_of("ab1"), times.time_of("")] == [
        *(NOON, None, None)
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("file,when\na,b\n", "first line must be `file,time` or `student,time`"),
        ("name,time\na,b\n", "first line must be `file,time` or `student,time`"),
        ("", "first line must be `file,time` or `student,time`"),
        (
            "file,time\na.zip,2026-11-30T12:00Z\nb.zip,2026-11-30T12:00\n",
            "row 3: '2026-11-30T12:00' could be anywhere: say the time zone",
        ),
        ("file,time\na.zip,soon\n", "row 2: 'soon' is not a time"),
        ("file,time\na.zip\n", "row 2: '' is not a time"),
        ("file,time\n,2026-11-30T12:00Z\n", "row 2: neither a file nor a student"),
        (
            "file,time\n\na.zip,2026-11-30T12:00Z\n./a.zip,2026-11-30T12:00Z\n",
            r"row 4: a\.zip is there twice",
        ),
        (
            "student,time\nA1,2026-11-30T12:00Z\na1,2026-11-30T12:00Z\n",
            "row 3: a1 is there twice",
        ),
    ],
)
def test_times_that_are_wrong(tmp_path, text, why):
    with pytest.raises(ValueError, match=why):
        load_times(table(tmp_path, text))


@pytest.mark.parametrize("load", [load_times, roster_of])
def test_tables_that_cannot_be_read(tmp_path, load):
    with pytest.raises(ValueError, match=r"cannot be read \(No such file"):
        load(tmp_path / "none.csv")
    with pytest.raises(ValueError, match="save it as CSV UTF-8"):
        load(table(tmp_path, "student_id,name\n1,Zoë\n", encoding="latin-1"))
    with pytest.raises(ValueError, match="larger than 16 MB"):
        load(put(tmp_path, "large.csv", bytes(MAX_BYTES + 1)))
    with pytest.raises(ValueError, match="not a CSV table"):
        load(table(tmp_path, "student_id,name\n1," + "x" * 200_000))
