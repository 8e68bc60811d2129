"""The house: what stands where, what may import what, and what is declared."""

import ast
import doctest
import importlib
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import ROOT

PACKAGE = ROOT / "course_utils"
ORDER = (
    ("_support", "metrics"),
    ("images",),
    ("representations",),
    ("clustering",),
    ("plots",),
    ("experiments",),
    ("maps",),
    ("widgets",),
    ("homework",),
    ("lessons",),
    ("__main__",),
)
FLOOR = {name: floor for floor, names in enumerate(ORDER) for name in names}
TEN = [n for names in ORDER for n in names if n not in ("_support", "__main__")]
FACADES = [name for name in TEN if (PACKAGE / name).is_dir()]
# Modules that a package of another name brings
BROUGHT_BY = {
    "PIL": "pillow",
    "cv2": "opencv-python-headless",
    "jscatter": "jupyter-scatter",
    "pynndescent": "umap-learn",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "umap": "umap-learn",
    "yaml": "pyyaml",
    "distributed": "dask",
}
NOT_REQUIRED = {
    "keras_hub": "modern networks, online only; the error says what to install",
    "kagglehub": "comes with keras_hub",
    "torch": "another backend of Keras",
    "jax": "another backend of Keras",
    "google": "Colab's own",
    "matplotlib_inline": "comes with IPython's kernel; figures are less sharp without",
}


def modules():
    """(dotted name, path) of every module of course_utils."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        yield ".".join(p for p in parts if p != "__init__"), path


def imports_of(path):
    """The dotted names that a file imports, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def module_of(name, known):
    """The module of course_utils that an imported dotted name is, or is in."""
    while name not in known:
        name = name.rpartition(".")[0]
    return name


def inner_imports():
    """{module: modules of course_utils that it imports}; facades count as packages."""
    known = dict(modules())
    return {
        name: {
            module_of(imported, known)
            for imported in imports_of(path)
            if imported.split(".")[0] == "course_utils"
        }
        for name, path in known.items()
    }


def test_thirteen_entries_each_a_thing_of_the_field():
    entries = {path.stem for path in PACKAGE.iterdir() if path.name != "__pycache__"}
    assert entries == {*FLOOR, "__init__"}
    assert len(entries) <= 13


def test_imports_run_one_way_between_packages():
    for module, imported in inner_imports().items():
        own = module.split(".")[1] if "." in module else None
        for name in imported:
            if own and "." in name and name.split(".")[1] != own:
                other = name.split(".")[1]
                assert FLOOR[other] < FLOOR[own], f"{module} imports {name}"


def test_no_circle_of_modules_inside_a_package():
    graph = inner_imports()
    done, path = set(), []

    def visit(module):
        assert module not in path, f"a circle: {' -> '.join([*path, module])}"
        if module in done:
            return
        path.append(module)
        for name in graph[module] - {module}:
            visit(name)
        path.pop()
        done.add(module)

    for module in graph:
        visit(module)


def test_tests_stand_in_the_same_folders():
    for folder in (ROOT / "tests").iterdir():
        if folder.is_dir() and any(folder.glob("test_*.py")):
            # The claims are those of the lessons, across all packages
            assert folder.name == "claims" or (PACKAGE / folder.name).is_dir(), folder


def test_what_is_imported_is_declared():
    declared = {
        re.split(r"[\[<>=!~ ]", line)[0].lower().replace("_", "-")
        for line in (ROOT / "requirements.txt").read_text("utf-8").splitlines()
        if line[:1].isalpha()
    }
    imported = {
        name.split(".")[0]
        for module, path in modules()
        if "weights.convert" not in module  # run by hand, once
        for name in imports_of(path)
    }
    imported -= {"course_utils", *sys.stdlib_module_names, *NOT_REQUIRED}
    needed = {BROUGHT_BY.get(name, name).lower().replace("_", "-") for name in imported}
    assert needed <= declared, needed - declared


