"""What do the networks score on the bundled image sets? Needs a network connection.

    python tests/benchmarks/networks.py [ten] [modern] [--sets stamps] [--seeds 5]

Writes solutions/reference/ten.csv and modern.csv, which lesson 5 and the README show:
the runs of `compare` with the date, the versions and the SHA-256 of each network's
weights. A network whose weights cannot be had is named and keeps its earlier rows. Ends
with status 1 if nothing was measured.
"""

import argparse
import datetime
import json
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import pandas as pd

from course_utils import experiments, images
from course_utils._support import files
from course_utils.experiments import reference
from course_utils.experiments.runs import versions
from course_utils.representations.backbones import weights_digest

README = reference.REFERENCE.parents[1] / "README.md"
ALGORITHMS = "l2+kmeans", "l2+ward"
SHOWN = re.compile(r"(?s)(?<=<!-- networks -->\n).*?(?=<!-- /networks -->)")
# What the README says of groups without a file
NOT_YET = """\
Not measured on these images yet: {}.
That needs a network connection and `python tests/benchmarks/networks.py`; until then
lesson 5 shows published scores of other images."""


def measure(networks, sets, seeds):
    """Runs of the networks on the image sets, and {network: why it has none}."""
    tables, skipped = [], {}
    for name in sets:
        image_set = images.load(name, progress=False)
        results, _ = experiments.run(image_set, networks, ALGORITHMS, seeds=seeds)
        tables.append(results)
        skipped |= results.attrs["skipped"]
    runs = pd.concat(tables, ignore_index=True)
    digests = {name: weights_digest(name) for name in set(runs["representation"])}
    about = {"date": datetime.date.today().isoformat()}
    about["versions"] = json.dumps(versions())
    return runs.assign(**about, weights=runs["representation"].map(digests)), skipped


def readme_part(folder):
    """Markdown of all that is measured so far: a table and its source per group."""
    parts, missing = [], []
    for group in reference.GROUPS:
        path = folder / f"{group}.csv"
        if not path.exists():
            missing.append(f"`--backbones {group}`")
            continue
        table, source = experiments.network_scores(group, path)
        heads = [f"{image_set}, {algorithm}" for image_set, algorithm in table.columns]
        lines = [["network", *heads], ["---"] * (len(heads) + 1)]
        for name, row in table.iterrows():
            lines.append([name, *("–" if pd.isna(x) else f"{x:.2f}" for x in row)])
        parts.append(source)
        parts.append("\n".join(f"| {' | '.join(line)} |" for line in lines))
    if missing:
        parts.append(NOT_YET.format(" and ".join(missing)))
    return "\n\n".join(parts) + "\n"


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("groups", nargs="*", help="ten, modern; by default both")
    parser.add_argument("--sets", nargs="+", default=["stamps", "photos"])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--to", type=Path, default=reference.REFERENCE)
    parser.add_argument("--readme", type=Path, default=README)
    options = parser.parse_args(arguments)
    if strange := set(options.groups) - set(reference.GROUPS):
        parser.error(f"no such group: {', '.join(sorted(strange))}")
    measured = 0
    for group in options.groups or reference.GROUPS:
        networks = list(reference.GROUPS[group])
        runs, skipped = measure(networks, options.sets, options.seeds)
        for network, reason in skipped.items():
            print(f"{group}, not measured: {network}: {reason}")
        if runs.empty:
            continue
        path = options.to / f"{group}.csv"
        if path.exists():
            earlier = pd.read_csv(path, encoding="utf-8")
            keys = ["image_set", "representation"]
            now = pd.MultiIndex.from_frame(runs[keys])
            kept = ~pd.MultiIndex.from_frame(earlier[keys]).isin(now)
            runs = pd.concat([earlier[kept], runs], ignore_index=True)
        with files.atomic_file(path) as file:
            runs.to_csv(file, index=False)
        table, source = experiments.network_scores(group, path)  # as lesson 5 reads it
        print(f"{path}: {source}\n{table.round(3)}")
        measured += 1
    readme = options.readme.read_text(encoding="utf-8")
    readme = SHOWN.sub(lambda _: readme_part(options.to), readme)
    options.readme.write_text(readme, encoding="utf-8")
    return 0 if measured else 1


if __name__ == "__main__":
    sys.exit(main())
