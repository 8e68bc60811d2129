"""Work that two students share, and scores that the class does not confirm.

Honest students who run the same thing get the same clusters, and often nearly the same
from other seeds. So what is flagged here is for a person to look at and costs no
points. Of two students only the later one is flagged, where it is known who was first.

Everything takes time in proportion to the class: students are compared only if their
runs or answers meet in the same bucket of a hash table that similar ones share, and in
a bucket of many with the first `MANY` of them.
"""

import collections
import functools
import itertools
import re
import statistics
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from course_utils._support.text import shown
from course_utils.homework import submission
from course_utils.homework.flags import Flag

MIN_SHARED, MIN_SHARE = 3, 0.8  # of a student's runs with chance in them

# Nearly the same clusters: of how many representations, and of how many of them runs
# that differ from seed to seed. Honest students then share at most 0.6 of these runs.
MIN_REPRESENTATIONS, MIN_TELLING = 5, 3

NEARLY = 0.97  # agreement of two labellings that are nearly the same

MANY = 5  # students: what more of them found is nobody's alone

NAMED = 3  # partners that a student's flags name

FAR = 0.25  # NMI

FEW = 5  # students, below which there is no middle of the class

BANDS, BAND_IMAGES = 8, 32  # random subsets of the images, on which copies agree

MAX_RUNS = 100  # of a student, which are compared

OWN_SEEDS = 20  # of a student, which nobody else takes by chance

MIN_WORDS, SHINGLE, SKETCH = 20, 3, 16  # of a written answer
SIMILAR = 0.6  # of the shingles of two answers, that are in both

MIN_CODE = 200  # characters without comments and spaces


def flag_copies(students, *, compare_code=False, look=None):
    """Flag students who share runs or written answers with somebody who was earlier.

    Runs: (nearly) the clusters of somebody else from other seeds, the seeds and the
    clusters of somebody else, and exactly the same clusters from another network or
    handcrafted representation. Runs that the replay confirmed, kinds of runs that give
    the same clusters from any seed, and what many students found are exempt.

    Parameters
    ----------
    students : list of Student
        With `counted` set, and `entries`, all that the student handed in.
    compare_code : bool
        Also compare the text of the functions, `counted.code`: {name: text}.
    look : callable, optional
        Called with every student who shares something, to review the files that came
        before the one that counts: they tell who was first.
    """
    order = sorted(range(len(students)), key=lambda i: _in_order(students[i].counted))
    students = [students[number] for number in order]
    shared = collections.defaultdict(list)  # (number, other): what number has of other
    _share_runs(students, shared)
    _share_clusters(students, shared)
    _share_answers(students, shared)
    if compare_code:
        _share_code(students, shared)
    for number in sorted({number for pair in shared for number in pair}):
        if look:
            look(students[number])
    _accuse(students, shared)


def flag_far(students):
    """Flag students whose runs score far from what most of the class got for the same.

    What was replayed is exempt, and who has a refuted run: more is known of them.
    """
    scores = collections.defaultdict(dict)
    for number, student in enumerate(students):
        found = student.counted.review
        if not (found.self_supplied or found.refuted):
            for run in found.runs:
                scores[run.kind].setdefault(number, []).append(run)
    far = collections.defaultdict(list)
    for by_student in scores.values():
        if len(by_student) < FEW:
            continue
        middle = statistics.median(
            run.scores["nmi"] for runs in by_student.values() for run in runs
        )
        for number, runs in by_student.items():
            for run in runs:
                distance = abs(run.scores["nmi"] - middle)
                if distance > FAR and run.outcome != "confirmed":
                    far[number].append((distance, run.run, run.scores["nmi"], middle))
    for number, runs in far.items():
        _, run, nmi, middle = max(runs)
        more = f" {len(runs) - 1} more runs are far from it." if len(runs) > 1 else ""
        students[number].flags.append(
            f"{shown(run)} has NMI {nmi:.3f}; the middle of the class for this is "
            f"{middle:.3f}.{more}"
        )


