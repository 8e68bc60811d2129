"""What lesson 14 does to a worker of Dask, in the background."""

import os
import threading
import time

import psutil


def kill_a_worker(client, when):
    """Kill one worker process of this machine, without warning, in the background.

    A thread looks twenty times per second whether it is time, and then does what
    `kill -9` does, as if a machine had lost its power.

    Parameters
    ----------
    client : distributed.Client
        Of workers on this machine.
    when : callable
        Called without arguments; the worker is killed once this returns true.

    Returns
    -------
    list
        Empty at first; then it holds one pair, the address of the worker and the time
        at which it was killed, in seconds since 1970.

    See Also
    --------
    distributed.Client.restart_workers : Restarts workers without killing them.

    Examples
    --------
    >>> killed = kill_a_worker(client, lambda: True)  # doctest: +SKIP
    >>> killed  # doctest: +SKIP
    [('tcp://127.0.0.1:37619', 1764391006.2)]
    """
    process_ids, killed = client.run(os.getpid), []
    address = min(process_ids)

    def wait_and_kill():
        while not when():
            time.sleep(0.05)
        psutil.Process(process_ids[address]).kill()
        killed.append((address, time.time()))

    threading.Thread(target=wait_and_kill, daemon=True).start()
    return killed
