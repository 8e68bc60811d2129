"""The writer of submissions; probes and seeds of a student id; what `submit` reads."""

import hashlib
import json
import subprocess
import sys
import zipfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from sample_submissions import SCORES, hand_in, own_functions, runs, unpack

from course_utils.experiments import report
from course_utils.experiments.runs import COLUMNS, versions
from course_utils.homework import own_functions as own_functions_module
from course_utils.homework import submission, submission_file
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
    (tmp_path / "answers" / "01_first.json").write_text(
        json.dumps(kept), encoding="utf-8"
    )
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
        ({"student_id": 12345}, "Invalid student id '12345'"),
        ({"student_id": None}, "Invalid student id"),
        ({"name": ""}, "The name is missing: give it as your instructor knows you."),
        ({"name": " \u3164\u200b"}, "The name is missing"),
        ({"name": None}, "The name is missing"),
        ({"name": "x" * 121}, "The name has 121 characters; at most 120 are allowed."),
        ({"name": "Zo\udceb"}, "The name holds half a character"),
        (
            {"answers": {"why?": "x" * 7312}},
            "Answer 1 has 7,312 characters; at most 5,000 are allowed.",
        ),
        (
            {"answers": {"a": "", "b" * 501: ""}},
            "The question of answer 2 has 501 characters; at most 500",
        ),
        ({"answers": {"why?": None}}, "Answer 1 must be a text, got NoneType."),
        ({"answers": {"": "so"}}, "The question of answer 1 is missing."),
        ({"answers": dict.fromkeys(map(str, range(21)), "")}, "21 answers; at most 20"),
        ({"exercises": {"accuracy": [1.0]}}, "exercises has 'accuracy'"),
        (
            {"exercises": {"nmi": [float("nan")]}},
            "give what `exercise_values` returned",
        ),
        ({"exercises": {"nmi": ["0.5"]}}, "give what `exercise_values` returned"),
        ({"code": {"ari": "def ari(): pass"}}, "code has 'ari'; known are purity"),
        ({"code": {"nmi": "x" * 20_001}}, "The code of nmi has 20,001 characters"),
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
    deep = labels | {run: np.full(30, -2)}
    with pytest.raises(ValueError, match="has the label -2"):
        hand_in(tmp_path / "a.zip", small, "anna01", "Anna", (results, deep))
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


def test_runs_too_many_to_be_sent_are_counted_in_runs(small, tmp_path):
    def table_of(n_runs):
        found = pd.DataFrame({"run": [f"r{i:04}" for i in range(n_runs)]})
        found["representation"], found["algorithm"] = "raw", "l2+kmeans"
        found["k"], found["seed"] = 3, range(n_runs)
        found[["purity", "nmi", "fowlkes_mallows"]] = 0.5
        return found, dict.fromkeys(found["run"], np.arange(30) % 3)

    with pytest.raises(ValueError, match="1,001 runs: at least 0 and at most 1,000"):
        hand_in(tmp_path / "a.zip", small, "anna01", "Anna", table_of(1001))
    many = replace(
        small,
        images=tuple(map(str, range(10_000))),
        digests=("0" * 64,) * 10_000,
        true_labels=None,
    )
    with pytest.raises(ValueError, match=r"500 runs of 10,000 images .* at most 198 "):
        hand_in(tmp_path / "a.zip", many, "anna01", "Anna", table_of(500))
    with pytest.raises(ValueError, match="1 images: at least 2 and at most 200,000"):
        one = small.subset([0])
        hand_in(tmp_path / "a.zip", one, "anna01", "Anna", table_of(1))
    assert not list(tmp_path.iterdir())


def test_the_limits_that_are_said_are_those_of_the_schema():
    schema = json.loads(submission_file.SCHEMA.read_text(encoding="utf-8"))
    parts = schema["properties"]
    answer = parts["answers"]["items"]["properties"]
    assert parts["runs"]["maxItems"] == submission.MAX_RUNS
    assert parts["answers"]["maxItems"] == submission.MAX_ANSWERS
    assert answer["answer"]["maxLength"] == submission.MAX_ANSWER
    assert answer["question"]["maxLength"] == submission.MAX_QUESTION
    for about in ("student", "image_set"):
        name = parts[about]["properties"]["name"]
        assert name["maxLength"] == submission.MAX_NAME
    assert schema["$defs"]["code"]["maxLength"] == own_functions_module.MAX_SOURCE
    assert set(parts["code"]["properties"]) == set(submission.CLAIMED)


