"""Checks of the exercises: not attempted, not right yet and why, or right.

    checks.ex02_1(purity)     check one answer
    checks.hint("2.1")        a hint, before the first attempt too
    checks.summary()          a table of this lesson's exercises
    checks.written("2.1")     the function with which you solved it

The checks of lesson 2 are in `lesson02.py`, and so on. Answers are kept in a readable
JSON file beside the notebook, `answers/LESSON.json`, or in the folder that the
environment variable COURSE_ANSWERS names; nothing is sent anywhere.
"""

import functools
import html
import importlib.util
import inspect
import json
import linecache
import os
import re
import sys
import textwrap
from pathlib import Path

from course_utils._support import files

NOT_ATTEMPTED, NOT_YET, RIGHT = "not attempted yet", "not right yet", "right"

SIGNS = {NOT_ATTEMPTED: "○", NOT_YET: "△", RIGHT: "●"}

COLOURS = {NOT_ATTEMPTED: "#666", NOT_YET: "#b34700", RIGHT: "#006400"}

EXERCISES = {}  # {"ex02_1": its check}, in the order of the course

MAX_CODE = 20_000  # characters of what is kept of a function

_lesson, _beside = "lesson", None  # set by `begin`


class NotAttempted(Exception):
    """The answer is still the stub."""


class NotYet(Exception):
    """The answer is not right; the message is full sentences on the likely mistake."""


def exercise(title, hint, keep=False):
    """Decorate a check `exNN_M(answer, …)` so that it gives a `Verdict`.

    The check raises `NotYet` or returns what is recorded, a JSON-able value. It may
    call `attempted` for values that are only known once a function has been called.
    Its docstring, which says what the exercise asks for, becomes the help that
    students see, together with the title and how to call it.

    Parameters
    ----------
    title : str
        What the summary calls the exercise.
    hint : str
        What `hint` gives; folded away under a wrong answer. May be empty.
    keep : bool, default=False
        Whether the text of a right function is kept, for `written`.
    """

    def decorate(check):
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
            # Whatever the student's own code raises, also by exit().
            except (Exception, SystemExit) as error:
                state, message = NOT_YET, describe_error(error)
            code = code_of(answers[0]) if keep and state == RIGHT else ""
            _record(check.__name__, state, value, code)
            return Verdict(check.__name__, title, state, message, hint)

        checked.title, checked.hint = title, hint
        checked.__doc__ = _help(check, title)
        EXERCISES[check.__name__] = checked
        return checked

    return decorate


def _help(check, title):
    name, arguments = check.__name__, ", ".join(inspect.signature(check).parameters)
    return (
        f"Exercise {_number(name)}: {title}\n\n{inspect.getdoc(check) or ''}\n\n"
        f"Check your answer with `checks.{name}({arguments})`; "
        f'`checks.hint("{_number(name)}")` gives a hint.'
    )


def attempted(value):
    """Return the value; raise NotAttempted if it is still None or a bare `...`."""
    if value is None or value is ...:
        raise NotAttempted
    return value


def describe_error(error):
    """Say in one sentence what a student's own code raised."""
    try:
        words = str(error)
    except Exception:  # of an exception of the student's own
        words = ""
    return as_sentence(f"Your code raised {type(error).__name__}: {words}".rstrip(": "))


def as_sentence(text):
    """End a text from elsewhere, such as an error's, with a full stop."""
    text = str(text).rstrip()
    return text if text.endswith((".", "!", "?")) else f"{text}."


class Verdict:
    """The outcome of a check, as text and as HTML. `state` is one of the three."""

    def __init__(self, name, title, state, message, hint):
        self.name, self.title, self.state = name, title, state
        self.message, self.hint = message, hint

    def __repr__(self):
        text = f"{SIGNS[self.state]} {self.name[2:]} {self.title}: {self.state}"
        return text + (f". {self.message}" if self.message else "")

    def _repr_html_(self):
        folded = ""
        if self.state == NOT_YET and self.hint:
            hint = html.escape(self.hint)
            folded = f"<details><summary>Hint</summary>{hint}</details>"
        return _box(self, COLOURS[self.state], folded)


class Hint:
    """The hint of one exercise, as text and as HTML."""

    def __init__(self, name, title, text):
        self.name, self.title, self.text = name, title, text

    def __repr__(self):
        return f"Hint for {self.name[2:]} {self.title}: {self.text}"

    def _repr_html_(self):
        return _box(self, "#1f5fa8")


def _box(shown, colour, more=""):
    return (
        f'<div style="border-left:4px solid {colour};padding:.2em .8em">'
        f"{html.escape(repr(shown))}{more}</div>"
    )


class Summary:
    """The exercises of a lesson with their states."""

    def __init__(self, rows):
        self.rows = rows

    def __repr__(self):
        lines = [
            f"{SIGNS[state]} {name} {title}: {state}"
            for name, title, state in self.rows
        ]
        return "\n".join([*lines, self._total()])

    def _repr_html_(self):
        rows = "".join(
            f"<tr><td>{SIGNS[state]}</td><td style='text-align:left'>{name} "
            f"{html.escape(title)}</td><td style='text-align:left'>{state}</td></tr>"
            for name, title, state in self.rows
        )
        return f"<table>{rows}</table><p>{self._total()}</p>"

    def _total(self):
        done = sum(state == RIGHT for _, _, state in self.rows)
        return f"{done} of {len(self.rows)} right"


