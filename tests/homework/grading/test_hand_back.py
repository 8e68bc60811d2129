"""What goes back: read as Canvas and Moodle read it, in four languages."""

import csv
import io
import re
import zipfile
from datetime import timedelta

import pytest
from sample_classes import MOODLE, Sender, canvas_files, moodle_files, write_class

from course_utils.homework.grading.hand_back import feedback_zip, fill_grades
from course_utils.homework.grading.inbox import Receipt, collect
from course_utils.homework.grading.roster import load as roster_of

LANGUAGES = ["en", "de", "fr", "es"]


def people():
    return [
        Sender("Anna", "Anders", "aanders", {"hw.zip": b"1"}, grade="5.00"),
        Sender("Zoë", "O'Brien", "zobrien", {"my_work-1.zip": b"2"}),
        Sender("小明", "王", "wang", {"a_1_2_b.zip": b"3"}, late=timedelta(days=2)),
        Sender("Cy", "Absent", "cabsent", grade="7.00"),
    ]


def graded(roster, points, comment="Best NMI: 18 of 20"):
    """Grades of the students with a number among the points {last name: points}."""
    return [
        (student, points[name], comment)
        for student in roster.students
        for name in points
        if name in student.name
    ]


def cells(data, separator):
    text = io.StringIO(data.decode("utf-8-sig"), newline="")
    return list(csv.reader(text, delimiter=separator))


def changed(before, after, separator=","):
    """{(row, column): text} of the cells that differ; the rest must be the same."""
    old, new = cells(before, separator), cells(after, separator)
    assert len(old) == len(new) and before[:3] == after[:3]
    differ = {
        (i, j): theirs
        for i, (one, two) in enumerate(zip(old, new, strict=True))
        for j, (ours, theirs) in enumerate(zip(one, two, strict=True))
        if ours != theirs
    }
    lines = before.splitlines(keepends=True), after.splitlines(keepends=True)
    if len(lines[0]) == len(old):  # no line ends in cells
        touched = {i for i, _ in differ}
        for i, (one, two) in enumerate(zip(*lines, strict=True)):
            assert (one == two) is (i not in touched)
            assert one[-2:] == two[-2:] or i in touched
    return differ


# Grades, as the platforms' importers read them


def import_to_canvas(data):
    """{number of the student: grade} of the one assignment, or an error as Canvas'."""
    first = data.decode("utf-8-sig").splitlines()[:3]
    semicolons = {line.count(";") for line in first}
    separator = ";" if len(semicolons) == 1 and semicolons != {0} else ","
    header, *rows = cells(data, separator)
    start = 2 if header[0] == "LastName" else 1
    assert header[start] == "ID" and "Section" in header
    about = header.index("Section") + 1
    totals = "Current Score|Final Score"
    (column,) = [
        i for i in range(about, len(header)) if not re.search(totals, header[i])
    ]
    assert re.fullmatch(r".+ \(\d+\)", header[column])  # or Canvas makes a new one
    grades = {}
    for row in rows:
        if "Points Possible" in row[0] or not row[start]:
            continue
        grades[row[start]] = re.sub(r"^(\d+),(\d+)$", r"\1.\2", row[column])
    return grades


def import_to_moodle(data, language):
    """{number of the participant: (grade, comment)} of rows that are not skipped."""
    words = MOODLE[language]
    header, *rows = cells(data, ",")
    identifier, grade = words["columns"][0], words["columns"][-1]
    at = {name: header.index(name) for name in (identifier, grade, words["last"][0])}
    comment = header.index(words["last"][1]) if words["last"][1] in header else None
    maximum = header.index(words["more"][0])
    found = {}
    for row in rows:
        number = row[at[identifier]][len(words["participant"]) :]
        text = row[at[grade]].replace("." if language == "en" else ",", ".")
        if text == "" or float(text) < 0:
            continue
        assert float(text) <= float(row[maximum].replace(",", "."))
        found[int(number)] = (float(text), row[comment] if comment else "")
    return found


