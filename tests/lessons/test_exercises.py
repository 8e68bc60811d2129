"""The machinery of the checks: three states, what is recorded, the summary."""

import json

import pytest

from course_utils.lessons import exercises


@pytest.fixture
def lesson(tmp_path, monkeypatch):
    """An empty lesson with two exercises."""
    monkeypatch.setenv("COURSE_ANSWERS", str(tmp_path))
    monkeypatch.setattr(exercises, "EXERCISES", {})

    @exercises.exercise("double", hint="Look at <b>2 * x</b>.")
    def ex99_1(double):
        value = exercises.attempted(double(3))
        if value == 9:
            raise exercises.NotYet("that is the square <i>not</i> the double")
        assert value == 6
        return value

    @exercises.exercise("the answer", hint="")
    def ex99_2(answer):
        if answer != 42:
            raise exercises.NotYet("another number")
        return answer

    exercises.begin("99_made_up")
    return ex99_1, ex99_2, tmp_path / "99_made_up.json"


def test_three_states(lesson):
    double, answer, _ = lesson
    assert answer(None).state == "not attempted yet"
    assert answer(...).state == "not attempted yet"
    assert double(lambda x: None).state == "not attempted yet"
    assert double(lambda x: x**2).state == "not right yet"
    assert double(lambda x: 2 * x).state == "right"


def test_a_wrong_answer_says_why_and_folds_the_hint(lesson):
    verdict = lesson[0](lambda x: x**2)
    assert "that is the square" in repr(verdict)
    page = verdict._repr_html_()
    assert "<details><summary>Hint" in page
    assert "<b>" not in page and "<i>" not in page, "texts are escaped"
    assert "<details>" not in lesson[0](lambda x: 2 * x)._repr_html_()


def test_an_error_in_the_students_code_is_named(lesson):
    verdict = lesson[0](lambda x: x + "1")
    assert verdict.state == "not right yet" and "TypeError" in verdict.message


def test_answers_are_recorded_readably(lesson):
    double, answer, path = lesson
    double(lambda x: x**2)
    double(lambda x: 2 * x)
    answer(None)
    kept = json.loads(path.read_text(encoding="utf-8"))
    assert kept["ex99_1"] == {"state": "right", "tries": 2, "value": 6}
    assert kept["ex99_2"] == {"state": "not attempted yet", "tries": 0, "value": None}
    assert exercises.answers("99_made_up") == kept


def test_summary_lists_every_exercise(lesson):
    double, _, _ = lesson
    assert "0 of 2 right" in repr(exercises.summary())
    double(lambda x: 2 * x)
    text = repr(exercises.summary())
    assert "1 of 2 right" in text and "99_2 the answer: not attempted yet" in text
    assert exercises.summary()._repr_html_().count("<tr>") == 2


def test_a_damaged_record_and_a_closed_folder_cost_nothing(
    lesson, monkeypatch, tmp_path, capsys
):
    double, answer, path = lesson
    path.write_text("{half")
    assert answer(42).state == "right"
    assert exercises.answers()["ex99_2"]["state"] == "right"
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("COURSE_ANSWERS", str(blocked))
    assert double(lambda x: 2 * x).state == "right"
    assert "could not be kept" in capsys.readouterr().out


def test_an_unknown_check_is_an_attribute_error():
    with pytest.raises(AttributeError, match="ex98_1"):
        exercises.ex98_1  # noqa: B018
