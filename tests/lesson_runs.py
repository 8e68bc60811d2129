"""Lessons run with every exercise twice: as the student finds it, then solved."""

import re

import build


def stubs_before_solutions(path):
    """The master with the stub of each exercise before its solution."""
    notebook = build.solution_notebook(path)
    stubs = {cell.id: cell for cell in build.student_notebook(path).cells}
    cells, unsolved, solved = [], [], []
    for cell in notebook.cells:
        stub = stubs.get(cell.id)
        if stub and stub.source != cell.source:
            stub.id = f"stub-{cell.id}"
            unsolved.append(stub)
        solved.append(cell)
        if not unsolved or "checks.ex" in cell.source:  # an exercise may span cells
            cells += unsolved + solved
            unsolved, solved = [], []
    notebook.cells = cells + unsolved + solved
    return notebook


def verdicts(cell):
    """What a cell's checks said: texts like "○ 02_1 Purity: not attempted yet"."""
    outputs = cell.get("outputs", ())
    texts = [output.get("data", {}).get("text/plain", "") for output in outputs]
    return [text for text in texts if re.fullmatch(r"[○△●] \d\d_\d.*", text)]


def unexpected(notebook):
    """Verdicts that are not "right", or of a stub not "not attempted yet"."""
    return [
        text
        for cell in notebook.cells
        for text in verdicts(cell)
        if not text.endswith(
            ": not attempted yet" if cell.id.startswith("stub-") else ": right"
        )
    ]
