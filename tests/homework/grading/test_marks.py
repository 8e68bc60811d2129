"""Marks per question, from one or several people."""

import pytest

from course_utils.homework import submission
from course_utils.homework.grading.marks import COLUMNS, by_question, load_marks

FIRST, SECOND = submission.QUESTIONS


def table(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_marks_of_two_people_are_put_together(tmp_path):
    one = table(
        tmp_path / "one.csv", "student_id,name,answer_1,answer_2\nAB1,Ann,7,\ncd,Cy,,\n"
    )
    two = table(tmp_path / "two.csv", "code;answer_2;answer_1\nK7Q;9,5;8\n")
    marks = load_marks([one, two], 20)
    assert marks.of("ab1") == {"answer_1": 7}
    assert marks.of("ab1", "K7Q") == {"answer_1": 7.5, "answer_2": 9.5}
    assert marks.of("cd") == {} and marks.notes == []


def test_two_marks_for_one_answer_count_by_their_mean_and_are_told(tmp_path):
    paths = [
        table(tmp_path / f"{n}.csv", f"student_id,answer_1\nab1,{n}\n") for n in (4, 8)
    ]
    marks = load_marks(paths, 20)
    assert marks.of("AB1") == {"answer_1": 6}
    assert marks.notes == ["ab1, answer_1: several marks (4, 8), the mean counts."]
    same = load_marks(
        [paths[0], table(tmp_path / "c.csv", "code,answer_1\nab1,4\n")], 20
    )
    assert same.of("ab1") == {"answer_1": 4} and same.notes == []


def test_a_table_of_the_first_edition_is_read(tmp_path):
    path = table(tmp_path / "m.csv", "student_id,answers_points\nANNA01,15\nbo02,\n")
    assert load_marks([path], 20).given == {"anna01": {"answers_points": [15]}}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("student_id,answer_1\nab1,155\n", "answer_1 is '155': write a number from 0"),
        ("student_id,answer_1\nab1,11\n", "from 0 to 10"),
        ("student_id,answer_1\nab1,-1\n", "'-1'"),
        ("student_id,answer_1\nab1,good\n", "'good'"),
        ("student_id,answer_1\nab1,inf\n", "'inf'"),
        ("student_id,answer_1\n,3\n", "points without a student_id or code"),
        ("student_id,answer_1\nab1,3\nAB1,4\n", "row 3, answer_1: 'ab1' has other"),
        ("student_id,answers_points\nab1,21\n", "from 0 to 20"),
        ("name,answer_1\nAnn,3\n", "is no table of marks"),
        ("student_id,points\nab1,3\n", "is no table of marks"),
    ],
)
def test_a_wrong_table_says_what_to_mend(tmp_path, text, words):
    path = table(tmp_path / "marks.csv", text)
    with pytest.raises(ValueError) as raised:
        load_marks([path], 20)
    assert words in str(raised.value) and str(path) in str(raised.value)


def answer(question, text="Because."):
    return {"question": question, "answer": text}


def test_answers_find_their_question():
    one, two = answer(FIRST), answer(SECOND)
    assert by_question([two, one]) == {COLUMNS[0]: one, COLUMNS[1]: two}
    assert by_question([two]) == {COLUMNS[1]: two}
    assert by_question([answer(FIRST, "  "), two]) == {COLUMNS[1]: two}


def test_answers_to_other_questions_take_what_is_left():
    old, new = answer("Who won?"), answer(FIRST)
    assert by_question([old, new]) == {COLUMNS[0]: new, COLUMNS[1]: old}
    many = [answer(f"{n}?") for n in range(5)]
    assert by_question(many) == {COLUMNS[0]: many[0], COLUMNS[1]: many[1]}
    assert by_question([]) == {}
