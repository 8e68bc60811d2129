"""Features in parts: the same files whatever happens, and what is left out is told."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import psutil
import pytest
from conftest import ROOT, picture_bytes

from course_utils.images import streams
from course_utils.representations import extraction, feature_store, handcrafted
from course_utils.representations.feature_store import FeatureParts, Folder, Part

N, PART_SIZE = 60, 8


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """60 pictures of two classes, and three files that are none."""
    folder = tmp_path_factory.mktemp("tree")
    for index in range(N):
        path = folder / ("ab"[index % 2]) / f"{index:02d}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(picture_bytes(size=(40, 40), seed=index))
    (folder / "a" / "07-broken.png").write_bytes(picture_bytes()[:200])
    (folder / "b" / "empty.jpg").touch()
    (folder / "b" / "notes.txt").write_text("no picture", encoding="utf-8")
    return folder


def extract(tree, to, representation="colour", **how):
    stream = streams.from_folder(tree, part_size=PART_SIZE)
    return extraction.extract(stream, representation, to=to, progress=False, **how)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.glob("part-*")}


@pytest.fixture(scope="module")
def whole(tree, tmp_path_factory):
    """The folder of an extraction that nothing disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    extract(tree, folder)
    return folder


def test_the_features_are_those_of_an_image_set(tree, whole):
    found = FeatureParts(whole)
    image_set = streams.from_folder(tree).sample(10 * N)
    expected = extraction.extract(image_set, "colour", progress=False)
    assert (found.n_images, found.width) == (N, 128)
    np.testing.assert_array_equal(found.array(), expected)
    parts = list(found.parts())
    assert [i for part in parts for i in part.images] == list(image_set.images)
    assert [d for part in parts for d in part.digests] == list(image_set.digests)
    assert [label for part in parts for label in part.labels] == image_set.true_names
    assert "60 pictures × 128 in 8 parts, 3 left out" in repr(found)


def test_what_is_left_out_is_a_table(whole):
    problems = FeatureParts(whole).problems.sort_values("image")
    assert list(problems["image"]) == ["a/07-broken.png", "b/empty.jpg", "b/notes.txt"]
    reasons = list(problems["reason"])
    assert "truncated" in reasons[0]
    assert reasons[1:] == ["the file is empty (0 bytes)", "not a picture"]


def test_any_program_can_read_a_part(whole):
    path = sorted(whole.glob("part-*"))[0]
    table = pd.read_parquet(path)
    assert list(table.columns) == ["image", "digest", "label", "caption", "features"]
    part = feature_store.from_parquet(str(path))
    np.testing.assert_array_equal(np.stack(table["features"]), part.features)


@pytest.mark.parametrize("n", [0, 3])
def test_a_part_comes_back_as_it_was(n):
    rows = np.arange(n * 4, dtype=np.float32).reshape(n, 4 if n else 0)
    names = [f"{i}.png" for i in range(n)]
    labels = ["ä", None, "b"][:n]
    part = Part(names, names, labels, [None] * n, rows, [("x.png", "why")])
    found = feature_store.from_parquet(feature_store.to_parquet(part))
    assert vars(found) | {"features": 0} == vars(part) | {"features": 0}
    np.testing.assert_array_equal(found.features, rows)
    assert found.features.shape == rows.shape


def test_the_second_call_computes_nothing(tree, whole, monkeypatch):
    before = {p: p.stat().st_mtime_ns for p in whole.glob("part-*")}
    monkeypatch.setattr(extraction, "compute", None)
    assert extract(tree, whole).n_images == N
    assert before == {p: p.stat().st_mtime_ns for p in whole.glob("part-*")}


def test_only_the_part_of_a_changed_picture_is_computed_again(
    tree, whole, tmp_path, monkeypatch
):
    to, read = tmp_path / "to", []
    for name, data in contents(whole).items():
        Folder.at(to).write(name, data)
    decode = streams.Item.read

    def counted(item):
        read.append(item.image)
        return decode(item)

    monkeypatch.setattr(streams.Item, "read", counted)
    changed = tree / "a" / "00.png"
    data, times = changed.read_bytes(), changed.stat()
    changed.write_bytes(picture_bytes(size=(40, 40), seed=99))
    try:
        found = extract(tree, to)
    finally:
        changed.write_bytes(data)
        os.utime(changed, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert sorted(read) == sorted([*next(found.parts()).images, "a/07-broken.png"])
    assert len(read) == PART_SIZE
    assert (found.array()[0] != FeatureParts(whole).array()[0]).any()
    assert (found.array()[1:] == FeatureParts(whole).array()[1:]).all()


def test_a_folder_of_other_features_is_refused(tree, whole):
    with pytest.raises(
        ValueError, match=r"holds colour of tree.*choose another folder"
    ):
        extract(tree, whole, "raw")
    assert FeatureParts(whole).representation == "colour"


def test_an_unfinished_folder_says_how_to_go_on(tree, tmp_path, monkeypatch):
    def fails(picture):
        if len(list(tmp_path.glob("part-*"))) >= 3:
            raise KeyboardInterrupt
        return handcrafted.colour(picture)

    with monkeypatch.context() as patch:
        patch.setitem(handcrafted.HANDCRAFTED, "colour", (fails, 128))
        with pytest.raises(KeyboardInterrupt):
            extract(tree, tmp_path)
    with pytest.raises(ValueError, match="not finished: give the same call again"):
        FeatureParts(tmp_path)
    kept = contents(tmp_path)
    assert len(kept) == 3
    extract(tree, tmp_path)
    assert contents(tmp_path).items() >= kept.items()
    assert FeatureParts(tmp_path).n_images == N


def test_a_folder_without_features_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no features"):
        FeatureParts(tmp_path)


def test_a_file_cut_off_is_computed_again(tree, whole, tmp_path):
    extract(tree, tmp_path)
    victim = sorted(tmp_path.glob("part-*"))[2]
    victim.write_bytes(victim.read_bytes()[:1000])
    extract(tree, tmp_path)
    assert contents(tmp_path) == contents(whole)


def test_an_address_of_fsspec_holds_the_same_files(tree, whole):
    found = extract(tree, "memory://bucket/features")
    np.testing.assert_array_equal(found.array(), FeatureParts(whole).array())
    for name in found.names:
        assert found.folder.read(name) == (whole / name).read_bytes()
    options = {"use_listings_cache": False}
    same = Folder.at("memory://bucket/features", options)
    assert extract(tree, same).folder == same
    again = FeatureParts("memory://bucket/features")
    assert (again.n_images, again.n_problems) == (N, 3)


def test_a_stream_without_a_single_good_picture_says_why(tmp_path):
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"no picture that can be read.\n  a.png: not"):
        extract(tmp_path / "pictures", tmp_path / "to")


