"""Runs that cannot have come about as they say; a person is asked to look at them."""

from course_utils import clustering, features, submission
from course_utils.texts import shown


def flag(found, student_id, own_seeds):
    """Add to the flags of a Review what cannot have come about as it is said.

    own_seeds: also the seeds that are not those of the student id.
    """
    runs = found.runs
    differing = [(run, score) for run in runs for score in run.differing]
    if differing:
        run, score = max(
            differing, key=lambda d: abs(d[0].claimed[d[1]] - d[0].scores[d[1]])
        )
        found.flags.append(
            f"claimed scores are not those of the labels in "
            f"{len({run.run for run, _ in differing})} of {len(runs)} runs; most in "
            f"{shown(run.run)}: {score} claimed {run.claimed[score]:.4g}, recomputed "
            f"{run.scores[score]:.4g}."
        )

    def note(which, what):
        named = [run for run in runs if which(run)]
        if named:
            more = f" and {len(named) - 1} more" if len(named) > 1 else ""
            found.flags.append(f"{shown(named[0].run)}{more}: {what}")

    note(
        lambda r: r.run != f"{r.representation}/{r.algorithm}/k{r.k}/s{r.seed}",
        "the name does not say representation/algorithm/k/seed of the run.",
    )
    note(
        lambda r: not _known(features.parse, r.representation),
        "the course has no such representation.",
    )
    note(
        lambda r: not _known(clustering.parse, r.algorithm),
        "the course has no such algorithm.",
    )
    note(
        lambda r: (
            r.n_clusters > r.k and r.algorithm.split("+")[-1] not in clustering.FIND_K
        ),
        "it has more clusters than its k.",
    )
    note(
        lambda r: not r.trivial and r.scores["nmi"] > 1 - 1e-9,
        "its clusters are exactly the true classes.",
    )
    by_partition = {}
    for run in runs:
        by_partition.setdefault(run.partition, set()).add(run.representation)
    note(
        lambda r: not r.trivial and len(by_partition[r.partition]) > 1,
        "another representation has exactly the same clusters.",
    )
    if own_seeds:
        own = set(submission.seeds(student_id, 100))
        note(
            lambda r: r.seeded and r.seed not in own,
            "the seed is not one of this student's (submission.seeds).",
        )


def _known(parse, name):
    try:
        parse(name)
    except ValueError:
        return False
    return True
