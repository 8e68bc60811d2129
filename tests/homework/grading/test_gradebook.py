"""What the instructor gets: tables, pages, and nothing of one student on another's."""

import base64
import csv
import hashlib
import html.parser
import io
import json
import pickle
import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import numpy as np
import pytest
from browser import assert_readable
from small_sets import coloured

from course_utils.experiments import runs as runs_module
from course_utils.homework import submission
from course_utils.homework.flags import KINDS, Flag
from course_utils.homework.grading import gradebook, grader, rubric
from course_utils.homework.grading import pages as pages_module
from course_utils.homework.grading.grader import Entry, Student
from course_utils.homework.grading.inbox import Receipt
from course_utils.homework.grading.marks import Marks, load_marks
from course_utils.homework.review import Review, Run

DEADLINE = datetime(2026, 11, 30, 23, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(autouse=True)
def quick(monkeypatch, request):
    """The figures take most of the time: only the tests that look at them draw any."""
    if "drawn" not in request.fixturenames:
        monkeypatch.setattr(pages_module, "figures", lambda graded: [])


@pytest.fixture
def drawn():
    """Ask for it, and the figures are drawn."""


def run(name="raw/kmeans/k3/s1", nmi=0.5, claimed=None, why=""):
    representation, algorithm = name.split("/")[:2]
    scores = {"purity": nmi + 0.1, "nmi": nmi, "fowlkes_mallows": nmi - 0.1}
    claimed = scores if claimed is None else {**scores, "nmi": claimed}
    return Run(
        *(name, representation, algorithm, 3, 1, claimed, scores, 3),
        *(not why, why, name, False, np.arange(30) % 3, nmi),
    )


def entry(student_id, name, runs=(), *, public=0.5, private=0.4, user="", **more):
    """A file that can be scored, or has an error."""
    receipt = Receipt(
        path=more.get("path", f"{student_id}.zip"),
        lms=more.get("lms", ""),
        user=user,
        time=more.get("time", DEADLINE - timedelta(hours=1)),
        time_source="file time",
    )
    if "error" in more:
        return Entry(receipt, error=more["error"])
    runs = list(runs) or [run()]
    found = Review(runs=runs, flags=more.get("own_flags", []))
    found.exercises = dict.fromkeys(submission.CLAIMED, (6, 6))
    found.self_supplied = more.get("self_supplied", False)
    if not found.self_supplied:
        found.leading = runs[0]
        halves = ((found.public, public), (found.private, private))
        for half, nmi in halves:
            half.update(purity=nmi, nmi=nmi, fowlkes_mallows=nmi)
    answers = more.get("answers", [{"question": "Why?", "answer": "Because."}])
    return Entry(receipt, student_id, name, "ab" * 32, answers, review=found)


def student(student_id="s1", name="Anna", *entries, roster=None, flags=(), **more):
    entries = list(entries) or [entry(student_id, name, **more)]
    return Student(student_id, name, roster, entries, flags=list(flags))


def graded(*students, marks=None, count="last", problems=()):
    """A Class of these students, as `grader.grade` makes it; marks: {id: points}."""
    rules, students = rubric.load_rubric() | {"count": count}, list(students)
    given = {name: {"answers_points": [mark]} for name, mark in (marks or {}).items()}
    n_files = sum(len(one.entries) for one in students)
    image_set = SimpleNamespace(name="coloured")
    found = grader.Class(
        students,
        image_set,
        rules,
        DEADLINE,
        list(problems),
        n_files,
        None,
        Marks(given),
    )
    grader._name_codes(students, "")
    for one in students:
        grader._choose(one, found, {})
        if one.counted:
            own = [f for f in one.counted.review.flags if f not in one.flags]
            one.flags = own + one.flags
            one.marks = found.marks.of(one.student_id)
            one.parts = grader._points(one, one.counted, rules)
    grader._rank(students)
    return found


def absent(student_id="s9", name="Zoë", roster=None):
    return Student(student_id, name, roster)


def table(folder, name):
    """The rows of a CSV as dictionaries."""
    text = (folder / name).read_text(encoding="utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def problems_of(the_class):
    return [found.problem for found in gradebook.problems(the_class)]


def page_of(folder, the_class, student_id):
    names = pages_module.page_names(the_class.students, "")
    pairs = zip(the_class.students, names, strict=True)
    name = next(name for one, name in pairs if one.student_id == student_id)
    return (folder / name).read_text(encoding="utf-8")


class Tags(html.parser.HTMLParser):
    """All tags of a page with their attributes."""

    def __init__(self, page):
        super().__init__()
        self.tags = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))


