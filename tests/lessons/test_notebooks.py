"""Every lesson: built from its master, executed, complete, and without leaks."""

import ast
import html
import json
import os
import re
import sys
from pathlib import Path

import nbformat
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "solutions"))

import build  # noqa: E402
from lesson_runs import unexpected, unsolved_then_solved, verdicts  # noqa: E402

MASTERS = sorted(build.MASTERS.glob("[0-9][0-9]_*.py"))
SECTIONS = ["Exercises", "In this notebook we", "Recall", "References", "Next"]
SHORT = ("01",)
each_lesson = pytest.mark.parametrize("path", MASTERS, ids=lambda path: path.stem)
# All of them are run like this, with Colab's versions, by tests/environments.py
each_short_lesson = pytest.mark.parametrize(
    "path", [p for p in MASTERS if p.stem[:2] in SHORT], ids=lambda path: path.stem
)


@pytest.fixture
def answers_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(build.tempfile, "mkdtemp", lambda: str(tmp_path))
    monkeypatch.setattr(os, "environ", os.environ.copy())
    return tmp_path


def states(folder, path):
    kept = json.loads((folder / f"{path.stem}.json").read_text(encoding="utf-8"))
    return {name: answer["state"] for name, answer in kept.items()}


@each_lesson
def test_notebooks_are_fresh(path):
    assert build.stale(path) == []


@each_short_lesson
def test_a_lesson_runs_unsolved_to_the_end_and_every_exercise_is_right_when_solved(
    path, answers_folder, session_cache
):
    notebook, _ = build.execute(
        unsolved_then_solved(path), build.MASTERS, session_cache
    )
    assert unexpected(notebook) == []
    found = states(answers_folder, path)
    assert len(found) >= 3 and set(found.values()) == {"right"}, found
    assert sum(len(verdicts(cell)) for cell in notebook.cells) == 2 * len(found)


@each_lesson
def test_every_exercise_of_the_executed_solution_is_right(path):
    notebook = nbformat.read(build.MASTERS / f"{path.stem}.ipynb", 4)
    assert unexpected(notebook) == []
    assert sum(len(verdicts(cell)) for cell in notebook.cells) >= 3


@each_lesson
def test_the_executed_solution_shows_no_warnings_of_libraries(path):
    notebook = nbformat.read(build.MASTERS / f"{path.stem}.ipynb", 4)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert outputs
    strange = re.compile(r"WARNING|\w+Warning:")  # TensorFlow's come on stdout, too
    for output in outputs:
        assert output.get("name") != "stderr", output
        assert not strange.search(output.get("text", "")), output


@each_lesson
def test_no_solution_in_the_students_notebook(path):
    secrets = build.solution_texts(path)
    assert secrets, "a lesson without a solution has nothing to solve"
    shown = (build.STUDENTS / f"{path.stem}.ipynb").read_text("utf-8")
    lines = {
        line.strip()
        for cell in nbformat.reads(shown, 4).cells
        for line in cell.source.splitlines()
    }
    assert not secrets & lines


@each_lesson
def test_template(path):
    notebook = build.student_notebook(path)
    text = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    for section in SECTIONS:
        assert re.search(rf"^## {section}", text, re.MULTILINE), section
    for word in ("You will be able to", "You need", "Reading", "CPU", "GPU"):
        assert word in text, word
    linked = "colab.research.google.com" in notebook.cells[0].source
    assert linked == bool(build.names_of(path.stem)["path"])
    assert text.count("<details>") >= 3
    code = [c.source for c in notebook.cells if c.cell_type == "code"]
    assert sum("prediction" in source for source in code) >= 4, (
        "two predict-first prompts"
    )
    assert all(not cell.get("outputs") for cell in notebook.cells)
    names = build.names_of(path.stem)
    assert code[0] == build.FETCH.format(**names)
    assert code[1].startswith(build.START.format(**names))
    for source in code:
        assert len(source.splitlines()) <= 30, source
        assert max(map(len, source.splitlines()), default=0) <= 88, source


@each_lesson
def test_folded_code_says_what_it_draws(path):
    for cell in build.student_notebook(path).cells:
        if cell.metadata.get("jupyter", {}).get("source_hidden"):
            assert cell.source.startswith("# @title "), cell.source
            assert cell.metadata["cellView"] == "form"


@each_lesson
def test_executed_solution_has_every_output_and_no_error(path):
    notebook = nbformat.read(build.MASTERS / f"{path.stem}.ipynb", 4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.execution_count, cell.source
            assert all(o.output_type != "error" for o in cell.outputs)


# What makes a figure or an image
DRAWING = {"plt.subplots", "plt.figure", "plt.subplot_mosaic"}
DRAWING |= {f"plots.{name}" for name in ("gallery", "score_chart", "contact_sheet")}


def calls(tree):
    """The names of the functions that a piece of a program calls."""
    return {ast.unparse(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}


@each_lesson
def test_every_figure_is_shown_with_words(path):
    cells = build.solution_notebook(path).cells
    trees = [ast.parse(cell.source) for cell in cells if cell.cell_type == "code"]
    # and the lesson's own functions that call it
    showing = {"plots.show", "widgets.FigureSlider"}
    for tree in trees:
        functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
        showing |= {f.name for f in functions if "plots.show" in calls(f)}
    n_figures = 0
    for tree in trees:
        assert "plt.show" not in calls(tree), ast.unparse(tree)
        if calls(tree) & DRAWING:
            assert calls(tree) & showing, ast.unparse(tree)
            n_figures += 1
    assert n_figures >= 3


@each_lesson
def test_every_image_of_the_executed_solution_has_words(path):
    notebook = nbformat.read(build.MASTERS / f"{path.stem}.ipynb", 4)
    words = []
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            data, metadata = output.get("data", {}), output.get("metadata", {})
            for tag in re.findall("<img [^>]*>", data.get("text/html", "")):
                words += re.findall('alt="([^"]*)"', tag) or [""]
            pictures = [kind for kind in data if kind.startswith("image/")]
            words += [metadata.get(kind, {}).get("alt", "") for kind in pictures]
    assert words
    for text in words:
        assert len(html.unescape(text)) > 20, text


def test_solutions_are_small_together():
    total = sum(path.stat().st_size for path in build.MASTERS.glob("*.ipynb"))
    assert total < 25e6


def test_every_notebook_has_a_master():
    names = {path.stem for path in MASTERS}
    for folder in (build.MASTERS, build.STUDENTS):
        assert {path.stem for path in folder.glob("*.ipynb")} == names


def test_the_syllabus_links_every_lesson():
    page = (ROOT / "README.md").read_text("utf-8")
    for path in MASTERS:
        for link in (f"notebooks/{path.stem}.ipynb", f"solutions/{path.stem}.ipynb"):
            assert f"]({link})" in page


def test_the_first_figure_of_the_readme_is_the_comparison_of_lesson_5():
    with Image.open(build.FIGURE) as shown:
        assert shown.convert("RGB") == build.readme_figure()
