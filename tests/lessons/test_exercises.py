"""The machinery of the checks: three states, hints, what is recorded, the summary."""

import ast
import inspect
import json
import linecache
import re
from pathlib import Path

import numpy as np
import pytest
from IPython.core.completer import IPCompleter, provisionalcompleter
from lesson_answers import assert_voice

from course_utils.homework import submission
from course_utils.lessons import exercises

LESSONS = sorted(Path(exercises.__file__).parent.glob("lesson[0-9][0-9].py"))


@pytest.fixture
def lesson(tmp_path, monkeypatch):
    """An empty lesson with two exercises."""
    monkeypatch.setenv("COURSE_ANSWERS", str(tmp_path))
    monkeypatch.setattr(exercises, "EXERCISES", {})

    @exercises.exercise("Double", hint="Look at <b>2 * x</b>.")
    def ex99_1(double):
        """Write `double(x)`: twice the number."""
        value = exercises.attempted(double(3))
        if value == 9:
            raise exercises.NotYet("This is the square, <i>not</i> the double.")
        assert value == 6
        return value

    @exercises.exercise("The answer", hint="")
    def ex99_2(answer):
        """Find the answer."""
        if answer != 42:
            raise exercises.NotYet("This is another number.")
        return answer

    exercises.begin("99_made_up")
    return ex99_1, ex99_2, tmp_path / "99_made_up.json"


@pytest.fixture
def every_check():
    """{name: check} of all lessons."""
    for path in LESSONS:
        exercises.begin(f"{path.stem[-2:]}_lesson")
    return dict(exercises.EXERCISES)


def test_three_states(lesson):
    double, answer, _ = lesson
    assert answer(None).state == "not attempted yet"
    assert answer(...).state == "not attempted yet"
    assert double(lambda x: None).state == "not attempted yet"
    assert double(lambda x: x**2).state == "not right yet"
    assert double(lambda x: 2 * x).state == "right"


def test_a_wrong_answer_says_why_and_folds_the_hint(lesson):
    verdict = lesson[0](lambda x: x**2)
    assert repr(verdict).endswith(
        "99_1 Double: not right yet. This is the square, <i>not</i> the double."
    )
    page = verdict._repr_html_()
    assert "<details><summary>Hint" in page
    assert "<b>" not in page and "<i>" not in page, "texts are escaped"
    assert "<details>" not in lesson[0](lambda x: 2 * x)._repr_html_()


def test_an_error_in_the_students_code_is_named(lesson):
    verdict = lesson[0](lambda x: x + "1")
    assert verdict.state == "not right yet"
    assert verdict.message.startswith("Your code raised TypeError: unsupported")
    assert_voice(verdict.message)
    assert lesson[0](lambda x: [][1]).message.endswith("range.")
    without_text = exercises.describe_error(ValueError())
    assert without_text == "Your code raised ValueError."


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
    assert "1 of 2 right" in text and "99_2 The answer: not attempted yet" in text
    assert exercises.summary()._repr_html_().count("<tr>") == 2


def test_a_damaged_record_and_a_closed_folder_cost_nothing(
    lesson, monkeypatch, tmp_path, capsys
):
    double, answer, path = lesson
    for n, damaged in enumerate(["{half", "[1]", '{"a": 1}', "<<<<<<< HEAD"], 1):
        path.write_text(damaged, encoding="utf-8")
        assert exercises.answers() == {}
        assert answer(42).state == "right"
        assert exercises.answers()["ex99_2"]["state"] == "right"
        said = capsys.readouterr().out
        assert f"{path} cannot be read as answers. It is kept as" in said
        kept = sorted(path.parent.glob(f"{path.name}.unreadable*"), key=len_of_name)
        assert len(kept) == n and kept[-1].read_text("utf-8") == damaged
    assert exercises.recorded_lessons() == [path.stem]
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    monkeypatch.setenv("COURSE_ANSWERS", str(blocked))
    assert double(lambda x: 2 * x).state == "right"
    assert "could not be saved" in capsys.readouterr().out


@pytest.mark.parametrize(
    "lesson, earlier",
    [
        ("08_maps_of_images", "07"),
        ("09_ensembles_of_backbones", "08"),
        ("14_beyond_one_machine", "13"),
    ],
)
def test_answers_of_a_lesson_that_was_renumbered_are_taken_over(
    lesson, earlier, tmp_path, monkeypatch
):
    monkeypatch.setenv("COURSE_ANSWERS", str(tmp_path))
    right = {"state": "right", "tries": 2, "value": None}
    old = tmp_path / f"{earlier}{lesson[2:]}.json"
    old.write_text(json.dumps({f"ex{earlier}_1": right}), encoding="utf-8")
    exercises.begin(lesson)
    assert exercises.answers() == {f"ex{lesson[:2]}_1": right}
    assert exercises.passed(f"{int(lesson[:2])}.1")
    assert exercises.recorded_lessons() == [lesson] and not old.exists()
    old.write_text(
        json.dumps({f"ex{earlier}_1": right | {"tries": 9}}), encoding="utf-8"
    )
    exercises.begin(lesson)  # what is there under the new number is not written over
    assert exercises.answers()[f"ex{lesson[:2]}_1"]["tries"] == 2 and old.exists()


