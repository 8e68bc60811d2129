"""The command line: `python -m course_utils compare`, `cache`, `backbones`."""

import argparse
import os
import shlex
import sys
import warnings

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
    compare.add_argument("--out", default="results", help="folder (default: results)")
    compare.add_argument(
        "--folder", help="where Caltech-101 lies already (or set COURSE_CALTECH101)"
    )

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
    from course_utils import backbones, datasets, experiments, handcrafted, report

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
    results, labels = experiments.run(
        image_set,
        chosen,
        algorithms,
        k=options.k,
        seeds=options.seeds,
        out=options.out,
    )
    if results.empty:
        raise ValueError("no run was possible: every representation was skipped.")
    command = "python -m course_utils " + shlex.join(arguments)
    files = report.write(image_set, results, labels, options.out, command)
    print(report.readable(results).to_string(index=False))
    print(f"\nMeans over the seeds, ± their spread. Open {files[-1]}")


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
