"""Make the notebooks from their masters.

    python solutions/build.py            all lessons
    python solutions/build.py 02 05      some of them
    python solutions/build.py --check    build nothing; fail if something is stale
    python solutions/build.py --claims   build nothing; list sentences without evidence
    python solutions/build.py --repository https://github.com/you/your-course
                                         say where the course is published; runs nothing

A master `solutions/NN_slug.py` is a notebook in jupytext's percent format. From it
come `notebooks/NN_slug.ipynb`, with empty exercises and no outputs, and
`solutions/NN_slug.ipynb`, executed. In a master, a cell tagged `solution` is dropped
from the student's notebook, and

    # BEGIN SOLUTION: return None
    …
    # END SOLUTION

becomes the stub behind the colon, with the indentation of the marker. The code of a
cell tagged `drawing` is folded away; it begins with `# @title Draw …`. Before the
cell tagged `setup` comes one that finds the course, or fetches it on Colab.

A paragraph that says more than the output above it names the claim that shows it,
`<!-- claim 05.softmax -->`, with its evidence in tests/claims/. Words like *because*
and *always* in a paragraph without one are listed at every build; where no evidence is
needed, a definition for example, `<!-- no claim: why -->` answers. Neither is in the
notebooks.
"""

import argparse
import base64
import hashlib
import io
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
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
MASTERS = ROOT / "solutions"
STUDENTS = ROOT / "notebooks"
FIGURE = ROOT / ".github" / "scores.png"  # the first one of the README
SETTINGS = tomllib.loads((MASTERS / "course.toml").read_text(encoding="utf-8"))
BLOCK = re.compile(
    r"^([ \t]*)# BEGIN SOLUTION: ?(.*)\n(?:.*\n)*?\1# END SOLUTION[ \t]*$", re.MULTILINE
)
CLAIM = re.compile(r"<!-- claim (\d\d\.[\w-]+) -->")
ANSWERED = re.compile(r"[ \t]*<!-- (?:claim|no claim:) [^>]+-->")
CLAIMING = re.compile(
    r"\b(because|always|never|wins?|beats?|more than luck|in general|the reason|"
    r"that is why|therefore|thanks to|due to|must fail|no algorithm|every algorithm|"
    r"clearly|proves?|far better|far worse|matters? (?:most|more|less))\b",
    re.IGNORECASE,
)
MARKER = re.compile(r"^[ \t]*# (BEGIN|END) SOLUTION.*\n?", re.MULTILINE)
FETCH = """\
# @title Find the course, or fetch it: run this first
import shutil, subprocess, sys
from pathlib import Path

HERE, MODULE = Path.cwd(), "course_utils/__init__.py"
HOST = next((p for p in map(Path, ("/content", "/kaggle/working")) if p.is_dir()), HERE)
around = [p / MODULE for p in (HERE, *HERE.parents)]
below = [*HERE.glob(f"*/{{MODULE}}"), *HOST.glob(f"*/{{MODULE}}")]
COURSE = next((p.parents[1] for p in (*around, *below) if p.is_file()), None)
if COURSE is None:  # as on Colab, which starts with nothing: fetch the course once
    COURSE, part = HOST / "image-clustering", HOST / ".fetching" / "image-clustering"
    shutil.rmtree(part, ignore_errors=True)  # of a fetch that was interrupted
    address, words = "{repository}", "it has no address yet"
    if address and shutil.which("git"):
        clone = ["git", "clone", "--depth", "1", "--branch", "{tag}", address, part]
        words = subprocess.run(clone, capture_output=True, text=True).stderr.strip()
    if not (part / MODULE).is_file():
        raise SystemExit(
            f"The course is not here and cannot be fetched: {{address}} {{words}}."
            " Upload its folder as a .zip (on Colab: Files, on the left), run"
            "  !unzip -q NAME.zip  in a cell, then this cell again."
        )
    part.rename(COURSE)
if str(COURSE) not in sys.path:
    sys.path.insert(0, str(COURSE))"""