def test_answers_under_an_earlier_number_that_cannot_be_read_stay(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("COURSE_ANSWERS", str(tmp_path))
    old = tmp_path / "07_maps_of_images.json"
    old.write_text("{half", encoding="utf-8")
    exercises.begin("08_maps_of_images")
    assert exercises.answers() == {} and old.read_text("utf-8") == "{half"


def len_of_name(path):
    return len(path.name)


class Speechless(Exception):
    def __str__(self):
        raise RuntimeError


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (SystemExit(0), "Your code raised SystemExit: 0."),
        (SystemExit(), "Your code raised SystemExit."),
        (Speechless(), "Your code raised Speechless."),
    ],
)
def test_code_that_ends_python_or_cannot_say_why_is_not_right_yet(lesson, error, words):
    def wrong(x):
        raise error

    verdict = lesson[0](wrong)
    assert verdict.state == "not right yet" and words in repr(verdict)
    assert exercises.answers()["ex99_1"]["tries"] == 1


def test_a_later_change_of_folder_keeps_the_answers_together(
    lesson, monkeypatch, tmp_path
):
    monkeypatch.delenv("COURSE_ANSWERS")
    monkeypatch.chdir(tmp_path)
    exercises.begin("99_lesson")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    lesson[1](42)
    assert (tmp_path / "answers" / "99_lesson.json").exists()
    monkeypatch.setattr(exercises, "_beside", None)


def test_an_unknown_check_is_an_attribute_error():
    with pytest.raises(AttributeError, match="ex98_1"):
        exercises.ex98_1  # noqa: B018


@pytest.mark.parametrize("number", ["99.1", "99_1", "ex99_1", " 99.1 ", 99.1])
def test_a_hint_is_there_before_the_first_attempt(lesson, number):
    hint = exercises.hint(number)
    assert repr(hint) == "Hint for 99_1 Double: Look at <b>2 * x</b>."
    assert "Look at &lt;b&gt;2 * x" in hint._repr_html_()
    assert exercises.answers() == {}


def test_hints_of_the_first_lessons_need_no_zero(every_check):
    exercises.begin("06_lesson")
    expected = every_check["ex06_2"].hint
    for number in ("6.2", "06.2", "6_2", "06_2", "ex06_2"):
        assert exercises.hint(number).text == expected
    assert exercises.hint("2.1").text == every_check["ex02_1"].hint


def test_passed_asks_whether_all_are_right(lesson):
    assert not exercises.passed("99.1")
    exercises.ex99_1(lambda x: 2 * x)
    assert exercises.passed("99.1") and not exercises.passed("99.1", "99.2")
    with pytest.raises(ValueError, match=r"no exercise '99\.3'"):
        exercises.passed("99.3")


def test_an_exercise_without_a_hint_says_so(lesson):
    assert exercises.hint("99.2").text == "There is no hint for this exercise."


@pytest.mark.parametrize("number", ["99.3", "98.1", "1", "", "two", None, "99.1.1"])
def test_no_such_exercise_lists_those_of_the_lesson(lesson, number):
    with pytest.raises(ValueError, match=r"no exercise .*99\.1, 99\.2\."):
        exercises.hint(number)


@pytest.mark.parametrize("use_jedi", [False, True])
def test_tab_completes_this_lessons_checks(lesson, use_jedi):
    completer = IPCompleter(namespace={"checks": exercises}, use_jedi=use_jedi)
    with provisionalcompleter():
        found = {
            match.text.lstrip(".") for match in completer.completions("checks.", 7)
        }
    names = {"answers", "hint", "passed", "summary", "written"}
    assert found == names | {"ex99_1", "ex99_2"}


def test_progress_has_states_and_tries_of_all_lessons(lesson, tmp_path):
    double, answer, _ = lesson
    double(lambda x: x**2)
    double(lambda x: 2 * x)
    answer(None)
    changed_by_hand = {"ex98_1": {"state": "right"}, "ex98_2": {"state": "right"}}
    changed_by_hand["ex98_2"] |= {"tries": 1, "value": 3}
    other = tmp_path / "98_other.json"
    other.write_text(json.dumps(changed_by_hand), encoding="utf-8")
    here = {
        "ex99_1": {"state": "right", "tries": 2},
        "ex99_2": {"state": "not attempted yet", "tries": 0},
    }
    there = {"ex98_2": {"state": "right", "tries": 1}}
    found = exercises.progress()
    assert found == {"98_other": there, "99_made_up": here}
    assert json.loads(json.dumps(found)) == found
    assert exercises.progress(["99_made_up"]) == {"99_made_up": here}
    assert exercises.progress(["97_never"]) == {"97_never": {}}


