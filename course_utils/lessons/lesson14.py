"""Checks of lesson 14: beyond one machine."""

import io
import math
import re
import tarfile
import tempfile
from collections import Counter
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
from PIL import Image

from course_utils import images
from course_utils.lessons.exercises import (
    NotYet,
    as_sentence,
    attempted,
    exercise,
)
from course_utils.lessons.matching import (
    as_number,
    as_pair,
    call_function,
    compare_answer,
    mentions,
    numbers_in,
    require_words,
    same_numbers,
)

about_same = partial(same_numbers, rtol=1e-6, atol=1e-12)

# (milliseconds, stage, factor)
PROFILES = (
    ({"read": 1.0, "decode": 30.0, "resize": 9.0, "network": 10.0}, "network", 20),
    ({"read": 0.5, "decode": 110.0, "resize": 55.0, "network": 7.5}, "decode", 4.0),
    ({"fetch": 80.0, "decode": 12.0, "network": 3.0}, "fetch", 1.5),
)


@exercise(
    "What would a faster stage buy?",
    hint="Add up all milliseconds, before and after. After: only those of the stage "
    "are divided by the factor. How many times does the second fit into the first?",
)
def ex14_1(speed_up):
    """Write `speed_up(milliseconds, stage, factor)`: how much faster the whole gets.

    milliseconds is {stage: milliseconds per image}; the stages run one after the
    other. One of them becomes `factor` times as fast. Return the total before divided
    by the total after.
    """
    for milliseconds, stage, factor in PROFILES:
        found = as_number(call_function(speed_up, milliseconds, stage, factor))
        total, own = sum(milliseconds.values()), milliseconds[stage]
        after = total - own + own / factor
        mistakes = {
            "This is the time after divided by the time before: turn it round.": (
                after / total
            ),
            "These are the milliseconds after the change: divide those before by "
            "them.": after,
            "Only the stage becomes faster, not the whole.": factor,
            "The stage still takes its old time as well: subtract that.": (
                total / (total + own / factor)
            ),
            "The stage takes no time at all any more: add what is left of it.": (
                total / (total - own)
            ),
            "A stage `factor` times as fast takes its time divided by the factor, not "
            "multiplied.": total / (total - own + own * factor),
            "This is the share of the stage in the whole.": own / total,
            "This is the share of the time that is saved: divide before by after.": (
                1 - after / total
            ),
            "This is what is gained beyond 1: return the whole ratio.": (
                total / after - 1
            ),
        }
        where = f"For {milliseconds}, {stage!r} and {factor}, you give {found:.4g}."
        otherwise = f"Right is {total / after:.4g}."
        compare_answer(found, total / after, mistakes, otherwise, where=where)
    return "total before over total after"


# (sizes, seconds): one with noise, whose ends mislead, and an exact law
CURVES = (
    ([300, 600, 1500, 4000, 9000], [0.5, 0.6, 2.5, 5.0, 31.0]),
    ([100, 200, 400, 800], [0.02, 0.08, 0.32, 1.28]),
)


@exercise(
    "The exponent",
    hint="Take logarithms of both, then fit a straight line: the sizes are its x.",
)
def ex14_2(exponent):
    """Write `exponent(sizes, seconds)`: b of seconds ≈ a · sizes^b.

    Fit a straight line to the logarithms by least squares; its slope is the exponent.
    """
    for sizes, seconds in CURVES:
        value = call_function(exponent, np.array(sizes), np.array(seconds))
        found = as_number(value, "one number, the exponent")
        x, y = np.log(sizes), np.log(seconds)
        right = np.polyfit(x, y, 1)[0]
        where = f"For sizes {sizes} and seconds {seconds}, you give {found:.3g}."
        mistakes = {
            "This is the slope between the numbers themselves: take the logarithms of "
            "both.": np.polyfit(sizes, seconds, 1)[0],
            "The axes are swapped: the sizes are x.": np.polyfit(y, x, 1)[0],
            "This is the intercept of the line, log a: the exponent is the slope.": (
                np.polyfit(x, y, 1)[1]
            ),
            "The seconds need a logarithm too.": np.polyfit(x, seconds, 1)[0],
            "The sizes need a logarithm too.": np.polyfit(sizes, y, 1)[0],
            "This line goes through the first and last point only: fit it to all "
            "points.": (y[-1] - y[0]) / (x[-1] - x[0]),
            "This line goes through the last two points only: fit it to all points.": (
                (y[-1] - y[-2]) / (x[-1] - x[-2])
            ),
            "This is a mean of the slopes between neighbouring points: fit one line to "
            "all points.": np.mean(np.diff(y) / np.diff(x)),
        }
        otherwise = f"Right is {right:.3g}."
        compare_answer(found, right, mistakes, otherwise, about_same, where)
    return "slope of the logarithms"


