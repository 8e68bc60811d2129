"""Figures of the course, in one style: colour-blind-safe, never colour alone.

matplotlib is imported where something is drawn: not all who come here draw.
"""

import html
import io

import numpy as np
import pandas as pd
from PIL import Image, ImageColor, ImageDraw, ImageFont
from scipy import ndimage
from sklearn.preprocessing import normalize

from course_utils import metrics
from course_utils._support.html import image_data_uri
from course_utils.clustering.validation import as_float, check_features
from course_utils.representations import extraction, handcrafted

# Okabe and Ito's palette, which people see who do not tell red from green, and markers
# of matplotlib. Orange and sky blue are pale on white: marks have an outline.
PALETTE = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"
MARKERS = "o", "s", "D", "^", "v", "P", "X", "*"
NOISE = "#767676", "x"
OUTLINE = "#333333"
KINDS = {  # a colour and a marker for each kind of representation
    "pixels": ("#666666", "s"),
    "handcrafted": (PALETTE[1], "D"),
    "pretrained": (PALETTE[0], "o"),
}

CHANCE = {"color": "black", "marker": "|", "ms": 11, "mew": 1.5}  # of one row

TITLES = {
    "purity": "purity",
    "nmi": "NMI",
    "fowlkes_mallows": "Fowlkes-Mallows",
    "ari": "ARI",
    "accuracy": "accuracy",
    "silhouette": "silhouette",
}

CRITERIA = {  # of `clustering.choose`
    "after_umap": "after UMAP",
    "after_eigenmaps": "after Laplacian eigenmaps",
    "silhouette": "in its own space",
}
STRANGER = PALETTE[1]  # frame of an image outside its cluster's most frequent class

DRAWN = 400_000  # bytes: what is larger as PNG holds photographs
POINTS = 72  # dpi of an image whose pixels are those of the page
TILE, TILE_MARGIN = 96, 4  # of an image in a gallery, in pixels
SHEET_MARGIN, SHEET_LINE, SHEET_FONT = 4, 18, 12  # of a contact sheet, in pixels
WHITE = 242  # a pixel with no channel below this counts as white background


def kind(representation):
    """Return the family of a representation.

    Parameters
    ----------
    representation : str
        Its name, such as `"hog"` or `"VGG19:fc2"`.

    Returns
    -------
    {"pixels", "handcrafted", "pretrained"}

    Examples
    --------
    >>> kind("raw"), kind("hog"), kind("VGG19:fc2")
    ('pixels', 'handcrafted', 'pretrained')
    """
    base, _ = extraction.parse(representation)
    if base == "raw":
        return "pixels"
    return "handcrafted" if base in handcrafted.NAMES else "pretrained"


def _mark(name):
    """Colour and marker of a representation, or of features under any other name."""
    try:
        return KINDS[kind(name)]
    except ValueError:
        return "#333333", "o"


def look(number):
    """Return the colour and the marker of a class or a cluster, the same everywhere.

    Parameters
    ----------
    number : int
        Index of the class in `class_names`, or label of the cluster; -1 is noise.

    Returns
    -------
    colour, marker : str
        As matplotlib spells them. 56 pairs differ; then they begin again.

    Examples
    --------
    >>> look(0), look(7), look(-1)
    (('#0072B2', 'o'), ('#0072B2', '*'), ('#767676', 'x'))
    """
    number = int(number)
    if number < 0:
        return NOISE
    return PALETTE[number % len(PALETTE)], MARKERS[number % len(MARKERS)]


