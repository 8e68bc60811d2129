"""The writer of submissions; probes and seeds of a student id; what `submit` reads."""

import hashlib
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from sample_submissions import SCORES, hand_in, own_functions, runs

from course_utils.experiments import report
from course_utils.experiments.runs import COLUMNS, versions
from course_utils.homework import submission
from course_utils.homework import submission as reader
from course_utils.homework.submission_file import BadSubmission, read_submission
from course_utils.lessons import exercises

pytestmark = pytest.mark.usefixtures("no_answers")


def test_a_submission_says_what_was_handed_in(small, tmp_path):
    path = tmp_path / "anna.zip"
    results, labels = runs(small, "anna01")
    receipt = hand_in(path, small, "anna01", "Änne Ånders", (results, labels))
    assert receipt == hashlib.sha256(path.read_bytes()).hexdigest()
    sent = read_submission(path.read_bytes())
    assert (sent.student_id, sent.name, sent.receipt) == (
        "anna01",
        "Änne Ånders",
        receipt,
    )
    assert sent.images == small.images
    assert sent.image_set["fingerprint"] == small.fingerprint
    assert (sent.digests, sent.true_names, sent.notes) == (None, None, ())
    assert list(sent.labels) == sorted(results["run"])
    for run in sent.runs:
        (row,) = results[results["run"] == run["run"]].to_dict("records")
        assert np.array_equal(sent.labels[run["run"]], labels[run["run"]])
        assert run["claimed"] == {score: row[score] for score in SCORES}
        assert (run["k"], run["seed"]) == (row["k"], row["seed"])
    assert {answer["question"] for answer in sent.answers} == set(submission.QUESTIONS)
    assert sent.exercises == submission.exercise_values("anna01", **own_functions())
    assert sent.versions == versions()


def test_self_supplied_labels_travel_with_the_digests(small, supplied):
    sent = read_submission(supplied)
    own = small.subset(slice(0, None, 2))
    assert sent.digests == own.digests
    assert list(sent.true_names) == own.true_names
    assert sent.image_set["self_supplied_labels"] is True


def test_the_same_content_gives_the_same_bytes(small, good, tmp_path):
    results, labels = runs(small, "anna01")
    turned = results.sample(frac=1, random_state=1), dict(reversed(labels.items()))
    hand_in(tmp_path / "again.zip", small, "anna01", "Anna Anders", turned)
    assert (tmp_path / "again.zip").read_bytes() == good


def test_lessons_travel_without_the_values(small, tmp_path):
    kept = {"ex01_1": {"state": "right", "tries": 3, "value": "secret"}}
    (tmp_path / "answers").mkdir()
    (tmp_path / "answers" / "01_first.json").write_text(json.dumps(kept))
    told = exercises.progress()
    hand_in(tmp_path / "a.zip", small, "anna01", "Anna", progress=told)
    assert b"secret" not in (tmp_path / "a.zip").read_bytes()
    sent = read_submission((tmp_path / "a.zip").read_bytes())
    assert sent.lessons == {"01_first": {"ex01_1": {"state": "right", "tries": 3}}}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"student_id": "anna 01"},
            "Invalid student id 'anna 01': use up to 64 letters",
        ),
        ({"student_id": "../anna"}, "Invalid student id"),
        ({"student_id": "anna\n"}, "Invalid student id"),
        ({"student_id": ""}, "Invalid student id"),
        ({"student_id": "x" * 65}, "Invalid student id"),
        ({"name": ""}, "student.name"),
        ({"answers": {"why?": "x" * 6000}}, "maxLength: 5000"),
        ({"exercises": {"accuracy": [1.0]}}, "exercises"),
        ({"exercises": {"nmi": [float("nan")]}}, "holds NaN"),
    ],
)
def test_what_would_not_be_accepted_is_not_written(small, tmp_path, change, words):
    path = tmp_path / "a.zip"
    path.write_bytes(b"older")
    given = {"student_id": "anna01", "name": "Anna"} | change
    with pytest.raises(ValueError) as raised:
        submission.submit(path, small, *runs(small, "anna01"), **given)
    assert words in str(raised.value)
    assert [p.read_bytes() for p in tmp_path.iterdir()] == [b"older"]


