"""Somebody else's text is made fit for a message, a page and a spreadsheet."""

import csv
import io
import itertools
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_utils._support.text import (
    BIDIRECTIONAL,
    cell,
    has_ink,
    plain,
    shown,
    shown_name,
)


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "  =1",
        "|x",
        "%x",
        "\xa0=1",
        "\uff1d1",  # full-width signs
        "\uff0b1",
        "\uff0d1",
        "\uff20SUM(A1)",
        "\ufe661",  # small ones
        "\u200b=1",
        "\u3164 =1",
        '"=1"',
        '" "=1',
    ],
)
def test_no_cell_is_a_formula(text):
    assert cell(text).startswith("'") and cell("\u202e\x00" + text).startswith("'")
    assert cell("a" + text).startswith("a")


@given(st.text(st.characters(exclude_categories=[]), max_size=40))
@settings(max_examples=300, deadline=None)
def test_text_is_made_fit_to_be_shown(text):
    """Surrogates too: these do come, from JSON and from file names."""
    assert plain(text).encode("utf-8").isascii() or not text.isascii()
    assert not BIDIRECTIONAL & set(plain(text))
    assert len(plain(text, most=5)) <= 5
    assert shown(text).isprintable() and len(shown(text)) <= 60
    assert not cell(text).lstrip().startswith(("=", "+", "-", "@", "|", "%"))


def test_a_name_cannot_turn_the_text_round():
    assert plain("Anna\u202egpj.exe\u2066\x1b[31m\x00") == "Annagpj.exe[31m"
    assert plain("a\nb\tc", keep="\n") == "a\nbc"
    assert plain("Zoë \ud83d", most=5) == "Zoë ?"
    assert shown("a\u202eb") == "'a\\u202eb'"


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("x;=1+1", "x;'=1+1"),
        ("a\n@b", "a\n'@b"),
        ('x;"=HYPERLINK(A1)";y', 'x;\'"=HYPERLINK(A1)";y'),
        ("x,\uff1d1", "x,'\uff1d1"),
        ("x; \u200b-1", "x;' \u200b-1"),
    ],
)
def test_what_other_separators_make_a_cell_of_its_own_is_no_formula(text, safe):
    assert cell(text) == safe == cell(safe)


@pytest.mark.parametrize(
    "text",
    [
        "O'Neil",
        "Anna; Bo",
        "a; b, c",
        "Anders, Anna",
        "anna@uni.edu",
        "Müller-Lüdenscheidt",
        "50 % of 3 + 4 = 3.5 | 4",
        "“Hi”, she said",
        "'=1",
        "",
    ],
)
def test_honest_texts_stay_as_they_are(text):
    assert cell(text) == text


def test_numbers_stay_numbers():
    assert [cell(n) for n in (-0.5, 3, 0.0)] == ["-0.5", "3", "0.0"]


def is_formula(field):
    """What a spreadsheet may do with a cell that a reader found."""
    seen = (c for c in field.strip('"') if c != '"' and has_ink(c))
    return unicodedata.normalize("NFKC", next(seen, "")[:1])[:1] in tuple("=+-@|%")


TEXTS = st.text(
    st.sampled_from("=+-@|%;,\t\n\r\"' ax1\uff1d\uff0d\u200b\u3164\xa0\u0301"),
    max_size=12,
)


@given(st.lists(TEXTS, min_size=1, max_size=4), st.booleans())
@settings(max_examples=500, deadline=None)
def test_no_reader_finds_a_formula(texts, quote_all):
    """With each separator, with and without quotes, strict about spaces or not."""
    file = io.StringIO(newline="")
    how = csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL
    csv.writer(file, quoting=how).writerows([[cell(text) for text in texts]] * 2)
    for separator, quoting, skips in itertools.product(
        ",;\t", (csv.QUOTE_MINIMAL, csv.QUOTE_NONE), (True, False)
    ):
        text = io.StringIO(file.getvalue(), newline="")
        options = {"quoting": quoting, "skipinitialspace": skips}
        for row in csv.reader(text, delimiter=separator, **options):
            for field in row:
                assert not is_formula(field), (separator, quoting, field)
    text = io.StringIO(file.getvalue(), newline="")
    assert next(csv.reader(text)) == [cell(text) for text in texts]


@pytest.mark.parametrize(
    "name", ["", "  ", "\u200b", "\u3164", "\u0301", "\u2800\xa0\x07"]
)
def test_a_name_that_nobody_can_see_is_shown_as_that(name):
    assert not has_ink(name) and shown_name(name) == "(no visible name)"


@pytest.mark.parametrize("name", ["Zoë", "王", "E\u0301va", "ـ", "42", "?"])
def test_any_other_name_is_shown(name):
    assert has_ink(name) and shown_name(f" {name}\u202e ") == name
