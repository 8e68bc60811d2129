"""The pages of a graded class: feedback for each student, leaderboards, an overview.

Each is one file that needs no network. The templates escape every text, and every text
goes through `text.plain` first. No page runs a script but the overview, whose policy
names the digest of the one script: it sorts and filters. A feedback page names no other
student. The overview has three figures: points, what wins, where points are lost.
"""

import base64
import functools
import hashlib
import hmac
import io
import itertools
import math
import re
import statistics
import unicodedata
from pathlib import Path

import numpy as np
import seaborn
from markupsafe import Markup
from matplotlib.figure import Figure

from course_utils import plots
from course_utils._support.html import image_data_uri, templates
from course_utils._support.text import plain
from course_utils.clustering import algorithms
from course_utils.homework import submission
from course_utils.homework.flags import KINDS
from course_utils.homework.grading import rubric
from course_utils.homework.grading.marks import COLUMNS, by_question
from course_utils.homework.grading.rubric import short
from course_utils.representations import extraction

SCORES = ("nmi", "purity", "fowlkes_mallows")

TEMPLATES = Path(__file__).with_name("templates")

PER_PAGE = 500  # students
MAX_PROBLEMS = 500  # on a page; problems.csv holds them all

FEW = 5  # students: of fewer, nobody is told how the others did

# Flags that the table of files says as well, with no name of others in them.
EXPLAINED = re.compile(r"nothing that was .* can be scored\.|.*; .* counts instead\.")


def feedback_pages(graded, assignment):
    """Each student's own page, as {path in the folder: HTML}, in their order."""
    template = _templates().get_template("feedback.html")
    best_of_all = _best_of_all(graded)
    names = page_names(graded.students, graded.rubric["salt"])
    return {
        name: template.render(
            assignment=assignment,
            scores=SCORES,
            **_feedback(graded, student, best_of_all),
        )
        for student, name in zip(graded.students, names, strict=True)
    }


def class_pages(graded, assignment, problems, notes, named_answers=False):
    """All other pages as {path in the folder: HTML}.

    problems, notes: as in `gradebook`.
    """
    names = page_names(graded.students, graded.rubric["salt"])
    made = _overview(graded, assignment, problems, notes, names)
    board = _templates().get_template("leaderboard.html")
    n_own = sum(bool(_review(s) and _review(s).self_supplied) for s in graded.students)
    named = graded.rubric["leaderboard_names"]
    about = {"assignment": assignment, "scores": SCORES, "n_own": n_own, "named": named}
    for half, ranked in zip(("public", "private"), leaderboards(graded), strict=True):
        name = f"leaderboard{'-private' * (half == 'private')}"
        for title, rows, paging in _in_pages(name, ranked):
            made[title] = board.render(
                graded=graded, half=half, rows=rows, paging=paging, **about
            )
    return made | _answers(graded, assignment, named_answers)


def _in_pages(name, rows):
    """(file, its rows, paging) of each page of a long list.

    paging: (number of this page, [(number, file) of each]); none if there is only one.
    """
    n_pages = max(1, math.ceil(len(rows) / PER_PAGE))
    titles = [f"{name}{f'-{n}' * (n > 1)}.html" for n in range(1, n_pages + 1)]
    links = list(enumerate(titles, 1)) if n_pages > 1 else []
    for number, title in enumerate(titles, 1):
        yield title, rows[(number - 1) * PER_PAGE : number * PER_PAGE], (number, links)


def page_names(students, secret):
    """The path of each student's page: ASCII, short, unique, not to be guessed."""
    names, used = [], {}
    for student in students:
        ascii_id = unicodedata.normalize("NFKD", student.student_id).lower()
        ascii_id = re.sub(
            "[^a-z0-9]+", "-", ascii_id.encode("ascii", "ignore").decode()
        )
        who = f"{student.student_id}\0{student.name}".encode("utf-8", "replace")
        mark = hmac.new(f"page {secret}".encode(), who, "sha256").hexdigest()[:10]
        name = f"{ascii_id.strip('-')[:36] or 'student'}-{mark}"
        used[name] = used.get(name, 0) + 1
        again = f"-{used[name]}" if used[name] > 1 else ""
        names.append(f"feedback/{name}{again}.html")
    return names


