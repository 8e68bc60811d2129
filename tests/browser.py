"""A real JupyterLab in a real Chromium, for the tests of what students click.

conftest.py makes this a plugin of pytest, so every test file has the fixtures
`chromium` and `lab`. A test opens a notebook of its own and looks at it:

    def test_it(chromium, lab):
        with lab.opened(chromium, "import ipywidgets as w", "w.IntSlider()") as seen:
            seen.page.locator("…").click()       # Playwright's page
            assert seen.python("1 + 1") == 2     # asked of the notebook's kernel
        # leaving the block fails the test if the console held an error

Nothing is fetched from outside, and what a page asks for elsewhere is an error too.
"""

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
import psutil
import pytest

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",  # /dev/shm is small in containers
    "--use-gl=angle",  # WebGL without a graphics card
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)
LAB_SETTINGS = {
    "apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "notebook-extension/tracker": {"windowingMode": "none"},  # every output is there
}
PATIENCE = 120  # seconds, for what takes a few on a quiet machine
NO_CHROMIUM = "no chromium: apt-get install chromium, or set COURSE_CHROMIUM"


def pytest_terminal_summary(terminalreporter):
    # From the reports, since the tests may have run in other processes than this one
    skipped = terminalreporter.stats.get("skipped", ())
    if any(NO_CHROMIUM in str(report.longrepr) for report in skipped):
        words = f"not tested in a browser: {NO_CHROMIUM}"
        terminalreporter.write_line(words, yellow=True)


def chromium_path():
    """Where Chromium is: $COURSE_CHROMIUM, or the first on the path; else None."""
    return os.environ.get("COURSE_CHROMIUM") or shutil.which("chromium")


@pytest.fixture(scope="module")  # a session's would leave its event loop to all tests
def chromium():
    """A headless Chromium, a Browser of Playwright; skips where there is none."""
    path = chromium_path()
    if path is None:
        pytest.skip(NO_CHROMIUM)
    pytest.importorskip("playwright", reason="no playwright: tests/requirements.txt")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=list(CHROMIUM_FLAGS)
        )
        yield browser
        with _killed_after(60):
            browser.close()


@contextlib.contextmanager
def _killed_after(seconds):
    """Chromium is killed if it has not closed by then: Playwright waits for ever."""

    def kill():
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if "--headless" in process.cmdline():
                    process.kill()

    timer = threading.Timer(seconds, kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@pytest.fixture(scope="session")
def lab(tmp_path_factory, session_cache):
    """A running `jupyter lab` on a folder and with settings of its own: a `Lab`."""
    if chromium_path() is None:
        pytest.skip("no chromium")
    home = tmp_path_factory.mktemp("lab")
    started = Lab(home, session_cache)
    try:
        started.wait()
        yield started
    finally:
        started.stop()


def assert_readable(page, context=None, widths=(320, 390, 800, 1400)):
    """axe-core finds no fault with a page, nor with a part, and it fits every width.

    page: Playwright's; context: a CSS selector of the part that axe looks at. Light and
    dark are both looked at, at the narrowest and the widest.
    """
    from axe_playwright_python.sync_playwright import Axe

    height = page.viewport_size["height"]
    for width in widths:
        page.set_viewport_size({"width": width, "height": height})
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, f"{wide} pixels wide in a window of {width}"
    for width in (min(widths), max(widths)):
        page.set_viewport_size({"width": width, "height": height})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found = Axe().run(page, context)
            assert not found.violations_count, (width, scheme, found.generate_report())
    page.emulate_media(color_scheme="light")


class Lab:
    """A JupyterLab server. url: its address; folder: its notebooks."""

    def __init__(self, home, cache):
        self.folder, self.log = home / "notebooks", home / "lab.log"
        self.folder.mkdir()
        for name, settings in LAB_SETTINGS.items():
            path = home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(settings), "utf-8")
        folders = {
            "HOME": home,
            "IPYTHONDIR": home / "ipython",
            "JUPYTER_CONFIG_DIR": home / "config",
            "JUPYTER_DATA_DIR": home / "data",
            "JUPYTER_RUNTIME_DIR": home / "runtime",
            "JUPYTERLAB_SETTINGS_DIR": home / "settings",
            "JUPYTERLAB_WORKSPACES_DIR": home / "workspaces",
            "COURSE_CACHE": cache,
            # The kernel finds the course, and the tests' small image sets
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")]),
        }
        self.token, port = secrets.token_hex(16), _free_port()
        self.url = f"http://127.0.0.1:{port}"
        options = {
            "ServerApp.ip": "127.0.0.1",
            "ServerApp.port": port,
            "ServerApp.port_retries": 0,
            "ServerApp.allow_root": True,
            "ServerApp.open_browser": False,
            "ServerApp.root_dir": self.folder,
            "IdentityProvider.token": self.token,
            "LabApp.news_url": "",
            "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
            "LabApp.extension_manager": "readonly",
            "LabApp.expose_app_in_browser": True,
        }
        command = [sys.executable, "-m", "jupyterlab"]
        command += [f"--{name}={value}" for name, value in options.items()]
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                command,
                env=os.environ | {name: str(path) for name, path in folders.items()},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def wait(self):
        """Return when the server answers."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError, urllib.error.URLError):
                address = f"{self.url}/api/status?token={self.token}"
                return urllib.request.urlopen(address, timeout=5).close()
            time.sleep(0.1)
        raise RuntimeError(
            f"JupyterLab did not start:\n{self.log.read_text('utf-8')[-3000:]}"
        )

    def stop(self):
        """End the server; it ends its kernels."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()

    @contextlib.contextmanager
    def opened(self, browser, *cells, dark=False, check=True, size=(1280, 1400)):
        """A notebook of these code cells, opened in a new page and run: a `Seen`.

        dark: in JupyterLab's dark theme. check: fail at the end if an error was in the
        console or a request failed or went elsewhere.
        """
        name = f"{secrets.token_hex(4)}.ipynb"
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        )
        nbformat.write(notebook, self.folder / name)
        # One context, so that only the first page has to read JupyterLab's own files
        context = browser.contexts[0] if browser.contexts else browser.new_context()
        page = context.new_page()
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.set_default_timeout(PATIENCE * 1000)
        seen = Seen(page, self.url)
        try:
            page.goto(f"{self.url}/lab/tree/{name}?reset&token={self.token}")
            page.wait_for_selector(".jp-NotebookPanel .jp-Cell")
            if dark:
                seen.theme(dark)
            seen.run_all()
            yield seen
            if check:
                assert not seen.errors, "\n".join(seen.errors)
        finally:
            with contextlib.suppress(Exception):  # a page that broke is only closed
                page.evaluate(within(20, SHUT_DOWN))
            page.close()


