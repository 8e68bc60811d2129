"""The rubric: how what was found in a submission becomes points.

The default one, with a comment on every line, is rubric.yaml.
"""

import difflib
import math
import os
from dataclasses import dataclass
from pathlib import Path

import yaml

from course_utils.clustering import algorithms
from course_utils.homework import submission, untrusted_files
from course_utils.representations import backbones, extraction, handcrafted

DEFAULT = Path(__file__).with_name("rubric.yaml")

COVERAGE = ("representations", "layers", "algorithms")

BY_RUNS = (*COVERAGE, "nmi_over_raw", "controls", "best_nmi")  # nothing else needs runs

# A part of earlier rubrics, and those that have taken its place
EARLIER = "best_nmi"
USUAL = {"points": 20, "thresholds": {0.30: 5, 0.50: 10, 0.70: 15, 0.80: 20}}
INSTEAD = ("nmi_over_raw", "controls")

MAX_BYTES = 2**16  # of a rubric

# {key: (least, most, whole numbers only)}; other numbers are from 0 on.
LIMITS = {
    "percent_a_day": (0, 100, False),
    "most_percent": (0, 100, False),
    "most_clusters_per_class": (1, math.inf, False),
    "replay": (0, 1000, True),
    "files_per_student": (1, 1000, True),
    "min_pictures": (0, math.inf, True),
    "min_classes": (0, math.inf, True),
    "goal": (1, math.inf, True),
    "seeds": (2, 100, True),
}

# How many there are to reach a goal with. Layers: nobody computes more.
GOALS = {
    "representations": len((*handcrafted.NAMES, *backbones.TABLE)),
    "layers": 500,
    "algorithms": len(algorithms.ALGORITHMS),
}


@dataclass
class Part:
    """Points of one part of the rubric; points is None where a person gives them."""

    points: float | None
    most: float
    reason: str


def load_rubric(path=None):
    """Load a rubric: points, goals, and how lateness and many clusters count.

    A file of an earlier edition, with `best_nmi`, keeps its meaning.

    Parameters
    ----------
    path : str or Path, optional
        A YAML or JSON file; what it leaves out is as in the default rubric.yaml.

    Returns
    -------
    dict

    Raises
    ------
    ValueError
        If the file cannot be read, holds what no rubric has, or promises points that
        nobody can reach; the message names the line and says what to write.

    Examples
    --------
    >>> load_rubric()["count"]
    'last'
    """
    rubric = yaml.safe_load(DEFAULT.read_text(encoding="utf-8"))
    if path is None:
        return rubric
    own = _read(path)
    rubric["points"] = _usual_parts(rubric["points"], own.get("points"))
    _merge(rubric, own, f"the rubric {path}")
    _check_points(rubric["points"], own.get("points", {}), f"the rubric {path}")
    return rubric


def max_points(rubric):
    """Add up the points of a perfect submission.

    Parameters
    ----------
    rubric : dict
        What `load_rubric` returned.

    Returns
    -------
    int or float

    Examples
    --------
    >>> max_points(load_rubric())
    100
    """
    return sum(part["points"] for part in rubric["points"].values())


def points(found, answers, rubric, *, own_id=True, own_pictures=None):
    """{part: Part} of a Review without errors.

    answers: the written ones, which people mark later. own_id: False if the submission
    names the id of somebody else, then its exercises, which are made for that id, get
    nothing. own_pictures: (how many images, how many classes) where the labels are
    self-supplied, `Submission.own_pictures`; then the rubric's own_pictures apply.
    """
    parts = {}
    for part, how in rubric["points"].items():
        if part in COVERAGE:
            names = _coverage(found, part)
            share = min(len(names) / how["goal"], 1)
            reason = f"{len(names)} ({how['goal']} asked): {', '.join(names) or 'none'}"
            parts[part] = Part(round(share * how["points"], 2), how["points"], reason)
        elif part in submission.CLAIMED:
            right, of = found.exercises.get(part, (0, 1))
            reason = f"{right} of {of} values are right"
            if not own_id:
                right, reason = 0, "made for another student id"
            parts[part] = Part(
                round(right / of * how["points"], 2), how["points"], reason
            )
        elif part == "nmi_over_raw":
            parts[part] = _over_raw(found, how)
        elif part == "controls":
            parts[part] = _controls(found, how)
        elif part == EARLIER:
            parts[part] = _best(found, how)
        else:
            n = sum(bool(answer["answer"].strip()) for answer in answers)
            reason = f"{n} written answer{'' if n == 1 else 's'}, not marked yet"
            parts[part] = Part(None, how["points"], reason)
    if found.self_supplied:
        _apply_own_pictures(parts, rubric["own_pictures"], own_pictures)
    return parts


