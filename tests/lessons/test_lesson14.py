"""Checks of lesson 14: right, wrong in the usual ways, and untouched answers."""

import io
import math
import shutil
import tarfile
import tempfile
from collections import Counter, defaultdict
from decimal import Decimal
from fractions import Fraction
from functools import partial
from pathlib import Path

import dask
import numpy as np
import pandas as pd
import pytest
from distributed import as_completed
from lesson_answers import answer_tests, assert_wrong, own_answers  # noqa: F401
from sklearn.linear_model import LinearRegression

log, ceil = np.log, math.ceil


# 14.1


def speed_up(ms, stage, factor):
    return sum(ms.values()) / (sum(ms.values()) - ms[stage] * (1 - 1 / factor))


def by_loop(ms, stage, factor):
    before = after = 0
    for name, value in ms.items():
        before += value
        after += value / factor if name == stage else value
    return before / after


def by_pandas(ms, stage, factor):
    before = pd.Series(ms)
    after = before.copy()
    after[stage] /= factor
    return before.sum() / after.sum()


def amdahl(ms, stage, factor):
    share = ms[stage] / sum(ms.values())
    return np.float32(1 / (1 - share + share / factor))


def changed(change):
    """The ratio, or what `change` makes of (milliseconds, total, after, factor)."""

    def answer(ms, stage, factor):
        total = sum(ms.values())
        return change(ms[stage], total, total - ms[stage] + ms[stage] / factor, factor)

    return answer


# 14.2


def line(x, y, place=0):
    return np.polyfit(x, y, 1)[place]


def slope_by_hand(sizes, seconds):
    x, y = log(sizes) - log(sizes).mean(), log(seconds) - log(seconds).mean()
    return (x * y).sum() / (x**2).sum()


def by_regression(n, t):
    return LinearRegression().fit(log(n)[:, None], log(t)).coef_


def by_matrix(n, t):
    x = np.column_stack([log(n), np.ones(len(n))])
    return np.linalg.lstsq(x, log(t)[:, None], rcond=None)[0][0]


# 14.3


def add(tar, name, data):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


def shard(
    label=lambda name: f"{name.rpartition('.')[0]}.cls",
    content=lambda class_name: class_name.encode(),
    mode="w",
    first="image",
    apart=False,
    name_of=lambda name: name,
    data_of=lambda data: data,
    close=True,
    extra=None,
):
    def answer(path, samples):
        tar = tarfile.open(path, mode)  # noqa: SIM115
        later = []
        for name, data, class_name in samples:
            pair = [(name_of(name), data_of(data)), (label(name), content(class_name))]
            for member in pair if first == "image" else pair[::-1]:
                if apart and member[0].endswith(".cls"):
                    later.append(member)
                elif member[0]:
                    add(tar, *member)
        for member in later:
            add(tar, *member)
        if extra:
            add(tar, *extra)
        if close:
            tar.close()
        else:
            tar.fileobj.flush()
            answer.kept = tar
        return path

    return answer


def from_files(path, samples):
    """By way of files in a folder, each added under its name."""
    with tempfile.TemporaryDirectory() as folder, tarfile.open(path, "w") as tar:
        for name, data, class_name in samples:
            file = Path(folder, name)
            file.write_bytes(data)
            file.with_suffix(".cls").write_text(class_name, encoding="utf-8")
            tar.add(file, arcname=file.name)
            tar.add(file.with_suffix(".cls"), arcname=f"{file.stem}.cls")
    return str(path)


def through_memory(path, samples):
    memory = io.BytesIO()
    with tarfile.open(fileobj=memory, mode="w") as tar:
        for name, data, class_name in samples:
            add(tar, name, data)
            add(
                tar, name[: name.rindex(".")] + ".cls", bytes(class_name + "\n", "utf8")
            )
    return Path(path).write_bytes(memory.getvalue())


def no_size(path, samples):
    with tarfile.open(path, "w") as tar:
        for name, data, class_name in samples:
            tar.addfile(tarfile.TarInfo(name), io.BytesIO(data))
            label = tarfile.TarInfo(f"{name.rpartition('.')[0]}.cls")
            tar.addfile(label, io.BytesIO(class_name.encode()))
    return path


