"""Make the notebooks from their masters.

    python solutions/build.py            all lessons
    python solutions/build.py 02 05      some of them
    python solutions/build.py --check    build nothing; fail if something is stale

A master `solutions/NN_slug.py` is a notebook in jupytext's percent format. From it
come `notebooks/NN_slug.ipynb`, with empty exercises and no outputs, and
`solutions/NN_slug.ipynb`, executed. In a master, a cell tagged `solution` is dropped
from the student's notebook, and

    # BEGIN SOLUTION: return None
    …
    # END SOLUTION

becomes the stub behind the colon, with the indentation of the marker. The cell tagged
`setup` gets the lines that find the course, or fetch it on Colab, before its own.
"""

import argparse
import hashlib
import os
import re
import sys
import tempfile
import time
import tomllib
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
MASTERS = ROOT / "solutions"
STUDENTS = ROOT / "notebooks"
SETTINGS = tomllib.loads((MASTERS / "course.toml").read_text(encoding="utf-8"))
BLOCK = re.compile(
    r"^([ \t]*)# BEGIN SOLUTION: ?(.*)\n(?:.*\n)*?\1# END SOLUTION[ \t]*$", re.MULTILINE
)
MARKER = re.compile(r"^[ \t]*# (BEGIN|END) SOLUTION.*\n?", re.MULTILINE)
SETUP = """\
import sys
from pathlib import Path

HERE = Path.cwd()
COURSE = next((p for p in (HERE, *HERE.parents) if (p / "course_utils").is_dir()), None)
if COURSE is None:  # as on Colab, which starts with nothing: fetch the course
    COURSE = HERE / "course"
    if not COURSE.is_dir():
        REPOSITORY = "{repository}"
        !git clone -q --depth 1 --branch {tag} {{REPOSITORY}} {{COURSE}}
sys.path.insert(0, str(COURSE))

from course_utils import lessons

checks = lessons.start("{lesson}")"""
BADGE = (
    "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
    "(https://colab.research.google.com/github/{path}/blob/{tag}/notebooks/{lesson}.ipynb)"
)
WIDGET = "application/vnd.jupyter.widget-view+json"


def master_notebook(path):
    """The master as a notebook, with badge, set-up and stable cell ids."""
    notebook = jupytext.read(path, fmt="py:percent")
    names = {"lesson": path.stem, **SETTINGS}
    names["path"] = names["repository"].removeprefix("https://github.com/")
    for number, cell in enumerate(notebook.cells):
        cell.id = f"{path.stem[:2]}-{number:03d}"
        if "setup" in cell.metadata.get("tags", ()):
            cell.source = SETUP.format(**names) + ("\n\n" + cell.source).rstrip()
    title, _, rest = notebook.cells[0].source.partition("\n")
    notebook.cells[0].source = f"{title}\n\n{BADGE.format(**names)}\n\n{rest}".rstrip()
    notebook.metadata = {
        "kernelspec": {
            "display_name": "Python 3",
            "language": "python",
            "name": "python3",
        },
        "language_info": {"name": "python"},
        # What the notebook was made from, so that a stale one is found without running
        "course": {"master": fingerprint(path)},
    }
    return notebook


def fingerprint(path):
    """SHA-256 of a master with the settings and the templates it is built with."""
    parts = [path.read_bytes(), repr(SETTINGS).encode(), (SETUP + BADGE).encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def student_notebook(path):
    """The master without solutions and outputs."""
    notebook = master_notebook(path)
    cells = []
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        if "solution" in tags:
            continue
        cell.source = BLOCK.sub(r"\1\2", cell.source)
        if "SOLUTION" in cell.source:
            raise ValueError(f"{path}: an unmatched solution marker in\n{cell.source}")
        cells.append(cell)
    notebook.cells = cells
    return notebook


def solution_texts(path):
    """The lines of a master's solutions: to prove that none leaks."""
    texts = set()
    for cell in jupytext.read(path, fmt="py:percent").cells:
        if "solution" in cell.metadata.get("tags", ()):
            texts.update(cell.source.splitlines())
        for block in BLOCK.finditer(cell.source):
            texts.update(block[0].splitlines()[1:-1])
    # Short lines, like `return total`, give nothing away.
    return {text.strip() for text in texts if len(text.strip()) > 12}


def execute(notebook, folder, cache=None):
    """Run a notebook in `folder`, offline; returns it with outputs, and the seconds."""
    environment = {
        "KERAS_HOME": tempfile.mkdtemp(),
        "COURSE_ANSWERS": tempfile.mkdtemp(),
    }
    if cache:
        environment["COURSE_CACHE"] = str(cache)
    os.environ.update(environment)
    started = time.perf_counter()
    client = NotebookClient(
        notebook, timeout=600, resources={"metadata": {"path": str(folder)}}
    )
    client.execute()
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # times of day: never the same twice
        for output in cell.get("outputs", ()):  # a stored widget is its picture
            output.get("data", {}).pop(WIDGET, None)
    return notebook, time.perf_counter() - started


def text(notebook):
    return nbformat.writes(notebook) + "\n"


def solution_notebook(path):
    """The master with its solutions, the markers taken out."""
    notebook = master_notebook(path)
    for cell in notebook.cells:
        cell.source = MARKER.sub("", cell.source).rstrip("\n")
    return notebook


def build(path):
    """Write both notebooks of a master."""
    (STUDENTS / f"{path.stem}.ipynb").write_text(text(student_notebook(path)), "utf-8")
    notebook, seconds = execute(solution_notebook(path), MASTERS)
    target = MASTERS / f"{path.stem}.ipynb"
    target.write_text(text(notebook), "utf-8")
    size = target.stat().st_size / 1e6
    code = [c for c in notebook.cells if c.cell_type == "code"]
    lines = sum(len(c.source.splitlines()) for c in code)
    print(f"{path.stem}: {seconds:.0f} s, {size:.1f} MB, {lines} lines of code")


def stale(path):
    """Why the notebooks of a master are not what it says; empty if they are."""
    reasons = []
    student = STUDENTS / f"{path.stem}.ipynb"
    solution = MASTERS / f"{path.stem}.ipynb"
    if not student.exists() or student.read_text("utf-8") != text(
        student_notebook(path)
    ):
        reasons.append(f"{student.relative_to(ROOT)} is not what the master gives")
    made_from = None
    if solution.exists():
        made_from = nbformat.read(solution, 4).metadata.get("course", {}).get("master")
    if made_from != fingerprint(path):
        reasons.append(f"{solution.relative_to(ROOT)} was executed from another master")
    return reasons


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lessons", nargs="*", help="numbers, like 02 (default: all)")
    parser.add_argument("--check", action="store_true", help="only look for stale ones")
    options = parser.parse_args()
    masters = [
        path
        for path in sorted(MASTERS.glob("[0-9][0-9]_*.py"))
        if not options.lessons or path.name[:2] in options.lessons
    ]
    if not masters:
        sys.exit(f"no master of {' '.join(options.lessons)} in {MASTERS}")
    if options.check:
        reasons = [reason for path in masters for reason in stale(path)]
        print("\n".join(reasons) or f"{len(masters)} lessons are fresh")
        sys.exit(bool(reasons))
    for path in masters:
        build(path)


if __name__ == "__main__":
    main()
