"""Streams of pictures: trees, manifests, shards, near and far, whole and damaged."""

import collections
import csv
import gc
import io
import itertools
import json
import os
import pickle
import random
import shutil
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import fsspec
import pytest
from small_sets import contents, write_folder

from course_utils._support import filesystems
from course_utils.images import datasets, listings, streams, webdataset

FILES, LABELS = contents(5)


@pytest.fixture
def folder(tmp_path):
    return write_folder(tmp_path / "tree", FILES)


@pytest.fixture
def memory():
    """Writes files below memory://, which is emptied afterwards."""
    filesystem = fsspec.filesystem("memory")

    def write(root, files):
        for name, data in files.items():
            filesystem.pipe_file(f"/{root}/{name}", data)
        return f"memory://{root}"

    yield write
    filesystem.store.clear()
    filesystem.pseudo_dirs[:] = [""]


def write_csv(path, rows, columns=("image", "label", "caption")):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns, *rows])
    return path


def write_tar(path, members, format=tarfile.GNU_FORMAT):
    """members: (name, bytes) pairs, or a TarInfo in place of a name."""
    with tarfile.open(path, "w", format=format) as tar:
        for name, data in members:
            info = tarfile.TarInfo(name) if isinstance(name, str) else name
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def everything(stream):
    """(items, problems) of all parts."""
    looked = [part.look() for part in stream.parts()]
    items, problems = zip(*looked, strict=True)
    return list(itertools.chain(*items)), list(itertools.chain(*problems))


def contents_of(stream):
    """{name inside the tree: (bytes, label)}, whatever the pictures lie in."""
    return {
        item.image.partition(".tar/")[2] or item.image: (item.read(), item.label)
        for item in everything(stream)[0]
    }


def of_tree():
    return {image: (data, LABELS[image]) for image, data in FILES.items()}


# One set of pictures, in all that it can lie in


def test_tree_manifest_shards_and_memory_hold_the_same(folder, tmp_path, memory):
    rows = [(image, LABELS[image], "") for image in sorted(FILES)]
    table = write_csv(folder / "list.csv", rows)
    image_set = datasets.load(folder, progress=False)
    tars = tmp_path / "shards"
    paths = streams.write_shards(image_set, tars, per_shard=4, progress=False)
    assert [len(streams.open_stream(path).sample(99)) for path in paths] == [4, 4, 4, 3]
    far = memory("far", FILES | {"list.csv": table.read_bytes()})
    memory("tars", {path.name: path.read_bytes() for path in paths})
    archive = shutil.make_archive(tmp_path / "packed", "zip", folder)
    for address in (
        folder,
        f"file://{folder}",
        table,
        tars,
        tars / "shard-*.tar",
        tars / "shard-{000000..000003}.tar",
        far,
        far + "/list.csv",
        "memory://tars",
        "memory://tars/shard-*.tar",
        "memory://tars/shard-{000000..000003}.tar",
        f"zip://::{archive}",
    ):
        stream = streams.open_stream(address, part_size=4)
        assert contents_of(stream) == of_tree(), address
        assert list(contents_of(stream)) == sorted(FILES), address
        assert len(list(stream.parts())) == 4, address


def test_parquet_manifest_with_numbers_as_labels(folder):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    images = list(FILES)
    table = pandas.DataFrame(
        {"caption": [None, "Größe", *images[2:]], "label": 7, "image": images}
    )
    table.to_parquet(folder / "list.parquet", row_group_size=4)
    items, problems = everything(
        streams.open_stream(folder / "list.parquet", part_size=6)
    )
    assert [item.image for item in items] == images and not problems
    assert {item.label for item in items} == {"7"}
    assert [item.caption for item in items[:2]] == [None, "Größe"]
    assert items[3].read() == FILES[images[3]]


def test_caltech101_as_tree_is_what_load_gives(caltech101):
    root = caltech101 / "101_ObjectCategories"
    looked = list(streams.open_stream(root).parts())
    items = [item for part in looked for item in part.items()]
    problems = [problem for part in looked for problem in part.look()[1]]
    # load sorts the same names; it would decode them all, which takes long
    names = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }
    images = sorted(names)  # one of them, a JPEG, has no suffix
    assert [item.image for item in items] == images and len(images) == 9145
    assert [item.label for item in items] == [i.split("/")[0] for i in images]
    assert {image for image, _ in problems} == names - set(images)
    assert [len(p.items()) for p in looked] == [1024] * 8 + [9145 - 8 * 1024]


def test_some_classes_of_caltech101_are_what_load_gives(caltech101, tmp_path):
    for name in ("accordion", "anchor", "ant"):
        shutil.copytree(caltech101 / "101_ObjectCategories" / name, tmp_path / name)
    loaded = datasets.load(tmp_path, progress=False)
    items, problems = everything(streams.open_stream(tmp_path, part_size=50))
    assert tuple(item.image for item in items) == loaded.images
    assert [item.label for item in items] == loaded.true_names
    assert [item.read() for item in items] == [
        loaded.read(i) for i in range(len(loaded))
    ]
    assert tuple(problems) == loaded.problems == ()