def _answers(graded, assignment, named):
    """Pages per question with everybody's answer, in the order of the codes."""
    template, made = _templates().get_template("answers.html"), {}
    order = sorted(
        (s for s in graded.students if s.counted), key=lambda student: student.code
    )
    for number, (column, question) in enumerate(
        zip(COLUMNS, submission.QUESTIONS, strict=True), 1
    ):
        answered = [
            (student, answer["answer"], student.marks.get(column))
            for student in order
            if (answer := by_question(student.counted.answers).get(column))
        ]
        others = [(n, q) for n, q in enumerate(submission.QUESTIONS, 1) if n != number]
        for title, rows, paging in _in_pages(f"answers-{number}", answered):
            made[title] = template.render(
                assignment=assignment,
                number=number,
                column=column,
                question=question,
                named=named,
                n_answers=len(answered),
                rows=rows,
                paging=paging,
                others=others,
            )
    return made


def leaderboards(graded):
    """(rows of the public one, rows of the private one), each in order of its rank."""
    on_it = [s for s in graded.students if _review(s) and _review(s).leading]
    ranks, boards = {}, []
    for half in ("public", "private"):
        values = {id(s): round(getattr(_review(s), half)["nmi"], 9) for s in on_it}
        ordered = sorted(values.values(), reverse=True)
        rank = {value: place for place, value in reversed([*enumerate(ordered, 1)])}
        rows = []
        for student in sorted(
            on_it, key=lambda s: (-values[id(s)], s.name, s.student_id)
        ):
            place, found = rank[values[id(student)]], _review(student)
            up = ranks.setdefault(id(student), place) - place
            change = f"up {up}" if up > 0 else f"down {-up}" if up else "same"
            row = {"rank": place, "change": change, "run": _kind_of(found.leading)}
            named = graded.rubric["leaderboard_names"]
            row["name"] = (named and student.name) or student.code
            rows.append({**row, "scores": getattr(found, half)})
        boards.append(rows)
    return boards


def _kind_of(run):
    """What a run is, in the course's own words: no text of a student's is shown."""
    known = _known(run.representation) and run.counts
    try:
        algorithms.parse_algorithm(run.algorithm)
    except ValueError:
        known = False
    if not known:
        return "other"
    return f"{run.representation}/{run.algorithm}/k{run.k}"


def _review(student):
    return student.counted.review if student.counted else None


def _feedback(graded, student, best_of_all):
    """What a student's own page shows."""
    found, entries = _review(student), student.entries
    given = [p.points for p in student.parts.values() if p.points is not None]
    open_points = sum(p.most for p in student.parts.values() if p.points is None)
    # `review` saw this file alone; any other flag may name somebody else.
    own = [flag for flag in student.flags if found and flag in found.flags]
    others = [f for f in student.flags if f not in own and not EXPLAINED.fullmatch(f)]
    if found:
        n_differing = sum(bool(run.differing) for run in found.runs)
        n_counted = sum(run.counts for run in found.runs)
        claims = any(v is not None for run in found.runs for v in run.claimed.values())
        sentence = f"{n_counted} of {len(found.runs)} are counted"
        if n_differing == len(found.runs) > 1:
            sentence += "; all of them claim other scores than their labels have."
        elif n_differing:
            sentence += f"; the claimed scores of {n_differing} differ."
        else:
            sentence += "; the claimed scores agree with ours." if claims else "."
    return {
        "student": student,
        "most": rubric.max_points(graded.rubric),
        "why_none": "None of the files can be scored: see below."
        if entries
        else "Nothing was received from you.",
        "waiting": open_points * (1 - student.penalty),
        "flags": own,
        "talk": bool(others),
        "time": _time_sentence(graded, student),
        "lost": round(sum(given) * student.penalty, 2),
        "files": [(e, _counts(student, e, graded.rubric["count"])) for e in entries],
        "review": found,
        "runs": sorted(
            found.runs if found else (),
            key=lambda run: (not run.counts, -run.scores["nmi"]),
        ),
        "all_differ": bool(found) and n_differing == len(found.runs) > 1,
        "runs_sentence": sentence if found else "",
        "standing": _standing(found, best_of_all),
        "more": _what_gives_more(graded.rubric["points"], student),
        "best": found.lines[0] if found and found.lines else None,
        "answers": _marked_answers(student) if found else [],
        "sheet": _contact_sheet(student),
        "adjustments": student.adjustments,
    }


def _best_of_all(graded):
    """The best line of everybody whose runs are of the class's own images."""
    found = [_review(student) for student in graded.students]
    return [f.lines[0] for f in found if f and f.lines and not f.self_supplied]


