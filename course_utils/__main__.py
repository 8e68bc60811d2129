"""The command line, `python -m course_utils COMMAND`.

compare an image set by several representations; submit the results, check the file, and
grade those of a class; list the cache of features and the table of backbones.
"""

import argparse
import os
import shlex
import sys
import warnings
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def main(arguments=None):
    """Run one command; returns the exit status (0, or 2 with a sentence on stderr)."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    options = _parser().parse_args(arguments)
    warnings.showwarning = lambda message, *_: print(
        f"note: {message}", file=sys.stderr
    )
    try:
        options.run(options, arguments)
    except (ValueError, OSError, MemoryError) as error:
        told = error
        if isinstance(error, OSError) and error.strerror:  # without "[Errno 13]"
            told = f"{error.filename or 'a file'}: {error.strerror}"
        print(f"course_utils: {told}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on from here.", file=sys.stderr)
        return 130
    return 0


def _parser():
    parser = argparse.ArgumentParser(prog="python -m course_utils", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    compare = commands.add_parser(
        "compare",
        help="cluster an image set by several representations and score them",
        description="Cluster an image set by several representations and score them.",
    )
    compare.set_defaults(run=_compare)
    compare.add_argument(
        "image_set",
        nargs="?",
        default="stamps",
        help="stamps, stamps-all, caltech101, caltech101-objects, or a folder "
        "(default: stamps); write it before the options",
    )
    compare.add_argument(
        "--representations",
        nargs="+",
        metavar="NAME",
        help="raw, colour, hog, lbp, bovw, bovw:tfidf, a backbone, or Backbone:layer "
        "(default: the five handcrafted ones and --backbones)",
    )
    compare.add_argument(
        "--backbones",
        nargs="+",
        metavar="NAME",
        help="bundled (default), ten, or names as `backbones` lists them",
    )
    compare.add_argument(
        "--algorithms",
        nargs="+",
        metavar="NAME",
        default=["l2+kmeans", "l2+ward"],
        help="like kmeans or l2+pca50+ward (default: l2+kmeans l2+ward)",
    )
    compare.add_argument("--k", type=int, help="clusters (default: number of classes)")
    compare.add_argument(
        "--seeds", type=int, default=5, help="seeds 0, 1, … (default 5)"
    )
    compare.add_argument(
        "--student",
        metavar="ID",
        help="your student id: takes the seeds that are yours instead of 0, 1, …",
    )
    compare.add_argument("--out", default="results", help="folder (default: results)")
    compare.add_argument(
        "--folder", help="where Caltech-101 lies already (or set COURSE_CALTECH101)"
    )

    submit = commands.add_parser("submit", help="write results as one file to hand in")
    submit.set_defaults(run=_submit)
    submit.add_argument("results", nargs="?", default="results", help="of `compare`")
    submit.add_argument("--student", required=True, metavar="ID", help="student id")
    submit.add_argument("--name", required=True)
    submit.add_argument("--image-set", default="stamps", help="name or folder")
    submit.add_argument(
        "--functions",
        metavar="FILE.py",
        help="your purity, nmi and fowlkes_mallows; the file is run here",
    )
    submit.add_argument(
        "--answers",
        metavar="FILE",
        help="your written answers: a text file, or JSON {question: answer}",
    )
    submit.add_argument("--out", metavar="FILE", help="default: STUDENT.zip")

    check = commands.add_parser("check", help="what the grader will say of a file")
    check.set_defaults(run=_check)
    check.add_argument("file")
    check.add_argument("--image-set", default="stamps", help="name or folder")
    check.add_argument("--rubric", metavar="FILE", help="if your instructor gave one")

    grade = commands.add_parser("grade", help="grade the submissions of a class")
    grade.set_defaults(run=_grade)
    grade.add_argument("folder", help="of submissions, or Canvas' or Moodle's download")
    grade.add_argument("--image-set", default="stamps", help="name or folder")
    grade.add_argument("--deadline", metavar="TIME", help="2026-11-30T23:59+01:00")
    grade.add_argument("--times", metavar="CSV", help="receipts: file or student, time")
    grade.add_argument("--roster", metavar="CSV", help="Canvas', Moodle's, or your own")
    grade.add_argument("--rubric", metavar="FILE", help="default: grading/rubric.yaml")
    grade.add_argument("--marks", metavar="CSV", help="marks.csv, filled in")
    grade.add_argument("--assignment", default="Image clustering", help="Canvas' name")
    grade.add_argument("--out", required=True, help="folder for everything")

    cache = commands.add_parser("cache", help="list or clear the cached features")
    cache.set_defaults(run=_cache)
    cache.add_argument("action", choices=["list", "clear"])
    cache.add_argument("representation", nargs="?", help="clear only this one")

    backbones = commands.add_parser(
        "backbones", help="the table of pretrained networks"
    )
    backbones.set_defaults(run=_backbones)
    return parser


def _compare(options, arguments):
    import matplotlib

    matplotlib.use("Agg")
    from course_utils import (
        backbones,
        datasets,
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
    image_set = datasets.load(options.image_set, folder=options.folder)
    print(image_set)
    for image, reason in image_set.problems[:10]:
        print(f"left out: {image}: {reason}")
    if len(image_set.problems) > 10:
        print(f"… and {len(image_set.problems) - 10} more, see problems.csv")
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


def _submit(options, _):
    from course_utils import datasets, hand_in, submission, submission_check

    image_set = datasets.load(options.image_set)
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
        self_supplied_labels=options.image_set not in datasets.NAMES,
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


if __name__ == "__main__":
    sys.exit(main())
