"""What a comparison leaves: tables, and one page with all of it.

The page needs no other file. The chart in it is part of its table, and the images of
the clusters are in it once, however many clusterings show them.
"""

import contextlib
import csv
import json
import os
import re
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from markupsafe import Markup

from course_utils import metrics, plots
from course_utils._support import files
from course_utils._support.html import image_data_uri, templates
from course_utils.experiments.runs import COLUMNS, claim_out, summary, versions
from course_utils.images import decoding
from course_utils.representations import extraction

COURSE = Path(__file__).resolve().parents[2]

LESSON = "02_scoring_a_clustering"  # explains the scores

TILE = 128  # pixels of an image, shown at 72
N_TILES, MAX_CLUSTERS = 10, 12  # of a clustering

# What earlier versions of the course wrote beside the page
FIGURES = r"scores\.png|gallery-.*\.jpg"

WORDS = {
    "purity": "The share of images that are of the most frequent class of their "
    "cluster. More clusters raise it.",
    "nmi": "Normalised mutual information: how much clusters and classes tell about "
    "each other, from 0 (nothing) to 1 (everything).",
    "fowlkes_mallows": "Of the pairs of images in one cluster, the share that are of "
    "one class; of the pairs of one class, the share in one cluster; the geometric "
    "mean of the two.",
    "ari": "Adjusted Rand index: agreement on which pairs of images belong together, "
    "1 for the same clustering and 0 on average for a random one.",
    "accuracy": "The share of images that are right when every cluster is given a "
    "class of its own, in the best way possible.",
    "silhouette": "How much nearer an image lies to its own cluster than to the next, "
    "from -1 to 1. It needs no true labels. It is measured in each representation's "
    "own space, so different representations cannot be compared by it.",
}

LEGEND = (
    "Each row is a cluster, biggest first, with the images nearest its centre first."
)
ODD = " A framed image with ✕ is not of the cluster's most frequent class."


def readable(results):
    """Format the summary of results for reading.

    Parameters
    ----------
    results : DataFrame
        As `run` returns it.

    Returns
    -------
    DataFrame
        One row per representation and algorithm, best last: the mean over the seeds of
        each score, as text, with ± their standard deviation unless it is 0.

    See Also
    --------
    summary : The same as numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> from course_utils import metrics
    >>> scores = dict.fromkeys((*metrics.SCORES, "silhouette"), [0.5, 0.7])
    >>> names = {"representation": "raw", "algorithm": "kmeans"}
    >>> readable(pd.DataFrame(names | scores))["NMI"].tolist()
    ['0.60 ±0.10']
    """
    means = summary(results)
    table = means[["representation", "algorithm"]].copy()
    for score in (*metrics.SCORES, "silhouette"):
        if means[score].notna().any():
            table[plots.TITLES[score]] = [
                "" if pd.isna(mean) else f"{mean:.2f}" + (f" ±{std:.2f}" if std else "")
                for mean, std in zip(
                    means[score], means[f"{score}_std"].round(2), strict=True
                )
            ]
    return table


def evidence(choice):
    """The evidence of the proposed pair as text, one row per number of clusters."""
    columns = {"k": "k", **plots.CRITERIA, "score": "score"}
    table = choice.of().rename(columns=columns)[list(columns.values())]
    marks = ["proposed" if k == choice.n_clusters else "" for k in table["k"]]
    return _as_text(table).assign(**{"": marks})


def ranking(choice):
    """The pairs of representation and algorithm as text, best first."""
    return _as_text(choice.ranking)


def _as_text(table):
    numbers = table.select_dtypes(float)
    return table.assign(
        **{c: [f"{v:.2f}" if np.isfinite(v) else "" for v in table[c]] for c in numbers}
    )


