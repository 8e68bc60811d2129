"""What a comparison leaves: tables, figures and one page that holds it all."""

import base64
import csv
import html
import io
import json
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

from course_utils import metrics, plots
from course_utils._support import files
from course_utils.experiments.runs import COLUMNS, summary, versions
from course_utils.representations import extraction

CHART = (
    "A mark is the mean over the seeds, the bar spans worst to best. The dashed line "
    "is chance: the same clusters filled at random."
)

GALLERY = (
    "A row is a cluster, biggest first; in it the pictures nearest its centre. A cross "
    "marks a picture that is not of the cluster's commonest class."
)

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem;
       padding: 0 1rem; color: #1b1b1b; background: #fff }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .2rem .8rem; text-align: right; border-bottom: 1px solid #ddd }
th:first-child, td:first-child, th:nth-child(2), td:nth-child(2) { text-align: left }
img { max-width: 100%; height: auto } figure { margin: 1rem 0 2rem }
figcaption, footer { color: #444; font-size: .9rem }
.best { font-weight: 600 } pre { white-space: pre-wrap }
"""


def readable(results):
    """The summary of results for people: means over the seeds, ± spread, best last."""
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
    """Write the comparison to the folder `out`; returns the list of files.

    results, labels: from `experiments.run`. Files: results.csv, labels.csv,
    problems.csv, about.json, scores.png, a gallery-….jpg a representation, report.html.
    """
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    _csv(out / "results.csv", COLUMNS, _rows(results))
    true_names = image_set.true_names or [""] * len(image_set)
    columns = [image_set.images, true_names, *labels.values()]
    names = ["image", "true_label", *labels]
    _csv(out / "labels.csv", names, zip(*columns, strict=True))
    _csv(out / "problems.csv", ["image", "reason"], image_set.problems)
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
    chance = None
    if image_set.true_labels is not None:
        chance = plots.chance_level(results, labels, image_set.true_labels)
    figures = _figures(image_set, results, labels, chance)
    for name, (_, data) in figures.items():
        with files.atomic_file(out / name) as file:
            file.write(data)
    page = _page(image_set, results, chance, figures, about)
    with files.atomic_file(out / "report.html", "w", encoding="utf-8") as file:
        file.write(page)
    tables = ["results.csv", "labels.csv", "problems.csv", "about.json"]
    return [out / name for name in (*tables, *figures, "report.html")]


def _rows(results):
    values = results[list(COLUMNS)].astype(object)
    return values.where(values.notna(), "").itertuples(index=False)


def _csv(path, header, rows):
    with files.atomic_file(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)  # ends lines by \r\n: then names with \r are quoted
        writer.writerow(header)
        writer.writerows(rows)


def _figures(image_set, results, labels, chance):
    """{file name: (alternative text, bytes of the file)}"""
    unlabelled = image_set.true_labels is None
    scores = ("silhouette",) if unlabelled else ("purity", "nmi", "fowlkes_mallows")
    figures = {}
    if results[scores[0]].notna().any():
        chart = plots.score_chart(results, chance, scores)
        text = f"Scores of {results['representation'].nunique()} representations"
        figures["scores.png"] = (text, _bytes(chart, "png"))
    # The first run of each: choosing the best one would look at the true labels.
    for representation, runs in results.groupby("representation", sort=False):
        run = runs["run"].iloc[0]
        vectors = extraction.extract(image_set, representation, progress=False)
        figure = plots.gallery(image_set, labels[run], vectors, title=run)
        name = f"gallery-{representation.replace(':', '--')}.jpg"
        figures[name] = (f"Clusters of {run}", _bytes(figure, "jpeg"))
    return figures


def _bytes(figure, kind):
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, dpi=100)
    plt.close(figure)
    return buffer.getvalue()


def _page(image_set, results, chance, figures, about):
    def image(name):
        text, data = figures[name]
        kind = "png" if name.endswith(".png") else "jpeg"
        source = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
        caption = CHART if name == "scores.png" else GALLERY
        return (
            f'<figure><img src="{source}" alt="{html.escape(text)}">'
            f"<figcaption>{caption}</figcaption></figure>"
        )

    table = readable(results)[::-1]
    head = "".join(f"<th scope=col>{html.escape(c)}</th>" for c in table.columns)
    body = "".join(
        f"<tr{' class=best' if not i else ''}>"
        + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row)
        + "</tr>"
        for i, row in enumerate(table.itertuples(index=False))
    )
    parts = [
        f"<p>{html.escape(_sentence(image_set, results, chance))}</p>",
        image("scores.png") if "scores.png" in figures else "",
        f"<h2>Scores</h2><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>",
        _listing("Skipped", about["skipped"].items()),
        _listing("Pictures left out", image_set.problems),
        "<h2>What lies together</h2>",
        *(image(name) for name in figures if name != "scores.png"),
        "<footer><h2>How this was made</h2><pre>",
        html.escape(json.dumps(about, indent=1)),
        "</pre></footer>",
    ]
    title = html.escape(f"Clustering {image_set.name}")
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>'
        f'{title}</title><meta name="viewport" content="width=device-width">'
        f"<style>{STYLE}</style><h1>{title}</h1>{''.join(parts)}</html>\n"
    )


def _sentence(image_set, results, chance):
    text = f"{len(image_set):,} pictures"
    if image_set.problems:
        text += f" ({len(image_set.problems)} more were left out, see below)"
    text += f", {results['k'].iloc[0]} clusters, {len(results)} runs. "
    score = "silhouette" if chance is None else "nmi"
    best = summary(results).iloc[-1]
    if pd.isna(best[score]):
        return text + "One cluster, or one a picture, has no silhouette."
    text += f"Best {plots.TITLES[score]}: {best['representation']} with "
    text += f"{best['algorithm']}, {best[score]:.2f}"
    return text + (f"; chance is {chance['nmi']:.2f}." if chance else ".")


def _listing(title, pairs):
    if not pairs:
        return ""
    rows = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{html.escape(reason)}</td></tr>"
        for name, reason in pairs
    )
    return f"<h2>{title}</h2><table>{rows}</table>"
