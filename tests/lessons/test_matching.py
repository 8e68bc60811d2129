"""How an answer is compared with right and wrong ones."""

import warnings
from functools import partial

import numpy as np
import pandas as pd
import pytest

from course_utils.lessons import matching
from course_utils.lessons.exercises import NotAttempted, NotYet


def test_a_function_gets_copies():
    array, names = np.arange(3.0), ["a", "b"]

    def spoil(numbers, words):
        numbers[0] = 9
        words.append("c")
        return numbers.sum()

    assert matching.call_function(spoil, array, names) == 12
    assert array.tolist() == [0, 1, 2] and names == ["a", "b"]
    with pytest.raises(NotYet, match="work on a copy"):
        matching.call_function(spoil, array, names, keep_arguments=True)


def test_a_function_with_nan_inside_is_called_quietly():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value = matching.call_function(lambda x: np.log(x).mean(), np.zeros(2))
        assert value == -np.inf
        assert np.isnan(matching.call_function(np.mean, np.zeros(0)))


@pytest.mark.parametrize("stub", [lambda x: None, lambda x: ...])
def test_a_stub_is_not_attempted(stub):
    with pytest.raises(NotAttempted):
        matching.call_function(stub, 1)


def test_an_answer_that_is_no_function():
    with pytest.raises(NotYet, match="the function itself"):
        matching.call_function(0.5, 1)


@pytest.mark.parametrize(
    "value",
    [[1, 2], (1.0, 2), np.array([1, 2], np.uint8), [1 + 0j, 2], pd.Series([1, 2])],
)
def test_numbers_in_any_form(value):
    found = matching.as_array(value, "two numbers", (2,))
    assert found.dtype == float and found.tolist() == [1, 2]


@pytest.mark.parametrize("value", ["1", ["1", "2"], [1j, 2], [[1], [1, 2]], {"a": 1}])
def test_what_is_not_numbers(value):
    with pytest.raises(NotYet, match=r"^Expected two numbers, but got .*\.$"):
        matching.as_array(value, "two numbers")


def test_a_long_answer_is_cut_short():
    with pytest.raises(NotYet) as error:
        matching.as_array(["near"] * 1000, "numbers")
    assert len(str(error.value)) < 100 and "…" in str(error.value)


def test_shapes():
    with pytest.raises(NotYet, match=r"shape \(3,\), but got shape \(2,\)\.$"):
        matching.as_array([1, 2], "three numbers", (3,))
    with pytest.raises(NotYet, match=r"^One is missing\.$"):
        matching.as_array([1, 2], "three numbers", (3,), {(2,): "One is missing."})
    assert matching.as_array([1, 2], "two numbers", (2,), {(2,): "No."}).size == 2


@pytest.mark.parametrize("value", [3, 3.0, [3], np.array([[3]]), np.float32(3)])
def test_one_number(value):
    found = matching.as_number(value)
    assert type(found) is float and found == 3


@pytest.mark.parametrize("value", ["3", [3, 4], [], {}, [None, 1]])
def test_not_one_number(value):
    with pytest.raises(NotYet, match=r"^Expected one number, but got"):
        matching.as_number(value)
    with pytest.raises(NotAttempted):
        matching.as_number(None)


def test_pairs():
    assert matching.as_pair(["a", 1], "(name, lead)") == ("a", 1)
    for value in ("ab", [1], [1, 2, 3], {1: 2, 3: 4}, 5):
        with pytest.raises(NotYet, match=r"two things: \(name, lead\)\."):
            matching.as_pair(value, "(name, lead)")


@pytest.mark.parametrize("expected", [0.5, -3.0, 2e5])
def test_the_tolerance_is_documented_and_explicit(expected):
    allowed = 1e-6 + 1e-5 * abs(expected)
    assert matching.same_numbers(expected + 0.9 * allowed, expected)
    assert matching.same_numbers(np.float32(expected), expected)
    assert not matching.same_numbers(expected + 1.1 * allowed, expected)
    assert not matching.same_numbers(expected - 1.1 * allowed, expected)
    wide = partial(matching.same_numbers, rtol=0, atol=1)
    assert wide(expected + 0.99, expected) and not wide(expected + 1.01, expected)


