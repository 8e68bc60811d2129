"""What takes how long, and how does it grow? Run it; it asserts nothing.

    python tests/benchmarks/scale.py [--parts …] [--sizes …] [--folder CALTECH101]

Every measurement is a process of its own: seconds by the clock and of the processor,
and peak memory (see `course_utils.experiments.scaling`). A method is left out where its
growth so far says that it would pass the limit of time or memory, and is stopped if it
passes it all the same; the table says so. OUT gets scale.csv, one row a measurement;
growth.csv, the exponents; scale.png; and journal.jsonl, by which the same command goes
on after Ctrl-C. The pictures are the embedded stamps, repeated as needed, or
Caltech-101.
"""

import argparse
import contextlib
import json
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pandas as pd
import scale_parts
from scale_plot import draw

from course_utils import metrics
from course_utils._support import files
from course_utils.experiments import scaling
from course_utils.experiments.runs import versions
from course_utils.images import datasets

COLUMNS = (
    "part",
    "method",
    "n",  # pictures
    "width",  # numbers a picture, given or made
    "seconds",
    "cpu_seconds",
    "peak_gb",
    "start_gb",
    "rate",  # pictures per second
    "nmi",  # with the true labels of the made-up features: what speed costs
    "note",
)
STOPPED = "stopped; the same command goes on from here."
SMALLEST_GB = 0.01  # memory beyond the start that says anything about growth


def main(arguments=None):
    options = _options().parse_args(arguments)
    options.sizes = sorted(set(options.sizes))
    if options.sizes[0] < 4:
        sys.exit("scale.py: --sizes from 4 pictures on.")
    image_set = (
        datasets.load("caltech101", folder=options.folder)
        if options.folder
        else datasets.load("stamps")
    )
    out = Path(options.out)
    journal = Journal(out, image_set)
    print(f"{os.cpu_count()} cores, {image_set}, {options.limit:g} s a measurement")
    if journal.rows:
        print(f"{len(journal.rows)} measurements are in {journal.path} already.")
    rows = []
    try:
        with tempfile.TemporaryDirectory() as folder:
            made_up = Path(folder, "features.npy")
            _, labels = scaling.blobs(
                made_up,
                options.sizes[-1],
                width=scale_parts.WIDTH,
                n_classes=scale_parts.N_CLASSES,
            )
            np.save(Path(folder, "labels.npy"), labels)
            material = scale_parts.Material(folder, image_set)
            for part in options.parts:
                _measure_part(part, material, options, journal, rows)
    except KeyboardInterrupt:
        print(f"\n{STOPPED}", file=sys.stderr)
        return 130
    table = pd.DataFrame(rows, columns=COLUMNS)
    exponents = growth_table(table, options.backbones)
    for found, name in ((table, "scale.csv"), (exponents, "growth.csv")):
        with files.atomic_file(out / name, "w", encoding="utf-8") as file:
            found.to_csv(file, index=False, float_format="%.5g")
    with files.atomic_file(out / "scale.png") as file:
        draw(table, exponents, options.limit).savefig(file, format="png")
    print(f"\nseconds ≈ a · n^exponent\n{exponents.to_string(index=False)}")
    print(f"\nOpen {out / 'scale.png'}")
    return 0


def _options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parts = scale_parts.PARTS
    parser.add_argument("--parts", nargs="+", choices=parts, default=parts)
    parser.add_argument("--methods", nargs="+", help="of them, only these")
    sizes = [200, 2_000, 9_144, 30_000, 100_000]
    parser.add_argument("--sizes", type=int, nargs="+", default=sizes)
    parser.add_argument("--folder", help="the folder of Caltech-101; else the stamps")
    parser.add_argument("--backbones", nargs="+", default=["EfficientNetLite0"])
    parser.add_argument("--limit", type=float, default=30, help="seconds (default 30)")
    most = round(0.6 * _physical_gb(), 1)
    parser.add_argument("--memory", type=float, default=most, help=f"GB ({most:g})")
    parser.add_argument("--out", default="scale", help="folder (default: scale)")
    return parser


def _physical_gb():
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    except (AttributeError, ValueError, OSError):  # Windows
        return 8.0


def _measure_part(part, material, options, journal, rows):
    """Measure small sizes first, because they forecast the larger ones."""
    print(f"\n{part}")
    for n in options.sizes:
        if part in ("extraction", "handcrafted") and n > scale_parts.MAX_IMAGES:
            continue
        for name, method in scale_parts.methods(part, options.backbones).items():
            if options.methods and name not in options.methods:
                continue
            row = journal.get(part, name, n, options)
            if row is None:
                row = dict.fromkeys(COLUMNS, float("nan"))
                row |= {"part": part, "method": name, "n": n}
                row["note"] = _reason(row, method, options, rows)
                if not row["note"]:
                    row |= _measure(row, method, material, options)
                    journal.add(row, options)
            rows.append(row)
            print(_line(row), flush=True)


