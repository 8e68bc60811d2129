"""The rubric: how what was found in a submission becomes points.

The default one, with a comment on every line, is rubric.yaml.
"""

from dataclasses import dataclass
from pathlib import Path

import yaml

from course_utils.clustering import algorithms
from course_utils.homework import submission
from course_utils.representations import backbones, handcrafted

DEFAULT = Path(__file__).with_name("rubric.yaml")

COVERAGE = ("representations", "layers", "algorithms")


@dataclass
class Part:
    """Points of one part of the rubric; points is None where a person gives them."""

    points: float | None
    most: float
    reason: str


def load_rubric(path=None):
    """Load a rubric: points, goals, and how lateness and many clusters count.

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
        If the file cannot be read or holds what no rubric has.

    Examples
    --------
    >>> load_rubric()["count"]
    'last'
    """
    rubric = yaml.safe_load(DEFAULT.read_text(encoding="utf-8"))
    if path is None:
        return rubric
    try:
        own = yaml.safe_load(Path(path).read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(f"the rubric {path} cannot be read: {error}") from error
    if not isinstance(own, dict):
        raise ValueError(f"the rubric {path} is no list of keys and values.")
    _merge(rubric, own, f"the rubric {path}")
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


def points(found, answers, rubric, *, own_id=True, mark=None):
    """{part: Part} of a Review without errors.

    answers: the written ones. own_id: False if the submission names the id of somebody
    else, then its exercises, which are made for that id, get nothing. mark: points for
    the written answers, None if nobody gave them yet.
    """
    parts = {}
    for part, how in rubric["points"].items():
        if part in COVERAGE:
            names = _coverage(found, part)
            share = min(len(names) / how["goal"], 1) if how["goal"] else 1
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
        elif part == "best_nmi":
            parts[part] = _best(found, how)
        else:
            n = sum(bool(answer["answer"].strip()) for answer in answers)
            written = f"{n} written answer{'' if n == 1 else 's'}"
            given = None if mark is None else min(max(mark, 0), how["points"])
            waiting = "" if given is not None else ", not marked yet"
            parts[part] = Part(given, how["points"], written + waiting)
    return parts


def _coverage(found, part):
    """Names that count for coverage: of the course, in runs that are counted."""
    names = set()
    for run in found.runs:
        base, _, layer = run.representation.partition(":")
        if not run.counts or base not in (*handcrafted.NAMES, *backbones.TABLE):
            continue
        algorithm = run.algorithm.split("+")[-1]
        if part == "representations":
            names.add(base)
        elif part == "layers" and layer and base in backbones.TABLE:
            names.add(run.representation)
        elif part == "algorithms" and algorithm in algorithms.ALGORITHMS:
            names.add(algorithm)
    return sorted(names)


def _best(found, how):
    best = found.best
    if best is None:
        return Part(0, how["points"], "no run is counted")
    reached = [p for at, p in how["thresholds"].items() if best.scores["nmi"] >= at]
    reason = f"NMI {best.scores['nmi']:.3f} by {best.run}"
    return Part(max(reached, default=0), how["points"], reason)


def _merge(into, own, where):
    """Put own's values into the default ones, after a look at each."""
    for key, value in own.items():
        if key not in into:
            raise ValueError(
                f"{where} has {key!r}; known are {', '.join(map(str, into))}."
            )
        usual, name = into[key], f"{where}: {key}"
        if key == "thresholds":
            if not isinstance(value, dict) or not all(
                _is_number(n) for pair in value.items() for n in pair
            ):
                raise ValueError(f"{name}: write NMI: points, like {{0.5: 10}}.")
            into[key] = value
        elif isinstance(usual, dict):
            if _is_number(value) and set(usual) == {"points"}:
                value = {"points": value}
            if not isinstance(value, dict):
                raise ValueError(
                    f"{name} is {value!r}: write {', '.join(usual)} in it."
                )
            _merge(usual, value, name)
        elif key == "count" and value not in ("last", "best"):
            raise ValueError(f"{name} is {value!r}: last or best.")
        elif isinstance(usual, bool) != isinstance(value, bool):
            raise ValueError(f"{name} is {value!r}: like {usual!r} is needed.")
        elif _is_number(usual) and not (_is_number(value) and value >= 0):
            raise ValueError(f"{name} is {value!r}: a number from 0 on is needed.")
        elif isinstance(usual, str) and not isinstance(value, str):
            raise ValueError(f"{name} is {value!r}: a text is needed.")
        else:
            into[key] = value


def _is_number(value):
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and abs(value) < 1e9


def short(number):
    """A number as short as it can be written; "" for None."""
    return "" if number is None else f"{number:.2f}".rstrip("0").rstrip(".")