@pytest.mark.parametrize("separate_names", [False, True])
@pytest.mark.parametrize("language", LANGUAGES)
def test_canvas_gets_its_own_gradebook_back(tmp_path, language, separate_names):
    senders = people()
    made = write_class(
        *(tmp_path, "canvas", language, senders),
        points_possible=(10,),
        separate_names=separate_names,
    )
    roster, before = roster_of(made.roster), made.roster.read_bytes()
    grades = graded(roster, {"Anders": 71.67, "王": 80})
    grades += graded(roster, {"O'Brien": None})
    data, problems = fill_grades(roster, grades, max_points=80)
    assert problems == []
    separator = "," if language == "en" else ";"
    written = {"71.67": "8.96", "80": "10"}
    expected = {
        c if language == "en" else c.replace(".", ",") for c in written.values()
    }
    assert {*changed(before, data, separator).values()} == expected
    assert made.roster.read_bytes() == before
    anna, zoe, wang, cy = (str(sender.number) for sender in senders)
    assert import_to_canvas(data) == {
        **{anna: "8.96", wang: "10", zoe: "", cy: "7.00"},
        "99999": "",
    }


@pytest.mark.parametrize("options", [{}, {"usernames": True}, {"blind": True}])
@pytest.mark.parametrize("bom", [False, True])
@pytest.mark.parametrize("language", LANGUAGES)
def test_moodle_gets_its_own_worksheet_back(tmp_path, language, bom, options):
    senders = people()
    senders[1].group = "Group A" if "usernames" in options else ""
    made = write_class(
        tmp_path, "moodle", language, senders, maximum="10.00", bom=bom, **options
    )
    roster, before = roster_of(made.roster), made.roster.read_bytes()
    anna, zoe, wang, cy = roster.students
    grades = [
        (anna, 71.67, "Best NMI: 18 of 20\n2 days late"),
        (zoe, None, "not yet"),
        (wang, 80, ""),
    ]
    data, problems = fill_grades(roster, grades, max_points=80)
    assert problems == []
    assert len(changed(before, data)) == 3
    found = import_to_moodle(data, language)
    numbers = [sender.number for sender in senders]
    assert found == {
        numbers[0]: (8.96, "Best NMI: 18 of 20<br>2 days late"),
        numbers[2]: (10, ""),
        numbers[3]: (7, ""),
    }
    assert wang.lms_id == str(numbers[2]) and cy.lms_id == str(numbers[3])


def test_nothing_but_the_cells_is_touched(tmp_path):
    text = (
        '\ufeff"Student","ID",Section,"Homework (1)",Note\r\n'
        ',,,Manual Posting,""\r\n'
        "    Points Possible,,,20.00,(read only)\r\n"
        '"Doe, ""J"" Jane",1,"A\r\nB",,  spaces  \r\n'
        "\r\n"
        'Roe Zoë,2,A,"5.5",=1+1\n'
        '"Poe",3,A,,"x"'
    )
    path = tmp_path / "gradebook.csv"
    path.write_bytes(text.encode())
    roster = roster_of(path)
    grades = [(student, 50, "") for student in roster.students]
    data, problems = fill_grades(roster, grades, max_points=100)
    expected = (
        text.replace('B",,', 'B",10,')
        .replace('"5.5"', '"10"')
        .replace('A,,"x"', 'A,10,"x"')
    )
    assert (data.decode(), problems) == (expected, [])


def test_a_row_that_is_too_short_is_filled_up(tmp_path):
    text = "Student,ID,Section,Homework (1),More\n    Points Possible,,,10\nJo,1,A\n"
    path = tmp_path / "gradebook.csv"
    path.write_bytes(text.encode())
    roster = roster_of(path)
    data, _ = fill_grades(roster, [(roster.students[0], 5, "")], max_points=10)
    assert data.decode() == text.replace("Jo,1,A", "Jo,1,A,5")


def test_quotes_that_cannot_be_understood(tmp_path):
    text = 'Student,ID,Section,Homework (1)\n    Points Possible,,,10\nJo,1,A,"x,5\n'
    path = tmp_path / "gradebook.csv"
    path.write_bytes(text.encode())
    roster = roster_of(path)
    data, problems = fill_grades(roster, [(roster.students[0], 5, "")], max_points=10)
    assert data is None
    assert "cannot be filled in, as the quotes of" in problems[0]


