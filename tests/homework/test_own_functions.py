"""A student's own functions may do anything: the values of the others stay."""

import linecache
import os
import re
import subprocess
import sys
import threading

import numpy as np
import pytest
from conftest import ROOT

from course_utils.homework import own_functions, submission

PAIRS = [([0, 1, 1, 2] * 8, [2, 0, 1, 1] * 8)] * 3
NOTHING = [None] * 3
LOCK = threading.Lock()


class Model:
    def __init__(self):
        self.lock = threading.Lock()

    def __call__(self, true_labels, cluster_labels):
        return 0.5


def by_value(source, **given):
    """A function as a notebook defines it: of no module that could be imported."""
    namespace = {"np": np, "__name__": "__main__", **given}
    exec(source, namespace)
    return namespace["f"]


right = by_value("def f(t, c): return np.mean(t == c)")


def test_each_call_has_arrays_of_its_own():
    spoils = by_value("def f(t, c):\n    t.sort(); c[:] = 0; return 1.5")
    values, troubles = own_functions.call({"purity": spoils, "nmi": right}, PAIRS)
    expected = right(*map(np.array, PAIRS[0]))
    assert values == {"purity": [1.5] * 3, "nmi": [expected] * 3}
    assert troubles == {}


FATAL = {
    "os._exit 0": ("import os; os._exit(0)", "ended Python, with exit code 0"),
    "os._exit 3": ("import os; os._exit(3)", "ended Python, with exit code 3"),
    "a crash": (
        "import ctypes; ctypes.string_at(0)",
        r"crashed Python \(.*\) in line 2 of its cell",
    ),
    "a signal": ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "killed"),
    "no end": (
        "while True: pass",
        "stopped after 1 seconds in line 2 of its cell",
    ),
    "no end, and it prints": ('while True: print("x" * 9999)', "stopped after 1 s"),
    "it hides in a try": (
        "while True:\n        try: input()\n        except Exception: pass",
        "stopped after 1 seconds",
    ),
}


@pytest.mark.parametrize(("body", "words"), FATAL.values(), ids=FATAL)
def test_what_ends_the_process_costs_one_function_its_values(body, words):
    bad = by_value(f"def f(t, c):\n    {body}\n")
    functions = {"purity": right, "nmi": bad, "fowlkes_mallows": right}
    values, troubles = own_functions.call(functions, PAIRS, timeout=1)
    assert values["purity"] == values["fowlkes_mallows"] != NOTHING
    assert values["nmi"] == NOTHING
    assert list(troubles) == ["nmi"]
    assert re.fullmatch(rf"nmi (was )?{words}.*\.", troubles["nmi"])


HARMLESS = {
    "an error": (
        "return unknown",
        "nmi raised NameError: name 'unknown' is not defined",
    ),
    "exit": ("exit()", "nmi ended Python by exit()"),
    "sys.exit": ("import sys; sys.exit(1)", "nmi ended Python by exit()"),
    "input": ("return input('?')", "nmi asks for input, which nobody can give here"),
    "no end of calls": ("return f(t, c)", "nmi raised RecursionError"),
    "much memory": ("return np.ones(10**14)", "nmi raised MemoryError"),
    "more and more": (
        "x = []\n    while True: x.append(np.ones(10**6))",
        "nmi raised MemoryError",
    ),
    "Ctrl-C": ("raise KeyboardInterrupt", "nmi raised KeyboardInterrupt"),
    "a long message": ("raise ValueError('x' * 10**6)", "nmi raised ValueError: xxx"),
    "a message that fails": (
        "class E(Exception):\n        def __str__(self): 1 / 0\n    raise E",
        "nmi raised E in line",
    ),
    "nothing": ("pass", "nmi returned None: it must return a number."),
    "an array": ("return t", "nmi returned an array of shape (32,): it must"),
    "a text": ("return '0.5'", "nmi returned '0.5': it must return a number."),
    "a list": ("return [1.0, 2.0]", "nmi returned a list: it must return a number."),
    "not a number": ("return float('nan')", "nmi returned nan: it divides by 0,"),
    "infinite": ("return -np.inf", "nmi returned -inf: it divides by 0,"),
    "a truth value": ("return True", "nmi returned True: it must return a number."),
    "complex": ("return 1j", "nmi returned a complex: it must return a number."),
    "too large": ("return 10**400", "nmi returned 1000"),
}


