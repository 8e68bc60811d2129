"""The first cell of a lesson: on this computer, a simulated Colab, Kaggle, alone."""

import shutil
import subprocess
import sys
import types
from pathlib import Path

import environments
import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from course_utils.lessons import notebook

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "solutions"))

import build  # noqa: E402

COLAB = "import google.colab"  # Colab's kernel has done so before the first cell


@pytest.fixture
def published_course(tmp_path):
    """A repository with the course under the tag v1, as Colab would clone it."""
    repository = tmp_path / "published"
    ignored = shutil.ignore_patterns("__pycache__", "*.ipynb", "weights")
    shutil.copytree(ROOT / "course_utils", repository / "course_utils", ignore=ignored)
    shutil.copy(ROOT / "requirements.txt", repository)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "course"]):
        subprocess.run([*git, *command], cwd=repository, check=True)
    subprocess.run([*git, "tag", "v1"], cwd=repository, check=True)
    return repository


@pytest.fixture
def colab_machine(tmp_path, monkeypatch):
    """An empty folder to work in, `google.colab` to import, Colab's variables."""
    environments.write_stand_in(tmp_path / "modules")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "modules"))
    monkeypatch.setenv("COLAB_RELEASE_TAG", "release-colab")
    monkeypatch.setenv("COLAB_GPU", "0")
    content = tmp_path / "content"
    content.mkdir()
    return content


def run_cells(folder, *sources):
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    client = NotebookClient(
        nbformat.v4.new_notebook(cells=cells),
        timeout=120,
        resources={"metadata": {"path": str(folder)}},
    )
    done = client.execute()
    return "".join(o.get("text", "") for cell in done.cells for o in cell.outputs)


def setup_cell(repository, tag="v1"):
    names = {"lesson": "02_scoring", "repository": repository, "tag": tag}
    return f"{build.FETCH}\n\n{build.START}".format(**names)


def test_colab_fetches_the_course_says_what_is_there_and_can_keep_it_on_drive(
    colab_machine, published_course
):
    setup = setup_cell(published_course)
    again = 'import course_utils; print("from", course_utils.__file__)'
    drive = (
        'checks = lessons.start("02_scoring", drive=True)\n'
        "import os\n"
        "from course_utils._support import files\n"
        "print(files.cache_dir(), os.environ['KERAS_HOME'], checks._folder())"
    )
    printed = run_cells(colab_machine, COLAB, setup, again, drive)
    assert "02_scoring, on Colab" in printed
    assert "other widgets allowed" in printed
    assert "GPU" in printed
    course = colab_machine / "image-clustering"
    assert f"from {course}" in printed
    assert "mounted /content/drive" in printed
    kept = " ".join(str(notebook.DRIVE / name) for name in notebook.KEPT.values())
    assert kept in printed
    # Run again, as after a restarted kernel: what is there is used.
    shutil.rmtree(published_course)
    assert "02_scoring, on Colab" in run_cells(colab_machine, COLAB, setup)


def test_another_folder_or_a_second_run_makes_no_second_copy_and_no_second_answers(
    colab_machine, published_course
):
    setup = setup_cell(published_course)
    where = (
        "import os; print('answers in', checks._folder(), sys.path.count(str(COURSE)))"
    )
    inside = f"import os; os.chdir('{colab_machine}/image-clustering/course_utils')"
    printed = run_cells(
        colab_machine, COLAB, setup, where, setup, where, inside, setup, where
    )
    expected = f"answers in {colab_machine / 'answers'} 1"
    assert printed.count(expected) == 3
    copies = {p.parent for p in colab_machine.rglob("course_utils/__init__.py")}
    assert len(copies) == 1


def test_half_a_copy_is_fetched_anew(colab_machine, published_course):
    half = colab_machine / ".fetching" / "image-clustering" / "course_utils"
    half.mkdir(parents=True)
    (half / "__init__.py").write_text("", encoding="utf-8")
    assert "on Colab" in run_cells(colab_machine, COLAB, setup_cell(published_course))
    assert not half.exists()


@pytest.mark.parametrize(
    ("repository", "words"),
    [
        ("", "it has no address yet"),
        ("/nowhere/course.git", "'/nowhere/course.git' does not exist"),
    ],
)
def test_a_course_that_cannot_be_fetched_is_explained(colab_machine, repository, words):
    with pytest.raises(CellExecutionError) as error:
        run_cells(colab_machine, COLAB, setup_cell(repository))
    said = str(error.value)
    assert words in said and "!unzip -q NAME.zip" in said and "fatal" not in words
    assert not [*colab_machine.rglob("course_utils")]