def size_of_text(path, samples):
    """Cuts off the last byte of a class that has a letter of two bytes."""
    with tarfile.open(path, "w") as tar:
        for name, data, class_name in samples:
            add(tar, name, data)
            label = tarfile.TarInfo(f"{name.rpartition('.')[0]}.cls")
            label.size = len(class_name)
            tar.addfile(label, io.BytesIO(class_name.encode()))
    return path


def elsewhere(path, samples):
    return shard()(Path(path).with_suffix(".other"), samples)


def nothing_returned(path, samples):
    shard()(path, samples)


def as_zip(path, samples):
    path = Path(path)
    (path.parent / "x").mkdir()
    shutil.move(shutil.make_archive(path.parent / "y", "zip", path.parent / "x"), path)
    return path


# 14.4


def count(part):
    return Counter(item.label for item in part.items())


def count_classes(client, parts):
    return sum(client.gather(client.map(count, parts)), Counter())


def one_by_one(client, parts):
    futures, total = [client.submit(count, part) for part in parts], defaultdict(int)
    for future in futures:
        for name, number in future.result().items():
            total[name] += number
    return total


def as_they_finish(client, parts):
    total = {}
    for _, found in as_completed(client.map(count, parts), with_results=True):
        for name, number in found.items():
            total[name] = total.get(name, 0) + number
    return total


def through_tables(client, parts):
    def labels(part):
        return pd.Series([item.label for item in part.items()])

    return pd.concat(client.gather(client.map(labels, parts))).value_counts()


def by_delayed(client, parts):
    counts = [dask.delayed(count)(part) for part in parts]
    counts = client.gather(client.compute(counts))
    return dict(sum(counts, Counter()))


def by_merge(merge):
    def answer(client, parts):
        return merge(client.gather(client.map(count, parts)))

    return answer


def overwritten_counts(counts):
    total = {}
    for found in counts:
        total.update(dict(found))
    return total


def read_here(client, parts):
    return sum(map(count, parts), Counter())


def all_in_one(client, parts):
    return client.submit(
        lambda given: sum(map(count, given), Counter()), parts
    ).result()


def in_scalars(client, parts):
    return {k: np.int64(v) for k, v in count_classes(client, parts).items()}


# 14.5


def added(tables):
    total = Counter()
    for table in tables:
        total.update(table)
    return dict(total)


def purity(table, axis=1):
    names = {pair[axis] for pair in table}
    best = (max(c for p, c in table.items() if p[axis] == name) for name in names)
    return sum(best) / sum(table.values())


def purity_of_sum(tables):
    return purity(added(tables))


def overwritten(tables):
    return {pair: count for table in tables for pair, count in table.items()}


def weighted(tables):
    sizes = [sum(table.values()) for table in tables]
    return np.average([purity(table) for table in tables], weights=sizes)


def largest_alone(tables):
    return max(added(tables).values()) / sum(added(tables).values())


def parts(total=added, score=purity_of_sum):
    return lambda tables: (total(tables), score(tables))


def exactly(tables):
    total = added(tables)
    best = defaultdict(int)
    for (_, cluster), number in total.items():
        best[cluster] = max(best[cluster], number)
    return [Counter(total), Fraction(sum(best.values()), sum(total.values()))]


def with_pandas(tables):
    total = pd.concat([pd.Series(t) for t in tables]).groupby(level=[0, 1]).sum()
    return total, total.groupby(level=1).max().sum() / total.sum()


def with_array(tables):
    total = added(tables)
    classes, clusters = (sorted({p[i] for p in total}, key=str) for i in (0, 1))
    table = np.array([[total.get((a, b), 0) for b in clusters] for a in classes])
    return total, np.array(table).max(axis=0).sum() / table.sum()


# 14.6


def machines(count, *, none=math.inf, late=lambda s: s <= 0, slow=True, at_work=True):
    """A count of (n, rate, seconds at work, start_up), where there is a solution."""

    def answer(n, rate, hours, start_up, megabytes, bandwidth):
        seconds = hours * 3600 - start_up
        if late(seconds):
            return none
        carried = bandwidth * (seconds if at_work else hours * 3600)
        if slow and n * megabytes > carried:
            return none
        return count(n, rate, seconds, start_up)

    return answer


