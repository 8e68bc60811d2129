"""Measuring in a new process, growth and forecasts, made-up features, the benchmark."""

import contextlib
import os
import signal
import threading
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from course_utils import metrics
from course_utils.clustering import algorithms, ensembles
from course_utils.experiments import scaling
from course_utils.representations import extraction, handcrafted

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
SIZES = [200, 2_000, 9_144, 30_000, 100_000]
LINUX = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="memory is read from /proc"
)
# What is measured here is defined inside the tests, as if in a notebook: for a function
# of this file every new process would import the file.


@LINUX
def test_peak_memory_is_that_of_the_call_alone():
    def filled(gigabytes):
        return len(np.ones(round(gigabytes * 1e9 / 8)))

    here = np.ones(100_000_000)  # 0.8 GB that the parent holds
    found = scaling.measure(filled, 0.3, setup=lambda gb: (gb, filled(0.5))[:1])
    assert found.value == round(0.3e9 / 8)
    assert 0.29 < found.peak_gb - found.start_gb < 0.35
    assert found.start_gb < 0.3  # neither the parent's nor what the setup gave back
    assert len(here)


@LINUX
def test_what_the_setup_keeps_is_there_and_costs_no_time():
    def setup(seconds):
        started = time.perf_counter()
        time.sleep(seconds)
        return np.ones(25_000_000), started

    def since(kept, started):
        return time.perf_counter() - started, len(kept)

    found = scaling.measure(since, 1.0, setup=setup)
    seconds_with_setup, n_kept = found.value
    assert n_kept == 25_000_000
    assert found.start_gb > 0.2
    assert found.peak_gb >= found.start_gb
    assert found.seconds < seconds_with_setup


def test_the_processor_does_nothing_in_sleep():
    found = scaling.measure(time.sleep, 0.5)
    assert found.seconds >= 0.5
    assert found.cpu_seconds < found.seconds / 2


def test_the_process_is_new():
    assert scaling.measure(os.getpid).value != os.getpid()


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot send SIGINT to a thread")
def test_an_interruption_ends_the_process_too(tmp_path):
    """Ctrl-C is for the parent alone, which kills the process that it started."""

    def wait_long(started):
        import os
        import time

        with open(started, "w", encoding="utf-8") as file:
            file.write(str(os.getpid()))
        time.sleep(600)

    started = tmp_path / "started"

    def interrupt():
        while not (started.exists() and started.read_text("utf-8")):
            time.sleep(0.05)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    thread = threading.Thread(target=interrupt, daemon=True)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            scaling.measure(wait_long, str(started))
    finally:
        signal.signal(signal.SIGINT, before)
    with contextlib.suppress(ChildProcessError):  # it has been waited for already
        _, status = os.waitpid(int(started.read_text("utf-8")), 0)
        assert status == signal.SIGKILL


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("ValueError", ValueError, "k is too large"),
        ("MemoryError", MemoryError, "k is too large"),
        ("OwnError", RuntimeError, "OwnError: k is too large"),
    ],
)
def test_an_error_comes_back_with_its_message(name, kind, message):
    def refuse(name):
        class OwnError(Exception):
            def __init__(self, k, what):  # such an error does not survive pickling
                super().__init__(f"{k} {what}")

        if name == "OwnError":
            raise OwnError("k", "is too large")
        raise {"ValueError": ValueError, "MemoryError": MemoryError}[name](
            "k is too large"
        )

    with pytest.raises(kind) as caught:
        scaling.measure(refuse, name)
    assert str(caught.value) == message
    assert "in refuse" in caught.value.__notes__[0]


def test_a_call_is_stopped_at_the_limit():
    with pytest.raises(TimeoutError, match=r"sleep was stopped after 0\.2 seconds"):
        scaling.measure(time.sleep, 600, limit=0.2)
    assert scaling.measure(abs, -3, limit=600).value == 3


def test_a_killed_process_is_told_from_an_error():
    with pytest.raises(MemoryError, match="The process of _exit was killed"):
        scaling.measure(os._exit, 1)


@pytest.mark.parametrize("exponent", [0, 0.5, 1, 1.5, 3])
def test_growth_and_forecast_of_a_power_law(exponent):
    seconds = [3e-6 * n**exponent for n in SIZES]
    assert scaling.growth(SIZES, seconds) == pytest.approx(exponent)
    assert scaling.growth(SIZES[::-1], seconds[::-1]) == pytest.approx(exponent)
    expected = 3e-6 * 1_000_000**exponent
    assert scaling.forecast(SIZES, seconds, 1_000_000) == pytest.approx(expected)


def test_growth_looks_at_the_larger_half():
    """What every call costs flattens a line through all sizes."""
    seconds = [0.5 + 1e-8 * n**2 for n in SIZES]
    through_all = np.polyfit(np.log(SIZES), np.log(seconds), 1)[0]
    through_three = np.polyfit(np.log(SIZES[2:]), np.log(seconds[2:]), 1)[0]
    assert through_all < 1.4 < 1.75 < through_three < 2
    assert scaling.growth(SIZES, seconds) == pytest.approx(through_three)
    disturbed = [100, 7, *seconds[2:]]
    assert scaling.growth(SIZES, disturbed) == pytest.approx(through_three)