def test_runs_without_labels_or_of_other_pictures_are_refused(small, tmp_path):
    results, labels = runs(small, "anna01")
    run = results["run"][0]
    for wrong in ({}, labels | {run: labels[run][:-1]}):
        with pytest.raises(ValueError, match="has no label for each of the 30"):
            hand_in(tmp_path / "a.zip", small, "anna01", "Anna", (results, wrong))
    doubled = pd.concat([results, results])
    with pytest.raises(BadSubmission, match="twice"):
        hand_in(tmp_path / "a.zip", small, "anna01", "Anna", (doubled, labels))
    assert not list(tmp_path.iterdir())


def test_self_supplied_labels_need_labels(small, tmp_path):
    bare = type(small)(small.name, small.images, small.sources, small.digests)
    with pytest.raises(ValueError, match="has no true labels to hand in"):
        hand_in(
            tmp_path / "a.zip",
            bare,
            "anna01",
            "Anna",
            runs(small, "anna01"),
            self_supplied_labels=True,
        )


# Probes and seeds


def test_probes_are_the_same_on_every_machine():
    text = json.dumps([submission.probes("ab123"), submission.seeds("ab123")])
    assert (
        hashlib.sha256(text.encode()).hexdigest()
        == "53c2eacc0250a0fe444a5ffce5504a48041194d3a739fd3869f8812679c97f07"
    )
    assert submission.seeds("ab123") == [6201, 776, 9147, 2556, 8010]
    assert submission.probes(" AB123 ") == submission.probes("ab123")


def test_probes_are_each_student_s_own_and_never_trivial():
    seen = set()
    for student in range(200):
        pairs = submission.probes(f"s{student}")
        assert len(pairs) == submission.N_PROBES
        seen.add(json.dumps(pairs))
        for true_labels, cluster_labels in pairs:
            assert len(true_labels) == len(cluster_labels) and len(true_labels) >= 30
            assert len(true_labels) <= 60 and len(set(true_labels)) > 1
            values = [
                score(labels_true=true_labels, labels_pred=cluster_labels)
                for score in SCORES.values()
            ]
            assert all(0.01 < value < 0.999 for value in values)
    assert len(seen) == 200


def test_seeds_are_distinct_and_each_student_s_own():
    drawn = [tuple(submission.seeds(f"s{i}", 100)) for i in range(100)]
    assert len(set(drawn)) == 100
    for seeds in drawn:
        assert len(set(seeds)) == 100
        assert all(0 <= seed < 10_000 for seed in seeds)
    assert submission.seeds("s1", 3) == list(drawn[1][:3])


def test_exercise_values():
    def broken(true_labels, cluster_labels):
        raise SyntaxError("not finished")

    values = submission.exercise_values("ab123", **own_functions(nmi=broken))
    (true_labels, cluster_labels), *_ = submission.probes("ab123")
    first = SCORES["purity"](labels_true=true_labels, labels_pred=cluster_labels)
    assert values["purity"][0] == first
    assert values["nmi"] == [None] * submission.N_PROBES
    functions = {
        "purity": lambda t, c: float("nan"),
        "nmi": lambda t, c: np.array([1, 2]),
        "fowlkes_mallows": lambda t, c: np.float32(isinstance(t, np.ndarray)),
    }
    values = submission.exercise_values("ab123", **functions)
    assert values["purity"] == values["nmi"] == [None] * submission.N_PROBES
    assert values["fowlkes_mallows"] == [1.0] * submission.N_PROBES
    assert set(submission.exercise_values("ab123")) == set(SCORES)
    with pytest.raises(ValueError, match="'ari' is not one of purity, nmi"):
        submission.exercise_values("ab123", ari=broken)


# What `submit` reads