def exact(n, rate, seconds, start_up):
    return n / (rate * seconds)


def up(n, rate, seconds, start_up):
    return ceil(exact(n, rate, seconds, start_up))


def more_and_more(n, rate, seconds, start_up):
    number = 1
    while number * rate * seconds < n:
        number += 1
    return number


# 14.7

RATES = {"stamp": (120, 130), "photo": (118.0, 125.5), "12 megapixels": (35.5, 41.0)}
NUMBERS = {
    "images": 3_000_000,
    "megabytes": 2.5,
    "like": "12 megapixels",
    "machines": 2,
    "hours": 3e6 / 38 / 3600 / 2,
    "features_gb": 6.144,
}
PLAN = (
    "A nature reserve has ten cameras with 3,000,000 frames of 2.5 MB on disks in its "
    "office. I pack them into shards of 2,000 where they are, so nothing moves. Two "
    "machines need about 11 hours, less than a night, and go on after an interruption. "
    "The features take 6 GB. Ward over all pairs would run out of memory first, so I "
    "take minibatch in blocks. To judge the result I label 1,000 frames at random."
)


def numbers(**other):
    return NUMBERS | other


def plan(*changes, text=PLAN):
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


IN_WORDS = plan(
    (
        "ten cameras with 3,000,000 frames of 2.5 MB",
        "cameras with three million photos",
    ),
    ("of 2,000 ", "of two thousand "),
    ("about 11 hours", "about eleven hours"),
    ("take 6 GB", "take six gigabytes"),
    ("label 1,000", "label one thousand"),
)
# "number" holds mb, "today" day, "secondly" second; no storage, no time
NONSENSE = (
    "Today I number the 3,000,000 images, 1 by 1, and secondly number them again on 2 "
    "machines with kmeans and a sample of 7, which gives numbers. "
) + " ".join(f"thing{letter}" for letter in "abcdefghijklmnopqrstuvwxyzäöüßéèñ")

