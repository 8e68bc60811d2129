"""Partitions that two students share, and scores that the class does not confirm.

Honest students who run the same thing get the same clusters, so what is flagged here is
for a person to look at and costs no points.
"""

import collections
import itertools
import statistics

from course_utils._support.text import shown

MIN_SHARED, MIN_SHARE = (
    3,
    0.8,
)  # shared seeded runs of a student, before they are flagged

MANY = 5  # students: what more of them found is nobody's alone

FAR = 0.25  # NMI

FEW = 5  # students, below which there is no middle of the class


def flag_copies(students):
    """Flag students who share partitions, whatever their clusters are called.

    The same representation, algorithm and k give the same clusters to everybody where
    there is no chance in it or the seed is the same: exempt, and so are clusters that
    many students found, or that a student's own other seeds found as well. Flagged are
    the same clusters under different representations, and most of the runs of two
    students agreeing in spite of different seeds. Students: with `counted` set. Takes
    time in proportion to the number of runs.
    """
    holders = collections.defaultdict(list)
    for number, student in enumerate(students):
        for run in student.counted.review.runs:
            if not run.trivial:
                holders[run.partition].append((number, run))
    strange, shared = {}, collections.defaultdict(set)
    n_seeded = collections.Counter()  # runs of each student that tell something
    for group in holders.values():
        # {student: {representation: (its first run, kinds)}}: a run is held against
        # each other student once, not against each of their runs.
        found = collections.defaultdict(dict)
        for number, run in group:
            _, kinds = found[number].setdefault(run.representation, (run, set()))
            kinds.add(_kind(run))
        many = len(found) > MANY
        others = list(found.items())[: 1 if many else MANY]
        for number, run in group:
            settled = len(found[number][run.representation][1]) > 1
            n_seeded[number] += run.seeded and not settled
            for other, theirs in others:
                if other == number:
                    continue
                for name, (first, _) in itertools.islice(theirs.items(), 2 - many):
                    if name != run.representation:
                        strange.setdefault((number, other), (run.run, first.run))
                _, kinds = theirs.get(run.representation, (None, ()))
                if not many and not settled and len(kinds) > (_kind(run) in kinds):
                    shared[number, other].add(run.run)
    for (number, other), (run, theirs) in sorted(strange.items()):
        students[number].flags.append(
            f"{shown(run)} has exactly the clusters of {shown(theirs)} of "
            f"{_who(students[other])}."
        )
    for (number, other), runs in sorted(shared.items()):
        if len(runs) >= MIN_SHARED and len(runs) >= MIN_SHARE * n_seeded[number]:
            students[number].flags.append(
                f"{len(runs)} of {n_seeded[number]} runs with chance in them have "
                f"exactly the clusters of {_who(students[other])}, from other seeds."
            )


def flag_far(students):
    """Flag runs that score far from what most of the class got for the same thing."""
    scores = collections.defaultdict(dict)
    for number, student in enumerate(students):
        if not student.counted.review.self_supplied:
            for run in student.counted.review.runs:
                kind = (run.representation, run.algorithm, run.k)
                scores[kind].setdefault(number, []).append(run)
    for _, by_student in sorted(scores.items()):
        if len(by_student) < FEW:
            continue
        middle = statistics.median(
            run.scores["nmi"] for runs in by_student.values() for run in runs
        )
        for number, runs in by_student.items():
            far = [run for run in runs if abs(run.scores["nmi"] - middle) > FAR]
            if far:
                students[number].flags.append(
                    f"{shown(far[0].run)} has NMI {far[0].scores['nmi']:.3f}; the "
                    f"middle of the class for this is {middle:.3f}."
                )


def _kind(run):
    """Runs of one kind are expected to have the same clusters."""
    seed = run.seed if run.seeded else None
    return (run.representation, run.algorithm, run.k, seed)


def _who(student):
    return f"{shown(student.name)} ({shown(student.student_id)})"
