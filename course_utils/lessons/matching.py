"""Hold an answer against right and wrong ones: what the checks of all lessons share.

A check calls the student's function on inputs that the notebook does not show, converts
the result to numbers and compares it with the right answer. A wrong one is compared
with what the usual mistakes give, and the mistake that gives the same is named.

Tolerance: a number counts as the same if it differs by at most 1e-6 plus 1e-5 times the
expected number, enough for a right answer in float32. A lesson that needs another
tolerance passes `same=functools.partial(same_numbers, rtol=…)`.
"""

import copy
import functools
import re
import warnings

import numpy as np
import pandas as pd

from course_utils import images, metrics
from course_utils.lessons.exercises import NotYet, attempted

COPIED = np.ndarray, list, dict, pd.DataFrame

SMALL_NUMBERS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen"),
    *("seventeen", "eighteen", "nineteen"),
)
TENS = "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"
NUMBER_WORDS = {word: value for value, word in enumerate(SMALL_NUMBERS)}
NUMBER_WORDS |= {word: 10 * value for value, word in enumerate(TENS, 2)}
MULTIPLES = {"dozen": 12, "hundred": 100, "thousand": 1e3, "million": 1e6}
MULTIPLES |= {"billion": 1e9}
LEVEL = (  # said of recipes or representations that are about as good as each other
    *("undecided", "level", "tie", "tied", "equal", "equally", "neither", "none"),
    *("inconclusive", "unclear", "similar", "distinguish", "distinguished"),
    *("distinguishable", "indistinguishable"),
)
NUMBER = re.compile(
    r"(?P<digits>(?<![\w.,])[.,]?\d(?:[\d.,\xa0_']*\d)?)"
    r"|(?P<percent>%|per ?cent\b)|(?P<word>[^\W\d_]+)"
)


def call_function(function, *arguments, keep_arguments=False):
    """Call a student's function on copies of the arguments, without warnings.

    Parameters
    ----------
    function : callable
        The answer.
    *arguments
        Arrays, lists, dicts and tables are copied; anything else is passed as it is.
    keep_arguments : bool, default=False
        Whether a function that changes one of its arrays is wrong.

    Returns
    -------
    object
        What the function returned.

    Raises
    ------
    NotAttempted
        If that is None.
    NotYet
        If the answer is not a function, or changes an array that it must keep.
    """
    if not callable(function):
        raise NotYet("Give the check the function itself: its name, no parentheses.")
    copies = [copy.deepcopy(a) if isinstance(a, COPIED) else a for a in arguments]
    with np.errstate(all="ignore"), warnings.catch_warnings():
        for kind in (RuntimeWarning, PendingDeprecationWarning):  # of np.matrix
            warnings.simplefilter("ignore", kind)
        value = attempted(function(*copies))
    for given, argument in zip(copies, arguments, strict=True):
        is_array = isinstance(argument, np.ndarray)
        if keep_arguments and is_array and not np.array_equal(given, argument):
            raise NotYet(
                "Your function has changed an array that it was given: work on a copy."
            )
    return value


def as_array(value, what, shape=None, known_shapes=None):
    """Convert an answer to an array of float, or say what is wrong with it.

    Parameters
    ----------
    value : array_like
        The answer.
    what : str
        What is expected, to follow "Expected", like "one label per image".
    shape : tuple of int, optional
        The shape that it must have.
    known_shapes : dict of {tuple: str}, optional
        Messages for shapes that show a mistake.

    Returns
    -------
    ndarray of float

    Raises
    ------
    NotYet
        If the answer is not numbers, or has another shape.
    """
    try:
        array = np.real_if_close(np.asarray(value))
        array = array.astype(float) if array.dtype.kind in "biufO" else None
    except (TypeError, ValueError):
        array = None
    if array is None:
        text = " ".join(repr(value).split())
        text = text if len(text) < 60 else f"{text[:59]}…"
        raise NotYet(f"Expected {what}, but got {text}.")
    if shape is not None and array.shape != shape:
        if known_shapes and array.shape in known_shapes:
            raise NotYet(known_shapes[array.shape])
        raise NotYet(f"Expected {what}, shape {shape}, but got shape {array.shape}.")
    return array


