"""How fast are features extracted? Run it; it prints a table and asserts nothing.

    python tests/benchmarks/extraction.py --folder CALTECH101 [--backbones …]

Pictures a second, in one process: the bare compiled forward pass on pictures that are
decoded already; `features.extract`; Keras' `model.predict` on the decoded pictures in
one go; and a loop that reads, decodes and predicts one picture at a time. The parts
take turns, so that a machine whose speed drifts treats them alike; the middle of the
turns is printed. Then the second call, from the cache, and the peak memory of a fresh
process that extracts every picture of Caltech-101.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

WHOLE = """
import resource, sys
sys.path.insert(0, sys.argv[1])
from course_utils import datasets, features
image_set = datasets.load("caltech101", folder=sys.argv[2], progress=False)
rows = features.extract(image_set, sys.argv[3], progress=False)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
print(f"{len(rows)} pictures, peak memory {peak:.2f} GB")
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", required=True, help="the folder of Caltech-101")
    names = ["MobileNetV2", "EfficientNetLite0"]
    parser.add_argument("--backbones", nargs="+", default=names)
    parser.add_argument("--n", type=int, default=1024, help="pictures a turn")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--whole", action="store_true", help="also all 9,144 pictures")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as cache:
        os.environ["COURSE_CACHE"] = cache
        for name in options.backbones:
            rates(name, options)
            if options.whole:
                script = [sys.executable, "-c", WHOLE, sys.path[0]]
                subprocess.run([*script, options.folder, name], check=True)


def rates(name, options):
    import numpy as np

    from course_utils import backbones, datasets, features

    image_set = datasets.load("caltech101", folder=options.folder, progress=False)
    spread = np.linspace(0, len(image_set) - 1, options.n).astype(int)
    image_set = image_set.subset(spread)
    model = backbones.build(name)
    size = backbones.TABLE[name].input_size
    decoded = np.stack([image_set.picture(i, size) for i in range(len(image_set))])
    batch = features.BATCH_SIZES[backbones.accelerator()]

    def bare():
        for start in range(0, len(decoded) // batch * batch, batch):
            model.predict_on_batch(decoded[start : start + batch])
        return len(decoded) // batch * batch

    def ours():
        features.extract(image_set, name, cache=False, progress=False)
        return len(image_set)

    def predict():
        model.predict(decoded, batch_size=batch, verbose=0)
        return len(decoded)

    def loop():
        for index in range(64):
            model.predict(image_set.picture(index, size)[None], verbose=0)
        return 64

    def cached():
        features.extract(image_set, name, progress=False)
        return len(image_set)

    # A model that extract need not build again keeps the comparison to the forward.
    backbones.build, build = (lambda *_: model), backbones.build
    parts = {"bare": bare, "ours": ours, "predict": predict, "loop": loop}
    measured = {part: [] for part in (*parts, "cached")}
    for part in parts.values():
        part()
    cached()
    for _ in range(options.turns):
        for part, run in (*parts.items(), ("cached", cached)):
            started = time.perf_counter()
            count = run()
            measured[part].append(count / (time.perf_counter() - started))
    backbones.build = build
    print(f"\n{name}, {len(image_set)} pictures, batches of {batch}", flush=True)
    print("part      pictures/s   of bare")
    rate = {part: statistics.median(values) for part, values in measured.items()}
    for part, value in rate.items():
        ratios = [a / b for a, b in zip(measured[part], measured["bare"], strict=True)]
        print(f"{part:8} {value:11.1f} {statistics.median(ratios):9.2f}")
    print(
        f"ours is {rate['ours'] / rate['loop']:.1f} × the loop, the cache "
        f"{rate['cached'] / rate['ours']:.0f} × ours",
        flush=True,
    )


if __name__ == "__main__":
    main()