SAMPLES = (
    [("crow.jpg", "birds"), ("Old_coin.PNG", "coins"), ("gull-2.jpeg", "Möwen")],
    [("apple.png", "fruit")],
)


@exercise(
    "Write a shard",
    hint='with tarfile.open(path, "w") as tar: for every sample, add two members; '
    "info.size is len(data), and the class becomes bytes by .encode(). "
    'name.rpartition(".")[0] is the name without its suffix.',
)
def ex14_3(write_shard):
    """Write `write_shard(path, samples)`: a tar file of images and their classes.

    samples is a list of (name, bytes, class). Each becomes two members, the image under
    its name and the class, in UTF-8, under the same name with the suffix .cls. Return
    the path.
    """
    for number, named in enumerate(SAMPLES):
        samples = [
            (name, _small_image(place + number), class_name)
            for place, (name, class_name) in enumerate(named)
        ]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "shard.tar")
            if not callable(write_shard):
                raise NotYet("Give the check the function itself, no parentheses.")
            value = write_shard(path, list(samples))
            if not path.exists():
                attempted(value)
                raise NotYet("There is no file at the path after the call.")
            _look_into(path, samples)
            if value is None:
                raise NotYet("The shard is right: now return the path.")
    return "image and class side by side"


def _small_image(seed):
    """The bytes of a small PNG."""
    pixels = np.random.default_rng(seed).integers(0, 255, (8, 8, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png")
    return file.getvalue()


def _look_into(path, samples):
    """Raise NotYet unless a tar file holds these samples, for any program's reader."""
    try:
        with tarfile.open(path, "r:") as tar:
            members = [
                (m.name.removeprefix("./"), tar.extractfile(m).read())
                for m in tar
                if m.isfile()
            ]
    except tarfile.TarError as error:
        if path.read_bytes()[:2] in (b"\x1f\x8b", b"BZ", b"\xfd7"):
            raise NotYet(
                'The file is compressed: write a plain tar file, mode "w".'
            ) from None
        raise NotYet(
            f"This is not a whole tar file: {as_sentence(error)} Close it before you "
            "return, best by `with`."
        ) from None
    names = [name for name, _ in members]
    content = dict(members)
    if len(content) < len(names):
        raise NotYet("A member is in the file twice.")
    for name, data, class_name in samples:
        stem = name.rpartition(".")[0]
        label = f"{stem}.cls"
        for lacking in (name, label):
            if lacking not in content:
                raise NotYet(_explain_lacking(lacking, name, stem, content))
        if content[name] != data:
            if not content[name]:
                raise NotYet(f"{name} is empty in the shard: set the size of its info.")
            raise NotYet(f"The bytes of {name} in the shard are not those given.")
        if not content[label]:
            raise NotYet(f"{label} is empty in the shard: set the size of its info.")
        if content[label].strip() != class_name.encode():
            said = content[label].decode(errors="replace")
            whose = "in UTF-8" if class_name.isascii() else "encoded in UTF-8"
            raise NotYet(
                f"{label} holds {said[:40]!r}; it must hold the class {class_name!r}, "
                f"{whose}. Its size is that of the bytes, not of the text."
            )
        if abs(names.index(name) - names.index(label)) > 1:
            raise NotYet(
                f"{name} and {label} must follow each other: readers go through a "
                "shard once, from its beginning."
            )
    if more := set(content) - {n for s in samples for n in _both(s[0])}:
        raise NotYet(f"There is a member too many: {min(more)}.")
    (part,) = images.open_stream(path).parts()
    items, problems = part.look()
    if problems:
        what, reason = problems[0]
        if "cut off" in reason:
            raise NotYet(
                "The tar file has no end: close it before you return, best by `with`."
            )
        raise NotYet(as_sentence(f"The course's reader says of {what}: {reason}"))
    expected = {name: (data, label) for name, data, label in samples}
    found = {i.image.rpartition("/")[2]: (i.read(), i.label) for i in items}
    if found != expected:
        raise NotYet("The course's reader finds other images or classes in the shard.")


def _both(name):
    return name, f"{name.rpartition('.')[0]}.cls"


def _explain_lacking(lacking, name, stem, content):
    where = "The shard holds" if content else "The shard is empty"
    said = f"{where} {', '.join(sorted(content))}" if content else where
    if lacking == name:
        if Path(name).name in {Path(n).name for n in content}:
            return f"{said}: use the name as it is given, {name}."
        return f"{said}: the image {name} is missing."
    if f"{name}.cls" in content:
        return f"The class of {name} must be in {stem}.cls, not in {name}.cls."
    if f"{stem}.txt" in content:
        return f"The class of {name} must be in {stem}.cls; .txt is for captions."
    return f"{said}: {stem}.cls, the class of {name}, is missing."


READ_BY = []  # for each part that was read the key of the task, None outside of one


class _ClassesPart:
    """A part of a stream, as far as the exercise needs it; notes who reads it."""

    def __init__(self, number, labels):
        self.number, self.labels = number, labels

    def items(self):
        """The images: each has a label. Notes the task, None outside of a worker."""
        from distributed import get_worker

        try:
            task = get_worker().get_current_task()
        except (ValueError, AttributeError):
            task = None
        READ_BY.append(task)
        return [
            SimpleNamespace(image=f"{self.number}-{place}.jpg", label=label)
            for place, label in enumerate(self.labels)
        ]


CLASSES = (
    [["bird"] * 3 + ["coin"], ["coin"] * 2, ["fruit", "bird", "fruit"]],
    [["bird"], ["coin"] * 5, ["bird"], ["bird", "rose"]],
)


@exercise(
    "Count on the workers",
    hint="Inside, define a function of one part that returns a collections.Counter of "
    "the labels. client.gather(client.map(that_function, parts)) gives a list of "
    "counters; sum(them, collections.Counter()) adds them up.",
)
def ex14_4(count_classes):
    """Write `count_classes(client, parts)`: the images of each class, {class: count}.

    Have the workers of the client read the parts, one task per part: part.items() is a
    list of images, each with its class as label. Add up what they return.
    """
    try:
        from distributed import Client, Future
    except ImportError:
        raise NotYet(
            'This exercise needs Dask: pip install "dask[distributed]".'
        ) from None
    # Two threads of this process: what the answer sends is pickled all the same
    with (
        Client(
            processes=False,
            n_workers=1,
            threads_per_worker=2,
            dashboard_address=None,
            set_as_default=False,
            silence_logs=50,
        ) as client,
        client.as_current(),
    ):
        for labels in CLASSES:
            parts = [_ClassesPart(n, given) for n, given in enumerate(labels)]
            READ_BY.clear()
            value = call_function(count_classes, client, parts)
            kinds = list(value) if isinstance(value, list | tuple) else [value]
            if isinstance(value, Mapping):
                kinds = list(value.values())
            if any(isinstance(kind, Future) for kind in kinds):
                raise NotYet(
                    "These are futures, not results: client.gather fetches the results."
                )
            _compare_counts(value, labels)
            tasks = list(READ_BY)
            if None in tasks:
                raise NotYet(
                    "The counts are right, but this process has read the parts itself: "
                    "have the workers do it, by client.map."
                )
            if tasks and len(set(tasks)) < len(parts):
                raise NotYet(
                    "The counts are right, but one task reads several parts: give each "
                    "part a task of its own, by client.map."
                )
    return "counted by workers"


def _compare_counts(value, labels):
    if isinstance(value, list | tuple) and len(value) == len(labels):
        raise NotYet("This is one count per part: add them up.")
    if isinstance(value, pd.Series):
        value = value.to_dict()
    if not isinstance(value, Mapping):
        raise NotYet("Return a dictionary, {class: count}.")
    total, last = Counter(), {}
    for given in labels:
        total.update(given)
        last |= Counter(given)
    found = {name: as_number(count, "one count") for name, count in value.items()}
    mistakes = {
        "A count was overwritten by that of a later part: add them up.": last,
        "This is the number of parts that have the class: count the images.": (
            Counter(name for given in labels for name in set(given))
        ),
        "This is the first part only: add up all parts.": Counter(labels[0]),
        "These are shares: return counts.": {
            name: count / total.total() for name, count in total.items()
        },
    }
    otherwise = (
        f"For the classes {labels} of the parts, you give {dict(value)}; right is "
        f"{dict(total)}."
    )
    compare_answer(found, dict(total), mistakes, otherwise, lambda a, b: a == dict(b))


PARTS = (
    [
        {("bird", 0): 9, ("coin", 1): 4},
        {("coin", 0): 5, ("flower", 0): 5, ("flower", 2): 3},
        {("bird", 1): 6, ("coin", 1): 1},
    ],
    [{("a", "x"): 3}, {("b", "x"): 2, ("a", "y"): 1}, {("b", "x"): 2}],
    [{(1, 1): 4, (2, 1): 1, (2, 0): 5}],
)


@exercise(
    "Add up tables",
    hint="First make one dictionary of all counts; then find the largest count in each "
    "cluster.",
)
def ex14_5(purity_of_parts):
    """Write `purity_of_parts(tables)` for tables {(class, cluster): count}.

    Add them up and return two things: the total, a dictionary of the same kind, and its
    purity.
    """
    for tables in PARTS:
        answer = call_function(purity_of_parts, tables)
        total, purity = map(attempted, as_pair(answer, "(total, purity)"))
        purity = as_number(purity, "one number, the purity")
        if isinstance(total, pd.Series):
            total = total.to_dict()
        if not isinstance(total, Mapping):
            raise NotYet("The total must be a dictionary {(class, cluster): count}.")
        right = {}
        for table in tables:
            for pair, count in table.items():
                right[pair] = right.get(pair, 0) + count
        if {pair: count for pair, count in total.items() if count} != right:
            raise NotYet(_explain_total(total, right, tables))
        purities = [_purity(table) for table in tables]
        sizes = [sum(table.values()) for table in tables]
        mistakes = {
            "This is the mean of the purities of the parts: take the purity of the "
            "total.": np.mean(purities),
            "This is the mean of the parts' purities, weighted by their sizes: take "
            "the purity of the total.": np.average(purities, weights=sizes),
            "Classes and clusters are swapped: take the most frequent class of each "
            "cluster.": _purity(right, axis=0),
            "Divide by the number of images.": _purity(right) * sum(right.values()),
            "Add up the largest counts of all clusters, not of one only.": (
                max(right.values()) / sum(right.values())
            ),
        }
        otherwise = (
            f"The total is right; its purity is {_purity(right):.3f}, not {purity:.3f}."
        )
        compare_answer(purity, _purity(right), mistakes, otherwise)
    return "purity of the sum"


def _purity(table, axis=1):
    largest = {}
    for pair, count in table.items():
        largest[pair[axis]] = max(count, largest.get(pair[axis], 0))
    return sum(largest.values()) / sum(table.values())


def _explain_total(total, right, tables):
    last = {pair: count for table in tables for pair, count in table.items()}
    if total == last:
        return "A count was overwritten by that of a later part: add them up."
    if lacking := sorted(set(right) - set(total)):
        return f"The total lacks {lacking[0]}: not every part has it."
    pair = next(p for p in total if total[p] != right.get(p))
    return f"The total of {pair} is {right.get(pair, 0)}, not {total[pair]}."


# (n, rate, hours, start_up, megabytes, bandwidth): rounded to 57; even; the connection
# just enough; no time to work, or exactly none; the connection too slow, by far, by the
# start-up alone
ORDERS = (
    (10_141_200, 30.0, 2, 1200, 0.01, 1000),
    (36_000, 2.0, 5, 0, 0.1, 100),
    (360_000, 10.0, 5, 0, 5.0, 100),
    (5000, 10.0, 0.01, 90, 0.1, 100),
    (5000, 10.0, 0.5, 1800, 0.1, 100),
    (1_000_000, 40.0, 10, 60, 2.5, 50),
    (68_000, 5.0, 2, 800, 1.0, 10),
)


@exercise(
    "How many machines?",
    hint="How many seconds does each machine work, and how many images does it do in "
    "that time? There is no half machine: math.ceil. How many MB does the connection "
    "carry in the same seconds?",
)
def ex14_6(machines_needed):
    """Write `machines_needed(n, rate, hours, start_up, megabytes, bandwidth)`.

    It is the smallest number of machines that gets through n images within so many
    hours, each at `rate` images per second after `start_up` seconds. All images, of
    `megabytes` each, come over one connection of `bandwidth` MB per second, after the
    start-up. If no number is enough, return math.inf.
    """
    for order in ORDERS:
        n, rate, hours, start_up, megabytes, bandwidth = order
        where = (
            f"For n={n:,}, rate={rate:g}, hours={hours}, start_up={start_up}, "
            f"megabytes={megabytes:g}, bandwidth={bandwidth}"
        )
        seconds = hours * 3600 - start_up
        try:
            found = as_number(call_function(machines_needed, *order), "one number")
        except ZeroDivisionError:
            raise NotYet(
                f"{where}, your code divides by 0: the start-up takes exactly the "
                "whole time, so return math.inf."
            ) from None
        where = f"{where}, you give {found:g}."
        if seconds <= 0 and found != math.inf:
            raise NotYet(
                f"{where} The start-up takes all the time, so no number of machines is "
                "enough: return math.inf."
            )
        if seconds > 0 and n * megabytes > bandwidth * seconds and found != math.inf:
            reason = (
                "The connection, too, is used only after the start-up"
                if n * megabytes <= bandwidth * hours * 3600
                else "The connection cannot carry so much in that time"
            )
            raise NotYet(f"{where} {reason}: return math.inf.")
        if seconds <= 0 or n * megabytes > bandwidth * seconds:
            continue
        if found == math.inf:
            raise NotYet(f"{where} There is enough time, and the connection suffices.")
        if not found.is_integer():
            raise NotYet(f"{where} There are no fractions of a machine: round up.")
        exact = n / (rate * seconds)
        right = math.ceil(exact)
        mistakes = {
            "Round up, or some images are left over.": (
                math.floor(exact),
                round(exact),
            ),
            "This is one too many if it comes out even: use math.ceil.": (
                math.floor(exact) + 1
            ),
            "The start-up is forgotten.": math.ceil(n / rate / 3600 / hours),
            "Subtract the start-up.": math.ceil(n / (rate * (seconds + 2 * start_up))),
            "Every machine has its own start-up: it does not get shorter with more of "
            "them.": math.ceil((n / rate + start_up) / (hours * 3600)),
            "The rate is per second: convert hours to seconds.": (
                math.ceil(n / (rate * hours))
            ),
        }
        otherwise = f"Right is {right}."
        compare_answer(found, right, mistakes, otherwise, about_same, where)
    return "rounded up, or never"


KEYS = "images", "megabytes", "like", "machines", "hours", "features_gb"
SMALL_FILE = 0.5  # MB: larger ones are not decoded at the rate of a stamp


@exercise(
    "A plan for an archive",
    hint="hours = images / rate / 3600 / machines, with a rate between the two of "
    "rates[like]; features_gb = images * 512 * 4 / 1e9. In the text, one sentence each "
    "for: how many images and where, hours and machines, storage, the algorithm and "
    "its memory, the sample that you would label.",
)
def ex14_7(rates, numbers, plan):
    """Plan to cluster an archive of your choice: numbers that fit, and a text.

    rates is {kind: (lowest, highest rate)} as measured. numbers has the keys images,
    megabytes (per image), like (a kind of rates), machines, hours and features_gb (512
    numbers of 4 bytes per image); hours and features are computed again. plan has 60 to
    250 words: the numbers, the storage, the algorithm, and how the clusters are judged.
    """
    if isinstance(numbers, pd.Series):
        numbers = numbers.to_dict()
    if not isinstance(numbers, Mapping):
        raise NotYet(f"Give the numbers as a dictionary with {', '.join(KEYS)}.")
    lacking = [key for key in KEYS if key not in numbers]
    if lacking:
        raise NotYet(f"The numbers lack {', '.join(lacking)}.")
    values = {key: _one_number(key, numbers[key]) for key in KEYS if key != "like"}
    if min(values.values()) <= 0:
        raise NotYet("All numbers must be above 0.")
    if not values["machines"].is_integer():
        raise NotYet("There are no fractions of a machine: round up.")
    low, high = _rate_of(rates, attempted(numbers["like"]), values["megabytes"])
    _compute_hours(values, low, high)
    _compute_features(values)
    if not isinstance(plan, str):
        raise NotYet("Give the plan as a text between three quotes.")
    n_words = require_words(plan, "The plan", 60, 250, different=30)
    _read_plan(plan, values)
    return {**values, "like": str(numbers["like"]), "words": n_words}


def _one_number(key, value):
    if isinstance(value, str):
        found = numbers_in(value)
        if len(found) != 1:
            raise NotYet(f"Give one number for {key}, not {value!r}.")
        return found[0]
    return as_number(value, f"one number for {key}")


def _rate_of(rates, like, megabytes):
    """(lowest, highest) rate of a kind that fits images of this size."""
    if not isinstance(rates, Mapping) or like not in rates:
        kinds = ", ".join(map(repr, rates)) if isinstance(rates, Mapping) else "none"
        raise NotYet(f"Choose for like a kind whose rate was measured: {kinds}.")
    if megabytes > SMALL_FILE and like in ("stamp", "photo"):
        raise NotYet(
            f"Images of {megabytes:g} MB are not like a {like} of 13 kB: decoding them "
            'takes longer. Use the rate of "12 megapixels".'
        )
    ends = [as_number(rate, "a rate") for rate in rates[like]]
    if min(ends) <= 0 or not np.isfinite(ends).all():
        raise NotYet("The rates must be above 0: run section 1 again.")
    return min(ends), max(ends)


def _compute_hours(values, low, high):
    fastest, slowest = (values["images"] / rate / 3600 for rate in (high, low))
    found, machines = values["hours"], values["machines"]

    def fits(hours):
        return 0.9 * fastest <= hours <= 1.1 * slowest

    if fits(found * machines):
        return
    where = f"For {values['images']:,.0f} images on {machines:g} machines, "
    for factor, mistake in (
        (1 / machines, "these are the hours of one machine: divide by their number"),
        (machines, "you divided by the number of machines twice"),
        (1 / 3600, "these are seconds"),
        (1 / 60, "these are minutes"),
        (24, "these are days"),
    ):
        if fits(found * machines * factor):
            raise NotYet(f"{where}{mistake}: give hours.")
    ends = [f"{hours / machines:.3g}" for hours in (fastest, slowest)]
    raise NotYet(
        f"{where}you give {found:g} hours; from the measured rates it is "
        f"{' to '.join(dict.fromkeys(ends))}."
    )


def _compute_features(values):
    found, right = values["features_gb"], values["images"] * 512 * 4 / 1e9

    def fits(gigabytes):
        return abs(gigabytes - right) <= 0.1 * right

    if fits(found):
        return
    for factor, mistake in (
        (1e-9, "This is in bytes: a gigabyte has 10⁹ of them."),
        (1e-3, "This is in megabytes: give gigabytes."),
        (1e-6, "This is in kilobytes: give gigabytes."),
        (4, "Each of the 512 numbers takes 4 bytes."),
        (0.5, "Each of the 512 numbers takes 4 bytes, not 8."),
        (512, "Each image has 512 numbers."),
    ):
        if fits(found * factor):
            raise NotYet(f"features_gb: {mistake}")
    raise NotYet(f"features_gb is {found:g}; for so many images it is {right:.3g}.")


TOLD = (
    ("how long it takes", "hour day night week month minute second"),
    ("on which machines it runs", "machine worker laptop computer PC server node GPU"),
    (
        "how much storage it needs",
        "kB MB GB TB GiB TiB byte kilobyte megabyte gigabyte terabyte",
    ),
    (
        "which algorithm you take",
        "kmeans minibatch ward linkage dbscan hdbscan spectral gmm average complete "
        "gaussian jule",
    ),
    (
        "how you would judge the clusters",
        "label labelled labeled labelling labeling sample score purity NMI silhouette "
        "stability judge inspect check",
    ),
)


def _read_plan(plan, values):
    found = numbers_in(plan)
    if len(found) < 4:
        raise NotYet(
            f"The plan has too few numbers, {len(found)}: give those of the images, "
            "the machines, the hours and the storage."
        )
    for missing, words in TOLD:
        is_kmeans = "algorithm" in missing and re.search(r"\bk.?means\b", plan, re.I)
        if not is_kmeans and not mentions(plan, *words.split()):
            raise NotYet(f"The plan does not say {missing}.")
    n = values["images"]
    if not any(abs(number - n) <= 0.1 * n for number in found):
        raise NotYet(
            f"The text does not have the number of images, {n:,.0f}: text and numbers "
            "must be about the same archive."
        )
