"""submit, check and grade on the command line, from a comparison to the pages."""

import csv
import hashlib
import html.parser
import os
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT
from sample_submissions import DEADLINE, SCRIPT, make_class
from small_sets import contents, one_thread, write_folder  # noqa: F401

from course_utils.__main__ import main
from course_utils._support.text import BIDIRECTIONAL, FORMULA
from course_utils.homework import submission_file
from course_utils.images import datasets

pytestmark = pytest.mark.usefixtures("no_answers")
FUNCTIONS = """
from course_utils import metrics

def nmi(true_labels, cluster_labels):
    return metrics.nmi(labels_true=true_labels, labels_pred=cluster_labels)

def purity(true_labels, cluster_labels):
    return None
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """What `compare` leaves, made once."""
    place = tmp_path_factory.mktemp("compared")
    write_folder(place / "set", contents()[0])
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        patch.setenv("COURSE_CACHE", str(place / "cache"))
        names = ("--representations", "raw,colour", "--algorithms", "ward")
        assert main(["compare", "set", *names]) == 0
    return place / "results"


@pytest.fixture
def call(tmp_path, capsys, monkeypatch, results):
    """call(...) → (exit status, stdout, stderr) of the command, run in tmp_path."""
    monkeypatch.chdir(tmp_path)
    write_folder(tmp_path / "set", contents()[0])
    shutil.copytree(results, tmp_path / "results")
    (tmp_path / "mine.py").write_text(FUNCTIONS, encoding="utf-8")
    (tmp_path / "answers.txt").write_text(
        "Colour, since each class has its own.\n", encoding="utf-8"
    )

    def command(*arguments):
        capsys.readouterr()
        status = main([str(a) for a in arguments])
        return status, *capsys.readouterr()

    return command


SUBMIT = ("submit", "results", "--student", "ab123", "--name", "Änne", "--image-set")


def test_from_compare_over_submit_and_check_to_grade(call, tmp_path):
    more = ("set", "--functions", "mine.py", "--answers", "answers.txt")
    status, out, err = call(*SUBMIT, *more)
    assert status == 0, err
    written = tmp_path / "ab123.zip"
    assert out.startswith("wrote ab123.zip\n7 words answer 'Which representation won, ")
    assert "note: purity returned None: it must return a number." in err
    assert "note: mine.py has no function fowlkes_mallows." in err
    sent = submission_file.read_submission(written.read_bytes())
    assert sent.code["purity"].startswith("def purity(") and len(sent.code) == 2
    assert sent.contact_sheet and sent.own_pictures == (15, 3)
    report = out.partition("\n\n")[2]
    assert report.startswith("Änne (ab123), set: 2 runs, 2 of them are counted.")
    for line in (
        "  0 of  10  purity: 0 of 6 values are right",
        " 10 of  10  nmi: 6 of 6 values are right",
        "  0 of   8  nmi_over_raw: too few pictures of one's own: 15, at least 20",
        "By the default rubric, unless your instructor gave you another.",
        "* Of several files the last counts, and only your latest 10 are looked at.",
        "  ? of  20  answers: 1 written answer, not marked yet",
        f"Receipt (SHA-256): {hashlib.sha256(written.read_bytes()).hexdigest()}",
    ):
        assert line in report
    assert "exactly the true classes" in report  # the student knows beforehand
    assert "images and classes are your own." in report
    status, out, err = call("check", written, "--image-set", "set")
    assert (status, out) == (0, report), err
    (tmp_path / "theirs.yaml").write_text(
        "count: best\nown_pictures: {min_pictures: 9}\n",
        encoding="utf-8",
    )
    theirs = ("--rubric", "theirs.yaml")
    status, out, err = call("check", written, "--image-set", "set", *theirs)
    assert (status, "By the default rubric" in out) == (0, False), err
    assert "  0 of   8  nmi_over_raw: 'colour' with 'ward', k 3: mean NMI 1.0" in out
    assert "  4 of  12  controls: raw pixels with 1 of 1 algorithms; 3 or more" in out
    assert "Of several files the best counts" in out
    status, submitted, err = call(*SUBMIT, *more, "--out", "other.zip", *theirs)
    assert status == 0 and submitted.endswith(out), err
    status, _, err = call(*SUBMIT, *more, "--out", "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == written.read_bytes()

    (tmp_path / "sent").mkdir()
    written.rename(tmp_path / "sent" / "annenne_1_2_ab123.zip")
    (tmp_path / "sent" / "bo_3_4_b.zip").write_bytes(b"broken")
    status, out, err = call("grade", "sent", "--image-set", "set", "--out", "graded")
    assert status == 0, err
    assert out.startswith("2 files of 2 students: 1 scored, 0 late, 1 files could not")
    assert (tmp_path / "graded" / "overview.html").exists()
    table = tmp_path / "graded" / "marks.csv"
    text = table.read_text(encoding="utf-8-sig")
    header, row = text.splitlines()
    assert header == "student_id,name,code,answer_1,answer_2"
    assert row.startswith("1,annenne,") and row.endswith(",,")
    table.write_text(f"{header}\n{row[:-2]},7.5,", encoding="utf-8")
    (tmp_path / "graded" / "adjustments.csv").write_text(
        "student_id,add_points,comment\n1,-1,spoke too softly\n",
        encoding="utf-8",
    )
    grade = ("grade", "sent", "--image-set", "set", "--out", "graded")
    status, _, err = call(*grade)  # both tables are read from where they are
    assert status == 0, err
    with open(tmp_path / "graded" / "grades.csv", encoding="utf-8-sig") as file:
        found = next(csv.DictReader(file))
    assert found["answers_points"] == "7.5"
    assert found["adjustments"] == "−1 points: spoke too softly"
    assert (
        (tmp_path / "graded" / "adjustments.csv")
        .read_text("utf-8")
        .endswith("softly\n")
    )


FATAL = {
    "exit": "def nmi(t, c):\n    exit()\n",
    "os._exit": "import os\n\ndef nmi(t, c):\n    os._exit(0)\n",
    "input": "def nmi(t, c):\n    return float(input('nmi? '))\n",
    "an error": "def nmi(t, c):\n    return undefined\n",
    "a file that exits": "def purity(t, c):\n    return 0.5\n\nexit()\n",
    "a file that ends": "import os\n\nos._exit(0)\n",
    "a file with an error": "def nmi(t, c):\n    return 0.5\n\n1 / 0\n",
    "no Python": "def nmi(t, c)\n    return 0.5\n",
}


@pytest.mark.parametrize("what", FATAL)
def test_the_file_is_written_whatever_the_functions_do(call, tmp_path, what):
    (tmp_path / "own.py").write_text(FATAL[what], encoding="utf-8")
    status, out, err = call(*SUBMIT, "set", "--functions", "own.py")
    assert status == 0 and "Traceback" not in err
    assert "note: " in err and ("own.py" in err or "exit code 0" in err)
    sent = submission_file.read_submission((tmp_path / "ab123.zip").read_bytes())
    assert sent.exercises["fowlkes_mallows"] == [None] * 6
    assert "fowlkes_mallows: 0 of 6 values are right" in out


def test_code_and_pictures_can_be_left_out(call, tmp_path):
    more = ("--functions", "mine.py", "--no-code", "--no-contact-sheet")
    assert call(*SUBMIT, "set", *more)[0] == 0
    sent = submission_file.read_submission((tmp_path / "ab123.zip").read_bytes())
    assert (sent.code, sent.contact_sheet) == ({}, None)


SENTENCES = [
    ((*SUBMIT[:5], "Ä", "--image-set", "nowhere"), "no image set and no folder"),
    (("submit", "none", *SUBMIT[2:], "set"), "none holds no results"),
    ((*SUBMIT, "set", "--functions", "none.py"), "none.py is not a file"),
    ((*SUBMIT, "set", "--functions", "answers.txt"), "answers.txt"),
    ((*SUBMIT, "set", "--answers", "none.txt"), "none.txt cannot be read"),
    ((*SUBMIT[:3], "a/b", *SUBMIT[4:], "set"), "Invalid student id 'a/b'"),
    ((*SUBMIT[:3], "../up", *SUBMIT[4:], "set"), "Invalid student id '../up'"),
    ((*SUBMIT[:5], "", *SUBMIT[6:], "set"), "The name is missing: give it as"),
    ((*SUBMIT[:5], "x" * 121, *SUBMIT[6:], "set"), "The name has 121 characters; at"),
    ((*SUBMIT, "set", "--answers", "long.txt"), "Answer 1 has 7,312 characters; at"),
    (
        (*SUBMIT, "set", "--answers", "three.txt"),
        "put a line `Answer 1` above the",
    ),
    ((*SUBMIT, "set", "--rubric", "none.yaml"), "the rubric none.yaml cannot be read"),
    ((*SUBMIT, "set", "--rubric", "far.yaml"), "line 1: best_nmi: it has 40 points"),
    (("check", "x", "--image-set", "set", "--rubric", "far.yaml"), "line 1: best_nmi"),
    ((*SUBMIT, "set", "--out", "mine.py/x.zip"), "mine.py"),
    (("check", "none.zip", "--image-set", "set"), "none.zip cannot be read"),
    (("check", "set", "--image-set", "set"), "set cannot be read"),
    (("check", "mine.py", "--image-set", "set"), "would get no points: not a .zip"),
    (("check", "x", "--image-set", "set", "--rubric", "y"), "the rubric y cannot be"),
    (("grade", "none", "--image-set", "set", "--out", "o"), "neither a folder nor"),
    (("grade", "empty", "--image-set", "set", "--out", "o"), "holds no submissions"),
    (("grade", "set", "--image-set", "set", "--out", "set/o"), "lies in the subm"),
    (("grade", "set", "--image-set", "set", "--out", "set"), "lies in the submissions"),
]
for option, value, words in (
    ("--deadline", "tomorrow", "is not a time in ISO 8601"),
    ("--deadline", "2026-11-30T23:59", "say the time zone"),
    ("--roster", "none.csv", "none.csv cannot be read"),
    ("--roster", "mine.py", "mine.py is no roster"),
    ("--marks", "none.csv", "none.csv cannot be read"),
    ("--marks", "mine.py", "mine.py is no table of marks"),
    ("--times", "none.csv", "none.csv cannot be read"),
    ("--rubric", "none.yaml", "the rubric none.yaml cannot be read"),
):
    arguments = ("grade", "set", "--image-set", "set", "--out", "o", option, value)
    SENTENCES.append((arguments, words))


@pytest.mark.parametrize(("arguments", "words"), SENTENCES)
def test_what_is_wrong_is_said_in_a_sentence(arguments, words, call, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "long.txt").write_text("x" * 7312, encoding="utf-8")
    (tmp_path / "three.txt").write_text("a\n---\nb\n---\nc", encoding="utf-8")
    (tmp_path / "far.yaml").write_text(
        "points: {best_nmi: {points: 40}}", encoding="utf-8"
    )
    before = sorted(tmp_path.rglob("*"))
    status, _, err = call(*arguments)
    assert status == 2
    assert err.startswith("course_utils: ") and words in err
    assert "Traceback" not in err and len(err.splitlines()) == 1
    made = [p for p in tmp_path.rglob("*") if p not in before]
    assert [p for p in made if "__pycache__" not in p.parts] == []


# A whole class, with everything that is bad


class Page(html.parser.HTMLParser):
    """The tags and the visible text of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """{folder: path} after the samples were graded twice, in two processes."""
    place = tmp_path_factory.mktemp("graded")
    write_folder(place / "set", contents(10)[0])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_ANSWERS", str(place / "answers"))
        make_class(place / "sent", datasets.load(place / "set", progress=False))
    before = digests(place)
    script = (
        "import sys; from course_utils.__main__ import main; done = main(sys.argv[1:])"
    )
    script += "; sys.exit(done or 9 * ('tensorflow' in sys.modules))"
    command = [sys.executable, "-c", script, "grade", "sent", "--image-set", "set"]
    command += ["--deadline", DEADLINE.isoformat(), "--times", "files", "--replay", "0"]
    for out in "12":
        environment = os.environ | {"PYTHONHASHSEED": out, "PYTHONPATH": str(ROOT)}
        options = {"cwd": place, "env": environment, "capture_output": True}
        found = subprocess.run([*command, "--out", out], text=True, **options)
        assert found.returncode == 0, found.stdout + found.stderr  # 9: TensorFlow
    return {"place": place, "before": before, "said": found.stdout}