def test_the_text_of_the_functions_travels_and_is_only_text(small, tmp_path):
    def purity(true_labels, cluster_labels):
        return 0.5  # ü, \t and a "quote"

    code = submission.source_of(purity=purity, nmi=abs)
    assert "return 0.5" in code["purity"] and code["nmi"] == ""
    hand_in(tmp_path / "a.zip", small, "anna01", "Anna", code=code)
    sent = read_submission((tmp_path / "a.zip").read_bytes())
    assert sent.code == {"purity": code["purity"]}
    file = tmp_path / "mine.py"
    file.write_text(
        "import nowhere\nraise ValueError\n\ndef nmi(t, c):\n    return 1\n\n"
        "purity = lambda t, c: 2\n\ndef helper(): pass\n\nx, y = 1, 2\n",
        encoding="utf-8",
    )
    expected = {
        "nmi": "def nmi(t, c):\n    return 1",
        "purity": "purity = lambda t, c: 2",
    }
    assert submission.source_of(file=file) == expected
    file.write_text("def (", encoding="utf-8")
    assert submission.source_of(file=file) == {}
    file.write_text(
        "def nmi(t, c):\n" + "    # long\n" * 3000 + "    return 1\n", encoding="utf-8"
    )
    assert len(submission.source_of(file=file)["nmi"]) == 20_000


def test_a_file_of_the_first_edition_has_neither_code_nor_picture(good):
    sent = read_submission(good)
    assert "code" not in unpack(good)[0]
    assert (sent.code, sent.contact_sheet, sent.own_pictures) == ({}, None, None)


def test_own_pictures_travel_as_a_contact_sheet(small, tmp_path, supplied):
    sent = read_submission(supplied)
    assert sent.contact_sheet.startswith(b"\xff\xd8\xff") and sent.notes == ()
    assert sent.own_pictures == (15, 3)
    own = small.subset(slice(0, None, 2))
    found = runs(own, "jo09", right=0.3)
    path = tmp_path / "jo.zip"
    hand_in(path, own, "jo09", "Jo", found, self_supplied_labels=True)
    assert path.read_bytes() == supplied  # the same bytes again
    options = {"self_supplied_labels": True, "contact_sheet": False}
    hand_in(path, own, "jo09", "Jo", found, **options)
    assert read_submission(path.read_bytes()).contact_sheet is None


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

    with pytest.warns(UserWarning, match="nmi raised SyntaxError: not finished in"):
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
    with pytest.warns(UserWarning) as told:
        values = submission.exercise_values("ab123", **functions)
    assert [str(w.message).split(":")[0] for w in told] == [
        "purity returned nan",
        "nmi returned an array of shape (2,)",
    ]
    assert values["purity"] == values["nmi"] == [None] * submission.N_PROBES
    assert values["fowlkes_mallows"] == [1.0] * submission.N_PROBES
    assert set(submission.exercise_values("ab123", purity=None)) == set(SCORES)
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
    (folder / "about.json").write_text(json.dumps(about), encoding="utf-8")
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
    header, first, second, *rest = table.read_text("utf-8").splitlines(keepends=True)
    table.write_text("".join([header, second, first, *rest]), encoding="utf-8")
    with pytest.raises(ValueError, match="not in their order any more"):
        reader.read_results(compared, small)
    table.write_text(header.replace("raw/", "x/") + first + second, encoding="utf-8")
    with pytest.raises(ValueError, match="are damaged"):
        reader.read_results(compared, small)
    table.write_text("".join([header, first.replace(",0", ",a")]), encoding="utf-8")
    with pytest.raises(ValueError, match="are damaged"):
        reader.read_results(compared, small)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\ufeffFirst – part\n\n-----\nSecond\n", ["First – part", "Second"]),
        ("a\r\n---\r\nb\r\n", ["a", "b"]),
        ("a\n—\nb", ["a", "b"]),  # what Word makes of ---
        ("only one", ["only one"]),
        ("", [""]),
        ("| x | y |\n| --- | --- |\n| 1 | 2 |\n", None),
        ("1 - 2\n-- x\n--", None),
        ("Answer 1\na\n---\nb\n---\nc\nAnswer 2\nd", ["a\n---\nb\n---\nc", "d"]),
        ("## Answer 2\nd\n\n## Answer 1\na", ["a", "d"]),
        ("**Answer 1:** a\n\nanswer 2: b", ["a", "b"]),
        ("Answer 1\na\nMy answer 2 is there.\n", ["a\nMy answer 2 is there."]),
    ],
)
def test_answers_from_a_text(tmp_path, text, expected):
    path = tmp_path / "answers.txt"
    path.write_bytes(text.encode())
    expected = [text.strip()] if expected is None else expected
    found = reader.read_answers(path)
    assert found == dict(zip(submission.QUESTIONS, expected, strict=False))


