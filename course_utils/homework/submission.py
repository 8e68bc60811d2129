"""What a student hands in: one file with the labels of every run, not only its scores.

    homework.submit("anna.zip", image_set, results, labels, student_id="ab123", …)

The grader recomputes every score from the labels, so nothing has to be believed. It
checks the student's own purity, NMI and Fowlkes-Mallows by the values they gave on
*probes*, pairs of small partitions that follow from the student id. `submission_file`
reads such files; their format is published in submission.schema.json. The second half
of this module reads what `python -m course_utils submit` is given.
"""

import csv
import hashlib
import importlib.machinery
import importlib.util
import io
import json
import math
import re
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

from course_utils._support import files
from course_utils._support.text import shown
from course_utils.experiments.runs import versions
from course_utils.homework import submission_file
from course_utils.images import datasets

CLAIMED = ("purity", "nmi", "fowlkes_mallows")
N_PROBES = 6
STUDENT_ID = r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}"
QUESTIONS = (
    "Which representation won, by how much, and why do you think it did?",
    "Which pictures did it put into the wrong cluster, and what misled it?",
)


def probes(student_id):
    """The (true_labels, cluster_labels) on which this student's scores are tried.

    Returns: `N_PROBES` pairs of lists of int, 30 to 60 long, the same on every machine.
    """
    pairs = []
    for number in range(N_PROBES):
        noise = _bytes(f"probe {number}", student_id, 256)
        n_images, n_classes, n_clusters = (
            30 + noise[0] % 31,
            2 + noise[1] % 5,
            2 + noise[2] % 7,
        )
        true_labels = [byte % n_classes for byte in noise[8 : 8 + n_images]]
        # About half of the pictures follow their class, so that no score is near 0.
        draws = zip(true_labels, noise[72:], noise[136:], strict=False)
        cluster_labels = [
            (true if keep % 2 else other) % n_clusters for true, keep, other in draws
        ]
        pairs.append((true_labels, cluster_labels))
    return pairs


def seeds(student_id, n=5):
    """Random seeds of this student, so that the runs of two honest students differ.

    Parameters
    ----------
    student_id : str
        Capitals and spaces around it do not matter.
    n : int
        How many seeds.

    Returns
    -------
    list of int
        n different numbers below 10,000, the same on every machine.

    Examples
    --------
    >>> seeds("ab123", 3) == seeds("AB123", 3)
    True
    >>> len(set(seeds("ab123", 5)))
    5
    """
    noise = _bytes("seeds", student_id, 8 * n + 64)
    numbers = [noise[i] * 256 + noise[i + 1] for i in range(0, len(noise), 2)]
    return list(dict.fromkeys(number % 10_000 for number in numbers))[:n]


def exercise_values(student_id, **functions):
    """What your own scores give on your probes: `exercises` of `submit`.

    Parameters
    ----------
    student_id : str
        The probes follow from it.
    **functions : callable
        `purity=…`, `nmi=…`, `fowlkes_mallows=…`, each called as
        `f(true_labels, cluster_labels)` with two integer arrays of equal length.

    Returns
    -------
    dict of {str: list}
        Six numbers per score; None where the function is missing, returned None or
        raised an exception.

    Raises
    ------
    ValueError
        For a function of another name.

    Examples
    --------
    >>> values = exercise_values("ab123", purity=lambda true, clusters: 0.5)
    >>> values["purity"], values["nmi"]
    ([0.5, 0.5, 0.5, 0.5, 0.5, 0.5], [None, None, None, None, None, None])
    """
    unknown = set(functions) - set(CLAIMED)
    if unknown:
        raise ValueError(f"{unknown.pop()!r} is not one of {', '.join(CLAIMED)}.")
    pairs = [tuple(map(np.array, pair)) for pair in probes(student_id)]
    return {
        name: [_number(functions.get(name), *pair) for pair in pairs]
        for name in CLAIMED
    }


