"""A student's own functions, called in a process of their own.

They may loop, crash, print without end, ask for input or end Python: the caller only
learns which values are missing, and why, in a sentence. Nothing of it is specific to an
operating system: the process is a new Python, which reads its task from a folder and
notes every value there as soon as it has it.
"""

import ast
import builtins
import faulthandler
import inspect
import json
import linecache
import math
import os
import pickle
import re
import signal
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import cloudpickle
import numpy as np

from course_utils._support.text import plain, shown

TIMEOUT = 30  # seconds for one function
LOADING = 4  # times as long may it take to load what functions import
MAX_MEMORY = 4 * 1024**3  # bytes; on Linux, elsewhere only the time is limited
MAX_SOURCE = 20_000  # characters of a function's text
SECONDS_TO_START = 60  # of the new process, on a busy machine


def call(functions, pairs, *, timeout=TIMEOUT, max_memory=MAX_MEMORY):
    """Call each function on fresh copies of every pair of lists, as arrays.

    functions: {name: callable}. Returns ({name: list}, {name: sentence}): the values,
    None for each that is missing, and for every function that has one what is wrong
    with it. One process serves all functions; after one that ends it, a new one goes on
    with the rest.
    """
    tasks, troubles = {}, {}
    for name, function in functions.items():
        if not callable(function):
            troubles[name] = f"{name} {_not_a_function(function)}."
            continue
        try:
            tasks[name] = cloudpickle.dumps(function)
        except Exception as error:  # pickling may raise anything
            troubles[name] = _unsendable(name, function, error)
    caller = _Caller(timeout, max_memory, [functions[name] for name in tasks])
    values, found, _ = caller.call({"pickles": tasks}, list(tasks), pairs)
    values |= {name: [None] * len(pairs) for name in functions if name not in tasks}
    return values, troubles | found


def call_file(path, names, pairs, *, timeout=TIMEOUT, max_memory=MAX_MEMORY):
    """`call` of the functions with these names in a .py file, which is run for it.

    If the file itself raises or ends Python, a sentence under its own name says so, and
    what it had defined by then is called. Raises ValueError if it is no such file, or
    ends well without any of the functions.
    """
    path = _python_file(path)
    caller = _Caller(timeout, max_memory)
    values, troubles, loaded = caller.call({"file": str(path.resolve())}, names, pairs)
    if loaded == [] and path.name not in troubles:
        raise ValueError(f"{path} has none of the functions {', '.join(names)}.")
    for name in names if loaded is not None else ():
        if name not in loaded and path.name not in troubles:
            troubles[name] = f"{path.name} has no function {name}."
    return values, troubles


def source(function):
    """The text of a function, "" where there is none; cut off at `MAX_SOURCE`."""
    try:
        return inspect.getsource(function)[:MAX_SOURCE]
    except (OSError, TypeError):
        return ""


def sources_in(path, names):
    """{name: text} of the functions with these names in a file, which is not run."""
    text = _python_file(path).read_text(encoding="utf-8-sig", errors="replace")
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    texts = {}
    for node in tree.body:  # def purity, or purity = …
        for target in getattr(node, "targets", [node]):
            name = getattr(target, "name", None) or getattr(target, "id", None)
            if name in names:
                texts[name] = (ast.get_source_segment(text, node) or "")[:MAX_SOURCE]
    return texts


def _python_file(path):
    path = Path(path)
    if path.suffix != ".py" and path.exists():
        raise ValueError(
            f"{path} is not a .py file: save your functions as one, for example "
            "scores.py."
        )
    if not path.is_file():
        raise ValueError(f"{path} is not a file: give the .py with your three scores.")
    return path


# In the process that calls