def test_the_files_and_that_the_same_class_gives_the_same_bytes(tmp_path, drawn):
    def make(folder):
        the_class = graded(student(), student("s2", "Ben", own_flags=["odd."]))
        return gradebook.write(the_class, folder)[0]

    one, two = make(tmp_path / "one"), make(tmp_path / "new" / "two")
    names = [path.relative_to(tmp_path / "one").as_posix() for path in one]
    assert names[:2] == ["grades.csv", "marks.csv"]
    assert {"adjustments.csv", "problems.csv", "answers-1.html"} < {*names}
    assert {"overview.html", "leaderboard.html", "leaderboard-private.html"} < {*names}
    assert sum(name.startswith("feedback/") for name in names) == 2
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]
    assert all(path.is_file() for path in one)


def test_grades_have_every_student_in_the_order_of_rank(tmp_path):
    late = student("s2", "Jürgen", time=DEADLINE + timedelta(hours=3))
    broken = student("s3", "Cem", entry("s3", "Cem", error="cut off."))
    the_class = graded(absent(), broken, late, student(), marks={"s1": 15})
    gradebook.write(the_class, tmp_path)
    rows = table(tmp_path, "grades.csv")
    assert [row["student_id"] for row in rows] == ["s1", "s2", "s3", "s9"]
    assert [row["rank"] for row in rows] == ["1", "2", "3", "3"]
    assert [row["answers_points"] for row in rows] == ["15", "", "", ""]
    assert rows[0]["points"] == f"{the_class.students[0].points:g}"
    assert (rows[0]["of"], rows[0]["nmi"]) == ("100", "0.5000")
    assert (rows[0]["reason"], rows[2]["reason"]) == ("scored", "cut off.")
    assert rows[1]["reason"] == "scored, the written answers are not marked yet"
    assert (rows[1]["penalty"], rows[1]["late"]) == (
        "0.1",
        "1 day late by the file time",
    )
    assert rows[3]["reason"] == "no submission"
    assert rows[2]["points"] == rows[3]["points"] == ""
    assert rows[0]["received"] == "2026-11-30T22:00:00+00:00"
    assert (tmp_path / "grades.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def test_flags_and_files_of_nobody_are_problems_in_words(tmp_path):
    two = student("s1", "Anna", entry("s1", "Anna", error="cut off."), entry("s1", "A"))
    the_class = graded(two, absent(), problems=[("notes.txt", "not a .zip file")])
    two.flags.append("odd.")
    gradebook.write(the_class, tmp_path)
    rows = [tuple(row.values()) for row in table(tmp_path, "problems.csv")]
    assert ("whose", "", "", "notes.txt", "nobody's: not a .zip file") in rows
    assert ("late", "s9", "Zoë", "", "no submission") in rows
    assert ("unreadable", "s1", "Anna", "s1.zip", "cut off.") in rows
    assert ("odd", "s1", "Anna", "s1.zip", "odd.") in rows
    assert table(tmp_path, "grades.csv")[0]["flags"].endswith(" | odd.")
    page = (tmp_path / "overview.html").read_text(encoding="utf-8")
    assert all(word in page for word in ("notes.txt", "no submission", "cut off."))


@pytest.mark.parametrize("formula", ["=1+1", "+1", "-1", "@x", "\t=1", "|x"])
def test_no_cell_is_a_formula(tmp_path, formula):
    the_class = graded(
        student(
            formula, formula, lms="moodle", user="7", runs=[run(f"{formula}/a/b/c")]
        ),
        problems=[(formula, formula)],
    )
    gradebook.write(the_class, tmp_path, assignment=formula)
    for path in tmp_path.glob("*.csv"):
        rows = csv.reader(io.StringIO(path.read_text("utf-8-sig"), newline=""))
        cells = [cell for row in rows for cell in row]
        wrong = [c for c in cells if c.lstrip()[:1] in tuple("=+-@|") and c]
        assert cells and not wrong, path


def test_marks_that_were_given_stay(tmp_path):
    broken = student("s3", "Cem", entry("s3", "Cem", error="cut off."))
    gradebook.write(graded(student(), broken), tmp_path)
    path = tmp_path / "marks.csv"
    row = table(tmp_path, "marks.csv")[0]
    assert [row[name] for name in ("student_id", "name", "answer_1")] == [
        "s1",
        "Anna",
        "",
    ]
    path.write_text(
        "student_id,name,answers_points\ns1,Anna,7.5\ns3,Cem,4\ngone,X,3\n",
        encoding="utf-8",
    )
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"not counted, 7.5 for s1: add --marks"):
        gradebook.write(graded(student(), broken), tmp_path)
    assert path.read_bytes() == before
    given = {"s1": 7.5, "s3": 4, "gone": 3}
    gradebook.write(graded(student(), broken, marks=given), tmp_path)
    again = load_marks([path], 20)
    assert {name: again.of(name)["answers_points"] for name in given} == given