def proposal(choice, image_set):
    """What is proposed, from what, and how to overrule it: a few sentences."""
    stable = choice.ranking["stability"].iloc[0]
    of = "" if choice.n_images == len(image_set) else f" of {len(image_set):,}"
    text = (
        f"{choice.n_clusters} clusters of {choice.representation} with "
        f"{choice.algorithm} are proposed, from {choice.n_images:,} images{of} and "
        "without true labels: their silhouettes in two embeddings of the neighbour "
        "graph are the highest together. In two random parts of the images the "
        f"clusters are {_how_alike(stable)} (adjusted Rand index {stable:.2f}). A "
        "proposal is no proof: look at the clusters, and give another number with --k."
    )
    return text


def _how_alike(stability):
    if stability >= 0.8:
        return "much the same"
    return "similar" if stability >= 0.5 else "rather different"


def write(image_set, results, labels, out, command="", *, choice=None):
    """Write a comparison to a folder.

    Parameters
    ----------
    image_set : ImageSet
        What was clustered.
    results, labels
        As `experiments.run` returns them.
    out : path
        The folder, made if needed; files of an earlier comparison are replaced, and
        no others.
    command : str, default=""
        The command that made it, for the page.
    choice : clustering.Choice, default=None
        What was proposed without labels, to be shown on the page.

    Returns
    -------
    list of Path
        results.csv, labels.csv, problems.csv, about.json, and report.html.

    Raises
    ------
    ValueError
        If the folder holds other files.
    """
    out = Path(out)
    before = files.written_before(out)
    claim_out(out)
    names = [
        *("results.csv", "labels.csv", "problems.csv", "about.json", "report.html")
    ]
    for name in before:
        if re.fullmatch(FIGURES, name):
            (out / name).unlink(missing_ok=True)
    files.claim(out, names)
    _write_csv(out / "results.csv", COLUMNS, _rows(results))
    true_names = image_set.true_names or [""] * len(image_set)
    columns = [image_set.images, true_names, *labels.values()]
    header = ["image", "true_label", *labels]
    _write_csv(out / "labels.csv", header, zip(*columns, strict=True))
    _write_csv(out / "problems.csv", ["image", "reason"], image_set.problems)
    about = {
        "command": command,
        "image_set": image_set.name,
        "fingerprint": image_set.fingerprint,
        "n_images": len(image_set),
        "n_left_out": len(image_set.problems),
        "skipped": results.attrs.get("skipped", {}),
        "versions": versions(),
    }
    with files.atomic_file(out / "about.json", "w", encoding="utf-8") as file:
        json.dump(about, file, indent=1)
    page = _render_page(image_set, results, labels, about, out, choice)
    with files.atomic_file(out / "report.html", "w", encoding="utf-8") as file:
        file.write(page)
    return [out / name for name in names]


def _rows(results):
    values = results[list(COLUMNS)].astype(object)
    return values.where(values.notna(), "").itertuples(index=False)


def _write_csv(path, header, rows):
    with files.atomic_file(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)  # ends lines by \r\n: then names with \r are quoted
        writer.writerow(header)
        writer.writerows(rows)


def _render_page(image_set, results, labels, about, out, choice):
    means, chance = summary(results)[::-1], None
    if image_set.true_labels is not None:
        chance = plots.chance_of_runs(results, labels, image_set.true_labels)
        chance = chance.groupby(
            [results["representation"], results["algorithm"]]
        ).mean()
    key = "silhouette" if chance is None else "nmi"
    scores = [*metrics.SCORES, "silhouette"]
    columns = [score for score in scores if means[score].notna().any()]
    columns.sort(key=lambda score: score != key)
    galleries = _galleries(image_set, results, labels, means, key)
    shown = {
        tile["name"] for g in galleries for c in g["clusters"] for tile in c["tiles"]
    }
    best, *others = galleries
    kinds = set(map(plots.kind, means["representation"]))
    # Beside the best, what one would try first; else the worst
    others = [g for g in others if g["title"] == "raw"] or others[-1:]
    template = templates(Path(__file__).parent).get_template("report.html")
    return template.render(
        title=f"Clustering {image_set.name}",
        sentence=_sentence(image_set, results, chance),
        compared=" and ".join(g["title"] for g in (best, *others)),
        legend=LEGEND + (ODD if chance is not None else ""),
        pair=[best, *others],
        galleries=galleries,
        tiles=_tiles(image_set, sorted(shown)),
        columns=columns,
        key=key,
        titles=plots.TITLES,
        words=WORDS,
        table=_table(results, means, columns, key, chance),
        kinds=[kind for kind in plots.KINDS if kind in kinds],
        chance={} if chance is None else _ranges(chance),
        notes=_contradictions(means, columns, key),
        lesson=_lesson(out),
        choice=None if choice is None else _choice(choice, image_set),
        skipped=list(about["skipped"].items()),
        problems=image_set.problems,
        command=about["command"],
        about=json.dumps(about, indent=1),
    )


