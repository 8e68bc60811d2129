"""The embedded stamps, Caltech-101 where it is, and its download from a server here."""

import collections
import csv
import hashlib
import importlib.util
import io
import socket
import tarfile
import threading
import zipfile

import numpy as np
import pytest
from conftest import picture_bytes
from PIL import Image

from course_utils._support import downloads, files
from course_utils._support.keras import import_keras
from course_utils.images import datasets, search_captions

STAMPS = datasets.EMBEDDED / "stamps"
PHOTOS = datasets.EMBEDDED / "photos"
WORDS = datasets.EMBEDDED / "words"


def load(name, **options):
    return datasets.load(name, progress=False, **options)


def stamps_table():
    with open(STAMPS / "stamps.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_stamps():
    found = load("stamps")
    assert len(found) == 193
    assert len(found.class_names) == 7
    assert found.problems == ()
    rows = {row["image"]: row for row in stamps_table()}
    assert found.true_names == [rows[image]["class"] for image in found.images]
    assert found.captions == tuple(rows[image]["caption"] for image in found.images)
    assert found.categories == tuple(rows[image]["category"] for image in found.images)
    counts = collections.Counter(row["class"] for row in rows.values() if row["class"])
    assert collections.Counter(found.true_names) == counts
    assert min(counts.values()) >= 10
    default = datasets.load(progress=False)
    assert default.fingerprint == found.fingerprint


def test_all_stamps_have_captions_and_one_size():
    found = load("stamps-all")
    assert len(found) == 439
    assert found.true_labels is None
    assert all(caption.strip() for caption in found.captions)
    assert set(load("stamps").images) < set(found.images)
    for source in found.sources:
        with Image.open(source) as image:
            assert image.size == (224, 224), source


def test_table_and_folder_of_the_stamps_name_the_same_files():
    named = [row["image"] for row in stamps_table()]
    there = [path.relative_to(STAMPS) for path in (STAMPS / "pictures").rglob("*.*")]
    assert sorted(named) == sorted(path.as_posix() for path in there)
    assert len(set(named)) == len(named) == 439
    assert files.folder_size(STAMPS) < 8_000_000


def test_the_photos():
    found = load("photos")
    with open(PHOTOS / "photos.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert found.images == tuple(row["image"] for row in rows)
    assert found.true_names == [row["class"] for row in rows]
    assert set(collections.Counter(found.true_names).values()) == {25}
    assert len(found.class_names) == 10 and found.problems == ()
    there = [path.relative_to(PHOTOS) for path in (PHOTOS / "pictures").rglob("*.*")]
    assert sorted(found.images) == sorted(path.as_posix() for path in there)
    assert sum(path.stat().st_size for path in found.sources) < 3_000_000
    pictures, card = [path.read_bytes() for path in found.sources], card_of(PHOTOS)
    assert hashlib.sha256(b"".join(pictures)).hexdigest() in card
    for source in found.sources:
        with Image.open(source) as image:
            assert max(image.size) <= 200 and image.mode == "RGB", source


def card_of(folder):
    return (folder / "README.md").read_text("utf-8")


def build_of(folder):
    spec = importlib.util.spec_from_file_location("build", folder / "build.py")
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    return build


def test_the_photos_are_made_by_the_rule_of_their_card(caltech101, tmp_path, capsys):
    build = build_of(PHOTOS)
    source = caltech101 / "101_ObjectCategories"
    rows = build.build(source, tmp_path)
    build.check(rows, tmp_path)
    with open(PHOTOS / "photos.csv", newline="", encoding="utf-8") as file:
        _, *listed = csv.reader(file)
    assert [[str(cell) for cell in row] for row in rows] == listed
    for image, *_ in rows:  # other versions of Pillow may write other bytes
        with Image.open(tmp_path / image) as one, Image.open(PHOTOS / image) as other:
            assert np.abs(np.asarray(one, int) - np.asarray(other)).mean() < 2
    with open(tmp_path / "photos.csv", "w", encoding="utf-8") as file:
        file.write("image\n")
    build.print_tables(source, tmp_path, rows)
    table = [line for line in capsys.readouterr().out.splitlines() if line[:1] == "|"]
    assert "\n".join(table) in card_of(PHOTOS)


def words_table():
    with open(WORDS / "words.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_words():
    found, rows = load("words"), words_table()
    assert found.images == tuple(row["image"] for row in rows)
    assert found.true_names == [row["sense"] for row in rows]
    assert found.captions == tuple(row["caption"] for row in rows)
    assert found.categories == tuple(row["source"] for row in rows)
    assert found.problems == () and datasets.is_here("words")
    there = [path.relative_to(WORDS) for path in (WORDS / "pictures").rglob("*.*")]
    assert sorted(found.images) == sorted(path.as_posix() for path in there)
    assert files.folder_size(WORDS) < 3_000_000
    pictures, card = [path.read_bytes() for path in found.sources], card_of(WORDS)
    assert hashlib.sha256(b"".join(pictures)).hexdigest() in card
    assert f"{sum(map(len, pictures)):,} bytes" in card
    assert hashlib.sha256((WORDS / "words.csv").read_bytes()).hexdigest() in card
    for source in found.sources:
        with Image.open(source) as image:
            assert max(image.size) <= 200 and image.mode == "RGB", source


def test_a_word_finds_its_images_and_no_others():
    found, rows = load("words"), words_table()
    for word in ("cat", "horse", "orange"):
        own = [row for row in rows if row["word"] == word]
        searched = search_captions(found, word)
        assert searched.images == tuple(row["image"] for row in own)
        assert search_captions(found, word.upper()).images == searched.images
        assert len(set(searched.true_names)) == 2
        assert min(collections.Counter(searched.true_names).values()) >= 10
    assert {row["word"] for row in rows} == {"cat", "horse", "orange"}


def test_the_licence_of_the_words_covers_each_source_and_names_no_address():
    licence, rows = (WORDS / "LICENSE").read_text("utf-8"), words_table()
    for source in {row["source"] for row in rows}:
        assert source in licence
    assert {(row["source"], row["licence"]) for row in rows} == {
        ("openclipart-png", "public domain"),
        ("Caltech-101", "CC BY 4.0"),
        ("stamps", "GPL-2+"),
    }
    for text in (
        "Public Domain Dedication",
        (PHOTOS / "LICENSE").read_text("utf-8").strip(),
        (STAMPS / "LICENSE").read_text("utf-8").strip(),
    ):
        assert text in licence
    assert not any("@" in row["author"] for row in rows)
    drawings = [row for row in rows if row["source"] == "openclipart-png"]
    assert all(row["author"] for row in drawings)


def test_senses_that_were_judged_by_eye_are_listed():
    build = build_of(WORDS)
    for row in words_table():
        sense, how = build.sense_of(row["source_image"])
        assert (sense, how) == (row["sense"], row["sense_from"])
        assert row["source_image"] not in build.LEFT_OUT
    by_eye = [row for row in words_table() if row["sense_from"] == "eye"]
    assert {row["source_image"] for row in by_eye} == set(build.BY_EYE)
    with pytest.raises(SystemExit, match="which sense"):
        build.sense_of("animals/cats/new.png")


def test_the_words_are_made_by_the_rule_of_their_card(
    openclipart, caltech101, tmp_path, capsys
):
    build = build_of(WORDS)
    sources = openclipart / "png", caltech101 / "101_ObjectCategories", STAMPS
    rows = build.build(*sources, tmp_path)
    build.check(rows, tmp_path)
    with open(WORDS / "words.csv", newline="", encoding="utf-8") as file:
        _, *listed = csv.reader(file)
    assert rows == listed
    for image, *_ in rows:  # other versions of Pillow may write other bytes
        with Image.open(tmp_path / image) as one, Image.open(WORDS / image) as other:
            assert np.abs(np.asarray(one, int) - np.asarray(other)).mean() < 2
    (tmp_path / "words.csv").write_text("image\n", encoding="utf-8")
    build.print_tables(tmp_path, rows)
    table = [line for line in capsys.readouterr().out.splitlines() if line[:1] == "|"]
    assert "\n".join(table) in card_of(WORDS)


@pytest.mark.slow  # 9,144 files
def test_caltech101_and_its_objects(caltech101, monkeypatch):
    monkeypatch.setenv("COURSE_CALTECH101", str(caltech101))
    objects = load("caltech101-objects")
    assert len(objects) == 8677
    assert len(objects.class_names) == 101
    assert "BACKGROUND_Google" not in objects.class_names
    folders = [image.split("/")[0] for image in objects.images]
    assert objects.true_names == folders
    assert np.bincount(objects.true_labels).min() == 31
    everything = load("caltech101", folder=caltech101 / "101_ObjectCategories")
    assert len(everything) == 9144
    assert len(everything.class_names) == 102
    left_out = [image for image, _ in everything.problems]
    assert left_out in ([], ["BACKGROUND_Google/tmp"])  # Caltech's archive has it
    assert set(objects.images) < set(everything.images)


# From here on a made-up Caltech-101 of the same layout.

CONTENTS = {
    f"101_ObjectCategories/{name}/image_{number:04}.jpg": picture_bytes(
        size=(30, 20), format="JPEG", seed=10 * place + number
    )
    for place, name in enumerate(("accordion", "BACKGROUND_Google", "wrench"))
    for number in (1, 2)
}


def archive():
    """A tar of the pictures within a zip, as the archive of Caltech is."""
    tar_file, zip_file = io.BytesIO(), io.BytesIO()
    with tarfile.open(fileobj=tar_file, mode="w:gz") as tar:
        for name, data in CONTENTS.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    with zipfile.ZipFile(zip_file, "w") as outer:
        outer.writestr("caltech-101/Annotations.tar", b"not needed")
        outer.writestr("caltech-101/101_ObjectCategories.tar.gz", tar_file.getvalue())
    return zip_file.getvalue()


ARCHIVE = archive()


@pytest.fixture
def offer(monkeypatch, own_cache):
    """offer(address) makes this the place where Caltech-101 is to be had."""

    def at(address, content=ARCHIVE):
        monkeypatch.setattr(datasets, "CALTECH101_URL", address + "caltech-101.zip")
        digest = hashlib.sha256(content).hexdigest()
        monkeypatch.setattr(datasets, "CALTECH101_HASH", f"sha256:{digest}")

    return at


def fails(message):
    """Loading must fail with one clear line, and leave nothing half-written."""
    with pytest.raises(downloads.DownloadError, match=message) as caught:
        load("caltech101")
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("Caltech-101 could not be downloaded: ")
    assert "COURSE_CALTECH101" in str(caught.value)
    home = files.cache_dir() / "datasets" / "caltech101"
    assert not home.exists() or not list(home.iterdir())


def test_download_unpack_and_load_again_without_network(serve, offer, own_cache):
    address, asked = serve(ARCHIVE)
    offer(address)
    found = load("caltech101")
    assert found.images == tuple(
        sorted(name.removeprefix("101_ObjectCategories/") for name in CONTENTS)
    )
    assert found.class_names == ("BACKGROUND_Google", "accordion", "wrench")
    assert found.problems == ()
    objects = load("caltech101-objects")
    assert objects.class_names == ("accordion", "wrench")
    assert objects.true_labels.tolist() == [0, 0, 1, 1]
    assert asked == ["/caltech-101.zip"]
    home = own_cache / "datasets" / "caltech101"
    assert [path.name for path in home.iterdir()] == ["101_ObjectCategories"]


def test_a_wrong_checksum(serve, offer):
    address, _ = serve(ARCHIVE[:-1] + b"?")
    offer(address)
    fails("is damaged or has changed: .*")


def test_an_address_that_is_gone(serve, offer):
    address, _ = serve(b"gone", status=404)
    offer(address)
    fails("answered 404")


def test_a_download_that_is_cut_off(serve, offer):
    address, asked = serve(ARCHIVE[:1000], missing=5000)
    offer(address)
    fails("was cut off")
    assert len(asked) == 1


def test_a_silent_server(serve, offer, monkeypatch):
    monkeypatch.setattr(downloads, "TIMEOUT", (4, 0.2))
    address, asked = serve(silent=threading.Event())
    offer(address)
    fails(r"127\.0\.0\.1 cannot be reached")
    assert len(asked) == 1


def test_a_refused_connection(direct, offer):
    offer("http://127.0.0.1:9/")  # the port "discard", where nobody listens
    fails(r"127\.0\.0\.1 cannot be reached")


def test_a_name_that_does_not_resolve(direct, offer, monkeypatch):
    looked_up = []

    def look_up(host, *_):
        looked_up.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    offer("https://nowhere.invalid/")
    fails(r"nowhere\.invalid cannot be reached or does not answer \(no network\?\)")
    assert looked_up == ["nowhere.invalid"]  # nothing is tried twice


def test_a_download_that_cannot_be_written(serve, offer, own_cache):
    own_cache.parent.mkdir(exist_ok=True)
    own_cache.write_text("a file where the cache should be", encoding="utf-8")
    address, _ = serve(ARCHIVE)
    offer(address)
    with pytest.raises(downloads.DownloadError, match="could not be written"):
        load("caltech101")


def test_a_folder_that_is_there_already(tmp_path, monkeypatch, own_cache):
    for name, data in CONTENTS.items():
        path = tmp_path / "have" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    monkeypatch.setattr(downloads, "fetch", lambda *_: pytest.fail("a download"))
    outer, inner = tmp_path / "have", tmp_path / "have" / "101_ObjectCategories"
    by_option = [load("caltech101", folder=folder) for folder in (outer, str(inner))]
    monkeypatch.setenv("COURSE_CALTECH101", str(outer))
    by_variable = load("caltech101")
    prints = {found.fingerprint for found in (*by_option, by_variable)}
    assert len(prints) == 1
    assert len(by_variable) == 6
    with pytest.raises(
        FileNotFoundError, match=r"does not hold Caltech-101: no folder"
    ):
        load("caltech101", folder=tmp_path)  # the option goes before the variable


# Small ones in the place of CIFAR-10 and STL-10.


@pytest.fixture
def cifar10(monkeypatch):
    """The part of Keras that loads CIFAR-10, which is not asked for a network."""
    module = import_keras().datasets.cifar10
    monkeypatch.setattr(module, "load_data", lambda: pytest.fail("a download"))
    return module


def test_cifar10_is_what_keras_loads(cifar10, monkeypatch):
    pixels = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    numbers = np.array([[3], [9], [0]], dtype=np.uint8)
    data = (None, None), (pixels, numbers)
    monkeypatch.setattr(cifar10, "load_data", lambda: data)
    found = load("cifar10")
    assert found.images == ("00000.png", "00001.png", "00002.png")
    assert found.true_names == ["cat", "truck", "airplane"]
    for i in range(3):
        assert (found.picture(i) == pixels[i]).all()


def test_cifar10_without_a_network_says_so(cifar10, monkeypatch):
    def fails():
        raise Exception("URL fetch failure on https://example.org: None -- no route")

    monkeypatch.setattr(cifar10, "load_data", fails)
    with pytest.raises(downloads.DownloadError, match=r"cifar10 \(170 MB\).*no route"):
        load("cifar10")
    assert socket.getdefaulttimeout() is None


@pytest.fixture
def stl10(monkeypatch, own_cache):
    """stl10(files, address) makes a small archive; returns its bytes."""

    def make(files, address):
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as tar:
            for name, data in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
        digest = hashlib.sha256(packed.getvalue()).hexdigest()
        monkeypatch.setattr(datasets, "STL10_URL", address + "stl10_binary.tar.gz")
        monkeypatch.setattr(datasets, "STL10_HASH", f"sha256:{digest}")
        return packed.getvalue()

    return make


def test_stl10_is_read_column_by_column(serve, stl10, own_cache):
    pixels = np.random.default_rng(0).integers(0, 256, (3, 96, 96, 3), dtype=np.uint8)
    files = {
        "stl10_binary/test_X.bin": pixels.transpose(0, 3, 2, 1).tobytes(),
        "stl10_binary/test_y.bin": bytes([1, 10, 4]),
        "stl10_binary/unlabeled_X.bin": b"not needed",
    }
    address, _ = serve(stl10(files, ""))
    stl10(files, address)
    assert not datasets.is_here("stl10")
    found = load("stl10")
    assert found.true_names == ["airplane", "truck", "cat"]
    for i in range(3):
        assert (found.picture(i) == pixels[i]).all()
    home = own_cache / "datasets" / "stl10"
    assert [path.name for path in home.iterdir()] == ["stl10_binary"]
    assert datasets.is_here("stl10")
    stl10(files, "http://127.0.0.1:9/")
    assert load("stl10").fingerprint == found.fingerprint


def test_stl10_that_cannot_be_downloaded_says_so(serve, stl10):
    address, _ = serve(b"something else")
    stl10({}, address)
    message = r"stl10 \(2\.6 GB\).* is damaged or has changed.*Or put http"
    with pytest.raises(downloads.DownloadError, match=message):
        load("stl10")


def test_what_is_here(own_cache, monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    here = {name for name in datasets.NAMES if datasets.is_here(name)}
    assert here == {"stamps", "stamps-all", "photos", "words"}
    (tmp_path / "keras/datasets/cifar-10-batches-py-target").mkdir(parents=True)
    (own_cache / "datasets/stl10/stl10_binary").mkdir(parents=True)
    monkeypatch.setenv("COURSE_CALTECH101", str(tmp_path))
    assert all(map(datasets.is_here, datasets.NAMES))
    assert not datasets.is_here("my folder")