def begin(lesson):
    """Name the lesson that answers belong to, like "02_scoring_a_clustering"."""
    global _lesson, _beside
    _lesson, _beside = lesson, _default_folder().resolve()
    _find_check(f"ex{lesson[:2]}_1")  # loads all checks of the lesson
    _renumber(lesson)


def _renumber(lesson):
    """Take over answers kept under an earlier number of this lesson."""
    path, slug = _path(lesson), lesson[3:]
    for earlier in sorted(path.parent.glob(f"[0-9][0-9]_{slug}.json")):
        if path.exists():
            return
        try:
            old, new = f"ex{earlier.name[:2]}_", f"ex{lesson[:2]}_"
            kept = {k.replace(old, new, 1): a for k, a in _read(earlier).items()}
            _write(path, kept)
            earlier.unlink()
        except (OSError, ValueError):
            continue  # unreadable or closed: it stays as it is


def summary():
    """Show this lesson's exercises and how far you are."""
    kept = answers()
    return Summary(
        [
            (
                name[2:],
                EXERCISES[name].title,
                kept.get(name, {}).get("state", NOT_ATTEMPTED),
            )
            for name in _names()
        ]
    )


def passed(*exercises):
    """Whether these exercises are right, so that a lesson may use their functions.

    Parameters
    ----------
    *exercises : str
        Their numbers, as for `hint`.

    Raises
    ------
    ValueError
        If there is no such exercise.

    Examples
    --------
    >>> assign = my_assign if passed("1.1") else library_assign  # doctest: +SKIP
    """
    kept = answers()
    names = [_named(exercise).__name__ for exercise in exercises]
    return all(kept.get(name, {}).get("state") == RIGHT for name in names)


def written(exercise):
    """The function with which an exercise of any lesson was solved, or None.

    For exercises that a later lesson comes back to: purity, NMI and Fowlkes-Mallows of
    lesson 2. What they call is kept with them.

    Parameters
    ----------
    exercise : str
        Its number, as for `hint`.

    Returns
    -------
    callable or None
        None if it is not solved yet, or was solved on another machine.

    Examples
    --------
    >>> purity = written("2.1")  # doctest: +SKIP
    """
    name = _named(exercise).__name__
    lesson = next((x for x in recorded_lessons() if x.startswith(name[2:4])), None)
    code = lesson and answers(lesson).get(name, {}).get("code")
    return _run_code(code, f"<exercise {_number(name)}>") if code else None


def code_of(function):
    """The text of a function and of all that it uses, or "" if there is none."""
    lines, seen = [], set()
    try:
        _add_code(getattr(function, "__name__", ""), function, lines, seen)
    except (OSError, TypeError, ValueError, AttributeError):
        return ""  # of a class, a partial or a prompt
    text = "\n\n".join(lines)
    return text if len(text) < MAX_CODE and _run_code(text, "<answer>") else ""


def _add_code(name, value, lines, seen):
    """Add the lines that make a value under a name, what it uses first."""
    if name in seen:
        return
    seen.add(name)
    module = getattr(value, "__module__", None) or "numpy"  # whose ufuncs have none
    own = getattr(value, "__name__", "")
    if inspect.ismodule(value):
        lines.append(f"import {own} as {name}")
    elif (
        own
        and getattr(sys.modules.get(module), own, None) is value
        and (module != "__main__")
    ):
        lines.append(f"from {module} import {own} as {name}")
    elif inspect.isfunction(value):
        for used in sorted(_names_in(value.__code__) & set(value.__globals__)):
            _add_code(used, value.__globals__[used], lines, seen)
        lines.append(textwrap.dedent(inspect.getsource(value)).rstrip())
        if own.isidentifier() and own != name:
            lines.append(f"{name} = {own}")
    else:
        lines.append(f"{name} = {value!r}")


def _names_in(code):
    """The global names that a code uses, also in its comprehensions."""
    inner = [_names_in(part) for part in code.co_consts if inspect.iscode(part)]
    return set(code.co_names).union(*inner)


def _run_code(text, file):
    """The function that the last definition of a text makes, or None."""
    linecache.cache[file] = len(text), None, text.splitlines(keepends=True), file
    namespace = {"__name__": "__main__"}
    try:
        exec(compile(text, file, "exec"), namespace)
    except Exception:  # whatever is in it
        return None
    found = [value for value in namespace.values() if inspect.isfunction(value)]
    return found[-1] if found else None


def hint(exercise):
    """Show the hint of an exercise, before the first attempt too.

    Parameters
    ----------
    exercise : str
        Its number, like "6.2"; "06.2", "06_2" and "ex06_2" do as well.

    Returns
    -------
    Hint
        Shows itself in a notebook.

    Raises
    ------
    ValueError
        If there is no such exercise.

    Examples
    --------
    >>> hint("6.1")
    Hint for 06_1 Pool feature maps by hand: axis=(1, 2) removes height and width; \
axis 0 counts the images.
    """
    check = _named(exercise)
    text = check.hint or "There is no hint for this exercise."
    return Hint(check.__name__, check.title, text)