def _standing(found, others):
    """Where a student's runs lie by NMI, as marks to draw and a sentence; or None."""
    if not found or not found.lines or found.self_supplied:
        return None
    best, nmi = found.lines[0], lambda line: line.nmi
    rows = [("you", "yours", found.lines)]
    sentence = f"Your best mean NMI over seeds is {nmi(best):.2f}, by {_kind_of(best)}."
    if len(others) >= FEW:
        middle = statistics.median(map(nmi, others))
        rows.insert(0, ("class", "best of each student", others))
        sentence += f" The median of the class's best is {middle:.2f}"
        network = [r for r in others if _known(r.representation)]
        network = [r for r in network if plots.kind(r.representation) == "pretrained"]
        if network:
            top = max(network, key=nmi)
            rows.append(("network", "best pretrained one of the class", [top]))
            sentence += (
                f", and the best one from a pretrained network has {nmi(top):.2f}"
            )
            sentence += f", by {_kind_of(top)}"
        sentence += "."
    rows = [
        (kind, text, sorted({round(nmi(line), 3) for line in lines}))
        for kind, text, lines in rows
    ]
    return {"rows": rows, "best": nmi(best), "sentence": sentence}


def _what_gives_more(rules, student):
    """(part, points, sentence) of each part that points were lost in, most first."""
    found = []
    for name, part in student.parts.items():
        if part.points is None or part.points >= part.most:
            continue
        what = part.reason
        reached = _reached(name, student.counted.review)
        if reached is not None:
            above = {
                at: points
                for at, points in sorted(rules[name]["thresholds"].items())
                if at > reached
            }
            what, of = "your best run has", "NMI"
            if name == "nmi_over_raw":
                what, of = "your margin over raw pixels is", "a margin of"
            steps = [
                f"{short(points)} points from {of} {at:.2f} on"
                for at, points in above.items()
            ]
            what = f"{what} {reached:.2f}; {', '.join(steps)}"
        found.append((name, round(part.most - part.points, 2), what))
    return sorted(found, key=lambda row: -row[1])


def _reached(part, found):
    """The value that is compared with the thresholds of a part; None without any."""
    if part == "nmi_over_raw" and found.compared:
        return found.compared.margin
    if part == "best_nmi" and found.best:
        return found.best.scores["nmi"]
    return None


def _marked_answers(student):
    """(answer, points or None) of every answer in the file."""
    columns = {id(a): c for c, a in by_question(student.counted.answers).items()}
    return [
        (answer, student.marks.get(columns.get(id(answer))))
        for answer in student.counted.answers
    ]


def _contact_sheet(student):
    """The contact sheet of a student's own images as a data URI, or ""."""
    sheet = student.counted.contact_sheet if student.counted else None
    return image_data_uri(sheet, "jpeg") if sheet else ""


def _time_sentence(graded, student):
    if student.late:
        return (
            f"{student.late}; {short(100 * student.penalty)} % of the points are lost"
        )
    if not graded.deadline or not student.counted:
        return ""
    receipt = student.counted.receipt
    known = receipt.time or receipt.lms
    return "in time" if known else "not known when it came"


def _counts(student, entry, how):
    """Why a file counts or not."""
    if entry.error:
        return f"no, it cannot be scored: {entry.error}"
    if student.conflict:
        return "to be settled by your instructor"
    if entry is student.counted:
        if sum(not e.error for e in student.entries) == 1:
            return "yes"
        return f"yes, it {'brings the most points' if how == 'best' else 'is the last'}"
    return (
        f"no, {'another brings more points' if how == 'best' else 'a later one does'}"
    )


def _overview(graded, assignment, problems, notes, names):
    """The class for the instructor: {name: page}, of PER_PAGE students each."""
    students = graded.students
    counts = {
        "students": len(students),
        "handed in": sum(bool(s.entries) for s in students),
        "scored": sum(s.points is not None for s in students),
        "to look at": len({id(p.student) for p in problems if p.student}),
    }
    template, made = _templates().get_template("overview.html"), {}
    page_of = {id(s): name for s, name in zip(students, names, strict=True)}
    groups, finding_of = _grouped(problems[:MAX_PROBLEMS], page_of)
    listed = [
        (
            *(student, page_of[id(student)]),
            (_review(student).lines or [None])[0] if student.counted else None,
            *(_remarks(student), finding_of.get(id(student))),
        )
        for student in students
    ]
    script = TEMPLATES.joinpath("overview.js").read_text("utf-8")
    script_hash = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    about = {
        "assignment": assignment,
        "graded": graded,
        "deadline": _time(graded.deadline) if graded.deadline else "not given",
        "counts": counts.items(),
        "most": rubric.max_points(graded.rubric),
        "n_questions": len(submission.QUESTIONS),
        "n_problems": len(problems),
        "script": Markup(script),
        "script_hash": script_hash,
    }
    for title, rows, paging in _in_pages("overview", listed):
        first = paging[0] == 1
        made[title] = template.render(
            first=first,
            notes=notes if first else [],
            figures=figures(graded) if first else [],
            students=rows,
            paging=paging,
            groups=groups if first else [],
            n_shown=min(len(problems), MAX_PROBLEMS),
            **about,
        )
    return made


