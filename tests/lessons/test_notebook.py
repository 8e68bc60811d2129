"""The first cell of a lesson, on this computer and on a simulated Colab."""

import shutil
import subprocess
import sys
import types
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

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
    modules = tmp_path / "modules" / "google" / "colab"
    modules.mkdir(parents=True)
    (modules / "__init__.py").write_text("from . import drive, output\n")
    (modules / "output.py").write_text(
        "def enable_custom_widget_manager():\n    print('other widgets allowed')\n"
    )
    (modules / "drive.py").write_text(
        "def mount(where):\n    print('mounted', where)\n", encoding="utf-8"
    )
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


def test_colab_fetches_the_course_says_what_is_there_and_can_keep_it_on_drive(
    colab_machine, published_course, monkeypatch
):
    setup = build.SETUP.format(
        lesson="02_scoring", repository=published_course, tag="v1"
    )
    again = 'import course_utils; print("from", course_utils.__file__)'
    drive = (
        'lessons.start("02_scoring", drive_cache=True)\n'
        "from course_utils._support import files\nprint(files.cache_dir())"
    )
    printed = run_cells(colab_machine, COLAB, setup, again, drive)
    assert "02_scoring, on Colab" in printed
    assert "other widgets allowed" in printed
    assert "GPU" in printed
    assert f"from {colab_machine / 'course'}" in printed
    assert "mounted /content/drive" in printed
    assert notebook.DRIVE_CACHE in printed
    # Run again, as after a restarted kernel: what is there is used.
    shutil.rmtree(published_course)
    assert "02_scoring, on Colab" in run_cells(colab_machine, COLAB, setup)


def test_a_laptop_uses_the_course_around_the_notebook(tmp_path):
    setup = build.SETUP.format(lesson="02_scoring", repository="nowhere", tag="none")
    where = "print(COURSE)"
    printed = run_cells(ROOT / "notebooks", setup, where)
    assert "on this computer" in printed and str(ROOT) in printed


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


def test_reveal_holds_prediction_against_outcome(capsys):
    notebook.reveal(0.5, 0.28123, "the purity")
    notebook.reveal(None, 7)
    assert capsys.readouterr().out == (
        "You predicted 0.5; the purity is 0.281.\nYou made no prediction; it is 7.\n"
    )
