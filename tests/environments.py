"""The environments that users have, made anew and tried: CI runs it.

    python tests/environments.py colab [02 …]   Colab's versions: first cell, lessons
    python tests/environments.py lowest         the lowest of requirements.txt
    python tests/environments.py resolve        wheels for all systems in the README
    python tests/environments.py renew          colab.txt from what Colab publishes

Each prints what it found and ends with status 1 if something does not hold. It needs uv
and the packages of tests/requirements.txt.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "solutions"))

UV = sys.executable, "-m", "uv"
COLAB = ROOT / "tests" / "colab.txt"
PUBLISHED = (
    "https://raw.githubusercontent.com/googlecolab/backend-info/main/pip-freeze.gpu.txt"
)

# What README says the course installs on, without building anything.
PLATFORMS = ("x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu")
PLATFORMS += ("x86_64-pc-windows-msvc", "aarch64-apple-darwin")
PYTHONS = ("3.11", "3.12", "3.13")

# What the lowest versions are tried on: everything but browsers, lessons and networks
# that are trained.
CORE = (
    *("tests/test_metrics.py", "tests/test_plots.py", "tests/clustering"),
    "--ignore=tests/clustering/test_semantic.py",
    *("tests/images", "--ignore=tests/images/test_streams.py"),
    "tests/representations/test_handcrafted.py",
    *("tests/representations/test_bundled.py", "tests/experiments/test_runs.py"),
    "tests/representations/test_inference.py",
    *("tests/homework/test_review.py", "tests/homework/test_submission_file.py"),
    *("tests/homework/test_replay.py", "tests/homework/grading"),
    "tests/maps/test_hotspots.py",
)

N_LESSONS = 2  # at a time

# google.colab, with what the course and its widgets use of it
STAND_IN = {
    "__init__.py": "from . import drive, output\n",
    "drive.py": "def mount(where):\n    print('mounted', where)\n",
    "output/__init__.py": (
        "from . import _widgets\n"
        "def enable_custom_widget_manager(**_):\n"
        "    _widgets.enable_custom_widget_manager()\n"
        "    print('other widgets allowed')\n"
    ),
    "output/_widgets.py": (
        "_installed_url = None\n"
        "def enable_custom_widget_manager(url='https://example.org/manager.js'):\n"
        "    global _installed_url\n"
        "    _installed_url = url\n"
    ),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("colab", "lowest", "resolve", "renew"))
    parser.add_argument("lessons", nargs="*", help="numbers, like 02 (default: all)")
    parser.add_argument("--keep", help="a folder for the environment, kept and reused")
    options = parser.parse_args()
    if options.what in ("resolve", "renew"):
        sys.exit({"resolve": resolve, "renew": renew}[options.what]())
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(options.keep or folder).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        if options.what == "lowest":
            sys.exit(lowest(folder))
        sys.exit(colab(folder, options.lessons))


def run(*command, **how):
    return subprocess.run([*map(str, command)], check=True, **how)


def environment(folder, wanted):
    """The Python of an environment of the wanted version, or of the nearest."""
    python = folder / "env" / "bin" / "python"
    if not python.exists():
        run(*UV, "venv", "-q", "--seed", "-p", interpreter(wanted), folder / "env")
    return python


def interpreter(wanted):
    """A Python of this version, uv's or pyenv's, or else the one that runs this."""
    found = subprocess.run(
        [*UV, "python", "find", "--no-python-downloads", wanted],
        capture_output=True,
        text=True,
    )
    if not found.returncode:
        return found.stdout.strip()
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    others = sorted(versions.glob(f"{wanted}.*/bin/python"))
    if not others:
        print(f"there is no Python {wanted} here: taking {sys.version.split()[0]}")
    return str(others[-1]) if others else sys.executable


def freeze(python):
    listed = run(*UV, "pip", "freeze", "-p", python, stdout=-1, text=True).stdout
    return {line for line in listed.splitlines() if "==" in line}


# Colab


def colab(folder, lessons):
    """The lessons with Colab's versions; the number of those that fail, and repins."""
    python = environment(folder, "3.13")
    run(*UV, "pip", "install", "-q", "-p", python, "-r", COLAB)
    write_stand_in(folder / "stand_in")
    add_kernel(python, folder)
    content = folder / "content"
    shutil.rmtree(content, ignore_errors=True)
    ignored = shutil.ignore_patterns(".git", ".*cache", "__pycache__", ".venv", "tests")
    shutil.copytree(ROOT, content / "image-clustering", ignore=ignored)
    before = freeze(python)
    first = notebook_of(["import google.colab", setup()])
    execute(first, folder)
    print(*(o.get("text", "") for c in first.cells for o in c.outputs), end="")
    repinned = sorted(before - freeze(python))
    for line in repinned:
        print(f"the first cell changed {line}")
    import build

    masters = sorted(build.MASTERS.glob("[0-9][0-9]_*.py"))
    masters = [m for m in masters if not lessons or m.name[:2] in lessons]
    with ThreadPoolExecutor(N_LESSONS) as pool:
        failed = list(pool.map(lambda m: lesson(m, folder), masters))
    print(f"{len(masters) - sum(failed)} of {len(masters)} lessons run on Colab")
    return bool(repinned or any(failed))


def write_stand_in(folder):
    """Write `google.colab` into a folder that is put on the path."""
    for name, text in STAND_IN.items():
        path = folder / "google" / "colab" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def setup():
    import build

    names = {"lesson": "01_clustering_by_hand", "repository": "", "tag": ""}
    return f"{build.FETCH}\n\n{build.START}".format(**names)


