"""The command `extract`: features, clusters and scores of pictures in a folder."""

import json
import os

import pandas as pd
import pytest
from conftest import picture_bytes
from small_sets import contents, write_folder

from course_utils.__main__ import main
from course_utils.images import datasets
from course_utils.representations import extraction
from course_utils.representations.feature_store import FeatureParts


@pytest.fixture
def tree(tmp_path):
    """30 pictures in three class folders, and a damaged one."""
    folder = tmp_path / "tree"
    write_folder(folder, contents(10)[0])
    (folder / "a" / "broken.png").parent.mkdir(exist_ok=True)
    (folder / "a" / "broken.png").write_bytes(picture_bytes()[:100])
    return folder


def extract(tree, to, *options):
    return main(
        [
            *("extract", str(tree), "--to", str(to), "--representation", "colour"),
            *options,
        ]
    )


def test_features_clusters_and_scores(tree, tmp_path, capsys):
    to = tmp_path / "to"
    assert extract(tree, to, "--part-size", "7", "--k", "3") == 0
    printed = capsys.readouterr().out
    assert "30 pictures × 128 in 5 parts, 1 left out" in printed
    assert "left out: a/broken.png: the file is cut off (truncated)" in printed
    found = FeatureParts(to)
    image_set = datasets.load(tree, progress=False)
    expected = extraction.extract(image_set, "colour", progress=False)
    assert (found.array() == expected).all()
    problems = pd.read_csv(to / "_problems.csv")
    assert problems["image"].tolist() == ["a/broken.png"]
    about = json.loads((to / "_l2+pca50+minibatch-k3-s0.json").read_text("utf-8"))
    assert (about["n_images"], about["n_labelled"]) == (30, 30)
    assert sorted(about["sizes"]) == [10, 10, 10]
    assert about["scores"]["nmi"] == pytest.approx(1)  # a colour a class
    assert "nmi              1.000" in printed
    folder = to / "_l2+pca50+minibatch-k3-s0"
    labels = pd.concat(pd.read_parquet(path) for path in sorted(folder.iterdir()))
    assert labels["image"].tolist() == list(image_set.images)
    assert labels["cluster"].nunique() == 3


def test_any_program_reads_the_folder_as_one_table(tree, tmp_path):
    to = tmp_path / "to"
    assert extract(tree, to, "--part-size", "7", "--k", "3") == 0
    for picture in sorted(tree.rglob("*.png"))[:9:4]:
        os.utime(picture, ns=(1, 1))  # so that some parts are others
    assert extract(tree, to, "--part-size", "7") == 0
    whole = pd.read_parquet(to)
    assert len(whole) == FeatureParts(to).n_images == 30 and whole["image"].is_unique
    globbed = pd.concat(pd.read_parquet(path) for path in sorted(to.glob("*.parquet")))
    assert globbed["image"].tolist() == whole["image"].tolist()


def test_a_folder_of_the_first_edition_goes_on(tree, tmp_path, capsys):
    to = tmp_path / "to"
    assert extract(tree, to, "--part-size", "7") == 0
    parts = {path: path.stat().st_mtime_ns for path in to.glob("part-*")}
    for name in ("about.json", "parts.json"):
        (to / f"_{name}").rename(to / name)
    with pytest.raises(FileNotFoundError, match="give the same call of `extract`"):
        FeatureParts(to)
    assert extract(tree, to, "--representation", "lbp") == 2  # the last one counts
    assert "holds colour of" in capsys.readouterr().err
    assert extract(tree, to, "--part-size", "7") == 0
    assert {path: path.stat().st_mtime_ns for path in to.glob("part-*")} == parts
    assert not (to / "about.json").exists() and FeatureParts(to).n_images == 30


def test_the_same_command_again_computes_no_feature_twice(tree, tmp_path, monkeypatch):
    to = tmp_path / "to"
    assert extract(tree, to) == 0
    monkeypatch.setattr(extraction, "compute", None)
    assert extract(tree, to, "--k", "2", "--algorithm", "kmeans", "--seed", "4") == 0
    assert (to / "_kmeans-k2-s4.json").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--k", "2", "--algorithm", "ward"], "'ward' cannot run out of core"),
        (["--engine", "spark"], "engine='spark': give None"),
        (["--representation", "hogg"], "did you mean hog"),
    ],
)
def test_what_is_not_possible_is_said_before_any_work(
    options, message, tree, tmp_path, capsys
):
    assert extract(tree, tmp_path / "to", *options) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "to").exists()


def test_a_source_that_is_not_there_is_named(tmp_path, capsys):
    assert extract(tmp_path / "nowhere", tmp_path / "to") == 2
    assert "nowhere is not there" in capsys.readouterr().err