class _Caller:
    """Runs the process, and says in sentences what happened there.

    functions: those that were pickled, so that the lines of their code are found.
    """

    def __init__(self, timeout, max_memory, functions=()):
        self.timeout, self.max_memory = timeout, max_memory
        self.codes = [code for function in functions for code in _codes(function)]

    def call(self, task, names, pairs):
        """(values, troubles, names of those in a file: None if it did not end)."""
        values = {name: [None] * len(pairs) for name in names}
        troubles, left, there = {}, list(names), None
        while left:
            limits = {"timeout": self.timeout, "max_memory": self.max_memory}
            seconds = SECONDS_TO_START + self.timeout * (1 + LOADING) * (len(left) + 1)
            messages, code, last_words = _run_process(
                task | limits | {"names": left, "pairs": pairs}, seconds
            )
            at_work, limit = None, 0
            for message in messages:
                name = message.get("name")
                at_work = message.get("started", at_work)
                limit = message.get("seconds", limit)
                if "loaded" in message:  # of those that are left
                    there = [*(there or ()), *message["loaded"]]
                if "value" in message:
                    values[name][message["pair"]] = message["value"]
                if "trouble" in message:
                    troubles[name] = self._sentence(name, message)
            if messages and messages[-1].get("end"):
                break
            ended = self._how_it_ended(code, last_words, limit)
            if at_work is None:
                troubles |= {
                    n: f"{n} was not called: its process {ended}" for n in left
                }
                break
            troubles[at_work] = f"{at_work} {ended}"
            # Without what ended it; if that was the file itself, without any.
            left = left[left.index(at_work) + 1 :] if at_work in left else []
        return values, troubles, there

    def _sentence(self, name, message):
        """What is wrong with a function, from what its process noted."""
        words = f"{name} {message['trouble']}"
        if message.get("frame"):
            words += self._place(*message["frame"])
        if 0 < message.get("wrong", 0) < message.get("of", 0):
            words += f" ({message['wrong']} of {message['of']} calls)"
        advice = message.get("advice")
        return words + (f": {advice}." if advice else ".")

    def _how_it_ended(self, code, last_words, limit):
        frames = re.findall(r'File "(.*)", line (\d+) in (.*)', last_words)
        frames = [frame for frame in frames if not _is_library(frame[0])]
        place = ""
        if frames:
            file, line, function = frames[0]
            place = self._place(file, int(line), function)
        if code is None or last_words.startswith("Timeout"):
            return (
                f"was stopped after {limit:g} seconds{place}: it must end, and "
                "be quick enough for a few dozen images."
            )
        if last_words.startswith("Fatal Python error"):
            what = last_words.splitlines()[0].partition(": ")[2]
            return f"crashed Python ({what}){place}."
        if code == -getattr(signal, "SIGKILL", 9):
            return "was killed, most likely because memory ran out."
        if code < 0:
            return f"crashed Python (signal {-code})."
        return (
            f"ended Python, with exit code {code}: take out what does that, such as "
            "os._exit."
        )

    def _place(self, file, line, function):
        """Where something happened, with the line itself as far as it can be read."""
        for code in self.codes if file == "<dynamic-code>" else ():  # of cloudpickle
            if code.co_name == function and line in {n for *_, n in code.co_lines()}:
                file = code.co_filename
                break
        where = f"{plain(Path(file).name, most=80)}, line {line}"
        if file.startswith("<") or "ipykernel_" in file:  # a cell, a prompt
            where = f"line {line} of its cell"
        linecache.checkcache(file)
        text = plain(linecache.getline(file, line).strip(), most=100)
        return f" in {where}" + (f", `{text}`" if text else "")


