"""How long does grading a class take? Run it; it prints a table and asserts nothing.

    python tests/benchmarks/grading.py [--profile] [--pages] [--large]

Classes of 75, 150 and 300 submissions × 60 runs × 193 pictures (the stamps), and of 300
× 30 runs, are made by code, which is not counted; with --large also one of 10,000 × 12,
which takes three minutes to make. Each is then graded in a fresh
process: its seconds by the clock and of the processor, without the start of Python and
reading the pictures, and its peak memory. No run is computed again, as the labels are
drawn at random. The exponents tell how the processor's seconds grow: 1 is in
proportion.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS.parent)]

GRADE = """
import cProfile, json, pstats, resource, sys, time
sys.path.insert(0, sys.argv[1])
from course_utils.homework.grading import grader
from course_utils.images import datasets
image_set = datasets.load("stamps", progress=False)
profile, pages = sys.argv[3] == "True", sys.argv[4]
if pages:
    from course_utils.homework.grading import gradebook
profiler = cProfile.Profile()
if profile:
    profiler.enable()
started, cpu = time.perf_counter(), time.process_time()
graded = grader.grade(sys.argv[2], image_set, replay=0)  # the labels are drawn
seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
if pages:
    gradebook.write(graded, pages)
profiler.disable()
written = time.perf_counter() - started - seconds
scored = sum(student.counted is not None for student in graded.students)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
if profile:
    pstats.Stats(profiler, stream=sys.stderr).sort_stats("cumulative").print_stats(30)
print(json.dumps([scored, seconds, cpu, written, peak]))
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", action="store_true", help="cProfile of the last")
    parser.add_argument("--pages", action="store_true", help="write the pages as well")
    parser.add_argument("--turns", type=int, default=1, help="the fastest is taken")
    parser.add_argument("--large", action="store_true", help="10,000 students as well")
    options = parser.parse_args()
    sizes = [(300, 30), (75, 60), (150, 60), (300, 60), *[(10_000, 12)] * options.large]
    seconds = {}
    print("students  runs  seconds    CPU  pages    GB")
    with tempfile.TemporaryDirectory() as made:
        for n_students, n_runs in sizes:
            folder = Path(made, f"{n_students}x{n_runs}")
            make_class(folder, n_students, n_runs)
            last = options.profile and (n_students, n_runs) == (300, 60)
            pages = (
                str(Path(made, f"out{n_students}x{n_runs}")) if options.pages else ""
            )
            arguments = [GRADE, str(TESTS.parent), str(folder), str(last), pages]
            results = []
            for _ in range(options.turns):
                found = subprocess.run(
                    [sys.executable, "-c", *arguments], check=True, stdout=-1
                )
                results.append(json.loads(found.stdout))
            scored, taken, cpu, written, peak = min(results, key=lambda row: row[1])
            seconds[n_students, n_runs] = cpu
            times = f"{taken:9.1f} {cpu:6.1f} {written:6.1f} {peak:6.2f}"
            print(f"{scored:8} {n_runs:5}{times}", flush=True)

    def exponent(small, large, times):
        return math.log(seconds[large] / seconds[small]) / math.log(times)

    print(f"students ** {exponent((75, 60), (300, 60), 4):.2f}")
    print(f"runs ** {exponent((300, 30), (300, 60), 2):.2f}")


def make_class(folder, n_students, n_runs):
    """Honest submissions: 6 representations, ward once and k-means for the rest."""
    import numpy as np
    from sample_submissions import REPRESENTATIONS, clusters, hand_in, table

    from course_utils.homework import submission
    from course_utils.images import datasets

    stamps = datasets.load("stamps", progress=False)
    folder.mkdir()
    shared = {
        (name, "l2+ward", 7, 0): clusters(stamps.true_labels, name, "l2+ward", 0, 7)
        for name in REPRESENTATIONS
    }
    n_seeds = n_runs // len(REPRESENTATIONS) - 1
    for number in range(n_students):
        student, labels = f"s{number:03}", dict(shared)
        for name in REPRESENTATIONS:
            for seed in submission.seeds(student, n_seeds):
                labels[name, "l2+kmeans", 7, seed] = clusters(
                    stamps.true_labels, name, "l2+kmeans", seed, 7
                )
        found = table(stamps, labels)
        assert len(found[0]) == n_runs and np.isfinite(found[0]["nmi"]).all()
        name = f"student{student}_{number}_{n_students + number}_homework.zip"
        hand_in(folder / name, stamps, student, f"Student {number}", found)


if __name__ == "__main__":
    main()