def scatter(points, labels, *, names=None, panel=None, size=20):
    """Draw points on a plane, each with the look of its class or cluster.

    Parameters
    ----------
    points : array (n, 2)
        Their coordinates.
    labels : int array (n,)
        Class or cluster of each point; -1 is noise. See `look`.
    names : sequence of str, default=None
        Names of the classes, for a legend.
    panel : matplotlib.axes.Axes, default=None
        Where to draw; None takes the current axes.
    size : float or array (n,), default=20
        Area of the marks, in square points.
    """
    import matplotlib.pyplot as plt

    panel, labels = panel or plt.gca(), np.asarray(labels)
    sizes = np.broadcast_to(size, len(labels))
    for number in np.unique(labels):
        colour, marker = look(number)
        style = {"color": colour, "marker": marker, "s": sizes[labels == number]}
        if number < 0:  # a cross, which has no outline
            style |= {"linewidth": 0.8}
        else:
            style |= {"edgecolor": OUTLINE, "linewidth": 0.3}
        if names is not None:
            style["label"] = "noise" if number < 0 else names[number]
        panel.scatter(*np.asarray(points)[labels == number].T, **style)


def show(alt, figure=None):
    """Display a figure or an image in a notebook: sharp, and with words.

    Parameters
    ----------
    alt : str
        What is to be seen, in one or two sentences: the finding, with its numbers.
    figure : matplotlib.figure.Figure or PIL.Image.Image, default=None
        None takes the current figure. A figure is closed. An image is shown at the
        density that it says it has, as a `contact_sheet` does: 72 dpi or nothing is
        one pixel per pixel of the page.

    Raises
    ------
    ValueError
        If the text is empty.
    """
    import matplotlib.pyplot as plt
    from IPython.display import display

    if not alt.strip():
        raise ValueError('Say what the figure shows: plots.show("Purity falls …").')
    if isinstance(figure, Image.Image):
        picture = figure.convert("RGB")
        density = figure.info.get("dpi", (POINTS, POINTS))[0] / POINTS
    else:
        picture, density = _drawn(figure or plt.gcf()), 2
    as_png, data = io.BytesIO(), io.BytesIO()
    picture.save(as_png, "png")
    picture.save(data, "webp", lossless=as_png.getbuffer().nbytes < DRAWN, quality=85)
    source = image_data_uri(data.getvalue(), "webp")
    page = (
        f'<img src="{source}" alt="{html.escape(alt)}" '
        f'width="{round(picture.width / density)}" style="max-width: 100%">'
    )
    display({"text/html": page, "text/plain": f"Figure: {alt}"}, raw=True)


def _drawn(figure):
    """The figure as an image, at twice its density; it is closed."""
    import matplotlib.pyplot as plt

    shot = io.BytesIO()
    figure.savefig(shot, dpi=2 * figure.dpi, bbox_inches="tight")
    plt.close(figure)
    return Image.open(shot).convert("RGB")