def own_pictures_problem(how, own_pictures):
    """Why runs on a student's own pictures earn nothing, as a clause; or "".

    how: the rubric's own_pictures. own_pictures: (images, classes), None if not known.
    """
    if not how["allowed"]:
        return "pictures of one's own are not allowed"
    keys = ("min_pictures", "pictures"), ("min_classes", "classes")
    for number, (key, what) in zip(own_pictures or (), keys, strict=False):
        if number < how[key]:
            return f"too few {what} of one's own: {number}, at least {how[key]} needed"
    return ""


def secret_note(rubric):
    """A sentence for the instructor where the secret word is missing, or ""."""
    if rubric["salt"].strip():
        return ""
    return (
        "The rubric has no secret: every student can work out which images are in the "
        "private half, and which runs are computed again. Set salt: in your rubric to "
        "a word that only you know."
    )


def _apply_own_pictures(parts, how, own_pictures):
    """Take away from the parts what runs on a student's own pictures do not earn."""
    if problem := own_pictures_problem(how, own_pictures):
        for name in parts.keys() & set(BY_RUNS):
            parts[name] = Part(0, parts[name].most, problem)
    automatic = [part for part in parts if part != "answers"]
    earned = sum(parts[name].points for name in automatic)
    most = how["most_percent"] / 100 * sum(parts[name].most for name in automatic)
    if earned > most:
        for name in automatic:
            part = parts[name]
            part.points = math.floor(100 * part.points * most / earned) / 100
            part.reason += (
                f"; own pictures earn at most {short(how['most_percent'])} % of the "
                "automatic points"
            )


def _coverage(found, part):
    """Names that count for coverage: of the course, in runs that are counted."""
    names = set()
    for run in found.runs:
        if not (run.counts and run.known):
            continue
        base, layer = extraction.parse(run.representation)
        if part == "representations":
            names.add(base)
        elif part == "layers" and layer and base in backbones.TABLE:
            names.add(run.representation)
        elif part == "algorithms":
            names.add(run.algorithm.split("+")[-1])
    return sorted(names)


def _over_raw(found, how):
    """Points for how far the best line is above raw pixels, by the means over seeds."""
    line = found.compared
    if line is None:
        reason = "no line has raw pixels with the same algorithm and k beside it"
        if {line.representation for line in found.lines} == {"raw"}:
            reason = "raw pixels alone: there is nothing to compare with them"
        return Part(0, how["points"], reason if found.lines else "no run is counted")
    seeds = f"{len(line.runs)} seed{'' if len(line.runs) == 1 else 's'}"
    reason = (
        f"{line}: mean NMI {line.nmi:.3f} ({seeds}), raw {line.raw.nmi:.3f}, "
        f"margin {line.margin:.3f}"
    )
    higher = found.lines[0]
    if higher.representation != "raw" and higher.raw is None:
        reason += f"; {higher} has {higher.nmi:.3f}, but no raw pixels beside it"
    return Part(_reached(line.margin, how), how["points"], reason)


def _reached(value, how):
    """The points of the highest threshold that a value reaches."""
    reached = [p for at, p in how["thresholds"].items() if round(value, 9) >= at]
    return min(max(reached, default=0), how["points"])


def _controls(found, how):
    """Points for what guards against luck and against comparing with nothing."""
    shares, told = controls(found, how["seeds"])
    earned = how["points"] * sum(shares) / len(shares)
    return Part(round(earned, 2), how["points"], "; ".join(told))


def controls(found, n_seeds):
    """(shares, what is said of each): raw pixels, seeds, a second k."""
    lines = [line for line in found.lines if line.runs[0].known]
    compared = [line for line in lines if line.representation != "raw"]
    randomised = [line for line in lines if line.runs[0].seeded]
    used = {line.algorithm for line in compared}
    with_raw = used & {line.algorithm for line in lines if line.representation == "raw"}
    enough = sum(len(line.runs) >= n_seeds for line in randomised)
    how = [(line.representation, line.algorithm) for line in compared]
    ks = {line.k for line, its in zip(compared, how, strict=True) if its == how[0]}
    shares = [
        len(with_raw) / max(len(used), 1),
        enough / max(len(randomised), 1),
        float(len(ks) > 1),
    ]
    return shares, [
        f"raw pixels with {len(with_raw)} of {len(used)} algorithms",
        f"{n_seeds} or more seeds in {enough} of {len(randomised)} randomised lines",
        f"the best line with {len(ks)} number{'' if len(ks) == 1 else 's'} of clusters",
    ]