def _grouped(problems, page_of):
    """The problems of each kind by student, and where each student's gravest stands.

    Returns [(kind, title, [(page, [problem])])] and {id of the student: anchor}.
    """
    groups, finding_of = [], {}
    for kind, of_kind in itertools.groupby(problems, lambda p: p.kind):
        students = {}
        for problem in of_kind:
            key = id(problem.student) if problem.student else problem.file
            students.setdefault(key, []).append(problem)
        for place, key in enumerate(students, 1):
            finding_of.setdefault(key, f"{kind}-{place}")
        listed = [(page_of.get(key, ""), found) for key, found in students.items()]
        groups.append((kind, KINDS[kind], listed))
    return groups, finding_of


def _remarks(student):
    """What there is to say of a student in a few words."""
    said = [student.late] if student.late else []
    if student.excused:
        said.append("excused")
    elif not student.counted:
        said.append("cannot be scored" if student.entries else "no submission")
    elif not student.complete:
        said.append("answers not marked")
    if student.counted and student.counted.review.self_supplied:
        said.append("labels of their own")
    if student.flags:
        said.append(f"{len(student.flags)} flag{'s' * (len(student.flags) > 1)}")
    return "; ".join(said)


def _time(time):
    return f"{time:%Y-%m-%d %H:%M} {time.tzname()}"


def _received(receipt):
    if not receipt.time:
        if receipt.lms == "canvas":
            return (
                "late, says Canvas" if receipt.marked_late else "in time, says Canvas"
            )
        return "not known"
    return f"{_time(receipt.time)}, by the {receipt.time_source}"


def _claim(value):
    """What is claimed and differs, below a score."""
    return Markup(f'<span class="claim differs">claimed {_score(value)}</span>')


def _score(value):
    return f"{value:.3f}" if abs(value) < 1e4 else f"{value:.3g}"


def _breaks(name):
    """A name in which a line may end after a slash."""
    return Markup("/<wbr>").join(plain(name).split("/"))


@functools.cache
def _templates():
    made = templates(TEMPLATES)
    made.filters |= {
        "number": short,
        "part": part_title,
        "breaks": _breaks,
        "title_of": plots.TITLES.get,
        "score": _score,
        "claim": _claim,
        "time": _received,
    }
    return made


MAX_SHOWN = 20  # representations

PARTS = {  # of the rubric, as a reader understands them
    "purity": "Own function: purity",
    "nmi": "Own function: NMI",
    "fowlkes_mallows": "Own function: FM",
    "nmi_over_raw": "NMI over raw pixels",
    "best_nmi": "Best NMI",
    "answers": "Written answers",
}

BLUE, ORANGE = plots.PALETTE[:2]


def figures(graded):
    """The figures that there is something to show in: dictionaries with title, data
    (PNG in base64), alt and caption. The same class gives the same bytes.
    """
    scored = [student for student in graded.students if student.points is not None]
    if not scored:
        return []
    made = [_points(scored, rubric.max_points(graded.rubric)), _winners(scored)]
    return [figure for figure in (*made, _lost(scored)) if figure]


def part_title(name):
    """A part of the rubric in words."""
    return PARTS.get(name, name.capitalize())


def _axes(height):
    figure = Figure(figsize=(6.4, height), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_axisbelow(True)
    return figure, axes


def _made(figure, title, alt, caption):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150, metadata={"Software": None})
    data = image_data_uri(buffer.getvalue())
    return {"title": title, "data": data, "alt": alt, "caption": caption}


def _points(scored, most):
    points = [student.points for student in scored]
    middle = statistics.median(points)
    figure, axes = _axes(2.8)
    edges = np.linspace(0, max(most, *points, 1), 21)
    seaborn.histplot(
        x=points, bins=edges, color=BLUE, edgecolor="white", alpha=1, ax=axes
    )
    axes.axvline(middle, color="black", ls="--", lw=1.5)
    place = {"xy": (middle, 1), "xycoords": ("data", "axes fraction")}
    side = "right" if middle > most / 2 else "left"
    offset = {
        "xytext": (-5 if side == "right" else 5, 4),
        "textcoords": "offset points",
    }
    axes.annotate(f"median {short(middle)}", ha=side, **place, **offset)
    axes.set(
        xlabel=f"points (of {short(most)})", ylabel="students", xlim=(0, edges[-1])
    )
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.grid(axis="y", color="#dddddd")
    alt = (
        f"Histogram of the points of {len(points)} students, from {short(min(points))} "
        f"to {short(max(points))}, median {short(middle)}."
    )
    return _made(
        figure, "How the points lie", alt, "After lateness; dashed: the median."
    )