def test_the_second_answer_alone(tmp_path):
    path = tmp_path / "answers.txt"
    path.write_text("Answer 2\nb", encoding="utf-8")
    assert reader.read_answers(path) == {submission.QUESTIONS[1]: "b"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a\n---\nb\n---\nc", "holds 3 answers .* put a line `Answer 1` above"),
        ("Title\nAnswer 1\na", "has text above the line `Answer 1`"),
        ("Answer 1\na\nAnswer 1\nb", "has the lines `Answer 1`, `Answer 1`: each of"),
        ("Answer 1\na\nAnswer 3\nb", "`Answer 3`: each of the 2 questions"),
        ("{broken", "are not JSON"),
        ("{" + '"a":{' * 20_000, "are not JSON"),
        ('{"a": 1}', "every answer must be a text"),
        (b"\xe4", "not plain text in UTF-8. Save them as a .txt"),
        ("a".encode("utf-16"), "not plain text in UTF-8"),
        ("x" * (2**20 + 1), "larger than 1024 kB: an answer has at most 5,000 char"),
    ],
)
def test_answers_that_cannot_be_read(tmp_path, text, words):
    path = tmp_path / "answers.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=words):
        reader.read_answers(path)


def test_answers_in_json(tmp_path):
    path = tmp_path / "answers.json"
    path.write_text('{"Why?": "So."}', encoding="utf-8")
    assert reader.read_answers(path) == {"Why?": "So."}


def test_neither_writing_nor_grading_loads_tensorflow():
    script = "import sys; from course_utils import __main__; "
    script += "from course_utils.homework import submission, self_check; "
    script += "from course_utils.homework.grading import gradebook, grader; "
    script += "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT).returncode == 0


def test_submit_knows_the_image_set_of_the_results(tmp_path):
    about = tmp_path / "about.json"
    about.write_text('{"image_set": "stamps-all"}', encoding="utf-8")
    assert reader.image_set_of(tmp_path) == "stamps-all"
    about.write_text('{"image_set": "my photos"}', encoding="utf-8")
    with pytest.raises(ValueError, match="my photos: say with --image-set"):
        reader.image_set_of(tmp_path)
    about.write_text("[]", encoding="utf-8")
    with pytest.raises(ValueError, match="holds no results: run"):
        reader.image_set_of(tmp_path)


@pytest.mark.parametrize("content", [b"", b"a thesis", "a zip of pictures"])
def test_a_submission_replaces_only_submissions(small, tmp_path, content):
    path = tmp_path / "a.zip"
    if isinstance(content, str):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("holiday.jpg", b"\xff")
        content = path.read_bytes()
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.zip is in the way"):
        hand_in(path, small, "anna01", "Anna")
    assert path.read_bytes() == content
    with pytest.raises(ValueError, match="is a folder: give the name of a file"):
        hand_in(tmp_path, small, "anna01", "Anna")
    path.unlink()
    first = hand_in(path, small, "anna01", "Anna")
    assert hand_in(path, small, "anna01", "Anna") == first
