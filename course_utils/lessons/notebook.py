"""What the first cell of every lesson does: the same on a laptop, Colab and Kaggle."""

import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

COURSE = Path(__file__).resolve().parents[2]

DRIVE = Path("/content/drive/MyDrive/image-clustering-course")

# What is kept, by the variable that says where
KEPT = {"COURSE_CACHE": "cache", "KERAS_HOME": "keras", "COURSE_ANSWERS": "answers"}

# Packages whose module has a different name
MODULES = {
    "scikit-learn": "sklearn",
    "scikit-image": "skimage",
    "opencv-python-headless": "cv2",
    "ipython": "IPython",
    "pyyaml": "yaml",
    "pillow": "PIL",
    "umap-learn": "umap",
    "jupyter-scatter": "jscatter",
}


def start(lesson, *, drive=False):
    """Prepare a lesson: packages, checks, figures; say where it runs.

    Parameters
    ----------
    lesson : str
        Its name, like "02_scoring_a_clustering".
    drive : bool, default=False
        On Colab, keep features, weights of networks and your answers on your Google
        Drive, so that they outlive the machine. Colab asks you for permission.

    Returns
    -------
    module
        The checks of the exercises: `checks.ex02_1(answer)`, `checks.hint("2.1")`,
        `checks.summary()`.

    Examples
    --------
    >>> checks = start("02_scoring_a_clustering")  # doctest: +SKIP
    02_scoring_a_clustering, on this computer. There is a GPU: Tesla T4.
    """
    host = hosted()
    if host:
        install_missing()
        # In one place, whatever the working directory
        os.environ.setdefault("COURSE_ANSWERS", str(COURSE.parent / "answers"))
    elif missing := missing_packages():
        print(
            f"Not installed: {', '.join(missing)}. In a terminal, in {COURSE}: "
            f"{sys.executable} -m pip install -r requirements.txt"
        )
    if on_colab():
        from google.colab import output

        output.enable_custom_widget_manager()  # for widgets that Colab does not know
        if drive:
            from google.colab import drive as google_drive

            google_drive.mount("/content/drive")
            for variable, folder in KEPT.items():
                os.environ[variable] = str(DRIVE / folder)
            print(f"Features, weights and answers are kept in {DRIVE}.")
    elif drive:
        print("drive=True is for Colab: here everything is kept on this computer.")
    import matplotlib.pyplot as plt

    from course_utils import plots
    from course_utils.lessons import exercises

    plt.rcParams.update(
        {
            "axes.prop_cycle": plt.cycler(color=plots.PALETTE),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "figure.dpi": 80,
            "image.cmap": "gray",
            "savefig.bbox": "tight",
        }
    )
    show_figures_sharp()
    exercises.begin(lesson)
    print(f"{lesson}, on {host or 'this computer'}. {gpu_sentence()}")
    return exercises


def show_figures_sharp():
    """Show figures at twice their density, those without `plots.show` too."""
    try:
        from IPython import get_ipython
        from matplotlib_inline.backend_inline import set_matplotlib_formats
    except ImportError:
        return
    if get_ipython() is not None:
        set_matplotlib_formats("retina")


def reveal(prediction, outcome, what="it"):
    """Print a prediction beside the outcome; None, no prediction, is fine.

    Parameters
    ----------
    prediction : object
        What you wrote before you ran the cell, or None.
    outcome : object
        What came out; a float is shown with three digits.
    what : str, default="it"
        What was predicted.

    Examples
    --------
    >>> reveal(0.5, 0.28123, "the purity")
    You predicted 0.5; the purity is 0.281.
    """
    shown = f"{outcome:.3g}" if isinstance(outcome, float) else outcome
    if prediction is None or prediction is ...:
        print(f"You made no prediction; {what} is {shown}.")
    else:
        print(f"You predicted {prediction}; {what} is {shown}.")


def on_colab():
    """Whether this notebook runs on Google Colab."""
    return "google.colab" in sys.modules


def hosted():
    """Where in the cloud this notebook runs, or "" on a computer of one's own."""
    if on_colab():
        return "Colab"
    return "Kaggle" if "KAGGLE_KERNEL_RUN_TYPE" in os.environ else ""


def missing_packages():
    """Lines of requirements.txt whose package is not installed in any version."""
    lines = (COURSE / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [
        line
        for line in lines
        if line[:1].isalpha()
        and _is_for_here(line)
        and any(importlib.util.find_spec(name) is None for name in _modules(line))
    ]


def _is_for_here(requirement):
    """Whether its marker holds, if it has one: the kind that requirements.txt has."""
    marker = re.search(r'; platform_machine != "(\w+)"', requirement)
    return not marker or platform.machine() != marker[1]


def _modules(requirement):
    """The modules of a requirement and of its extras: dask[distributed]>=2024.8."""
    name, _, rest = re.split("[<>=!~ ]", requirement)[0].partition("[")
    extras = [extra for extra in rest.rstrip("]").split(",") if extra]
    return [MODULES.get(name, name.replace("-", "_")), *extras]


def install_missing():
    """Install the missing packages; preinstalled ones keep their version."""
    # Hosts show notebooks themselves and need no JupyterLab.
    missing = [line for line in missing_packages() if not line.startswith("jupyterlab")]
    if missing:
        print(f"Installing {', '.join(missing)}.")
        pip = [sys.executable, "-m", "pip", "install", "-q", *missing]
        subprocess.run(pip, check=True)


def gpu_sentence():
    """One plain sentence about the accelerator, found without importing Keras."""
    if shutil.which("nvidia-smi"):
        found = subprocess.run(
            ["nvidia-smi", "-L"], capture_output=True, text=True, encoding="utf-8"
        )
        names = re.findall(r"GPU \d+: (.*?) \(", found.stdout)
        if names:
            return f"There is a GPU: {names[0]}."
    where = "Runtime > Change runtime type gives you one." if on_colab() else ""
    return f"There is no GPU; the bundled networks do without. {where}".strip()