class Seen:
    """An opened notebook. page: Playwright's; errors: what went wrong so far."""

    def __init__(self, page, url):
        self.page, self.errors = page, []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.errors.append(f"uncaught: {error}"))
        page.on("requestfailed", self._failed)
        own = urlsplit(url).netloc

        def elsewhere(request):
            asked = urlsplit(request.url)
            if asked.scheme in ("http", "https", "ws", "wss") and asked.netloc != own:
                self.errors.append(f"asked elsewhere: {request.url}")

        page.on("request", elsewhere)

    def _console(self, message):
        if message.type == "error":
            self.errors.append(f"console: {message.text} {message.location}")

    def _failed(self, request):
        if request.failure != "net::ERR_ABORTED":  # the page itself thought better
            self.errors.append(f"request failed: {request.url} {request.failure}")

    def run_all(self):
        """Run every cell; raises AssertionError with the traceback of a failure."""
        failed = self.page.evaluate(within(2 * PATIENCE, RUN_ALL))
        assert not failed, "\n".join(failed)

    def theme(self, dark):
        """Change to JupyterLab's dark or light theme."""
        name = f"JupyterLab {'Dark' if dark else 'Light'}"
        self.page.evaluate(within(PATIENCE, CHANGE_THEME), name)
        body = f"body[data-jp-theme-light={'false' if dark else 'true'}]"
        self.page.wait_for_selector(body, state="attached")
        self.page.locator(".jp-NotebookPanel").first.wait_for()  # hidden meanwhile

    def python(self, expression):
        """The value of a Python expression in the notebook's kernel (through JSON)."""
        code = f"print(__import__('json').dumps({expression}), end='')"
        return json.loads(self.page.evaluate(within(PATIENCE, ASK_KERNEL), code))


def within(seconds, function):
    """JavaScript that fails if this function's promise is not kept by then.

    Playwright's default timeout does not hold for what a page evaluates.
    """
    return f"""argument => Promise.race([
  ({function})(argument),
  new Promise((_, fail) => setTimeout(
    () => fail(new Error('no answer within {seconds} s')), {seconds * 1000})),
])"""


RUN_ALL = """async () => {
  const panel = window.jupyterapp.shell.currentWidget;
  await panel.context.ready;
  await panel.sessionContext.ready;
  await panel.sessionContext.session.kernel.info;
  await window.jupyterapp.commands.execute('notebook:run-all-cells');
  return panel.content.widgets.flatMap(cell => cell.model.toJSON().outputs ?? [])
    .filter(output => output.output_type === 'error')
    .map(output => output.traceback.join('\\n'));
}"""
ASK_KERNEL = """async code => {
  const panel = window.jupyterapp.shell.currentWidget;
  const future = panel.sessionContext.session.kernel.requestExecute({code});
  let text = '';
  future.onIOPub = message => {
    text += message.content.text ?? (message.content.traceback ?? []).join('\\n');
  };
  await future.done;
  return text;
}"""
SHUT_DOWN = "() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()"
CHANGE_THEME = """theme => window.jupyterapp.commands.execute(
  'apputils:change-theme', {theme})"""


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