# Who is told what


@dataclass
class Shared:
    """What a student has of another: a sentence in which {who} is the other.

    holds: function of an Entry, whether it is in it already. runs: whether it is runs.
    proof: a sentence, if it can only be the other's.
    """

    sentence: str
    holds: Callable
    runs: bool = False
    proof: str = ""


def _accuse(students, shared):
    """Flag the later one of each two who share something, or both of them."""
    partners = collections.defaultdict(list)
    for number, other in sorted({tuple(sorted(pair)) for pair in shared}):
        ways = (number, other), (other, number)
        first, why = _first(students, ways, shared)
        for one, partner in ways:
            # Whose is all copied has it from somebody who may have much more.
            found = shared.get((one, partner)) or shared[partner, one]
            if one != first:
                partners[one].append((first is None, partner, found, why))
    for number, found in partners.items():
        found.sort(key=lambda row: row[:2])
        if not found[0][0]:  # it is known whose it is: nobody else is named
            found = [row for row in found if not row[0]]
        for _, partner, parts, why in found[:NAMED]:
            sentence = f"{'; '.join(part.sentence for part in parts)}. {why}"
            who = _who(students[partner])
            sentence = sentence.replace("{who}", who)
            students[number].flags.append(Flag.of("copied", sentence))
        if len(found) > NAMED:
            sentence = f"the same is shared with {len(found) - NAMED} more students."
            students[number].flags.append(Flag.of("copied", sentence))


def _first(students, ways, shared):
    """(number of the student whose it is or None, why).

    The seeds of runs tell it, or the replay that confirmed or refuted runs of one of
    them alone, or when the platform got it.
    """
    proofs = [
        next((part.proof for part in shared.get(way, ()) if part.proof), "")
        for way in ways
    ]
    for (_, other), proof, reverse in zip(ways, proofs, proofs[::-1], strict=True):
        if proof and not reverse:
            return other, proof
    one, other = numbers = ways[0]
    parts = [part for way in ways for part in shared.get(way, ())]
    receipts = [_receipt(students[number], parts) for number in numbers]
    first = {-1: one, 1: other}.get(_compare(*receipts))
    refuted = [bool(students[number].counted.review.refuted) for number in numbers]
    shares_runs = any(part.runs for part in parts)
    if refuted[0] != refuted[1] and (shares_runs or first is None):
        return numbers[refuted[0]], "The runs of {who} are not refuted."
    if first is None:
        return None, "Who was first is not known."
    return first, "{who} handed in first."


def _receipt(student, parts):
    """The receipt of the first entry in which what is shared is."""
    entries = [e for e in student.entries if e.review and not e.error]
    holding = [e for e in entries if any(part.holds(e) for part in parts)]
    return min(holding or [student.counted], key=_in_order).receipt


def _in_order(entry):
    """Sort key: when an entry came, as far as the platform tells."""
    time, number = _time(entry.receipt), _file_number(entry.receipt)
    return (
        (time is None, time.timestamp() if time else 0),
        (number is None, number or ()),
    )


def _compare(one, other):
    """-1 if the receipt one is earlier than the other, 1 if later, 0 if unknown."""
    pairs = [(_time(one), _time(other))]
    if one is not None and other is not None and one.lms == other.lms:
        pairs.insert(0, (_file_number(one), _file_number(other)))
    for first, second in pairs:
        if None not in (first, second) and first != second:
            return -1 if first < second else 1
    return 0


def _file_number(receipt):
    """The platform's number of a file: a later one has a higher number."""
    return receipt.order if receipt is not None and receipt.order[0] else None


def _time(receipt):
    """When the platform got it; the time of a file is only that of a download."""
    trusted = receipt is not None and receipt.time_source != "file time"
    return receipt.time if trusted else None


def _who(student):
    return f"{shown(student.name)} ({shown(student.student_id)})"


# Runs