@pytest.mark.parametrize(
    ("options", "assignment", "found"),
    [
        ({}, None, "Homework (12345)"),
        ({}, "Homework", "Homework (12345)"),
        ({}, " Homework (12345) ", "Homework (12345)"),
        ({"assignments": ("A, b (1)", "A (2)")}, "A, b", "A, b (1)"),
        ({"assignments": ("A (1)", "A (2)")}, "A (2)", "A (2)"),
        ({"assignments": ("Lab (1) (7)", "Lab (8)")}, "Lab (1)", "Lab (1) (7)"),
    ],
)
def test_the_assignment_is_found(tmp_path, options, assignment, found):
    options = {"points_possible": (10, 10), **options}
    n = len(options.get("assignments", "x"))
    options["points_possible"] = options["points_possible"][:n]
    made = write_class(tmp_path, "canvas", "en", people(), **options)
    roster = roster_of(made.roster)
    data, problems = fill_grades(
        *(roster, graded(roster, {"王": 5})), assignment=assignment, max_points=10
    )
    assert problems == []
    (where,) = changed(made.roster.read_bytes(), data)
    assert roster.sheet.header[where[1]] == found


@pytest.mark.parametrize(
    ("options", "assignment", "why"),
    [
        (
            {"assignments": ("A (1)", "B (2)")},
            None,
            "several .*--assignment.*A .1.*B .2",
        ),
        (
            {"assignments": ("A (1)", "A (2)")},
            "A",
            "several assignments 'A'.*A .1.*A .2",
        ),
        ({}, "Image clustering", "no assignment 'Image clustering', and .*'Homework"),
        (
            {"assignments": ("Homework",)},
            "Homework",
            "has no assignment with Canvas' number",
        ),
        (
            {"assignments": ("Quiz (1) Final Score",)},
            None,
            "has no assignment with Canvas' number",
        ),
        ({"points_possible": (0,)}, None, "no Points Possible for 'Homework"),
    ],
)
def test_the_assignment_is_not_found(tmp_path, options, assignment, why):
    n = len(options.get("assignments", "x"))
    options = {"points_possible": (10,) * n, **options}
    made = write_class(tmp_path, "canvas", "en", people(), **options)
    roster = roster_of(made.roster)
    data, (problem,) = fill_grades(
        *(roster, graded(roster, {"王": 5})), assignment=assignment, max_points=10
    )
    assert data is None
    assert re.search(why, problem) and problem.endswith(".")


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ("100.00", "(read only)", r"Homework \(12345\)' is read only: \(read only\)"),
        ("100.00", "(läs endast)", r"read only: \(läs endast\)"),
        ("100.00", "", "has no Points Possible"),
        ("100.00", "many", "has no Points Possible"),
        ("Points Possible", "Points", "has no Points Possible"),
    ],
)
def test_columns_of_canvas_that_take_no_grades(tmp_path, before, after, why):
    made = write_class(tmp_path, "canvas", "en", people(), bom=False)
    text = made.roster.read_text(encoding="utf-8").replace(before, after)
    made.roster.write_text(text, encoding="utf-8")
    roster = roster_of(made.roster)
    data, (problem,) = fill_grades(roster, graded(roster, {"王": 5}), max_points=10)
    assert data is None and re.search(why, problem)


