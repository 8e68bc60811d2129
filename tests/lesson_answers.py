"""What the tests of all checks share: try right, wrong and untouched answers.

A test module of a lesson lists rows (name of the check, answers …); a wrong one ends
with what the message must say, a text or several:

    from lesson_answers import answer_tests, own_answers

    test_right, test_wrong, test_untouched, test_enough = answer_tests(RIGHT, WRONG)
"""

import inspect
import re
import warnings
from collections import Counter

import pytest

from course_utils.lessons import exercises


@pytest.fixture(autouse=True)
def own_answers(tmp_path, monkeypatch, request):
    """Begin the lesson that the test module is about, without any answers."""
    number = re.search(r"lesson(\d\d)", request.module.__name__)[1]
    monkeypatch.setenv("COURSE_ANSWERS", str(tmp_path))
    exercises.begin(f"{number}_lesson")


def check(name, *answers):
    return getattr(exercises, name)(*answers)


def assert_right(name, *answers):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a right answer is not followed by a warning
        warnings.filterwarnings("ignore", "The structure of `inputs`", module="keras")
        verdict = check(name, *answers)
    assert (verdict.state, verdict.message) == (exercises.RIGHT, "")
    assert exercises.answers()[name]["value"] is not None


def assert_wrong(name, *answers_and_words):
    *answers, words = answers_and_words
    verdict = check(name, *answers)
    words = [words] if isinstance(words, str) else words
    assert verdict.state == exercises.NOT_YET
    for word in words:
        assert word in verdict.message
    if not any("Error" in word or "raised" in word for word in words):
        assert "raised" not in verdict.message, "the check has not understood it"
    assert_voice(verdict.message, name)
    assert verdict.hint


def assert_voice(message, name=None):
    """Full sentences: a capital letter or a name in code first, a full stop last."""
    parameters = inspect.signature(getattr(exercises, name)).parameters if name else ()
    first = re.match(r"[\w.]+", message)
    in_code = first and (first[0] in parameters or re.search(r"[_(.]", message[:30]))
    assert message[0].isupper() or message[0] in "'\"" or in_code, message
    assert message.endswith((".", "?", "!")), message
    assert not re.search(r"[a-z]{2}\. [a-z]", message), message


def assert_untouched(name, *answers):
    assert check(name, *answers).state == exercises.NOT_ATTEMPTED


def _untouched_rows(right):
    """None, an ellipsis and stub functions in the place of right answers."""
    for name, *answers in {row[0]: row for row in right}.values():
        yield name, *[None] * len(answers)
        yield name, *[...] * len(answers)
        if any(map(callable, answers)):
            yield name, *[_stub if callable(a) else a for a in answers]


def _stub(*arguments):
    return None


def answer_tests(right, wrong, untouched=(), apart=()):
    """Tests of a lesson's checks: right, wrong and untouched answers, and enough.

    apart: names of checks whose answers another test tries.
    """

    @pytest.mark.parametrize("row", right, ids=_ids(right))
    def test_right(row):
        assert_right(*row)

    @pytest.mark.parametrize("row", wrong, ids=_ids(wrong))
    def test_wrong(row):
        assert_wrong(*row)

    untouched = [*_untouched_rows(right), *untouched]

    @pytest.mark.parametrize("row", untouched, ids=_ids(untouched))
    def test_untouched(row):
        assert_untouched(*row)

    def test_enough_answers():
        names = {row[0] for row in right}
        assert names == {row[0] for row in wrong}
        in_summary = [f"ex{row[0]}" for row in exercises.summary().rows]
        assert in_summary == sorted(names | set(apart))
        for rows in (right, wrong):
            counts = Counter(row[0] for row in rows)
            assert min(counts.values()) >= 3, counts

    return test_right, test_wrong, test_untouched, test_enough_answers


def _ids(rows):
    return [f"{row[0]}-{number}" for number, row in enumerate(rows)]