# Parts


def test_parts_are_cut_after_part_size_pictures_in_the_order_of_load(tmp_path):
    names = ["b/2.png", "a-1/x.png", "a/b/c.png", "a/b.png", "a/é.png", "Z/1.png"]
    write_folder(tmp_path, dict(zip(names, FILES.values(), strict=False)))
    parts = list(streams.open_stream(tmp_path, part_size=4).parts())
    images = [[item.image for item in part.items()] for part in parts]
    loaded = datasets.load(tmp_path, progress=False)
    assert images[0] + images[1] == list(loaded.images)
    assert [len(part) for part in images] == [4, 2]
    assert [part.number for part in parts] == [0, 1]
    again = list(streams.open_stream(tmp_path, part_size=4).parts())
    assert again == parts


def key_of(stream):
    return [part.key for part in stream.parts()]


def test_only_the_key_of_the_part_with_another_picture_changes(folder, memory):
    for address in (folder, folder / "list.csv", memory("far", FILES)):
        if not isinstance(address, str):
            write_csv(folder / "list.csv", [(i, LABELS[i], "") for i in sorted(FILES)])
        read = streams.from_folder if address == folder else streams.open_stream
        stream = read(address, part_size=4)
        before = key_of(stream)
        assert len(set(before)) == 4 and key_of(stream) == before
        fifth = sorted(FILES)[5]
        if isinstance(address, str):
            memory("far", {fifth: FILES[fifth]})
        else:
            moment = (folder / fifth).stat().st_mtime_ns + 1_000_000
            os.utime(folder / fifth, ns=(moment, moment))
        after = key_of(stream)
        changed = [a != b for a, b in zip(before, after, strict=True)]
        assert changed == [False, True, False, False], address


def test_keys_know_labels_captions_and_places(folder, tmp_path):
    image = next(iter(FILES))
    keys = set()
    for label, caption in (("a", "b"), ("a", "c"), ("d", "b"), ("", "a"), ("a", "")):
        table = write_csv(folder / "list.csv", [(image, label, caption)])
        keys.update(key_of(streams.open_stream(table)))
    shutil.copytree(folder, tmp_path / "copy")
    keys.update(key_of(streams.open_stream(tmp_path / "copy" / "list.csv")))
    assert len(keys) == 6


def test_key_of_a_shard_changes_with_its_file(tmp_path):
    pictures = list(FILES.items())
    for number in (0, 1):
        write_tar(tmp_path / f"{number}.tar", pictures[:3])
    stream = streams.open_stream(tmp_path)
    before = key_of(stream)
    write_tar(tmp_path / "1.tar", pictures[:4])
    after = key_of(stream)
    assert before[0] == after[0] and before[1] != after[1]
    assert len({*before, *after}) == 3


def test_parts_go_through_pickle_and_are_small(folder, tmp_path, memory):
    image_set = datasets.load(folder, progress=False)
    tars = tmp_path / "tars"
    streams.write_shards(image_set, tars, per_shard=8, progress=False)
    for address in (folder, tars, memory("far", FILES)):
        stream = pickle.loads(pickle.dumps(streams.open_stream(address, part_size=8)))
        parts = list(stream.parts())
        sent = pickle.dumps(parts)
        assert len(sent) < 5_000 and len(parts) == 2
        for part, copy in zip(parts, pickle.loads(sent), strict=True):
            assert (copy.number, copy.key) == (part.number, part.key)
            read = [(i.image, i.read()) for i in part.items()]
            assert [(i.image, i.read()) for i in copy.items()] == read


def test_many_threads_read_at_once(tmp_path, memory):
    pictures = [(f"{i}.png", random.Random(i).randbytes(3_000 + i)) for i in range(300)]
    path = write_tar(tmp_path / "all.tar", pictures)
    memory("far", {"all.tar": path.read_bytes()})
    for address in (path, "memory://far/all.tar"):
        items = everything(streams.open_stream(address))[0]
        with ThreadPoolExecutor(16) as pool:
            read = list(pool.map(lambda item: item.read(), items * 3))
        assert read == [data for _, data in pictures] * 3


def most_blocks(parts):
    """(pictures, most blocks of memory held at once) while the parts go by.

    Every picture that is held takes several blocks; tracemalloc would take a minute.
    """
    gc.collect()
    before, most, n = sys.getallocatedblocks(), 0, 0
    for part in parts:
        n += len(part.found)
        most = max(most, sys.getallocatedblocks() - before)
    return n, most


@pytest.fixture
def one_size(monkeypatch):
    """No file has to be there to be looked at."""
    monkeypatch.setattr(filesystems.Files, "look", lambda files, path: (1, 1))