def test_an_uploaded_folder_is_found_whatever_its_name(colab_machine):
    shutil.copytree(
        ROOT / "course_utils",
        colab_machine / "my-course-main" / "course_utils",
        ignore=shutil.ignore_patterns("__pycache__", "weights"),
    )
    shutil.copy(ROOT / "requirements.txt", colab_machine / "my-course-main")
    printed = run_cells(colab_machine, COLAB, setup_cell(""), "print(COURSE)")
    assert "on Colab" in printed and "my-course-main" in printed


def test_kaggle_installs_what_is_missing_too(tmp_path, published_course, monkeypatch):
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Interactive")
    (tmp_path / "working").mkdir()
    printed = run_cells(tmp_path / "working", setup_cell(published_course))
    assert "02_scoring, on Kaggle" in printed


def test_a_widget_is_displayed_on_colab(colab_machine, published_course):
    source = (
        "from course_utils import widgets\n"
        "import numpy as np\n"
        "widgets.KMeansStepper(np.random.default_rng(0).random((30, 2)))"
    )
    cells = [nbformat.v4.new_code_cell(c) for c in (COLAB, SETUP_HERE, source)]
    client = NotebookClient(
        nbformat.v4.new_notebook(cells=cells),
        timeout=120,
        resources={"metadata": {"path": str(colab_machine)}},
    )
    outputs = client.execute().cells[-1].outputs
    (shown,) = [output for output in outputs if output.output_type != "stream"]
    assert {"application/vnd.jupyter.widget-view+json", "text/plain"} <= set(shown.data)
    assert "colab" in shown.metadata["application/vnd.jupyter.widget-view+json"]


SETUP_HERE = (
    f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
    "from course_utils import lessons\n"
    'checks = lessons.start("02_scoring")'
)


def test_a_laptop_uses_the_course_around_the_notebook(tmp_path):
    where = "print(COURSE)"
    printed = run_cells(ROOT / "notebooks", setup_cell("nowhere", "none"), where)
    assert "on this computer" in printed and str(ROOT) in printed


def test_drive_is_for_colab(capsys):
    notebook.start("02_scoring", drive=True)
    assert "drive=True is for Colab" in capsys.readouterr().out


def test_what_is_not_installed_is_told_on_ones_own_computer(monkeypatch, capsys):
    monkeypatch.setattr(notebook, "missing_packages", lambda: ["umap-learn>=0.5.6"])
    monkeypatch.setattr(notebook.subprocess, "run", pytest.fail)
    notebook.start("02_scoring")
    said = capsys.readouterr().out
    assert "Not installed: umap-learn>=0.5.6." in said
    assert "-m pip install -r requirements.txt" in said


@pytest.mark.parametrize(
    ("line", "modules"),
    [
        ("dask[distributed]>=2024.8", ["dask", "distributed"]),
        ("scikit-learn>=1.4", ["sklearn"]),
        ("fsspec>=2023.6", ["fsspec"]),
        ("pillow-heif", ["pillow_heif"]),
        ("a[b,c] >1", ["a", "b", "c"]),
    ],
)
def test_the_modules_of_a_requirement(line, modules):
    assert notebook._modules(line) == modules