def as_number(value, what="one number"):
    """Convert an answer to a float; an array with one number in it is fine.

    Raises
    ------
    NotAttempted
        If it is None.
    NotYet
        If it is not exactly one number.
    """
    array = np.asarray(as_array(attempted(value), what))
    if array.size != 1:
        raise NotYet(f"Expected {what}, but got {array.size} numbers.")
    return array.item()


def as_pair(value, what):
    """Return the two things of an answer; `what` says which, like "(total, purity)".

    Raises
    ------
    NotYet
        If the answer is not a sequence of two.
    """
    if not isinstance(value, tuple | list | np.ndarray) or len(value) != 2:
        raise NotYet(f"Return two things: {what}.")
    return tuple(value)


def same_numbers(found, expected, *, rtol=1e-5, atol=1e-6):
    """Whether two answers have the same shape and, up to a tolerance, the same numbers.

    Two lists, the answers to several probes, are compared item by item. NaN equals NaN,
    so that a mistake that gives NaN can be named.

    Parameters
    ----------
    found, expected : array_like or list of array_like
    rtol, atol : float
        As in `numpy.allclose`: allowed is ``atol + rtol * abs(expected)``.

    Returns
    -------
    bool

    Examples
    --------
    >>> same_numbers([1, [2, 3]], [1.000001, [2, 3]])
    True
    >>> same_numbers([1, 2], [[1], [2]])
    False
    """
    if isinstance(found, list) and isinstance(expected, list):
        return len(found) == len(expected) and all(
            same_numbers(one, other, rtol=rtol, atol=atol)
            for one, other in zip(found, expected, strict=True)
        )
    found, expected = np.asarray(found), np.asarray(expected)
    return found.shape == expected.shape and np.allclose(
        found, expected, rtol=rtol, atol=atol, equal_nan=True
    )


def same_partition(found, expected):
    """Whether two labellings put the same images together, whatever the labels are.

    Parameters
    ----------
    found, expected : array_like of shape (n_images,)

    Returns
    -------
    bool

    Examples
    --------
    >>> same_partition([7, 7, 3], [0, 0, 1])
    True
    """
    table = metrics.contingency_table(labels_true=expected, labels_pred=found) > 0
    return bool((table.sum(axis=0) == 1).all() and (table.sum(axis=1) == 1).all())


def find_mistake(found, mistakes, same=same_numbers):
    """Find the first mistake that gives this answer.

    Parameters
    ----------
    found : object
        The answer.
    mistakes : dict of {str: object}
        What an answer with each mistake would be. A tuple holds several such answers.
    same : callable, default=same_numbers
        Whether two answers are the same.

    Returns
    -------
    str or None
        The message of the mistake.

    Examples
    --------
    >>> mistakes = {"Divide by n.": 6.0, "The sign is wrong.": (-3.0, -6.0)}
    >>> find_mistake(-6, mistakes)
    'The sign is wrong.'
    """
    for message, wrong in mistakes.items():
        for one in wrong if isinstance(wrong, tuple) else (wrong,):
            if same(found, one):
                return message
    return None


def compare_answer(found, expected, mistakes, otherwise, same=same_numbers, where=""):
    """Raise NotYet unless an answer is as expected, with the mistake that fits it.

    Parameters
    ----------
    found, expected : object
        The answer and the right one.
    mistakes : dict of {str: object}
        As for `find_mistake`.
    otherwise : str
        The message if no mistake fits.
    same : callable, default=same_numbers
        Whether two answers are the same.
    where : str, default=""
        What every message begins with, like "For k=3, you give 0.5."

    Raises
    ------
    NotYet
        If the answer is another one.
    """
    if not same(found, expected):
        said = find_mistake(found, mistakes, same) or otherwise
        raise NotYet(f"{where} {said}".strip())


