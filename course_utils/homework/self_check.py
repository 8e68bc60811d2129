"""What the grader will say of a submission, for the student who is about to send it."""

from pathlib import Path

from course_utils.homework import submission_file
from course_utils.homework.grading import grader, rubric
from course_utils.homework.review import review_submission


def check_submission(path, image_set, rules=None):
    """Say what the grader will say of a submission file.

    Lateness, copies and the written answers are judged when the class is graded.

    Parameters
    ----------
    path : str or Path
        The file that `submit` wrote.
    image_set : ImageSet
        The images that were asked for.
    rules : dict, optional
        What `load_rubric` returned. Default: the default rubric.

    Returns
    -------
    str
        The report, for people.

    Raises
    ------
    ValueError
        If the file would get no points; the message says what to change.
    """
    rules = rules or rubric.load_rubric()
    path = Path(path)
    try:
        with open(path, "rb") as file:
            data = file.read(submission_file.MAX_BYTES + 1)
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}).") from error
    try:
        sent = submission_file.read_submission(data)
    except submission_file.BadSubmission as error:
        raise ValueError(f"{path} would get no points: {error}") from error
    found = review_submission(
        sent, image_set, **grader.review_options(image_set, rules)
    )
    if found.errors:
        raise ValueError(f"{path} would get no points: {' '.join(found.errors)}")
    if sent.image_set["self_supplied_labels"] and not found.self_supplied:
        found.flags.append("self-supplied labels: pictures and classes are your own.")
    counted = sum(run.counts for run in found.runs)
    lines = [
        f"{sent.name} ({sent.student_id}), {sent.image_set['name']}: {len(found.runs)} "
        f"runs, {counted} of them are counted."
    ]
    if found.best:
        scores = ", ".join(f"{k} {v:.3f}" for k, v in found.best.scores.items())
        lines.append(f"Best, recomputed: {found.best.run}: {scores}")
    lines.append("")
    parts = rubric.points(found, sent.answers, rules)
    for name, part in parts.items():
        given = "  ?" if part.points is None else f"{part.points:3g}"
        lines.append(f"{given} of {part.most:3g}  {name}: {part.reason}")
    total = sum(part.points or 0 for part in parts.values())
    lines.append(f"{total:3g} of {rubric.max_points(rules):3g}  before lateness")
    not_counted = [f"{r.run} is not counted: {r.why}." for r in found.runs if r.why]
    for title, sentences in (
        ("Your instructor will be asked to look at", found.flags),
        ("Good to know", found.notes + not_counted[:10]),
    ):
        if sentences:
            lines += ["", f"{title}:", *(f"* {sentence}" for sentence in sentences)]
    return "\n".join([*lines, "", f"Receipt (SHA-256): {sent.receipt}"])