@pytest.mark.parametrize(
    ("now", "why"),
    [
        ("EX", "Canvas excuses Anders, Anna (EX)"),
        ("N/A", "Canvas does not assign it to Anders, Anna (N/A)"),
    ],
)
def test_students_whom_canvas_gives_no_grade(tmp_path, now, why):
    senders = people()
    senders[0].grade = now
    roster = roster_of(write_class(tmp_path, "canvas", "en", senders).roster)
    grades = graded(roster, {"Anders": 5, "王": 5})
    data, (problem,) = fill_grades(roster, grades, max_points=10)
    assert why in problem
    assert list(changed(roster.sheet.data, data).values()) == ["50"]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (
            {"can_be_changed": "No"},
            r"of Zoë O'Brien cannot be changed in Moodle \('No'\)",
        ),
        ({"can_be_changed": "Nein"}, "of Zoë O'Brien cannot be changed"),
        ({"can_be_changed": "?"}, "of Zoë O'Brien may be locked"),
        ({"maximum": "ten"}, "maximum grade 'ten' is no number: set the grade type"),
        ({"maximum": "-"}, "maximum grade '-' is no number"),
        ({"maximum": "0.00"}, "is no number"),
    ],
)
def test_worksheets_that_take_no_grades(tmp_path, options, why):
    roster = roster_of(
        write_class(tmp_path, "moodle", "en", people(), **options).roster
    )
    data, (problem,) = fill_grades(roster, graded(roster, {"O'Brien": 5}), max_points=9)
    assert data is None and re.search(why, problem) and problem.endswith(".")


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ('"Maximum grade"', "Scale", "has a scale in Moodle, not points: set"),
        ('"Last modified (grade)"', "x", r"no column 'last modified \(grade\)': give"),
        (",Grade,", ",Points,", "no column 'grade'"),
        ('"Maximum grade"', "x", "no column 'maximum grade'"),
    ],
)
def test_worksheets_that_lack_columns(tmp_path, before, after, why):
    # In English alone: by what the cells hold, most of these are still found.
    made = write_class(tmp_path, "moodle", "en", people(), can_be_changed="perhaps")
    text = made.roster.read_text(encoding="utf-8").replace(before, after)
    made.roster.write_text(text, encoding="utf-8")
    roster = roster_of(made.roster)
    data, (problem,) = fill_grades(roster, graded(roster, {"王": 5}), max_points=10)
    assert data is None and re.search(why, problem)


def test_a_grade_above_the_maximum_is_left_out(tmp_path):
    made = write_class(tmp_path, "moodle", "de", people(), maximum="10.00")
    roster = roster_of(made.roster)
    grades = graded(roster, {"王": 101, "O'Brien": 100}, comment="")
    data, (problem,) = fill_grades(roster, grades, max_points=100)
    assert problem == (
        "小明 王 has 10.1 points, and Moodle skips all above its maximum grade 10,00: "
        "enter this grade by hand."
    )
    assert list(changed(made.roster.read_bytes(), data).values()) == ["10"]


@pytest.mark.parametrize(
    ("comment", "written"),
    [
        ("=1+1", "'=1+1"),
        ("fine; =1+1", "fine;' =1+1"),
        ('say "hi", <b>Jo</b>\n@x', 'say "hi", &lt;b&gt;Jo&lt;/b&gt;<br>\'@x'),
        ("Müller & Co", "Müller &amp; Co"),
    ],
)
def test_comments_are_harmless(tmp_path, comment, written):
    roster = roster_of(write_class(tmp_path, "moodle", "en", people()).roster)
    data, problems = fill_grades(
        roster, graded(roster, {"王": 5}, comment), max_points=5
    )
    assert problems == []
    assert {*changed(roster.sheet.data, data).values()} == {"100", written}


def test_a_worksheet_without_comments(tmp_path):
    roster = roster_of(
        write_class(tmp_path, "moodle", "fr", people(), comments=False).roster
    )
    data, (problem,) = fill_grades(roster, graded(roster, {"王": 5}), max_points=10)
    assert "no column for comments: switch on feedback comments" in problem
    assert list(changed(roster.sheet.data, data).values()) == ["50"]
    assert fill_grades(roster, graded(roster, {"王": 5}, ""), max_points=10)[1] == []