def require_columns(table, columns):
    """Raise NotYet unless the answer is a table with these columns.

    Parameters
    ----------
    table : object
        The answer.
    columns : iterable of str
    """
    if not isinstance(table, pd.DataFrame):
        raise NotYet(f"Give a table with the columns {', '.join(columns)}.")
    missing = [column for column in columns if column not in table]
    if missing:
        raise NotYet(f"The table lacks {', '.join(missing)}.")


@functools.cache
def true_labels_by_size():
    """The true labels of the stamps and of the photos, {number of images: labels}."""
    sets = [images.load(name, progress=False) for name in ("stamps", "photos")]
    return {len(image_set): image_set.true_labels for image_set in sets}


def run_clusterings(functions, what, number, *, n_runs, at_least):
    """Run a student's functions, each of which clusters the stamps or the photos.

    functions: {name: function}; each is called with 0, 1, … n_runs - 1, and once more
    with 0. what: what one is called, like "recipe". number: what it is called with,
    like "the seed". at_least: "two" or "three".

    Returns {name: int array (n_runs, n)}. Raises NotYet unless all are clusterings of
    the same images, can be repeated, depend on the number, and differ.
    """
    if not isinstance(functions, dict):
        raise NotYet(f"Give the {what}s as a dict, {{name: function}}.")
    for name, function in functions.items():
        if not callable(attempted(function)):
            raise NotYet(
                f"The {what} {name!r} must be a function of {number}, not "
                f"{type(function).__name__}: scores are computed here."
            )
    if len(functions) < {"two": 2, "three": 3}[at_least]:
        raise NotYet(f"These are too few {what}s to compare: give {at_least} or more.")
    found = {
        str(name): _run_clustering(f"The {what} {name!r}", function, number, n_runs)
        for name, function in functions.items()
    }
    first, *others = found.values()
    if any(other.shape != first.shape for other in others):
        raise NotYet(f"Compare {what}s on the same images: all stamps or all photos.")
    if all((runs == runs[0]).all() for runs in found.values()):
        raise NotYet(f"No {what} depends on {number}: use it as the seed.")
    if all((first == other).all() for other in others):
        raise NotYet(f"Your {what}s give the same clusters: change one thing in one.")
    return found


def _run_clustering(its_name, function, number, n_runs):
    """Cluster labels of all runs of a function, (n_runs, n)."""
    numbers = [*range(n_runs), 0]
    runs = [
        as_array(call_function(function, i), "one label per image") for i in numbers
    ]
    for labels in runs:
        if labels.ndim != 1 or len(labels) not in true_labels_by_size():
            stamps, photos = true_labels_by_size()
            raise NotYet(
                f"{its_name} must return one label per image, {stamps} (stamps) or "
                f"{photos} (photos), but its result has shape {labels.shape}."
            )
    if len({len(labels) for labels in runs}) > 1:
        raise NotYet(f"{its_name} returns labels of changing length.")
    *runs, again = runs
    if not same_partition(again, runs[0]):
        raise NotYet(
            f"{its_name}, called twice with 0, gives different clusters: make "
            f"everything random depend on {number}."
        )
    return np.array(runs, int)


def score_runs(name, runs):
    """NMI of each run of a recipe, see `run_clusterings`.

    Raises NotYet where it is that of no clustering at all, but of the true labels or of
    shuffled images. (On the photos a method may be right without an error.)
    """
    truth = true_labels_by_size()[len(runs[0])]
    scores = [metrics.nmi(labels_true=truth, labels_pred=labels) for labels in runs]
    if max(scores) > 1 - 1e-9 and len(truth) == min(true_labels_by_size()):
        raise NotYet(
            f"The recipe {name!r} finds the true classes of the stamps without an "
            "error: it must not use the true labels."
        )
    chance = metrics.chance_scores(labels_true=truth, labels_pred=runs[0])["nmi"]
    if np.mean(scores) < chance + 0.03:
        raise NotYet(
            f"The recipe {name!r} has a mean NMI of {np.mean(scores):.2f}, no more "
            "than chance: keep the images in their order."
        )
    return scores