def test_growth_needs_two_sizes_and_a_forecast_one():
    assert np.isnan(scaling.growth([100], [2.0]))
    assert np.isnan(scaling.growth([100, 100], [2.0, 3.0]))
    assert scaling.forecast([100], [2.0], 300) == pytest.approx(6)


@pytest.mark.parametrize(
    ("sizes", "seconds", "message"),
    [
        ([1, 2], [1.0], "one amount for each size"),
        ([], [], "one amount for each size"),
        ([1, 2], [1.0, 0.0], "above 0"),
        ([1, 2], [1.0, float("nan")], "above 0"),
    ],
)
def test_growth_of_what_cannot_be_fitted(sizes, seconds, message):
    for ask in (scaling.growth, lambda *known: scaling.forecast(*known, 10)):
        with pytest.raises(ValueError, match=message):
            ask(sizes, seconds)


def test_blobs_are_the_same_by_seed(tmp_path):
    made, labels = scaling.blobs(tmp_path / "a.npy", 3_000, width=64, n_classes=7)
    again, labels_again = scaling.blobs(
        tmp_path / "b.npy", 3_000, width=64, n_classes=7
    )
    fewer, labels_fewer = scaling.blobs(
        tmp_path / "c.npy", 2_500, width=64, n_classes=7
    )
    other, _ = scaling.blobs(
        tmp_path / "d.npy", 3_000, width=64, n_classes=7, random_state=1
    )
    assert isinstance(made, np.memmap) and made.dtype == np.float32
    assert made.shape == (3_000, 64) and labels.dtype == np.int64
    assert (made == again).all() and (labels == labels_again).all()
    assert np.allclose(made[:2_500], fewer, atol=1e-5)
    assert (labels[:2_500] == labels_fewer).all()
    assert set(labels) == set(range(7))
    assert not np.allclose(made, other)


def test_blobs_look_like_features_and_their_classes_overlap(tmp_path):
    made, labels = scaling.blobs(tmp_path / "a.npy", 2_000)
    assert (made >= 0).all()
    assert 0.4 < (made == 0).mean() < 0.6
    found = algorithms.cluster(made, "l2+pca50+minibatch", 100)
    agreement = metrics.nmi(labels_true=labels, labels_pred=found)
    chance = metrics.chance_scores(labels_true=labels, labels_pred=found)["nmi"]
    assert chance + 0.1 < agreement < 0.95


@LINUX
def test_blobs_are_never_whole_in_memory(tmp_path):
    path = tmp_path / "a.npy"
    found = scaling.measure(lambda: scaling.blobs(path, 50_000) and None)
    size = path.stat().st_size / 1e9
    assert size > 0.25
    assert found.peak_gb - found.start_gb < 0.1
    read = scaling.measure(
        lambda: float(np.load(path, mmap_mode="r").max())
    )  # pages that were read do count
    # Pages of the file that were read do count.
    assert size * 0.9 < read.peak_gb - read.start_gb < size * 1.2


def test_blobs_of_impossible_sizes(tmp_path):
    with pytest.raises(ValueError, match="n_classes must be at least 1"):
        scaling.blobs(tmp_path / "a.npy", 10, n_classes=0)
    with pytest.raises(ValueError, match=r"end in \.npy"):
        scaling.blobs(tmp_path / "a.bin", 10)


