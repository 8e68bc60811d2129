"""The command line in small: options, and what is refused, and how.

The whole comparison on the stamps is in test_compare_stamps.py.
"""

import csv
import errno
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from sample_submissions import hand_in
from small_sets import coloured, contents, one_thread, write_folder  # noqa: F401

from course_utils import __main__ as command_line
from course_utils import clustering
from course_utils.__main__ import main
from course_utils._support import files
from course_utils.images import datasets, decoding
from course_utils.maps import image_map, layouts
from course_utils.representations import backbones, extraction


@pytest.fixture
def folder(tmp_path):
    """15 pictures in three class folders."""
    return write_folder(tmp_path / "set", contents()[0])


@pytest.fixture
def call(tmp_path, capsys, monkeypatch):
    """call(...) → (exit status, stdout, stderr) of the command, without a network.

    call.looked_up lists the hosts that were looked up.
    """
    looked_up, ask = [], socket.getaddrinfo

    def look_up(host, *rest, **how):
        if "." not in str(host).strip("0123456789."):  # this machine, by Dask's workers
            return ask(host, *rest, **how)
        looked_up.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    for variable in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.upper(), raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.chdir(tmp_path)

    def command(*arguments):
        capsys.readouterr()
        status = main([str(a) for a in arguments])
        return status, *capsys.readouterr()

    command.looked_up = looked_up
    return command


def table(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


SMALL = ("--representations", "raw", "--algorithms", "ward", "--out", "out")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["map", "FOLDER", "--out", "m", "--representation", "VGG16"], "VGG16"),
        (["extract", "FOLDER", "--to", "e", "--representation", "VGG16"], "VGG16"),
        (["extract", "FOLDER", "--to", "nosuch://b/out"], "nosuch"),
        (["extract", "nosuch://bucket/x", "--to", "e"], "nosuch"),
    ],
)
def test_weights_or_packages_that_are_missing_are_told_in_a_sentence(
    call, folder, arguments, words
):
    arguments = [folder if a == "FOLDER" else a for a in arguments]
    status, _, err = call(*arguments)
    assert status == 2 and "Traceback" not in err
    (line,) = [line for line in err.splitlines() if line.startswith("course_utils:")]
    assert words in line


def test_an_error_of_ours_shows_where_it_arose(call, monkeypatch):
    monkeypatch.setitem(command_line.COMMANDS, "backbones", lambda *_: {}["x"])
    with pytest.raises(KeyError):
        call("backbones")


def test_a_console_that_knows_few_characters_gets_all_it_can(folder):
    environment = os.environ | {"PYTHONIOENCODING": "cp1252"}
    for command in ("map", "compare", "grade", "extract"):
        done = subprocess.run(
            [sys.executable, "-m", "course_utils", command, "--help"],
            env=environment,
            capture_output=True,
            cwd=ROOT,
        )
        assert done.returncode == 0, done.stderr


