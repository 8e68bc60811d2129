"""What several test files share: a cache of their own, real data, small pictures."""

import http.server
import io
import os
import signal
import subprocess
import threading
from pathlib import Path

# Several processes share the cores, and threads of two on one core only wait for each
# other. What they start, the lessons' kernels for example, inherits it.
n_workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1))
if n_workers > 1:
    n_threads = str(max(1, (os.cpu_count() or 1) // n_workers))
    names = "OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "LOKY_MAX_CPU_COUNT"
    for variable in names:
        os.environ.setdefault(variable, n_threads)

import numpy as np  # noqa: E402
import pytest  # noqa: E402
from PIL import Image  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
# The fixtures chromium and lab; the ledger of claims
pytest_plugins = ["browser", "ledger", "pytester"]


@pytest.fixture(scope="session")
def session_cache(tmp_path_factory):
    """One cache for all tests, whichever process runs them: it is safe for several."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # each worker has a folder of its own in it
    folder = folder / "course_cache"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(autouse=True)
def course_cache(session_cache, monkeypatch):
    """Keep the user's own cache out; features are shared between the tests."""
    monkeypatch.setenv("COURSE_CACHE", str(session_cache))
    monkeypatch.delenv("COURSE_CALTECH101", raising=False)


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """An empty cache for this test alone."""
    folder = tmp_path / "own_cache"
    monkeypatch.setenv("COURSE_CACHE", str(folder))
    return folder


@pytest.fixture(scope="session")
def caltech101():
    """The folder of Caltech-101."""
    return _real_data("COURSE_TEST_CALTECH101", "caltech101", "101_ObjectCategories")


@pytest.fixture(scope="session")
def openclipart():
    """The folder of Debian's openclipart-png, unpacked: png is in it."""
    return _real_data("COURSE_TEST_OPENCLIPART", "openclipart", "png")


@pytest.fixture
def keras_home(monkeypatch):
    """KERAS_HOME with the weights of MobileNetV2, for the course and not for Keras."""
    from course_utils._support import keras

    keras.import_keras()  # on import it would look there for its settings
    folder = _real_data("COURSE_TEST_KERAS_HOME", "keras_home", "models")
    monkeypatch.setenv("KERAS_HOME", str(folder))
    return folder


def _real_data(variable, name, inside):
    folder = Path(os.environ.get(variable) or ROOT.parent / "shared" / name)
    if not (folder / inside).is_dir():
        pytest.skip(f"no {name}: neither {variable} nor ../shared/{name} holds it")
    return folder


def pixels(seed=0, width=64, height=48):
    """Smooth random colours, which survive JPEG: uint8 (height, width, 3)."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(image)


def picture_bytes(mode="RGB", size=(64, 48), format="PNG", seed=0, **options):
    """The bytes of an image file with `pixels(seed)`, stored in this mode."""
    file = io.BytesIO()
    Image.fromarray(pixels(seed, *size)).convert(mode).save(file, format, **options)
    return file.getvalue()


def encode(array, format="PNG", **options):
    """The bytes of an image file that holds this array."""
    file = io.BytesIO()
    Image.fromarray(np.asarray(array)).save(file, format, **options)
    return file.getvalue()


def start_for_control_c(command, **options):
    """A process that SIGINT stops, even where a shell started us with it switched off.

    Not by preexec_fn, which can hang: it runs in a copy of a process with many threads,
    without the threads that held its locks.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(command, text=True, stderr=subprocess.PIPE, **options)
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.fixture
def direct(monkeypatch):
    """No proxy is asked."""
    for variable in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.upper(), raising=False)


@pytest.fixture
def serve(direct):
    """serve(content, ...) starts a server here: its address, the paths asked for."""
    running = []

    def start(content=b"", status=200, missing=0, silent=None, context=None):
        """missing: bytes promised but not sent; silent: an Event that ends silence.

        context: an SSLContext, for a secure server. As a proxy it answers itself.
        """

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                if silent:
                    silent.wait(20)
                    return
                self.send_response(status)
                self.send_header("Content-Length", str(len(content) + missing))
                self.end_headers()
                self.wfile.write(content)

            do_CONNECT = do_GET

            def log_message(self, *args):
                pass

        asked = []
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
        running.append((server, silent))
        return f"http://127.0.0.1:{server.server_port}/", asked

    yield start
    for server, silent in running:
        if silent:
            silent.set()
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="session")
def small():
    """An image set: 30 pictures of 3 classes."""
    from small_sets import coloured

    return coloured(10)


@pytest.fixture
def no_answers(tmp_path, monkeypatch):
    """Answers to the lessons that somebody keeps here stay out."""
    monkeypatch.setenv("COURSE_ANSWERS", str(tmp_path / "answers"))


@pytest.fixture
def good(small, tmp_path_factory, no_answers):
    """The bytes of a good submission."""
    from sample_submissions import hand_in

    path = tmp_path_factory.mktemp("good") / "anna.zip"
    hand_in(path, small, "anna01", "Anna Anders")
    return path.read_bytes()


@pytest.fixture
def supplied(small, tmp_path_factory, no_answers):
    """The same with pictures of the student's own: every second one."""
    from sample_submissions import hand_in, runs

    path = tmp_path_factory.mktemp("supplied") / "jo.zip"
    own = small.subset(slice(0, None, 2))
    found = runs(own, "jo09", right=0.3)
    hand_in(path, own, "jo09", "Jo", found, self_supplied_labels=True)
    return path.read_bytes()