@pytest.fixture(scope="module")
def told():
    """{what: (values, sentence)} of all the harmless ones, from one process."""
    functions = {
        what: by_value(f"def f(t, c):\n    {body}\n")
        for what, (body, _) in HARMLESS.items()
    }
    values, troubles = own_functions.call(functions, PAIRS, max_memory=2**29)
    return {what: (values[what], troubles[what]) for what in HARMLESS}


@pytest.mark.parametrize("what", HARMLESS)
def test_the_sentence_says_what_happened(told, what):
    values, sentence = told[what]
    _, words = HARMLESS[what]
    assert values == NOTHING
    assert sentence.startswith(words.replace("nmi", what, 1))
    assert sentence.endswith(".") and len(sentence) < 500 and sentence.isprintable()


@pytest.mark.parametrize(
    "body",
    [
        "0.25",
        "np.float32(0.25)",
        "np.array(0.25)",
        "np.array([[0.25]])",
        "F(1, 4)",
    ],
)
def test_whatever_is_a_number_counts(body):
    function = by_value(
        f"from fractions import Fraction as F\ndef f(t, c): return {body}"
    )
    assert own_functions.call({"nmi": function}, PAIRS) == ({"nmi": [0.25] * 3}, {})


def test_a_function_may_fail_on_some_pairs_only():
    source = "def f(t, c):\n    return 1 / (len(t) - 2)"
    pairs = [([0, 1], [0, 1]), ([0, 1, 1], [0, 1, 1])]
    values, troubles = own_functions.call({"nmi": by_value(source)}, pairs)
    assert values == {"nmi": [None, 1.0]}
    assert "raised ZeroDivisionError: division by zero in line 2" in troubles["nmi"]
    assert troubles["nmi"].endswith(" (1 of 2 calls).")


def test_functions_use_what_the_notebook_has():
    source = "import math\ndef table(t): return np.bincount(t)\nscale = 2\n"
    source += "def f(t, c): return math.sqrt(scale) * table(t).max()"
    values, troubles = own_functions.call({"nmi": by_value(source)}, PAIRS)
    assert values["nmi"] == pytest.approx([2**0.5 * 16] * 3) and troubles == {}


def test_the_line_of_the_error_is_the_student_s_own(tmp_path):
    file = tmp_path / "own.py"
    file.write_text(
        "import numpy as np\n\ndef table(t):\n    return np.bincount(t - 5)\n\n"
        "def nmi(t, c):\n    return table(t).max()\n",
        encoding="utf-8",
    )
    values, troubles = own_functions.call_file(file, ["nmi"], PAIRS)
    assert values == {"nmi": NOTHING}
    assert "in own.py, line 4, `return np.bincount(t - 5)`" in troubles["nmi"]


def test_a_cell_of_a_notebook_says_its_line():
    name, text = "/tmp/ipykernel_1/77.py", "x = 1\ndef f(t, c):\n    return t.nothing\n"
    linecache.cache[name] = len(text), None, text.splitlines(keepends=True), name
    namespace = {"__name__": "__main__"}
    exec(compile(text, name, "exec"), namespace)
    _, troubles = own_functions.call({"nmi": namespace["f"]}, PAIRS)
    assert "in line 3 of its cell, `return t.nothing`." in troubles["nmi"]
    del linecache.cache[name]


def test_what_cannot_be_sent_is_named():
    functions = {
        "purity": by_value("def f(t, c): return lock.locked()", lock=LOCK),
        "nmi": by_value(
            "def g(): return lock\ndef f(t, c): return g()", lock=threading.Lock()
        ),
        "fowlkes_mallows": Model(),
    }
    values, troubles = own_functions.call(functions, PAIRS)
    assert all(found == NOTHING for found in values.values())
    for name in ("purity", "nmi"):
        words = (
            f"{name} uses lock, a lock, which cannot be sent to a process of its own"
        )
        assert troubles[name].startswith(words)
        assert "make it inside the function" in troubles[name]
    assert "cannot be sent to a process of its own" in troubles["fowlkes_mallows"]


@pytest.mark.parametrize("word", ["exit", "quit"])
def test_the_exit_of_a_notebook_is_named(word):
    function = by_value(f"def f(t, c): {word}()", **{word: Model()})
    _, troubles = own_functions.call({"nmi": function}, PAIRS)
    told = f"nmi calls {word}(), which ends Python: take that out."
    assert troubles == {"nmi": told}


@pytest.mark.parametrize("value", [1, "nmi", [], {}, 0.5])
def test_what_is_no_function_is_said(value):
    values, troubles = own_functions.call({"nmi": value, "purity": right}, PAIRS)
    assert values["nmi"] == NOTHING and values["purity"] != NOTHING
    assert troubles["nmi"].startswith("nmi is ") and "not a function" in troubles["nmi"]