def test_a_small_comparison(call, folder, tmp_path):
    status, out, err = call("compare", folder, *SMALL)
    assert status == 0, err
    assert "ImageSet(set: 15 pictures, 3 classes)" in out
    assert "out/report.html" in out
    (row,) = table(tmp_path / "out" / "results.csv")
    assert row["run"] == "raw/ward/k3/s0"
    assert float(row["nmi"]) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["stamp"], "did you mean stamps?"),
        (["caltech-101"], "did you mean caltech101?"),
        (["no/such/folder"], "give the path of a folder with pictures"),
        (["set", "--representations", "colr"], "did you mean colour"),
        (["set", "--representations", "raw:fc2"], "raw has no layers"),
        (["set", "--backbones", "vgg91"], "did you mean VGG19"),
        (["set", "--backbones", "nine"], "there is no representation 'nine'"),
        (["set", "--algorithms", "kmean"], "did you mean 'kmeans'"),
        (["set", "--algorithms", "l3+kmeans"], "there is no step 'l3'"),
        (["set", "--k", "500"], "at most the number of images, 15, got 500"),
        (["caltech101", "--folder", "nowhere"], "nowhere does not hold Caltech-101"),
        (["caltech101"], "could not be downloaded"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(arguments, words, call, folder, tmp_path):
    status, _, err = call("compare", *arguments, "--out", "out")
    assert status == 2
    assert err.startswith("course_utils: ") and words in err
    assert "Traceback" not in err
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "arguments",
    [["compare", "--k", "seven"], ["compare", "--algorithm"], ["grade"], []],
)
def test_wrong_usage(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "usage: python -m course_utils" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["compare", "set", "--k", "0"],
        ["compare", "set", "--k", "-1"],
        ["compare", "set", "--seeds", "0"],
        ["map", "set", "--k", "0"],
        ["map", "set", "--seed", "-1"],
        ["extract", "set", "--to", "to", "--k", "0"],
        ["extract", "set", "--to", "to", "--k", "2.5"],
        ["extract", "set", "--to", "to", "--part-size", "0"],
        ["extract", "set", "--to", "to", "--batch-size", "0"],
    ],
)
def test_a_number_that_cannot_be_is_refused_by_its_option(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    least = int(arguments[-2] != "--seed")
    expected = f"{arguments[-2]}: give a whole number, {least} or more, not"
    assert expected in capsys.readouterr().err


def test_one_cluster(call, folder, tmp_path):
    status, out, err = call("compare", folder, *SMALL, "--k", "1")
    assert status == 0, err
    (row,) = table(tmp_path / "out" / "results.csv")
    assert row["silhouette"] == "" and row["k"] == "1"
    assert "nan" not in out


def test_as_many_clusters_as_pictures_by_every_algorithm(call, folder, tmp_path):
    everything = "kmeans,minibatch,ward,average,complete,spectral,gmm,dbscan,hdbscan"
    arguments = ("--representations", "raw", "--algorithms", everything)
    status, _, err = call(
        "compare", folder, *arguments, "--k", "15", "--seeds", "1", "--out", "out"
    )
    assert status == 0, err
    assert len(table(tmp_path / "out" / "results.csv")) == 9


def test_of_pictures_without_classes_a_number_of_clusters_is_proposed(call, tmp_path):
    files = {f"{i}.png": data for i, data in enumerate(contents(12)[0].values())}
    folder = write_folder(tmp_path / "flat", files)
    status, out, err = call("compare", folder, *SMALL)
    assert status == 0, err
    assert "flat: 36 pictures, no labels" in out
    shown = [line.split() for line in out.splitlines() if "proposed" in line]
    assert shown[0][0] == "3" and shown[0][-1] == "proposed"
    assert "3 clusters of raw with ward are proposed, from 36 images" in out
    assert "--k" in out
    (row,) = table(tmp_path / "out" / "results.csv")
    assert row["k"] == "3" and row["purity"] == ""
    assert float(row["silhouette"]) > 0.5
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "3 clusters of raw with ward are proposed" in page
    assert page.count("<polyline") == 3 and "Ranking</h3>" not in page
    status, out, err = call("compare", folder, *SMALL, "--k", "4")
    assert status == 0 and "proposed" not in out, err
    (row,) = table(tmp_path / "out" / "results.csv")
    assert row["k"] == "4"


def test_choose_ranks_without_looking_at_the_labels(call, tmp_path):
    files, _ = contents()
    folder = write_folder(tmp_path / "in", files)
    how = "--representations", "raw", "colour", "--algorithms", "ward", "hdbscan"
    status, out, err = call("compare", folder, *how, "--choose", "--out", "first")
    assert status == 0, err
    asked = out[: out.index("A proposal is no proof")]
    assert "raw" in asked and "colour" in asked and "hdbscan" not in asked
    page = (tmp_path / "first" / "report.html").read_text(encoding="utf-8")
    assert "Ranking</h3>" in page and "Chosen without labels" in page
    everything = {f"one/{name.replace('/', '-')}": data for name, data in files.items()}
    other = write_folder(tmp_path / "other", everything)  # the same without classes
    status, out, err = call("compare", other, *how, "--choose", "--out", "second")
    assert status == 0, err
    again = out[: out.index("A proposal is no proof")]
    assert asked.splitlines()[2:] == again.splitlines()[2:]
    status, out, err = call(
        "compare", folder, *how, "--choose", "--k", "4", "--out", "third"
    )
    assert status == 0 and "4 clusters of" in out, err


@pytest.mark.parametrize("how", [(), ("--choose",)])
def test_too_few_pictures_to_choose_from_say_what_to_do(call, tmp_path, how):
    some = list(contents()[0].values())[:4]
    few = {f"{i}.png": data for i, data in enumerate(some)}
    folder = write_folder(tmp_path / "few", few)
    status, _, err = call("compare", folder, *SMALL, *how)
    assert status == 2 and "at least 5 images, got 4" in err and "--k" in err
    assert not (tmp_path / "out").exists()


def test_one_picture(call, tmp_path):
    (data, *_) = contents()[0].values()
    folder = write_folder(tmp_path / "one", {"a.png": data})
    status, _, err = call("compare", folder, *SMALL, "--k", "1")
    assert status == 2
    assert "needs at least 2 images, got 1" in err


def test_an_empty_folder_and_a_file(call, tmp_path):
    (tmp_path / "empty").mkdir()
    status, _, err = call("compare", "empty", *SMALL)
    assert status == 2 and "empty holds no picture that can be read" in err
    (tmp_path / "file.png").write_bytes(b"")
    status, _, err = call("compare", "file.png", *SMALL)
    assert status == 2 and "file.png is a file" in err


def test_broken_pictures_are_named_and_left_out(call, folder, tmp_path):
    whole = (folder / "red" / "0.png").read_bytes()
    bad = {f"red/bad{i:02}.png": b"no picture" for i in range(11)}
    bad |= {"red/cut.png": whole[: len(whole) // 2], "blue/empty.png": b""}
    bad |= {"notes.txt": b"hello"}
    write_folder(folder, bad)
    status, out, err = call("compare", folder, *SMALL)
    assert status == 0, err
    assert "15 pictures, 3 classes, 14 left out" in out
    assert "left out: blue/empty.png: the file is empty (0 bytes)" in out
    assert out.count("left out: ") == 10
    assert "… and 3 more, see problems.csv" in out
    assert "no pictures: notes.txt" in out
    problems = {row["image"]: row["reason"] for row in table("out/problems.csv")}
    assert set(problems) == set(bad)
    assert "truncated" in problems["red/cut.png"]
    assert len(table("out/labels.csv")) == 15


def test_a_file_name_that_is_no_unicode_costs_at_most_itself(call, folder):
    name = os.fsencode(folder / "red") + b"/\xc4pfel.png"
    try:
        with open(name, "wb") as file:
            file.write((folder / "red" / "0.png").read_bytes())
    except OSError:
        pytest.skip("this file system takes only Unicode names")
    status, _, err = call("compare", folder, *SMALL)
    assert status == 0, err
    assert len(table("out/labels.csv")) + len(table("out/problems.csv")) == 16


def test_the_ten_without_a_network_are_skipped_and_the_rest_goes_on(call, folder):
    arguments = ("--representations", "raw", "colour", "--backbones", "ten")
    status, out, err = call(
        "compare", folder, *arguments, "--algorithms", "ward", "--out", "out"
    )
    assert status == 0, err
    assert len(call.looked_up) == 10  # nothing is tried twice
    lines = [line for line in out.splitlines() if line.startswith("skipped: ")]
    assert [line.split()[1].rstrip(":") for line in lines] == list(backbones.TEN)
    for line in lines:
        assert "come by themselves" in line
    runs = [row["representation"] for row in table("out/results.csv")]
    assert runs == ["raw", "colour"]


def test_with_weights_at_hand_that_one_of_the_ten_runs(call, folder, keras_home):
    arguments = ("--representations", "raw", "--backbones", "ten")
    status, out, err = call(
        "compare", folder, *arguments, "--algorithms", "ward", "--out", "out"
    )
    assert status == 0, err
    assert out.count("skipped: ") == 9 and "skipped: MobileNetV2" not in out
    runs = [row["representation"] for row in table("out/results.csv")]
    assert runs == ["raw", "MobileNetV2"]


def test_when_everything_is_skipped_that_is_an_error(call, folder):
    status, _, err = call("compare", folder, "--backbones", "VGG19", *SMALL[2:])
    assert status == 0, err  # the handcrafted ones are still there
    arguments = ("--representations", "VGG16,VGG19", *SMALL[2:])
    status, _, err = call("compare", folder, *arguments)
    assert status == 2 and "every representation was skipped" in err


def test_lists_take_commas_and_spaces(call, folder):
    arguments = ["--representations", "raw,colour", "lbp,", "--algorithms", "ward,gmm"]
    arguments += ["average", "--seeds", "1", "--out", "out"]
    status, _, err = call("compare", folder, *arguments)
    assert status == 0, err
    rows = table("out/results.csv")
    assert [row["algorithm"] for row in rows[:3]] == ["ward", "gmm", "average"]
    names = dict.fromkeys(row["representation"] for row in rows)
    assert list(names) == ["raw", "colour", "lbp"]


def test_a_place_that_cannot_be_written_is_said_before_any_work(call, folder, tmp_path):
    (tmp_path / "file").write_text("I am a file", encoding="utf-8")
    for place in ("file", "file/inside", "/proc/nowhere/out"):
        arguments = ("--representations", "raw", "--out", place)
        status, out, err = call("compare", folder, *arguments)
        assert status == 2
        assert err.startswith("course_utils: ")
        assert "file" in err or "nowhere" in err
        assert "Traceback" not in err and "raw" not in out


def test_the_cache_lists_and_clears(call, folder, own_cache):
    status, out, _ = call("cache", "list")
    assert status == 0 and str(own_cache) in out and "empty" in out
    call("compare", folder, "--representations", "raw,colour", *SMALL[2:])
    _, out, _ = call("cache", "list")
    assert "raw" in out and "colour" in out and "15" in out
    status, _, err = call("cache", "clear", "nonsense")
    assert status == 2 and "the cache holds nothing of 'nonsense'" in err
    status, out, _ = call("cache", "clear", "raw")
    assert status == 0 and "freed 0." in out
    _, out, _ = call("cache", "list")
    assert "raw" not in out.splitlines()[-1] and "colour" in out
    assert call("cache", "clear")[0] == 0
    assert "empty" in call("cache", "list")[1]
    assert call("cache", "clear")[0] == 0  # nothing left to clear is no error


def test_a_map_and_the_same_places_again(call, folder, tmp_path):
    how = ("--representation", "colour", "--layouts", "tsne,grid", "--k", 3)
    status, out, err = call("map", folder, *how, "--out", "map.html")
    assert status == 0 and "Open map.html" in out, err
    old = image_map.read(tmp_path / "map.html")
    assert list(old["layouts"]) == ["tsne", "grid"]
    assert len(old["groups"][0]["entries"]) == 3
    again = ("--coordinates", "map.html", "--seed", 5, "--out", "folder")
    assert call("map", folder, *how, *again)[0] == 0
    new = image_map.read(tmp_path / "folder")
    np.testing.assert_allclose(
        new["layouts"]["tsne"], old["layouts"]["tsne"], atol=1e-6
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--layouts", "tsn"], "there is no layout 'tsn': known are umap"),
        (["--representation", "colur"], "did you mean colour"),
        (["--algorithm", "kmean"], "did you mean 'kmeans'"),
        (["--out", "set"], "set holds other files: give a new folder"),
        (["--coordinates", "gone.html"], "gone.html: No such file"),
        (
            ["--k", "99", "--representation", "colour"],
            "at most the number of images, 15",
        ),
    ],
)
def test_what_no_map_can_be_made_of(call, folder, tmp_path, arguments, words):
    status, _, err = call("map", folder, "--layouts", "pca", *arguments)
    assert status == 2 and words in err
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_backbones_lists_every_network(call):
    status, out, _ = call("backbones")
    assert status == 0
    names = [line.split()[0] for line in out.splitlines()]
    assert set(backbones.TABLE) <= set(names)
    (line,) = [n for n in out.splitlines() if n.startswith("EfficientNetLite0")]
    assert line.endswith("bundled")
    (line,) = [n for n in out.splitlines() if n.startswith("VGG19")]
    assert line.endswith("not here")


def test_help_names_every_option(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["compare", "--help"])
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    for option in ("backbones", "representations", "algorithms", "k", "seeds", "out"):
        assert f"--{option} " in text


# Ctrl-C: what is said, what is kept, what goes on


@pytest.fixture
def interrupt(monkeypatch):
    """interrupt(module, name, turn): Ctrl-C at the n-th call of a function, once."""

    def at(module, name, turn):
        function, calls = getattr(module, name), []

        def stopping(*args, **how):
            calls.append(name)
            if len(calls) == turn:
                raise KeyboardInterrupt
            return function(*args, **how)

        monkeypatch.setattr(module, name, stopping)

    return at


def assert_stopped(answer, sentence, *folders):
    """It left with status 130 and the sentence; nothing half-written is left."""
    status, _, err = answer
    assert status == 130, err
    assert err.rstrip().endswith(sentence) and "Traceback" not in err
    for folder in folders:
        hidden = {p.name for p in folder.rglob("*") if p.name.startswith(".")}
        assert hidden <= {files.WRITTEN}


@pytest.mark.parametrize(
    ("module", "name", "n_done"),
    [(datasets, "load", 0), (decoding, "check", 0), (clustering, "cluster", 1)],
)
def test_an_interrupted_comparison_goes_on(
    call, folder, interrupt, module, name, n_done
):
    arguments = ["compare", folder, "--representations", "colour", "--algorithms"]
    arguments += ["kmeans", "--k", "3", "--seeds", "3", "--out", "out"]
    interrupt(module, name, 2 if n_done else 1)
    assert_stopped(call(*arguments), "the same command goes on from here.", folder)
    journal = Path("out", "runs.jsonl")
    done = journal.read_text(encoding="utf-8").splitlines() if journal.exists() else []
    assert len(done) == n_done
    assert call(*arguments)[0] == 0
    assert journal.read_text(encoding="utf-8").splitlines()[:n_done] == done
    assert len(table("out/results.csv")) == 3


def test_an_interrupted_map_finds_the_layouts_that_were_finished(
    call, folder, interrupt, own_cache
):
    arguments = ["map", folder, "--k", "3", "--representation", "colour"]
    arguments += ["--layouts", "pca", "tsne", "grid", "--out", "map.html"]
    interrupt(layouts, "_store", 2)
    assert_stopped(call(*arguments), "--out is no whole map.", own_cache)
    assert not Path("map.html").exists()
    kept = {p: p.stat().st_mtime_ns for p in own_cache.rglob("layouts/*.npy")}
    assert len(kept) == 1
    assert call(*arguments)[0] == 0
    assert Path("map.html").read_text(encoding="utf-8").endswith("</html>\n")
    assert {p: p.stat().st_mtime_ns for p in kept} == kept


@pytest.mark.parametrize("engine", [(), ("--engine", "dask")])
def test_an_interrupted_extraction_keeps_its_finished_parts(
    call, folder, interrupt, engine
):
    arguments = ["extract", folder, "--representation", "colour", "--part-size", "4"]
    interrupt(extraction, "_total", 3)
    answer = call(*arguments, *engine, "--to", "to")
    assert_stopped(answer, "the same command goes on from there.", Path("to"))
    kept = {p: p.stat().st_mtime_ns for p in Path("to").glob("part-*")}
    assert len(kept) >= 2
    assert not Path("to", "_parts.json").exists()
    assert call(*arguments, "--to", "to")[0] == 0
    assert {p: p.stat().st_mtime_ns for p in kept} == kept
    assert len(list(Path("to").glob("part-*"))) == 4


def test_interrupted_grading_starts_anew_and_gives_the_same(
    call, folder, interrupt, no_answers
):
    for student in ("ab1", "cd2", "ef3"):
        hand_in(Path("class", f"{student}.zip"), coloured(), student, student)
    arguments = ["grade", "class", "--image-set", folder, "--replay", "0", "--out"]
    interrupt(files, "atomic_file", 4)
    answer = call(*arguments, "graded")
    assert_stopped(answer, "may be of two gradings until then.", Path("graded"))
    assert 0 < len(list(Path("graded").iterdir())) < 5
    assert call(*arguments, "graded")[0] == 0
    assert call(*arguments, "uninterrupted")[0] == 0
    found, expected = (
        {p.relative_to(f): p.read_bytes() for p in f.rglob("*") if p.is_file()}
        for f in (Path("graded"), Path("uninterrupted"))
    )
    assert found == expected


# Nothing of the user's is overwritten


def snapshot(folder):
    return {p: p.read_bytes() for p in Path(folder).rglob("*") if p.is_file()}


OTHER_FILES = ("labels.csv", "notes.txt", "about.json", "index.html", "problems.csv")
GRADE = ["grade", "class", "--image-set", "set", "--replay", "0", "--out", "mine"]


@pytest.mark.parametrize(
    "name", [*OTHER_FILES, "scores.png", "runs.jsonl", "data/a.js"]
)
@pytest.mark.parametrize(
    "command",
    [
        ["compare", "set", *SMALL[:-1], "mine"],
        ["map", "set", "--representation", "raw", "--layouts", "pca", "--out", "mine"],
        ["extract", "set", "--representation", "raw", "--to", "mine"],
        GRADE,
    ],
    ids=lambda command: command[0],
)
def test_a_folder_of_other_files_is_refused_before_any_work(
    call, folder, tmp_path, command, name, monkeypatch
):
    # A journal alone is gone on with by `compare`: its lines are only added to.
    files = {name: b"mine"} | ({"a.txt": b"mine"} if name == "runs.jsonl" else {})
    write_folder(tmp_path / "mine", files)
    write_folder(tmp_path / "class", {"a.zip": b"no zip"})
    before = snapshot(tmp_path)
    monkeypatch.setattr(datasets, "load", None)  # would be the first thing to last long
    status, _, err = call(*command)
    assert status == 2, err
    assert "mine" in err and "give a new folder" in err and "Traceback" not in err
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize(
    "command",
    [
        ["compare", "set", *SMALL[:-1]],
        ["map", "set", "--representation", "raw", "--layouts", "pca", "--out"],
        ["extract", "set", "--representation", "raw", "--to"],
        GRADE[:-1],
    ],
    ids=lambda command: command[0],
)
@pytest.mark.parametrize("out", ["mine", "mine/inside"])
def test_a_file_in_the_place_of_a_folder_is_named(call, folder, tmp_path, command, out):
    (tmp_path / "mine").write_text("mine", encoding="utf-8")
    write_folder(tmp_path / "class", {"a.zip": b"no zip"})
    status, _, err = call(*command, out)
    assert status == 2
    assert "mine" in err and "folder" in err and "File exists" not in err
    assert (tmp_path / "mine").read_text("utf-8") == "mine"


def test_the_images_and_their_labels_are_no_place_for_results(call, folder, tmp_path):
    (folder / "labels.csv").write_text(
        "image,label\nred/0.png,x\nblue/0.png,y\n", encoding="utf-8"
    )
    before = snapshot(folder)
    status, _, err = call("compare", folder, *SMALL[:-1], folder)
    assert status == 2 and "holds other files: give a new folder" in err
    assert snapshot(folder) == before
    assert call("compare", folder, *SMALL[:-1], folder / "results")[0] == 0
    status, out, err = call("compare", folder, *SMALL[:-1], folder / "results")
    assert status == 0 and "set: 2 pictures, 2 classes" in out, err


def test_a_comparison_goes_into_its_own_folder_again(call, folder, tmp_path):
    assert call("compare", folder, *SMALL)[0] == 0
    (tmp_path / "out" / "notes.txt").write_text("mine", encoding="utf-8")
    assert call("compare", folder, *SMALL)[0] == 0
    (tmp_path / "out" / files.WRITTEN).unlink()  # as an earlier version left it
    assert call("compare", folder, *SMALL)[0] == 0
    assert (tmp_path / "out" / "notes.txt").read_text("utf-8") == "mine"


def test_a_submission_is_not_written_over_another_file(call, folder, tmp_path):
    (tmp_path / "ab1.zip").write_text("mine", encoding="utf-8")
    status, _, err = call("submit", "results", "--student", "ab1", "--name", "A")
    assert status == 2 and "ab1.zip is in the way" in err
    assert (tmp_path / "ab1.zip").read_text("utf-8") == "mine"


@pytest.mark.parametrize("where", ["fsync", "replace"])
def test_a_full_disk_names_the_file(call, folder, monkeypatch, where):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, where, full)
    status, _, err = call("compare", folder, *SMALL)
    assert status == 2
    assert "No space left on device" in err and "a file:" not in err
    assert "course_utils: out/" in err or "own_cache" in err or "cache" in err


def test_a_pipe_in_the_folder_hangs_nothing(call, folder):
    os.mkfifo(folder / "red" / "x.jpg")
    os.mkfifo(folder / "red" / "y")
    status, out, err = call("compare", folder, *SMALL)
    assert status == 0, err
    assert "left out: red/x.jpg: cannot be read (not a file)" in out


def test_the_results_of_one_command_are_not_those_of_another(call, folder, tmp_path):
    assert call("compare", folder, *SMALL)[0] == 0
    write_folder(tmp_path / "class", {"a.zip": b"no zip"})
    before = snapshot("out")
    how = ("--representation", "raw", "--layouts", "pca")
    for command in (
        ["map", folder, *how, "--out", "out"],
        ["extract", folder, "--representation", "raw", "--to", "out"],
        ["grade", "class", "--image-set", folder, "--out", "out"],
    ):
        status, _, err = call(*command)
        assert status == 2 and "out holds other files: give a new folder" in err
    assert snapshot("out") == before
    assert call("map", folder, *how, "--out", "map")[0] == 0
    status, _, err = call("compare", folder, *SMALL[:-1], "map")
    assert status == 2 and "map holds other files" in err


def test_what_a_notebook_adds_to_results_does_no_harm(call, folder, tmp_path):
    assert call("compare", folder, *SMALL)[0] == 0
    files.claim(tmp_path / "out", ["selection.csv"])
    (tmp_path / "out" / "selection.csv").write_text("image", encoding="utf-8")
    assert call("compare", folder, *SMALL)[0] == 0