def _table(results, means, columns, key, chance):
    """The rows of the table, best first; every cell as text."""
    grouped = results.groupby(["representation", "algorithm"], sort=False)[key]
    low, high = grouped.min(), grouped.max()
    start = min(0, 0 if low.isna().all() else low.min())  # of the chart, its end is 1

    def place(value):
        return None if pd.isna(value) else float((value - start) / (1 - start))

    highest = means[columns].round(2).max()
    table = []
    for _, row in means.iterrows():
        name = row["representation"], row["algorithm"]
        cells = {
            score: {
                "mean": "" if pd.isna(row[score]) else f"{row[score]:.2f}",
                "spread": f"±{row[f'{score}_std']:.2f}"
                if round(row[f"{score}_std"], 2) > 0
                else "",
                "top": len(means) > 1 and round(row[score], 2) == highest[score],
            }
            for score in columns
        }
        table.append(
            {
                "representation": name[0],
                "algorithm": name[1],
                "anchor": _anchor(name[0]),
                "kind": plots.kind(name[0]),
                "low": place(low[name]),
                "high": place(high[name]),
                "mean": place(row[key]),
                "chance": None if chance is None else place(chance.loc[name, key]),
                **cells,
            }
        )
    return table


def _choice(choice, image_set):
    """What the page shows of a proposal: its sentences, curves and tables."""
    rows = choice.of()
    width, height, ks = 560, 200, rows["k"].to_numpy()
    values = rows[list(plots.CRITERIA)]
    low, high = min(0, values.min().min()), values.max().max()

    def across(k):
        return float(width * (k - ks[0] + 0.5) / (ks[-1] - ks[0] + 1))

    def down(value):
        return float(height * (1 - (value - low) / ((high - low) or 1)))

    curves = {
        plots.CRITERIA[name]: " ".join(
            f"{across(k):.1f},{down(v):.1f}"
            for k, v in zip(ks, values[name], strict=True)
            if np.isfinite(v)
        )
        for name in values
    }
    return {
        "text": proposal(choice, image_set),
        "title": f"{choice.representation} with {choice.algorithm}",
        "size": (width, height),
        "curves": curves,
        "ticks": [(int(k), across(k)) for k in ks],
        "levels": [
            (f"{level:.1f}", down(level)) for level in np.linspace(low, high, 3)
        ],
        "k": choice.n_clusters,
        "mark": across(choice.n_clusters),
        "evidence": evidence(choice).iloc[:, :-1].to_dict("split"),
        "ranking": ranking(choice).to_dict("split") if len(choice.ranking) > 1 else {},
    }


def _ranges(chance):
    """The chance level of each score as text, from the lowest to the highest."""
    low, high = chance.min().round(2) + 0.0, chance.max().round(2) + 0.0  # no -0.00
    return {
        score: f"{low[score]:.2f}"
        + (f" to {high[score]:.2f}" if high[score] > low[score] else "")
        for score in chance.columns
    }