def submit(
    path,
    image_set,
    results,
    labels,
    *,
    student_id,
    name,
    exercises=None,
    answers=None,
    progress=None,
    self_supplied_labels=False,
):
    """Write the file to hand in: a .zip of two texts, without images or code.

    The same content gives the same bytes. An older file of that name stays as it is if
    anything in the new one would not be accepted.

    Parameters
    ----------
    path : str or Path
        The file to write, a .zip.
    image_set : ImageSet
        The images that were clustered.
    results, labels : DataFrame, dict of {run: array (n_images,)}
        What `experiments.run` returned, or several of them joined.
    student_id, name : str
        The id: up to 64 letters, digits, or . _ @ -
    exercises : dict, optional
        What `exercise_values` returned for your own scores.
    answers : dict of {question: answer}, optional
        Your written answers to `QUESTIONS`.
    progress : dict, optional
        How far you are in the lessons: `checks.progress()`.
    self_supplied_labels : bool
        True for images that the instructor does not have. Then their SHA-256 digests
        and true labels, not the images, are added.

    Returns
    -------
    str
        The receipt: the SHA-256 of the file, in hexadecimal.

    Raises
    ------
    ValueError
        If anything in it would not be accepted; the message says what to change.
    """
    if not re.fullmatch(STUDENT_ID, student_id):
        raise ValueError(
            f"Invalid student id {shown(student_id)}: use up to 64 letters, digits, "
            "or . _ @ -"
        )
    columns = {"image": image_set.images}
    if self_supplied_labels:
        if image_set.true_labels is None:
            raise ValueError(f"{image_set.name} has no true labels to hand in.")
        columns |= {"sha256": image_set.digests, "true_label": image_set.true_names}
    results = results.sort_values("run", kind="stable")
    for run in results["run"]:
        if run not in labels or len(labels[run]) != len(image_set):
            raise ValueError(
                f"run {shown(str(run))} has no label for each of the {len(image_set)} "
                "pictures: give the results and labels of one call together."
            )
        columns[run] = [int(label) for label in labels[run]]
    manifest = {
        "format": submission_file.FORMAT,
        "version": submission_file.VERSION,
        "student": {"id": student_id, "name": name},
        "image_set": {
            "name": image_set.name,
            "fingerprint": image_set.fingerprint,
            "n_images": len(image_set),
            "self_supplied_labels": bool(self_supplied_labels),
        },
        "runs": [_run(row) for row in results.to_dict("records")],
        "exercises": exercises or {},
        "answers": [
            {"question": question, "answer": answer}
            for question, answer in (answers or {}).items()
        ],
        "lessons": progress or {},
        "versions": versions(),
    }
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(columns)
    rows.writerows(zip(*columns.values(), strict=True))
    texts = {
        "manifest.json": json.dumps(manifest, indent=1, sort_keys=True),
        "labels.csv": table.getvalue(),
    }
    data = _zip(texts)
    submission_file.read_submission(data)  # says what would not be accepted
    with files.atomic_file(path) as file:
        file.write(data)
    return hashlib.sha256(data).hexdigest()


def _run(row):
    def claimed(value):
        return None if pd.isna(value) else float(value)

    return {
        "run": row["run"],
        "representation": row["representation"],
        "algorithm": row["algorithm"],
        "k": int(row["k"]),
        "seed": int(row["seed"]),
        "claimed": {score: claimed(row[score]) for score in CLAIMED},
    }


def _zip(texts):
    """The bytes of a .zip, not compressed: so they depend on the content alone."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for member, text in texts.items():
            info = zipfile.ZipInfo(member, (1980, 1, 1, 0, 0, 0))
            info.create_system, info.external_attr = 3, 0o644 << 16
            archive.writestr(info, text.encode("utf-8"))
    return buffer.getvalue()


def _number(function, true_labels, cluster_labels):
    """What the function gives, or None if that is no number."""
    try:
        value = float(function(true_labels, cluster_labels))
    except Exception:  # whatever the student's own code raises
        return None
    return value if math.isfinite(value) else None


def _bytes(purpose, student_id, size):
    """As many bytes, which follow from the student id alone."""
    text = f"{purpose} of {student_id.strip().lower()}"
    return hashlib.shake_256(text.encode()).digest(size)


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