def score_chart(results, chance=None, scores=("purity", "nmi", "fowlkes_mallows")):
    """Compare representations and algorithms, one panel per score.

    Each mark is the mean over the seeds, and the bar spans the worst to the best seed.
    The rows are sorted by their mean NMI, or by the first score. Chance depends on the
    sizes of the clusters, so every row has its own.

    Parameters
    ----------
    results : DataFrame
        As `experiments.run` returns it.
    chance : DataFrame, default=None
        The chance level of each run, as `chance_of_runs` returns it; a row's mean over
        the seeds is drawn as a vertical tick.
    scores : sequence of str
        Which scores.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If the results have none of the scores.

    See Also
    --------
    chance_of_runs : Computes the chance levels.

    Examples
    --------
    >>> import pandas as pd
    >>> results = {"representation": ["raw", "hog"], "algorithm": "ward", "nmi": 0.3}
    >>> figure = score_chart(pd.DataFrame(results), scores=["nmi"])
    >>> figure.axes[0].get_xlabel()
    'NMI'
    """
    import matplotlib.pyplot as plt
    from matplotlib.lines import Line2D

    results = results.copy()
    algorithms = list(dict.fromkeys(results["algorithm"]))
    results["line"] = results["representation"]
    if len(algorithms) > 1:
        results["line"] += "  ·  " + results["algorithm"]
    scores = [score for score in scores if results[score].notna().any()]
    if not scores:
        raise ValueError("There is no score to draw: the results have none.")
    first = "nmi" if "nmi" in scores else scores[0]
    order = results.groupby("line", sort=False)[first].mean()
    order = order.sort_values(kind="stable").index
    figure, panels = plt.subplots(
        1,
        len(scores),
        sharey=True,
        squeeze=False,
        figsize=(2 + 2.8 * len(scores), 1.4 + 0.27 * len(order)),
        layout="constrained",
    )
    for panel, score in zip(panels[0], scores, strict=True):
        for height, line in enumerate(order):
            runs = results[results["line"] == line]
            colour, marker = KINDS[kind(runs["representation"].iloc[0])]
            values = runs[score]
            panel.plot([values.min(), values.max()], [height] * 2, color=colour, lw=2)
            panel.plot(values.mean(), height, marker, color=colour, ms=7)
            if chance is not None and score in chance:
                level = chance.loc[runs.index, score].mean()
                panel.plot(level, height, **CHANCE)
        if score != "silhouette":
            panel.set_xlim(min(0, results[score].min()) - 0.02, 1.02)
        panel.set_xlabel(TITLES[score])
        panel.grid(axis="x", color="#dddddd")
        panel.set_axisbelow(True)
        panel.spines[["top", "right", "left"]].set_visible(False)
        panel.tick_params(axis="y", length=0)
    panels[0, 0].set_yticks(range(len(order)), order)
    shown = {kind(name) for name in results["representation"]}
    keys = [
        Line2D([], [], color=colour, marker=marker, ls="", label=name)
        for name, (colour, marker) in KINDS.items()
        if name in shown
    ]
    if chance is not None:
        keys.append(Line2D([], [], ls="", label="chance", **CHANCE))
    figure.legend(handles=keys, loc="outside upper left", ncols=4, frameon=False)
    return figure


def choice(chosen):
    """Show the evidence of `clustering.choose`.

    On the left, the silhouettes of the proposed pair against the number of clusters,
    the proposal marked. On the right, where there are several pairs, their levels, each
    with the number of clusters proposed for it.

    Parameters
    ----------
    chosen : clustering.Choice

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> from course_utils import clustering
    >>> corners = np.repeat(10 * np.eye(4), 15, axis=0)
    >>> noise = np.random.default_rng(0).normal(size=corners.shape)
    >>> figure = choice(clustering.choose(corners + noise, ks=range(2, 7)))
    >>> figure.axes[0].get_xlabel()
    'number of clusters k'
    """
    import matplotlib.pyplot as plt
    from matplotlib.ticker import MaxNLocator

    ranking, rows = chosen.ranking[::-1], chosen.of()
    n_panels = 1 + (len(ranking) > 1)
    figure, panels = plt.subplots(
        1,
        n_panels,
        squeeze=False,
        figsize=(4.8 * n_panels, max(3.2, 1 + 0.27 * len(ranking))),
        layout="constrained",
    )
    left = panels[0, 0]
    for number, (column, name) in enumerate(CRITERIA.items()):
        style = {"ls": ":" if column == "silhouette" else "-", "marker": "os^"[number]}
        left.plot(rows["k"], rows[column], color=PALETTE[number], label=name, **style)
    left.axvline(chosen.n_clusters, color="#555555", ls="--", zorder=0)
    left.set_title(f"{chosen.representation}: k = {chosen.n_clusters} is proposed")
    left.set(xlabel="number of clusters k", ylabel="silhouette", ylim=(None, 1.02))
    left.xaxis.set_major_locator(MaxNLocator(integer=True))
    n_columns = 3 if n_panels == 2 else 1
    figure.legend(loc="outside lower left", ncols=n_columns, frameon=False, fontsize=9)
    if n_panels == 2:
        right, places = panels[0, 1], range(len(ranking))
        names = ranking["representation"]
        if ranking["algorithm"].nunique() > 1:
            names = names + "  ·  " + ranking["algorithm"]
        right.set_yticks(places, names)
        for place, (_, row) in zip(places, ranking.iterrows(), strict=True):
            colour, marker = _mark(row["representation"])
            right.plot(row["level"], place, marker, color=colour, ms=7)
            right.annotate(
                f"k = {row['k']}",
                (0 if np.isnan(row["level"]) else row["level"], place),
                xytext=(8, 0),
                textcoords="offset points",
                va="center",
            )
        right.set(xlabel="level: mean of the two silhouettes", xlim=(None, 1.15))
        right.spines["left"].set_visible(False)
        right.tick_params(axis="y", length=0)
    for panel in panels[0]:
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(axis="both" if panel is left else "x", color="#dddddd")
        panel.set_axisbelow(True)
    return figure


