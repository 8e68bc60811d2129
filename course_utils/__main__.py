"""The command line, `python -m course_utils COMMAND`.

compare an image set by several representations; draw a map of it; extract the features
of very many pictures; submit the results, check the file, and grade those of a class;
list the cached features and the backbones.
"""

import os
import sys

from course_utils import interruption

STOPPED = {  # what is true of a command after Ctrl-C
    "compare": "stopped; the same command goes on from here.",
    "map": "stopped; finished features and layouts are kept, and the same command goes "
    "on from there. Until it has ended, --out is no whole map.",
    "extract": "stopped; finished parts are kept, and the same command goes on from "
    "there.",
    "grade": "stopped; the same command starts anew. What is in --out may be of two "
    "gradings until then.",
}
STARTS_ANEW = "stopped; the same command starts anew."
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def main(arguments=None):
    """Run one command; returns the exit status.

    0, or 2 with a sentence on stderr, or 130 with one after Ctrl-C.
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    try:
        return _run(arguments)
    except KeyboardInterrupt:
        pass
    except Exception:
        if not interruption.pressed.is_set():
            raise  # otherwise it is what a library makes of Ctrl-C in its import
    print(f"\n{_stopped(arguments)}", file=sys.stderr)
    return interruption.STATUS


def _run(arguments):
    import warnings

    from course_utils import command_line

    options = command_line.parser().parse_args(arguments)
    warnings.showwarning = lambda message, *_: print(
        f"note: {message}", file=sys.stderr
    )
    try:
        COMMANDS[options.run](options, arguments)
    except (ValueError, OSError, MemoryError) as error:
        if interruption.pressed.is_set():
            raise
        told = error
        if isinstance(error, OSError) and error.strerror:  # without "[Errno 13]"
            told = f"{error.filename or 'a file'}: {error.strerror}"
        print(f"course_utils: {told}", file=sys.stderr)
        return 2
    return 0


def _stopped(arguments):
    """The sentence after Ctrl-C."""
    return STOPPED.get(next(iter(arguments), ""), STARTS_ANEW)


def _compare(options, arguments):
    import shlex

    import matplotlib

    matplotlib.use("Agg")
    from course_utils import (
        backbones,
        experiments,
        handcrafted,
        report,
        submission,
    )

    groups = {"bundled": backbones.BUNDLED, "ten": backbones.TEN}
    chosen = _split(options.representations)
    if options.backbones or not chosen:
        chosen = chosen or list(handcrafted.NAMES)
        for name in _split(options.backbones) or ["bundled"]:
            chosen += groups.get(name, [name])
    algorithms = _split(options.algorithms)
    experiments.check_names(chosen, algorithms)  # before a long download
    image_set = _load(options, rest=", see problems.csv")
    seeds = options.seeds
    if options.student:
        seeds = submission.seeds(options.student, seeds)
    results, labels = experiments.run(
        image_set, chosen, algorithms, k=options.k, seeds=seeds, out=options.out
    )
    if results.empty:
        raise ValueError("no run was possible: every representation was skipped.")
    command = "python -m course_utils " + shlex.join(arguments)
    files = report.write(image_set, results, labels, options.out, command)
    print(report.readable(results).to_string(index=False))
    print(f"\nMeans over the seeds, ± their spread. Open {files[-1]}")


def _map(options, _):
    from course_utils import clustering, features, imagemap

    features.parse(options.representation)  # before a long download
    if options.algorithm:
        clustering.parse(options.algorithm)
    image_set = _load(options)
    page = imagemap.export(
        image_set,
        options.out,
        representation=options.representation,
        algorithm=options.algorithm,
        k=options.k,
        seed=options.seed,
        wanted=_split(options.layouts) or imagemap.LAYOUTS,
        coordinates=options.coordinates,
    )
    print(f"Open {page}")


def _extract(options, _):
    from course_utils import archive

    archive.run(options)


def _load(options, rest=""):
    """The image set of a command; says what is in it, and the first files left out."""
    from course_utils import datasets, imagesets

    image_set = datasets.load(options.image_set, folder=options.folder)
    print(image_set, *imagesets.left_out(image_set.problems, rest), sep="\n")
    return image_set


def _submit(options, _):
    from course_utils import datasets, hand_in, submission, submission_check

    name = options.image_set or hand_in.image_set_of(options.results)
    image_set = datasets.load(name)
    results, labels = hand_in.read_results(options.results, image_set)
    functions = hand_in.functions_of(options.functions) if options.functions else {}
    out = options.out or f"{options.student}.zip"
    submission.write(
        out,
        image_set,
        results,
        labels,
        student_id=options.student,
        name=options.name,
        exercises=submission.exercise_values(options.student, **functions),
        answers=hand_in.read_answers(options.answers) if options.answers else {},
        self_supplied_labels=name not in datasets.NAMES,
    )
    print(f"wrote {out}\n")
    print(submission_check.report(out, image_set))


def _check(options, _):
    from course_utils import datasets, submission_check
    from course_utils.grading import rubric

    image_set = datasets.load(options.image_set)
    rules = rubric.load(options.rubric)
    print(submission_check.report(options.file, image_set, rules))


def _grade(options, _):
    from pathlib import Path

    import matplotlib

    matplotlib.use("Agg")
    from course_utils import datasets, grading
    from course_utils.grading import gradebook, marks, receipts, roster, rubric

    out, folder = Path(options.out).resolve(), Path(options.folder).resolve()
    if out == folder or folder in out.parents:
        raise ValueError(f"--out {out} lies in the submissions: give another folder.")
    deadline = receipts.parse_deadline(options.deadline) if options.deadline else None
    graded = grading.grade(
        options.folder,
        datasets.load(options.image_set),
        deadline=deadline,
        times=options.times,
        roster=roster.load(options.roster) if options.roster else None,
        rules=rubric.load(options.rubric),
        marks=marks.load(options.marks) if options.marks else None,
    )
    gradebook.write(graded, out, assignment=options.assignment)
    print(grading.sentence(graded))
    for note in gradebook.notes(graded):
        print(f"note: {note}")
    print(f"Open {out / 'overview.html'}")


def _split(names):
    """Names given apart or with commas."""
    return [n for name in names or () for n in name.split(",") if n]


def _cache(options, _):
    from course_utils import cache

    if options.action == "clear":
        print(f"freed {cache.clear(options.representation) / 1e6:.1f} MB")
        return
    entries = cache.entries()
    print(cache.features_dir())
    print("empty" if entries.empty else entries.to_string(index=False))


def _backbones(options, _):
    from course_utils import backbones

    print(backbones.table().to_string())


COMMANDS = {
    "compare": _compare,
    "map": _map,
    "extract": _extract,
    "submit": _submit,
    "check": _check,
    "grade": _grade,
    "cache": _cache,
    "backbones": _backbones,
}

if __name__ == "__main__":
    interruption.watch(_stopped(sys.argv[1:]))
    interruption.leave(main())