RIGHT = [
    ("ex14_1", speed_up),
    ("ex14_1", by_loop),
    ("ex14_1", by_pandas),
    ("ex14_1", amdahl),
    ("ex14_1", lambda ms, s, f: Fraction(speed_up(ms, s, f)).limit_denominator(10**9)),
    ("ex14_1", lambda *given: [by_loop(*given)]),
    ("ex14_2", lambda n, t: line(log(n), log(t))),
    ("ex14_2", lambda n, t: float(line(np.log10(n), np.log10(t)))),
    ("ex14_2", slope_by_hand),
    ("ex14_2", by_regression),
    ("ex14_2", by_matrix),
    ("ex14_2", lambda n, t: np.cov(log(n), log(t))[0, 1] / log(n).var(ddof=1)),
    ("ex14_3", shard()),
    ("ex14_3", shard(first="class")),
    ("ex14_3", shard(name_of=lambda n: f"./{n}",
                     label=lambda n: f"./{Path(n).stem}.cls")),
    ("ex14_3", from_files),
    ("ex14_3", through_memory),
    ("ex14_4", count_classes),
    ("ex14_4", one_by_one),
    ("ex14_4", as_they_finish),
    ("ex14_4", through_tables),
    ("ex14_4", by_delayed),
    ("ex14_4", in_scalars),
    ("ex14_5", parts()),
    ("ex14_5", parts(lambda tables: Counter(added(tables)))),
    ("ex14_5", lambda tables: list(parts()(tables))),
    ("ex14_5", exactly),
    ("ex14_5", with_pandas),
    ("ex14_5", with_array),
    ("ex14_6", machines(up)),
    ("ex14_6", machines(lambda *a: np.ceil(exact(*a)), none=np.inf)),
    ("ex14_6", machines(more_and_more)),
    ("ex14_6", machines(lambda *a: -int(-exact(*a) // 1), none=float("inf"))),
    ("ex14_6", machines(up, late=lambda s: s < 0)),  # the connection carries nothing
    ("ex14_6", machines(lambda *a: Fraction(up(*a)))),
    ("ex14_6", machines(lambda *a: Decimal(up(*a)), none=Decimal("inf"))),
    ("ex14_7", RATES, NUMBERS, PLAN),
    ("ex14_7", RATES, numbers(hours=11, features_gb=6), PLAN),
    ("ex14_7", RATES, numbers(images=2_998_123), PLAN),
    ("ex14_7", RATES, numbers(images="three million", hours="11,2"), IN_WORDS),
    ("ex14_7", RATES, pd.Series(numbers(hours=Fraction(11))), IN_WORDS),
    ("ex14_7", pd.DataFrame(RATES).to_dict("list"), NUMBERS, plan(("2.5 MB", "2,5MB"))),
    (
        "ex14_7",
        RATES,
        numbers(machines=np.int64(1), hours=np.float32(22)),
        plan(("Two machines", "One laptop"), ("minibatch", "k-means")),
    ),
    (
        "ex14_7",
        RATES,
        {"images": 40_000, "megabytes": 0.02, "like": "stamp", "machines": 1,
         "hours": 0.09, "features_gb": 0.08},
        plan(("3,000,000 frames of 2.5 MB", "40 thousand drawings of 20 kB"),
             ("11 hours", "5 minutes"), ("6 GB", "80 MB")),
    ),
]  # fmt: skip
WRONG = [
    ("ex14_1", changed(lambda own, total, after, f: after / total), "turn it round"),
    ("ex14_1", changed(lambda own, total, after, f: after), "milliseconds after"),
    ("ex14_1", changed(lambda own, total, after, f: f), "not the whole"),
    ("ex14_1", changed(lambda o, total, a, f: total / (total + o / f)), "old time"),
    ("ex14_1", changed(lambda o, total, a, f: total / (total - o)), "no time at all"),
    ("ex14_1", changed(lambda o, t, a, f: t / (t - o + o * f)), "not multiplied"),
    ("ex14_1", changed(lambda own, total, after, f: own / total), "share of the stage"),
    ("ex14_1", changed(lambda own, total, after, f: 1 - after / total), "is saved"),
    ("ex14_1", changed(lambda own, total, after, f: total / after - 1), "beyond 1"),
    ("ex14_1", lambda *given: 2, "Right is 1.235"),
    ("ex14_1", lambda ms, stage, factor: ms, "one number"),
    ("ex14_2", lambda n, t: line(n, t), "logarithms of both"),
    ("ex14_2", lambda n, t: line(log(t), log(n)), "swapped"),
    ("ex14_2", lambda n, t: line(log(n), log(t), 1), "intercept"),
    ("ex14_2", lambda n, t: line(log(n), t), "seconds need a logarithm"),
    ("ex14_2", lambda n, t: line(n, log(t)), "sizes need a logarithm"),
    ("ex14_2", lambda n, t: log(t[-1] / t[0]) / log(n[-1] / n[0]), "first and last"),
    ("ex14_2", lambda n, t: log(t[-1] / t[-2]) / log(n[-1] / n[-2]), "last two"),
    ("ex14_2", lambda n, t: np.mean(np.diff(log(t)) / np.diff(log(n))), "mean of the"),
    ("ex14_2", lambda n, t: np.polyfit(log(n), log(t), 1), "one number"),
    ("ex14_2", lambda n, t: 2.0, "Right is"),
    ("ex14_2", lambda n, t: n.missing, "AttributeError"),
    ("ex14_3", shard(label=lambda name: f"{name}.cls"), "not in crow.jpg.cls"),
    ("ex14_3", shard(label=lambda n: f"{Path(n).stem}.txt"), "for captions"),
    ("ex14_3", shard(label=lambda name: ""), "crow.cls, the class of crow.jpg"),
    ("ex14_3", shard(name_of=lambda name: ""), "the image crow.jpg is missing"),
    ("ex14_3", shard(name_of=lambda name: f"a/{name}"), "as it is given"),
    ("ex14_3", shard(content=lambda c: b"0"), "must hold the class 'birds'"),
    ("ex14_3", shard(content=lambda c: c.encode("latin1")), "encoded in UTF-8"),
    ("ex14_3", shard(content=lambda c: b""), "set the size"),
    ("ex14_3", shard(data_of=lambda data: data[:-3]), "not those given"),
    ("ex14_3", shard(mode="w:gz"), "compressed"),
    ("ex14_3", shard(apart=True), "follow each other"),
    ("ex14_3", shard(extra=("index.html", b"-")), "a member too many"),
    ("ex14_3", shard(extra=("crow.jpg", b"-")), "twice"),
    ("ex14_3", no_size, "set the size"),
    ("ex14_3", size_of_text, "that of the bytes"),
    ("ex14_3", elsewhere, "no file at the path"),
    ("ex14_3", nothing_returned, "return the path"),
    ("ex14_3", as_zip, "not a whole tar file"),
    ("ex14_3", "shard.tar", "the function itself"),
    ("ex14_3", lambda path, samples: samples.missing, "AttributeError"),
    ("ex14_4", lambda c, p: c.map(count, p), "futures"),
    ("ex14_4", lambda c, p: c.submit(count, p[0]), "futures"),
    ("ex14_4", lambda c, p: dict(enumerate(c.map(count, p))), "futures"),
    ("ex14_4", by_merge(list), "per part"),
    ("ex14_4", by_merge(overwritten_counts), "overwritten"),
    ("ex14_4", by_merge(lambda counts: counts[0]), "first part only"),
    ("ex14_4", by_merge(lambda c: sum((Counter(set(x)) for x in c), Counter())),
     "number of parts"),
    ("ex14_4", by_merge(lambda counts: len(counts)), "dictionary"),
    ("ex14_4", by_merge(lambda counts: {"bird": 1}), "right is"),
    ("ex14_4", by_merge(lambda counts: {
        k: v / sum(counts, Counter()).total()
        for k, v in sum(counts, Counter()).items()
    }), "shares"),
    ("ex14_4", read_here, "read the parts itself"),
    ("ex14_4", all_in_one, "one task reads several"),
    ("ex14_5", parts(score=lambda t: np.mean([purity(x) for x in t])), "mean of the"),
    ("ex14_5", parts(score=weighted), "weighted"),
    ("ex14_5", parts(score=lambda t: purity(added(t), axis=0)), "swapped"),
    ("ex14_5", parts(score=lambda t: purity_of_sum(t) * sum(added(t).values())),
     "Divide"),
    ("ex14_5", parts(score=largest_alone), "all clusters"),
    ("ex14_5", parts(score=lambda tables: 0.123), "not 0.123"),
    ("ex14_5", parts(overwritten), "overwritten"),
    ("ex14_5", parts(lambda tables: dict(tables[0])), "lacks"),
    ("ex14_5", parts(lambda tables: []), "dictionary"),
    ("ex14_5", purity_of_sum, "two things"),
    ("ex14_5", parts(lambda t: {p: 2 * c for p, c in added(t).items()}),
     "The total of"),
    ("ex14_6", machines(exact), "round up"),
    ("ex14_6", machines(lambda *a: math.floor(exact(*a))), "left over"),
    ("ex14_6", machines(lambda *a: math.floor(exact(*a)) + 1), "comes out even"),
    ("ex14_6", machines(lambda n, r, s, u: ceil(n / (r * (s + u)))), "forgotten"),
    ("ex14_6", machines(lambda n, r, s, u: ceil(n / (r * (s + 2 * u)))), "Subtract"),
    ("ex14_6", machines(lambda n, r, s, u: ceil((n / r + u) / (s + u))),
     "its own start-up"),
    ("ex14_6", machines(lambda n, r, s, u: ceil(n / (r * (s + u) / 3600))),
     "convert hours"),
    ("ex14_6", machines(lambda *a: 3), "Right is"),
    ("ex14_6", machines(up, none=0), "math.inf"),
    ("ex14_6", machines(up, late=lambda s: s < 0, slow=False), "divides by 0"),
    ("ex14_6", machines(lambda *a: a[0], late=lambda s: False), "Right is"),
    ("ex14_6", machines(up, slow=False), "cannot carry"),
    ("ex14_6", machines(up, at_work=False), "only after the start-up"),
    ("ex14_6", lambda *order: math.inf, "There is enough time"),
    ("ex14_7", RATES, NUMBERS, "word " * 10, "10 words"),
    ("ex14_7", RATES, NUMBERS, "word " * 300, "300 words"),
    ("ex14_7", RATES, NUMBERS, "word " * 70, "repeats itself"),
    ("ex14_7", RATES, NUMBERS, NONSENSE, "how long"),
    ("ex14_7", RATES, NUMBERS, f"{NONSENSE} 5 hours", "how much storage"),
    ("ex14_7", RATES, NUMBERS, plan(("machines", "cousins")), "on which machines"),
    ("ex14_7", RATES, NUMBERS, plan(("minibatch", "numbers"), ("Ward", "That")),
     "which algorithm"),
    ("ex14_7", RATES, NUMBERS, plan(("To judge", "In"), ("label", "like")),
     "judge the clusters"),
    ("ex14_7", RATES, NUMBERS, plan(("3,000,000", "500")), "number of images"),
    ("ex14_7", RATES, NUMBERS, plan(("3,000,000", "many"), ("2,000", "many"),
     ("1,000", "some"), ("ten ", ""), ("Two", "The")), "too few numbers"),
    ("ex14_7", RATES, NUMBERS, [PLAN], "text between"),
    ("ex14_7", RATES, [3_000_000], PLAN, "as a dictionary"),
    ("ex14_7", RATES, {"images": 3}, PLAN, "lack megabytes"),
    ("ex14_7", RATES, numbers(images="very many"), PLAN, "one number for images"),
    ("ex14_7", RATES, numbers(hours=0), PLAN, "above 0"),
    ("ex14_7", RATES, numbers(machines=1.5), PLAN, "fractions"),
    ("ex14_7", RATES, numbers(like="telephone"), PLAN, "Choose for like"),
    ("ex14_7", RATES, numbers(like="stamp", hours=3.3), PLAN, "not like a stamp"),
    ("ex14_7", {"12 megapixels": (0, 0)}, NUMBERS, PLAN, "above 0"),
    ("ex14_7", RATES, numbers(hours=22), PLAN, "hours of one machine"),
    ("ex14_7", RATES, numbers(hours=5.5), PLAN, "twice"),
    ("ex14_7", RATES, numbers(hours=11 * 3600), PLAN, "these are seconds"),
    ("ex14_7", RATES, numbers(hours=11 * 60), PLAN, "these are minutes"),
    ("ex14_7", RATES, numbers(hours=11 / 24), PLAN, "these are days"),
    ("ex14_7", RATES, numbers(hours=500), PLAN, "from the measured rates"),
    ("ex14_7", RATES, numbers(features_gb=6.144e9), PLAN, "in bytes"),
    ("ex14_7", RATES, numbers(features_gb=6144), PLAN, "in megabytes"),
    ("ex14_7", RATES, numbers(features_gb=1.5), PLAN, "takes 4 bytes"),
    ("ex14_7", RATES, numbers(features_gb=12.3), PLAN, "not 8"),
    ("ex14_7", RATES, numbers(features_gb=0.012), PLAN, "512 numbers"),
    ("ex14_7", RATES, numbers(features_gb=77), PLAN, "it is 6.14"),
]  # fmt: skip
UNTOUCHED = [
    ("ex14_5", lambda tables: (added(tables), None)),
    ("ex14_7", RATES, NUMBERS, None),
    ("ex14_7", RATES, numbers(like=None), PLAN),
]

test_right, test_wrong, test_untouched, test_enough = answer_tests(
    RIGHT, WRONG, UNTOUCHED
)


@pytest.mark.filterwarnings("ignore:unclosed file")
def test_a_shard_that_is_not_closed_is_not_whole():
    assert_wrong("ex14_3", shard(close=False), "close it before you return")


def test_without_dask_the_exercise_says_what_is_missing(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    assert_wrong("ex14_4", partial(count_classes), "needs Dask")