def gallery(
    image_set,
    cluster_labels,
    vectors,
    *,
    n_pictures=10,
    max_clusters=12,
    title=None,
):
    """Show images of each cluster, one row per cluster, biggest first.

    The images nearest the centre of their cluster come first. With true labels, each
    row names its most frequent class, and images of another class are crossed and
    framed.

    Parameters
    ----------
    image_set : ImageSet
        The images.
    cluster_labels : int array (n_images,)
        Cluster labels; noise (-1) is the last row.
    vectors : array (n_images, d)
        The features, which decide what is near.
    n_pictures : int, default=10
        Images per row.
    max_clusters : int, default=12
        Rows, at most.
    title : str, default=None
        Above the figure.

    Returns
    -------
    matplotlib.figure.Figure

    See Also
    --------
    contact_sheet : Any groups of images, faster, without a figure.
    """
    import matplotlib.pyplot as plt

    shown = typical_images(
        image_set,
        cluster_labels,
        vectors,
        n_pictures=n_pictures,
        max_clusters=max_clusters,
    )
    left_out = len(np.unique(cluster_labels)) - len(shown)
    figure, panel = plt.subplots(
        figsize=(2.6 + 0.82 * n_pictures, 0.5 + 0.92 * len(shown))
    )
    crosses, step = [], TILE + 2 * TILE_MARGIN
    sheet = np.full((step * len(shown), step * n_pictures, 3), 255, np.uint8)
    place = {"ha": "right", "va": "center", "parse_math": False}  # a $ is no formula
    for row, (text, members, odd) in enumerate(shown):
        panel.text(-0.12, row + 0.5, text, **place)
        for column, (index, stranger) in enumerate(zip(members, odd, strict=True)):
            top, left = row * step + TILE_MARGIN, column * step + TILE_MARGIN
            colour, width = (STRANGER, 3) if stranger else ("#cccccc", 1)
            frame = np.s_[top - width : top + TILE + width]
            frame = frame, np.s_[left - width : left + TILE + width]
            sheet[frame] = ImageColor.getrgb(colour)
            picture = image_set.picture(index, TILE)
            sheet[top : top + TILE, left : left + TILE] = picture
            if stranger:
                crosses.append((column + 0.86, row + 0.14))
    panel.imshow(sheet, extent=(0, n_pictures, len(shown), 0))
    if crosses:
        panel.plot(*zip(*crosses, strict=True), "X", color=STRANGER, ms=8, mec="white")
    panel.set(xlim=(0, n_pictures), ylim=(len(shown), 0), anchor="NW")
    panel.set_axis_off()
    title = title or ""
    if left_out:
        title += f"  ({left_out} smaller clusters are not shown)"
    figure.suptitle(title, x=0.02, ha="left", fontsize=12)
    figure.subplots_adjust(
        left=1.7 / figure.get_figwidth(),
        right=0.99,
        bottom=0.02,
        top=1 - 0.38 / figure.get_figheight(),
    )
    return figure


