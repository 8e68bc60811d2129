"""How many processes share the tests, and who gets which."""

import os
import subprocess
import sys
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
    assert count(f"{TESTS / 'test_notebooks.py'}::test_template") == 0
    assert count(TESTS / "test_notebooks.py") == 8
    assert count(TESTS / "test_texts.py", TESTS / "test_plots.py") == 8


def scope(nodeid):
    return workers.ByFile._split_scope(None, nodeid)


def test_a_file_stays_in_one_worker_and_so_does_a_lesson():
    lessons = "tests/test_notebooks.py"
    assert scope("tests/test_texts.py::test_cell[a::b]") == "tests/test_texts.py"
    assert scope(f"{lessons}::test_template[05_maps]") == "05_maps"
    assert scope(f"{lessons}::test_every_notebook_has_a_master") == lessons
    assert scope("tests/test_texts.py::test_cell[05_maps]") == "tests/test_texts.py"


def test_the_long_ones_come_first(monkeypatch):
    names = ["test_archive", "test_notebooks", "test_texts", "test_widgets_browser"]
    items = [SimpleNamespace(path=TESTS / f"{name}.py") for name in names]
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    workers.pytest_collection_modifyitems(items)
    assert [item.path.stem for item in items] == names
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    workers.pytest_collection_modifyitems(items)
    assert [item.path.stem for item in items] == [*names[1::2], *names[::2]]


def test_so_it_is_done_by_the_installed_versions(tmp_path):
    for name in ("one", "two"):
        (tmp_path / f"test_{name}.py").write_text(WHERE_IT_RUNS)
    command = [sys.executable, "-m", "pytest", "-p", "workers", "-n", "2"]
    command += ["--dist", "loadscope", "--rootdir", str(tmp_path), str(tmp_path)]
    # What pytest-xdist tells its workers would make this run one of them.
    own = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    own["PYTHONPATH"] = str(TESTS)
    done = subprocess.run(
        command, cwd=tmp_path, env=own, capture_output=True, text=True, timeout=120
    )
    assert "12 passed" in done.stdout, done.stdout + done.stderr
    found = [set((tmp_path / name).read_text().split()) for name in ("one", "two")]
    assert [len(ids) for ids in found] == [1, 1]
    assert found[0] != found[1]


WHERE_IT_RUNS = """
import os, time
from pathlib import Path
import pytest

@pytest.mark.parametrize("number", range(6))
def test_where(number):
    time.sleep(0.05)
    with open(Path(__file__).parent / Path(__file__).stem[5:], "a") as file:
        file.write(os.environ["PYTEST_XDIST_WORKER"] + " ")
"""