def test_a_tree_of_100_000_is_never_in_memory(tmp_path, monkeypatch, one_size):
    monkeypatch.setattr(streams, "_key", lambda *state: "")

    def entries(files, folder):
        if Path(folder) == tmp_path:
            return [filesystems.Entry(f"class {i:03}", "folder") for i in range(100)]
        return [filesystems.Entry(f"picture {i:04}.jpg", "file") for i in range(1000)]

    monkeypatch.setattr(filesystems.Files, "entries", entries)
    listing = listings.tree(*filesystems.find(tmp_path))
    head = [next(listing) for _ in range(2000)]
    assert head[-1].item.label == "class 001"
    n, most = most_blocks(streams.open_stream(tmp_path, part_size=1000).parts())
    assert n == 100_000 and most < n / 5
    held = streams.open_stream(tmp_path, part_size=50_000).parts()
    assert most_blocks(held)[1] > 100_000  # so this does count what is held


def test_a_manifest_of_100_000_is_never_in_memory(tmp_path, monkeypatch, one_size):
    monkeypatch.setattr(streams, "_key", lambda *state: "")
    path = tmp_path / "list.csv"
    rows = ((f"folder {i % 7}/picture {i}.jpg", i % 100) for i in range(100_000))
    write_csv(path, rows, ["image", "label"])
    n, most = most_blocks(streams.open_stream(path).parts())
    assert n == 100_000 and most < n / 5


# What is left out


def test_what_is_left_out_of_a_tree_is_said(tmp_path):
    data = next(iter(FILES.values()))
    names = ["a/1.png", "b/1.PNG", "b/notes.txt", "loose.png"]
    hidden = [".hidden.png", "b/.x/1.png"]
    write_folder(tmp_path, dict.fromkeys(names + hidden, data))
    write_folder(tmp_path, {"b/notes.txt": b"hello", "b/Thumbs.db": b"of Windows"})
    (tmp_path / "link").symlink_to(tmp_path / "a")
    (tmp_path / "b" / "gone.png").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "b" / "pipe.png")
    with open(os.fsencode(tmp_path) + b"/b/\xe4.png", "wb") as file:
        file.write(data)
    items, problems = everything(streams.open_stream(tmp_path))
    assert [(item.image, item.label) for item in items] == [
        ("a/1.png", "a"),
        ("b/1.PNG", "b"),
    ]
    assert dict(problems) == {
        "b/gone.png": "cannot be read (No such file or directory)",
        "b/notes.txt": "not a picture",
        "b/pipe.png": "cannot be read (not a file)",
        "b/\\udce4.png": "its name is not Unicode",
        "link": "a link to a folder is not followed",
        "loose.png": "lies beside the class folders",
    }
    assert len(problems) == 6


def test_a_folder_that_cannot_be_opened_is_a_problem(folder, monkeypatch):
    entries = filesystems.Files.entries

    def closed(files, path):
        if path.endswith("green"):
            raise PermissionError(13, "Permission denied", path)
        return entries(files, path)

    monkeypatch.setattr(filesystems.Files, "entries", closed)
    items, problems = everything(streams.open_stream(folder))
    assert {item.label for item in items} == {"red", "blue"}
    assert problems == [
        ("green", "the folder cannot be opened (Permission denied)"),
    ]


def test_a_tree_without_classes_has_no_labels(tmp_path):
    data = next(iter(FILES.values()))
    for names in (["1.png", "2.png"], ["only/1.png", "2.png"], ["only/a/1.png"]):
        shutil.rmtree(tmp_path)
        stream = streams.open_stream(write_folder(tmp_path, dict.fromkeys(names, data)))
        items, problems = everything(stream)
        assert sorted(item.image for item in items) == sorted(names)
        assert {item.label for item in items} == {None} and not problems
        assert stream.sample(5).true_labels is None


def test_what_is_left_out_of_a_manifest_is_said(folder):
    image, other, third, *_ = FILES
    text = f"""\ufefflabel, image
red,{image}
red,./{image}
blue,"{folder / other}"
,{third}
red,not/there.png
red,
red,a.png,too much
red,foo://x/y.png

red,ä.png
"""
    path = folder / "list.csv"
    path.write_bytes(text.encode().replace("ä".encode(), b"\xe4"))
    items, problems = everything(streams.open_stream(path))
    assert [(item.image, item.label) for item in items] == [
        (image, "red"),
        (str(folder / other), "blue"),
        (third, None),
    ]
    assert items[1].read() == FILES[other]
    problems = dict(problems)
    assert problems[image] == "is there twice: the first is taken"
    assert problems["not/there.png"] == "cannot be read (No such file or directory)"
    assert problems["list.csv, row 7"] == "the image is empty"
    assert problems["list.csv, row 8"] == "more values than the header has names"
    assert "Protocol not known" in problems["foo://x/y.png"]
    assert problems["\\udce4.png"] == "its row is not UTF-8"
    assert len(problems) == 6


def test_a_manifest_here_may_name_pictures_elsewhere(tmp_path, memory):
    far = memory("far", FILES)
    rows = [(f"{far}/{image}", label, "") for image, label in LABELS.items()]
    items, problems = everything(
        streams.open_stream(write_csv(tmp_path / "m.csv", rows))
    )
    assert [item.read() for item in items] == list(FILES.values())
    assert not problems


def test_the_quote_that_is_never_closed_costs_what_it_swallows(folder):
    first, second, *_ = FILES
    swallowed = "x" * 200_000
    path = folder / "list.csv"
    path.write_text(f'image\n{first}\n"{swallowed}\n{second}\n', encoding="utf-8")
    items, problems = everything(streams.open_stream(path))
    assert items[0].image == first
    assert "not CSV" in str(problems)


