"""A class from a platform's export: who, when, troubles, and what is given back."""

import csv
import io
import re
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest
from sample_classes import Sender, write_class
from sample_submissions import clusters, hand_in, runs, table

from course_utils import clustering, experiments, metrics, representations
from course_utils.homework import submission
from course_utils.homework.grading import gradebook, grader, inbox, roster, rubric
from course_utils.homework.grading.adjustments import Adjustment
from course_utils.homework.grading.marks import Marks, load_marks
from course_utils.homework.review import public_half

pytestmark = pytest.mark.usefixtures("no_answers")
DUE = inbox.parse_deadline("2026-11-30T12:00+01:00")
PEOPLE = [  # first, last, login, what they type as their id
    ("Anna", "Anders", "aanders", "aanders"),
    ("Bo", "van Berg", "bberg", "BBERG@uni.example"),
    ("Zoë", "Ångström", "zang", "zang@uni.example"),
    ("Juan José", "O'Neil-Ruiz", "jruiz", "jruiz"),
    ("Li", "Wei 2", "lwei", "LWEI"),
    ("Eva", "Maier, geb. Huber", "emaier", "emaier@uni.example"),
]


@pytest.fixture(scope="session")
def files(small, tmp_path_factory):
    """{what was typed as id: bytes of an honest submission}"""
    folder, made = tmp_path_factory.mktemp("files"), {}
    names = [*PEOPLE, ("", "", "", "41001"), ("", "", "", "stranger")]
    for first, last, _, typed in names:
        found = experiments.run(
            small,
            ["raw", "colour"],
            ["l2+kmeans", "l2+ward"],
            seeds=submission.seeds(typed, 2),
            progress=False,
        )
        path = folder / "own.zip"
        hand_in(path, small, typed, f"{first} {last}".strip() or typed, found)
        made[typed] = path.read_bytes()
    return made


@pytest.fixture
def people(files):
    return [
        Sender(first, last, login, {"homework.zip": files[typed]}, number=41001 + i)
        for i, (first, last, login, typed) in enumerate(PEOPLE)
    ]


@pytest.fixture
def grade(small, tmp_path):
    """grade(people, platform, …) → the Class, of an export that the platform makes."""

    def made(
        people, platform="canvas", language="en", *, packed=True, how=None, **more
    ):
        found = write_class(
            tmp_path / "export", platform, language, people, packed=packed, **more
        )
        options = {"roster": roster.load(found.roster), "deadline": DUE} | (how or {})
        return grader.grade(found.submissions, small, **options)

    return made


def of(graded, last):
    (student,) = (s for s in graded.students if last in s.name)
    return student


