"""Who is who: rosters of Canvas, Moodle and one's own, in four languages."""

import time
from datetime import datetime, timedelta

import pytest
from sample_classes import DEADLINE, Sender, moodle_time, write_class

from course_utils.homework.grading import roster as roster_module
from course_utils.homework.grading.inbox import Receipt, collect
from course_utils.homework.grading.roster import load as roster_of

LANGUAGES = ["en", "de", "fr", "es"]

CANVAS = """\
Student,ID,SIS User ID,SIS Login ID,Section,"Lab 1; clusters (99)",Final Score
,,,,,Manual Posting,
    Points Possible,,,,,10.00,(read only)
"Doe, Jane",4711,S001,Jane@Uni.example,A,,
"Roe, Zoë",4712,,zroe,A and B,9,
"Student, Test",4799,,,A,,
"""
MOODLE = """\
Identifier,Full name,ID number,Email address,Status,Grade,Maximum grade
Participant 77,Jane Doe,S001,jane@uni.example,Submitted,-,10
Participant 78,Zoë Roe,,zroe@uni.example,No submission,-,10
"""
PARTICIPANTS = """\
"First name","Last name","Email address","ID number"
Jane,Doe,jane@uni.example,S001
Zoë,Roe,zroe@uni.example,
"""
PLAIN = (
    "student_id,name,email,lms_id\nS001,Jane Doe,jane@uni.example,77\nS002,Zoë Roe,,\n"
)


def table(folder, text, name="table.csv", encoding="utf-8"):
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def canvas(user="", who="x"):
    return Receipt(f"{who}_{user}_9_x.zip", lms="canvas", who=who, user=str(user))


def moodle(user="", who="x"):
    return Receipt("x/x.zip", lms="moodle", who=who, user=str(user))


def people():
    """Honest students with names as they come, four of them late."""
    return [
        Sender("Anna", "Anders", "aanders", {"hw.zip": b"1"}, sis_id="S1"),
        Sender("Zoë", "O'Brien", "zobrien", {"hw.zip": b"2"}, late=timedelta(hours=3)),
        Sender(
            *("José María", "García López", "jgarcia", {"a_12_34_b.zip": b"3"}),
            late=timedelta(days=2, hours=3),
        ),
        Sender("小明", "王", "wang", {"作业.zip": b"4"}, late=timedelta(days=1)),
        Sender("Jim", "Deacon, Jr", "jdeacon", {"hw.zip": b"5"}, text=True),
        Sender("Bo 2", "Berg", "bberg", {"x/y/hw.zip": b"6", "hw.zip": b"7"}),
        Sender(
            *("Åsa", "van der Berg", "avdberg", {"hw.zip": b"8"}),
            late=timedelta(days=36),
            extension=DEADLINE + timedelta(days=1),
        ),
        Sender("Cy", "Absent", "cabsent"),
    ]


def name_of(student):
    return student and " ".join(reversed(student.name.split(", ", 1)))


# The platforms' own exports


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("platform", ["canvas", "moodle"])
def test_every_file_of_an_honest_class_is_its_sender_s(
    tmp_path, platform, language, packed
):
    senders = people()
    made = write_class(tmp_path, platform, language, senders, packed=packed)
    roster, found = roster_of(made.roster), collect(made.submissions)
    assert (roster.kind, len(roster.students)) == (platform, 8)
    sent = {data: sender for sender in senders for data in sender.files.values()}
    for receipt in found:
        student = roster.find(receipt)
        assert student.lms_id == str(sent[receipt.read()].number), receipt
    assert sorted(receipt.read() for receipt in found) == sorted(sent)
    assert len(found.texts) == 1