# Shards


def look_at(path):
    """(items, problems) of one tar file."""
    return next(iter(streams.open_stream(path).parts())).look()


def test_labels_and_captions_of_a_sample(tmp_path):
    data = next(iter(FILES.values()))
    about = json.dumps({"label": "from json", "caption": "a caption", "width": 3})
    path = write_tar(
        tmp_path / "all.tar",
        [
            ("./a/1.jpg", data),
            ("./a/1.cls", b" 12\n"),
            ("./a/1.json", about.encode()),
            ("./a/1.right.png", data),
            ("./a/1.seg.npy", b"other things"),
            ("./b.c/2.txt", "Größe".encode()),
            ("./b.c/2.json", b'{"class": 4, "caption": null}'),
            ("./b.c/2.JPG", data),
            ("3.jpg", data),
            ("._3.jpg", b"what macOS writes"),
        ],
    )
    items, problems = look_at(path)
    assert [(i.image, i.label, i.caption) for i in items] == [
        ("all.tar/a/1.jpg", "12", "a caption"),
        ("all.tar/b.c/2.JPG", "4", "Größe"),
        ("all.tar/3.jpg", None, None),
    ]
    reason = "a further picture of its sample (.right.png): not taken"
    assert problems == [("all.tar/a/1.right.png", reason)]
    assert {item.read() for item in items} == {data}


@pytest.mark.parametrize(
    "format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]
)
def test_every_kind_of_tar_is_read_as_tarfile_reads_it(tmp_path, format):
    long = "/".join(["folder" * 3] * 6) + "/picture.png"  # over 100 bytes
    names = ["a.png", "ä/ö.png", long, "b" * 90 + ".png", "c.png"]
    pictures = dict(zip(names, FILES.values(), strict=False))
    path = write_tar(tmp_path / "all.tar", pictures.items(), format)
    items, problems = look_at(path)
    assert not problems
    found = {item.image.removeprefix("all.tar/"): item for item in items}
    with tarfile.open(path) as tar:
        assert list(found) == tar.getnames() == names
        for member in tar:
            assert found[member.name].start == member.offset_data
            assert found[member.name].read() == pictures[member.name]


def test_what_is_wrong_in_a_shard_is_said(tmp_path):
    data = next(iter(FILES.values()))
    link, folder = tarfile.TarInfo("link.png"), tarfile.TarInfo("folder")
    link.type, link.linkname, folder.type = tarfile.SYMTYPE, "a.png", tarfile.DIRTYPE
    path = write_tar(
        tmp_path / "all.tar",
        [
            (folder, b""),
            ("a.png", data),
            ("a.png", b"later"),
            (link, b""),
            ("../up.png", data),
            ("alone.cls", b"cat"),
            ("b.png", data),
            ("b.cls", b"\xff\xfe"),
            ("c.png", data),
            ("c.json", b"[" * 100_000),
            ("d.png", data),
            ("d.txt", b" " * (1 << 20) + b"."),
            ("e\udcff.png", data),
        ],
    )
    items, problems = look_at(path)
    images = [item.image.removeprefix("all.tar/") for item in items]
    assert images == ["a.png", "b.png", "c.png", "d.png"]
    assert {item.label for item in items} == {None}
    assert items[0].read() == data
    assert dict(problems) == {
        "all.tar/a.png": "is there twice: the first is taken",
        "all.tar/link.png": "not a plain file but a link or the like",
        "all.tar/../up.png": "its name leads out of the shard (..)",
        "all.tar/alone": "a sample without an image",
        "all.tar/b.cls": "not UTF-8",
        "all.tar/c.json": "not JSON",
        "all.tar/d.txt": "larger than 1,048,576 bytes: not read",
        "all.tar/e\\udcff.png": "its name is not Unicode",
    }


def test_of_a_damaged_shard_the_readable_pictures_are_found(tmp_path):
    pictures = [(f"{i}.png", random.Random(i).randbytes(1000)) for i in range(5)]
    whole = write_tar(tmp_path / "whole.tar", pictures).read_bytes()
    fourth = 3 * 1536  # where its header begins

    def found(data):
        (tmp_path / "bad.tar").write_bytes(data)
        items, problems = look_at(tmp_path / "bad.tar")
        for item in items:
            number = int(Path(item.image).stem)
            assert item.read() == pictures[number][1]
        return len(items), dict(problems)

    assert found(whole) == (5, {})
    n, problems = found(whole[: fourth + 700])  # in its picture
    assert n == 3 and problems["bad.tar/3.png"] == "cut off"
    n, problems = found(whole[: fourth + 200])  # in its header
    assert n == 3 and "cut off" in problems["bad.tar"]
    n, problems = found(whole[:fourth])
    assert n == 3 and "no end mark" in problems["bad.tar"]
    spoilt = bytearray(whole)
    spoilt[fourth : fourth + 512] = random.Random(0).randbytes(512)
    n, problems = found(bytes(spoilt))
    assert n == 3 and f"damaged at byte {fourth:,}" in problems["bad.tar"]
    assert "joined" in found(whole + whole)[1]["bad.tar"]
    assert "empty" in found(b"")[1]["bad.tar"]
    assert "gzip" in found(b"\x1f\x8b" + whole)[1]["bad.tar"]
    assert found(b"something else " * 100)[0] == 0