def test_every_check_shows_its_exercise(every_check):
    assert len(every_check) >= 73
    for name, check in every_check.items():
        lesson, number = name[2:].split("_")
        first, *rest = inspect.getdoc(check).split("\n\n")
        assert first == f"Exercise {int(lesson)}.{number}: {check.title}"
        *asked, how = rest
        assert len(" ".join(asked).split()) >= 8, name
        assert " ".join(asked).endswith("."), name
        arguments = ", ".join(inspect.signature(check).parameters)
        assert f"`checks.{name}({arguments})`" in how


def test_titles_and_hints_are_capitalised_and_hints_are_sentences(every_check):
    for name, check in every_check.items():
        assert check.title[0].isupper(), name
        assert check.hint.endswith((".", "?")), check.hint


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_messages_in_the_source_are_sentences(path):
    """Also those that no wrong answer of the tests gets to see."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    messages = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "NotYet":
            messages.append(_text(node.args[0]))
        if isinstance(node, ast.Assign) and node.targets[0].__dict__.get("id") in (
            "otherwise",
            "said",
        ):
            messages.append(_text(node.value))
        if isinstance(node, ast.Dict):
            messages += [_text(key) for key in node.keys]
    messages = [text for text in messages if text and len(text.split()) > 2]
    assert len(messages) > 10
    for message in messages:
        assert re.match(r"[A-Z{'\"]|\w+[_(.]", message), message
        assert message.endswith((".", "?", "}")), message


def _text(node):
    """The text of a string, with {} for what is filled in; None for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) or "{}" for part in node.values)
    return None


CELLS = """
import numpy as np
from scipy.stats import entropy as scipy_entropy

BASE = 2

def table(true_labels, cluster_labels):
    return np.array([[np.sum((true_labels == c) & (cluster_labels == k))
                      for k in np.unique(cluster_labels)] for c in UNIQUE(true_labels)])

def bits(counts):
    return scipy_entropy(np.ravel(counts), base=BASE)

def nmi(true_labels, cluster_labels):
    "Of two helpers, a module under another name, a constant and a comprehension."
    counts = table(true_labels, cluster_labels)
    both = [bits(counts.sum(axis=axis)) for axis in (0, 1)]
    return 2 * (sum(both) - bits(counts)) / sum(both)
"""


def as_in_a_notebook(text, monkeypatch):
    """What the cells define, with their text known, as IPython does it."""
    file = "<ipython-input-1>"
    lines = text.splitlines(keepends=True)
    monkeypatch.setitem(linecache.cache, file, (len(text), None, lines, file))
    cells = {"__name__": "__main__", "UNIQUE": np.unique}
    exec(compile(text, file, "exec"), cells)
    return cells


def test_a_right_score_of_lesson_2_is_written_again_in_another_lesson(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("COURSE_ANSWERS", str(tmp_path))
    nmi = as_in_a_notebook(CELLS, monkeypatch)["nmi"]
    exercises.begin("02_scoring_a_clustering")
    assert exercises.written("2.3") is None
    assert exercises.ex02_3(nmi).state == "right"
    exercises.ex02_3(lambda true, clusters: 0.5)  # a wrong try later loses nothing
    exercises.begin("13_your_own_dataset")
    again = exercises.written("2.3")
    pair = np.array([0, 0, 0, 1, 1, 2]), np.array([1, 1, 0, 0, 0, 2])
    assert again is not nmi and again(*pair) == nmi(*pair)
    values = submission.exercise_values("ab123", nmi=again)  # in another process
    assert None not in values["nmi"]
    assert submission.source_of(nmi=again)["nmi"].startswith("def nmi(true_labels")
    assert exercises.written("2.1") is exercises.written("1.1") is None
    assert "code" not in json.dumps(exercises.progress())


@pytest.mark.parametrize(
    "text",
    ["purity = len", "class C:\n    def __call__(s, t, c): return 1\npurity = C()"],
)
def test_what_has_no_text_is_not_kept_and_costs_nothing(text, monkeypatch):
    assert exercises.code_of(as_in_a_notebook(text, monkeypatch)["purity"]) in (
        "",
        "from builtins import len as len",
    )


def test_damaged_text_gives_no_function(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_ANSWERS", str(tmp_path))
    for code in ("def purity(", "1 / 0", "x = 1"):
        kept = {"ex02_1": {"state": "right", "tries": 1, "value": 1, "code": code}}
        (tmp_path / "02_scoring.json").write_text(json.dumps(kept))
        assert exercises.written("2.1") is None