def test_numbers_too_large_for_half_precision_end_a_stream(tree, tmp_path, monkeypatch):
    def too_large(*_, **how):
        raise extraction.TooLarge("SqueezeNet makes numbers too large")

    monkeypatch.setattr(extraction, "compute", too_large)
    with pytest.raises(ValueError, match="too large: give precision='float32'"):
        extract(tree, tmp_path, "SqueezeNet", precision="mixed_float16")


def test_visual_words_of_a_stream_come_from_a_sample_of_it(tree, tmp_path, monkeypatch):
    monkeypatch.setattr(handcrafted, "CODEBOOK_PICTURES", 20)
    found = extract(tree, tmp_path, "bovw")
    assert found.array().shape == (N, found.width)
    before = contents(tmp_path)
    next(tmp_path.glob("part-*")).unlink()
    monkeypatch.setattr(extraction, "learn_codebook", None)  # they are kept
    extract(tree, tmp_path, "bovw")
    assert contents(tmp_path) == before
    with pytest.raises(ValueError, match="bovw:tfidf weighs all pictures at once"):
        extract(tree, tmp_path, "bovw:tfidf")


RUN = """
import pathlib, sys, time
sys.path[:0] = {folders!r}
from course_utils.images import streams
from course_utils.representations import extraction, handcrafted
if __name__ == "__main__":
    stream = streams.from_folder({tree!r}, part_size={part_size})
    extraction.extract(stream, "lbp", to={to!r}, progress=False, engine="dask")
    print("done")
"""


@pytest.fixture
def many(tmp_path):
    """Enough pictures to be interrupted in the midst of."""
    folder = tmp_path / "many"
    folder.mkdir()
    for index in range(240):
        data = picture_bytes(size=(40, 40), seed=index)
        (folder / f"{index:03d}.png").write_bytes(data)
    return folder


@pytest.fixture
def program(many, tmp_path):
    """program() starts the extraction by two workers, as a process group of its own."""
    running = []
    folders = [str(ROOT), str(ROOT / "tests")]
    how = {"folders": folders, "tree": str(many), "part_size": PART_SIZE}
    script = tmp_path / "run.py"
    script.write_text(RUN.format(to=str(tmp_path / "to"), **how), encoding="utf-8")

    def start():
        process = subprocess.Popen(
            [sys.executable, str(script)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        running.append(process)
        return process

    yield start
    for process in running:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def wait_for_parts(folder, n):
    deadline = time.monotonic() + 120
    while len(list(folder.glob("part-*"))) < n:
        assert time.monotonic() < deadline, "no part in two minutes"
        time.sleep(0.005)


def alive(process):
    """Whether it still does something; a zombie only waits to be counted."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False


def kill_all(process):
    """Kill a process and all that it started, and wait until none of them is left."""
    started = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(20)
    deadline = time.monotonic() + 20
    while any(map(alive, started)):  # a worker may yet be writing its part
        assert time.monotonic() < deadline, "some of the workers live on"
        time.sleep(0.02)


def workers_of(process):
    """Ids of the worker processes."""
    started = psutil.Process(process.pid).children()
    return [one.pid for one in started if "spawn_main" in " ".join(one.cmdline())]


@pytest.mark.slow
def test_killed_workers_and_a_killed_run_cost_only_what_they_were_doing(
    many, tmp_path, program
):
    to = tmp_path / "to"
    expected = tmp_path / "expected"
    extract(many, expected, "lbp")
    run = program()
    wait_for_parts(to, 1)
    kill_all(run)
    kept = {path: path.stat().st_mtime_ns for path in to.glob("part-*")}
    assert 1 <= len(kept) < len(contents(expected))

    run = program()
    wait_for_parts(to, len(kept) + 1)
    workers = workers_of(run)
    assert len(workers) == 2
    os.kill(workers[-1], signal.SIGKILL)
    output, errors = run.communicate(timeout=180)
    assert output == "done\n", errors
    assert contents(to) == contents(expected)
    for path, written in kept.items():
        assert path.stat().st_mtime_ns == written
    assert FeatureParts(to).n_images == 240