def test_nothing_to_call_starts_no_process(monkeypatch):
    monkeypatch.setattr(subprocess, "run", None)
    assert own_functions.call({}, PAIRS) == ({}, {})


# Files


FILES = {
    "it raises": ("def nmi(t, c): return 1\n1 / 0", "own.py raised ZeroDivisionError"),
    "it exits": ("def nmi(t, c): return 1\nexit()", "own.py ended Python by exit()"),
    "it asks": ("def nmi(t, c): return 1\ninput()", "own.py asks for input"),
    "no end": (
        "def nmi(t, c): return 1\nwhile 1: pass",
        "own.py was stopped after 4 s",
    ),
    "it ends": ("import os\nos._exit(0)", "own.py ended Python, with exit code 0"),
    "no Python": (
        "def (",
        "own.py raised SyntaxError: invalid syntax in own.py, line 1",
    ),
    "a byte of 0": ("x = 1\0", "own.py raised "),
}


@pytest.mark.parametrize(("text", "words"), FILES.values(), ids=FILES)
def test_a_file_that_fails_says_so(tmp_path, text, words):
    file = tmp_path / "own.py"
    file.write_text(text, encoding="utf-8")
    values, troubles = own_functions.call_file(file, ["nmi"], PAIRS, timeout=1)
    assert troubles["own.py"].startswith(words)
    goes_on = words.split()[1] in ("raised", "asks") or "exit()" in words
    there = "def nmi" in text and goes_on  # what was defined by then is called
    assert values == {"nmi": [1.0] * 3 if there else NOTHING}


def test_a_file_without_the_functions_is_refused(tmp_path):
    file = tmp_path / "own.py"
    file.write_text("x = 1", encoding="utf-8")
    with pytest.raises(ValueError, match="has none of the functions purity, nmi"):
        own_functions.call_file(file, ["purity", "nmi"], PAIRS)
    with pytest.raises(ValueError, match="is not a file"):
        own_functions.call_file(tmp_path / "none.py", ["nmi"], PAIRS)
    (tmp_path / "own.ipynb").write_text("{}", encoding="utf-8")
    with pytest.raises(ValueError, match=r"is not a \.py file: save your functions"):
        own_functions.call_file(tmp_path / "own.ipynb", ["nmi"], PAIRS)


def test_a_file_is_run_again_for_the_functions_that_are_left(tmp_path):
    file = tmp_path / "own.py"
    file.write_text(
        "import os\ndef purity(t, c): return 1\ndef nmi(t, c): os._exit(0)\n",
        encoding="utf-8",
    )
    names = ["purity", "nmi", "fowlkes_mallows"]
    values, troubles = own_functions.call_file(file, names, PAIRS)
    assert values == {"purity": [1.0] * 3, "nmi": NOTHING, "fowlkes_mallows": NOTHING}
    assert troubles["nmi"].startswith("nmi ended Python, with exit code 0")
    assert troubles["fowlkes_mallows"] == "own.py has no function fowlkes_mallows."
    assert "purity" not in troubles


def test_a_file_may_import_its_neighbour_and_define_some(tmp_path):
    (tmp_path / "neighbour.py").write_text(
        "def table(t): return len(t)\n", encoding="utf-8"
    )
    file = tmp_path / "own.py"
    file.write_text(
        "from dataclasses import dataclass\nfrom neighbour import table\n"
        "@dataclass\nclass Pair:\n    a: int\n"
        "def nmi(t, c): return Pair(table(t)).a\npurity = None\n",
        encoding="utf-8",
    )
    names = ["purity", "nmi", "fowlkes_mallows"]
    values, troubles = own_functions.call_file(file, names, PAIRS)
    assert values["nmi"] == [32.0] * 3
    assert troubles == {
        "purity": "purity is None, not a function: give the function itself, without "
        "calling it.",
        "fowlkes_mallows": "own.py has no function fowlkes_mallows.",
    }
    assert sorted(p.name for p in tmp_path.iterdir()) == ["neighbour.py", "own.py"]


def test_a_script_may_call_it_without_a_guard(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from course_utils.homework import exercise_values\n"
        "def purity(t, c): return len(t)\n"
        "print(exercise_values('ab123', purity=purity)['purity'])\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    expected = [float(len(true)) for true, _ in submission.probes("ab123")]
    assert done.stdout == f"{expected}\n", done.stderr
