"""Image sets: order, labels, subsets, fingerprints, and folders of one's own."""

import errno
import os
import shutil
import socket

import numpy as np
import pytest
from conftest import encode, picture_bytes, pixels

from course_utils._support import downloads
from course_utils.experiments import runs
from course_utils.images import datasets, decoding, streams
from course_utils.images.image_set import left_out

PICTURES = [picture_bytes(size=(24, 16), seed=seed) for seed in range(6)]


def put(root, files):
    """Write {path: bytes or text} below a folder."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def load(root, **options):
    return datasets.load(root, progress=False, **options)


def test_one_folder_a_class_in_order_of_the_names(tmp_path):
    names = ["b/2.png", "b/10.png", "a/z.PNG", "a/sub/deeper/y.png", "a/a.png"]
    put(tmp_path / "own", dict(zip(names, PICTURES, strict=False)))
    found = load(tmp_path / "own")
    assert found.name == "own"
    assert found.images == tuple(sorted(names))
    assert found.class_names == ("a", "b")
    assert found.true_labels.tolist() == [0, 0, 0, 1, 1]
    assert found.true_names == ["a", "a", "a", "b", "b"]
    assert found.problems == ()
    assert found.captions is None
    assert repr(found) == "ImageSet(own: 5 pictures, 2 classes)"
    assert len(found) == 5
    np.testing.assert_array_equal(found.picture(4), pixels(0, 24, 16))
    assert found.picture(0, 8).shape == (8, 8, 3)
    assert found.read(0) == PICTURES[4]


def test_a_folder_as_text_and_relative(tmp_path, monkeypatch):
    put(tmp_path / "own", {"a/1.png": PICTURES[0], "b/1.png": PICTURES[1]})
    monkeypatch.chdir(tmp_path)
    assert load("own").fingerprint == load(str(tmp_path / "own")).fingerprint


def test_no_labels_when_flat_or_with_a_single_subfolder(tmp_path):
    put(tmp_path / "flat", {"1.png": PICTURES[0], "2.png": PICTURES[1]})
    put(tmp_path / "one", {"all/1.png": PICTURES[0], "all/in/2.png": PICTURES[1]})
    for root in (tmp_path / "flat", tmp_path / "one"):
        found = load(root)
        assert len(found) == 2
        assert (found.true_labels, found.true_names) == (None, None)
        assert "no labels" in repr(found)


def test_a_single_picture(tmp_path):
    found = load(put(tmp_path, {"only.png": PICTURES[0]}))
    assert (found.images, found.problems) == (("only.png",), ())


def test_hidden_files_are_passed_over_and_others_named(tmp_path):
    found = load(
        put(
            tmp_path,
            {
                "a/1.png": PICTURES[0],
                "b/1.png": PICTURES[1],
                "a/.hidden.png": PICTURES[2],
                ".git/x.png": PICTURES[3],
                "a/._1.png": b"what macOS leaves on other disks",
                "loose.png": PICTURES[4],
                "b/notes.txt": "hello",
                "b/film.mp4": b"\0",
            },
        )
    )
    assert found.images == ("a/1.png", "b/1.png")
    assert found.problems == (
        ("b/film.mp4", "not a picture"),
        ("b/notes.txt", "not a picture"),
        ("loose.png", "lies beside the class folders"),
    )
    assert "3 left out" in repr(found)


def test_odd_names_are_names(tmp_path):
    odd = ["it's", 'the "best"', "with space", "Käfer ß", "<script>alert(1)<", "a,b;#%"]
    files = {f"{n}/{n}.png": data for n, data in zip(odd, PICTURES, strict=True)}
    found = load(put(tmp_path, files))
    assert found.class_names == tuple(sorted(odd))
    assert found.images == tuple(sorted(files))
    assert [found.read(i) for i in range(6)] == [files[i] for i in found.images]


def test_a_bad_picture_is_named_and_the_others_unharmed(tmp_path):
    good = {f"{'ab'[i % 2]}/{i}.png": PICTURES[i] for i in range(6)}
    clean = load(put(tmp_path / "clean", good))
    bad = {
        "a/0_cut.jpg": picture_bytes(format="JPEG")[:400],
        "a/3_empty.png": b"",
        "b/2_text.jpg": "this is text",
        "c/alone.gif": b"GIF89a",
    }
    found = load(put(tmp_path / "mixed", good | bad))
    assert [image for image, _ in found.problems] == sorted(bad)
    assert dict(found.problems)["a/3_empty.png"] == "the file is empty (0 bytes)"
    assert "cut off" in dict(found.problems)["a/0_cut.jpg"]
    assert "not a picture" in dict(found.problems)["b/2_text.jpg"]
    assert found.fingerprint == clean.fingerprint
    assert found.class_names == ("a", "b")  # nothing is left of class c
    np.testing.assert_array_equal(found.true_labels, clean.true_labels)


def test_no_picture_at_all(tmp_path):
    with pytest.raises(ValueError, match="holds no picture that can be read"):
        load(tmp_path)
    put(tmp_path, {"a.png": b"", "b.txt": "x"})
    with pytest.raises(ValueError, match=r"a\.png: the file is empty \(0 bytes\)"):
        load(tmp_path)


def test_an_unreadable_picture_or_subfolder_is_named(tmp_path, monkeypatch):
    put(tmp_path, {f"{c}/1.png": PICTURES[i] for i, c in enumerate("abc")})
    denied = PermissionError(errno.EACCES, "Permission denied")
    scandir, read_bytes = os.scandir, type(tmp_path).read_bytes

    def closed_folder(path):
        if os.path.basename(path) == "b":
            raise PermissionError(*denied.args, str(path))
        return scandir(path)

    def closed_file(path):
        if path.parent.name == "c":
            raise denied
        return read_bytes(path)

    monkeypatch.setattr(os, "scandir", closed_folder)
    monkeypatch.setattr(type(tmp_path), "read_bytes", closed_file)
    found = load(tmp_path)
    assert found.images == ("a/1.png",)
    assert found.problems == (
        ("b", "the folder cannot be opened (Permission denied)"),
        ("c/1.png", "cannot be read (Permission denied)"),
    )
    with pytest.raises(PermissionError, match="b cannot be opened"):
        load(tmp_path / "b")


def test_a_file_or_an_unknown_name_is_refused(tmp_path):
    put(tmp_path, {"a.png": PICTURES[0]})
    with pytest.raises(ValueError, match=r"a\.png is a file: give the folder"):
        load(tmp_path / "a.png")
    with pytest.raises(FileNotFoundError, match=r"did you mean stamps\? Known are"):
        load("stmaps")
    with pytest.raises(FileNotFoundError, match="no folder is called") as caught:
        load(tmp_path / "nowhere")
    assert "did you mean" not in str(caught.value)


def test_from_bytes():
    contents = {"z.png": PICTURES[0], "a.png": PICTURES[1], "bad.png": b"no"}
    labels = {"z.png": "dog", "a.png": "cat", "bad.png": "cow"}
    found = datasets.from_bytes("mine", contents, labels, {n: n * 2 for n in contents})
    assert found.images == ("z.png", "a.png")  # the order given
    assert found.true_names == ["dog", "cat"]
    assert found.class_names == ("cat", "dog")
    assert found.captions == ("z.pngz.png", "a.pnga.png")
    assert [image for image, _ in found.problems] == ["bad.png"]
    assert found.read(0) == PICTURES[0]
    assert datasets.from_bytes("mine", contents).true_labels is None


def six():
    contents = {f"{i}.png": data for i, data in enumerate(PICTURES)}
    labels = {image: "abc"[i % 3] for i, image in enumerate(contents)}
    return datasets.from_bytes(
        "six", contents, labels, {i: f"no {i}" for i in contents}
    )


@pytest.mark.parametrize(
    ("indices", "kept"),
    [
        (slice(1, 4), [1, 2, 3]),
        (np.array([True, False, False, True, True, False]), [0, 3, 4]),
        ([5, 0, 2], [5, 0, 2]),
        (np.array([-1]), [5]),
        (slice(None, None, -1), [5, 4, 3, 2, 1, 0]),
    ],
    ids=["slice", "mask", "list", "from the end", "backwards"],
)
def test_subset(indices, kept):
    whole = six()
    found = whole.subset(indices)
    assert found.images == tuple(f"{i}.png" for i in kept)
    assert found.captions == tuple(f"no {i}.png" for i in kept)
    assert found.categories is None
    assert found.true_names == [whole.true_names[i] for i in kept]
    assert found.class_names == whole.class_names
    assert [found.read(i) for i in range(len(kept))] == [PICTURES[i] for i in kept]
    assert whole.images == tuple(f"{i}.png" for i in range(6))


def test_the_fingerprint_is_of_content_names_and_order_not_of_the_place(tmp_path):
    files = {f"{'ab'[i % 2]}/{i}.png": PICTURES[i] for i in range(4)}
    files = dict(sorted(files.items()))  # as a folder is read
    first = load(put(tmp_path / "here", files)).fingerprint
    assert load(shutil.copytree(tmp_path / "here", tmp_path / "there")).fingerprint == (
        first
    )
    assert datasets.from_bytes("x", files).fingerprint == first
    changes = {
        "content": files | {"a/0.png": PICTURES[5]},
        "name": {("a/9.png" if n == "a/0.png" else n): p for n, p in files.items()},
        "order": dict(sorted(files.items(), reverse=True)),
        "fewer": dict(list(files.items())[:3]),
    }
    prints = [datasets.from_bytes("x", files).fingerprint for files in changes.values()]
    assert len({first, *prints}) == 5


def test_a_file_that_changed_since_loading_is_noticed(tmp_path):
    found = load(put(tmp_path / "own", {"1.png": PICTURES[0], "2.png": PICTURES[1]}))
    put(tmp_path / "own", {"1.png": PICTURES[2]})
    with pytest.raises(ValueError, match=r"1\.png has changed since own was loaded"):
        found.picture(0)
    np.testing.assert_array_equal(found.picture(1), pixels(1, 24, 16))


@pytest.mark.parametrize("how", ["file", "folder", "unreadable"])
def test_a_file_that_is_gone_since_loading_is_named(tmp_path, how):
    found = load(
        put(tmp_path / "own", {"a/1.png": PICTURES[0], "b/2.png": PICTURES[1]})
    )
    (tmp_path / "own" / "a" / "1.png").unlink()
    if how == "folder":
        (tmp_path / "own" / "a").rmdir()
    elif how == "unreadable":
        (tmp_path / "own" / "a" / "1.png").mkdir()
    with pytest.raises(
        ValueError, match=r"^a/1\.png can no longer be read \(.+\): load"
    ):
        found.picture(0)
    np.testing.assert_array_equal(found.picture(1), pixels(1, 24, 16))


def test_loading_from_a_folder_never_asks_the_network(tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "fetch", lambda *_: pytest.fail("a download"))
    assert len(load(put(tmp_path, {"1.png": PICTURES[0]}))) == 1


# What a file is, its content says


def test_pictures_under_any_name(tmp_path):
    jpeg = picture_bytes(format="JPEG")
    files = {"a/photo.jfif": jpeg, "a/scan.jpe": jpeg, "b/none": jpeg, "b/x.txt": jpeg}
    files |= {"a/gif.png": picture_bytes(format="GIF"), "b/y.dat": PICTURES[0]}
    found = load(put(tmp_path, files))
    assert found.images == tuple(sorted(files))
    assert found.problems == ()
    assert all(found.picture(i).ndim == 3 for i in range(6))


def test_what_lies_about_in_a_folder_stays_quiet(tmp_path):
    names = ["readme.txt", "Thumbs.db", "desktop.ini", ".DS_Store", "movie.mov", "x.md"]
    files = {f"{c}/{i}.png": PICTURES[i] for i, c in enumerate("ab")}
    files |= {f"{c}/{name}": b"\0\1text" for name in names for c in "ab"}
    found = load(put(tmp_path, files))
    assert len(found) == 2
    assert {reason for _, reason in found.problems} == {decoding.OTHER}
    assert len(found.problems) == 6  # what systems leave there is not even counted
    assert left_out(found.problems) == ["no pictures: a/movie.mov and 5 more files"]


def test_a_broken_picture_is_not_lost_among_other_files():
    problems = [(f"{i:02}.txt", decoding.OTHER) for i in range(40)]
    problems += [("z.png", "the file is empty (0 bytes)")]
    assert left_out(problems, ", see there") == [
        "left out: z.png: the file is empty (0 bytes)",
        "no pictures: 00.txt and 39 more files",
    ]


@pytest.mark.parametrize("name", ["x.jpg", "x", "x.txt", "labels"])
@pytest.mark.parametrize("kind", ["pipe", "socket", "device"])
def test_only_regular_files_are_opened(tmp_path, kind, name):
    put(tmp_path, {"a/1.png": PICTURES[0], "b/1.png": PICTURES[1]})
    path = tmp_path / "a" / name
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        here = os.getcwd()
        os.chdir(path.parent)  # the path of a socket must be short
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(name)
        os.chdir(here)
    else:
        path.symlink_to("/dev/zero")
    found = load(tmp_path)
    reason = "cannot be read (not a file)" if name == "x.jpg" else decoding.OTHER
    assert found.problems == ((f"a/{name}", reason),)
    assert len(found) == 2


@pytest.mark.parametrize("instead", [None, os.mkfifo, os.mkdir])
def test_a_picture_that_is_gone_is_named(tmp_path, instead):
    found = load(put(tmp_path, {"a/1.png": PICTURES[0], "b/1.png": PICTURES[1]}))
    (tmp_path / "a" / "1.png").unlink()
    if instead:
        instead(tmp_path / "a" / "1.png")
    why = "not a file" if instead else "No such file or directory"
    with pytest.raises(ValueError, match=rf"a/1\.png can no longer be read \({why}\)"):
        found.read(0)
    results, _ = runs.run(found, ["raw"], ["ward"], k=2, progress=False)
    assert "load the image set" in results.attrs["skipped"]["raw"]


def test_deep_pictures_are_rescaled_and_that_is_said(tmp_path):
    deep = np.arange(600, dtype=np.float32).reshape(20, 30)
    files = {f"{i}.tif": encode(deep + i, "TIFF") for i in range(3)}
    put(tmp_path, files | {"a.png": PICTURES[0]})
    with pytest.warns(UserWarning, match=r"0\.tif and 2 more: its values go beyond 8"):
        found = load(tmp_path)
    assert len(found) == 4
    picture = found.picture(0)
    assert (picture.min(), picture.max()) == (0, 255)


# Folders that are no classes


@pytest.mark.parametrize(
    "splits",
    [
        ("train", "val"),
        ("Train", "Test"),
        ("training", "validation", "testing"),
        ("TRAIN", "VALID"),
    ],
)
def test_folders_that_look_like_splits_are_remarked_on(tmp_path, splits):
    names = [f"{split}/{c}/{split}.png" for split in splits for c in "ab"]
    put(tmp_path, dict(zip(names, PICTURES, strict=False)))
    words = f"are taken for the classes.* give one of them: .*{splits[0]}"
    with pytest.warns(UserWarning, match=words):
        found = load(tmp_path)
    assert found.class_names == tuple(sorted(splits))
    with pytest.warns(UserWarning, match=words):
        streams.open_stream(tmp_path)


@pytest.mark.parametrize("above", ["one", "dataset/imgs", "a/b/c/d", "train"])
def test_a_single_folder_above_the_classes_is_remarked_on(tmp_path, above):
    files = {f"{above}/{c}/1.png": PICTURES[i] for i, c in enumerate("ab")}
    put(tmp_path, files)
    words = f"a single folder, so no classes: did you mean {tmp_path / above}\\?"
    with pytest.warns(UserWarning, match=words):
        found = load(tmp_path)
    assert found.true_labels is None
    assert load(tmp_path / above).class_names == ("a", "b")
    with pytest.warns(UserWarning, match=words):
        streams.open_stream(tmp_path)


@pytest.mark.parametrize(
    "names",
    [
        ("train/1.png", "boat/1.png"),  # a class of trains
        ("one/1.png", "one/2.png"),
        ("one/only/1.png", "one/only/2.png"),
        ("1.png", "2.png"),
    ],
)
def test_other_folders_are_not_remarked_on(tmp_path, names):
    put(tmp_path, dict(zip(names, PICTURES, strict=False)))
    assert len(load(tmp_path)) == 2  # a warning would be an error
    assert streams.open_stream(tmp_path).name == tmp_path.name


def test_the_figures_of_a_comparison_are_no_pictures_of_the_set(tmp_path):
    files = {f"{c}/1.png": PICTURES[i] for i, c in enumerate("ab")}
    put(tmp_path, files | {"results/scores.png": PICTURES[2]})
    put(tmp_path, {"results/.written.json": '["runs.jsonl", "scores.png"]'})
    found = load(tmp_path)
    assert found.class_names == ("a", "b")
    assert [image for image, _ in found.problems] == ["results"]
    items = [
        i.image for part in streams.open_stream(tmp_path).parts() for i in part.items()
    ]
    assert items == ["a/1.png", "b/1.png"]