def _named(exercise):
    """The check of an exercise given by its number; raises ValueError for others."""
    found = re.fullmatch(r"(?:ex)?(\d{1,2})[._](\d+)", str(exercise).strip())
    check = found and _find_check(f"ex{int(found[1]):02}_{int(found[2])}")
    if not check:
        numbers = ", ".join(map(_number, _names())) or "none"
        raise ValueError(
            f"There is no exercise {exercise!r}. The exercises of this lesson: "
            f"{numbers}."
        )
    return check


def answers(lesson=None):
    """Read what is recorded of a lesson: {"ex02_1": {"state", "tries", "value"}}."""
    try:
        return _read(_path(lesson or _lesson))
    except (OSError, ValueError):
        return {}


def _read(path):
    """The answers in a file; raises OSError, or ValueError if they are none."""
    kept = json.loads(path.read_text(encoding="utf-8"))
    if isinstance(kept, dict) and all(isinstance(a, dict) for a in kept.values()):
        return kept
    raise ValueError(f"{path} holds no answers.")


def recorded_lessons():
    """The names of the lessons whose answers are kept, sorted."""
    return sorted(path.stem for path in _folder().glob("[0-9][0-9]_*.json"))


def progress(lessons=None):
    """How far you are in the lessons, for `homework.submit`.

    Parameters
    ----------
    lessons : iterable of str, optional
        Names of lessons, like "02_scoring_a_clustering". By default all whose answers
        are kept.

    Returns
    -------
    dict
        {lesson: {exercise: {"state": str, "tries": int}}}, JSON-able.
    """
    return {
        lesson: {
            name: {"state": answer["state"], "tries": answer["tries"]}
            for name, answer in answers(lesson).items()
            if {"state", "tries"} <= set(answer)  # others were changed by hand
        }
        for lesson in (recorded_lessons() if lessons is None else lessons)
    }


def _folder():
    """COURSE_ANSWERS, or where the lesson began: a later %cd changes nothing."""
    return Path(os.environ.get("COURSE_ANSWERS") or _beside or _default_folder())


def _default_folder():
    """`answers` beside the notebook or, from the top, beside all."""
    beside, from_top = Path("answers"), Path("notebooks", "answers")
    return from_top if from_top.is_dir() and not beside.is_dir() else beside


def _path(lesson):
    return _folder() / f"{lesson}.json"


def _record(name, state, value, code=""):
    path = _path(_lesson)
    try:
        _keep_unreadable(path)
        kept = answers()
        tries = kept.get(name, {}).get("tries", 0) + (state != NOT_ATTEMPTED)
        code = code or kept.get(name, {}).get("code", "")
        kept[name] = {"state": state, "tries": tries, "value": value}
        if code:
            kept[name]["code"] = code
        _write(path, kept)
    except OSError as error:
        print(f"Your answers could not be saved: {error}.")


def _write(path, kept):
    with files.atomic_file(path, "w", encoding="utf-8") as file:
        json.dump(kept, file, indent=1, default=_plain)


def _keep_unreadable(path):
    """Put a file aside that holds no answers, as after a half-finished synchronisation.

    Raises OSError if it cannot be read or put aside: then nothing is written over it.
    """
    try:
        _read(path)
    except FileNotFoundError:
        pass
    except ValueError:
        aside = path.with_suffix(".json.unreadable")
        while aside.exists():
            aside = aside.with_name(f"{aside.name}+")
        path.rename(aside)
        print(f"{path} cannot be read as answers. It is kept as {aside.name}.")


def _plain(value):
    """NumPy's numbers and arrays as JSON's."""
    return value.tolist() if hasattr(value, "tolist") else repr(value)


def _names():
    """The names of this lesson's checks: "ex02_1", …"""
    return [name for name in EXERCISES if name.startswith(f"ex{_lesson[:2]}_")]


def _number(name):
    """The number of an exercise as the notebooks write it: 2.1 for ex02_1."""
    lesson, exercise = name[2:].split("_")
    return f"{int(lesson)}.{exercise}"


def _find_check(name):
    """The check of this name, from the file of its lesson; None if there is none."""
    module = f"course_utils.lessons.lesson{name[2:4]}"
    is_known = name in EXERCISES or not re.match(r"ex\d\d_", name)
    if not is_known and importlib.util.find_spec(module):
        importlib.import_module(module)
    return EXERCISES.get(name)


def __getattr__(name):
    """Find `ex02_1` in `lesson02`."""
    check = re.fullmatch(r"ex\d\d_\d+", name) and _find_check(name)
    if not check:
        raise AttributeError(f"There is no check {name!r}.")
    return check


def __dir__():
    """What Tab completes after `checks.`: this lesson's checks and what shows them."""
    return [*_names(), "answers", "hint", "passed", "summary", "written"]
