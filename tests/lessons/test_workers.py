"""A worker is killed when it is time, not before, and another takes its place."""

import os
import threading
import time

from distributed import Client, LocalCluster

from course_utils import lessons


def test_a_worker_is_killed_when_it_is_time():
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        before, now = client.run(os.getpid), threading.Event()
        killed = lessons.kill_a_worker(client, now.is_set)
        time.sleep(0.3)
        assert killed == [] and client.run(os.getpid) == before
        now.set()
        ended = time.monotonic() + 30
        while time.monotonic() < ended and not killed:
            time.sleep(0.05)
        ((address, when),) = killed
        assert address in before and abs(when - time.time()) < 5
        new = {}
        while time.monotonic() < ended and len(new.keys() - before.keys()) < 1:
            time.sleep(0.2)
            new = client.run(os.getpid, on_error="ignore")
        assert len(new.keys() - before.keys()) == 1
        assert before[address] not in new.values()
