"""The ledger: what the lessons claim beyond a cell's output, and the evidence.

A sentence of a master that says more than the output above it carries an id,
`<!-- claim 05.softmax -->`. A test in tests/claims/ computes it on at least twenty
seeds or subsamples and shows what it found:

    @claim("05.softmax", "Probabilities cluster worse than the logits they come from.")
    def test_softmax(show):
        ...
        show(f"NMI: logits {a:.3f}, probabilities {b:.3f}", logits > probabilities)

`python -m pytest -m claims` prints the ledger; with `--write-ledger` it also writes it
to solutions/LEDGER.md and its summary to the README.
"""

import re
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "solutions" / "LEDGER.md"
README = ROOT / "README.md"
MIN_TRIALS = 20
PROPERTY = "claim"
HEADLINES = (  # what the README shows, one or two of a lesson
    *("01.starts", "02.imbalance", "03.chance", "04.best", "05.networks"),
    *("05.softmax", "06.representation", "07.own-space", "08.noise", "09.rival"),
    *("10.style", "11.level", "12.plane", "12.temi", "13.margin", "14.recall"),
)
SUMMARY = re.compile(r"(?<=<!-- ledger -->\n).*?(?=<!-- /ledger -->)", re.DOTALL)


def claim(identity, sentence, at_least=0.95):
    """Mark a test as the evidence for a claim.

    Parameters
    ----------
    identity : str
        Lesson and word, like ``"05.softmax"``, as in the master.
    sentence : str
        What is claimed, readable without the lesson.
    at_least : float
        The share of trials in which it must hold.
    """
    mark = pytest.mark.claim(identity, sentence, at_least)
    return lambda test: pytest.mark.claims(mark(test))


@pytest.fixture
def show(request):
    """Call it once: ``show(statistic, holds, trials="seeds")``.

    statistic is what was measured, in words and numbers; holds has one truth value per
    trial; trials says what a trial is. Fails if the claim does not hold often enough.
    """
    identity, sentence, at_least = request.node.get_closest_marker("claim").args
    shown = []

    def call(statistic, holds, trials="seeds"):
        holds = np.asarray(holds, dtype=bool).ravel()
        shown.append(identity)
        row = {
            "id": identity,
            "sentence": sentence,
            "statistic": statistic,
            "held": int(holds.sum()),
            "n_trials": len(holds),
            "trials": trials,
            "holds": bool(len(holds) and holds.mean() >= at_least),
        }
        request.node.user_properties.append((PROPERTY, row))
        assert len(holds) >= MIN_TRIALS, f"{identity}: {len(holds)} trials are too few"
        assert row["holds"], (
            f"{identity} holds in {row['held']} of {len(holds)} {trials}, less than "
            f"{at_least:.0%}: {sentence} {statistic}"
        )

    yield call
    assert len(shown) == 1, f"{identity}: show its evidence, once"


def pytest_addoption(parser):
    parser.addoption(
        "--write-ledger",
        action="store_true",
        help="with -m claims: write solutions/LEDGER.md and the README's summary",
    )


def pytest_terminal_summary(terminalreporter, config):
    rows = _rows(terminalreporter)
    if not rows:
        return
    terminalreporter.section("ledger of claims")
    width = max(len(row["id"]) for row in rows)
    for row in rows:
        verdict = "holds  " if row["holds"] else "REFUTED"
        share = f"{row['held']}/{row['n_trials']} {row['trials']}"
        line = f"{row['id']:{width}}  {verdict}  {share:18}  {row['statistic']}"
        terminalreporter.write_line(line)
    terminalreporter.write_line(_summary(rows))
    if config.getoption("--write-ledger"):
        if terminalreporter.stats.get("error") or any(not r["holds"] for r in rows):
            terminalreporter.write_line("Not everything holds: nothing is written.")
            return
        PAGE.write_text(_page(rows), encoding="utf-8")
        readme = README.read_text(encoding="utf-8")
        shown = f"{_summary(rows)}\n\n{_headlines(rows)}\n"
        README.write_text(SUMMARY.sub(lambda _: shown, readme), encoding="utf-8")


def _rows(reporter):
    reports = [r for key in ("passed", "failed") for r in reporter.stats.get(key, ())]
    properties = [p for r in reports for p in getattr(r, "user_properties", ())]
    rows = {value["id"]: value for name, value in properties if name == PROPERTY}
    return [rows[identity] for identity in sorted(rows)]


def _summary(rows):
    """One sentence: how many claims, how many hold, how sure."""
    always = sum(row["held"] == row["n_trials"] for row in rows)
    shares = [row["held"] / row["n_trials"] for row in rows]
    n_held = sum(row["holds"] for row in rows)
    n_trials = sum(row["n_trials"] for row in rows)
    return (
        f"{len(rows)} claims, each tried on {min(r['n_trials'] for r in rows)} or more "
        f"seeds or subsamples ({n_trials:,} trials). {n_held} hold: {always} in every "
        f"trial, the least certain in {min(shares):.0%} of them."
    )


def _headlines(rows):
    """The table of the README."""
    rows = [row for row in rows if row["id"] in HEADLINES]
    return "\n".join(
        ["| lesson | claim | holds in |", "|---|---|---|", *map(_headline, rows)]
    )


def _headline(row):
    lesson = int(row["id"].split(".")[0])
    return f"| {lesson} | {row['sentence']} | {_share(row)} |"


def _share(row):
    return f"{row['held']} of {row['n_trials']} {row['trials']}"


def _page(rows):
    lines = [
        "# The ledger of claims",
        "",
        "What the lessons claim beyond the output of a cell. Computed and written by",
        "`python -m pytest -m claims --write-ledger`; each claim is a test in",
        "[tests/claims](../tests/claims).",
        "",
        _summary(rows),
    ]
    for row in rows:
        lesson = row["id"].split(".")[0]
        if f"## Lesson {int(lesson)}" not in lines:
            lines += ["", f"## Lesson {int(lesson)}", ""]
            lines += ["| claim | measured | holds in |", "|---|---|---|"]
        cells = f"{row['sentence']} `{row['id']}`", row["statistic"]
        lines.append("| " + " | ".join([*cells, _share(row)]).replace("\n", " ") + " |")
    return "\n".join(lines) + "\n"
