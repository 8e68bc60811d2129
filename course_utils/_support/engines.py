"""Engines: where the parts of a long piece of work are done, here or on many machines.

An engine is one of

    None                 this process, one part after the other
    "dask", "dask:4"     processes of this machine, two or as many as named
    "tcp://host:8786"    a Dask scheduler, whose workers may be anywhere
    a distributed.Client

Dask (https://distributed.dask.org) hands out the parts, starts a killed worker again
and gives its parts to others. Each part writes its own result where all can reach it,
so what is finished stays, whatever ends the run. Dask is an optional extra:
`pip install "dask[distributed]"`.
"""

import contextlib
import logging
import re
import time

AHEAD = 2  # parts handed out for every thread of a worker: one at work, one waiting

N_WORKERS = 2

SECONDS_TO_CONNECT = 10
SECONDS_FOR_WORKERS = 20  # of a scheduler from elsewhere
LOOK_SECONDS = 5  # without any answer, before somebody looks whether there are workers


class PartsLost(RuntimeError):
    """Parts brought down every worker that tried them; the others are finished."""


def check(engine):
    """Raise ValueError unless `engine` names one, ImportError if Dask is missing."""
    if engine is None:
        return
    known = isinstance(engine, str) and re.fullmatch(
        r"dask(:[1-9]\d*)?|[a-z]+://\S+", engine
    )
    if not known and not hasattr(engine, "submit"):
        raise ValueError(
            f'engine={engine!r}: give None, "dask", "dask:4" (four processes), the '
            'address of a Dask scheduler like "tcp://host:8786", or a Client.'
        )
    try:
        import distributed  # noqa: F401
    except ImportError:
        raise ImportError(
            'this engine needs Dask: pip install "dask[distributed]"'
        ) from None


def spread(function, tasks, engine=None):
    """Do function(task) for every task; yield (task, result) as they are finished.

    tasks: any iterable, read only as fast as the work goes on, so it may be endless.
    function, tasks and results go to other processes: the function lives in a module
    that every worker can import, and the tasks are small.
    Raises what function raises, after which nothing more is handed out; `PartsLost` at
    the end, when all else is done, if a part killed every worker that tried it.
    """
    check(engine)
    if engine is None:
        for task in tasks:
            yield task, function(task)
        return
    with _client(engine) as client:
        yield from _dask(client, function, iter(tasks))


def _dask(client, function, tasks):
    lost = []
    yield from _round(client, function, tasks, lost)
    # A worker takes down with it what it was given besides: now one task at a time.
    suspects, lost = lost, []
    for task in suspects:
        yield from _round(client, function, iter([task]), lost)
    if lost:
        raise PartsLost(
            f"{len(lost)} of the parts brought down every worker that tried them, the "
            f"first is {lost[0]!r:.200}. All others are finished and kept. Is the "
            "memory of a worker too small, or does a picture crash the decoder?"
        )


def _round(client, function, tasks, lost):
    """Yield (task, result); append to `lost` the tasks whose workers died again."""
    from distributed import KilledWorker, as_completed

    finished, at_work, end = as_completed(loop=client.loop), {}, object()

    def hand_out():
        threads = sum(client.nthreads().values())
        while len(at_work) < AHEAD * max(threads, 1):
            task = next(tasks, end)
            if task is end:
                return
            future = client.submit(function, task, pure=False)
            at_work[future] = task
            finished.add(future)

    try:
        hand_out()
        for future in _as_they_finish(client, finished):
            task = at_work.pop(future)
            if future.status not in ("finished", "error"):
                if not _answers(client):
                    raise ConnectionError(
                        "the scheduler is gone. What is finished is kept: start one "
                        "again, and the same call goes on."
                    )
                lost.append(task)  # with the worker that had it
                hand_out()
                continue
            try:
                result = future.result()
            except KilledWorker:
                lost.append(task)
            except ModuleNotFoundError as error:
                raise ModuleNotFoundError(
                    f"{error}, says a worker: the course and its requirements must be "
                    "installed wherever a worker runs, course_utils on its PYTHONPATH."
                ) from error
            else:
                yield task, result
            hand_out()
    finally:
        with contextlib.suppress(Exception):  # of a scheduler that is gone
            client.cancel(list(at_work), force=True)


def _answers(client):
    """Whether the scheduler is still there."""
    with contextlib.suppress(Exception):
        client.nthreads()
        return client.status == "running"
    return False


def _as_they_finish(client, finished):
    """Yield the futures of `as_completed`, and see that there is a worker meanwhile.

    Dask gives up a worker that dies while it starts. Where the last of our own is gone,
    new ones are started; a scheduler from elsewhere has somebody who looks after it.
    """
    looked, n_workers = time.monotonic(), len(client.nthreads())
    while not finished.is_empty():
        if finished.has_ready():
            yield next(finished)
            looked = time.monotonic()
        elif time.monotonic() - looked < LOOK_SECONDS:
            time.sleep(0.02)
        else:
            looked = time.monotonic()
            with contextlib.suppress(OSError):  # the futures say it, if none answers
                if client.cluster is not None and not client.nthreads():
                    client.cluster.scale(0)
                    client.cluster.scale(n_workers or N_WORKERS)


@contextlib.contextmanager
def _client(engine):
    """A client of the engine; what is started here is also stopped here."""
    from distributed import Client

    if not isinstance(engine, str):
        if engine.status != "running":
            raise ValueError("the Dask client is closed: give a connected one.")
        _wait_for_workers(engine)
        yield engine
        return
    if not engine.startswith("dask"):
        try:
            client = Client(engine, timeout=SECONDS_TO_CONNECT)
        except (OSError, ValueError) as error:
            raise ConnectionError(
                f"no Dask scheduler answers at {engine} ({error or 'timeout'}). "
                "`dask scheduler` starts one and prints its address."
            ) from error
        with client:
            _wait_for_workers(client)
            yield client
        return
    n_workers = int(engine.partition(":")[2] or N_WORKERS)
    with (
        _local_cluster(n_workers) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


def _wait_for_workers(client):
    """Raise ConnectionError if a scheduler has no workers and gets none in time."""
    if client.nthreads():
        return
    address = client.scheduler.address
    print(f"The scheduler at {address} has no workers yet: waiting for one.")
    try:
        client.wait_for_workers(1, timeout=SECONDS_FOR_WORKERS)
    except TimeoutError:
        raise ConnectionError(
            f"the scheduler at {address} has no workers: `dask worker {address}` "
            "starts one, on any machine that reaches the images and has the course."
        ) from None


def _local_cluster(n_workers):
    import dask
    from distributed import LocalCluster

    settings = {
        # Dask would give every worker one thread for matrix products: sums would be
        # taken in another order than here, and their last digits would be others.
        "distributed.nanny.pre-spawn-environ": {},
        "distributed.scheduler.allowed-failures": 1,  # and `_dask` tries once more
    }
    try:
        with dask.config.set(settings):
            return LocalCluster(
                n_workers=n_workers,
                threads_per_worker=1,
                processes=True,
                dashboard_address=":0",  # any free port: another notebook has 8787
                silence_logs=logging.CRITICAL,
            )
    except RuntimeError as error:
        raise RuntimeError(
            f"the worker processes did not start ({error}) In a script, what starts "
            "processes must stand under `if __name__ == '__main__':`."
        ) from error
