"""Every claim of a lesson has its evidence, and every evidence its claim."""

import ast
import re
import sys
from pathlib import Path

import ledger
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "solutions"))

import build  # noqa: E402

MASTERS = sorted(build.MASTERS.glob("[0-9][0-9]_*.py"))


def claims_of(path):
    """Identity and sentence of each claim that a file of evidence shows."""
    calls = [
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "claim"
    ]
    return [tuple(ast.literal_eval(a) for a in call.args[:2]) for call in calls]


SHOWN = [c for path in Path(__file__).parent.glob("test_*.py") for c in claims_of(path)]


@pytest.mark.parametrize("path", MASTERS, ids=lambda path: path.stem)
def test_every_claim_of_a_lesson_is_shown_and_the_other_way_round(path):
    shown = {identity for identity, _ in SHOWN if identity.startswith(path.stem[:2])}
    assert build.claim_ids(path) == shown


def test_every_claim_is_shown_once():
    identities = [identity for identity, _ in SHOWN]
    assert len(identities) == len(set(identities))
    lessons = {path.stem[:2] for path in MASTERS}
    assert {identity.split(".")[0] for identity in identities} <= lessons


@pytest.mark.parametrize("path", MASTERS, ids=lambda path: path.stem)
def test_no_sentence_is_left_without_an_answer(path):
    assert build.unanswered(path) == []


def test_the_written_ledger_and_the_readme_know_the_same_claims():
    page = ledger.PAGE.read_text(encoding="utf-8")
    written = re.findall(r"^\| (.+) `([\w.-]+)` \|", page, re.MULTILINE)
    assert {(identity, text) for text, identity in written} == set(SHOWN)
    summary = ledger.SUMMARY.search(ledger.README.read_text(encoding="utf-8"))
    sentence, _, table = summary[0].strip().partition("\n\n")
    assert sentence in page and sentence.startswith(f"{len(SHOWN)} claims")
    shares = dict(re.findall(r"`([\w.-]+)` \|.*\| (.+?) \|$", page, re.MULTILINE))
    texts = dict(SHOWN)
    assert table.splitlines()[2:] == [
        f"| {int(name[:2])} | {texts[name]} | {shares[name]} |"
        for name in ledger.HEADLINES
    ]


@pytest.mark.parametrize(
    "text, word",
    [
        ("LBP wins on the stamps.", "wins"),
        ("It is slow, because every call has a price.", "because"),
        ("It always\nhelps.", "always"),
        ("A definition, because we say so. <!-- no claim: a definition -->", None),
        ("LBP wins. <!-- claim 04.lbp -->", None),
        ("The winner of a window.", None),
        ("- one <!-- claim 04.lbp -->\n- two, because of it", "because"),
    ],
)
def test_words_that_claim_are_found(tmp_path, text, word):
    master = tmp_path / "01_x.py"
    lines = [f"# {line}" for line in text.splitlines()]
    master.write_text("# %% [markdown]\n" + "\n".join(lines) + "\n", encoding="utf-8")
    assert [found for found, _ in build.unanswered(master)] == ([word] if word else [])


def test_ids_are_not_in_the_notebooks():
    for path in MASTERS:
        for notebook in (build.student_notebook(path), build.solution_notebook(path)):
            texts = [c.source for c in notebook.cells if c.cell_type == "markdown"]
            assert not [text for text in texts if re.search("<!--.*claim", text)]


CLAIMS_FILE = """
from ledger import claim

@claim("05.holds", "It holds.")
def test_holds(show):
    show("all", [True] * 20)

@claim("05.often", "It holds often enough.", at_least=0.9)
def test_often(show):
    show("nearly all", [True] * 19 + [False], "subsamples")

@claim("05.refuted", "It does not hold.")
def test_refuted(show):
    show("some", [True] * 18 + [False] * 2)

@claim("05.few", "Few trials.")
def test_few(show):
    show("few", [True] * 19)

@claim("05.silent", "It shows nothing.")
def test_silent(show):
    pass
"""


def test_the_ledger_refuses_what_is_refuted_untried_or_not_shown(pytester):
    pytester.makepyfile(test_some_claims=CLAIMS_FILE)
    pytester.makeini("[pytest]\nmarkers =\n    claims\n    claim")
    result = pytester.runpytest_inprocess("-p", "ledger", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=3, failed=2, errors=1)
    result.stdout.fnmatch_lines(
        [
            "05.few *19/19 seeds*few",
            "05.holds *holds*20/20 seeds*all",
            "05.often *holds*19/20 subsamples*nearly all",
            "05.refuted *REFUTED*18/20 seeds*some",
            "4 claims*",
        ]
    )
