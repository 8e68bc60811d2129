"""The first thing a newcomer runs: one command, no network, the real networks."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pandas as pd
import pytest
from conftest import ROOT

from course_utils import metrics
from course_utils.experiments import runs
from course_utils.images import datasets
from course_utils.representations import backbones, handcrafted

# Python reads this file at its start: no host can be found, none can be reached.
NO_NETWORK = """
import socket
def refuse(*_, **__):
    raise socket.gaierror("the test has cut the network")
socket.getaddrinfo = socket.create_connection = socket.socket.connect = refuse
"""
FILES = {
    ".written.json",
    "results.csv",
    "labels.csv",
    "problems.csv",
    "about.json",
}
FILES |= {"report.html", "runs.jsonl"}


@pytest.fixture(scope="module")
def offline(tmp_path_factory):
    """offline(out, …) → what `compare --out out …` gave, without a network."""
    home = tmp_path_factory.mktemp("newcomer")
    (home / "sitecustomize.py").write_text(NO_NETWORK, encoding="utf-8")
    settings = {
        "PYTHONPATH": os.pathsep.join([str(home), str(ROOT)]),
        "COURSE_CACHE": str(home / "cache"),
        "KERAS_HOME": str(home / "keras"),
        "PYTHONIOENCODING": "utf-8",
    }

    def compare(out, *options):
        done = subprocess.run(
            [sys.executable, "-m", "course_utils", "compare", "--out", out, *options],
            env=os.environ | settings,
            cwd=home,
            capture_output=True,
            encoding="utf-8",
            timeout=500,
        )
        return SimpleNamespace(
            done=done,
            out=home / out,
            cached=files_of(home / "cache"),
            results=pd.read_csv(home / out / "results.csv"),
        )

    return compare


@pytest.fixture(scope="module")
def first(offline):
    return offline("first")


def files_of(folder):
    """{file: when it was written}"""
    return {p: p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()}


def nmi(results):
    """Mean over the seeds, of the better algorithm: {representation: NMI}."""
    means = results.groupby(["representation", "algorithm"])["nmi"].mean()
    return means.groupby("representation").max()


def test_it_ends_well(first):
    assert first.done.returncode == 0, first.done.stderr


def test_the_terminal_shows_the_table_and_where_the_report_is(first):
    text = first.done.stdout
    assert "ImageSet(stamps: 193 pictures, 7 classes)" in text
    lines = [n for n in text.splitlines() if "l2+kmeans" in n or "l2+ward" in n]
    assert len(lines) == 14
    assert lines[-1].split()[0] == "EfficientNetLite0"  # the best stands last
    for word in ("purity", "NMI", "Fowlkes-Mallows", "±"):
        assert word in text
    assert "first/report.html" in text
    assert "Traceback" not in first.done.stderr
    assert "arning" not in first.done.stderr


def test_all_files_are_there(first):
    assert {path.name for path in first.out.iterdir()} == FILES
    assert all(path.stat().st_size for path in first.out.iterdir())


def test_every_default_ran(first):
    results = first.results
    assert list(results.columns) == list(runs.COLUMNS)
    names = [*handcrafted.NAMES, *backbones.BUNDLED]
    assert results["representation"].unique().tolist() == names
    counts = results.groupby("algorithm").size().to_dict()
    assert counts == {"l2+kmeans": 5 * len(names), "l2+ward": len(names)}
    assert set(results["k"]) == {7} and set(results["n_images"]) == {193}
    assert results.notna().all(axis=None)


def test_pixels_fail_features_help_a_little_networks_solve_it(first):
    found = nmi(first.results)
    true_labels = datasets.load("stamps", progress=False).true_labels
    labels = pd.read_csv(first.out / "labels.csv")
    chance = metrics.chance_scores(
        labels_true=true_labels, labels_pred=labels["raw/l2+kmeans/k7/s0"]
    )["nmi"]
    by_hand = found[list(set(handcrafted.NAMES) - {"raw"})]
    assert chance < 0.15
    assert chance + 0.1 < found["raw"] < 0.4
    assert found["raw"] < by_hand.max() < 0.6
    each = first.results.groupby(["representation", "algorithm"])["nmi"].mean()
    assert (each.loc[list(backbones.BUNDLED)] > 0.6).all()
    results = first.results.set_index(["representation", "algorithm"])
    assert results.loc[("EfficientNetLite0", "l2+kmeans"), "purity"].mean() > 0.8


def test_labels_csv_gives_the_scores_again(first):
    labels = pd.read_csv(first.out / "labels.csv")
    assert len(labels) == 193
    for row in first.results.to_dict("records"):
        again = metrics.scores(
            labels_true=labels["true_label"], labels_pred=labels[row["run"]]
        )
        assert {name: row[name] for name in again} == pytest.approx(again)


def test_another_folder_needs_no_features_again_and_the_same_command_nothing(
    first, offline
):
    fewer = ("--representations", "lbp", "EfficientNetLite0", "--seeds", "2")
    other = offline("second", *fewer)
    assert other.done.returncode == 0, other.done.stderr
    assert other.cached == first.cached
    assert len(other.results) == 6
    before = first.results.set_index("run").loc[other.results["run"]].reset_index()
    pd.testing.assert_frame_equal(
        other.results.drop(columns="seconds"),
        before[other.results.columns].drop(columns="seconds"),
    )
    labels = pd.read_csv(other.out / "labels.csv")
    columns = ["image", "true_label", *other.results["run"]]
    assert labels.columns.tolist() == columns
    pd.testing.assert_frame_equal(
        labels, pd.read_csv(first.out / "labels.csv")[columns]
    )

    journal = (other.out / "runs.jsonl").read_bytes()
    again = offline("second", *fewer)
    assert again.done.returncode == 0, again.done.stderr
    assert (other.out / "runs.jsonl").read_bytes() == journal
    assert again.cached == first.cached
    pd.testing.assert_frame_equal(again.results, other.results)  # the seconds as well
