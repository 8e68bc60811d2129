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
import io
import json
import math
import os
import re
import warnings
import zipfile
from pathlib import Path

import pandas as pd

from course_utils._support import files
from course_utils._support.text import has_ink, shown
from course_utils.experiments.runs import versions
from course_utils.homework import contact_sheet as sheets
from course_utils.homework import own_functions, submission_file, untrusted_files
from course_utils.homework.untrusted_files import MAX_BYTES
from course_utils.images import datasets

CLAIMED = ("purity", "nmi", "fowlkes_mallows")
N_PROBES = 6
STUDENT_ID = r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}"
MAX_NAME, MAX_RUNS = 120, 1000
MAX_ANSWERS, MAX_QUESTION, MAX_ANSWER = 20, 500, 5000  # of answers; characters
MAX_ANSWERS_FILE = 2**20  # bytes
# A line that begins with "Answer 2:" or is "Answer 2", also as a heading of Markdown
HEADING = r"(?im)^[#*_ \t]*answer[ \t]+(\d+)[*_ \t]*(?:[:.][*_ \t]*|$)"
QUESTIONS = (
    "Which representation won, if one did, by how much, and why do you think so?",
    "Which images did it put into the wrong cluster, and what misled it?",
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


def exercise_values(
    student_id, *, file=None, timeout=own_functions.TIMEOUT, **functions
):
    """What your own scores give on your probes: `exercises` of `submit`.

    The functions run in a process of their own, one after the other, each time on fresh
    arrays; what they print is not shown, and nobody answers `input`. A function that
    raises, ends Python or does not end costs its own values only. A warning for each
    says what happened, and in which line.

    Parameters
    ----------
    student_id : str
        The probes follow from it.
    file : str or Path, optional
        A .py file that holds the functions, instead of the functions themselves.
    timeout : float
        Seconds for each function.
    **functions : callable
        `purity=…`, `nmi=…`, `fowlkes_mallows=…`, each called as
        `f(true_labels, cluster_labels)` with two integer arrays of equal length.

    Returns
    -------
    dict of {str: list}
        Six numbers per score; None where the function is missing, or did not return a
        finite number.

    Raises
    ------
    ValueError
        For a function of another name, or a file without any of the functions.

    See Also
    --------
    source_of : the text of the functions.

    Examples
    --------
    >>> values = exercise_values("ab123", purity=lambda true, clusters: 0.5)
    >>> values["purity"], values["nmi"]
    ([0.5, 0.5, 0.5, 0.5, 0.5, 0.5], [None, None, None, None, None, None])
    """
    values, sentences = try_functions(
        student_id, file=file, timeout=timeout, **functions
    )
    for sentence in sentences:
        warnings.warn(sentence, stacklevel=2)
    return values


def try_functions(student_id, *, file=None, timeout=own_functions.TIMEOUT, **functions):
    """`exercise_values`, and the sentences that it warns with."""
    unknown = set(functions) - set(CLAIMED)
    if unknown:
        raise ValueError(f"{unknown.pop()!r} is not one of {', '.join(CLAIMED)}.")
    pairs = probes(student_id)
    if file is not None:
        found = own_functions.call_file(file, CLAIMED, pairs, timeout=timeout)
    else:
        given = {name: f for name, f in functions.items() if f is not None}
        found = own_functions.call(given, pairs, timeout=timeout)
    values, troubles = found
    values = {name: values.get(name, [None] * N_PROBES) for name in CLAIMED}
    return values, list(troubles.values())


def source_of(*, file=None, **functions):
    """The text of your own scores: `code` of `submit`.

    Your instructor reads and compares it. The person who receives it never runs it.

    Parameters
    ----------
    file : str or Path, optional
        A .py file that holds the functions, instead of the functions themselves. It is
        read here, and not run.
    **functions : callable
        `purity=…`, `nmi=…`, `fowlkes_mallows=…`.

    Returns
    -------
    dict of {str: str}
        The text of each, "" where there is none. What is longer than 20,000
        characters is cut off.

    Raises
    ------
    ValueError
        If the file is no .py file.

    Examples
    --------
    >>> print(source_of(purity=source_of)["purity"].splitlines()[0])
    def source_of(*, file=None, **functions):
    """
    if file is not None:
        return own_functions.sources_in(file, CLAIMED)
    return {
        name: own_functions.source(function) for name, function in functions.items()
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
    code=None,
    contact_sheet=True,
):
    """Write the file to hand in: a .zip of two texts and, at most, one picture.

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
    code : dict of {str: str}, optional
        The text of your own scores, as `source_of` returns it: to be read and compared
        by your instructor, and never run. Left out by default.
    contact_sheet : bool
        With self-supplied labels, add one small picture that shows your images class by
        class, so that your instructor sees what they are. False leaves it out.

    Returns
    -------
    str
        The receipt: the SHA-256 of the file, in hexadecimal.

    Raises
    ------
    ValueError
        If anything in it would not be accepted, or another file of that name is there;
        the message says what to change.
    """
    if not (isinstance(student_id, str) and re.fullmatch(STUDENT_ID, student_id)):
        raise ValueError(
            f"Invalid student id {shown(str(student_id))}: use up to 64 letters, "
            "digits, or . _ @ -"
        )
    _check_name(name)
    _check_answers(answers or {})
    _check_exercises(exercises or {})
    code = {score: text for score, text in (code or {}).items() if text}
    for score, text in code.items():
        if score not in CLAIMED:
            raise ValueError(f"code has {score!r}; known are {', '.join(CLAIMED)}.")
        _check_length(f"The code of {score}", text, own_functions.MAX_SOURCE)
    columns = _label_columns(image_set, results, labels, self_supplied_labels)
    manifest = {
        "format": submission_file.FORMAT,
        "version": submission_file.VERSION,
        "student": {"id": student_id, "name": name},
        "image_set": {
            "name": image_set.name[:MAX_NAME],
            "fingerprint": image_set.fingerprint,
            "n_images": len(image_set),
            "self_supplied_labels": bool(self_supplied_labels),
        },
        "runs": [
            _run(row)
            for row in results.sort_values("run", kind="stable").to_dict("records")
        ],
        "exercises": exercises or {},
        "answers": [
            {"question": question, "answer": answer}
            for question, answer in (answers or {}).items()
        ],
        "lessons": progress or {},
        "versions": versions(),
    }
    if code:
        manifest["code"] = code
    members = {
        "manifest.json": json.dumps(manifest, indent=1, sort_keys=True).encode(),
        "labels.csv": _csv(columns),
    }
    if self_supplied_labels and contact_sheet:
        members[sheets.NAME] = sheets.draw(image_set)
    data = _zip(members)
    if len(data) > MAX_BYTES:
        raise ValueError(
            f"The file would have {len(data) / 1e6:.0f} MB; at most "
            f"{MAX_BYTES // 1024**2} MB are allowed: hand in fewer runs."
        )
    submission_file.read_submission(data)  # says what would not be accepted
    check_out(path)
    with files.atomic_file(path) as file:
        file.write(data)
    return hashlib.sha256(data).hexdigest()


def check_out(path):
    """Raise ValueError rather than write a submission over another file."""
    if not os.path.lexists(path):
        return
    if Path(path).is_dir():
        raise ValueError(f"{path} is a folder: give the name of a file in .zip.")
    try:
        if not files.is_regular(path):
            raise ValueError(files.in_the_way(path))
        names = {member.filename for member in untrusted_files.zip_members(path)}
    except (OSError, untrusted_files.BadZip):
        names = set()
    if not {"manifest.json", "labels.csv"} <= names:
        raise ValueError(files.in_the_way(path))


def _check_name(name):
    if not isinstance(name, str) or not has_ink(name):
        raise ValueError("The name is missing: give it as your instructor knows you.")
    _check_length("The name", name, MAX_NAME)


def _check_answers(answers):
    if len(answers) > MAX_ANSWERS:
        raise ValueError(f"{len(answers)} answers; at most {MAX_ANSWERS} are allowed.")
    for number, (question, answer) in enumerate(answers.items(), 1):
        if not isinstance(question, str) or not has_ink(question):
            raise ValueError(f"The question of answer {number} is missing.")
        _check_length(f"The question of answer {number}", question, MAX_QUESTION)
        _check_length(f"Answer {number}", answer, MAX_ANSWER)


def _check_length(what, text, most):
    if not isinstance(text, str):
        raise ValueError(f"{what} must be a text, got {type(text).__name__}.")
    if len(text) > most:
        raise ValueError(
            f"{what} has {len(text):,} characters; at most {most:,} are allowed."
        )
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(
            f"{what} holds half a character, {shown(text)}: type it anew."
        ) from None


def _check_exercises(exercises):
    for score, values in exercises.items():
        ok = score in CLAIMED and isinstance(values, list | tuple)
        if not ok or not all(
            value is None or (isinstance(value, int | float) and math.isfinite(value))
            for value in values
        ):
            raise ValueError(
                f"exercises has {shown(str(score))} with values that are not numbers "
                "or None: give what `exercise_values` returned."
            )


def _label_columns(image_set, results, labels, self_supplied_labels):
    """{column of labels.csv: values}, after a look at what cannot be handed in."""
    n_images, runs = len(image_set), sorted(results["run"])
    for number, what, least, most in (
        (n_images, "images", 2, 200_000),
        (len(runs), "runs", 0, MAX_RUNS),
    ):
        if not least <= number <= most:
            raise ValueError(
                f"{number:,} {what}: at least {least} and at most {most:,} can be "
                "handed in."
            )
    columns = {"image": image_set.images}
    if self_supplied_labels:
        if image_set.true_labels is None:
            raise ValueError(f"{image_set.name} has no true labels to hand in.")
        columns |= {"sha256": image_set.digests, "true_label": image_set.true_names}
    twice = submission_file.repeated(runs)
    if twice is not None:
        raise submission_file.BadSubmission(
            f"The results have the run {shown(twice)} twice: hand in each once."
        )
    most = submission_file.MAX_CELLS // (n_images + 1) - len(columns)
    if len(runs) > most:
        raise ValueError(
            f"{len(runs):,} runs of {n_images:,} images are too many labels: hand in "
            f"at most {most:,} runs."
        )
    for run in runs:
        _check_length(f"The name of run {shown(str(run))}", run, 200)
        if run not in labels or len(labels[run]) != n_images:
            raise ValueError(
                f"run {shown(str(run))} has no label for each of the {n_images} "
                "pictures: give the results and labels of one call together."
            )
        columns[run] = [int(label) for label in labels[run]]
        if min(columns[run]) < -1:
            raise ValueError(
                f"run {shown(run)} has the label {min(columns[run])}: of the negative "
                "ones only -1 is a label."
            )
    for text in (*image_set.images, *(image_set.true_names or ())):
        if not text.isascii():
            _check_length(f"The file or class name {shown(text)}", text, 10_000)
    return columns


def _csv(columns):
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(columns)
    rows.writerows(zip(*columns.values(), strict=True))
    return table.getvalue().encode()


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


def _zip(members):
    """The bytes of a .zip, not compressed: so they depend on the content alone."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for member, data in members.items():
            info = zipfile.ZipInfo(member, (1980, 1, 1, 0, 0, 0))
            info.create_system, info.external_attr = 3, 0o644 << 16
            archive.writestr(info, data)
    return buffer.getvalue()


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

    JSON as {question: answer}; or a text in which a line `Answer 1` stands above the
    first answer and a line `Answer 2` above the second. Without such lines a line of
    dashes parts the two. Raises ValueError if it cannot be read.
    """
    text = _answers_text(path)
    if text.lstrip().startswith("{"):
        try:
            answers = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"the answers {path} are not JSON: {error}") from error
        if not all(isinstance(answer, str) for answer in answers.values()):
            raise ValueError(f"the answers {path}: every answer must be a text.")
        return answers
    before, *numbered = re.split(HEADING, text)
    numbers, parts = numbered[::2], numbered[1::2]
    if not numbers:
        parts = re.split(r"(?m)^(?:-{3,}|[–—]+)[ \t]*$", text)
        numbers = [str(number) for number in range(1, len(parts) + 1)]
        if len(parts) > len(QUESTIONS):
            raise ValueError(
                f"{path} holds {len(parts)} answers between lines of dashes, but there "
                f"are {len(QUESTIONS)} questions. If dashes belong to your text, put a "
                "line `Answer 1` above the first answer and `Answer 2` above the "
                "second: then they part nothing."
            )
    elif before.strip():
        raise ValueError(
            f"{path} has text above the line `Answer {numbers[0]}`, which belongs to "
            "no answer: put it below."
        )
    if sorted(set(numbers)) != sorted(numbers) or not set(numbers) <= {
        str(number) for number, _ in enumerate(QUESTIONS, 1)
    }:
        raise ValueError(
            f"{path} has the lines {', '.join(f'`Answer {n}`' for n in numbers)}: each "
            f"of the {len(QUESTIONS)} questions has one answer."
        )
    found = {int(n): part.strip() for n, part in zip(numbers, parts, strict=True)}
    return {QUESTIONS[number - 1]: found[number] for number in sorted(found)}


def _answers_text(path):
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_ANSWERS_FILE + 1)
        if len(data) > MAX_ANSWERS_FILE:
            raise ValueError(
                f"the answers {path} are larger than {MAX_ANSWERS_FILE // 1024} kB: an "
                f"answer has at most {MAX_ANSWER:,} characters. Is it the right file?"
            )
        return data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not plain text in UTF-8"
        raise ValueError(
            f"the answers {path} cannot be read: {why}. Save them as a .txt file."
        ) from error
