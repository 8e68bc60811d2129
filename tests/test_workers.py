"""How many processes share the tests: all cores for many, none of one's own for few."""

from types import SimpleNamespace

import pytest
import workers
from conftest import ROOT

TESTS = ROOT / "tests"


@pytest.fixture
def count(monkeypatch):
    """count(…) → workers on a machine of so many cores and GB of free memory."""

    def asked(*places, keyword="", capture="fd", cores=8, free=64):
        memory = SimpleNamespace(available=free * 1e9)
        monkeypatch.setattr(workers, "_cores", lambda: cores)
        monkeypatch.setattr(workers.psutil, "virtual_memory", lambda: memory)
        option = SimpleNamespace(keyword=keyword, capture=capture)
        config = SimpleNamespace(option=option, args=[str(p) for p in places])
        return workers.pytest_xdist_auto_num_workers(config)

    return asked


def test_all_tests_take_all_cores_as_far_as_there_is_memory(count):
    assert count(TESTS) == 8
    assert count(TESTS, cores=2) == 2
    assert count(TESTS, free=7) == 3
    assert count(TESTS, free=0.5) == 1


def test_a_few_tests_run_in_one_process_and_the_lessons_side_by_side(count):
    assert count(TESTS, keyword="medoid") == 0
    assert count(TESTS, capture="no") == 0
    assert count(TESTS / "test_texts.py") == 0
    assert count(f"{TESTS / 'test_lessons.py'}::test_template") == 0
    assert count(TESTS / "test_lessons.py") == 8
    assert count(TESTS / "test_texts.py", TESTS / "test_plots.py") == 8


def test_a_lesson_stays_in_one_worker_and_the_long_ones_come_first(monkeypatch):
    def item(name, **params):
        marks = []
        return SimpleNamespace(
            path=TESTS / f"{name}.py",
            callspec=SimpleNamespace(params=params) if params else None,
            marks=marks,
            add_marker=marks.append,
        )

    lesson = TESTS / "05_pretrained_backbones.py"
    items = [item("test_texts", text="a"), item("test_lessons", path=lesson)]
    items += [item("test_lessons"), item("test_texts")]
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    workers.pytest_collection_modifyitems(items)
    groups = [mark.args[0] for one in items for mark in one.marks]
    assert groups == [lesson.stem, "test_lessons", "test_texts", "test_texts"]
