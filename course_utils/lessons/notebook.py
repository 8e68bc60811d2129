"""What the first cell of every lesson does: the same on a laptop and on Colab."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

COURSE = Path(__file__).resolve().parents[2]

DRIVE_CACHE = "/content/drive/MyDrive/image-clustering-cache"

# Packages whose module has a different name
MODULES = {
    "scikit-learn": "sklearn",
    "scikit-image": "skimage",
    "opencv-python-headless": "cv2",
    "pyyaml": "yaml",
    "pillow": "PIL",
    "umap-learn": "umap",
    "jupyter-scatter": "jscatter",
}


def start(lesson, *, drive_cache=False):
    """Prepare a lesson: packages, checks, figures; say where it runs.

    Parameters
    ----------
    lesson : str
        Its name, like "02_scoring_a_clustering".
    drive_cache : bool, default=False
        On Colab, keep features on your Google Drive, so that they outlive the machine.
        Colab asks you for permission.

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
    if on_colab():
        install_missing()
        from google.colab import output

        output.enable_custom_widget_manager()  # for widgets that Colab does not know
        if drive_cache:
            from google.colab import drive

            drive.mount("/content/drive")
            os.environ["COURSE_CACHE"] = DRIVE_CACHE
    import matplotlib.pyplot as plt

    from course_utils.lessons import exercises

    plt.rcParams.update(
        {
            "axes.spines.top": False,
            "axes.spines.right": False,
            "figure.dpi": 80,
            "image.cmap": "gray",
            "savefig.bbox": "tight",
        }
    )
    exercises.begin(lesson)
    print(
        f"{lesson}, on {'Colab' if on_colab() else 'this computer'}. {gpu_sentence()}"
    )
    return exercises


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


def missing_packages():
    """Lines of requirements.txt whose package is not installed in any version."""
    lines = (COURSE / "requirements.txt").read_text(encoding="utf-8").splitlines()
    names = {
        line: re.split(r"[\[<>=!~ ]", line)[0] for line in lines if line[:1].isalpha()
    }
    return [
        line
        for line, name in names.items()
        if importlib.util.find_spec(MODULES.get(name, name)) is None
    ]


def install_missing():
    """Install the missing packages; preinstalled ones keep their version."""
    # Colab shows notebooks itself and needs no JupyterLab.
    missing = [line for line in missing_packages() if not line.startswith("jupyterlab")]
    if missing:
        print(f"Installing {', '.join(missing)}.")
        pip = [sys.executable, "-m", "pip", "install", "-q", *missing]
        subprocess.run(pip, check=True)


def gpu_sentence():
    """One plain sentence about the accelerator, found without importing Keras."""
    if shutil.which("nvidia-smi"):
        found = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True)
        names = re.findall(r"GPU \d+: (.*?) \(", found.stdout)
        if names:
            return f"There is a GPU: {names[0]}."
    where = "Runtime > Change runtime type gives you one." if on_colab() else ""
    return f"There is no GPU; the bundled networks do without. {where}".strip()