def _best(found, how):
    best = found.best
    if best is None:
        return Part(0, how["points"], "no run is counted")
    earned = _reached(best.scores["nmi"], how)
    return Part(earned, how["points"], f"NMI {best.scores['nmi']:.3f} by {best.run}")


def _usual_parts(parts, own):
    """The parts and their usual values; own: the parts that a file names."""
    if not isinstance(own, dict) or EARLIER not in own:
        return parts
    kept = {n: how for n, how in parts.items() if n not in INSTEAD or n in own}
    answers = kept.pop("answers")
    usual = USUAL | {"thresholds": dict(USUAL["thresholds"])}
    return kept | {EARLIER: usual, "answers": answers}


class _Mapping(dict):
    """A mapping of the file; lines: {key: number of its line}."""


class _Loader(yaml.SafeLoader):
    """Refuses what is no rubric's: a key twice, and aliases, which can grow a bomb."""

    def compose_node(self, parent, index):
        if self.check_event(yaml.AliasEvent):
            raise _not_here(self.peek_event(), "write it out instead of an alias (*)")
        return super().compose_node(parent, index)

    def mapping(self, node):
        found = _Mapping()
        found.lines = {}
        for key_node, value_node in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, bool) or not isinstance(key, str | int | float):
                raise _not_here(key_node, "a key is a name or a number")
            if key in found:
                raise _not_here(
                    key_node,
                    f"{key!r} was there before, in line {found.lines[key]}: leave out "
                    "one of the two",
                )
            found[key] = self.construct_object(value_node, deep=True)
            found.lines[key] = key_node.start_mark.line + 1
        return found


_Loader.add_constructor("tag:yaml.org,2002:map", _Loader.mapping)


def _not_here(where, problem):
    return yaml.MarkedYAMLError(problem=problem, problem_mark=where.start_mark)


def _read(path):
    """What an instructor's file says, as `_Mapping`."""
    where = f"the rubric {path}"
    try:
        data = untrusted_files.read_bounded(os.path.realpath(path))
    except OSError as error:
        why = error.strerror or error
        raise ValueError(f"{where} cannot be read: {why}.") from error
    if len(data) > MAX_BYTES:
        raise ValueError(
            f"{where} is larger than {MAX_BYTES // 1024} kB: is it the right file?"
        )
    try:
        own = yaml.load(data.decode("utf-8-sig"), _Loader)
    except UnicodeDecodeError as error:
        raise ValueError(f"{where} cannot be read: save it as UTF-8.") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f", line {mark.line + 1}," if mark else ""
        raise ValueError(f"{where}{line} cannot be read: {error.problem}.") from error
    except RecursionError:
        raise ValueError(f"{where} cannot be read: it is nested too deeply.") from None
    except (yaml.YAMLError, ValueError, ArithmeticError, TypeError) as error:
        raise ValueError(f"{where} cannot be read: {error}.") from error
    if own is None:
        own = _Mapping()
        own.lines = {}
    if not isinstance(own, dict):
        raise ValueError(f"{where} is no list of keys and values.")
    return own


def _merge(into, own, where, within=""):
    """Put own's values into the default ones, after a look at each.

    where: which file. within: the keys around these, for messages.
    """
    for key, value in own.items():
        name = f"{where}, line {own.lines[key]}: {within}{key}"
        if key not in into:
            near = difflib.get_close_matches(str(key), map(str, into), 1)
            raise ValueError(
                f"{where}, line {own.lines[key]}: {within}has {key!r}; known are "
                f"{', '.join(map(str, into))}."
                + (f" Did you mean {near[0]!r}?" if near else "")
            )
        usual = into[key]
        if key == "thresholds":
            into[key] = _thresholds(value, name)
        elif isinstance(usual, dict):
            main = next(iter(usual))
            # nmi: 5 is nmi: {points: 5}
            if main in ("points", "allowed") and isinstance(value, int | float):
                value = _Mapping({main: value})
                value.lines = {main: own.lines[key]}
            if not isinstance(value, dict):
                raise ValueError(
                    f"{name} is {_told(value)}: write {', '.join(usual)} in it, like "
                    f"{{{main}: {_told(usual[main])}}}."
                )
            _merge(usual, value, where, f"{within}{key}: ")
        elif key == "count" and value not in ("last", "best"):
            raise ValueError(f"{name} is {_told(value)}: last or best.")
        elif isinstance(usual, bool) and not isinstance(value, bool):
            raise ValueError(f"{name} is {_told(value)}: true or false is needed.")
        elif _is_number(usual):
            _check_number(key, value, name)
            into[key] = value
        elif isinstance(usual, str) and not isinstance(value, str):
            raise ValueError(f"{name} is {_told(value)}: a text is needed, in quotes.")
        else:
            into[key] = value


