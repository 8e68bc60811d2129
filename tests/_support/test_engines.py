"""Engines: every task once, whatever becomes of workers; bounded; clear errors."""

import itertools
import os
import subprocess
import sys
import threading

import distributed
import pytest
from conftest import ROOT
from engine_tasks import crash_at, crash_once, fail_at, lack, process, wait_for

from course_utils._support import engines


@pytest.fixture(scope="module")
def client():
    """Two workers of a thread each."""
    with engines._client("dask:2") as found:
        yield found


@pytest.mark.parametrize("engine", ["spark", "dask:0", "dask:two", 3, "tcp:/host"])
def test_an_unknown_engine_is_refused_with_what_to_give(engine):
    with pytest.raises(ValueError, match='give None, "dask"'):
        list(engines.spread(process, [1], engine))


def test_without_dask_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ImportError, match=r'pip install "dask\[distributed\]"'):
        list(engines.spread(process, [1], "dask"))
    assert list(engines.spread(process, [1])) == [(1, os.getpid())]


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch):
    monkeypatch.setattr(engines, "SECONDS_TO_CONNECT", 1)
    with pytest.raises(ConnectionError, match=r"127\.0\.0\.1:1.*dask scheduler"):
        list(engines.spread(process, [1], "tcp://127.0.0.1:1"))


def test_every_task_is_done_once_by_several_processes(client):
    found = dict(engines.spread(process, range(40), client))
    assert sorted(found) == list(range(40))
    assert os.getpid() not in found.values()
    assert len(set(found.values())) == 2


def test_an_address_of_a_scheduler_is_an_engine(client):
    address = client.scheduler_info()["address"]
    assert sorted(dict(engines.spread(process, range(3), address))) == [0, 1, 2]
    assert client.status == "running"  # its owner goes on with it


def test_a_scheduler_without_workers_is_told_and_not_waited_for_in_vain(
    monkeypatch, capsys
):
    monkeypatch.setattr(engines, "SECONDS_FOR_WORKERS", 0.5)
    with distributed.LocalCluster(
        n_workers=0, processes=False, dashboard_address=None
    ) as cluster:
        address = cluster.scheduler_address
        with pytest.raises(ConnectionError, match="has no workers: `dask worker"):
            list(engines.spread(process, range(3), address))
        with (
            distributed.Client(cluster, set_as_default=False) as client,
            pytest.raises(ConnectionError, match="has no workers"),
        ):
            list(engines.spread(process, range(3), client))
    assert "has no workers yet: waiting for one" in capsys.readouterr().out
    with pytest.raises(ValueError, match="the Dask client is closed"):
        list(engines.spread(process, range(3), client))


def test_workers_that_come_later_are_waited_for():
    with distributed.LocalCluster(
        n_workers=0, processes=False, dashboard_address=None
    ) as cluster:
        timer = threading.Timer(1, lambda: cluster.scale(1))
        timer.start()
        address = cluster.scheduler_address
        assert sorted(dict(engines.spread(str, range(3), address))) == [0, 1, 2]
        timer.join()


def test_tasks_are_read_only_as_fast_as_the_work_goes_on(client, tmp_path):
    read, gate = [], tmp_path / "open"

    def endless():
        for number in itertools.count():
            read.append(number)
            yield number, str(gate)

    running = engines.spread(wait_for, endless(), client)
    gate.touch()
    for _ in range(10):
        next(running)
    ahead = 2 * engines.AHEAD  # of two threads
    assert len(read) <= 10 + ahead
    running.close()


def test_an_error_of_the_work_is_raised_and_nothing_more_is_handed_out(client):
    read = []

    def tasks():
        for number in range(1000):
            read.append(number)
            yield number, 5

    with pytest.raises(ValueError, match="task 5 is not possible"):
        list(engines.spread(fail_at, tasks(), client))
    assert len(read) < 100


def test_a_module_that_the_workers_lack_is_explained(client):
    with pytest.raises(ModuleNotFoundError, match="wherever a worker runs"):
        list(engines.spread(lack, [1], client))


@pytest.mark.slow
def test_a_killed_workers_tasks_are_done_by_others(client, tmp_path):
    tasks = [(number, str(tmp_path)) for number in range(2)]
    found = dict(engines.spread(crash_once, tasks, client))
    assert sorted(found.values()) == [0, 1]


@pytest.mark.slow
def test_a_task_that_kills_every_worker_is_told_after_the_others_are_done(client):
    done = []
    with pytest.raises(engines.PartsLost, match=r"1 of the parts .*\(2, 2\)"):
        for task, _ in engines.spread(crash_at, [(n, 2) for n in range(6)], client):
            done.append(task[0])
    assert sorted(done) == [0, 1, 3, 4, 5]


SCRIPT = """
import sys
sys.path[:0] = [{root!r}, {tests!r}]
from engine_tasks import process
from course_utils._support import engines
{guard}print(len(dict(engines.spread(process, range(4), "dask"))), "done")
"""


@pytest.mark.parametrize("guard", ["", "if __name__ == '__main__': "])
def test_a_script_without_a_main_guard_is_told_so(guard, tmp_path):
    folders = {"root": str(ROOT), "tests": str(ROOT / "tests")}
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(guard=guard, **folders), encoding="utf-8")
    command = [sys.executable, str(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if guard:
        assert done.stdout == "4 done\n", done.stderr
    else:
        assert "must stand under `if __name__ == '__main__':`" in done.stderr
