"""The words of the command line; `__main__` does what they ask for."""

import argparse

DESCRIPTION = (
    "Compare an image set by several representations; draw a map of it; extract the "
    "features of very many pictures; submit the results, check the file, and grade "
    "those of a class; list the cache of features and the backbones."
)


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
        help="your purity, nmi and fowlkes_mallows; the file is run here",
    )
    submit.add_argument(
        "--answers",
        metavar="FILE",
        help="your written answers: a text file, or JSON {question: answer}",
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
    grade.add_argument("--times", metavar="CSV", help="receipts: file or student, time")
    grade.add_argument("--roster", metavar="CSV", help="Canvas', Moodle's, or your own")
    grade.add_argument("--rubric", metavar="FILE", help="default: grading/rubric.yaml")
    grade.add_argument("--marks", metavar="CSV", help="marks.csv, filled in")
    grade.add_argument("--assignment", default="Image clustering", help="Canvas' name")
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
        "--k", type=int, help="clusters (default: number of classes, else √(n/2))"
    )
    image_map.add_argument("--seed", type=int, default=0, help="default: 0")
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
        "--to", required=True, help="folder, or address of fsspec, for everything"
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
        "--part-size", type=int, default=1024, help="pictures a part (default: 1024)"
    )
    extract.add_argument("--batch-size", type=int, help="pictures a step of a network")
    extract.add_argument("--k", type=int, help="also cluster, into so many clusters")
    extract.add_argument(
        "--algorithm",
        default="l2+pca50+minibatch",
        help="minibatch or kmeans, after l2, pca50, whiten50 (default: %(default)s)",
    )
    extract.add_argument("--seed", type=int, default=0, help="default: 0")


def _add_image_set(command):
    command.add_argument(
        "image_set",
        nargs="?",
        default="stamps",
        help="stamps, stamps-all, caltech101, caltech101-objects, or a folder "
        "(default: stamps); write it before the options",
    )
    command.add_argument(
        "--folder", help="where Caltech-101 lies already (or set COURSE_CALTECH101)"
    )