def digests(folder):
    """{file inside: its digest and time}"""
    return {
        path.relative_to(folder).as_posix(): (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            path.stat().st_mtime_ns,
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_folder_gives_the_same_bytes(graded):
    one, two = (digests(graded["place"] / out) for out in "12")
    assert {f: d for f, (d, _) in one.items()} == {f: d for f, (d, _) in two.items()}
    assert len(one) > 15


def test_nothing_is_changed_and_nothing_is_written_elsewhere(graded):
    after = digests(graded["place"])
    outside = {f: d for f, d in after.items() if f.split("/")[0] not in "12"}
    assert outside == graded["before"]
    assert graded["said"].startswith("15 files of 11 students: 9 scored, 1 late, 4")


def test_script_is_text_on_every_page(graded):
    pages = sorted((graded["place"] / "1").rglob("*.html"))
    assert len(pages) > 12
    shown_on = 0
    for path in pages:
        text = path.read_text(encoding="utf-8")
        page = Page(text)
        tags = [tag for tag, _ in page.tags]
        assert not {"iframe", "object", "link", "form"} & {*tags}
        ours = path.name == "overview.html"  # sorts and filters
        assert tags.count("script") == ours
        for _, attributes in page.tags:
            assert not [name for name in attributes if name.startswith("on")]
            places = [attributes.get(key) or "" for key in ("src", "href")]
            own = ("data:image/", "feedback/", "answers-", "#", "overview.html#")
            assert all(not p or p.startswith(own) for p in places)
        assert SCRIPT not in text
        shown_on += SCRIPT in page.text
        assert not BIDIRECTIONAL & set(text)
    assert shown_on >= 2  # the answers and the student's own page


def test_no_cell_of_any_table_is_a_formula(graded):
    tables = sorted((graded["place"] / "1").rglob("*.csv"))
    assert len(tables) >= 3
    for path in tables:
        with open(path, newline="", encoding="utf-8-sig") as file:
            for row in csv.reader(file):
                for cell in row:
                    try:
                        float(cell)
                    except ValueError:
                        assert not cell.lstrip().startswith(FORMULA), path


def test_every_file_has_a_line_of_its_own(graded):
    with open(graded["place"] / "1" / "grades.csv", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 11
    by_id = {row["student_id"]: row for row in rows}
    assert rows[-1]["points"] == rows[-2]["points"] == ""
    assert "larger than 2 MB" in by_id["4110"]["reason"]
    assert "cut off" in by_id["4111"]["reason"]
    assert "claimed 0.99, recomputed 0." in by_id["4103"]["flags"]
    assert by_id["4102"]["late"].startswith("2 days late by the file time")
    (path,) = (graded["place"] / "sent").glob("anders*")
    sent = submission_file.read_submission(path.read_bytes())
    assert by_id["4101"]["receipt"] == sent.receipt
