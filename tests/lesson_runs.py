"""Lessons run as a student runs them: unsolved to the end, then solved."""

import ast
import copy
import re

import build

WHOLE = ("13",)  # everything depends on the student's images and id: run it all again


def unsolved_then_solved(path):
    """The lesson as a student finds it, then what changes once it is solved.

    The second part holds the solutions, their checks, and again the cells that depend
    on what the student wrote.
    """
    notebook, unsolved = build.solution_notebook(path), build.student_notebook(path)
    stubs = {cell.id: cell for cell in unsolved.cells}
    changed = {
        cell.id
        for cell in notebook.cells
        if cell.id not in stubs or stubs[cell.id].source != cell.source
    }
    own = {name for i in changed & stubs.keys() for name in names_of(stubs[i])}
    sets = [name for cell in notebook.cells for name in set_by(cell)]
    once = {name for name in sets if sets.count(name) == 1}
    again = []
    for cell in notebook.cells:
        is_setup = "setup" in cell.metadata.get("tags", ())
        if cell.cell_type != "code" or is_setup:
            continue
        is_own = cell.id in changed or uses(cell, own) or "checks." in cell.source
        if is_own or path.stem[:2] in WHOLE:
            again.append(cell)
            own |= set_by(cell) & once  # what depends on it is not the same any more
    for cell in unsolved.cells:
        cell.id = f"stub-{cell.id}"
    notebook.cells = unsolved.cells + copy.deepcopy(again)
    return notebook


def names_of(cell):
    """What the stub of an exercise leaves to the student: functions, and None."""
    tree, found = _parsed(cell), set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign) and ast.unparse(node.value) == "None":
            found |= {target.id for target in node.targets if hasattr(target, "id")}
    return found


def uses(cell, names):
    """Whether a cell reads any of these names, and does not set it itself."""
    found = [node for node in ast.walk(_parsed(cell)) if isinstance(node, ast.Name)]
    return bool(names & {node.id for node in found} - set_by(cell))


def set_by(cell):
    """The variables that a cell sets."""
    targets = [n for n in ast.walk(_parsed(cell)) if isinstance(n, ast.Name)]
    return {node.id for node in targets if isinstance(node.ctx, ast.Store)}


def _parsed(cell):
    """The code of a cell as a tree; commands of IPython and texts are left out."""
    source = cell.source if cell.cell_type == "code" else ""
    return ast.parse(re.sub(r"^(\s*)[%!].*", r"\1pass", source, flags=re.MULTILINE))


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
