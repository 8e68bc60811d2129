"""What `python -m course_utils submit` reads: results, your functions, your answers."""

import importlib.machinery
import importlib.util
import json
import re
from pathlib import Path

import pandas as pd

from course_utils import datasets
from course_utils.submission import CLAIMED, QUESTIONS


def image_set_of(folder):
    """The name of the image set whose results lie in a folder that `compare` wrote.

    Raises ValueError if there are none, or if the pictures are somebody's own: where
    those lie is not written down.
    """
    try:
        name = json.loads(Path(folder, "about.json").read_text("utf-8"))["image_set"]
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{folder} holds no results: run `python -m course_utils compare --out "
            f"{folder}` first."
        ) from error
    if name not in datasets.NAMES:
        raise ValueError(
            f"the results in {folder} are of {name}: say with --image-set in which "
            "folder these pictures lie."
        )
    return name


def read_results(folder, image_set):
    """What `compare` left in a folder: (results, labels) as `experiments.run` gives.

    Raises ValueError if there is none, or if it is of other pictures than image_set.
    """
    folder = Path(folder)
    try:
        results = pd.read_csv(folder / "results.csv")
        table = pd.read_csv(
            folder / "labels.csv", dtype={"image": str}, na_filter=False
        )
        about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
        runs, print_of = list(results["run"]), about["fingerprint"]
        labels = {run: table[run].to_numpy(dtype=int) for run in runs}
        in_order = list(table["image"]) == list(image_set.images)
    except OSError as error:
        raise ValueError(
            f"{folder} holds no results ({error.strerror}: {error.filename}): run "
            f"`python -m course_utils compare --out {folder}` first."
        ) from error
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"the tables in {folder} are damaged ({error}): run `compare` again."
        ) from error
    if print_of != image_set.fingerprint:
        raise ValueError(
            f"the results in {folder} are of other pictures than {image_set.name}: say "
            "which with --image-set, or run `compare` again."
        )
    if not in_order:
        raise ValueError(
            f"the rows of {folder / 'labels.csv'} are not in their order any more: run "
            "`compare` again."
        )
    return results, labels


def read_answers(path):
    """Written answers from a file: {question: answer}.

    JSON as {question: answer}; any other text answers the first of `QUESTIONS`, and
    after a line of dashes the next. Raises ValueError if it cannot be read.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"the answers {path} cannot be read: {error}") from error
    if text.lstrip().startswith("{"):
        try:
            answers = json.loads(text)
        except ValueError as error:
            raise ValueError(f"the answers {path} are not JSON: {error}") from error
        if not all(isinstance(answer, str) for answer in answers.values()):
            raise ValueError(f"the answers {path}: every answer must be a text.")
        return answers
    parts = [part.strip() for part in re.split(r"(?m)^-{3,}\s*$", text)]
    if len(parts) > len(QUESTIONS):
        raise ValueError(
            f"{path} holds {len(parts)} answers between lines of dashes, but there are "
            f"{len(QUESTIONS)} questions."
        )
    return dict(zip(QUESTIONS, parts, strict=False))


def functions_of(path):
    """The functions purity, nmi and fowlkes_mallows of a Python file of your own.

    Runs that file. Raises ValueError if none of the three is in it.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path} is not a file: give the .py with your three scores.")
    loader = importlib.machinery.SourceFileLoader("own_scores", str(path))
    spec = importlib.util.spec_from_loader("own_scores", loader)
    module = importlib.util.module_from_spec(spec)
    try:
        loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise ValueError(f"{path} raised {type(error).__name__}: {error}") from error
    found = {n: getattr(module, n) for n in CLAIMED if hasattr(module, n)}
    if not found:
        raise ValueError(f"{path} has none of the functions {', '.join(CLAIMED)}.")
    return found