START = """\
from course_utils import lessons

checks = lessons.start("{lesson}")"""
# How Colab and JupyterLab fold the code of a cell away
FOLDED = {"cellView": "form", "jupyter": {"source_hidden": True}}
COLAB = "https://colab.research.google.com/github/{path}/blob/{tag}/notebooks/{lesson}.ipynb"
BADGE = (
    "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
    f"({COLAB})"
)
WIDGET = "application/vnd.jupyter.widget-view+json"


def master_notebook(path):
    """The master as a notebook, with badge, set-up and stable cell ids."""
    notebook = jupytext.read(path, fmt="py:percent")
    names = names_of(path.stem)
    for number, cell in enumerate(notebook.cells):
        cell.id = f"{path.stem[:2]}-{number:03d}"
        if "drawing" in cell.metadata.get("tags", ()):
            cell.metadata.update(FOLDED)
        if cell.cell_type == "markdown":
            cell.source = ANSWERED.sub("", cell.source)
        if "setup" in cell.metadata.get("tags", ()):
            cell.source = START.format(**names) + ("\n\n" + cell.source).rstrip()
            fetch = nbformat.v4.new_code_cell(
                FETCH.format(**names), metadata={**FOLDED, "tags": ["fetch"]}
            )
            fetch.id, place = f"{path.stem[:2]}-fetch", number
    notebook.cells.insert(place, fetch)
    title, _, rest = notebook.cells[0].source.partition("\n")
    badge = f"\n\n{BADGE.format(**names)}" if names["path"] else ""
    notebook.cells[0].source = f"{title}{badge}\n\n{rest.strip()}"
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


def names_of(lesson):
    """What the templates say of a lesson; path: "" if it is not on GitHub."""
    repository = SETTINGS["repository"].removesuffix(".git").rstrip("/")
    found = re.fullmatch(r"https://github\.com/([\w.-]+/[\w.-]+)", repository)
    return {"lesson": lesson, **SETTINGS, "path": found[1] if found else ""}