def notebook_of(sources):
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    return nbformat.v4.new_notebook(cells=cells)


def lesson(master, folder):
    """Run a lesson unsolved, then solved; True if anything is not as due."""
    from lesson_runs import unexpected, unsolved_then_solved

    notebook = unsolved_then_solved(master)
    start = nbformat.v4.new_code_cell("import google.colab")
    notebook.cells.insert(0, start)
    started, why = time.perf_counter(), ""
    try:
        execute(notebook, folder)
        if wrong := unexpected(notebook):
            why = f", fails: {'; '.join(wrong)}"
    except Exception as error:  # a cell's, or a kernel that died: the others still run
        why = f", fails: {(str(error).strip() or repr(error)).splitlines()[-1][:300]}"
    widgets = sum(
        "application/vnd.jupyter.widget-view+json" in output.get("data", {})
        for cell in notebook.cells
        for output in cell.get("outputs", ())
    )
    seconds = time.perf_counter() - started
    print(f"{master.stem}: {seconds:.0f} s, {widgets} widgets{why}", flush=True)
    return bool(why)


def add_kernel(python, folder):
    """Let `execute` find a kernel of this Python; before any notebook runs."""
    kernel = folder / "jupyter" / "kernels" / "colab"
    kernel.mkdir(parents=True, exist_ok=True)
    argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    about = {"argv": argv, "display_name": "Colab", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(about), encoding="utf-8")
    os.environ["JUPYTER_PATH"] = str(folder / "jupyter")


def execute(notebook, folder):
    """Run a notebook by the kernel of `add_kernel`, in the folder that Colab has."""
    own = {
        "PYTHONPATH": str(folder / "stand_in"),
        "COURSE_CACHE": str(folder / "cache"),
        "KERAS_HOME": str(folder / "keras"),
        "COURSE_ANSWERS": tempfile.mkdtemp(dir=folder),  # no lesson sees another's
        "COLAB_RELEASE_TAG": "release-colab",
    }
    # Lessons share the cores: threads of two on one core only wait for each other
    n_threads = str(max(1, (os.cpu_count() or 1) // N_LESSONS))
    names = "OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "LOKY_MAX_CPU_COUNT"
    own |= dict.fromkeys(names, n_threads)
    client = NotebookClient(
        notebook,
        timeout=900,
        kernel_name="colab",
        resources={"metadata": {"path": str(folder / "content")}},
    )
    client.execute(env=os.environ | own)


# Lowest versions, and other systems


def lowest(folder):
    """The core tests with the lowest versions that requirements.txt allows."""
    python = environment(folder, "3.11")
    install = (*UV, "pip", "install", "-q", "-p", python)
    lowest = "--upgrade", "--resolution", "lowest-direct"  # also in a kept folder
    run(*install, *lowest, "-r", ROOT / "requirements.txt")
    pinned = folder / "pinned.txt"
    pinned.write_text("\n".join(sorted(freeze(python))), encoding="utf-8")
    tools = "pytest", "pytest-xdist[psutil]", "pytest-timeout", "hypothesis", "nbclient"
    run(*install, "-c", pinned, *tools, "jupytext", "nbformat", "jsonschema")
    requirements = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    wanted = set(re.findall(r"(?m)^([\w-]+)", requirements))
    shown = {line.replace("_", "-") for line in freeze(python)}
    print(*sorted(s for s in shown if s.split("==")[0] in wanted))
    few = "not fuzz and (not test_class.py or nobody_honest)"  # the rest takes a minute
    command = [python, "-m", "pytest", "-p", "no:cacheprovider", "-k", few, *CORE]
    own = {"COURSE_CACHE": str(folder / "cache")}
    return subprocess.run(command, cwd=ROOT, env=os.environ | own).returncode


def resolve():
    """Whether wheels alone do on every system and Python that README names."""
    failed = []
    for platform in PLATFORMS:
        for python in PYTHONS:
            found = subprocess.run(
                [
                    *(*UV, "pip", "compile", "-q", "--only-binary", ":all:"),
                    *("--python-platform", platform, "--python-version", python),
                    str(ROOT / "requirements.txt"),
                ],
                capture_output=True,
                text=True,
            )
            failed += [(platform, python)] if found.returncode else []
            print(f"{platform}, Python {python}: {found.stderr[-300:] or 'resolves'}")
    return bool(failed)


def renew():
    """Write colab.txt anew: the versions of the same packages as published now."""
    import urllib.request
    from datetime import date

    with urllib.request.urlopen(PUBLISHED, timeout=30) as answer:
        published = answer.read().decode()
    now = dict(re.findall(r"(?m)^([\w.-]+)==(\S+)$", published))
    now = {name.lower().replace("_", "-"): version for name, version in now.items()}
    lines = COLAB.read_text(encoding="utf-8").splitlines()
    names = [line.split("==")[0] for line in lines if not line.startswith("#")]
    gone = [name for name in names if name not in now]
    head = [line for line in lines if line.startswith("#")]
    head[0] = re.sub(r"as published on .*:", f"as of {date.today()}:", head[0])
    head[1] = re.sub(r", commit \w+", "", head[1])
    body = [f"{name}=={now[name]}" for name in names if name in now]
    COLAB.write_text("\n".join([*head, *body]) + "\n", encoding="utf-8")
    print(f"{len(body)} versions written. Not there any more: {', '.join(gone) or '–'}")
    return 0


if __name__ == "__main__":
    main()
