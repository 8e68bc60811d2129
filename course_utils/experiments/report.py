"""What a comparison leaves: tables, figures, and one page with all of it."""

import csv
import io
import json
from pathlib import Path

import jinja2
import matplotlib.pyplot as plt
import pandas as pd

from course_utils import metrics, plots
from course_utils._support import files
from course_utils._support.html import image_data_uri
from course_utils.experiments.runs import COLUMNS, claim_out, summary, versions
from course_utils.representations import extraction

CHART = (
    "Each mark is the mean over the seeds, the bar spans worst to best. The dashed "
    "line is chance: the same clusters filled at random."
)

GALLERY = (
    "Each row is a cluster, biggest first, with the images nearest its centre first. A "
    "cross marks an image that is not of the cluster's most frequent class."
)


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


def write(image_set, results, labels, out, command=""):
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

    Returns
    -------
    list of Path
        results.csv, labels.csv, problems.csv, about.json, scores.png, one gallery-….jpg
        per representation, and report.html.

    Raises
    ------
    ValueError
        If the folder holds other files.
    """
    out = Path(out)
    claim_out(out)
    chance = None
    if image_set.true_labels is not None:
        chance = plots.chance_level(results, labels, image_set.true_labels)
    figures = _figures(image_set, results, labels, chance)
    tables = ["results.csv", "labels.csv", "problems.csv", "about.json"]
    names = [*tables, *figures, "report.html"]
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
    for name, (_, data) in figures.items():
        with files.atomic_file(out / name) as file:
            file.write(data)
    page = _render_page(image_set, results, chance, figures, about)
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


def _figures(image_set, results, labels, chance):
    """{file name: (alternative text, bytes of the file)}."""
    unlabelled = image_set.true_labels is None
    scores = ("silhouette",) if unlabelled else ("purity", "nmi", "fowlkes_mallows")
    figures = {}
    if results[scores[0]].notna().any():
        chart = plots.score_chart(results, chance, scores)
        text = f"Scores of {results['representation'].nunique()} representations"
        figures["scores.png"] = (text, _image_bytes(chart, "png"))
    # The first run of each: choosing the best one would look at the true labels.
    for representation, runs in results.groupby("representation", sort=False):
        run = runs["run"].iloc[0]
        vectors = extraction.extract(image_set, representation, progress=False)
        figure = plots.gallery(image_set, labels[run], vectors, title=run)
        name = f"gallery-{representation.replace(':', '--')}.jpg"
        figures[name] = (f"Clusters of {run}", _image_bytes(figure, "jpeg"))
    return figures


def _image_bytes(figure, kind):
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, dpi=100)
    plt.close(figure)
    return buffer.getvalue()


def _render_page(image_set, results, chance, figures, about):
    images = {
        name: {
            "text": text,
            "source": image_data_uri(data, "png" if name.endswith("png") else "jpeg"),
            "caption": CHART if name == "scores.png" else GALLERY,
        }
        for name, (text, data) in figures.items()
    }
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return templates.get_template("report.html").render(
        title=f"Clustering {image_set.name}",
        sentence=_sentence(image_set, results, chance),
        chart=images.pop("scores.png", None),
        table=readable(results)[::-1],
        skipped=list(about["skipped"].items()),
        problems=image_set.problems,
        galleries=list(images.values()),
        about=json.dumps(about, indent=1),
    )


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
    return text + (f"; chance is {chance['nmi']:.2f}." if chance else ".")