def test_importing_the_course_loads_nothing_heavy():
    code = f"""
import sys
import course_utils
from course_utils import {", ".join(TEN)}
from course_utils.experiments import report
from course_utils.maps import image_map
heavy = {{"tensorflow", "keras", "umap", "numba"}} & set(sys.modules)
sys.exit(", ".join(heavy) or 0)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", sorted((ROOT / "solutions").glob("[0-9]*.py")))
def test_lessons_import_the_ten_names_and_bind_none_of_them(path):
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and "course_utils" in (node.module or ""):
            assert node.module == "course_utils", ast.unparse(node)
            assert {alias.name for alias in node.names} <= set(TEN)
            assert not any(alias.asname for alias in node.names)
    used = {n for n in TEN if f"{n}." in path.read_text("utf-8")}
    bound = {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "course_utils"
        for alias in node.names
    }
    assert used and not imported & bound


@pytest.mark.parametrize("name", FACADES)
def test_a_facade_hides_no_module_behind_a_function(name):
    package = importlib.import_module(f"course_utils.{name}")
    submodules = {path.stem for path in (PACKAGE / name).glob("*.py")}
    assert not submodules & set(package.__all__)
    assert dir(package) == sorted(package.__all__) or set(package.__all__) <= set(
        dir(package)
    )


def called_by_lessons():
    """(package, name) of every function or class that lessons and the README call."""
    texts = [p.read_text("utf-8") for p in (ROOT / "solutions").glob("[0-9]*.py")]
    text = "\n".join([*texts, (ROOT / "README.md").read_text("utf-8")])
    found = set(re.findall(rf"\b({'|'.join(TEN)})\.([A-Za-z]\w*)", text))
    for package, name in sorted(found):
        value = getattr(importlib.import_module(f"course_utils.{package}"), name, None)
        error = inspect.isclass(value) and issubclass(value, Exception)
        if inspect.isfunction(value) or (inspect.isclass(value) and not error):
            yield package, name


@pytest.mark.parametrize(("package", "name"), called_by_lessons())
def test_what_lessons_call_is_documented_as_numpy_documents(package, name):
    value = getattr(importlib.import_module(f"course_utils.{package}"), name)
    text = inspect.getdoc(value) or ""
    first, _, rest = text.partition("\n")
    assert first.endswith("."), f"{name}: {first!r}"
    parameters = [
        parameter
        for parameter in inspect.signature(value).parameters.values()
        if parameter.name != "self"
    ]
    if parameters:
        section = re.split(r"(?:Parameters|Attributes)\n-{10}\n", rest)[1:]
        assert section, f"{name} has no section Parameters"
        section = section[0]
        section = re.split(r"\n\n[A-Z][A-Za-z ]+\n-{3,}\n", section)[0]
        for parameter in parameters:
            assert re.search(rf"\b{parameter.name}\b", section), (name, parameter.name)
    if inspect.isfunction(value) and re.search(r"return \S", inspect.getsource(value)):
        assert re.search(r"(Returns|Yields)\n-------\n", text), f"{name}: no Returns"


def with_examples():
    """The modules whose docstrings hold examples."""
    for module, path in modules():
        if re.search(r">>> (?!.*SKIP)", path.read_text("utf-8")):
            yield module


@pytest.mark.parametrize("module", with_examples())
def test_examples_in_docstrings_say_what_comes_out(module):
    assert not doctest.testmod(importlib.import_module(module)).failed


def test_no_file_is_named_by_its_number_or_a_vague_word():
    vague = "blocks steps grids tables texts parts part_files partitioned hand_in "
    vague += "provenance storage archive utils helpers misc common"
    names = {Path(path).stem for _, path in modules()}
    assert not names & set(vague.split())


PAGES = sorted(
    path
    for pattern in ("*.md", "solutions/**/*.md", "tests/*.md", "datasets/*/*.md")
    for path in ROOT.glob(pattern)
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_a_page_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    for link in links:
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = page if not path else (page.parent / path)
        assert target.exists(), f"{page.name}: {link}"
        if anchor and target.suffix == ".md":
            titles = re.findall(r"^#+ (.+)$", target.read_text("utf-8"), re.MULTILINE)
            slugs = {
                re.sub(r"[^\w -]", "", t.lower()).replace(" ", "-") for t in titles
            }
            assert anchor in slugs, f"{page.name}: {link}"
    assert len(PAGES) >= 6


WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_runs_what_is_here(path):
    text = path.read_text("utf-8")
    for job in yaml.safe_load(text)["jobs"].values():
        commands = "\n".join(step.get("run", "") for step in job["steps"])
        for script in re.findall(r"\.ci/\w+|tests/\S+\.py", commands):
            assert (ROOT / script).is_file(), script
        for mark in re.findall(r"\.ci/readme ([\w-]+)", commands):
            readmes = (ROOT / "README.md", ROOT / "tests" / "README.md")
            assert any(f"<!-- {mark} -->" in p.read_text("utf-8") for p in readmes)
    assert len(text.splitlines()) <= 20


def test_what_ci_runs_may_be_run():
    for script in (ROOT / ".ci").iterdir():
        assert os.access(script, os.X_OK), script
