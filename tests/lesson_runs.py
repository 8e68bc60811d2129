"""Lessons run as a student runs them: unsolved to the end, then solved."""

import ast
import copy
import re

import build


def unsolved_then_solved(path):
    """The lesson as a student finds it, then what changes once it is solved.

    The second part holds the solutions, their checks, and again the cells that use
    what the student wrote.
    """
    notebook, unsolved = build.solution_notebook(path), build.student_notebook(path)
    stubs = {cell.id: cell for cell in unsolved.cells}
    changed = [
        cell
        for cell in notebook.cells
        if cell.id not in stubs or stubs[cell.id].source != cell.source
    ]
    own = {name for cell in changed for name in names_of(cell)}
    changed = {cell.id for cell in changed}
    again = [
        cell
        for cell in notebook.cells
        if cell.cell_type == "code"
        and (cell.id in changed or uses(cell.source, own) or "checks." in cell.source)
        and "setup" not in cell.metadata.get("tags", ())
    ]
    for cell in unsolved.cells:
        cell.id = f"stub-{cell.id}"
    notebook.cells = unsolved.cells + copy.deepcopy(again)
    return notebook


def names_of(cell):
    """What an exercise's cell defines."""
    if cell.cell_type != "code":
        return set()
    tree = ast.parse(
        re.sub(r"^(\s*)[%!].*", r"\1pass", cell.source, flags=re.MULTILINE)
    )
    found = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    targets = [
        t for node in tree.body if isinstance(node, ast.Assign) for t in node.targets
    ]
    return found | {t.id for t in targets if isinstance(t, ast.Name)}


def uses(source, names):
    """Whether a cell names any of these."""
    return any(re.search(rf"\b{re.escape(name)}\b", source) for name in names)


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