@pytest.mark.parametrize(("machine", "wanted"), [("x86_64", True), ("aarch64", False)])
def test_what_a_machine_cannot_have_is_not_missing(machine, wanted, monkeypatch):
    line = 'openvino>=2025.0; platform_machine != "aarch64"'
    assert line in (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    monkeypatch.setattr(notebook.platform, "machine", lambda: machine)
    monkeypatch.setattr(notebook.importlib.util, "find_spec", lambda name: None)
    assert (line in notebook.missing_packages()) == wanted
    assert "numpy>=1.26" in notebook.missing_packages()


# Where it is published


@pytest.fixture
def settings(monkeypatch):
    def make(repository, tag="main"):
        chosen = {"repository": repository, "tag": tag}
        monkeypatch.setattr(build, "SETTINGS", chosen)

    return make


MASTER = sorted(build.MASTERS.glob("02_*.py"))[0]


@pytest.mark.parametrize("repository", ["", "https://gitlab.com/a/b", "/a/b"])
def test_without_an_address_on_github_there_is_no_badge(settings, repository):
    settings(repository)
    first, *others = build.student_notebook(MASTER).cells
    assert "badge" not in first.source and first.source.count("\n\n") >= 1
    (fetch,) = [c for c in others if "fetch" in c.metadata.get("tags", ())]
    assert f'address, words = "{repository}"' in fetch.source
    assert fetch.metadata["cellView"] == "form"  # its code is folded away


@pytest.mark.parametrize(
    "address", ["https://github.com/me/it", "https://github.com/a-b/c.d.git"]
)
def test_the_address_is_written_everywhere(settings, address):
    settings(address, "v2")
    path = address.removeprefix("https://github.com/").removesuffix(".git")
    notebook_ = build.student_notebook(MASTER)
    link = f"github/{path}/blob/v2/notebooks/{MASTER.stem}.ipynb"
    assert link in notebook_.cells[0].source
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    linked = build.with_links(readme)
    n_lessons = len(list(build.STUDENTS.glob("[0-9][0-9]_*.ipynb")))
    assert linked.count(f"/{path}/blob/v2/notebooks/") == n_lessons > 12
    assert build.with_links(linked) == linked
    settings("")
    assert build.with_links(linked) == build.with_links(readme)
    assert "colab.research" not in build.with_links(linked)


def test_the_readme_and_the_notebooks_have_the_address_of_the_settings():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert build.with_links(readme) == readme
    assert "YOUR-" not in readme


def test_publishing_changes_badges_and_setups_and_nothing_else(
    settings, tmp_path, monkeypatch
):
    for name in ("solutions", "notebooks"):
        (tmp_path / name).mkdir()
    for path in (MASTER, MASTER.with_suffix(".ipynb"), build.MASTERS / "course.toml"):
        shutil.copy(path, tmp_path / "solutions")
    shutil.copy(ROOT / "README.md", tmp_path)
    monkeypatch.setattr(build, "ROOT", tmp_path)
    monkeypatch.setattr(build, "MASTERS", tmp_path / "solutions")
    monkeypatch.setattr(build, "STUDENTS", tmp_path / "notebooks")
    settings("")
    master = tmp_path / "solutions" / MASTER.name
    before = nbformat.read(MASTER.with_suffix(".ipynb"), 4)
    build.publish("https://github.com/me/it", "v2", [master])
    assert build.stale(master) == []
    after = nbformat.read(tmp_path / "solutions" / f"{MASTER.stem}.ipynb", 4)
    assert [c.get("outputs") for c in after.cells] == [
        c.get("outputs") for c in before.cells
    ]
    text = (tmp_path / "solutions" / "course.toml").read_text("utf-8")
    assert build.tomllib.loads(text) == {
        "repository": "https://github.com/me/it",
        "tag": "v2",
    }
    with pytest.raises(SystemExit, match=r"give it like https://github\.com/you"):
        build.publish("github.com/me/it", "v2", [master])


def test_only_what_is_missing_is_installed(monkeypatch):
    commands = []
    present = notebook.importlib.util.find_spec

    def find_spec(name):
        return None if name in ("pooch", "jupyterlab") else present(name)

    monkeypatch.setattr(notebook.importlib.util, "find_spec", find_spec)
    monkeypatch.setattr(
        notebook.subprocess, "run", lambda command, **_: commands.append(command)
    )
    notebook.install_missing()
    (command,) = commands
    assert [word for word in command if word.startswith("pooch")]
    for name in ("tensorflow", "keras", "numpy", "jupyterlab"):
        assert not any(word.startswith(name) for word in command)


def test_nothing_is_installed_when_all_is_there(monkeypatch):
    monkeypatch.setattr(notebook, "missing_packages", lambda: ["jupyterlab>=4.0"])
    monkeypatch.setattr(notebook.subprocess, "run", pytest.fail)
    notebook.install_missing()


def test_every_requirement_is_importable_under_the_name_we_look_for():
    assert notebook.missing_packages() == []


def test_gpu_sentence_names_the_gpu(monkeypatch):
    listed = types.SimpleNamespace(stdout="GPU 0: Tesla T4 (UUID: GPU-1)\n")
    monkeypatch.setattr(notebook.shutil, "which", lambda name: "/usr/bin/" + name)
    monkeypatch.setattr(notebook.subprocess, "run", lambda *_, **__: listed)
    assert notebook.gpu_sentence() == "There is a GPU: Tesla T4."


@pytest.mark.parametrize("shell", [None, "a shell"])
def test_figures_without_words_are_sharp_in_a_notebook(shell, monkeypatch):
    asked = []
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    inline = types.SimpleNamespace(set_matplotlib_formats=asked.append)
    monkeypatch.setitem(sys.modules, "matplotlib_inline.backend_inline", inline)
    notebook.show_figures_sharp()
    assert asked == (["retina"] if shell else [])
    monkeypatch.setitem(sys.modules, "matplotlib_inline.backend_inline", None)
    notebook.show_figures_sharp()  # an older kernel: nothing happens


def test_reveal_holds_prediction_against_outcome(capsys):
    notebook.reveal(0.5, 0.28123, "the purity")
    notebook.reveal(None, 7)
    assert capsys.readouterr().out == (
        "You predicted 0.5; the purity is 0.281.\nYou made no prediction; it is 7.\n"
    )
