"""An interrupted experiment goes on where it stopped, and only there."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from small_sets import coloured, contents, noisy, one_thread, write_folder  # noqa: F401

from course_utils import __main__, clustering
from course_utils.clustering import algorithms as algorithms_module
from course_utils.experiments import runs
from course_utils.images import datasets
from course_utils.representations import extraction

ALGORITHMS = ["kmeans", "l2+ward", "hdbscan"]
N_RUNS = 10  # two representations × (three seeds + one + one)
compute = algorithms_module.cluster


def run(image_set, out, representations=("raw", "colour"), algorithms=ALGORITHMS):
    return runs.run(
        image_set, representations, algorithms, seeds=3, out=out, progress=False
    )


@pytest.fixture
def calls(monkeypatch):
    """Counts the runs computed: calls.n; calls.stop_after interrupts a run."""

    class Calls:
        n = 0
        stop_after = None

        def cluster(self, *args):
            if self.n == self.stop_after:
                raise KeyboardInterrupt
            self.n += 1
            return compute(*args)

    counter = Calls()
    monkeypatch.setattr(clustering, "cluster", counter.cluster)
    return counter


def lines(out):
    return (out / "runs.jsonl").read_text("utf-8").splitlines()


def assert_same(found, expected):
    """The same results, but for the seconds, and the same labels."""
    pd.testing.assert_frame_equal(
        found[0].drop(columns="seconds"), expected[0].drop(columns="seconds")
    )
    assert list(found[1]) == list(expected[1])
    for name, labels in expected[1].items():
        np.testing.assert_array_equal(found[1][name], labels)
        assert found[1][name].dtype.kind == "i"


@pytest.mark.parametrize("stop_after", [0, 1, 4, 9])
def test_only_the_missing_runs_are_computed(stop_after, tmp_path, calls):
    expected = run(noisy(), None)
    assert calls.n == N_RUNS
    calls.n, calls.stop_after = 0, stop_after
    with pytest.raises(KeyboardInterrupt):
        run(noisy(), tmp_path)
    assert len(lines(tmp_path)) == stop_after
    calls.n, calls.stop_after = 0, None
    found = run(noisy(), tmp_path)
    assert calls.n == N_RUNS - stop_after
    assert len(lines(tmp_path)) == N_RUNS
    assert_same(found, expected)


def test_a_finished_experiment_is_only_read(tmp_path, calls):
    first = run(noisy(), tmp_path)
    written = lines(tmp_path)
    calls.n = 0
    second = run(noisy(), tmp_path)
    assert calls.n == 0
    assert lines(tmp_path) == written
    pd.testing.assert_frame_equal(first[0], second[0])  # the seconds as well
    assert_same(second, first)


def test_without_an_output_folder_nothing_is_kept(calls, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(noisy(), None)
    run(noisy(), None)
    assert calls.n == 2 * N_RUNS
    assert not (tmp_path / "runs.jsonl").exists()


def test_more_of_everything_computes_only_what_is_new(tmp_path, calls):
    run(noisy(), tmp_path, ["raw"], ["kmeans"])
    assert calls.n == 3
    run(noisy(), tmp_path, ["raw", "colour"], ["kmeans", "ward"])
    assert calls.n == 3 + 3 + 2
    results, _ = run(noisy(), tmp_path, ["colour"], ["ward"])
    assert calls.n == 8
    assert len(results) == 1  # what was asked for, not all that is known


@pytest.mark.parametrize("kept", [1, 40, -1])
def test_half_a_line_costs_only_its_run(kept, tmp_path, calls):
    expected = run(noisy(), tmp_path)
    journal = tmp_path / "runs.jsonl"
    whole = lines(tmp_path)
    journal.write_text("\n".join(whole[:4]) + "\n" + whole[4][:kept], encoding="utf-8")
    calls.n = 0
    assert_same(run(noisy(), tmp_path), expected)
    assert calls.n == N_RUNS - 4
    after = lines(tmp_path)
    assert after[:4] == whole[:4]
    for line in after[5:]:  # the half line stands alone, the next are whole
        assert json.loads(line)["row"]["image_set"] == "noisy"
    assert len(after) == N_RUNS + 1
    calls.n = 0
    assert_same(run(noisy(), tmp_path), expected)
    assert calls.n == 0


def test_a_last_line_without_its_end_counts(tmp_path, calls):
    expected = run(noisy(), tmp_path)
    journal = tmp_path / "runs.jsonl"
    journal.write_text(journal.read_text("utf-8").rstrip("\n"), encoding="utf-8")
    calls.n = 0
    assert_same(run(noisy(), tmp_path), expected)
    assert calls.n == 0


@pytest.mark.parametrize("junk", ["", "12", "[]", "{}", '{"key": 3}', "null", "\x00"])
def test_junk_in_the_journal_is_passed_over(junk, tmp_path, calls):
    journal = tmp_path / "runs.jsonl"
    journal.write_text(f"{junk}\n{junk}", encoding="utf-8")
    results, _ = run(noisy(), tmp_path)
    assert len(results) == calls.n == N_RUNS
    run(noisy(), tmp_path)
    assert calls.n == N_RUNS


def test_other_pictures_are_another_experiment(tmp_path, calls):
    run(noisy(seed=0), tmp_path)
    found = run(noisy(seed=99), tmp_path)
    assert calls.n == 2 * N_RUNS
    assert_same(found, run(noisy(seed=99), None))


def test_another_order_of_the_pictures_is_another_experiment(tmp_path, calls):
    image_set = noisy()
    run(image_set, tmp_path, ["raw"], ["ward"])
    backwards = image_set.subset(np.arange(len(image_set))[::-1])
    _, labels = run(backwards, tmp_path, ["raw"], ["ward"])
    assert calls.n == 2
    _, expected = run(backwards, None, ["raw"], ["ward"])
    np.testing.assert_array_equal(labels["raw/ward/k4/s0"], expected["raw/ward/k4/s0"])


def test_other_true_labels_are_another_experiment(tmp_path, calls):
    files, true_labels = contents()
    run(coloured(), tmp_path, ["raw"], ["ward"])
    images = list(files)
    wrong = dict(zip(images, np.roll(list(true_labels.values()), 2), strict=True))
    relabelled = datasets.from_bytes("coloured", files, wrong)
    results, _ = run(relabelled, tmp_path, ["raw"], ["ward"])
    assert calls.n == 2
    assert results["nmi"].iloc[0] < 1
    unlabelled = datasets.from_bytes("coloured", files)
    results, _ = runs.run(unlabelled, "raw", "ward", k=3, out=tmp_path, progress=False)
    assert calls.n == 3
    assert results["nmi"].isna().all()


def test_other_features_are_another_experiment(tmp_path, calls, monkeypatch):
    run(noisy(), tmp_path, ["raw"], ["ward"])
    extract = extraction.Comparison.extract

    def other(*args, **how):
        return extract(*args, **how) + 1

    monkeypatch.setattr(extraction.Comparison, "extract", other)
    run(noisy(), tmp_path, ["raw"], ["ward"])
    assert calls.n == 2


def test_other_versions_are_another_experiment(tmp_path, calls, monkeypatch):
    run(noisy(), tmp_path, ["raw"], ["ward"])
    monkeypatch.setattr(runs, "versions", lambda: {"python": "4.0"})
    results, _ = run(noisy(), tmp_path, ["raw"], ["ward"])
    assert calls.n == 2
    assert results["versions"].tolist() == ['{"python": "4.0"}']


def test_another_k_is_another_run(tmp_path, calls):
    for k in (2, 3):
        _, labels = runs.run(noisy(), "raw", "ward", k=k, out=tmp_path, progress=False)
        assert list(labels) == [f"raw/ward/k{k}/s0"]
    assert calls.n == 2


def test_control_c_in_the_middle_and_going_on(tmp_path, calls, capsys, monkeypatch):
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)  # main sets it
    folder = write_folder(tmp_path / "set", contents()[0])
    out = tmp_path / "out"
    command = ["compare", str(folder), "--representations", "raw"]
    command += ["--algorithms", "kmeans", "--k", "9", "--out", str(out), "--seeds", "5"]
    calls.stop_after = 3
    assert __main__.main(command) == 130
    err = capsys.readouterr().err
    assert "stopped; the same command goes on from here" in err
    assert "Traceback" not in err
    done = lines(out)
    assert len(done) == 3
    assert not (out / "results.csv").exists()
    calls.n, calls.stop_after = 0, None
    assert __main__.main(command) == 0
    assert calls.n == 2
    assert len(pd.read_csv(out / "results.csv")) == 5
    assert lines(out)[:3] == done and len(lines(out)) == 5