def _contradictions(means, columns, key):
    """A sentence for each score by which another clustering is the best."""
    notes, names = [], means["representation"] + " with " + means["algorithm"]
    for score in columns:
        values = means[score].round(2).to_numpy()
        place = int(np.nanargmax(values))
        if score == key or not values[place] > values[0]:
            continue
        note = f"By {plots.TITLES[score]}, {names.iloc[place]} comes first "
        note += f"({values[place]:.2f}; {names.iloc[0]}: {values[0]:.2f}); "
        note += f"by {plots.TITLES[key]}, it is number {place + 1} of {len(means)}."
        if score == "silhouette":
            note += " Silhouettes of different representations cannot be compared."
        notes.append(note)
    return notes


def _galleries(image_set, results, labels, means, key):
    """Of each representation the clusters that its best algorithm finds, best first.

    Those of the first seed: choosing the best one would look at the true labels.
    """
    galleries = []
    for _, row in means.drop_duplicates("representation").iterrows():
        same = results["representation"] == row["representation"]
        run = results[same & (results["algorithm"] == row["algorithm"])].iloc[0]
        vectors = extraction.extract(image_set, row["representation"], progress=False)
        score = "" if pd.isna(run[key]) else f"{plots.TITLES[key]} {run[key]:.2f}"
        clusters = plots.typical_images(
            image_set,
            labels[run["run"]],
            vectors,
            n_pictures=N_TILES,
            max_clusters=MAX_CLUSTERS,
        )
        galleries.append(
            {
                "title": row["representation"],
                "algorithm": row["algorithm"],
                "score": score,
                "anchor": _anchor(row["representation"]),
                "clusters": [_cluster(image_set, *cluster) for cluster in clusters],
                "n_left_out": max(run["n_clusters"] + (run["n_noise"] > 0), 1)
                - len(clusters),
            }
        )
    return galleries


def _cluster(image_set, text, members, odd):
    """A cluster for the page: its text and its tiles."""
    names = image_set.true_names
    tiles = [
        {
            "name": index,
            "odd": strange,
            "text": image_set.images[index] + (f", {names[index]}" if names else ""),
        }
        for index, strange in zip(members.tolist(), odd, strict=True)
    ]
    return {"text": text.replace("\n", " · "), "tiles": tiles}


def _tiles(image_set, indices):
    """[(index, data URI)] of small images."""

    def make(index):
        tile = decoding.thumbnail(image_set.read(index), TILE)
        return index, image_data_uri(decoding.as_jpeg(tile), "jpeg")

    with ThreadPoolExecutor() as pool:
        return list(pool.map(make, indices))


def _anchor(representation):
    return re.sub("[^A-Za-z0-9]+", "-", representation)


def _lesson(out):
    """Where the scores are explained: a link, as HTML."""
    settings = COURSE / "solutions" / "course.toml"
    settings = tomllib.loads(settings.read_text("utf-8")) if settings.exists() else {}
    notebook = COURSE / "notebooks" / f"{LESSON}.ipynb"
    address = settings.get("repository", "").removesuffix(".git").rstrip("/")
    if address:
        address += f"/blob/{settings['tag']}/notebooks/{notebook.name}"
    elif notebook.exists():
        with contextlib.suppress(ValueError):  # on another drive of Windows
            address = Path(os.path.relpath(notebook, out.resolve())).as_posix()
    text = "Lesson 2, Scoring a clustering"
    linked = Markup('<a href="{}">{}</a>').format(address, text) if address else text
    return Markup("{} builds each of them by hand.").format(linked)


def _sentence(image_set, results, chance):
    text = f"{len(image_set):,} images"
    if image_set.problems:
        text += f" ({len(image_set.problems)} more were left out, see below)"
    text += f", {results['k'].iloc[0]} clusters, {len(results)} runs. "
    score = "silhouette" if chance is None else "nmi"
    best = summary(results).iloc[-1]
    if pd.isna(best[score]):
        return text + "One cluster, or one per image, has no silhouette."
    text += f"Best {plots.TITLES[score]}: {best['representation']} with "
    text += f"{best['algorithm']}, {best[score]:.2f}"
    if chance is None:
        return text + "."
    level = chance.loc[(best["representation"], best["algorithm"]), "nmi"]
    return text + f"; chance is {level:.2f}."