def _share_runs(students, shared):
    """(Nearly) the clusters of somebody else from other seeds, or with their seeds."""
    groups = collections.defaultdict(list)
    for number, student in enumerate(students):
        found = _Runs(number, student)
        if found.runs:
            groups[found.images, len(found.runs[0].labels)].append(found)
    for group in groups.values():
        same_images = _Group(group)
        for one, other in same_images.candidates():
            for suspect, source in ((one, other), (other, one)):
                found = same_images.compare(suspect, source)
                if found:
                    shared[suspect.number, source.number].append(found)


class _Runs:
    """The runs of a student that tell something, each partition of a kind once."""

    def __init__(self, number, student):
        entry = student.counted
        self.number, self.images, self.tells = number, entry.review.images, None
        runs = {
            (run.kind, run.seed, run.partition): run
            for run in entry.review.runs
            if run.seeded and not (run.trivial or run.lopsided)
        }
        self.runs = list(runs.values())[:MAX_RUNS]
        names = {student.student_id, entry.student_id} - {""}
        seeds = [submission.seeds(name, 100) for name in names]
        self.seeds = {seed for found in seeds for seed in found}
        self.own_seeds = {seed for found in seeds for seed in found[:OWN_SEEDS]}

    @functools.cached_property
    def labels(self):
        return np.array([run.labels for run in self.runs])

    @functools.cached_property
    def starts(self):
        """What runs start from: other runs of it may have nearly the same clusters."""
        return [(run.representation.partition(":")[0], run.seed) for run in self.runs]