def require_words(text, what, fewest, most=None, different=None):
    """Raise NotYet unless a text has such a length; return its number of words.

    Parameters
    ----------
    text : str
    what : str
        What the text is, to begin the message, like "The plan".
    fewest, most : int
        The allowed numbers of words; by default there is no upper limit.
    different : int, default=None
        How many different words it needs.
    """
    words = str(text).casefold().split()
    n_words = len(words)
    if n_words < fewest or (most and n_words > most):
        allowed = f"{fewest} to {most}" if most else f"at least {fewest}"
        noun = "word" if n_words == 1 else "words"
        raise NotYet(f"{what} has {n_words} {noun}: write {allowed}.")
    if different and len(set(words)) < different:
        raise NotYet(
            f"{what} repeats itself: use at least {different} different words."
        )
    return n_words


def mentions(text, *words):
    """Whether one of the words is in a text as a word of its own, also with an -s.

    Digits may be before it, as in "200kB"; "number" does not mention "mb".
    """
    found = {w.removesuffix("s") for w in re.findall(r"[^\W\d_]+", text.casefold())}
    return any(word.casefold().removesuffix("s") in found for word in words)


def says_level(text):
    """Whether a text says that several are level, in one of many ways."""
    phrases = r"told apart|too small|no (clear |single )?(winner|difference|gap)"
    return bool(re.search(phrases, text.casefold())) or mentions(text, *LEVEL)


def numbers_in(text):
    """Return the numbers of a text as floats, in whatever way they are written.

    Decimal points and commas, thousands with commas, points, apostrophes or
    underscores, percentages and English words are understood.

    Examples
    --------
    >>> numbers_in("0,61 of 2,000, or 61 %: sixty-one percent of two million")
    [0.61, 2000.0, 0.61, 0.61, 2000000.0]
    """
    found, before = [], None  # before: what the number just read was made of
    for match in NUMBER.finditer(text.casefold()):
        word = (match["word"] or "").removesuffix("s")
        multiple = MULTIPLES.get(word, 0.01 if match["percent"] else None)
        if match["digits"]:
            found.append(_read_digits(match["digits"]))
            before = "digits"
        elif word in NUMBER_WORDS and before == "words":  # sixty-one
            found[-1] += NUMBER_WORDS[word]
        elif word in NUMBER_WORDS:
            found.append(float(NUMBER_WORDS[word]))
            before = "words"
        elif multiple and before:
            found[-1] *= multiple
        else:
            before = None
    return found


def _read_digits(digits):
    """Read 2,000 and 2.000.000 as whole numbers, 0,61 and 1.234 as decimal ones."""
    digits = re.sub(r"[\xa0_']", "", digits)
    if re.fullmatch(r"[1-9]\d{0,2}(,\d{3})+(\.\d+)?", digits):
        return float(digits.replace(",", ""))
    if re.fullmatch(r"[1-9]\d{0,2}(\.\d{3}){2,}", digits):
        return float(digits.replace(".", ""))
    whole, *decimals = re.split("[.,]", digits)
    return float(f"{whole or 0}.{decimals[0] if decimals else 0}")


def read_letters(answer, choices, what="statement"):
    """Read which letters an answer chooses, in whatever form: "ab", {"a", "b"}.

    Parameters
    ----------
    answer : iterable of str
    choices : iterable of str
        The letters there are.
    what : str, default="statement"
        What a letter stands for.

    Returns
    -------
    set of str
        The letters, in lower case.

    Raises
    ------
    NotYet
        If a letter stands for nothing.
    """
    letters = {c for c in "".join(map(str, answer)).lower() if c.isalnum()}
    unknown = sorted(letters - set(choices))
    if unknown:
        raise NotYet(
            f"There is no {what} {', '.join(unknown)}: give letters from "
            f"{min(choices)} to {max(choices)}."
        )
    return letters