def typical_images(
    image_set, cluster_labels, vectors, *, n_pictures=10, max_clusters=12
):
    """Choose the images by which to show each cluster, biggest cluster first.

    Parameters
    ----------
    image_set, cluster_labels, vectors, n_pictures, max_clusters
        As for `gallery`.

    Returns
    -------
    list of (str, int array, bool array)
        What to say of each cluster: its name, size and, with true labels, its most
        frequent class; the images nearest its centre; which of them are of another
        class.
    """
    cluster_labels, names = np.asarray(cluster_labels), image_set.true_names
    clusters, sizes = np.unique(cluster_labels, return_counts=True)
    order = np.lexsort((clusters, -sizes, clusters == -1))  # noise last
    chosen = []
    for cluster in clusters[order][:max_clusters]:
        members = np.flatnonzero(cluster_labels == cluster)
        text = "noise" if cluster == -1 else f"cluster {cluster}"
        text += f"\n{len(members)} image{'' if len(members) == 1 else 's'}"
        shown = members[nearest_first(vectors[members])][:n_pictures]
        odd = np.zeros(len(shown), bool)
        if names is not None:
            classes, counts = np.unique([names[i] for i in members], return_counts=True)
            majority = classes[counts.argmax()]
            text += f"\n{counts.max() / len(members):.0%} {majority}"
            odd = np.array([names[i] != majority for i in shown])
        chosen.append((text, shown, odd))
    return chosen


def nearest_first(vectors):
    """Sort vectors by their distance to the mean direction.

    Parameters
    ----------
    vectors : array (n_images, d)
        One row per image, of any length.

    Returns
    -------
    int array (n_images,)
        Indices, the nearest first.

    Examples
    --------
    >>> nearest_first([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]).tolist()
    [1, 0, 2]
    """
    vectors = normalize(as_float(check_features(vectors)))
    distances = np.linalg.norm(vectors - vectors.mean(axis=0), axis=1)
    return np.argsort(distances, kind="stable")


def chance_of_runs(results, labels, true_labels):
    """Scores of each run's clusters filled at random.

    Parameters
    ----------
    results, labels
        As `experiments.run` returns them.
    true_labels : array-like of shape (n_images,)
        The true labels.

    Returns
    -------
    DataFrame
        One row per run, one column per score.

    See Also
    --------
    course_utils.metrics.chance_scores : The same for one clustering.

    Examples
    --------
    >>> import pandas as pd
    >>> labels = {"a": [0, 0, 1, 1] * 25, "b": [0, 0, 0, 1] * 25}
    >>> chance_of_runs(pd.DataFrame({"run": ["a", "b"]}), labels, [0, 1] * 50).shape
    (2, 5)
    """
    rows = [
        metrics.chance_scores(
            labels_true=true_labels,
            labels_pred=labels[run],
            n_shuffles=5,
            random_state=i,
        )
        for i, run in enumerate(results["run"])
    ]
    return pd.DataFrame(rows, index=results.index, columns=list(metrics.SCORES))


