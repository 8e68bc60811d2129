"""A class is graded: rubric, lateness, ranks, and what broken files do to the rest."""

import hashlib
import os
import stat
from datetime import UTC, datetime, timedelta

import pytest
from sample_submissions import DEADLINE, hand_in, make_class, runs

from course_utils.homework.grading import grader, marks, rubric
from course_utils.homework.grading.inbox import Receipt
from course_utils.homework.grading.roster import load as roster_of

pytestmark = pytest.mark.usefixtures("no_answers")
LATE = rubric.load_rubric()["late"]
# The labels of the samples are drawn and no algorithm's: they are not computed again.
HOW = {"deadline": DEADLINE, "times": "files", "replay": 0}


@pytest.fixture(scope="module")
def sent(small, tmp_path_factory):
    """The folder of sample submissions."""
    folder = tmp_path_factory.mktemp("class") / "sent"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_ANSWERS", str(folder.parent / "answers"))
        make_class(folder, small)
    return folder


@pytest.fixture(scope="module")
def graded(sent, small):
    return grader.grade(sent, small, **HOW)


def by_id(graded):
    return {student.student_id: student for student in graded.students}


def state(folder):
    """Everything that a change of the folder would change."""
    return sorted(
        (
            os.fspath(path),
            path.lstat().st_mode,
            path.lstat().st_mtime_ns,
            path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path in (folder, *folder.rglob("*"))
    )


def test_the_samples_are_graded_and_stay_as_they_are(sent, small, graded):
    before = state(sent)
    again = grader.grade(sent, small, **HOW)
    assert state(sent) == before
    assert list(map(repr, again.students)) == list(map(repr, graded.students))
    assert again.problems == graded.problems
    assert [p.name for p in sent.parent.iterdir()] == ["sent"]
    assert (graded.n_files, len(graded.students)) == (15, 11)
    said = grader.sentence(graded)
    assert said.startswith("15 files of 11 students: 9 scored, 1 late, 4 files could")


def test_good_ones_get_their_points(graded):
    anna = by_id(graded)["4101"]
    assert not anna.late and not anna.complete and anna.name == "andersanna"
    points = {name: part.points for name, part in anna.parts.items()}
    exercises = dict.fromkeys(("purity", "nmi", "fowlkes_mallows"), 10)
    coverage = {"representations": 10, "layers": 6.67, "algorithms": 10}
    assert points == coverage | exercises | {
        "nmi_over_raw": points["nmi_over_raw"],
        "controls": 4,  # raw pixels everywhere; two seeds, one number of clusters
        "answers": None,
    }
    assert anna.parts["answers"].reason == "2 written answers; 2 not marked yet"
    gus = by_id(graded)["gus07"]
    assert gus.parts["nmi"].points == gus.parts["purity"].points == 0
    assert gus.parts["fowlkes_mallows"].points == 10


def test_what_is_odd_is_flagged(graded):
    flags = {key: " ".join(s.flags) for key, s in by_id(graded).items()}
    assert "nmi claimed 0.99, recomputed 0." in flags["4103"]
    assert "in 30 of 30 runs" in flags["4103"]
    assert "'andersanna' ('4101')" in flags["4104"]  # Dan's are Anna's clusters,
    assert "dorndan" not in flags["4101"]  # who handed in first
    assert "no such representation" in flags["4105"]
    assert "\u202e" not in flags["4105"] + by_id(graded)["4105"].name
    assert flags["4102"] == flags["gus07"] == ""
    assert flags["jo09"] == ""  # pictures of one's own are what the homework asks for


def test_one_cluster_and_one_a_picture_get_no_points_for_runs(graded):
    fay = by_id(graded)["fay06"]
    assert fay.points == 30  # the exercises
    assert fay.parts["nmi_over_raw"].reason == "no run is counted"
    assert fay.parts["controls"].points == 0


def test_three_plain_files_of_one_id_are_a_conflict(graded):
    hana = by_id(graded)["hana08"]
    paths = [entry.receipt.path for entry in hana.entries]
    assert paths == ["hana_old.zip", "hana_new.zip", "ivan.zip"]
    assert hana.conflict.startswith("3 different files carry") and hana.flags
    assert hana.counted is not hana.entries[0]  # the best is shown


def test_broken_files_get_a_reason_and_rank_last(graded):
    kim, lolu = by_id(graded)["4110"], by_id(graded)["4111"]
    assert kim.points is None and kim.counted is None and kim.rank == lolu.rank == 10
    assert "manifest.json is larger than 2 MB" in kim.entries[0].error
    assert "cut off" in lolu.entries[0].error
    assert "nothing that was handed in can be scored." in kim.flags
    reasons = dict(graded.problems)
    assert set(reasons) == {"mo.zip", "notes.txt"}
    assert "holds 1 files instead of" in reasons["mo.zip"]
    assert reasons["notes.txt"] == "not a .zip file"
    assert all(s.rank <= 9 for s in graded.students if s.points is not None)


def test_links_folders_and_a_file_of_2_gb(small, tmp_path):
    folder = tmp_path / "sent"
    folder.mkdir()
    hand_in(folder / "good.zip", small, "anna01", "Anna")
    (folder / "link_1_2_x.zip").symlink_to(folder / "good.zip")
    (folder / "loop_2_2_x.zip").symlink_to(folder)
    os.mkfifo(folder / "pipe_3_2_x.zip")
    with open(folder / "huge_4_2_x.zip", "wb") as file:
        file.truncate(2 * 1024**3)  # takes no room on the disk
    found = grader.grade(folder, small, replay=0)
    errors = {s.entries[0].receipt.path: s.entries[0].error for s in found.students}
    assert errors == {
        "good.zip": "",
        "link_1_2_x.zip": "a link is not followed",
        "loop_2_2_x.zip": "a link is not followed",
        "pipe_3_2_x.zip": "not a regular file",
        "huge_4_2_x.zip": "2,147 MB: larger than 16 MB",
    }
    assert stat.S_ISFIFO((folder / "pipe_3_2_x.zip").lstat().st_mode)


def test_a_broken_file_beside_a_good_one_does_not_count(small, tmp_path):
    hand_in(tmp_path / "anna_1_2_a.zip", small, "anna01", "Anna")
    (tmp_path / "anna_1_3_b.zip").write_bytes(b"broken")
    (anna,) = grader.grade(tmp_path, small, replay=0).students
    assert anna.counted.receipt.path == "anna_1_2_a.zip"
    assert "'anna_1_3_b.zip' cannot be scored; 'anna_1_2_a.zip' counts" in anna.flags[0]


def test_nothing_to_grade(small, tmp_path):
    with pytest.raises(ValueError, match="holds no submissions"):
        grader.grade(tmp_path, small)
    bare = type(small)(small.name, small.images, small.sources, small.digests)
    with pytest.raises(ValueError, match="has no true labels"):
        grader.grade(tmp_path, bare)


# Lateness, counting, marks

ANNA = grader.Student("anna01", "Anna")


@pytest.mark.parametrize(
    ("minutes", "penalty", "words"),
    [
        (-1000, 0, ""),
        (0, 0, ""),
        (30, 0, ""),
        (30.1, 0.1, "1 day late by the file time"),
        (24 * 60, 0.1, "1 day late by the file time"),
        (24 * 60 + 1, 0.2, "2 days late by the file time"),
        (10 * 24 * 60, 0.5, "10 days late by the file time"),
        (10**6, 0.5, "695 days late by the file time"),
    ],
)
def test_lateness(minutes, penalty, words):
    when = DEADLINE + timedelta(minutes=minutes)
    receipt = Receipt("a.zip", time=when, time_source="file time")
    assert grader.lateness(ANNA, receipt, LATE, DEADLINE) == (penalty, words)


def test_lateness_by_name_alone_and_without_a_deadline():
    marked = Receipt("a.zip", marked_late=True)
    assert grader.lateness(ANNA, marked, LATE, DEADLINE)[0] == 0.1
    assert grader.lateness(ANNA, Receipt("a.zip"), LATE, DEADLINE) == (0, "")
    late = Receipt("a.zip", time=datetime(2099, 1, 1, tzinfo=UTC))
    assert grader.lateness(ANNA, late, LATE, None) == (0, "")
    all_of_it = LATE | {"percent_a_day": 80, "most_percent": 400}
    assert grader.lateness(ANNA, late, all_of_it, DEADLINE)[0] == 1


def test_lateness_costs_points(graded):
    bo = by_id(graded)["4102"]
    assert (bo.late, bo.penalty) == ("2 days late by the file time", 0.2)
    given = sum(part.points or 0 for part in bo.parts.values())
    assert bo.points == round(0.8 * given, 2) > 0


def test_the_best_counts_if_the_rubric_says_so(small, tmp_path):
    def file(number, hours, right):
        found = runs(small, "anna01", right=right)
        name = f"andersanna_4101_{number}_a.zip"
        hand_in(tmp_path / name, small, "anna01", "Anna", found)
        when = (DEADLINE + timedelta(hours=hours)).timestamp()
        os.utime(tmp_path / name, (when, when))

    def counted(how):
        rules = rubric.load_rubric() | {"count": how}
        (anna,) = grader.grade(tmp_path, small, **HOW, rules=rules).students
        return anna.counted.receipt.order[0]

    file(101, -5, right=0.1)
    file(99, -4, right=0.8)
    file(103, -3, right=0.1)
    assert (counted("last"), counted("best")) == (103, 99)
    file(98, 200, right=0.8)  # as good, but late
    assert (counted("last"), counted("best")) == (98, 99)


def test_a_roster_and_marks_of_the_first_edition(sent, small, tmp_path):
    path = tmp_path / "marks.csv"
    path.write_text("student_id,answers_points\nANNA01,15\nbo02,\n", encoding="utf-8")
    people = tmp_path / "roster.csv"
    people.write_text(
        "student_id,name,lms_id\nanna01,Anna Anders,4101\nbo02,Bo Berg,4102\n"
        "cyd,Cyd Charisse,4200\ndan99,Dan Dorn,4104\neve,Dan's victim,4199\n",
        encoding="utf-8",
    )
    given, roster = marks.load_marks([path], 20), roster_of(people)
    found = grader.grade(sent, small, marks=given, roster=roster, **HOW)
    students = by_id(found)
    assert students["anna01"].parts["answers"].points == 15
    assert students["anna01"].complete and not students["bo02"].complete
    assert students["cyd"].points is None and not students["cyd"].entries
    dan = students["dan99"]  # an id that is nobody's else is the sender's own
    assert dan.parts["nmi"].points == dan.parts["representations"].points == 10
