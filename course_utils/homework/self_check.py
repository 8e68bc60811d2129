"""What the grader will say of a submission, for the student who is about to send it."""

from pathlib import Path

from course_utils.homework import submission_file
from course_utils.homework.grading import grader, rubric
from course_utils.homework.grading.rubric import short
from course_utils.homework.review import review_submission


def check_submission(path, image_set, rules=None):
    """Say what the grader will say of a submission file.

    Lateness, copies and the written answers are judged when the class is graded. Then a
    few runs are computed again, too, and where a student has sent several files it is
    decided which of them counts.

    Parameters
    ----------
    path : str or Path
        The file that `submit` wrote.
    image_set : ImageSet
        The images that were asked for.
    rules : dict, optional
        What `load_rubric` returned, of your instructor's file if there is one. Default:
        the default rubric.

    Returns
    -------
    str
        The report, for people.

    Raises
    ------
    ValueError
        If the file would get no points; the message says what to change.
    """
    default = rubric.load_rubric()
    rules = rules or default
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
        # They are known here, but not to the grader.
        found.self_supplied = True
        found.notes.append("images and classes are your own.")
    counted = sum(run.counts for run in found.runs)
    lines = [
        f"{sent.name} ({sent.student_id}), {sent.image_set['name']}: {len(found.runs)} "
        f"runs, {counted} of them are counted."
    ]
    if rules == default:
        lines.append("By the default rubric, unless your instructor gave you another.")
    if found.lines:
        best = found.lines[0]
        lines.append(
            f"Best by the mean over its seeds, recomputed: {best}: NMI {best.nmi:.3f} "
            f"({len(best.runs)})"
        )
    lines.append("")
    parts = rubric.points(found, sent.answers, rules, own_pictures=sent.own_pictures)
    for name, part in parts.items():
        given = "  ?" if part.points is None else f"{part.points:3g}"
        lines.append(f"{given} of {part.most:3g}  {name}: {part.reason}")
    total = sum(part.points or 0 for part in parts.values())
    lines.append(f"{total:3g} of {rubric.max_points(rules):3g}  before lateness")
    not_counted = [f"{r.run} is not counted: {r.why}." for r in found.runs if r.why]
    for title, sentences in (
        ("What is known only when the class is graded", _still_open(rules)),
        ("Your instructor will be asked to look at", found.flags + found.hints),
        ("Good to know", found.notes + not_counted[:10]),
    ):
        if sentences:
            lines += ["", f"{title}:", *(f"* {sentence}" for sentence in sentences)]
    return "\n".join([*lines, "", f"Receipt (SHA-256): {sent.receipt}"])


def _still_open(rules):
    """What is only known when the class is graded, and can change the points."""
    late, n_replayed = rules["late"], rules["replay"]
    sentences = [
        f"A late file loses {short(late['percent_a_day'])} % of the points for each "
        f"day, {short(late['most_percent'])} % at most.",
        f"Of several files the {rules['count']} counts, and only your latest "
        f"{rules['files_per_student']} are looked at.",
        "The values of your functions count if the student id is your own.",
        "Copies are looked for.",
    ]
    if n_replayed:
        sentences.append(
            f"{n_replayed} of your runs are computed again: they should come out the "
            "same."
        )
    return sentences