def _winners(scored):
    """Each student's best mean NMI by each representation that the course knows."""
    best = {}
    for number, student in enumerate(scored):
        found = student.counted.review
        for line in () if found.self_supplied else found.lines:
            if _known(line.representation):
                by_student = best.setdefault(line.representation, {})
                by_student.setdefault(number, line.nmi)  # the best line comes first
    if not best:
        return None
    values = {name: [*by_student.values()] for name, by_student in best.items()}
    order = sorted(values, key=lambda n: (-statistics.median(values[n]), n))
    order, n_left_out = order[:MAX_SHOWN], len(order) - MAX_SHOWN
    figure, axes = _axes(1.1 + 0.3 * len(order))
    generator = np.random.default_rng(0)
    for height, name in enumerate(order):
        colour, marker = plots.KINDS[plots.kind(name)]
        offset = generator.uniform(-0.22, 0.22, len(values[name]))
        look = {"color": colour, "alpha": 0.45, "ms": 4, "mec": "none"}
        axes.plot(values[name], height + offset, marker, **look)
        low, middle, high = np.quantile(values[name], (0.25, 0.5, 0.75))
        box = {"fill": False, "edgecolor": "black", "zorder": 3}
        axes.barh(height, high - low, 0.62, left=low, **box)
        axes.plot([middle] * 2, [height - 0.31, height + 0.31], "k", lw=2.5, zorder=3)
    everything = np.concatenate([*values.values()])
    low, high = everything.min() - 0.05, everything.max() + 0.05
    axes.set(xlabel="best mean NMI of a student", ylabel="", xlim=(low, high))
    axes.set_yticks(range(len(order)), order)
    axes.set_ylim(len(order) - 0.4, -0.6)  # the best on top
    axes.grid(axis="x", color="#dddddd")
    kinds = dict.fromkeys(plots.kind(name) for name in order)
    for kind in kinds:
        colour, marker = plots.KINDS[kind]
        axes.plot([], [], marker, color=colour, label=kind)
    figure.legend(loc="outside upper left", ncols=3, frameon=False)
    alt = "Best mean NMI by representation, medians of the class: " + ", ".join(
        f"{name} {statistics.median(values[name]):.2f}" for name in order
    )
    caption = (
        "A mark is the mean over the seeds of a student's best algorithm; the box "
        "spans the middle half of the class, its thick line is the median."
    )
    if n_left_out > 0:
        caption += f" The {n_left_out} representations below these are left out."
    return _made(figure, "Which representations win", f"{alt}.", caption)


def _known(representation):
    try:
        extraction.parse(representation)
    except ValueError:
        return False
    # A layer is the student's word: what is no name has no place on an axis.
    return bool(re.fullmatch("[A-Za-z0-9_.:-]{1,40}", representation))


def _lost(scored):
    """Mean points that are lost in each part, of those that were given."""
    lost, most = {}, {}
    for student in scored:
        for name, part in student.parts.items():
            if part.points is not None:
                lost.setdefault(name, []).append(part.most - part.points)
                most[name] = part.most
        given = sum(p.points for p in student.parts.values() if p.points is not None)
        lost.setdefault("lateness", []).append(given - student.points)
    means = {name: statistics.fmean(values) for name, values in lost.items()}
    order = sorted(means, key=lambda name: (-means[name], name))
    titles = [part_title(name) for name in order]
    figure, axes = _axes(0.8 + 0.32 * len(order))
    heights = [means[name] for name in order]
    seaborn.barplot(x=heights, y=titles, color=ORANGE, saturation=1, width=0.7, ax=axes)
    words = [
        f" {short(means[n])}" + (f" of {short(most[n])}" if n in most else "")
        for n in order
    ]
    axes.bar_label(axes.containers[0], words)
    axes.set(xlabel="mean points lost", ylabel="", xlim=(0, 1.18 * max(heights) or 1))
    alt = "Mean points lost: " + ", ".join(
        f"{title}{word}" for title, word in zip(titles, words, strict=True)
    )
    caption = "Mean over the class; written answers only where they are marked."
    return _made(figure, "Where points are lost", f"{alt}.", caption)
