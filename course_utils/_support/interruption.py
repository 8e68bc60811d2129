"""Ctrl-C in a command: it stops, says so in a sentence, and leaves with status 130.

Python raises KeyboardInterrupt wherever the program happens to be, and that alone is
not enough: libraries swallow it while they are imported, a long call into C sees it
when it returns, and at its end Python waits for every thread. So a thread watches: a
command that is still here some seconds after Ctrl-C, or at a second one, is left at
once. All that the course keeps is written whole or not at all, so nothing is lost by
that but what was not finished. Status 130 is what shells give, 128 + SIGINT.
"""

import contextlib
import os
import signal
import socket
import sys
import threading
import time

STATUS = 130

PATIENCE = 5  # seconds for what runs to be put away in order

BOUNCE = 0.3  # seconds: what comes sooner, from a child for example, is the same press

pressed = threading.Event()


def watch(sentence):
    """Watch over this process from now on; call it once, in the main thread.

    sentence: what is said on stderr if the command has to be left.
    """
    ours, systems = socket.socketpair()
    systems.setblocking(False)
    stderr = os.dup(2)  # the import of Keras closes the real one for a while
    # The system writes to it at once, even while a call into C keeps Python waiting.
    signal.set_wakeup_fd(systems.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGINT, _interrupt)

    def wait():
        _next_press(ours, None)
        time.sleep(BOUNCE)
        with contextlib.suppress(BlockingIOError):
            ours.setblocking(False)
            ours.recv(4096)
        _next_press(ours, PATIENCE)
        os.write(stderr, f"\n{sentence}\n".encode())
        os._exit(STATUS)

    _watch.update(socket=systems)  # or it would be closed with its last name
    threading.Thread(target=wait, daemon=True).start()


def leave(status):
    """End the process; after Ctrl-C without waiting for its threads."""
    if status == STATUS:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)
    sys.exit(status)


_watch = {}


def _interrupt(number, frame):
    if pressed.is_set():
        return  # a second one is the thread's: here it would only disturb the first
    pressed.set()
    # What is cleaned up half made complains on stderr; nobody wants to know it now.
    sys.unraisablehook = threading.excepthook = lambda _: None
    raise KeyboardInterrupt


def _next_press(ours, seconds):
    """Return at the next Ctrl-C, or when so many seconds are over."""
    ours.settimeout(seconds)
    with contextlib.suppress(TimeoutError):
        while signal.SIGINT not in ours.recv(4096):
            pass  # other signals