def _check_number(key, value, name):
    if not _is_number(value):
        raise ValueError(f"{name} is {_told(value)}: a number from 0 on is needed.")
    least, most, whole = LIMITS.get(key, (0, math.inf, False))
    if whole and value != int(value):
        raise ValueError(f"{name} is {value}: a whole number is needed.")
    if least <= value <= most:
        return
    if value < 0:
        raise ValueError(f"{name} is {value}: a number from 0 on is needed.")
    upto = f" to {most}" if most < math.inf else " on"
    raise ValueError(f"{name} is {value}: a number from {least}{upto} is needed.")


def _thresholds(value, name):
    """{NMI: points}, in rising order."""
    example = "like {0.5: 10, 0.7: 20}"
    if not isinstance(value, dict) or not value:
        raise ValueError(f"{name}: write NMI: points, {example}.")
    found = {}
    for at, given in value.items():
        line = f"{name.rpartition(', line ')[0]}, line {value.lines[at]}: thresholds"
        try:  # JSON has its keys in quotes
            at = float(at)
        except ValueError:
            at = None
        if at is None or not _is_number(at) or not _is_number(given):
            raise ValueError(f"{name}: write NMI: points, {example}.")
        if at > 1:
            per_cent = f" Write {at / 100:g} for {at:g} %." if at <= 100 else ""
            raise ValueError(
                f"{line}: an NMI is at most 1, so nobody reaches {at:g}.{per_cent}"
            )
        if at < 0 or given < 0:
            raise ValueError(f"{line}: {at:g}: {given:g} is below 0.")
        if at in found:
            raise ValueError(f"{line}: {at:g} was there before.")
        found[at] = given
    found = dict(sorted(found.items()))
    if list(found.values()) != sorted(found.values()):
        raise ValueError(
            f"{name}: a higher NMI gives fewer points than a lower one in "
            f"{_told(found)}: let them rise, {example}."
        )
    return found


def _check_points(parts, own, where):
    """Refuse parts whose points nobody can reach."""
    own = own if isinstance(own, dict) else {}
    for part, most in GOALS.items():
        goal = parts[part]["goal"]
        if goal > most:
            line = _line(own, part, "goal")
            raise ValueError(
                f"{where}{line}: {part}: a goal of {goal} cannot be reached: there are "
                f"{most}."
            )
    for part in parts:
        if "thresholds" in parts[part]:
            _check_thresholds(part, parts[part], own, where)
    if not any(part["points"] for part in parts.values()):
        raise ValueError(f"{where}: no part has any points: give some to one of them.")


def _check_thresholds(part, how, own, where):
    points, thresholds = how["points"], how["thresholds"]
    highest = max(thresholds.values())
    if points and highest != points:
        remedy = "let the last of them give all points."
        if highest:
            scaled = {at: given * points / highest for at, given in thresholds.items()}
            remedy = f"write thresholds: {_told(scaled)}."
        line = _line(own, part, "points", "thresholds")
        raise ValueError(
            f"{where}{line}: {part}: it has {points:g} points, but its thresholds "
            f"give {highest:g} at most: {remedy}"
        )


def _line(own, part, *keys):
    """The line of the first of these keys of a part, or of the part: ", line 7"."""
    for mapping, names in ((own.get(part), keys), (own, (part,))):
        lines = getattr(mapping, "lines", {})
        found = [lines[name] for name in names if name in lines]
        if found:
            return f", line {found[0]}"
    return ""


def _told(value):
    """A value of the file in a message: short, as YAML writes it."""
    if isinstance(value, dict):
        pairs = (f"{key}: {_told(given)}" for key, given in value.items())
        return f"{{{', '.join(pairs)}}}"[:120]
    return (f"{value:g}" if isinstance(value, float) else repr(value))[:60]


def _is_number(value):
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and abs(value) < 1e9


def short(number):
    """A number as short as it can be written; "" for None."""
    return "" if number is None else f"{number:.2f}".rstrip("0").rstrip(".")