def test_rosters_that_are_not_given_back(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("student_id,name\nu1,Jo\n", encoding="utf-8")
    roster = roster_of(path)
    data, (problem,) = fill_grades(roster, [(roster.students[0], 5, "")], max_points=9)
    assert data is None and "a table of your own: give the gradebook" in problem
    path.write_text(
        "First name,Last name,Email address\nJo,Doe,j@x.example\n", encoding="utf-8"
    )
    roster = roster_of(path)
    data, (problem,) = fill_grades(roster, [(roster.students[0], 5, "")], max_points=9)
    assert data is None and "no column 'identifier', 'grade'" in problem
    assert fill_grades(roster, [(roster.students[0], None, "x")], max_points=9) == (
        *(None, []),
    )


# Pages


def pages_of(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("packed", [False, True])
def test_pages_for_canvas_have_the_names_of_the_files(tmp_path, packed):
    senders = people()
    made = write_class(tmp_path, "canvas", "en", senders, packed=packed)
    found = collect(made.submissions)
    entries = [(receipt, b"<p>" + receipt.read()) for receipt in found]
    data, unnamed = feedback_zip(entries, "canvas")
    assert unnamed == []
    pages = pages_of(data)
    assert {name: page[3:] for name, page in pages.items()} == {
        name.removesuffix(".zip") + ".html": content
        for name, content in canvas_files(senders).items()
    }
    for name, page in pages.items():  # as Canvas reads them
        user = int(re.search(r"_(\d+)_(\d+)_", name)[1])
        (sender,) = [sender for sender in senders if sender.number == user]
        assert page[3:] in sender.files.values()
    assert feedback_zip(entries[::-1], "canvas") == (data, [])


@pytest.mark.parametrize("layout", [{}, {"flat": True}, {"old": True}, {"blind": True}])
@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_for_moodle_go_to_the_student_s_folder(tmp_path, language, layout):
    senders = people()
    senders[0].group, senders[1].first = "Group_A", "Zoë_2"
    made = write_class(tmp_path, "moodle", language, senders, **layout)
    assert made.members == moodle_files(senders, language, **layout)
    found = collect(made.submissions)
    data, unnamed = feedback_zip([(r, b"<p>" + r.read()) for r in found], "moodle")
    assert unnamed == []
    pages = pages_of(data)
    assert len(pages) == 3
    for name, page in pages.items():  # as Moodle reads them
        folder, base = name.split("/")
        _, number, subtype, plugin, *_ = folder.split("_", 4)
        (sender,) = [s for s in senders if s.number == int(number)]
        assert page[3:] in sender.files.values()
        assert (subtype, plugin, base) == ("assignsubmission", "file", "feedback.html")


@pytest.mark.parametrize("platform", ["canvas", "moodle"])
def test_files_without_a_name_on_the_platform(platform):
    receipts = [
        Receipt("plain.zip"),
        Receipt("x.zip", lms="moodle", who="Team", prefix="Team_assignsubmission_file"),
        Receipt(
            "x.zip", lms="canvas", who="x", user="1", prefix="x" * 300, order=(5, 0)
        ),
    ]
    data, unnamed = feedback_zip([(receipt, b"page") for receipt in receipts], platform)
    assert (data, unnamed) == (None, receipts)


def test_names_are_bounded_and_stay_inside(tmp_path):
    long = "x" * 400
    members = {
        f"doe_1_2_{long}.zip": b"",
        "doe_3_4_.zip": b"",
        "doe_5_6_..zip": b"",
        f"{long}_7_assignsubmission_file/a.zip": b"",
        ".._8_assignsubmission_file/a.zip": b"",
        "_9_assignsubmission_file/a.zip": b"",
    }
    path = tmp_path / "submissions.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    entries = [(receipt, b"page") for receipt in collect(path)]
    names = []
    for platform in ("canvas", "moodle"):
        data, unnamed = feedback_zip(entries, platform)
        assert len(unnamed) == 3
        names += pages_of(data)
    assert len(names) == 6
    for name in names:
        folder, _, base = name.rpartition("/")
        assert max(len(folder), len(base)) < 220
        assert ".." not in name.split("/") and not name.startswith("/")
        assert base.endswith(".html")


def test_two_pages_never_have_one_name():
    one = Receipt(
        "doe_1_2_a.zip", lms="canvas", user="1", prefix="doe_1_2_", order=(2, 0)
    )
    data, unnamed = feedback_zip([(one, b"1"), (one, b"2")], "canvas")
    assert pages_of(data) == {"doe_1_2_a.html": b"1"}
    assert unnamed == [one]