def test_same_numbers_needs_the_same_shape_and_no_nan():
    assert matching.same_numbers([np.zeros(2), np.ones(3)], [np.zeros(2), np.ones(3)])
    assert not matching.same_numbers([np.zeros(2)], [np.zeros(2), np.ones(3)])
    assert not matching.same_numbers(np.zeros((1, 3)), np.zeros(3))
    assert not matching.same_numbers(1.0, [1.0])
    assert not matching.same_numbers(np.nan, 1.0)
    assert not matching.same_numbers(np.inf, 1.0)
    assert matching.same_numbers([1, np.nan], [1, np.nan]), "to name such a mistake"


def test_same_partition():
    assert matching.same_partition(["x", "x", "y"], [4, 4, 0])
    assert not matching.same_partition([0, 0, 0], [0, 0, 1])
    assert not matching.same_partition([0, 1, 2], [0, 0, 1])


MISTAKES = {"This is the sum.": 6, "The sign is wrong.": (-2, -6)}


def test_the_first_mistake_that_fits_is_named():
    assert matching.find_mistake(6, MISTAKES) == "This is the sum."
    assert matching.find_mistake(-6, MISTAKES) == "The sign is wrong."
    assert matching.find_mistake(5, MISTAKES) is None
    assert matching.find_mistake(5, {"Never.": ()}) is None
    assert matching.find_mistake(5, {"Any.": 1}, same=lambda *_: True) == "Any."


def test_compare_answer():
    matching.compare_answer(2, 2, MISTAKES, "Another number.")
    for found, said in ((6, "This is the sum."), (7, "Another number.")):
        with pytest.raises(NotYet) as error:
            matching.compare_answer(found, 2, MISTAKES, "Another number.", where="Hm.")
        assert str(error.value) == f"Hm. {said}"


def test_columns():
    table = pd.DataFrame({"a": [1], "b": [2]})
    matching.require_columns(table, ["b", "a"])
    with pytest.raises(NotYet, match=r"^The table lacks c, d\.$"):
        matching.require_columns(table, ["a", "c", "d"])
    with pytest.raises(NotYet, match=r"^Give a table with the columns a, c\.$"):
        matching.require_columns({"a": 1, "c": 2}, ["a", "c"])


def test_words():
    assert matching.require_words("a  b\nc", "The text", 3, 3) == 3
    assert matching.require_words("a " * 1000, "The text", 3) == 1000
    for text, said in (
        ("a", "The text has 1 word: write 2 to 3."),
        ("a b c d", "The text has 4 words: write 2 to 3."),
    ):
        with pytest.raises(NotYet) as error:
            matching.require_words(text, "The text", 2, 3)
        assert str(error.value) == said
    with pytest.raises(NotYet, match="write at least 2"):
        matching.require_words("a", "The text", 2)


@pytest.mark.parametrize(
    "text, numbers",
    [
        ("0,61 and .61 and 0.61.", [0.61, 0.61, 0.61]),
        ("61 %, 61 percent, sixty-one per cent", [0.61, 0.61, 0.61]),
        ("2,000, 2'000'000, 2.000.000 and 2_000", [2000, 2e6, 2e6, 2000]),
        ("1.234 and 1,234.5", [1.234, 1234.5]),
        ("Three hundred thousand images, 200kB each", [300_000, 200]),
        ("two million; a hundred; one of them", [2e6, 1]),
        ("58/s on ten machines with Python 3.11.7", [58, 10, 3.11]),
        ("someone, often, attend, v2, a thousandth", []),
    ],
)
def test_numbers_in_whatever_way_they_are_written(text, numbers):
    assert matching.numbers_in(text) == pytest.approx(numbers)


def test_a_text_may_say_that_several_are_level():
    for said in ("All are level.", "No clear winner", "cannot be told apart", "a TIE"):
        assert matching.says_level(said)
    assert not matching.says_level("There is no doubt that the second wins.")


def test_a_word_is_mentioned_as_a_word_of_its_own():
    assert matching.mentions("200kB", "kb") and matching.mentions("Two DAYS.", "day")
    for inside in ("a number", "today", "secondly", "workerless"):
        assert not matching.mentions(inside, "mb", "day", "second", "worker")


@pytest.mark.parametrize("answer", ["ac", "C, a", {"a", "c"}, ["A", "c "], ("ca",)])
def test_letters_in_any_form(answer):
    assert matching.read_letters(answer, "abc") == {"a", "c"}


def test_letters_that_stand_for_nothing():
    with pytest.raises(NotYet, match=r"no change 1, z: give letters from a to c\."):
        matching.read_letters("az1", "abc", "change")
