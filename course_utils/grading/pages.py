"""The pages of a graded class: feedback for each student, leaderboards, an overview.

Each is one file that needs no network and runs no script. All texts are escaped by the
templates, and every one, whoever wrote it, goes through `texts.plain`.
A feedback page names no other student.
"""

import functools
import hashlib
import re
import unicodedata
from pathlib import Path

import jinja2
from markupsafe import Markup

from course_utils import plots
from course_utils.grading import figures, rubric
from course_utils.grading.lms import short
from course_utils.texts import plain

SCORES = ("nmi", "purity", "fowlkes_mallows")
TEMPLATES = Path(__file__).with_name("templates")
# Flags that the table of files says as well, with no name of others in them.
EXPLAINED = re.compile(r"nothing that was .* can be scored\.|.*; .* counts instead\.")


def pages(graded, assignment, problems, notes):
    """All pages as {path in the folder: HTML}; problems, notes as in `gradebook`."""
    templates = _templates()
    names = page_names(graded.students)
    feedback = templates.get_template("feedback.html")
    made = {"overview.html": _overview(graded, assignment, problems, notes, names)}
    board = templates.get_template("leaderboard.html")
    n_own = sum(bool(_review(s) and _review(s).self_supplied) for s in graded.students)
    about = {"assignment": assignment, "scores": SCORES, "n_own": n_own}
    for half, rows in zip(("public", "private"), leaderboards(graded), strict=True):
        name = f"leaderboard{'-private' * (half == 'private')}.html"
        made[name] = board.render(graded=graded, half=half, rows=rows, **about)
    for student, name in zip(graded.students, names, strict=True):
        made[name] = feedback.render(
            assignment=assignment, scores=SCORES, **_feedback(graded, student)
        )
    return made


def page_names(students):
    """The path of each student's page: ASCII, short, and no two are the same."""
    names, used = [], {}
    for student in students:
        ascii_id = unicodedata.normalize("NFKD", student.student_id).lower()
        ascii_id = re.sub(
            "[^a-z0-9]+", "-", ascii_id.encode("ascii", "ignore").decode()
        )
        users = [entry.receipt.user for entry in student.entries[:1]]
        who = "\0".join((student.student_id, student.name, *users))
        mark = hashlib.sha256(who.encode("utf-8", "replace")).hexdigest()[:10]
        name = f"{ascii_id.strip('-')[:36] or 'student'}-{mark}"
        used[name] = used.get(name, 0) + 1
        again = f"-{used[name]}" if used[name] > 1 else ""
        names.append(f"feedback/{name}{again}.html")
    return names


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
            row = {"rank": place, "change": change, "run": found.leading.run}
            row["name"] = student.name or student.student_id
            rows.append({**row, "scores": getattr(found, half)})
        boards.append(rows)
    return boards


def _review(student):
    return student.counted.review if student.counted else None


def _feedback(graded, student):
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
        sentence = f"{n_counted} of {len(found.runs)} are counted; the claimed scores "
        sentence += f"of {n_differing} differ." if n_differing else "agree with ours."
    return {
        "student": student,
        "most": rubric.most_points(graded.rubric),
        "why_none": "None of the files can be scored: see below."
        if entries
        else "Nothing was received from you.",
        "waiting": open_points * (1 - student.penalty),
        "flags": own,
        "talk": bool(others),
        "time": _time_sentence(graded, student),
        "lost": round(sum(given) - student.points, 2) if student.parts else 0,
        "files": [(e, _counts(student, e, graded.rubric["count"])) for e in entries],
        "review": found,
        "runs_sentence": sentence if found else "",
        "best": found.best if found else None,
        "answers": student.counted.answers if found else [],
    }


def _time_sentence(graded, student):
    if student.late:
        return (
            f"{student.late}; {short(100 * student.penalty)} % of the points are lost"
        )
    if not graded.deadline or not student.counted:
        return ""
    return "in time" if student.counted.receipt.time else "not known when it came"


def _counts(student, entry, how):
    """Why a file counts or not."""
    if entry.error:
        return f"no, it cannot be scored: {entry.error}"
    if entry is student.counted:
        if sum(not e.error for e in student.entries) == 1:
            return "yes"
        return f"yes, it {'brings the most points' if how == 'best' else 'is the last'}"
    return (
        f"no, {'another brings more points' if how == 'best' else 'a later one does'}"
    )


def _overview(graded, assignment, problems, notes, names):
    students = graded.students
    counts = {
        "students": len(students),
        "files received": graded.n_files,
        "handed in": sum(bool(s.entries) for s in students),
        "scored": sum(s.points is not None for s in students),
        "late": sum(bool(s.late) for s in students),
        "cannot be scored": sum(bool(s.entries and not s.counted) for s in students),
        "flagged": sum(bool(s.flags) for s in students),
        "nobody's files": len(graded.problems),
    }
    return (
        _templates()
        .get_template("overview.html")
        .render(
            assignment=assignment,
            graded=graded,
            deadline=_time(graded.deadline) if graded.deadline else "not given",
            counts=counts.items(),
            notes=notes,
            figures=figures.figures(graded),
            most=rubric.most_points(graded.rubric),
            students=[
                (s, page, _review(s).best if s.counted else None, _remarks(s))
                for s, page in zip(students, names, strict=True)
            ],
            problems=problems,
        )
    )


def _remarks(student):
    """What there is to say of a student in a few words."""
    said = [student.late] if student.late else []
    if not student.counted:
        said.append("cannot be scored" if student.entries else "no submission")
    elif not student.complete:
        said.append("answers not marked")
    if student.counted and student.counted.review.self_supplied:
        said.append("labels of their own")
    if student.flags:
        said.append(f"{len(student.flags)} flag{'s' * (len(student.flags) > 1)}")
    return "; ".join(said)


def _time(time):
    return f"{time:%Y-%m-%d %H:%M} UTC"


def _received(receipt):
    if not receipt.time:
        return "not known" + ", marked late" * receipt.marked_late
    return f"{_time(receipt.time)}, by the {receipt.time_source}"


def _claim(value, differs):
    """What is claimed, below a score; said in words if it differs."""
    if value is None:
        return Markup('<span class="claim">no claim</span>')
    kind, word = ("claim differs", "differs: ") if differs else ("claim", "")
    text = '<span class="{}">{}claimed {}</span>'
    return Markup(text).format(kind, word, _score(value))


def _score(value):
    return f"{value:.4f}" if abs(value) < 1e4 else f"{value:.3g}"


def _breaks(name):
    """A name in which a line may end after a slash."""
    return Markup("/<wbr>").join(plain(name).split("/"))


def _shown(value):
    """Every value that a template puts on a page, before it is escaped."""
    if type(value) is not str or value.isprintable():
        return value
    return plain(value, keep="\n\t")


@functools.cache
def _templates():
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {
        "number": short,
        "part": figures.part_title,
        "breaks": _breaks,
        "title_of": plots.TITLES.get,
        "score": _score,
        "claim": _claim,
        "time": _received,
    }
    return templates