@pytest.fixture
def compared(small, tmp_path):
    """The tables of a comparison as `compare` leaves them."""
    results, labels = runs(small, "anna01")
    results["silhouette"] = results["seconds"] = 0.5
    results["image_set"], results["n_images"] = small.name, len(small)
    rows = report._rows(results)
    folder = tmp_path / "compared"
    folder.mkdir()
    report._write_csv(folder / "results.csv", COLUMNS, rows)
    columns = zip(small.images, small.true_names, *labels.values(), strict=True)
    report._write_csv(folder / "labels.csv", ["image", "true_label", *labels], columns)
    about = {"fingerprint": small.fingerprint}
    (folder / "about.json").write_text(json.dumps(about))
    return folder


def test_results_are_read_as_they_were_written(small, compared):
    results, labels = reader.read_results(compared, small)
    expected, expected_labels = runs(small, "anna01")
    assert list(results["run"]) == list(expected["run"])
    assert np.allclose(results["nmi"], expected["nmi"], atol=1e-6)
    for run, found in expected_labels.items():
        assert np.array_equal(labels[run], found)


def test_results_that_are_missing_damaged_or_of_other_pictures(small, compared):
    with pytest.raises(ValueError, match="holds no results"):
        reader.read_results(compared / "nowhere", small)
    with pytest.raises(ValueError, match="are of other pictures than coloured"):
        reader.read_results(compared, small.subset(slice(1, None)))
    table = compared / "labels.csv"
    header, first, second, *rest = table.read_text().splitlines(keepends=True)
    table.write_text("".join([header, second, first, *rest]))
    with pytest.raises(ValueError, match="not in their order any more"):
        reader.read_results(compared, small)
    table.write_text(header.replace("raw/", "x/") + first + second)
    with pytest.raises(ValueError, match="are damaged"):
        reader.read_results(compared, small)
    table.write_text("".join([header, first.replace(",0", ",a")]))
    with pytest.raises(ValueError, match="are damaged"):
        reader.read_results(compared, small)


def test_answers_from_text_or_json(tmp_path):
    path = tmp_path / "answers.txt"
    path.write_bytes("\ufeffFirst – part\n\n-----\nSecond\n".encode())
    expected = dict(zip(submission.QUESTIONS, ["First – part", "Second"], strict=True))
    assert reader.read_answers(path) == expected
    path.write_text('{"Why?": "So."}')
    assert reader.read_answers(path) == {"Why?": "So."}
    for text, words in (
        ("a\n---\nb\n---\nc", "holds 3 answers"),
        ("{broken", "are not JSON"),
        ('{"a": 1}', "every answer must be a text"),
    ):
        path.write_text(text)
        with pytest.raises(ValueError, match=words):
            reader.read_answers(path)
    path.write_bytes(b"\xe4")
    with pytest.raises(ValueError, match="cannot be read"):
        reader.read_answers(path)


def test_functions_of_a_file(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("def nmi(true_labels, cluster_labels):\n    return 0.5\n")
    (name,) = found = reader.functions_of(path)
    assert name == "nmi" and found["nmi"](None, None) == 0.5
    for text, words in (
        ("x = 1", "has none of the functions"),
        ("def (", "raised SyntaxError"),
        ("1 / 0", "raised ZeroDivisionError"),
        ("import sys; sys.exit(3)", "raised SystemExit"),
    ):
        path.write_text(text)
        with pytest.raises(ValueError, match=words):
            reader.functions_of(path)
    with pytest.raises(ValueError, match="is not a file"):
        reader.functions_of(tmp_path / "none.py")


def test_neither_writing_nor_grading_loads_tensorflow():
    script = "import sys; from course_utils import __main__; "
    script += "from course_utils.homework import submission, self_check; "
    script += "from course_utils.homework.grading import gradebook, grader; "
    script += "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT).returncode == 0


def test_submit_knows_the_image_set_of_the_results(tmp_path):
    about = tmp_path / "about.json"
    about.write_text('{"image_set": "stamps-all"}')
    assert reader.image_set_of(tmp_path) == "stamps-all"
    about.write_text('{"image_set": "my photos"}')
    with pytest.raises(ValueError, match="my photos: say with --image-set"):
        reader.image_set_of(tmp_path)
    about.write_text("[]")
    with pytest.raises(ValueError, match="holds no results: run"):
        reader.image_set_of(tmp_path)
