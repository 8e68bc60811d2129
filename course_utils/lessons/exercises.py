"""Self checks of the exercises: not attempted, not right yet and why, or right.

    checks.ex02_1(purity)     check one answer
    checks.summary()          a small table of this lesson's exercises

The checks of lesson 2 stand in `checks/lesson02.py`, and so on. What you answer is
kept in a readable JSON file beside the notebook, `answers/LESSON.json`, or in the
folder that COURSE_ANSWERS names; nothing is sent anywhere.
"""

import functools
import html
import importlib
import json
import os
import re
from pathlib import Path

from course_utils._support import files

NOT_ATTEMPTED, NOT_YET, RIGHT = "not attempted yet", "not right yet", "right"

SIGNS = {NOT_ATTEMPTED: "○", NOT_YET: "△", RIGHT: "●"}

EXERCISES = {}  # {"ex02_1": title}, in the order of the course

_lesson = "lesson"


class NotAttempted(Exception):
    """The answer is still the stub."""


class NotYet(Exception):
    """The answer is not right; the message names the likely mistake."""


def exercise(title, hint):
    """Decorate a check `exNN_M(answer)`, which raises NotYet, or returns the answer.

    title: what the summary calls it. hint: folded away under a wrong answer. The check
    may call `attempted(value)` for values that only show once a function is called.
    What it returns, a JSON-able value, is recorded.
    """

    def decorate(check):
        EXERCISES[check.__name__] = title

        @functools.wraps(check)
        def checked(*answers):
            value, message = None, ""
            try:
                for answer in answers:
                    attempted(answer)
                value, state = check(*answers), RIGHT
            except NotAttempted:
                state = NOT_ATTEMPTED
            except NotYet as error:
                state, message = NOT_YET, str(error)
            except Exception as error:  # whatever the student's own code raises
                state = NOT_YET
                message = f"your code raised {type(error).__name__}: {error}"
            _record(check.__name__, state, value)
            return Verdict(check.__name__, title, state, message, hint)

        return checked

    return decorate


def attempted(value):
    """The value, unless it is still None or a bare `...`."""
    if value is None or value is ...:
        raise NotAttempted
    return value


class Verdict:
    """The outcome of a check, as text and as HTML. `state` is one of the three."""

    def __init__(self, name, title, state, message, hint):
        self.name, self.title, self.state = name, title, state
        self.message, self.hint = message, hint

    def __repr__(self):
        text = f"{SIGNS[self.state]} {self.name[2:]} {self.title}: {self.state}"
        return text + (f" – {self.message}" if self.message else "")

    def _repr_html_(self):
        colour = {NOT_ATTEMPTED: "#666", NOT_YET: "#b34700", RIGHT: "#006400"}[
            self.state
        ]
        folded = ""
        if self.state == NOT_YET and self.hint:
            hint = html.escape(self.hint)
            folded = f"<details><summary>Hint</summary>{hint}</details>"
        return (
            f'<div style="border-left:4px solid {colour};padding:.2em .8em">'
            f"{html.escape(repr(self))}{folded}</div>"
        )


class Summary:
    """The exercises of a lesson with their states."""

    def __init__(self, rows):
        self.rows = rows

    def __repr__(self):
        done = sum(state == RIGHT for _, _, state in self.rows)
        lines = [
            f"{SIGNS[state]} {name} {title}: {state}"
            for name, title, state in self.rows
        ]
        return "\n".join([*lines, f"{done} of {len(self.rows)} right"])

    def _repr_html_(self):
        rows = "".join(
            f"<tr><td>{SIGNS[state]}</td><td style='text-align:left'>{name} "
            f"{html.escape(title)}</td><td style='text-align:left'>{state}</td></tr>"
            for name, title, state in self.rows
        )
        done = sum(state == RIGHT for _, _, state in self.rows)
        return f"<table>{rows}</table><p>{done} of {len(self.rows)} right</p>"


def begin(lesson):
    """Name the lesson that answers belong to, like "02_scoring_a_clustering"."""
    global _lesson
    _lesson = lesson
    number = re.match(r"\d\d", lesson)
    if number:
        _load(number[0])


def summary():
    """A table of this lesson's exercises and how far you are."""
    states = {name: answer["state"] for name, answer in answers().items()}
    prefix = f"ex{_lesson[:2]}_"
    names = [name for name in EXERCISES if name.startswith(prefix)]
    rows = [(n[2:], EXERCISES[n], states.get(n, NOT_ATTEMPTED)) for n in names]
    return Summary(rows)


def answers(lesson=None):
    """What is recorded of a lesson: {"ex02_1": {"state", "tries", "value"}}."""
    path = _path(lesson or _lesson)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def lessons():
    """The names of the lessons that answers are kept of, sorted."""
    return sorted(path.stem for path in _folder().glob("[0-9][0-9]_*.json"))


def _folder():
    """COURSE_ANSWERS, or `answers` beside the notebook or, from the top, beside all."""
    beside, from_top = Path("answers"), Path("notebooks", "answers")
    default = from_top if from_top.is_dir() and not beside.is_dir() else beside
    return Path(os.environ.get("COURSE_ANSWERS") or default)


def _path(lesson):
    return _folder() / f"{lesson}.json"


def _record(name, state, value):
    kept = answers()
    tries = kept.get(name, {}).get("tries", 0) + (state != NOT_ATTEMPTED)
    kept[name] = {"state": state, "tries": tries, "value": value}
    try:
        with files.atomic_file(_path(_lesson), "w", encoding="utf-8") as file:
            json.dump(kept, file, indent=1, default=_plain)
    except OSError as error:
        print(f"(your answers could not be kept: {error})")


def _plain(value):
    """NumPy's numbers and arrays as JSON's."""
    return value.tolist() if hasattr(value, "tolist") else repr(value)


def _load(number):
    path = Path(__file__).with_name(f"lesson{number}.py")
    if path.exists():
        importlib.import_module(f"course_utils.lessons.lesson{number}")


def __getattr__(name):
    """Find `ex02_1` in `lesson02`."""
    found = re.fullmatch(r"ex(\d\d)_\d+", name)
    if found and Path(__file__).with_name(f"lesson{found[1]}.py").exists():
        module = importlib.import_module(f"course_utils.lessons.lesson{found[1]}")
        if hasattr(module, name):
            return getattr(module, name)
    raise AttributeError(f"there is no check {name!r}")