def _reason(row, method, options, rows):
    """Why a method is left out at this size; empty if it is not."""
    earlier = [r for r in rows if r["part"] == row["part"]]
    above = row["n"] > method.switch
    done = [
        r
        for r in earlier
        if r["method"] == row["method"] and (r["n"] > method.switch) == above
    ]
    if done and done[-1]["note"]:
        return f"left out: n={done[-1]['n']} was {done[-1]['note'].split(':')[0]}"
    if method.after:
        before = {(r["method"], r["n"]): r["note"] for r in earlier}
        if before.get((method.after, row["n"])):
            return f"left out: so is {method.after.split(': ')[-1]}"
    if not done:
        return ""
    sizes = [r["n"] for r in done]
    seconds = scaling.forecast(sizes, [r["seconds"] for r in done], row["n"])
    if seconds > options.limit:
        return f"left out: about {seconds:.0f} s"
    extra = [max(r["peak_gb"] - r["start_gb"], 1e-6) for r in done]
    memory = done[-1]["start_gb"] + scaling.forecast(sizes, extra, row["n"])
    if extra[-1] >= SMALLEST_GB and memory > options.memory:
        return f"left out: about {memory:.0f} GB"
    return ""


def _measure(row, method, material, options):
    """What a measurement adds to its row."""
    try:
        found = scaling.measure(
            method.function,
            material,
            row["n"],
            method.choice,
            setup=method.setup,
            limit=options.limit,
        )
    except TimeoutError:
        return {"note": f"stopped: after {options.limit:g} s"}
    except (MemoryError, ValueError, RuntimeError, OSError) as error:
        return {"note": f"refused: {error}"}
    filled = {
        "width": scale_parts.width(row["part"], found.value),
        "seconds": found.seconds,
        "cpu_seconds": found.cpu_seconds,
        "peak_gb": found.peak_gb,
        "start_gb": found.start_gb,
        "rate": row["n"] / found.seconds,
    }
    if row["part"] in ("clustering", "ensembles") and found.value is not None:
        true_labels = np.load(Path(material.folder, "labels.npy"))[: row["n"]]
        filled["nmi"] = metrics.nmi(labels_true=true_labels, labels_pred=found.value)
    return filled


def _line(row):
    start = f"{row['method']:36} {row['n']:8,} "
    if row["note"]:
        return start + row["note"]
    nmi = "" if np.isnan(row["nmi"]) else f"  NMI {row['nmi']:.3f}"
    return (
        f"{start}{row['seconds']:10.4f} s {row['cpu_seconds']:10.4f} s CPU "
        f"{row['peak_gb']:6.2f} GB {row['rate']:11,.0f}/s{nmi}"
    )


def growth_table(table, backbones):
    """Exponents of every method's seconds and memory, of what lies beyond the start.

    Where the course takes another algorithm for many pictures, the exponents are of
    that one alone, or of the one below, if only that was measured at two sizes.
    """
    rows = []
    measured = table[table["seconds"].notna()]
    for (part, method), runs in measured.groupby(["part", "method"], sort=False):
        row = {"part": part, "method": method, "largest_n": runs["n"].max()}
        row["seconds_there"] = runs["seconds"].iloc[-1]
        above = runs["n"] > scale_parts.methods(part, backbones)[method].switch
        runs = runs[above] if above.sum() > 1 or above.all() else runs[~above]
        extra = runs["peak_gb"] - runs["start_gb"]
        big = extra >= SMALLEST_GB
        row["seconds_exponent"] = scaling.growth(runs["n"], runs["seconds"])
        row["cpu_exponent"] = scaling.growth(runs["n"], runs["cpu_seconds"])
        row["memory_exponent"] = (
            scaling.growth(runs["n"][big], extra[big]) if big.any() else float("nan")
        )
        rows.append(row)
    return pd.DataFrame(rows).round(3)


class Journal:
    """Measurements on disk, one JSON line each, so that none is made twice.

    One counts only for the same pictures, versions and machine, and the same code: the
    modules of course_utils (not its folders) and this benchmark.
    """

    def __init__(self, out, image_set):
        self.path = out / "journal.jsonl"
        here = Path(__file__).resolve().parent
        code = [*here.glob("scale*.py"), *here.parents[1].glob("course_utils/**/*.py")]
        about = [image_set.fingerprint, versions(), os.cpu_count()]
        about += [files.sha256(path) for path in sorted(code)]
        self.about = files.digest(json.dumps(about))
        self.rows = {}
        for entry in files.journal(self.path):
            with contextlib.suppress(KeyError, TypeError):
                if entry["about"] == self.about:
                    self.rows[tuple(entry["key"])] = entry

    def get(self, part, method, n, options):
        """A row, or None. What was stopped is tried again under a higher limit."""
        entry = self.rows.get((part, method, n, max(options.sizes)))
        if entry is None:
            return None
        stopped = entry["row"]["note"].startswith("stopped")
        return None if stopped and entry["limit"] < options.limit else entry["row"]

    def add(self, row, options):
        key = (row["part"], row["method"], row["n"], max(options.sizes))
        entry = {"about": self.about, "key": key, "limit": options.limit, "row": row}
        files.note(self.path, entry)


if __name__ == "__main__":
    sys.exit(main())