class _Group:
    """Students with runs on the same images; all their runs, in this order, are rows.

    holders: how many students have clusters like those of each row. n_kind: how many
    students ran a kind, from any seed. exact: {partition: the students that have it}.
    """

    def __init__(self, group):
        self.group = group
        self.places = np.repeat(np.arange(len(group)), [len(g.runs) for g in group])
        for found, first in zip(
            group, np.searchsorted(self.places, np.arange(len(group))), strict=True
        ):
            found.first = first
        self.starts = [start for found in group for start in found.starts]
        by_kind, by_partition = (collections.defaultdict(list) for _ in range(2))
        for row, run in enumerate(run for found in group for run in found.runs):
            by_kind[run.kind].append(row)
            by_partition[run.partition].append(row)
        self.n_kind = {kind: self._n_students(rows) for kind, rows in by_kind.items()}
        self.exact = {
            partition: frozenset(self.places[rows].tolist())
            for partition, rows in by_partition.items()
        }
        self.n_sets = collections.Counter(self.exact.values())
        self.buckets = [*by_partition.values(), *self._near_buckets()]
        self.holders = np.ones(len(self.places), dtype=int)
        for rows in self.buckets:
            n_students = self._n_students(rows)
            self.holders[rows] = np.maximum(self.holders[rows], n_students)

    def _n_students(self, rows):
        return len(np.unique(self.places[rows]))

    def _near_buckets(self):
        """Rows with the same clusters on some of the images, drawn at random."""
        labels = np.concatenate([found.labels for found in self.group])
        n_images = labels.shape[1]
        size = min(BAND_IMAGES, max(n_images // 3, 2))
        generator = np.random.default_rng(0)
        for _ in range(BANDS):
            images = generator.choice(n_images, size, replace=False)
            codes = _partition_codes(labels[:, images])
            rows = np.argsort(codes, kind="stable")
            for bucket in np.split(rows, np.cumsum(np.bincount(codes))[:-1]):
                if len(bucket) > 1:
                    yield bucket

    def candidates(self):
        """Pairs of students of whom enough runs meet in buckets.

        In a bucket of many students the first ones are compared with all: most of a
        student's runs have to meet theirs, while two runs that few have are enough.
        """
        met = {True: collections.defaultdict(set), False: collections.defaultdict(set)}
        for rows in self.buckets:
            places = self.places[rows].tolist()
            students = list(dict.fromkeys(places))
            if len(students) == 1:
                continue
            starts = {place: set() for place in sorted(students)[:MANY]}
            for row, place in zip(rows, places, strict=True):
                if place in starts:
                    starts[place].add(self.starts[row])
            pairs = met[len(students) > MANY]
            for row, place in zip(rows, places, strict=True):
                start = self.starts[row]
                for first, theirs in starts.items():
                    if first != place and (
                        theirs != {start} or self._whose_seed(start[1], place, first)
                    ):
                        pairs[place, first].add(int(row))
        found = {tuple(sorted(p)) for p, rows in met[False].items() if len(rows) > 1}
        for pair, rows in met[True].items():
            n_met = len(rows | met[False].get(pair, set()))
            if 2 * n_met >= len(self.group[pair[0]].runs):
                found.add(tuple(sorted(pair)))
        return [(self.group[one], self.group[other]) for one, other in sorted(found)]

    def _whose_seed(self, seed, one, other):
        """Whether a seed is the own one of exactly one of two students."""
        return (seed in self.group[one].own_seeds) != (
            seed in self.group[other].own_seeds
        )

    def compare(self, suspect, source):
        """What the suspect has of the source: Shared, or None."""
        near = _agreements(suspect.labels, source.labels) >= NEARLY
        expected = np.array([[a == b for b in source.starts] for a in suspect.starts])
        foreign = source.own_seeds - suspect.seeds
        of_source = np.array([run.seed in foreign for run in suspect.runs])
        taken = (near & expected).any(1) & of_source
        if len({run.seed for run in itertools.compress(suspect.runs, taken)}) > 1:
            found = _shared_runs(suspect, taken, len(taken), "the seeds and")
            if found:
                found.proof = "Seeds follow from the student id."
                return found
        tells = self.tells(suspect)
        equal = np.array(
            [[a.partition == b.partition for b in source.runs] for a in suspect.runs]
        )
        rare = np.array([self._is_rare(run.partition) for run in suspect.runs])
        same = tells & rare & (equal & ~expected).any(1)
        found = _shared_runs(suspect, same, tells.sum(), "exactly")
        like = (near & ~expected).any(1)
        enough = (
            _n_representations(suspect, like) >= MIN_REPRESENTATIONS
            and _n_representations(suspect, like & tells) >= MIN_TELLING
        )
        if enough and not found:
            found = _shared_runs(suspect, like & tells, tells.sum(), "nearly")
        if found:
            found.sentence += ", from other seeds"
            theirs = (near & ~expected)[tells].any(0)
            if any(
                r.outcome == "confirmed"
                for r in itertools.compress(source.runs, theirs)
            ):
                found.proof = "The replay confirms the runs of {who}."
        return found

    def tells(self, found):
        """`_tells`, computed once."""
        if found.tells is None:
            found.tells = self._tells(found)
        return found.tells

    def _tells(self, found):
        """Which runs of a student would differ from those of others, if honest.

        Not those that the replay confirmed, those that the student's own other seeds
        agree with, and, if there are no other seeds, those that half of the class has.
        """
        kinds = [run.kind for run in found.runs]
        other = np.array([[a == b for b in kinds] for a in kinds])
        np.fill_diagonal(other, False)
        settled = (_agreements(found.labels, found.labels) >= NEARLY) & other
        holders = self.holders[found.first : found.first + len(kinds)]
        n_kind = np.array([self.n_kind[kind] for kind in kinds])
        common = ~other.any(1) & (holders > np.maximum(MANY, n_kind / 2))
        confirmed = np.array([run.outcome == "confirmed" for run in found.runs])
        return ~(settled.any(1) | common | confirmed)

    def _is_rare(self, partition):
        """Few have it, or always the same ones: a ring."""
        holders = self.exact[partition]
        return len(holders) <= MANY or self.n_sets[holders] >= MIN_SHARED


def _shared_runs(suspect, which, n_runs, how):
    """Shared, if these runs are enough of those that could be shared; or None."""
    n_shared = which.sum()
    if n_shared < MIN_SHARED or n_shared < MIN_SHARE * n_runs:
        return None
    partitions = {run.partition for run in itertools.compress(suspect.runs, which)}

    def holds(entry):
        theirs = {run.partition for run in entry.review.runs}
        return 2 * len(partitions & theirs) >= len(partitions)

    return Shared(
        f"{n_shared} of {n_runs} runs with chance in them have {how} the clusters of "
        "{who}",
        holds,
        runs=True,
    )


def _n_representations(found, which):
    chosen = itertools.compress(found.runs, which)
    return len({run.representation for run in chosen})


def _partition_codes(labels):
    """A number for each row (n, m): the same one for the same partition."""
    firsts = np.empty(labels.shape, np.uint8)
    for start in range(0, len(labels), 10_000):
        rows = labels[start : start + 10_000]
        firsts[start : start + 10_000] = (rows[:, :, None] == rows[:, None]).argmax(2)
    names = np.ascontiguousarray(firsts).view(f"V{labels.shape[1]}").ravel()
    return np.unique(names, return_inverse=True)[1]


def _agreements(one, other):
    """Agreement of each row of one with each row of the other, exact where it is large.

    The smaller of the two purities, which cannot be less than the agreement.
    """
    n_one, n_other = int(one.max()) + 1, int(other.max()) + 1
    found = np.empty((len(one), len(other)))
    n_rows = max(1, 5_000_000 // (len(other) * max(n_one * n_other, one.shape[1])))
    for start in range(0, len(one), n_rows):
        rows = one[start : start + n_rows, None].astype(np.int64)
        codes = rows * n_other + other[None]
        shape = codes.shape[:2]
        pairs = np.arange(shape[0] * shape[1]).reshape(*shape, 1) * (n_one * n_other)
        counts = np.bincount(
            (codes + pairs).ravel(), minlength=pairs.size * n_one * n_other
        )
        tables = counts.reshape(*shape, n_one, n_other)
        found[start : start + n_rows] = np.minimum(
            tables.max(2).sum(2), tables.max(3).sum(2)
        )
    return found / one.shape[1]


def _share_clusters(students, shared):
    """Exactly the same clusters from another network or handcrafted representation.

    Layers of one network may well give the same, as the last one and its average do.
    """
    holders = collections.defaultdict(dict)
    for number, student in enumerate(students):
        for run in student.counted.review.runs:
            # That clusters are the true classes, the review says.
            exempt = run.trivial or run.lopsided or run.scores["nmi"] > 1 - 1e-9
            if not exempt and run.outcome != "confirmed":
                base = run.representation.partition(":")[0]
                found = holders[student.counted.review.images, run.partition]
                found.setdefault(number, {}).setdefault(base, run)
    for found in holders.values():
        if len(found) > max(MANY, len(students) / 2):
            continue
        firsts = list(found)[:MANY]
        for number, own in found.items():
            for other in firsts:
                if other == number or (other, number) in shared:
                    continue
                for base, run in list(own.items())[:2]:
                    theirs = next((b for b in found[other] if b != base), None)
                    if theirs is not None:
                        _note_clusters(shared, number, run, other, found[other][theirs])
                        break


def _note_clusters(shared, number, run, other, theirs):
    """Note it both ways, once for each two students."""
    for pair, one, of in (
        ((number, other), run, theirs),
        ((other, number), theirs, run),
    ):
        if not shared.get(pair):
            shared[pair].append(
                Shared(
                    f"{shown(one.run)} has exactly the clusters of {shown(of.run)} of "
                    "{who}",
                    lambda entry, partition=one.partition: any(
                        run.partition == partition for run in entry.review.runs
                    ),
                    runs=True,
                )
            )


# Answers and code


def _share_answers(students, shared):
    """Written answers of two students that are nearly the same, word for word."""
    answers = [  # (number, shingles, number of words)
        (number, *found)
        for number, student in enumerate(students)
        for found in map(_shingles, student.counted.answers)
        if found[1] >= MIN_WORDS
    ]
    used = collections.Counter()
    for _, by_student in itertools.groupby(answers, lambda answer: answer[0]):
        used.update(set().union(*(shingles for _, shingles, _ in by_student)))
    # What nearly everybody wrote was given to them.
    given = {s for s, n in used.items() if n > max(MANY, 0.8 * len(students))}
    answers = [(number, shingles - given, n) for number, shingles, n in answers]
    answers = [answer for answer in answers if len(answer[1]) >= MIN_WORDS - SHINGLE]
    buckets = collections.defaultdict(list)
    for place, (_, shingles, _) in enumerate(answers):
        for name in enumerate(_sketch(shingles)):
            buckets[name].append(place)
    pairs = {
        (first, place)
        for places in buckets.values()
        for number, first in enumerate(places[:MANY])
        for place in places[number + 1 :]
        if answers[first][0] != answers[place][0]
    }
    found = collections.defaultdict(dict)
    for first, place in sorted(pairs):
        (one, theirs, _), (other, own, n_words) = answers[first], answers[place]
        if len(own & theirs) >= SIMILAR * len(own | theirs):
            found[one, other][place] = n_words, own
    for (one, other), parts in found.items():
        n_words = sum(n for n, _ in parts.values())
        texts = [shingles for _, shingles in parts.values()]

        def holds(entry, texts=texts):
            theirs = [_shingles(answer)[0] for answer in entry.answers]
            return any(len(a & b) >= SIMILAR * len(a) for a in texts for b in theirs)

        plural = "s are" if len(parts) > 1 else " is"
        sentence = (
            f"{len(parts)} written answer{plural} almost word for word that of {{who}} "
            f"({n_words} words)"
        )
        for pair in ((one, other), (other, one)):
            shared[pair].append(Shared(sentence, holds))


def _shingles(answer):
    """(hashes of each few words in a row, number of words) of a written answer.

    Without the question and without quotations.
    """
    text = re.sub(r"(?m)^\s*>.*$", " ", answer["answer"])
    text = re.sub(r'"[^"]*"|“[^”]*”|„[^“”]*[“”]|«[^»]*»', " ", text)
    words = " ".join(_words(text))
    for question in (answer["question"], *submission.QUESTIONS):
        words = words.replace(" ".join(_words(question)) or "\0", " ")
    words = words.split()
    grams = zip(*(words[start:] for start in range(SHINGLE)), strict=False)
    return {zlib.crc32(" ".join(gram).encode()) for gram in grams}, len(words)


def _words(text):
    return re.findall(r"\w+", text.casefold())


def _sketch(shingles):
    """MinHash: numbers of which two sets share as many as they share shingles."""
    generator = np.random.default_rng(0)
    factors = generator.integers(1, 2**31, SKETCH, dtype=np.uint64) * 2 + 1
    hashes = np.fromiter(shingles, np.uint64, len(shingles))[:, None] * factors
    return (hashes >> np.uint64(16)).min(axis=0).tolist()


def _share_code(students, shared):
    """The same text of a function, without comments, where it is a long one."""
    holders = collections.defaultdict(dict)
    for number, student in enumerate(students):
        for name, text in (getattr(student.counted, "code", None) or {}).items():
            text = _bare(text)
            if len(text) >= MIN_CODE:
                holders[text].setdefault(number, name)
    found = collections.defaultdict(list)
    for text, names in holders.items():
        if len(names) <= MANY:
            for pair in itertools.permutations(names, 2):
                found[pair].append((names[pair[0]], text))
    for pair, parts in found.items():
        names, texts = zip(*sorted(parts), strict=True)

        def holds(entry, texts=texts):
            code = getattr(entry, "code", None) or {}
            return not set(map(_bare, code.values())).isdisjoint(texts)

        sentence = f"the code of {', '.join(map(shown, names))} is that of {{who}}"
        shared[pair].append(Shared(sentence, holds))


def _bare(text):
    """Code without comments, docstrings and layout."""
    text = re.sub(r"(?s)\"{3}.*?\"{3}|'{3}.*?'{3}", "", text)
    return "".join(re.sub(r"#.*", "", text).split())
