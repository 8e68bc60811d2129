"""The command line, `python -m course_utils COMMAND`.

compare an image set by several representations; draw a map of it; extract the features
of very many pictures; submit the results, check the file, and grade those of a class;
list the cached features and the backbones.
"""

import argparse
import json
import os
import shlex
import sys
import warnings
from pathlib import Path

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
INTERRUPTED = 130  # what shells give: 128 + SIGINT
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def main(arguments=None):
    """Run one command; returns the exit status.

    0, or 2 with a sentence on stderr, or 130 with one after Ctrl-C.
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a Windows console may know no √ or 日
            stream.reconfigure(errors="replace")
    options = parser().parse_args(arguments)
    warnings.showwarning = lambda message, *_: print(
        f"note: {message}", file=sys.stderr
    )
    try:
        COMMANDS[options.run](options, arguments)
    except Exception as error:
        if not _is_told(error):
            raise
        told = error
        if isinstance(error, OSError) and error.strerror:  # without "[Errno 13]"
            told = f"{error.filename or 'a file'}: {error.strerror}"
        print(f"course_utils: {told}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"\n{STOPPED.get(options.run, STARTS_ANEW)}", file=sys.stderr)
        return INTERRUPTED
    return 0


def _is_told(error):
    """Whether an error says in a sentence what to do; others show where they arose.

    Such are the course's own, whatever their kind, and a package that is missing.
    """
    kinds = ValueError, OSError, MemoryError, ImportError
    return isinstance(error, kinds) or type(error).__module__.startswith("course_utils")


def _compare(options, arguments):
    from course_utils.experiments import report, runs
    from course_utils.representations import backbones, handcrafted

    groups = {"bundled": backbones.BUNDLED, "ten": backbones.TEN}
    groups["modern"] = backbones.MODERN
    chosen = _split(options.representations)
    if options.backbones or not chosen:
        chosen = chosen or list(handcrafted.NAMES)
        for name in _split(options.backbones) or ["bundled"]:
            chosen += groups.get(name, [name])
    algorithms = _split(options.algorithms)
    runs.check_names(chosen, algorithms)  # before a long download
    runs.check_out(options.out)
    image_set = _load(options, rest=", see problems.csv")
    choice = _choose(image_set, options, chosen, algorithms)
    seeds = options.seeds
    if options.student:
        from course_utils.homework import submission

        seeds = submission.seeds(options.student, seeds)
    results, labels = runs.run(
        image_set,
        chosen,
        algorithms,
        k=choice.n_clusters if choice else options.k,
        seeds=seeds,
        out=options.out,
    )
    if results.empty:
        raise ValueError("no run was possible: every representation was skipped.")
    command = "python -m course_utils " + shlex.join(arguments)
    files = report.write(
        image_set, results, labels, options.out, command, choice=choice
    )
    print(report.readable(results).to_string(index=False))
    print(f"\nMeans over the seeds, ± their spread. Open {files[-1]}")


def _choose(image_set, options, chosen, algorithms):
    """What is proposed without labels, and printed; None where nothing is to choose."""
    from course_utils.experiments import report, runs
    from course_utils.representations import backbones

    if not options.choose and (image_set.true_labels is not None or options.k):
        return None
    if not options.choose:  # only how many clusters
        network = backbones.BUNDLED[0]
        chosen = [network if network in chosen else chosen[0]]
        algorithms = algorithms[:1]
    choice = runs.choose(image_set, chosen, algorithms, k=options.k)
    print(f"\n{report.evidence(choice).to_string(index=False)}\n")
    if len(choice.ranking) > 1:
        print(f"{report.ranking(choice).to_string(index=False)}\n")
    print(report.proposal(choice, image_set), "\n")
    return choice


def _map(options, _):
    from course_utils.clustering.algorithms import parse_algorithm
    from course_utils.maps import image_map
    from course_utils.representations import extraction

    extraction.parse(options.representation)  # before a long download
    if options.algorithm:
        parse_algorithm(options.algorithm)
    image_map.check_out(options.out)
    image_set = _load(options)
    page = image_map.export(
        image_set,
        options.out,
        representation=options.representation,
        algorithm=options.algorithm,
        k=options.k,
        seed=options.seed,
        wanted=_split(options.layouts) or image_map.LAYOUTS,
        coordinates=options.coordinates,
    )
    print(f"Open {page}")


def _extract(options, _):
    from course_utils._support import files
    from course_utils.clustering import out_of_core
    from course_utils.images import streams
    from course_utils.images.image_set import left_out
    from course_utils.representations import extraction, feature_store

    extraction.parse(options.representation)
    if options.k:
        out_of_core.check_out_of_core(options.algorithm)  # before hours of work
    folder = feature_store.Folder.at(options.to)
    if folder.is_local:
        files.check_no_file(folder.address)
    about = folder.json(feature_store.ABOUT) or folder.json(feature_store.OLD_ABOUT)
    if folder.names() and not (isinstance(about, dict) and "depends_on" in about):
        raise ValueError(f"{folder.address} holds other files: give a new folder.")
    stream = streams.open_stream(options.source, part_size=options.part_size)
    found = extraction.extract(
        stream,
        options.representation,
        to=options.to,
        engine=options.engine,
        batch_size=options.batch_size,
    )
    problems = found.problems
    found.folder.write("_problems.csv", problems.to_csv(index=False).encode())
    pairs = list(problems.itertuples(index=False))
    print(found, *left_out(pairs, ", see _problems.csv"), sep="\n")
    if options.k:
        # Readers of the features skip what begins with "_".
        name = f"_{options.algorithm}-k{options.k}-s{options.seed}"
        about = _cluster_parts(
            found,
            options.algorithm,
            options.k,
            seed=options.seed,
            engine=options.engine,
            to=f"{found.folder.address}/{name}",
        )
        found.folder.write(f"{name}.json", json.dumps(about, indent=1).encode())
        for score, value in about["scores"].items():
            print(f"{score:16} {value:.3f}")
    print(f"Everything is in {found.folder.address}")


def _cluster_parts(found, algorithm, k, *, seed=0, engine=None, to=None):
    """Cluster the pictures of a `FeatureParts`; labels go to the folder `to`.

    Returns: dict with the number of pictures, the size of every cluster, and the scores
    of the pictures that have a true label (none if none has).
    """
    import numpy as np

    from course_utils.clustering import out_of_core

    model = out_of_core.fit_out_of_core(found, algorithm, k, random_state=seed)
    labelled = out_of_core.label_out_of_core(found, model, to=to, engine=engine)
    sizes = np.bincount(labelled.cluster_labels, minlength=k)
    return {
        "algorithm": algorithm,
        "k": k,
        "seed": seed,
        "representation": found.representation,
        "n_images": found.n_images,
        "n_labelled": 0 if labelled.table is None else int(labelled.table.sum().sum()),
        "scores": {} if labelled.table is None else labelled.scores,
        "sizes": sizes.tolist(),
    }


def _load(options, rest=""):
    """The image set of a command; says what is in it, and the first files left out."""
    from course_utils.images import datasets
    from course_utils.images.image_set import left_out

    image_set = datasets.load(options.image_set, folder=options.folder)
    print(image_set, *left_out(image_set.problems, rest), sep="\n")
    return image_set


def _submit(options, _):
    from course_utils.homework import self_check, submission
    from course_utils.homework.grading import rubric
    from course_utils.images import datasets
    from course_utils.lessons import exercises

    out = options.out or f"{options.student}.zip"
    submission.check_out(out)
    rules = rubric.load_rubric(options.rubric)
    answers = submission.read_answers(options.answers) if options.answers else {}
    name = options.image_set or submission.image_set_of(options.results)
    image_set = datasets.load(name)
    results, labels = submission.read_results(options.results, image_set)
    values, code = {}, {}
    if options.functions:
        values, sentences = submission.try_functions(
            options.student, file=options.functions
        )
        for sentence in sentences:
            print(f"note: {sentence}", file=sys.stderr)
        code = submission.source_of(file=options.functions)
    submission.submit(
        out,
        image_set,
        results,
        labels,
        student_id=options.student,
        name=options.name,
        exercises=values,
        answers=answers,
        progress=exercises.progress(),
        self_supplied_labels=name not in datasets.NAMES,
        code={} if options.no_code else code,
        contact_sheet=not options.no_contact_sheet,
    )
    print(f"wrote {out}")
    for question, answer in answers.items():  # as it was read
        print(f"{len(answer.split())} words answer {question!r}")
    print()
    print(self_check.check_submission(out, image_set, rules))


def _check(options, _):
    from course_utils.homework import self_check
    from course_utils.homework.grading import rubric
    from course_utils.images import datasets

    image_set = datasets.load(options.image_set)
    rules = rubric.load_rubric(options.rubric)
    print(self_check.check_submission(options.file, image_set, rules))


def _grade(options, _):
    import matplotlib

    matplotlib.use("Agg")
    from course_utils.homework.grading import (
        adjustments,
        gradebook,
        grader,
        inbox,
        marks,
        roster,
        rubric,
    )
    from course_utils.images import datasets

    out, folder = Path(options.out).resolve(), Path(options.folder).resolve()
    if out == folder or folder in out.parents:
        raise ValueError(f"--out {out} lies in the submissions: give another folder.")
    gradebook.check_out(out)
    deadline = inbox.parse_deadline(options.deadline) if options.deadline else None
    rules = rubric.load_rubric(options.rubric)
    marked = [out / name for name in gradebook.MARKS if (out / name).exists()]
    most = rules["points"]["answers"]["points"]
    by_hand = options.adjustments or out / "adjustments.csv"
    adjusted = options.adjustments or Path(by_hand).exists()
    graded = grader.grade(
        options.folder,
        datasets.load(options.image_set),
        deadline=deadline,
        times=options.times,
        roster=roster.load(options.roster) if options.roster else None,
        rules=rules,
        marks=marks.load_marks([*marked, *options.marks], most),
        adjustments=adjustments.load_adjustments(by_hand) if adjusted else (),
        replay=options.replay,
        progress=True,
    )
    _, notes = gradebook.write(
        graded,
        out,
        options.assignment,
        even_so=options.even_so,
        named_answers=options.name_answers,
    )
    print(grader.sentence(graded))
    for note in notes:
        print(f"note: {note}")
    print(f"Open {out / 'overview.html'}")


def _split(names):
    """Names given apart or with commas."""
    return [n for name in names or () for n in name.split(",") if n]


def _cache(options, _):
    from course_utils.representations import cache

    if options.action == "clear":
        print(f"freed {cache.clear(options.representation) / 1e6:.1f} MB")
        return
    entries = cache.entries()
    print(cache.features_dir())
    print("empty" if entries.empty else entries.to_string(index=False))


def _backbones(options, _):
    from course_utils.representations import backbones

    print(backbones.backbone_table().to_string())


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


DESCRIPTION = (
    "Compare an image set by several representations; draw a map of it; extract the "
    "features of very many pictures; submit the results, check the file, and grade "
    "those of a class; list the cache of features and the backbones."
)


def _whole(least):
    """A parser of whole numbers, `least` or more."""

    def parse(text):
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise argparse.ArgumentTypeError(
                f"give a whole number, {least} or more, not {text!r}"
            )
        return number

    return parse


def _all_or_number(text):
    return text if text == "all" else _whole(0)(text)


def parser():
    """The parser; `run` of what it parses names the command."""
    top = argparse.ArgumentParser(
        prog="python -m course_utils", description=DESCRIPTION
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    compare = commands.add_parser(
        "compare",
        help="cluster an image set by several representations and score them",
        description="Cluster an image set by several representations and score them.",
    )
    compare.set_defaults(run="compare")
    _add_image_set(compare)
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
        help="bundled (default), ten, modern, or names as `backbones` lists them",
    )
    compare.add_argument(
        "--algorithms",
        nargs="+",
        metavar="NAME",
        default=["l2+kmeans", "l2+ward"],
        help="like kmeans or l2+pca50+ward (default: l2+kmeans l2+ward)",
    )
    compare.add_argument(
        "--k",
        type=_whole(1),
        help="clusters (default: the number of classes; without true labels, a number "
        "is proposed)",
    )
    compare.add_argument(
        "--choose",
        action="store_true",
        help="rank the representations and algorithms without looking at true labels, "
        "and propose a number of clusters unless --k gives it",
    )
    compare.add_argument(
        "--seeds", type=_whole(1), default=5, help="seeds 0, 1, … (default 5)"
    )
    compare.add_argument(
        "--student",
        metavar="ID",
        help="your student id: takes the seeds that are yours instead of 0, 1, …",
    )
    compare.add_argument("--out", default="results", help="folder (default: results)")

    _add_map(commands)
    _add_extract(commands)

    submit = commands.add_parser("submit", help="write results as one file to hand in")
    submit.set_defaults(run="submit")
    submit.add_argument("results", nargs="?", default="results", help="of `compare`")
    submit.add_argument("--student", required=True, metavar="ID", help="student id")
    submit.add_argument("--name", required=True)
    submit.add_argument("--image-set", help="name or folder, as you compared it")
    submit.add_argument(
        "--functions",
        metavar="FILE.py",
        help="your purity, nmi and fowlkes_mallows; the file is run here, and the text "
        "of the three is handed in",
    )
    submit.add_argument(
        "--answers",
        metavar="FILE",
        help="your written answers: a text file with the lines `Answer 1` and `Answer "
        "2` above them (or a line --- between them), or JSON {question: answer}",
    )
    submit.add_argument("--rubric", metavar="FILE", help="if your instructor gave one")
    submit.add_argument(
        "--no-code", action="store_true", help="leave out the text of your functions"
    )
    submit.add_argument(
        "--no-contact-sheet",
        action="store_true",
        help="leave out the small picture that shows your own images class by class",
    )
    submit.add_argument("--out", metavar="FILE", help="default: STUDENT.zip")

    check = commands.add_parser("check", help="what the grader will say of a file")
    check.set_defaults(run="check")
    check.add_argument("file")
    check.add_argument("--image-set", default="stamps", help="name or folder")
    check.add_argument("--rubric", metavar="FILE", help="if your instructor gave one")

    grade = commands.add_parser("grade", help="grade the submissions of a class")
    grade.set_defaults(run="grade")
    grade.add_argument("folder", help="of submissions, or Canvas' or Moodle's download")
    grade.add_argument("--image-set", default="stamps", help="name or folder")
    grade.add_argument("--deadline", metavar="TIME", help="2026-11-30T23:59+01:00")
    grade.add_argument(
        "--times",
        metavar="CSV",
        help="when files came: a table of file or student, and time; or the word files "
        "for the times of the files themselves",
    )
    grade.add_argument(
        "--roster",
        metavar="CSV",
        help="Canvas' gradebook or Moodle's grading worksheet, into which the grades "
        "go, or a table of your own",
    )
    grade.add_argument("--rubric", metavar="FILE", help="default: grading/rubric.yaml")
    grade.add_argument(
        "--marks",
        metavar="CSV",
        nargs="+",
        default=[],
        help="marks beside OUT/marks.csv, of several people for example",
    )
    grade.add_argument(
        "--adjustments", metavar="CSV", help="default: OUT/adjustments.csv"
    )
    grade.add_argument("--assignment", help="its name, as in Canvas' gradebook")
    grade.add_argument(
        "--replay",
        type=_all_or_number,
        metavar="N",
        help="runs per student to compute again: a number, 0 or all (default: the "
        "rubric's)",
    )
    grade.add_argument(
        "--even-so",
        action="store_true",
        help="write the file to import although the same trouble hits many students",
    )
    grade.add_argument(
        "--name-answers", action="store_true", help="show who wrote which answer"
    )
    grade.add_argument("--out", required=True, help="folder for everything")

    cache = commands.add_parser("cache", help="list or clear the cached features")
    cache.set_defaults(run="cache")
    cache.add_argument("action", choices=["list", "clear"])
    cache.add_argument("representation", nargs="?", help="clear only this one")

    backbones = commands.add_parser(
        "backbones", help="the table of pretrained networks"
    )
    backbones.set_defaults(run="backbones")
    return top


def _add_map(commands):
    words = "draw an image set as a map of thumbnails, a page for any browser"
    image_map = commands.add_parser("map", help=words, description=words.capitalize())
    image_map.set_defaults(run="map")
    _add_image_set(image_map)
    image_map.add_argument(
        "--representation", default="EfficientNetLite0", help="default: %(default)s"
    )
    image_map.add_argument(
        "--algorithm",
        default="l2+kmeans",
        help="of the clusters (default: %(default)s)",
    )
    image_map.add_argument(
        "--k", type=_whole(1), help="clusters (default: number of classes, else √(n/2))"
    )
    image_map.add_argument("--seed", type=_whole(0), default=0, help="default: 0")
    image_map.add_argument(
        "--layouts",
        nargs="+",
        metavar="NAME",
        help="of umap, tsne, pca, grid, cluster, class (default: all but pca)",
    )
    image_map.add_argument(
        "--coordinates", metavar="MAP", help="an earlier map, to keep its places"
    )
    image_map.add_argument(
        "--out",
        default="map.html",
        help="a file in .html with everything in it, or a folder, better for more than "
        "10,000 pictures (default: map.html)",
    )


def _add_extract(commands):
    words = "features, and clusters, of pictures too many to list"
    extract = commands.add_parser("extract", help=words, description=words.capitalize())
    extract.set_defaults(run="extract")
    extract.add_argument(
        "source",
        help="a folder tree, a manifest (.csv, .parquet with the column image), tar "
        "shards (train-{0000..0099}.tar), or an address of fsspec (s3://…)",
    )
    extract.add_argument(
        "--to",
        required=True,
        help="folder, or address of fsspec, for everything. Called again, only new and "
        "changed pictures are computed; one edited with its size and modification time "
        "unchanged is not noticed: then delete this folder",
    )
    extract.add_argument(
        "--representation", default="EfficientNetLite0", help="default: %(default)s"
    )
    extract.add_argument(
        "--engine",
        help="dask, dask:4 (processes here), or a scheduler's address, tcp://host:8786 "
        "(default: this process)",
    )
    extract.add_argument(
        "--part-size",
        type=_whole(1),
        default=1024,
        help="pictures per part (default: 1024)",
    )
    extract.add_argument(
        "--batch-size", type=_whole(1), help="pictures per step of a network"
    )
    extract.add_argument(
        "--k", type=_whole(1), help="also cluster, into so many clusters"
    )
    extract.add_argument(
        "--algorithm",
        default="l2+pca50+minibatch",
        help="minibatch or kmeans, after l2, pca50, whiten50 (default: %(default)s)",
    )
    extract.add_argument("--seed", type=_whole(0), default=0, help="default: 0")


def _add_image_set(command):
    command.add_argument(
        "image_set",
        nargs="?",
        default="stamps",
        help="stamps, stamps-all, photos, words, caltech101, caltech101-objects, or a "
        "folder (default: stamps); write it before the options",
    )
    command.add_argument(
        "--folder", help="where Caltech-101 lies already (or set COURSE_CALTECH101)"
    )


if __name__ == "__main__":
    sys.exit(main())