def fingerprint(path):
    """SHA-256 of a master."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


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


def claim_ids(path):
    """The ids of the claims of a master."""
    return set(CLAIM.findall(path.read_text(encoding="utf-8")))


def unanswered(path):
    """Paragraphs that claim something and name no evidence: (word, text)."""
    found = []
    for cell in jupytext.read(path, fmt="py:percent").cells:
        if cell.cell_type != "markdown":
            continue
        for paragraph in re.split(r"\n\s*\n|\n(?=[-*] |\d+\. |\|)", cell.source):
            word = CLAIMING.search(paragraph)
            if (
                word
                and not paragraph.startswith("#")
                and not ANSWERED.search(paragraph)
            ):
                start = max(0, word.start() - 60)
                near = " ".join(paragraph[start : word.end() + 60].split())
                found.append((word[0], near))
    return found


def print_unanswered(paths):
    for path in paths:
        for word, near in unanswered(path):
            print(f"{path.stem}: {word}? … {near} …")


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
    if path.stem.startswith("05_"):
        readme_figure().save(FIGURE, optimize=True)
    code = [c for c in notebook.cells if c.cell_type == "code"]
    lines = sum(len(c.source.splitlines()) for c in code)
    print(f"{path.stem}: {seconds:.0f} s, {size:.1f} MB, {lines} lines of code")
    print_unanswered([path])


def readme_figure():
    """The comparison of lesson 5, on both image sets, as the README shows it."""
    notebook = nbformat.read(next(MASTERS.glob("05_*.ipynb")), 4)
    pages = [
        output.get("data", {}).get("text/html", "")
        for cell in notebook.cells
        if "score_chart" in cell.source
        for output in cell.outputs
    ]
    drawn = [re.search(r"base64,([^\"]+)", page) for page in pages]
    charts = [Image.open(io.BytesIO(base64.b64decode(d[1]))) for d in drawn if d]
    size = max(c.width for c in charts), sum(c.height for c in charts)
    figure, top = Image.new("RGB", size, "white"), 0
    for chart in charts:
        figure.paste(chart, (size[0] - chart.width, top))
        top += chart.height
    return figure


def sources(notebook):
    return [cell.source for cell in notebook.cells]


def stale(path):
    """Why the notebooks of a master are not what it says; empty if they are."""
    reasons = []
    student = STUDENTS / f"{path.stem}.ipynb"
    solution = MASTERS / f"{path.stem}.ipynb"
    if not student.exists() or student.read_text("utf-8") != text(
        student_notebook(path)
    ):
        reasons.append(f"{student.relative_to(ROOT)} is not what the master gives")
    if not solution.exists():
        return [*reasons, f"{solution.relative_to(ROOT)} is not there"]
    executed = nbformat.read(solution, 4)
    if executed.metadata.get("course", {}).get("master") != fingerprint(path):
        reasons.append(f"{solution.relative_to(ROOT)} was executed from another master")
    elif sources(executed) != sources(solution_notebook(path)):
        reasons.append(f"{solution.relative_to(ROOT)} is not what the master gives")
    return reasons


def address(path):
    """Write the badge and the set-up of a lesson anew; its outputs do not hang on them.

    Raises ValueError if the solution was executed from another master.
    """
    solution, fresh = MASTERS / f"{path.stem}.ipynb", solution_notebook(path)
    executed = nbformat.read(solution, 4)
    for number, (old, new) in enumerate(zip(executed.cells, fresh.cells, strict=True)):
        told = number and "fetch" not in new.metadata.get("tags", ())
        if told and old.source != new.source:
            raise ValueError(f"{solution} is stale: run solutions/build.py first.")
        old.source = new.source
    executed.metadata["course"] = fresh.metadata["course"]
    solution.write_text(text(executed), "utf-8")
    (STUDENTS / f"{path.stem}.ipynb").write_text(text(student_notebook(path)), "utf-8")


def publish(repository, tag, masters):
    """Write where the course is published to the settings, the README, the lessons."""
    SETTINGS.update(repository=repository, tag=tag)
    if repository and not names_of("")["path"]:
        sys.exit(f"{repository}: give it like https://github.com/you/your-course.")
    path = MASTERS / "course.toml"
    settings = path.read_text(encoding="utf-8")
    for key in ("repository", "tag"):
        settings = re.sub(f'(?m)^{key} = ".*"$', f'{key} = "{SETTINGS[key]}"', settings)
    path.write_text(settings, encoding="utf-8")
    readme = ROOT / "README.md"
    readme.write_text(with_links(readme.read_text(encoding="utf-8")), encoding="utf-8")
    for master in masters:
        address(master)


def with_links(readme):
    """The README with a link to Colab, or none, at the end of each lesson's row."""

    def row(found):
        names = names_of(found["lesson"])
        link = f"[Colab]({COLAB.format(**names)}) " if names["path"] else ""
        return f"{found['before']} {link}|"

    line = r"(?m)^(?P<before>\|.*\]\(notebooks/(?P<lesson>\d\d_\w+)\.ipynb\).*\|).*\|$"
    return re.sub(line, row, readme)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lessons", nargs="*", help="numbers, like 02 (default: all)")
    parser.add_argument("--check", action="store_true", help="only look for stale ones")
    parser.add_argument(
        "--claims", action="store_true", help="only list sentences without evidence"
    )
    parser.add_argument(
        "--repository", help='where the course is published; "": nowhere yet'
    )
    parser.add_argument("--tag", help="branch or tag there (default: as before)")
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
    if options.claims:
        print_unanswered(masters)
        return
    if options.repository is not None or options.tag:
        repository, tag = options.repository, options.tag or SETTINGS["tag"]
        repository = SETTINGS["repository"] if repository is None else repository
        publish(repository.rstrip("/"), tag, sorted(MASTERS.glob("[0-9][0-9]_*.py")))
        return
    for path in masters:
        build(path)


if __name__ == "__main__":
    main()