@pytest.fixture
def parts(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import scale_parts

    return scale_parts


@pytest.fixture
def scale(parts):
    import scale

    return scale


@pytest.fixture(scope="module")
def stamps():
    from course_utils.images import datasets

    return datasets.load("stamps", progress=False)


def test_the_figure_names_four_methods_beside_their_lines(parts):
    import scale_plot

    seconds = {"fast": (1, 2), "slow": (5, 50), "steep": (1, 90), "level": (3, 3)}
    seconds |= {"short": (1,), "between": (4, 8)}
    rows = [
        {"part": "p", "method": m, "n": n, "seconds": s, "peak_gb": 1, "start_gb": 0.5}
        for m, taken in seconds.items()
        for n, s in zip((100, 10_000), taken, strict=False)
    ]
    growth = [
        {"part": "p", "method": m, "seconds_exponent": np.log(t[-1] / t[0]) / 4.6}
        for m, t in seconds.items()
    ]
    growth[4]["seconds_exponent"] = np.nan  # of one size there is none
    table, growth = pd.DataFrame(rows), pd.DataFrame(growth)
    named = scale_plot.named(table, growth.set_index("method"))
    assert named == ["fast", "steep", "slow", "between"]
    figure = scale_plot.draw(table, growth, 60)
    for panel in figure.axes:
        texts = [text.get_text().split(",")[0] for text in panel.texts]
        assert sorted(texts) == sorted(named)
        heights = sorted(text.get_position()[1] for text in panel.texts)
        assert np.diff(heights).min() >= scale_plot.GAP - 1e-9 and heights[-1] <= 0.98
        greys = [line for line in panel.lines if line.get_color() == scale_plot.PALE]
        assert len(greys) == 2
    plt.close(figure)


def test_more_pictures_than_there_are_are_all_different(parts, stamps):
    many = parts.enlarge(stamps, 400)
    assert len(many) == len(set(many.digests)) == len(set(many.images)) == 400
    assert set(many.digests[:193]) == set(stamps.digests)
    assert (many.picture(0, 32) == many.picture(193, 32)).all()
    assert many.digests[:50] == parts.enlarge(stamps, 50).digests


@pytest.mark.parametrize("name", ["colour", "hog", "lbp"])
def test_plain_loops_find_the_same_features(parts, stamps, name):
    few = stamps.subset(slice(0, 6))
    plain = parts.HANDCRAFTED[name](few)
    ours = extraction.extract(few, name, cache=False, progress=False)
    assert plain.shape == ours.shape
    for one, other in zip(plain, ours, strict=True):  # grey is rounded differently
        assert np.corrcoef(one, other)[0, 1] > 0.9


def test_plain_bags_of_words_are_shares(parts, stamps):
    bags = parts.plain_bovw(stamps.subset(slice(0, 2)))
    assert bags.shape == (2, handcrafted.N_WORDS)
    assert np.allclose(bags.sum(axis=1), 1)


def test_plain_loops_agree_on_pairs(parts):
    generator = np.random.default_rng(0)
    true_labels = generator.integers(5, size=60)
    labelings = [generator.permutation(true_labels) for _ in range(4)]
    both = {"labels_true": true_labels, "labels_pred": labelings[0]}
    assert parts.plain_pairs(**both) == pytest.approx(metrics.fowlkes_mallows(**both))
    together = parts.plain_co_association(labelings)
    assert np.allclose(together, ensembles.co_association(labelings))


def test_every_way_of_extraction_gives_the_same(parts, stamps, own_cache, monkeypatch):
    from course_utils.representations import inference

    monkeypatch.setattr(inference, "network", inference.network)  # setup replaces it
    material = parts.Material(str(own_cache), stamps)
    found = {}
    for name, method in parts.methods("extraction", ["SqueezeNet"]).items():
        arguments = method.setup(material, 5, method.choice)
        found[name.split(": ")[1]] = np.asarray(method.function(*arguments))[:5]
    assert len(found) == 5
    for rows in found.values():
        assert np.allclose(rows, found["features.extract"], rtol=1e-3, atol=1e-3)


def test_the_benchmark_goes_on_after_an_interruption(
    scale, tmp_path, capsys, monkeypatch
):
    out = tmp_path / "out"
    options = ["--parts", "ensembles", "--sizes", "100", "50"]
    options += ["--methods", "triple loop", "--out", str(out)]
    journal = out / "journal.jsonl"
    measured, measure = [], scaling.measure

    def measure_one(*task, **how):
        if measured:
            raise KeyboardInterrupt
        measured.append(task)
        return measure(*task, **how)

    with monkeypatch.context() as patch:
        patch.setattr(scaling, "measure", measure_one)
        assert scale.main(options) == 130
    assert scale.STOPPED in capsys.readouterr().err
    assert not (out / "scale.csv").exists()
    before = journal.read_text("utf-8").splitlines()
    assert len(before) == 1

    assert scale.main(options) == 0
    said = capsys.readouterr().out
    assert "1 measurements are in" in said
    assert journal.read_text("utf-8").splitlines()[:1] == before
    assert len(journal.read_text("utf-8").splitlines()) == 2
    table = pd.read_csv(out / "scale.csv")
    assert tuple(table.columns) == scale.COLUMNS
    assert table[["method", "n"]].values.tolist() == [
        ["triple loop", 50],
        ["triple loop", 100],
    ]
    assert (table["seconds"] > 0).all() and table["note"].isna().all()
    assert np.allclose(table["rate"], table["n"] / table["seconds"], rtol=1e-3)
    exponents = pd.read_csv(out / "growth.csv").set_index("method")
    loop = table["seconds"][:2]
    expected = np.log2(loop[1] / loop[0])
    found = exponents.loc["triple loop", "seconds_exponent"]
    assert found == pytest.approx(expected, abs=0.01)
    assert (out / "scale.png").read_bytes()[:4] == b"\x89PNG"


def test_blobs_are_not_written_over_another_file(tmp_path):
    path = tmp_path / "mine.npy"
    path.write_bytes(b"mine")
    with pytest.raises(ValueError, match=r"mine\.npy is in the way"):
        scaling.blobs(path, 20, width=4)
    assert path.read_bytes() == b"mine"
    scaling.blobs(tmp_path / "a.npy", 20, width=4)
    assert scaling.blobs(tmp_path / "a.npy", 30, width=4)[0].shape == (30, 4)