def test_nothing_is_written_when_a_page_cannot_be_made(tmp_path, monkeypatch):
    monkeypatch.setattr(pages_module, "_overview", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        gradebook.write(graded(student()), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_without_a_platforms_roster_nothing_to_import_is_left(tmp_path):
    (tmp_path / "canvas.csv").write_text("of an earlier grading", encoding="utf-8")
    (tmp_path / ".written.json").write_text(
        '["canvas.csv", "../x", "/etc/x"]', encoding="utf-8"
    )
    _, notes = gradebook.write(graded(student()), tmp_path)
    assert not (tmp_path / "canvas.csv").exists()
    assert any(note.startswith("No file to import is written") for note in notes)


def test_pages_of_an_interrupted_grading_are_known_to_the_next(tmp_path, monkeypatch):
    gradebook.write(graded(student("s1", "Anna")), tmp_path)
    write, written = gradebook.files.atomic_file, []

    def interrupted(path):
        if path.parent.name == "feedback":
            if written:
                raise KeyboardInterrupt
            written.append(path)
        return write(path)

    monkeypatch.setattr(gradebook.files, "atomic_file", interrupted)
    with pytest.raises(KeyboardInterrupt):
        gradebook.write(graded(student("s2", "Ben"), student("s3", "Cy")), tmp_path)
    monkeypatch.undo()
    mine = tmp_path / "feedback" / "mine.html"
    mine.write_text("not of a grading", encoding="utf-8")
    assert len([*mine.parent.iterdir()]) == 3  # of Anna, of one more, and this
    the_class = graded(student("s4", "Di"))
    gradebook.write(the_class, tmp_path)
    names = {path.name for path in mine.parent.iterdir()}
    assert len(names) == 2 and {"mine.html"} < names


def test_pages_that_cannot_be_sent_back_are_told_on_the_overview(tmp_path):
    known = student("s1", "Anna", lms="moodle", user="7")
    unknown = student("s2", "Ben", lms="moodle")
    _, notes = gradebook.write(graded(known, unknown), tmp_path)
    (note,) = [note for note in notes if "are not in feedback-moodle.zip" in note]
    assert note in (tmp_path / "overview.html").read_text(encoding="utf-8")


def test_long_lists_are_on_several_pages(tmp_path, monkeypatch):
    monkeypatch.setattr(pages_module, "PER_PAGE", 2)
    the_class = graded(*[student(f"s{i}", f"Name {i}") for i in range(5)])
    gradebook.write(the_class, tmp_path)
    for name in ("overview", "answers-1", "leaderboard", "leaderboard-private"):
        files = [tmp_path / f"{name}{n}.html" for n in ("", "-2", "-3")]
        texts = [path.read_text(encoding="utf-8") for path in files]
        assert not (tmp_path / f"{name}-4.html").exists()
        for text, path in zip(texts, files, strict=True):
            links = set(re.findall(rf'href="({name}[-0-9]*\.html)"', text))
            assert links == {other.name for other in files} - {path.name}
        shown = [s.code if name != "overview" else s.name for s in the_class.students]
        assert all(sum(text.count(who) for text in texts) == 1 for who in shown)


def test_a_feedback_page_names_nobody_else(tmp_path):
    anna = student("s1", "Anna", own_flags=["its claimed scores are odd."])
    ben = student("s2", "Benedikt")
    the_class = graded(anna, ben)
    anna.flags.append("'a' has exactly the clusters of 'b' of 'Benedikt' ('s2').")
    anna.flags.append("the student id 's1' is also used by 'Benedikt'.")
    gradebook.write(the_class, tmp_path)
    page = page_of(tmp_path, the_class, "s1")
    assert "Benedikt" not in page and "s2" not in page
    assert "its claimed scores are odd." in page
    assert page.count("may want to talk over with you") == 1
    assert "talk over" not in page_of(tmp_path, the_class, "s2")
    overview = (tmp_path / "overview.html").read_text(encoding="utf-8")
    assert "is also used by &#39;Benedikt&#39;" in overview


def test_a_feedback_page_says_what_became_of_everything(tmp_path):
    first = entry("s1", "Anna", error="cut off.", path="first.zip")
    runs = [run(claimed=0.9), run("hog/ward/k9/s1", why="40 clusters; too many")]
    late = DEADLINE + timedelta(hours=1)
    second = entry("s1", "Anna", runs, time=late, path="second.zip")
    the_class = graded(student("s1", "Anna", first, second), absent())
    gradebook.write(the_class, tmp_path, assignment="Task 1")
    page = page_of(tmp_path, the_class, "s1")
    for words in (
        *("no, it cannot be scored: cut off.", "first.zip", "second.zip", "ab" * 32),
        *(">claimed 0.900<", "0.500", "no: 40 clusters; too many", "Task 1"),
        *("1 day late by the file time; 10 % of the points are lost", "Because."),
        *(
            "Up to 18 more points",
            "1 of 2 are counted",
            "6 of 6 values",
            "yes, of your best line",
        ),
    ):
        assert words in page, words
    assert "talk over" not in page
    assert "Nothing was received" in page_of(tmp_path, the_class, "s9")


@pytest.mark.parametrize(
    ("count", "words"), [("last", "a later one does"), ("best", "brings more points")]
)
def test_which_file_counts_and_why(tmp_path, count, words):
    good, poor = [run(nmi=0.9)], [run(nmi=0.1)]
    runs = (good, poor) if count == "best" else (poor, good)
    two = [entry("s1", "Anna", r, path=f"{i}.zip") for i, r in enumerate(runs)]
    the_class = graded(student("s1", "Anna", *two), count=count)
    gradebook.write(the_class, tmp_path)
    page = page_of(tmp_path, the_class, "s1")
    assert f"no, {'another ' * (count == 'best')}{words}" in page
    assert "yes, it" in page


def test_pages_run_and_fetch_nothing_whatever_a_submission_says(tmp_path, drawn):
    bad = f'"><img src=x onerror=alert(1)>{HOSTILE}\u202e{{{{ 7*7 }}}}\x07'
    hostile = student(
        bad,
        bad,
        runs=[run(f"{HOSTILE}/a/b/c", why=bad)],
        answers=[{"question": bad, "answer": bad + "\nsecond line"}],
        own_flags=[bad],
        path=bad,
    )
    the_class = graded(hostile, student("s2", "Ben"), problems=[(bad, bad)])
    the_class.image_set.name = bad
    files, _ = gradebook.write(the_class, tmp_path, assignment=bad)
    pages = [path for path in files if path.suffix == ".html"]
    assert len(pages) == 7
    for path in pages:
        page = path.read_text(encoding="utf-8")
        tags = Tags(page).tags
        assert not {"iframe", "link", "form"} & {tag for tag, _ in tags}
        assert_only_our_script(path.name, page)
        assert not [a for _, found in tags for a in found if a.startswith("on")]
        for tag, found in tags:
            if tag == "img":
                assert re.fullmatch(r"data:image/png;base64,[\w+/=]+", found["src"])
            if tag == "a":
                own = r"(feedback/)?[a-z0-9-]+\.html(#[a-z]+-\d+)?|#[a-z]+"
                assert re.fullmatch(own, found["href"])
        assert "\u202e" not in page and "\x07" not in page
        assert "{{ 7*7 }}" in page
        assert "onerror=alert(1)>" not in page
        policy = next(found for tag, found in tags if "http-equiv" in found)
        assert policy["content"].startswith("default-src 'none';")
        assert ("html", {"lang": "en"}) in tags
        assert any(found.get("name") == "viewport" for _, found in tags)
    assert "second line" in page_of(tmp_path, the_class, bad)


def assert_only_our_script(name, page):
    """The overview alone has a script, ours, which its policy lets run and no other."""
    scripts = re.findall("<script>(.*?)</script>", page, re.DOTALL)
    assert page.count("<script") == len(scripts) == (name == "overview.html")
    for script in scripts:
        ours = pages_module.TEMPLATES / "overview.js"
        assert script == ours.read_text("utf-8")
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"script-src 'sha256-{digest}'" in page
    assert page.count("script-src") == len(scripts)


def test_the_gravest_comes_first_and_each_student_once_in_each_group(tmp_path):
    flags = {
        "odd": ["seeds are odd.", Flag.of("odd", "a name is odd.")],
        "copied": [Flag.of("copied", "the clusters of another.")],
        "forged": [Flag.of("forged", "claims too much.")],
        "whose": [Flag.of("whose", "not on the roster.")],
    }
    students = [student(kind, kind.title()) for kind in flags]
    for one in students:
        one.flags += flags[one.student_id]
    late = student("late", "Lat", entry("late", "Lat", time=DEADLINE + timedelta(1)))
    the_class = graded(*students, late, absent("none", "Nobody"))
    gradebook.write(the_class, tmp_path)
    rows = table(tmp_path, "problems.csv")
    order = [row["kind"] for row in rows]
    assert order == sorted(order, key=[*KINDS].index)
    assert [row["student_id"] for row in rows if row["kind"] == "late"] == [
        "late",
        "none",
    ]
    page = (tmp_path / "overview.html").read_text("utf-8")
    titles = re.findall(r"<summary>(.*?) \((\d+)\)</summary>", page)
    names = ["forged", "copied", "whose", "late", "odd"]
    assert [title for title, _ in titles] == [KINDS[kind] for kind in names]
    assert [int(n) for _, n in titles] == [1, 1, 1, 2, 1]
    look = page.split('<h2 id="answers">')[0]
    assert look.count(">Odd</bdi></a>") == 1  # one entry, two sentences
    for one, name in zip(
        the_class.students, pages_module.page_names(the_class.students, ""), strict=True
    ):
        assert page.count(f'href="{name}"') >= 2, one.name  # of the finding and the row
        row = page.split(f'<th scope="row"><a href="{name}">')[1].split("</tr>")[0]
        anchor = re.search(r'href="overview.html#([a-z]+-\d+)"', row)[1]
        finding = page.split(f'<li id="{anchor}">')[1].split("</li>")[0]
        assert f'href="{name}"' in finding  # and back


def test_flags_of_no_kind_are_refused_and_flags_are_text():
    with pytest.raises(ValueError, match="no kind 'grave'"):
        Flag.of("grave", "x")
    flag = pickle.loads(pickle.dumps(Flag.of("copied", "x")))
    assert flag == "x" and flag.kind == "copied" and Flag("y").kind == "odd"


def test_where_the_own_runs_lie_among_the_best_of_all(tmp_path):
    many = [student(f"s{i}", f"N{i}", runs=[run(nmi=i / 10)]) for i in range(1, 8)]
    best = run("EfficientNetLite0/l2+kmeans/k7/s0", nmi=0.83)
    many[4] = student("s5", "N5", runs=[best, run(nmi=0.2)])
    the_class = graded(*many, student("own", "O", self_supplied=True))
    gradebook.write(the_class, tmp_path)
    page = page_of(tmp_path, the_class, "s1")
    assert "Your best mean NMI over seeds is 0.10" in page
    assert "The median of the class&#39;s best is 0.40" in page
    assert "from a pretrained network has 0.83, by EfficientNetLite0/l2+kmeans" in page
    assert page.count("<i style=") == 7 + 1 + 1
    assert "N5" not in page and "s5" not in page
    assert "Where your runs stand" not in page_of(tmp_path, the_class, "own")
    few = graded(*many[:4])
    gradebook.write(few, tmp_path / "few")
    page = page_of(tmp_path / "few", few, "s1")
    assert "Your best mean NMI over seeds is 0.10" in page and "median" not in page


def test_what_would_have_given_more_points(tmp_path):
    runs = [run("raw/kmeans/k3/s1", nmi=0.5), run("hog/kmeans/k3/s1", nmi=0.61)]
    the_class = graded(student("s1", "Anna", runs=runs))
    gradebook.write(the_class, tmp_path)
    page = page_of(tmp_path, the_class, "s1")
    more = page.split("What would have given more points")[1].split("</ul>")[0]
    assert "0.11; 6 points from a margin of 0.15 on, 8 points from a" in more
    lost = [float(n) for n in re.findall(r"up to ([\d.]+) more", more)]
    assert lost == sorted(lost, reverse=True) and len(lost) > 2
    whole = sum(
        p.most - p.points
        for p in the_class.students[0].parts.values()
        if p.points is not None
    )
    assert sum(lost) == pytest.approx(whole, abs=0.02)


def test_one_sentence_where_every_run_claims_too_much(tmp_path):
    runs = [run(f"raw/l2+kmeans/k7/s{i}", claimed=0.99) for i in range(4)]
    the_class = graded(student("s1", "Anna", runs=runs))
    gradebook.write(the_class, tmp_path)
    page = page_of(tmp_path, the_class, "s1")
    assert "all of them claim other scores than their labels have" in page
    assert "claimed 0.99" not in page


def test_every_page_is_readable_on_every_screen(tmp_path, chromium, drawn):
    runs = [
        run(f"raw/l2+kmeans/k7/s{i}", nmi=i / 9, claimed=i / 8) for i in range(1, 7)
    ]
    many = [student(f"s{i}", f"Name{i}", runs=runs[i:]) for i in range(6)]
    many[0].flags.append(Flag.of("forged", "claims too much"))
    the_class = graded(*many, absent())
    files, _ = gradebook.write(the_class, tmp_path)
    shown = {
        f.parent.name if f.parent != tmp_path else f.name: f
        for f in files
        if f.suffix == ".html"
    }
    assert {"overview.html", "leaderboard.html", "answers-1.html", "feedback"} <= {
        *shown
    }
    page = chromium.new_page(viewport={"width": 1400, "height": 900})
    for path in shown.values():
        page.goto(path.as_uri())
        assert_readable(page)
    page.close()


def test_the_students_are_sorted_and_filtered(tmp_path, chromium, drawn):
    points = [9, 100, 30]
    many = [
        student(f"s{i}", n, runs=[run(nmi=p / 100)])
        for i, (n, p) in enumerate(zip("CAB", points, strict=True))
    ]
    the_class = graded(*many, absent("s9", "Zoë"))
    gradebook.write(the_class, tmp_path)
    page = chromium.new_page(viewport={"width": 1400, "height": 900})
    errors = []
    page.on("console", lambda message: errors.append(message.text))
    page.goto((tmp_path / "overview.html").as_uri())
    rows = page.locator("table.sorted tbody tr:not([hidden]) th")
    page.get_by_role("button", name="Name").click()
    assert rows.all_inner_texts() == ["A", "B", "C", "Zoë"]
    page.get_by_role("button", name="Best mean NMI").click()
    assert rows.all_inner_texts() == ["C", "B", "A", "Zoë"]
    page.get_by_role("button", name="Best mean NMI").click()
    assert rows.all_inner_texts() == ["A", "B", "C", "Zoë"]  # who has none stays last
    page.get_by_label("Show only").fill("no SUB")
    assert rows.all_inner_texts() == ["Zoë"]
    assert page.locator("#found").inner_text() == "1 of 4"
    page.close()
    assert not errors


def named(*students):
    the_class = graded(*students)
    the_class.rubric["leaderboard_names"] = True
    return the_class


@pytest.mark.parametrize("half", ["public", "private"])
def test_the_leaderboard_ranks_and_says_what_changed(half):
    rows = pages_module.leaderboards(
        named(
            student("s1", "Anna", public=0.9, private=0.3),
            student("s2", "Ben", public=0.8, private=0.7),
            student("s3", "Cem", public=0.8, private=0.2),
            student("s4", "Dan", public=0.99, self_supplied=True),
            absent(),
        )
    )[half == "private"]
    found = [(row["rank"], row["name"], row["change"]) for row in rows]
    assert (
        found
        == {
            "public": [(1, "Anna", "same"), (2, "Ben", "same"), (2, "Cem", "same")],
            "private": [
                (1, "Ben", "up 1"),
                (2, "Anna", "down 1"),
                (3, "Cem", "down 1"),
            ],
        }[half]
    )
    assert rows[0]["scores"]["nmi"] == (0.9 if half == "public" else 0.7)


def test_the_public_leaderboard_tells_nothing_of_the_private_half(tmp_path):
    the_class = graded(
        student(runs=[run(nmi=0.6421)], public=0.7531, private=0.1357),
        student("s4", "Dan", self_supplied=True),
    )
    gradebook.write(the_class, tmp_path)
    public = (tmp_path / "leaderboard.html").read_text(encoding="utf-8")
    private = (tmp_path / "leaderboard-private.html").read_text(encoding="utf-8")
    assert "0.753" in public and "0.136" in private
    assert "0.136" not in public and "0.642" not in public
    assert "1 with labels of their own is not on it" in public
    assert "Dan" not in public


@pytest.mark.parametrize(
    "ids",
    [
        ["con", "CON", "nul.txt", "../../etc", "a/b", "a\\b", "", " ", "ü" * 99],
        ["x" * 200, "x" * 199 + "y", "X" * 200],
        ["s1", "s1", "s1"],
        ["\u202es1", "\udc80", "日本", "."],
    ],
)
def test_page_names_are_safe_and_differ(ids):
    names = pages_module.page_names([absent(one, "Anna") for one in ids], "s")
    assert len({name.lower() for name in names}) == len(ids)
    for name in names:
        assert re.fullmatch(r"feedback/[a-z0-9][a-z0-9-]*\.html", name)
        assert len(name.removeprefix("feedback/")) <= 60


def test_a_class_without_any_points(tmp_path, drawn):
    the_class = graded(absent(), student("s3", "C", entry("s3", "C", error="cut off.")))
    gradebook.write(the_class, tmp_path)
    assert problems_of(the_class)[0] == "cut off."
    assert "Nobody has a run" in (tmp_path / "leaderboard.html").read_text("utf-8")
    assert "<img" not in (tmp_path / "overview.html").read_text("utf-8")


def test_figures_leave_out_what_the_course_does_not_know(tmp_path, drawn):
    runs = [run("raw/kmeans/k3/s1"), run(r"$\frac$/a/b/c"), run("VGG19:$x$/a/b/c")]
    gradebook.write(graded(student(runs=runs)), tmp_path)
    tags = Tags((tmp_path / "overview.html").read_text(encoding="utf-8")).tags
    texts = [found["alt"] for tag, found in tags if tag == "img"]
    assert len(texts) == 3
    assert (
        texts[1] == "Best mean NMI by representation, medians of the class: raw 0.50."
    )
    assert all("\n" not in text and text.endswith(".") for text in texts)


def test_from_submissions_to_pages(tmp_path, drawn):
    image_set, folder = coloured(), tmp_path / "in"
    folder.mkdir()
    for student_id, representation in (("s1", "colour"), ("s2", "raw")):
        results, labels = runs_module.run(
            image_set,
            [representation],
            ["kmeans"],
            seeds=submission.seeds(student_id, 2),
            progress=False,
        )
        about = {"student_id": student_id, "name": f"Student {student_id}"}
        submission.submit(
            folder / f"{student_id}.zip", image_set, results, labels, **about
        )
    (folder / "notes.txt").write_text("not a submission", encoding="utf-8")
    before = {path: path.read_bytes() for path in folder.iterdir()}
    the_class = grader.grade(folder, image_set, deadline=DEADLINE)
    gradebook.write(the_class, tmp_path / "out")
    assert {s.counted.review.runs[0].outcome for s in the_class.students} == {
        "confirmed"
    }
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    rows = table(tmp_path / "out", "grades.csv")
    assert {row["student_id"] for row in rows} == {"s1", "s2"}
    assert all(row["reason"].startswith("scored") for row in rows)
    for one in the_class.students:
        found = one.counted.review
        line = [run for run in found.runs if run.kind == found.leading.kind]
        mean = np.mean([run.public for run in line])
        assert found.public["nmi"] == pytest.approx(mean)
        assert set(found.public) == set(found.private) == set(submission.CLAIMED)
    assert "notes.txt" in (tmp_path / "out" / "overview.html").read_text("utf-8")


@pytest.mark.parametrize("name", ["thesis.docx", "grades.csv", "overview.html"])
def test_a_folder_of_other_files_is_left_alone(tmp_path, name):
    (tmp_path / name).write_text("mine", encoding="utf-8")
    with pytest.raises(ValueError, match=f"holds other files.*{name}"):
        gradebook.write(graded(student()), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["problems.csv", "overview.html", "feedback"])
def test_a_file_that_no_grading_wrote_is_in_the_way(tmp_path, name):
    gradebook.write(graded(student()), tmp_path)
    listed = tmp_path / gradebook.files.WRITTEN
    names = json.loads(listed.read_text("utf-8"))
    kept = [n for n in names if not n.startswith(name)]
    assert len(kept) < len(names)
    listed.write_text(json.dumps(kept), encoding="utf-8")
    with pytest.raises(ValueError, match=f"{name} is in the way"):
        gradebook.check_out(tmp_path)
    with pytest.raises(ValueError, match=f"{name} is in the way"):
        gradebook.write(graded(student()), tmp_path)


def test_marks_may_be_there_before_the_first_grading(tmp_path):
    rows = "student_id,late_until\n"
    (tmp_path / "adjustments.csv").write_text(rows, encoding="utf-8")
    (tmp_path / "Thumbs.db").write_text("of Windows", encoding="utf-8")
    gradebook.write(graded(student()), tmp_path)
    assert (tmp_path / "adjustments.csv").read_text("utf-8") == rows
    gradebook.write(graded(student()), tmp_path)
    assert (tmp_path / "grades.csv").exists()