def _run_process(task, seconds):
    """(messages, exit code, what Python said at its end) of a new process."""
    code = "import sys; from course_utils.homework import own_functions; "
    code += "own_functions._work(sys.argv[1])"
    paths = os.pathsep.join(filter(None, sys.path))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        Path(folder, "task").write_bytes(pickle.dumps(task))
        try:
            exit_code = subprocess.run(
                [sys.executable, "-B", "-c", code, folder],
                env=os.environ | {"PYTHONPATH": paths},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # no terminal to ask, and no Ctrl-C
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
                timeout=seconds,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            exit_code = None
        messages, last_words = _read(folder, "said"), _read(folder, "last words")
    found = []
    for line in messages.splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:  # half a line
            break
    return found, exit_code, last_words


def _read(folder, name):
    path = Path(folder, name)
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def _codes(function, seen=()):
    """The code of a function, of those inside it, and of those that it calls."""
    code = getattr(function, "__code__", None)
    if code is None or code in seen or _is_library(code.co_filename):
        return
    waiting = [code]
    while waiting:
        code = waiting.pop()
        yield code
        waiting += [inner for inner in code.co_consts if inspect.iscode(inner)]
    for _, value in _used(function):
        yield from _codes(value, (*seen, function.__code__))


def _used(function):
    """(name, value) of the globals and outer variables that a function uses."""
    try:
        found = inspect.getclosurevars(function)
    except (TypeError, ValueError):
        return ()
    return {**found.globals, **found.nonlocals}.items()


def _unsendable(name, function, error):
    found = _not_picklable(function)
    if not found:
        return (
            f"{name} cannot be sent to a process of its own ({_told(error)}): write it "
            "as a plain function that makes what it needs."
        )
    used, value = found
    if used in ("exit", "quit"):  # Jupyter's own
        return f"{name} calls {used}(), which ends Python: take that out."
    return (
        f"{name} uses {used}, {_kind(value)}, which cannot be sent to a process of its "
        "own: make it inside the function, or do without it."
    )


def _not_picklable(function, seen=()):
    """(name, value) of what a function uses and pickle refuses, or None."""
    for name, value in _used(function):
        try:
            cloudpickle.dumps(value)
        except Exception:
            known = any(value is function for function in seen)
            deeper = None if known else _not_picklable(value, (*seen, value))
            return deeper or (name, value)
    return None


def _not_a_function(value):
    kind = _kind(value)
    return f"is {kind}, not a function: give the function itself, without calling it"


def _kind(value):
    """Words for a value that is not as it should be: short, whatever it is."""
    if value is None or isinstance(value, bool | int | float | str):
        return shown(value, 40) if isinstance(value, str) else repr(value)[:40]
    name = type(value).__name__.removeprefix("nd")
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


# In the new process


def _work(folder):
    """Do the task in the folder, and note there what comes out."""
    task = pickle.loads(Path(folder, "task").read_bytes())
    last_words = open(Path(folder, "last words"), "w", encoding="utf-8")  # noqa: SIM115
    said = open(Path(folder, "said"), "w", encoding="utf-8")  # noqa: SIM115
    faulthandler.enable(last_words)

    def say(**message):
        said.write(json.dumps(message) + "\n")
        said.flush()

    def start(name, seconds):
        say(started=name, seconds=seconds)
        # It ends the process even in compiled code, and notes where it was.
        faulthandler.dump_traceback_later(seconds, exit=True, file=last_words)

    _limit_memory(task["max_memory"])
    sys.argv = [""]
    builtins.exit = builtins.quit = sys.exit  # the usual ones also close stdin
    functions = {}
    if "file" in task:
        path = Path(task["file"])
        sys.path.append(str(path.parent))
        start(path.name, LOADING * task["timeout"])
        namespace, error = _run_file(path)
        if error is not None:
            say(name=path.name, **_raised(error))
        functions = {n: namespace[n] for n in task["names"] if n in namespace}
        say(loaded=list(functions))
    for name in task["names"]:
        start(name, LOADING * task["timeout"])
        if "pickles" in task:
            try:
                functions[name] = pickle.loads(task["pickles"][name])
            except BaseException as error:
                raised = _raised(error)
                what = f"cannot be loaded there: {raised['trouble']}"
                say(name=name, **raised | {"trouble": what})
                continue
        if name in functions:
            start(name, task["timeout"])
            _try(name, functions[name], task["pairs"], say)
    say(end=True)
    faulthandler.cancel_dump_traceback_later()
    os._exit(0)  # whatever threads are left


def _run_file(path):
    """(what a file defined, None or what it raised)"""
    namespace = {}
    try:
        code = compile(path.read_bytes(), str(path), "exec")
        module = type(sys)("own_scores")
        module.__file__, namespace = str(path), module.__dict__
        sys.modules["own_scores"] = module  # where its classes look for it
        exec(code, namespace)
    except BaseException as error:
        return namespace, error
    return namespace, None


def _try(name, function, pairs, say):
    """Note the value for every pair, and the first trouble."""
    if not callable(function):
        say(name=name, trouble=_not_a_function(function))
        return
    trouble, wrong = None, 0
    for place, pair in enumerate(pairs):
        try:
            value, problem = _number(function(*map(np.array, pair)))
        except BaseException as error:  # whatever the student's own code raises
            value, problem = None, _raised(error)
        say(name=name, pair=place, value=value)
        wrong += problem is not None
        trouble = trouble or problem
    if trouble:
        say(name=name, wrong=wrong, of=len(pairs), **trouble)


def _number(value):
    """(float, None), or (None, what is wrong with it)."""
    wrong = {"trouble": f"returned {_kind(value)}", "advice": "it must return a number"}
    if value is None or isinstance(value, bool | np.bool_ | str | bytes):
        return None, wrong
    try:
        number = _float(value)
    except Exception:
        if shape := getattr(value, "shape", None):
            wrong["trouble"] += f" of shape {tuple(shape)}"
        return None, wrong
    if not math.isfinite(number):
        advice = "it divides by 0, perhaps, or takes the logarithm of 0"
        return None, {"trouble": f"returned {number}", "advice": advice}
    return number, None


def _float(value):
    """A number as float, also one in an array of size 1."""
    try:
        return float(value)
    except TypeError:
        return float(value.item())


def _raised(error):
    """What an exception says, and where in the student's own code it was raised."""
    if isinstance(error, SystemExit):
        found = {"trouble": "ended Python by exit()", "advice": "take that out"}
    elif isinstance(error, EOFError):
        found = {
            "trouble": "asks for input, which nobody can give here",
            "advice": "take out input()",
        }
    else:
        found = {"trouble": f"raised {_told(error)}"}
    frames, trace = [], error.__traceback__
    while trace:
        code = trace.tb_frame.f_code
        frames.append((code.co_filename, trace.tb_lineno, code.co_name))
        trace = trace.tb_next
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        frames.append((error.filename, error.lineno, ""))
    own = [frame for frame in frames if not _is_library(frame[0])]
    if own:
        found["frame"] = own[-1]
    return found


def _told(error):
    """Type and message of an exception in one line."""
    try:
        told = error.msg if isinstance(error, SyntaxError) else str(error)
        message = " ".join(told.split())
    except Exception:
        message = ""
    kind = "MemoryError" if isinstance(error, MemoryError) else type(error).__name__
    return plain(f"{kind}: {message}" if message else kind, most=200)


def _is_library(file):
    """Whether a file is of Python, a package or the course, so not the student's."""
    if file.startswith("<frozen"):
        return True
    parts, course = Path(file).parts, Path(__file__).parents[1]
    if {"site-packages", "dist-packages"} & set(parts):
        return True
    return any(
        Path(folder) in Path(file).parents
        for folder in (sysconfig.get_path("stdlib"), course)
    )


def _limit_memory(max_memory):
    """Let this process have so many bytes more, and be the first that Linux kills."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0])
        most = pages * resource.getpagesize() + int(max_memory)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="utf-8")
    except (ImportError, OSError, ValueError):
        pass  # not Linux: the time is limited all the same