@pytest.mark.parametrize(
    "options",
    [
        {"sis_ids": False},
        {"logins": "email"},
        {"separate_names": True},
        {"manual_posting": False, "test_student": False, "bom": False},
        {"separator": ";"},
        {"separator": ","},
        {
            "assignments": ("Quiz, part 1 (7)", "Homework (12)"),
            "points_possible": (1, 2),
        },
    ],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_canvas_gradebooks_as_sites_differ(tmp_path, language, options):
    senders = people()
    made = write_class(tmp_path, "canvas", language, senders, **options)
    roster = roster_of(made.roster)
    assert roster.kind == "canvas"
    assert {name_of(s) for s in roster.students} >= {"Anna Anders", "小明 王"}
    assert len(roster.students) == len(senders)
    for sender in senders:
        (student,) = [s for s in roster.students if s.lms_id == str(sender.number)]
        assert {sender.login, str(sender.number)} <= student.ids
        assert roster.by_id(sender.login.upper()) is student
    assert roster.by_id("S1") is (
        None if options.get("sis_ids") is False else roster.by_id("aanders")
    )


@pytest.mark.parametrize("options", [{}, {"usernames": True}, {"bom": True}])
@pytest.mark.parametrize("language", LANGUAGES)
def test_moodle_worksheets_say_who_and_when(tmp_path, language, options):
    senders = people()
    roster = roster_of(
        write_class(tmp_path, "moodle", language, senders, **options).roster
    )
    for sender, student in zip(senders, roster.students, strict=True):
        assert (student.name, student.email) == (sender.name, sender.email)
        assert {sender.login, sender.email, str(sender.number)} <= student.ids
        assert roster.by_id(f" {sender.email.upper()} ") is student
        said = student.submitted
        assert said.late == sender.late
        assert said.extension == sender.extension
        assert said.time == (sender.time if sender.files else None)
    assert (roster.students[0].student_id == "S1") is bool(options.get("usernames"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_blind_marking(tmp_path, language):
    senders = people()
    made = write_class(tmp_path, "moodle", language, senders, blind=True)
    roster, found = roster_of(made.roster), collect(made.submissions)
    sent = {data: sender for sender in senders for data in sender.files.values()}
    for receipt in found:
        student = roster.find(receipt)
        assert student.student_id == str(sent[receipt.read()].number)
        assert student.name.endswith(student.student_id)
        assert student.submitted.late == sent[receipt.read()].late


@pytest.mark.parametrize("layout", [{}, {"flat": True}, {"old": True}])
@pytest.mark.parametrize("groups", [False, True])
def test_moodle_without_numbers_is_matched_by_name(tmp_path, groups, layout):
    senders = [s for s in people() if s.first != "Bo 2"]
    for i, sender in enumerate(senders):
        sender.group = f"Group {i % 2}" if groups else ""
    made = write_class(tmp_path, "moodle", "en", senders, **layout)
    names = "\n".join(f'u{i},"{s.name}"' for i, s in enumerate(senders))
    roster = roster_of(table(tmp_path, f"student_id,name\n{names}\n"))
    sent = {data: sender for sender in senders for data in sender.files.values()}
    for receipt in collect(made.submissions):
        assert roster.find(receipt).name == sent[receipt.read()].name, receipt


@pytest.mark.parametrize("swap", [False, True])
def test_canvas_without_numbers_is_matched_by_name(tmp_path, swap):
    senders = people()
    made = write_class(tmp_path, "canvas", "en", senders)
    names = "\n".join(
        f'u{i},"{s.last}, {s.first}"' if swap else f'u{i},"{s.name}"'
        for i, s in enumerate(senders)
    )
    roster = roster_of(table(tmp_path, f"student_id,name\n{names}\n"))
    sent = {data: f"u{i}" for i, s in enumerate(senders) for data in s.files.values()}
    for receipt in collect(made.submissions):
        assert roster.find(receipt).student_id == sent[receipt.read()], receipt


def test_moodle_s_columns_in_any_language_by_what_they_hold(tmp_path):
    text = (
        "Tunniste;Nimi;Sähköposti;Tila;Arvosana;Maksimi;Muokattava;Palautettu;Arvioitu;"
        "Kommentit\n"
        "Osallistuja 11;Ann Lee;ann@x.example;Palautettu;;10,00;Yes;"
        "2026-11-30 10:15;-;\n"
        "Osallistuja 12;Bo Berg;bo@x.example;Palautettu;;10,00;Yes;-;-;\n"
    )
    roster = roster_of(
        table(tmp_path, text.replace(";", ",").replace("10,00", '"10,00"'))
    )
    ann, bo = roster.students
    assert (ann.name, ann.email, ann.lms_id) == ("Ann Lee", "ann@x.example", "11")
    assert ann.submitted.time == datetime(2026, 11, 30, 10, 15)
    assert bo.submitted.time is None
    assert roster.columns["grade"] == 4 and roster.columns["maximum grade"] == 5
    assert roster.find(moodle(12)) is bo


# Who sent it


def test_the_platform_decides_and_never_the_file(tmp_path):
    roster = roster_of(table(tmp_path, CANVAS))
    jane, zoe = roster.students
    assert roster.find(canvas(4711)) is jane
    assert roster.find(canvas(4711, who="roezoe")) is jane  # the number decides
    assert roster.find(canvas(1, who="doejane")) is None  # nobody has it
    assert roster.find(Receipt("s001.zip")) is None
    assert roster.find(canvas(who="anon_abcde")) is None
    assert roster.find(moodle(4711)) is None  # another platform's number
    assert roster.find(moodle(4711, who="Zoë Roe")) is zoe
    assert roster.find(canvas("0004711")) is jane


@pytest.mark.parametrize(
    ("name", "canvas_who", "moodle_who"),
    [
        ("Jane Doe", "doejane", "Jane Doe"),
        ("Doe, Jane", "doejane", "Jane Doe"),
        ("Zoë O'Brien", "obrienzoë", "Zoë OBrien"),
        ("Zoë O'Brien", "obrienzo", "Zoe\u0308 OBrien"),
        ("Zoe\u0308 O'Brien", "obrienzoë", "Zoë O'Brien"),
        ("María José García-López", "garcíalópezmaríajosé", "María José García-López"),
        ("García López, María", "garcalpezmara", "María_García_López"),
        ("王小明", "王小明", "王小明"),
        ("Agent_007 Bond", "bondagent007", "Agent 007 Bond"),
        ("Berg 3, Bo", "berg3bo", "Bo Berg 3"),
        ("Deacon, Jr, Jim", "deaconjrjim", "Jim Deacon, Jr"),
        ("JANE  DOE", "doejane", "jane doe"),
        ("Straße, Max", "straßemax", "Max Straße"),
    ],
)
def test_names_as_the_platforms_write_them(tmp_path, name, canvas_who, moodle_who):
    roster = roster_of(table(tmp_path, f'student_id,name\nu1,"{name}"\nu2,Ann Lee\n'))
    student = roster.students[0]
    assert roster.find(canvas(5, canvas_who)) is student
    assert roster.find(moodle(5, moodle_who)) is student
    assert roster.find(moodle(5, f"Group A-{moodle_who}")) is student
    assert roster.find(canvas(5, canvas_who + "x")) is None
    assert roster.find(moodle(5, "")) is roster.find(canvas(5, "")) is None


def test_a_name_of_two_students_is_nobody_s(tmp_path):
    text = "student_id,name\nu1,Ann Lee\nu2,Lee Ann\nu3,Bo Berg\nu4,Bo Berg\nu5,Cy\n"
    roster = roster_of(table(tmp_path, text))
    for who in ("annlee", "leeann", "bergbo"):
        assert roster.find(canvas(5, who)) is None
    for who in ("Ann Lee", "Bo Berg", "Group 1-Bo Berg"):
        assert roster.find(moodle(5, who)) is None
    assert roster.find(canvas(5, "cy")).student_id == "u5"


def test_where_numbers_are_known_a_name_is_not_enough(tmp_path):
    numbered = roster_of(table(tmp_path, CANVAS))
    sent = [canvas(4711, "doejane"), canvas(4712, "doejane"), canvas(9, "doejane")]
    assert [*map(numbered.find, sent)] == [*numbered.students, None]


def test_a_double_name_is_no_group(tmp_path):
    roster = roster_of(table(tmp_path, "student_id,name\nu1,Marie Dupont\n"))
    assert roster.find(moodle(5, "Anne-Marie Dupont")) is None
    assert roster.find(moodle(5, "Team 3-Marie Dupont")).student_id == "u1"
    text = "Full name,Email address,Groups\nMarie Dupont,m@x.example,Blue\n"
    roster = roster_of(table(tmp_path, text))
    assert roster.find(moodle(5, "Blue-Marie Dupont")) is roster.students[0]
    assert roster.find(moodle(5, "Anne-Marie Dupont")) is None


def test_thousands_of_students_are_found_at_once(tmp_path):
    rows = "".join(f"u{i},First{i} Middle Last{i}\n" for i in range(3000))
    roster = roster_of(table(tmp_path, "student_id,name\n" + rows))
    started = time.process_time()
    for i in range(3000):
        assert roster.find(canvas(7, f"last{i}first{i}middle")).student_id == f"u{i}"
        assert roster.find(moodle(7, f"G 1-First{i} Middle Last{i}")) is not None
    assert time.process_time() - started < 2


# Identifiers


def test_every_identifier_is_the_student_unless_another_has_it(tmp_path):
    text = """\
Student,ID,SIS User ID,SIS Login ID,Integration ID,Section
"Doe, Jane",11,S001,jane@uni.example,i-1,A
"Doe, Jan",12,S002,jane@mail.example,,A
"Roe, Zoë",13,11,zoe@uni.example,,A
"Poe, Bo",14,zoe,bo,,A
"""
    roster = roster_of(table(tmp_path, text))
    jane, jan, zoe, bo = roster.students
    assert jane.ids == {"s001", "jane@uni.example", "i-1"}  # 11 is Zoë's id
    assert jan.ids == {"s002", "jane@mail.example", "12"}
    assert zoe.ids == {"11", "zoe@uni.example", "13"}  # zoe is Bo's id
    assert bo.ids == {"zoe", "bo", "14"}
    assert roster.by_id("11") is zoe and roster.by_id("ZOE") is bo
    for nobody in ("jane", "", "S00", None, ["S001"], 7):
        assert roster.by_id(nobody) is None


# Statuses and times


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_month_and_hour(language):
    for month in range(1, 13):
        for hour in (0, 1, 11, 12, 13, 23):
            when = datetime(2026, month, month + 1, hour, 5)
            assert roster_module.parse_time(moodle_time(when, language)) == when


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("Tuesday, 1 December 2026, 11:15 PM", datetime(2026, 12, 1, 23, 15)),
        ("Friday, September 4, 2026, 10:36 PM", datetime(2026, 9, 4, 22, 36)),
        ("1 December 2026, 11:15\u202fp.\u00a0m.", datetime(2026, 12, 1, 23, 15)),
        ("mardi 1er décembre 2026 à 23h15", datetime(2026, 12, 1, 23, 15)),
        ("Samstag, 2. Jänner 2027, 09:05 Uhr", datetime(2027, 1, 2, 9, 5)),
        ("martes, 1 de setiembre de 2026, 23:15", datetime(2026, 9, 1, 23, 15)),
        ("01.12.2026 23:15", datetime(2026, 12, 1, 23, 15)),
        ("2026-12-01 23:15:59", datetime(2026, 12, 1, 23, 15)),
        ("12/01/2026 23:15", None),  # which one is the month?
        ("31 February 2026, 1:00", None),
        ("1 Dezembro 2026, 23:15", None),
        ("1 December 2026, 25:15", None),
        ("1 December 2026", None),
        ("0.0.0000 00:00", None),
        ("99 December 99999, 1:00", None),
        *(("-", None), ("", None), ("x" * 500, None), ("1 " * 250, None)),
    ],
)
def test_times(text, when):
    assert roster_module.parse_time(text) == when


@pytest.mark.parametrize(
    ("status", "late", "extended"),
    [
        ("Submitted for grading", None, False),
        ("Submitted for grading -  - ", None, False),
        ("Submitted for grading - 2 days 3 hours late", (2, 3), False),
        ("Submitted for grading - 1 hour late - Graded -  - ", (0, 1), False),
        ("Zur Bewertung abgegeben - 36 Tage 10 Stunden zu spät -  - ", (36, 10), False),
        ("Zur Bewertung abgegeben - 1 Tag später", (1, 0), False),
        ("Zur Bewertung abgegeben - 2 Tage verspätet - Bewertet", (2, 0), False),
        ("Remis pour évaluation - En retard de 2 jours 3 heures", (2, 3), False),
        ("Remis pour évaluation - 1 jour de retard", (1, 0), False),
        ("Enviado para calificar - 2 días 3 horas de retraso", (2, 3), False),
        ("Enviado para calificar - 2 días 3 horas después", (2, 3), False),
        ("Submitted for grading - some days late", None, False),
        ("Submitted for grading - 2 moons late", None, False),
        # Nothing was handed in, so nothing came late.
        ("No submission - Assignment is overdue by: 3 days", None, False),
        ("Pas de travail remis - Le devoir est en retard de 2 jours", None, False),
        ("Sin entrega - La Tarea está retrasada por: 2 días", None, False),
        ("No submission - Extension granted until: {en}", None, True),
        (
            "Submitted for grading - 1 day late - Extension granted until: {en}",
            (1, 0),
            1,
        ),
        ("Keine Abgabe - Verlängertes Abgabeende bis: {de}", None, True),
        (
            "Remis pour évaluation - Prolongation accordée jusqu'au\u00a0: {fr}",
            None,
            True,
        ),
        ("Enviado para calificar - Plazo ampliado hasta: {es}", None, True),
        ("Submitted for grading - Extension granted until: tomorrow", None, False),
        ("", None, False),
    ],
)
def test_statuses(tmp_path, status, late, extended):
    until = datetime(2026, 12, 1, 23, 15)
    dates = {language: moodle_time(until, language) for language in LANGUAGES}
    status = status.format(**dates)
    text = f'Identifier,Full name,Status\nParticipant 1,Ann Lee,"{status}"\n'
    (student,) = roster_of(table(tmp_path, text)).students
    said = student.submitted
    assert said.late == (late and timedelta(days=late[0], hours=late[1]))
    assert said.extension == (until if extended else None)
    assert (said.text, said.time) == (status.strip(), None)


def test_without_a_worksheet_nothing_is_said(tmp_path):
    for text in (CANVAS, PARTICIPANTS, PLAIN):
        for student in roster_of(table(tmp_path, text)).students:
            assert student.submitted is None


# Tables


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_canvas_gradebook(tmp_path, encoding):
    path = table(tmp_path, CANVAS, encoding=encoding)
    roster = roster_of(path)
    jane, zoe = roster.students
    assert roster.kind == "canvas"
    assert (jane.student_id, jane.name, jane.lms_id) == ("S001", "Doe, Jane", "4711")
    assert (jane.email, zoe.email, zoe.student_id) == ("Jane@Uni.example", "", "zroe")
    assert list(jane.row)[:5] == [
        *("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
    ]
    assert (jane.row["ID"], zoe.row["Lab 1; clusters (99)"]) == ("4711", "9")
    assert jane.ids == {"s001", "jane@uni.example", "jane", "4711"}
    assert zoe.ids == {"zroe", "4712"}
    assert (jane.number, zoe.number) == (4, 5)
    assert roster.sheet.data == path.read_bytes()


def test_a_canvas_gradebook_with_separate_names(tmp_path):
    text = "LastName,FirstName,ID,SIS Login ID\nPoints Possible,,,\nDoe,Jo,1,jd\n"
    (student,) = roster_of(table(tmp_path, text)).students
    assert (student.name, student.student_id) == ("Doe, Jo", "jd")


def test_a_moodle_worksheet(tmp_path):
    roster = roster_of(table(tmp_path, MOODLE))
    jane, zoe = roster.students
    assert roster.kind == "moodle"
    assert (jane.student_id, jane.name, jane.lms_id) == ("S001", "Jane Doe", "77")
    assert (zoe.student_id, zoe.lms_id) == ("zroe@uni.example", "78")
    assert jane.row["Identifier"] == "Participant 77"
    assert roster.find(moodle(78)) is zoe
    assert roster.find(moodle(1, "Zoë Roe")) is None


@pytest.mark.parametrize(
    "header",
    [
        '"First name","Last name","Email address","ID number"',
        "First name,Surname,Email address,ID number",
        "Vorname,Nachname,E-Mail-Adresse,ID-Nummer",
        "Prénom,Nom,Adresse de courriel,Numéro d'identification",
        "Nombre,Apellido(s),Dirección de correo,Número de ID",
    ],
)
def test_a_moodle_list_of_participants(tmp_path, header):
    _, _, rows = PARTICIPANTS.partition("\n")
    text = f"{header}\n{rows}".replace(",", ";")
    roster = roster_of(table(tmp_path, text, encoding="utf-8-sig"))
    jane, zoe = roster.students
    assert roster.kind == "moodle"
    assert (jane.name, jane.student_id, jane.lms_id) == ("Jane Doe", "S001", "")
    assert roster.by_id("zroe") is zoe
    assert roster.find(moodle(78, "Zoë Roe")) is zoe


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_of_ones_own(tmp_path, separator):
    roster = roster_of(table(tmp_path, PLAIN.replace(",", separator)))
    jane, zoe = roster.students
    assert roster.kind == "plain"
    assert (jane.email, jane.lms_id, zoe.lms_id) == ("jane@uni.example", "77", "")
    assert roster.find(canvas(77)) is roster.find(moodle(77)) is jane
    assert roster.find(canvas(78, "roezoë")) is None
    short = roster_of(table(tmp_path, "Student_ID,Name\nS001,\u202eJane\n"))
    assert [student.name for student in short.students] == ["Jane"]
    assert short.find(canvas(77, "jane")) is short.students[0]
    assert len({*short.students, *roster.students}) == 3


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "name,grade\nJane,1\n",
            "is no roster: .* Student, ID, SIS User ID.*student_id",
        ),
        ("", "is no roster"),
        ("task,points\nTask 1,5\nTask 2,6\n", "is no roster"),
        ("user,mail\nu1,a@x.example\nu2,b@x.example\n", "is no roster"),
        ("student_id,name\n", "names no student"),
        ("Student,ID,Section\n    Points Possible,,\n", "names no student"),
        ("student_id,name\n1,Jane\n,Zoë\n", "row 3: the student's id is missing"),
        (CANVAS + '"Poe, Bo",,,,A,,\n', "row 7: the student's id is missing"),
        ("student_id,name\nA1,Jo\n\na1,Zoë\n", "rows 2 and 4 both have a1"),
        ("student_id,name,lms_id\n1,Jo,7\n2,Zoë,7\n", "rows 2 and 3 both have 7"),
        ("student_id,name,email\n1,Jo,x@y\n2,Zoë,X@y\n", "rows 2 and 3 both have x@y"),
        (CANVAS.replace("4712", "4711"), "rows 4 and 5 both have 4711"),
        (MOODLE.replace("78", "77"), "rows 2 and 3 both have 77"),
    ],
)
def test_rosters_that_are_wrong(tmp_path, text, why):
    with pytest.raises(ValueError, match=why):
        roster_of(table(tmp_path, text))