def contact_sheet(image_set, groups, *, size=96, n_columns=10, scale=1):
    """Put small images on one sheet, in groups.

    Parameters
    ----------
    image_set : ImageSet
        The images.
    groups : dict of {str: sequence of int}, or sequence of int
        Indices of the images of each group, below its text; or those of one group.
    size : int, default=96
        Width and height of each image, in pixels of the page.
    n_columns : int, default=10
        Images per row. A text that is longer than such a row is broken into lines.
    scale : int, default=1
        Pixels of the sheet per pixel of the page; with 2 it is sharp on a screen of
        high density.

    Returns
    -------
    PIL.Image.Image
        `show` displays it with words; `.save("sheet.png")` keeps it.
    """
    from matplotlib.font_manager import findfont

    if not isinstance(groups, dict):
        groups = {"": groups}
    margin, line = scale * SHEET_MARGIN, scale * SHEET_LINE
    size, step = scale * size, scale * (size + SHEET_MARGIN)
    font = ImageFont.truetype(findfont("DejaVu Sans"), scale * SHEET_FONT)
    groups = [  # a caption may have line breaks
        (
            _lines(" ".join(text.split()), font, step * n_columns),
            [int(i) for i in group],
        )
        for text, group in groups.items()
    ]
    rows = [-(-len(indices) // n_columns) for _, indices in groups]
    height = sum(
        line * len(lines) + step * n for (lines, _), n in zip(groups, rows, strict=True)
    )
    longest = max((len(indices) for _, indices in groups), default=0)
    texts = [round(font.getlength(text)) for lines, _ in groups for text in lines]
    width = max(step * min(n_columns, longest), 1, *(text + margin for text in texts))
    sheet = Image.new("RGB", (width + margin, height + margin), "white")
    sheet.info["dpi"] = (POINTS * scale, POINTS * scale)
    draw, top = ImageDraw.Draw(sheet), margin
    for lines, indices in groups:
        for text in lines:
            draw.text((margin, top), text, fill="black", font=font)
            top += line
        for place, index in enumerate(indices):
            row, column = divmod(place, n_columns)
            image = Image.fromarray(image_set.picture(index, size))
            sheet.paste(image, (margin + column * step, top + row * step))
        top += step * -(-len(indices) // n_columns)
    return sheet


def _lines(text, font, width):
    """The lines of a text, broken between words so that each is narrow enough."""
    lines = []
    for word in text.split():
        if lines and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def thumbnail_map(image_set, points, *, width=900, height=None, size=44, scale=2):
    """Draw the images themselves at their places on a map, without white squares.

    White that is connected to the edge of an image is background and is left out, so
    an image covers only what lies behind it; white inside it is kept.

    Parameters
    ----------
    image_set : ImageSet
        The images.
    points : array (n_images, 2)
        Their coordinates. Later images are drawn over earlier ones.
    width, height : int
        Of the map, in pixels of the page. Without a height the proportions of the
        points are kept; with one they are stretched to fill the map.
    size : int, default=44
        Longer side of each image, in pixels of the page.
    scale : int, default=2
        Pixels of the map per pixel of the page, as for `contact_sheet`.

    Returns
    -------
    PIL.Image.Image
        `show` displays it with words.

    See Also
    --------
    cut_out : The image without its background.
    """
    points, size = np.asarray(points, dtype=np.float64), scale * size
    low, span = points.min(axis=0), np.ptp(points, axis=0)
    room = np.array([scale * width, scale * (height or width)]) - size
    share = room / np.where(span > 0, span, 1)
    if height is None:
        share = np.full(2, room[0] / (span.max() or 1))
    corners = ((points - low) * share).round().astype(int)
    canvas = Image.new("RGB", tuple((corners.max(axis=0) + size).tolist()), "white")
    canvas.info["dpi"] = (POINTS * scale, POINTS * scale)
    for index, (left, above) in enumerate(corners.tolist()):
        tile = cut_out(image_set.picture(index, size))
        canvas.paste(tile, (left, canvas.height - size - above), tile)
    return canvas


def cut_out(picture):
    """Make the white background of an image transparent.

    Parameters
    ----------
    picture : uint8 array (height, width, 3)

    Returns
    -------
    PIL.Image.Image
        In mode RGBA: transparent where white is connected to the edge of the image.

    Examples
    --------
    >>> ring = np.full((5, 5, 3), 255, np.uint8)
    >>> ring[1:4, 1:4] = 0
    >>> ring[2, 2] = 255
    >>> np.asarray(cut_out(ring))[:3, 2, 3].tolist()
    [0, 255, 255]
    """
    parts, _ = ndimage.label(np.min(picture, axis=2) >= WHITE)
    edge = np.r_[parts[0], parts[-1], parts[:, 0], parts[:, -1]]
    background = np.isin(parts, edge[edge > 0])
    alpha = np.where(background, 0, 255).astype(np.uint8)
    return Image.fromarray(np.dstack([picture, alpha]))