def rows(path):
    text = path.read_text("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), csv.Sniffer().sniff(text)))


# Who


@pytest.mark.parametrize(
    ("platform", "language", "packed", "more"),
    [
        ("canvas", "en", True, {}),
        ("canvas", "en", False, {"logins": "email"}),
        ("canvas", "de", True, {"logins": "email"}),
        ("canvas", "fr", False, {"sis_ids": False}),
        ("canvas", "es", True, {"separate_names": True}),
        ("moodle", "en", True, {"usernames": False}),
        ("moodle", "en", False, {"usernames": False}),
        ("moodle", "de", True, {"usernames": False, "flat": True}),
        ("moodle", "fr", False, {"usernames": True}),
        ("moodle", "es", True, {"usernames": False, "old": True}),
    ],
)
def test_nobody_honest_loses_a_point(
    platform, language, packed, more, people, grade, tmp_path
):
    found = grade(people, platform, language, packed=packed, **more)
    assert [s.flags for s in found.students] == [[]] * len(people)
    assert found.troubles == [] and found.problems == []
    assert {(s.late, s.penalty, s.uncounted) for s in found.students} == {("", 0, "")}
    for student in found.students:
        assert [student.parts[name].points for name in submission.CLAIMED] == [10] * 3
        outcomes = {run.outcome for run in student.counted.review.runs}
        assert outcomes <= {"confirmed", ""} and "confirmed" in outcomes
    written, _ = gradebook.write(found, tmp_path / "out")
    names = {path.name for path in written}
    assert {f"{platform}.csv", f"feedback-{platform}.zip"} <= names
    graded = rows(tmp_path / "out" / f"{platform}.csv")
    sign = "." if language == "en" else ","
    points = {f"{s.points:.2f}".replace(".", sign) for s in found.students}
    cells = {cell for row in graded for cell in row}
    shorter = {point.rstrip("0").rstrip(sign) for point in points}
    assert points <= cells or shorter <= cells


def test_the_platforms_number_is_somebodys_id_too(people, files, grade):
    people[0].files = {"homework.zip": files["41001"]}
    anna = of(grade(people), "Anders")
    assert anna.flags == [] and anna.parts["nmi"].points == 10


def test_an_id_that_nobody_has_is_the_senders_own(people, files, grade):
    people[0].files = {"homework.zip": files["stranger"]}
    anna = of(grade(people), "Anders")
    assert anna.flags == [] and anna.parts["nmi"].points == 10


@pytest.mark.parametrize("platform", ["canvas", "moodle"])
def test_somebody_elses_id_is_a_flag_on_the_sender_alone(
    platform, people, files, grade
):
    before = of(grade(people, platform), "Anders")
    people[1].files = {"homework.zip": files["aanders"]}  # Bo hands in Anna's file
    found = grade(people, platform)
    anna, bo = of(found, "Anders"), of(found, "Berg")
    assert (anna.points, anna.flags) == (before.points, [])
    assert any(
        "'aanders', the id of 'Anna" in flag or "the id of" in flag for flag in bo.flags
    )
    assert bo.parts["nmi"].points == 0 and "another student" in bo.parts["nmi"].reason
    assert anna.counted.receipt.path != bo.counted.receipt.path


def test_without_a_roster_two_users_of_the_platform_stay_two(
    people, files, small, tmp_path
):
    people[1].files = {"homework.zip": files["aanders"]}
    made = write_class(tmp_path, "canvas", "en", people)
    found = grader.grade(made.submissions, small, deadline=DUE)
    assert len(found.students) == len(people)
    assert all(len(student.entries) == 1 for student in found.students)
    assert all(student.points is not None for student in found.students)
    sharing = [s for s in found.students if any("aanders" in f for f in s.flags)]
    assert len(sharing) == 2 and "whose it is, nothing says" in " ".join(
        sharing[0].flags
    )


def test_a_roster_of_ones_own_finds_senders_by_name_and_merges_no_two(
    people, small, tmp_path
):
    made = write_class(tmp_path, "canvas", "en", people)
    own = tmp_path / "own.csv"
    lines = [f'{s.login},"{s.last}, {s.first}"' for s in people]
    own.write_text("\n".join(["student_id,name", *lines]), encoding="utf-8")
    found = grader.grade(made.submissions, small, roster=roster.load(own))
    assert {s.student_id for s in found.students} == {p.login for p in people}
    assert all(s.roster and s.entries and s.flags == [] for s in found.students)
    twin = Sender("Anna", "Anders", "other", people[1].files, number=49999)
    made = write_class(tmp_path / "twins", "canvas", "en", [*people, twin])
    found = grader.grade(made.submissions, small, roster=roster.load(own))
    twins = [s for s in found.students if s.entries and not s.roster]
    assert len(twins) == 2
    assert all("several senders are called like" in s.flags[0] for s in twins)


def test_plain_files_of_one_id_are_a_conflict_until_it_is_settled(
    files, small, tmp_path, people
):
    sent = tmp_path / "sent"
    sent.mkdir()
    (sent / "anna.zip").write_bytes(files["aanders"])
    (sent / "same again.zip").write_bytes(files["aanders"])
    made = write_class(tmp_path / "export", "canvas", "en", people)
    known = roster.load(made.roster)
    (anna,) = (s for s in grader.grade(sent, small, roster=known).students if s.entries)
    assert anna.conflict == "" and anna.flags == []  # the same file twice is one file
    path = sent / "later.zip"
    hand_in(path, small, "AANDERS", "Anna Anders", _worse(small))
    found = grader.grade(sent, small, roster=known)
    anna = of(found, "Anders")
    assert "different files carry this student's id" in anna.conflict
    assert anna.conflict in anna.flags and anna.counted.receipt.path != "later.zip"
    gradebook.write(found, tmp_path / "out")
    assert not (tmp_path / "out" / "canvas.csv").exists()  # nobody else has points
    settled = [Adjustment("aanders", counts="later.zip", comment="asked her")]
    found = grader.grade(sent, small, roster=known, adjustments=settled)
    anna = of(found, "Anders")
    assert anna.conflict == "" and anna.counted.receipt.path == "later.zip"
    gradebook.write(found, tmp_path / "out")
    assert (tmp_path / "out" / "canvas.csv").exists()


def _worse(small):
    return experiments.run(small, ["raw"], ["l2+ward"], seeds=1, progress=False)


def test_only_the_files_that_can_count_are_reviewed(people, files, grade):
    people[0].files = {f"try{n}.zip": files["aanders"] for n in range(14)}
    rules = rubric.load_rubric()
    anna = of(grade(people, how={"rules": rules}), "Anders")
    assert len(anna.entries) == 14 and anna.counted is anna.entries[-1]
    assert anna.counted.receipt.path.endswith("try13.zip")  # the highest file id
    assert sum(bool(entry.file_hash) for entry in anna.entries) == 1
    rules = rubric.load_rubric() | {"count": "best"}
    anna = of(grade(people, how={"rules": rules}), "Anders")
    limit = rules["files_per_student"]
    assert sum(bool(e.file_hash) for e in anna.entries) == limit < 14


# When


def test_canvas_marks_what_is_late_and_the_rest_is_in_time(people, grade):
    people[0].late = timedelta(days=3)
    for packed in (True, False):
        found = grade(people, packed=packed)
        assert [s.name for s in found.students if s.late] == [of(found, "Anders").name]
        assert of(found, "Anders").penalty == 0.1  # how late, Canvas does not say


@pytest.mark.parametrize("language", ["en", "de", "fr", "es"])
@pytest.mark.parametrize("deadline", [DUE, None])
def test_moodle_says_how_late(language, deadline, people, grade):
    people[0].late = timedelta(days=2, hours=3)
    people[1].late = timedelta(minutes=10)  # within the grace
    people[2].extension = datetime(2026, 12, 4, 12)
    people[3].extension = datetime(2026, 12, 4, 12)
    people[3].late = timedelta(hours=5)
    found = grade(people, "moodle", language, how={"deadline": deadline})
    assert {s.name for s in found.students if s.late} == {
        of(found, "Anders").name,
        of(found, "Ruiz").name,
    }
    assert of(found, "Anders").late == "3 days late by the Moodle worksheet"
    assert of(found, "Anders").penalty == pytest.approx(0.3)
    assert of(found, "Ruiz").late == "1 day late by the Moodle worksheet"


@pytest.mark.parametrize("platform", ["canvas", "moodle"])
def test_more_time_is_taken_off(platform, people, grade):
    people[0].late = timedelta(days=2, hours=3)
    given = [Adjustment("aanders", extension_days=1, comment="ill")]
    anna = of(grade(people, platform, how={"adjustments": given}), "Anders")
    expected = {"canvas": 0, "moodle": 0.2}[platform]
    assert anna.penalty == expected
    given = [Adjustment("aanders", extension_days=3)]
    anna = of(grade(people, platform, how={"adjustments": given}), "Anders")
    assert anna.penalty == 0 and anna.late == ""


def test_file_times_count_only_if_they_are_asked_for(people, grade):
    due = inbox.parse_deadline("2020-01-01T00:00+00:00")
    plain = grade(people, "canvas", packed=False, how={"deadline": due})
    assert not any(student.late for student in plain.students)


# The whole class


def troubled(grade, people, tmp_path, platform="canvas", **how):
    found = grade(people, platform, how=how)
    gradebook.write(found, tmp_path / "out")
    held = not (tmp_path / "out" / f"{platform}.csv").exists()
    gradebook.write(found, tmp_path / "out", even_so=True)
    assert (tmp_path / "out" / f"{platform}.csv").exists()
    gradebook.write(found, tmp_path / "out")
    assert held == (not (tmp_path / "out" / f"{platform}.csv").exists())
    return found.troubles, held


def test_the_same_trouble_for_many_holds_the_import_back(people, grade, tmp_path):
    for person in people[:3]:
        person.late = timedelta(days=1)
    (said,), held = troubled(grade, people, tmp_path)
    assert held and said.startswith("3 of 6 students are late, for example")
    assert "Check --deadline" in said


def test_a_few_in_trouble_are_no_trouble_of_the_class(people, grade, tmp_path):
    for person in people[:2]:
        person.late = timedelta(days=1)
    assert troubled(grade, people, tmp_path) == ([], False)


def test_runs_that_do_not_come_back_are_a_trouble(people, grade, tmp_path, small):
    for person, (_, _, _, typed) in list(zip(people, PEOPLE, strict=True))[:3]:
        path, seed = tmp_path / "made_up.zip", submission.seeds(typed, 1)[0]
        keys = [("raw", "l2+ward", 3, 0), ("colour", "l2+kmeans", 3, seed)]
        made_up = {
            key: clusters(small.true_labels, *key[:2], 0, 3, 0.3) for key in keys
        }
        hand_in(path, small, typed, person.name, table(small, made_up))
        person.files = {"homework.zip": path.read_bytes()}
    (said,), held = troubled(grade, people, tmp_path)
    assert held and "do not come back" in said
    found = grade(people, how={"replay": 0})
    assert not any("do not come back" in trouble for trouble in found.troubles)


def test_what_does_not_come_back_leads_no_board(people, tmp_path, small):
    small = replace(small, true_labels=np.arange(30) % 3)  # that no image shows
    typed, path = PEOPLE[0][3], tmp_path / "made_up.zip"
    features = representations.extract(small, "raw", progress=False)
    honest = clustering.cluster(features, "l2+ward", 3)
    wrong = np.where(np.arange(30) < 2, 0, small.true_labels)
    labels = {("raw", "l2+ward", 3, 0): honest}
    for seed in submission.seeds(typed, 2):
        labels["colour", "l2+kmeans", 3, seed] = wrong
    hand_in(path, small, typed, people[0].name, table(small, labels))
    people[0].files = {"homework.zip": path.read_bytes()}
    made = write_class(tmp_path, "canvas", "en", people[:1])
    (before,) = grader.grade(made.submissions, small, replay=0).students
    assert before.counted.review.leading.representation == "colour"
    (anna,) = grader.grade(made.submissions, small).students
    review = anna.counted.review
    assert review.leading.run == "raw/l2+ward/k3/s0" and review.leading.counts
    public = public_half(small)
    for half, scores in ((public, review.public), (~public, review.private)):
        truth, labels = small.true_labels[half], honest[half]
        expected = metrics.nmi(labels_true=truth, labels_pred=labels)
        assert scores["nmi"] == pytest.approx(expected)
    (flag,) = anna.flags  # said once
    assert "that were computed again have other clusters" in flag


def test_other_images_for_all_are_a_trouble(people, small, tmp_path, grade):
    other = small.subset(slice(0, 12))
    made = write_class(tmp_path, "canvas", "en", people)
    found = grader.grade(made.submissions, other, roster=roster.load(made.roster))
    assert len(found.troubles) == 1
    assert "6 of 6 students have no file that can be scored" in found.troubles[0]
    assert "Is --image-set the one" in found.troubles[0]


def test_a_roster_of_another_course_is_a_trouble(people, small, tmp_path, files):
    made = write_class(tmp_path / "a", "canvas", "en", people)
    others = [Sender(f"X{i}", f"Y{i}", f"z{i}", number=90 + i) for i in range(6)]
    theirs = write_class(tmp_path / "b", "canvas", "en", [*others, *people[:1]])
    found = grader.grade(
        made.submissions, small, roster=roster.load(theirs.roster), deadline=DUE
    )
    assert "5 of 6 students are not on the roster" in found.troubles[0]


# What people change


def test_adjustments_change_points_and_stay_on_the_page(people, grade, tmp_path):
    plain = of(grade(people), "Anders").points
    given = [
        Adjustment("AANDERS", points_added=-5, comment="late talk"),
        Adjustment("aanders", points_added=2.5, comment="appeal of 3 May"),
        Adjustment("bberg", excused=True, comment="ill"),
        Adjustment("zang", points_set=50),
        Adjustment("nobody", points_set=1, row=6),
    ]
    found = grade(people, how={"adjustments": given})
    anna, bo, zoe = (of(found, last) for last in ("Anders", "Berg", "Ångström"))
    assert anna.points == pytest.approx(plain - 2.5)
    assert bo.points is None and bo.excused and zoe.points == 50
    assert ("'nobody'" in found.problems[0][0]) and "row 6" in found.problems[0][1]
    gradebook.write(found, tmp_path / "out")
    (page,) = (tmp_path / "out" / "feedback").glob(f"{anna.student_id}-*")
    text = page.read_text("utf-8")
    assert "late talk" in text and "appeal of 3 May" in text and "+2.5 points" in text
    table = {row[1]: row for row in rows(tmp_path / "out" / "grades.csv")}
    assert table[bo.student_id][-1] == "excused"
    imported = (tmp_path / "out" / "canvas.csv").read_text("utf-8-sig")
    assert "50" in imported.split("Ångström")[1].splitlines()[0]


def test_marks_per_question_and_answers_without_names(people, grade, tmp_path):
    found = grade(people)
    out = tmp_path / "out"
    gradebook.write(found, out)
    anna = of(found, "Anders")
    assert anna.parts["answers"].points is None
    page = (out / "answers-1.html").read_text("utf-8")
    assert anna.code in page and len(re.findall("<blockquote", page)) == len(people)
    names = [p.last for p in people] + [p.login for p in people]
    headings = " ".join(re.findall("<h2>.*?</h2>", page))
    assert not [name for name in names if name in headings]
    blind = rows(out / "marks-without-names.csv")
    assert blind[0] == ["code", "answer_1", "answer_2"] and len(blind) == 7
    (tmp_path / "mine.csv").write_text(
        f"code,answer_1\n{anna.code},7.5\n", encoding="utf-8"
    )
    (tmp_path / "hers.csv").write_text(
        f"student_id,answer_2\n{anna.student_id},10\n", encoding="utf-8"
    )
    marks = load_marks([tmp_path / "mine.csv", tmp_path / "hers.csv"], 20)
    again = grade(people, how={"marks": marks})
    anna = of(again, "Anders")
    assert anna.parts["answers"].points == 17.5 and anna.complete
    gradebook.write(again, out)
    table = {row[0]: row[3:] for row in rows(out / "marks.csv")}
    assert table[anna.student_id] == ["7.5", "10"]
    assert len(rows(out / "marks-without-names.csv")) == 6
    with pytest.raises(ValueError, match="marks which were not counted"):
        gradebook.write(grade(people, how={"marks": Marks()}), out)


def test_pages_of_before_go_and_what_others_wrote_stays(people, grade, tmp_path):
    out = tmp_path / "out"
    found = grade(people)
    gradebook.write(found, out)
    (out / "feedback" / "mine.html").write_text("by hand", encoding="utf-8")
    (out / "notes.txt").write_text("mine", encoding="utf-8")
    before = {path.name for path in (out / "feedback").iterdir()}
    gradebook.write(grade(people[1:]), out)
    after = {path.name for path in (out / "feedback").iterdir()}
    gone = before - after
    assert len(gone) == 1 and next(iter(gone)).startswith(
        of(found, "Anders").student_id
    )
    assert (out / "feedback" / "mine.html").exists() and (out / "notes.txt").exists()


def test_the_leaderboard_shows_codes_unless_it_is_asked_for_names(
    people, grade, tmp_path
):
    found = grade(people)
    gradebook.write(found, tmp_path / "out")
    board = (tmp_path / "out" / "leaderboard.html").read_text("utf-8")
    assert of(found, "Anders").code in board
    assert not [p for p in people if p.last in board or p.login in board]
    rules = rubric.load_rubric() | {"leaderboard_names": True}
    gradebook.write(grade(people, how={"rules": rules}), tmp_path / "named")
    board = (tmp_path / "named" / "leaderboard.html").read_text("utf-8")
    assert "Ångström" in board


# Copies


@pytest.mark.parametrize("copy_at", [99, 101, 103])
def test_who_was_copied_from_is_not_flagged_though_they_hand_in_again(
    copy_at, small, tmp_path
):
    mine, copied = runs(small, "anna01"), {}
    seed_of = dict(
        zip(submission.seeds("anna01", 2), submission.seeds("bo02", 2), strict=True)
    )
    for row in mine[0].to_dict("records"):
        key = row["representation"], row["algorithm"], row["k"]
        labels = (mine[1][row["run"]] + 1) % 3
        copied[(*key, seed_of.get(row["seed"], row["seed"]))] = labels
    theirs = table(small, copied)
    hand_in(tmp_path / "andersanna_1_100_a.zip", small, "anna01", "Anna", mine)
    hand_in(tmp_path / f"bergbo_2_{copy_at}_b.zip", small, "bo02", "Bo", theirs)
    hand_in(tmp_path / "andersanna_1_102_a-1.zip", small, "anna01", "Anna", mine)
    found = grader.grade(tmp_path, small, replay=0)
    flags = {s.name: [f for f in s.flags if "clusters of" in f] for s in found.students}
    later, earlier = ("bergbo", "andersanna")[:: 1 if copy_at > 100 else -1]
    assert flags[earlier] == []
    assert "handed in first" in flags[later][0] and earlier in flags[later][0]


def test_one_answer_for_two_is_seen(people, small, tmp_path, grade):
    text = (
        "The pretrained network won by a wide margin: its features were trained on "
        "a million photographs and so respond to parts of things, not to single pixels."
    )
    for i, words in enumerate(
        (text, text.replace("wide", "large").upper(), "No idea.")
    ):
        _, _, _, typed = PEOPLE[i]
        path = tmp_path / "own.zip"
        found = experiments.run(
            small,
            ["raw"],
            ["l2+kmeans"],
            seeds=submission.seeds(typed, 1),
            progress=False,
        )
        answers = dict.fromkeys(submission.QUESTIONS[:1], words)
        hand_in(path, small, typed, people[i].name, found, answers=answers)
        people[i].files = {"homework.zip": path.read_bytes()}
    found = grade(people)
    said = {s.name: " ".join(s.flags) for s in found.students}
    flagged = {name for name, flags in said.items() if "word for word" in flags}
    assert flagged == {of(found, "Berg").name}  # whose file came later