@pytest.mark.parametrize("format", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_any_bytes_spoilt_anywhere_never_raise(tmp_path, format):
    pictures = [(f"{i}.png", bytes(700)) for i in range(3)]
    last = "x" * 120 + ".png", b"1"
    whole = write_tar(tmp_path / "a.tar", [*pictures, last], format)
    whole, generator = whole.read_bytes(), random.Random(0)
    outcomes = collections.Counter()
    for _ in range(400):
        spoilt = bytearray(whole)
        at = generator.choice([0, 1536, 3072, 4608, 5120]) + generator.randrange(512)
        spoilt[at : at + 12] = generator.randbytes(12)
        (tmp_path / "a.tar").write_bytes(spoilt[: generator.choice([None, 5000])])
        items, problems = look_at(tmp_path / "a.tar")
        for item in items:
            assert len(item.read()) == item.size
        outcomes[bool(problems)] += 1
    assert min(outcomes[True], outcomes[False]) > 10


def test_a_shard_that_would_take_all_memory_or_stack_is_a_problem(tmp_path):
    before = tarfile.TarInfo("././@LongLink")  # the name of the file that follows
    before.type, before.size = tarfile.GNUTYPE_LONGNAME, 1 << 32
    path = tmp_path / "all.tar"
    path.write_bytes(before.tobuf(tarfile.GNU_FORMAT) + bytes(512))
    assert "a header of impossible size" in look_at(path)[1][0][1]
    before.size = 3
    path.write_bytes((before.tobuf(tarfile.GNU_FORMAT) + b"abc" + bytes(509)) * 3000)
    assert "damaged at byte" in look_at(path)[1][0][1]


@pytest.mark.parametrize("name", ["a.png", "././@LongLink"])
def test_a_size_below_0_would_never_end_and_is_a_problem(tmp_path, name):
    back = tarfile.TarInfo(name)
    back.size = -2048
    back.type = tarfile.REGTYPE if name == "a.png" else tarfile.GNUTYPE_LONGNAME
    path = write_tar(tmp_path / "all.tar", [("first.png", bytes(700))])
    path.write_bytes(path.read_bytes()[:1536] + back.tobuf(tarfile.GNU_FORMAT))
    items, problems = look_at(path)
    assert [item.image for item in items] == ["all.tar/first.png"]
    assert "damaged at byte 1,536" in problems[0][1]


def test_a_missing_or_vanished_shard_is_a_problem(tmp_path):
    first = write_tar(tmp_path / "s-0.tar", FILES.items())
    write_tar(tmp_path / "s-2.tar", FILES.items())
    stream = streams.open_stream(tmp_path / "s-{0..2}.tar")
    items, problems = everything(stream)
    assert len(items) == 2 * len(FILES)
    assert problems == [("s-1.tar", "cannot be read (No such file or directory)")]
    first.unlink()
    with pytest.raises(OSError, match="No such file"):
        items[0].read()
    first.write_bytes(b"short")
    with pytest.raises(OSError, match="shorter than it was"):
        items[0].read()


def test_shards_of_two_folders_may_have_the_same_name(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_tar(tmp_path / name / "x.tar", [("1.png", name.encode())])
    for pattern in ("*/x.tar", "{b,a}/x.tar", "?/*.tar", "**/x.tar"):
        items, _ = everything(streams.open_stream(tmp_path / pattern))
        found = {item.image: item.read() for item in items}
        assert found == {"a/x.tar/1.png": b"a", "b/x.tar/1.png": b"b"}
        assert (next(iter(found))[0] == "b") == (pattern[0] == "{")


def test_braces():
    expanded = {
        "x-{08..11}.tar": ["x-08.tar", "x-09.tar", "x-10.tar", "x-11.tar"],
        "{8..10}": ["8", "9", "10"],
        "{3..1}": ["3", "2", "1"],
        "{a,b}-{0..1}": ["a-0", "a-1", "b-0", "b-1"],
        "{a,b{0..1},}x": ["ax", "b0x", "x", "b1x"],
        "no {braces} {} here": ["no {braces} {} here"],
    }
    assert {pattern: webdataset.expand(pattern) for pattern in expanded} == expanded


def test_write_shards_gives_the_same_bytes_and_unique_samples(tmp_path):
    names = ["a/x.png", "a/x.jpg", "a/y.1.png", "a/y.2.png", "b/x.png", ".h.png"]
    files = dict(zip(names, FILES.values(), strict=False))
    labels = {name: f"class {i}" for i, name in enumerate(names)}
    captions = {name: f"caption {i}, ä" for i, name in enumerate(names)}
    image_set = datasets.from_bytes("odd", files, labels, captions)
    written = [
        streams.write_shards(image_set, tmp_path / name, per_shard=4, progress=False)
        for name in ("one", "two")
    ]
    one, two = ([path.read_bytes() for path in paths] for paths in written)
    assert one == two
    names_written = [path.name for path in written[0]]
    assert names_written == ["shard-000000.tar", "shard-000001.tar"]
    items, problems = everything(streams.open_stream(tmp_path / "one"))
    assert not problems
    found = [(item.read(), item.label, item.caption) for item in items]
    assert found == [(files[n], labels[n], captions[n]) for n in image_set.images]
    assert len({item.image for item in items}) == len(names)
    again = streams.write_shards(image_set, tmp_path / "one", per_shard=4)
    assert [path.read_bytes() for path in again] == two
    with pytest.raises(ValueError, match="shards of something else, as shard-000001"):
        streams.write_shards(image_set, tmp_path / "one")


def test_an_interrupted_write_leaves_no_half_shard(tmp_path, small, monkeypatch):
    read = type(small).read

    def interrupted(image_set, index):
        if index == 7:
            raise KeyboardInterrupt
        return read(image_set, index)

    monkeypatch.setattr(type(small), "read", interrupted)
    with pytest.raises(KeyboardInterrupt):
        streams.write_shards(small, tmp_path, per_shard=5, progress=False)
    assert [path.name for path in tmp_path.glob("[!.]*")] == ["shard-000000.tar"]
    assert look_at(tmp_path / "shard-000000.tar")[1] == []


# Samples


def test_a_sample_is_an_image_set_fixed_by_its_seed(folder, tmp_path, memory):
    tars = tmp_path / "tars"
    image_set = datasets.load(folder, progress=False)
    streams.write_shards(image_set, tars, per_shard=4, progress=False)
    drawn = []
    for address in (folder, tars, memory("far", FILES)):
        stream = streams.open_stream(address, part_size=4)
        sample = stream.sample(6, seed=3)
        assert len(sample) == 6 and sample.true_names == [
            LABELS[image.partition(".tar/")[2] or image] for image in sample.images
        ]
        assert list(sample.images) == sorted(sample.images)
        assert stream.sample(6, seed=3).fingerprint == sample.fingerprint
        assert stream.sample(6, seed=4).fingerprint != sample.fingerprint
        drawn.append(sample.digests)
    assert drawn[0] == drawn[1] == drawn[2]
    assert streams.open_stream(folder).sample(99).digests == image_set.digests


def test_a_sample_favours_no_place(monkeypatch):
    items = [listings.Item(str(i), None, None, None, "") for i in range(12)]
    parts = [
        SimpleNamespace(items=lambda i=i: items[i : i + 4]) for i in range(0, 12, 4)
    ]
    stream = streams.ImageStream("made up", "", lambda: iter(parts))
    monkeypatch.setattr(streams, "_image_set", lambda name, drawn: drawn)
    drawn = (stream.sample(2, seed) for seed in range(6600))
    pairs = collections.Counter(tuple(int(i.image) for i in two) for two in drawn)
    expected = set(itertools.combinations(range(12), 2))
    assert set(pairs) == expected  # in the order of the stream, that is
    # 66 pairs, 100 of each expected: chi-square with 65 degrees of freedom
    chi_square = sum((pairs[pair] - 100) ** 2 / 100 for pair in expected)
    assert 35 < chi_square < 105


def test_a_sample_leaves_out_what_is_no_picture(folder):
    (folder / "red" / "bad.png").write_bytes(b"no picture")
    vanished = streams.open_stream(folder, part_size=4)
    sample = vanished.sample(99)
    assert len(sample) == len(FILES)
    assert [image for image, _ in sample.problems] == ["red/bad.png"]
    with pytest.raises(ValueError, match="at least one"):
        vanished.sample(0)


# Errors that say what to do


def test_errors_of_open(folder, tmp_path, memory):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.txt").write_text("no picture", encoding="utf-8")
    (tmp_path / "all.tar.gz").write_bytes(b"")
    (tmp_path / "bad.parquet").write_bytes(b"no table")
    wrong = write_csv(tmp_path / "wrong.csv", [("a.png", "b")], ["photo", "label"])
    nothing = write_csv(tmp_path / "nothing.csv", [])
    for address, kind, words in (
        (tmp_path / "gone", FileNotFoundError, "gone is not there"),
        ("memory://gone", FileNotFoundError, "gone is not there"),
        (tmp_path / "gone.csv", FileNotFoundError, "gone.csv is not there"),
        (tmp_path / "gone-*.tar", FileNotFoundError, "no such tar file"),
        (tmp_path / "gone-{0..3}.tar", FileNotFoundError, "no such tar file"),
        (tmp_path / "empty", ValueError, "holds no pictures"),
        (tmp_path / "text.txt", ValueError, "is a file, but neither"),
        (tmp_path / "all.tar.gz", ValueError, "decompress it"),
        (tmp_path / "bad.parquet", ValueError, "not a Parquet file"),
        (wrong, ValueError, r"lacks the column image \(its columns: photo, label"),
        (nothing, ValueError, "names no pictures"),
        ("foo://bucket/folder", ValueError, "Protocol not known: foo"),
    ):
        with pytest.raises(kind, match=words):
            streams.open_stream(address)
    with pytest.raises(ValueError, match="part_size=0"):
        streams.open_stream(folder, part_size=0)
    write_csv(folder / "labels.csv", [])
    with pytest.raises(ValueError, match="open that file to have its labels"):
        streams.open_stream(folder)
    assert len(everything(streams.from_folder(folder))[0]) == len(FILES)
    (folder / "labels.csv").unlink()
    write_tar(folder / "more.tar", FILES.items())
    with pytest.raises(ValueError, match="with from_shards or from_folder"):
        streams.open_stream(folder)
    assert everything(streams.from_shards(folder))[0][0].image.startswith("more.tar/")


def test_what_to_install_is_said(folder, monkeypatch):
    write_csv(folder / "list.csv", [(image, "", "") for image in FILES])
    for name in ("s3fs", "pyarrow"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r"s3://bucket/folder needs .* s3fs"):
        streams.open_stream("s3://bucket/folder")
    (folder / "list.parquet").write_bytes(b"")
    with pytest.raises(ImportError, match="pip install pyarrow"):
        streams.open_stream(folder / "list.parquet")
    assert len(everything(streams.open_stream(folder / "list.csv"))[0]) == len(FILES)
    assert len(everything(streams.open_stream(folder))[0]) == len(FILES)


def test_a_filesystem_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(ImportError, match=r"needs another package: .*gcsfs"):
        streams.open_stream("gs://bucket/folder")


def test_errors_of_any_filesystem_become_oserrors(tmp_path):
    def broken(*args, **options):
        raise RuntimeError("the bucket sleeps")

    filesystem = SimpleNamespace(
        cat_file=broken,
        info=broken,
        ls=broken,
        open=broken,
        invalidate_cache=lambda path: None,
    )
    files = filesystems.Files(filesystem)
    for act in (files.read, files.look, files.entries, files.open):
        with pytest.raises(OSError, match="RuntimeError: the bucket sleeps") as error:
            act("a/b")
        assert error.value.strerror
    items, problems = webdataset.scan(files, "a/b.tar", "b.tar")
    assert not items
    assert problems == [("b.tar", "cannot be read (RuntimeError: the bucket sleeps)")]


def test_names_of_streams(folder, monkeypatch, memory):
    monkeypatch.chdir(folder.parent)
    stream = streams.open_stream("tree")
    assert (stream.name, stream.address) == ("tree", str(folder))
    with pytest.warns(UserWarning, match=r"single folder, so no classes: did you mean"):
        assert streams.open_stream(".", name="mine").name == "mine"
    assert streams.open_stream(memory("far/away", FILES) + "/").name == "away"
    write_tar(folder.parent / "train-00.tar", FILES.items())
    assert streams.open_stream("train-{00..00}.tar").name == "train"
    assert streams.open_stream("train-*.tar").name == "train"


# More than one picture in a sample; pictures in Parquet; folders that are splits


@pytest.mark.parametrize(
    "extra", ["seg.png", "left.jpg", "depth.tiff", "mask.0.png", "thumb.webp"]
)
def test_of_a_sample_only_the_plain_extension_is_the_picture(tmp_path, extra):
    data, mask, *_ = FILES.values()
    members = [(f"1.{extra}", mask), ("1.jpg", data), ("1.cls", b"red")]
    items, problems = look_at(write_tar(tmp_path / "all.tar", members))
    assert [(item.image, item.read()) for item in items] == [("all.tar/1.jpg", data)]
    reason = f"a further picture of its sample (.{extra}): not taken"
    assert problems == [(f"all.tar/1.{extra}", reason)]


def test_a_sample_of_views_alone_is_reported_and_not_clustered(tmp_path):
    data = next(iter(FILES.values()))
    members = [("1.left.jpg", data), ("1.right.jpg", data), ("2.jpg", data)]
    items, problems = look_at(write_tar(tmp_path / "all.tar", members))
    assert [item.image for item in items] == ["all.tar/2.jpg"]
    assert [image for image, _ in problems] == [
        *("all.tar/1.left.jpg", "all.tar/1.right.jpg")
    ]


@pytest.mark.parametrize("label", [{"name": "a"}, ["a", "b"], [], {}, True])
def test_a_label_that_is_no_text_is_remarked_on(tmp_path, label):
    data = next(iter(FILES.values()))
    about = json.dumps({"label": label}).encode()
    path = write_tar(tmp_path / "all.tar", [("1.jpg", data), ("1.json", about)])
    items, problems = look_at(path)
    assert [item.label for item in items] == [None]
    reason = "its label is no text and no number: read without one"
    assert problems == [("all.tar/1.json", reason)]


def write_parquet(path, images, labels=None, kind="struct", names=()):
    """A Parquet file as Hugging Face writes it, or with binary columns."""
    pyarrow = pytest.importorskip("pyarrow")
    pytest.importorskip("pyarrow.parquet")
    rows = list(images.items())
    values = [data for _, data in rows]
    if kind == "struct":
        values = [{"bytes": data, "path": name} for name, data in rows]
        values = pyarrow.array(values)
    else:
        values = pyarrow.array(values, getattr(pyarrow, kind)())
    columns = {"image": values}
    if labels is not None:
        columns["label"] = pyarrow.array(labels)
    table = pyarrow.table(columns)
    if names:
        feature = {"names": list(names), "_type": "ClassLabel"}
        about = {"info": {"features": {"label": feature}}}
        table = table.replace_schema_metadata({"huggingface": json.dumps(about)})
    path.parent.mkdir(exist_ok=True)
    pyarrow.parquet.write_table(table, path, row_group_size=4)
    return path


@pytest.mark.parametrize("kind", ["struct", "binary", "large_binary"])
@pytest.mark.parametrize("place", ["file", "folder", "pattern"])
def test_pictures_in_parquet_are_read(tmp_path, kind, place):
    rows = list(FILES.items())
    names = ("blue", "green", "red")
    numbers = [names.index(LABELS[image]) for image in FILES]
    for part, (start, stop) in enumerate([(0, 9), (9, len(rows))]):
        path = tmp_path / "data" / f"train-{part:05}-of-00002.parquet"
        write_parquet(path, dict(rows[start:stop]), numbers[start:stop], kind, names)
    address = {
        "file": path,
        "folder": tmp_path / "data",
        "pattern": tmp_path / "data" / "train-*.parquet",
    }[place]
    stream = streams.open_stream(address, part_size=4)
    expected = rows[9:] if place == "file" else rows
    items, problems = everything(pickle.loads(pickle.dumps(stream)))
    assert not problems
    assert [item.read() for item in items] == [data for _, data in expected]
    assert [item.label for item in items] == [LABELS[image] for image, _ in expected]
    assert len({item.image for item in items}) == len(expected)
    backwards = [item.read() for item in reversed(items)]
    assert backwards == [data for _, data in reversed(expected)]
    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(lambda item: item.read(), items * 3))
    assert read == [data for _, data in expected] * 3
    assert len(stream.sample(5)) == 5


def test_a_row_of_parquet_without_bytes_is_a_problem(tmp_path):
    rows = dict(itertools.islice(FILES.items(), 3)) | {"lost.png": None}
    stream = streams.open_stream(write_parquet(tmp_path / "a.parquet", rows))
    drawn = stream.sample(9)
    assert len(drawn) == 3
    reason = "cannot be read (its row holds no bytes)"
    assert drawn.problems == (("a.parquet/000003-lost.png", reason),)


def test_a_column_that_holds_neither_paths_nor_pictures_is_named(tmp_path):
    pandas = pytest.importorskip("pandas")
    for column in ([1, 2], [[1, 2], [3]], [{"url": "x"}, {"url": "y"}]):
        pandas.DataFrame({"image": column}).to_parquet(tmp_path / "a.parquet")
        with pytest.raises(
            ValueError, match=r"a\.parquet: its column image is .* must"
        ):
            streams.open_stream(tmp_path / "a.parquet")


def test_why_a_table_names_no_picture_is_said(tmp_path):
    table = write_csv(tmp_path / "a.csv", [("foo://x", "", ""), ("", "b", "")])
    with pytest.raises(
        ValueError, match=r"(?s)names no pictures:.*row 3: the image is"
    ):
        streams.open_stream(table)
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "notes.txt").write_text("hello", encoding="utf-8")
    with pytest.raises(ValueError, match=r"holds no pictures:\s+notes.txt: not a pict"):
        streams.open_stream(tmp_path / "set")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_manifest_as_people_save_it(folder, encoding, separator):
    lines = [separator.join(("Class", "FileName"))]
    lines += [separator.join(("Käfer", image)) for image in FILES]
    path = folder / "list.csv"
    path.write_bytes("\n".join(lines).encode(encoding))
    expected = [(image, "Käfer") for image in FILES]
    if encoding == "cp1252":
        with pytest.warns(UserWarning, match=r"list\.csv is not UTF-8 .* Windows-1252"):
            items, _ = everything(streams.open_stream(path))
    else:
        items, _ = everything(streams.open_stream(path))
    assert [(item.image, item.label) for item in items] == expected


def test_a_pipe_is_never_opened(tmp_path):
    os.mkfifo(tmp_path / "list.csv")
    os.mkfifo(tmp_path / "list.parquet")
    os.mkfifo(tmp_path / "all.tar")
    for name in ("list.csv", "list.parquet"):
        with pytest.raises(OSError, match="not a file"):
            streams.open_stream(tmp_path / name)
    _, problems = look_at(tmp_path / "all.tar")
    assert problems == [("all.tar", "cannot be read (not a file)")]


def test_files_far_away_are_recognised_by_their_content_too(memory):
    data = next(iter(FILES.values()))
    address = memory("far", {"a/1": data, "b/2.bin": b"no", "b/3.png": data})
    items, problems = everything(streams.open_stream(address))
    assert [item.image for item in items] == ["a/1", "b/3.png"]
    assert problems == [("b/2.bin", "not a picture")]
