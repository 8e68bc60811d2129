"""Grade a class: every submission is read, reviewed and turned into points.

    python -m course_utils grade FOLDER --image-set stamps --out DIR

The learning platform says who handed a file in and when. What a file says of itself
decides only which probes and seeds are its own. What earns how many points is in a
rubric (rubric.yaml is the default). No part of a submission is executed; a broken one
gets a reason instead of points and never stops the others.
"""

import collections
import hashlib
import hmac
import math
from dataclasses import dataclass, field, replace
from datetime import timedelta

from course_utils._support.text import shown, shown_name
from course_utils.homework import replay as replaying
from course_utils.homework import submission_file
from course_utils.homework.flags import Flag
from course_utils.homework.grading import plagiarism, rubric
from course_utils.homework.grading.inbox import collect, load_times
from course_utils.homework.grading.marks import TOTAL, Marks, by_question
from course_utils.homework.review import (
    Review,
    lead,
    public_half,
    review_submission,
)

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # of codes: no 0 and O, no 1 and I
ANSWERS = "answers"  # the part of the rubric that people mark


@dataclass
class Class:
    """A graded class: students in the order of their rank.

    problems: (file, sentence) on files that are nobody's. troubles: sentences on what
    hit so many students that it is probably not theirs. notes: what else to know.
    """

    students: list
    image_set: object
    rubric: dict
    deadline: object = None
    problems: list = field(default_factory=list)
    n_files: int = 0
    roster: object = None
    marks: Marks = field(default_factory=Marks)
    troubles: list = field(default_factory=list)
    notes: list = field(default_factory=list)


@dataclass
class Entry:
    """One file: what was received, read and found.

    error: why nothing is scored. review: None as long as nobody needs to look, because
    a later file counts.
    """

    receipt: object
    student_id: str = ""  # what the file says of itself, and so is the name
    name: str = ""
    file_hash: str = ""
    answers: list = field(default_factory=list)
    lessons: dict = field(default_factory=dict)
    versions: dict = field(default_factory=dict)
    code: dict = field(default_factory=dict)  # {function: its text}
    own_pictures: tuple | None = None  # how many images and classes of one's own
    contact_sheet: bytes | None = field(default=None, repr=False)
    review: Review | None = None
    error: str = ""


@dataclass
class Student:
    """A student of the class, with every file and the one that counts."""

    student_id: str
    name: str
    roster: object = None  # roster.Student, if on the roster
    entries: list = field(default_factory=list)
    counted: Entry | None = None
    parts: dict = field(default_factory=dict)  # {part of the rubric: Part}
    late: str = ""  # in words; "" if in time
    penalty: float = 0.0  # share of the points
    flags: list = field(default_factory=list)  # for a person to look at
    rank: int | None = None
    code: str = ""  # stands for the student where no name is shown
    conflict: str = ""  # why nobody knows which file is the student's
    uncounted: str = ""  # why the exercises are not counted
    adjustments: list = field(default_factory=list)
    marks: dict = field(default_factory=dict)  # {column of marks.csv: points}

    @property
    def points(self):
        """Points after lateness and adjustments, without those still to give.

        None if nothing is scored.
        """
        given = [part.points for part in self.parts.values() if part.points is not None]
        is_set = any(a.points_set is not None for a in self.adjustments)
        if self.excused or not (self.parts or is_set):
            return None
        points = sum(given) * (1 - self.penalty)
        for adjustment in self.adjustments:
            points = adjustment.apply(points)
        return round(points, 2)

    @property
    def excused(self):
        """True if an adjustment says so."""
        return any(adjustment.excused for adjustment in self.adjustments)

    @property
    def complete(self):
        """True if no points are left for a person to give."""
        return all(part.points is not None for part in self.parts.values())


def grade(
    folder,
    image_set,
    *,
    deadline=None,
    times=None,
    roster=None,
    rules=None,
    marks=None,
    adjustments=(),
    replay=None,
    progress=False,
):
    """Grade every submission in a folder or in a platform's bulk download.

    The submissions are only read.

    Parameters
    ----------
    folder : path
        A folder, or a .zip as Canvas and Moodle give it.
    image_set : ImageSet
        With the instructor's true labels.
    deadline : datetime, optional
        With its time zone, which is also that of the times in Moodle's worksheet.
    times : path or "files", optional
        A receipts CSV, or the times of the files themselves.
    roster : roster.Roster, optional
    rules : dict, optional
        What `load_rubric` returned.
    marks : marks.Marks, optional
    adjustments : sequence of adjustments.Adjustment
    replay : int or "all", optional
        How many runs of each student to compute again; default: what the rubric says.
    progress : bool
        Whether to show a progress bar while runs are computed again.

    Returns
    -------
    Class

    Raises
    ------
    ValueError
        If there is nothing to grade, or the image set has no true labels.
    """
    if image_set.true_labels is None:
        raise ValueError(f"{image_set.name} has no true labels: nothing can be scored.")
    rules = rules or rubric.load_rubric()
    marks = marks or Marks()
    times = load_times(times) if times not in (None, "files") else times
    inbox = collect(folder, times)
    entries = [Entry(receipt) for receipt in inbox]
    students, problems = by_sender(entries, roster)
    if times and times != "files":
        _sent_at(students, times)
    found = Class(
        students, image_set, rules, deadline, problems, len(entries), roster, marks
    )
    _name_codes(students, rules["salt"])
    _adjust(found, adjustments)
    options = review_options(image_set, rules)
    for student in students:
        _choose(student, found, options)
        student.uncounted = _foreign_id(student, roster)
    _flag_shared_ids(students, roster)
    counted = [student for student in students if student.counted]
    _replay(counted, found, replay, progress, options["public"])
    plagiarism.flag_copies(
        counted,
        compare_code=rules["compare_code"],
        look=lambda student: _review_earlier(student, found, options),
    )
    plagiarism.flag_far(counted)
    for student in counted:
        review = student.counted.review
        hints = [] if review.came_back else review.hints
        student.flags = [*review.flags, *hints, *student.flags]
        student.marks = marks.of(student.student_id, student.code)
        student.parts = _points(student, student.counted, rules)
    _rank(students)
    found.notes += [*_inbox_notes(inbox), *marks.notes]
    known = {name.casefold() for s in students for name in (s.student_id, s.code)}
    found.problems += [
        (shown(name), "is in the marks, but nobody has this student id.")
        for name in sorted(set(marks.given) - known)
    ]
    found.troubles = troubles(found)
    return found


def sentence(graded):
    """What became of the class, in a line or two."""
    students = graded.students
    scored = sum(student.counted is not None for student in students)
    late = sum(bool(student.late) for student in students)
    flagged = sum(bool(student.flags) for student in students)
    errors = [e.error for s in students for e in s.entries if e.error]
    n_senders = sum(bool(student.entries) for student in students)
    n_failed = len(errors) + len(graded.problems)
    return (
        f"{graded.n_files} files of {n_senders} students: {scored} scored, {late} "
        f"late, {n_failed} files could not be scored, {flagged} students to look at."
    )


def review_options(image_set, rules):
    """How `review` is to look at a submission by these rules."""
    return {
        "clusters_per_class": rules["most_clusters_per_class"],
        "own_seeds": rules["own_seeds"],
        "public": public_half(image_set, rules["salt"]),
    }


# Who


def by_sender(entries, roster=None):
    """Students with their entries in order, and (file, reason) of what is nobody's.

    Where the platform's names say who handed a file in, that decides, and two of its
    users are never one student. Only without them the id in a file does; then several
    different files under one id are a conflict. With a roster, students who handed in
    nothing are there too.
    """
    users, ids = collections.defaultdict(list), collections.defaultdict(list)
    problems = []
    for entry in entries:
        receipt = entry.receipt
        if receipt.lms:
            users[receipt.lms, receipt.user or receipt.who].append(entry)
            continue
        _open(entry)
        if entry.student_id:
            person = roster.by_id(entry.student_id) if roster else None
            name = person.student_id if person else entry.student_id
            ids[name.casefold()].append(entry)
        else:
            problems.append((receipt.path, entry.error))
    students = _of_platform(users, roster)
    taken = {id(student.roster) for student in students if student.roster}
    students += _of_ids(ids, roster, taken)
    for student in students:
        student.entries.sort(key=in_order)
        if roster and not (student.roster or student.flags):
            student.flags.append(Flag.of("whose", "not on the roster."))
    if roster:
        seen = {id(student.roster) for student in students}
        students += [
            Student(person.student_id, person.name, person)
            for person in roster.students
            if id(person) not in seen
        ]
    _tell_apart(students)
    return students, problems


def _of_platform(users, roster):
    """One student per user of the platform: {(platform, user): entries}."""
    people = {
        key: roster.find(entries[0].receipt) if roster else None
        for key, entries in users.items()
    }
    claims = collections.Counter(id(person) for person in people.values() if person)
    students = []
    for (platform, user), entries in users.items():
        person, flags = people[platform, user], []
        if person and claims[id(person)] > 1:
            sentence = (
                f"several senders are called like {shown(person.name)} of the roster: "
                "add the platform's numbers to it, as the column lms_id."
            )
            flags.append(Flag.of("whose", sentence))
            person = None
        student_id, name = user, entries[0].receipt.who
        if person:
            student_id, name = person.student_id, person.name
        students.append(
            Student(student_id, shown_name(name), person, entries, flags=flags)
        )
    return students


def _of_ids(ids, roster, taken):
    """One student per id that files without a sender carry: {id: entries}.

    taken: `id` of the roster's students who handed in on the platform.
    """
    students = []
    for entries in ids.values():
        first, flags = entries[0], []
        person = roster.by_id(first.student_id) if roster else None
        if id(person) in taken:
            sentence = (
                f"carries the id of {shown(person.name)}, who handed in on the "
                "platform: this file is not taken for theirs."
            )
            flags.append(Flag.of("whose", sentence))
            person = None
        student_id, name = first.student_id, first.name
        if person:
            student_id, name = person.student_id, person.name
        student = Student(student_id, shown_name(name), person, entries, flags=flags)
        _find_conflict(student)
        students.append(student)
    return students


def _tell_apart(students):
    """No two students have the same id: marks and adjustments are found by it."""
    used = collections.Counter()
    for student in students:
        used[student.student_id.casefold()] += 1
        again = used[student.student_id.casefold()]
        if again > 1:
            student.student_id = f"{student.student_id}-{again}"


def _find_conflict(student):
    """Say if several different files claim to be of one student."""
    different = {entry.file_hash for entry in student.entries if not entry.error}
    if len(different) > 1:
        paths = ", ".join(shown(e.receipt.path) for e in student.entries[:4])
        more = " …" if len(student.entries) > 4 else ""
        student.conflict = (
            f"{len(different)} different files carry this student's id and nothing "
            f"says which is theirs ({paths}{more}): the best one is shown until "
            "adjustments.csv names the right one, in its column counts."
        )


def in_order(entry):
    """Sort key: when it was handed in, by time or by the platform's numbers."""
    receipt = entry.receipt
    time = receipt.time.timestamp() if receipt.time else -math.inf
    return (time, *receipt.order, receipt.path)


def _foreign_id(student, roster):
    """Why the exercises are not counted: they are made for somebody else's id."""
    entry = student.counted
    if not (entry and roster and student.roster):
        return ""
    owner = roster.by_id(entry.student_id)
    if owner is None or owner is student.roster:
        return ""
    return "made for another student's id"


def _flag_shared_ids(students, roster):
    """Flag files that carry somebody else's id, on their senders alone."""
    users = collections.defaultdict(dict)
    for student in students:
        for entry in student.entries:
            if entry.student_id:
                users[entry.student_id.casefold()][id(student)] = student
    for used, sharing in sorted(users.items()):
        owner = roster.by_id(used) if roster else None
        for student in sharing.values():
            if owner and owner is not student.roster:
                sentence = (
                    f"the file says it is of {shown(used)}, the id of "
                    f"{shown(owner.name)}."
                )
                student.flags.append(Flag.of("copied", sentence))
            elif not owner and len(sharing) > 1:
                others = [shown(s.name) for s in sharing.values() if s is not student]
                more = f" and {len(others) - 3} more" if len(others) > 3 else ""
                sentence = (
                    f"the student id {shown(used)} is also in a file of "
                    f"{', '.join(others[:3])}{more}; whose it is, nothing says."
                )
                student.flags.append(Flag.of("whose", sentence))


def _name_codes(students, secret):
    """Give everyone a code that does not tell who it is."""
    used = set()
    for student in students:
        entry = student.entries[0].receipt if student.entries else None
        who = f"{student.student_id}\0{entry.user if entry else ''}"
        digest = hmac.digest(f"code {secret}".encode(), who.encode(), "sha256")
        number, size = int.from_bytes(digest), 6
        while True:
            code = "".join(ALPHABET[number >> 5 * i & 31] for i in range(size))
            if code not in used:
                break
            size += 1
        used.add(code)
        student.code = code


def _inbox_notes(inbox):
    """Sentences on what lay beside the submissions."""
    found = []
    if inbox.texts:
        found.append(
            f"{len(inbox.texts)} texts were typed into the platform and are not read "
            f"here, for example {shown(inbox.texts[0].path)}."
        )
    if inbox.ignored:
        found.append(
            f"{len(inbox.ignored)} hidden files are ignored, for example "
            f"{shown(inbox.ignored[0])}."
        )
    plain = [receipt for receipt in inbox if not receipt.lms]
    if plain and len(plain) < len(inbox):
        found.append(
            f"{len(plain)} files are not named by the platform, for example "
            f"{shown(plain[0].path)}: whose they are, only they say themselves."
        )
    return found


# What counts


def _open(entry):
    """Read the file, and note what it says of itself or why it cannot be read.

    Returns the Submission or None; nothing keeps it, as a class of them is large.
    """
    entry.error = entry.receipt.problem
    if entry.error:
        return None
    try:
        data = entry.receipt.read()
        entry.file_hash = hashlib.sha256(data).hexdigest()
        sent = submission_file.read_submission(data)
    except (ValueError, OSError, MemoryError) as error:
        entry.error = str(error) or type(error).__name__
        return None
    entry.student_id, entry.name = sent.student_id, sent.name
    entry.answers, entry.lessons = sent.answers, sent.lessons
    entry.code, entry.contact_sheet = sent.code, sent.contact_sheet
    entry.versions, entry.own_pictures = sent.versions, sent.own_pictures
    return sent


def _review(entry, graded, options):
    """Score what the file holds, once."""
    if entry.review or entry.error:
        return
    sent = _open(entry)
    if sent is None:
        return
    try:
        entry.review = review_submission(sent, graded.image_set, **options)
        entry.error = " ".join(entry.review.errors)
    except (ValueError, OSError, MemoryError) as error:
        entry.error = str(error) or type(error).__name__


def _choose(student, graded, options):
    """Review the entries that can count, choose one, and say if it is late."""
    rules = graded.rubric
    chosen = [a.counts for a in student.adjustments if a.counts]
    candidates = student.entries[-rules["files_per_student"] :]
    if chosen:
        candidates = [e for e in student.entries if e.receipt.path == chosen[-1]]
        student.conflict = "" if candidates else student.conflict
        if not candidates:
            student.flags.append(
                f"adjustments.csv names the file {shown(chosen[-1])}, but nothing that "
                "was handed in is called so."
            )
            candidates = student.entries[-rules["files_per_student"] :]
    take_best = rules["count"] == "best" or bool(student.conflict)
    for entry in reversed(candidates):
        _review(entry, graded, options)
        if not entry.error and not take_best:
            break
    good = [entry for entry in candidates if entry.review and not entry.error]
    if good:
        # Of equal ones the earliest, so that handing in again costs nothing.
        student.counted = (
            max(good, key=lambda entry: _worth(student, entry, graded))
            if take_best
            else good[-1]
        )
    elif student.entries:
        sentence = "nothing that was handed in can be scored."
        student.flags.append(Flag.of("unreadable", sentence))
    for entry in student.entries:
        if entry.error and good:
            sentence = (
                f"{shown(entry.receipt.path)} cannot be scored; "
                f"{shown(student.counted.receipt.path)} counts instead."
            )
            student.flags.append(Flag.of("unreadable", sentence))
    if student.conflict:
        student.flags.append(Flag.of("whose", student.conflict))
    if student.counted:
        student.penalty, student.late = lateness(
            student, student.counted.receipt, rules["late"], graded.deadline
        )


def _review_earlier(student, graded, options):
    """Review what nobody needed to look at so far, of the files that can count."""
    for entry in student.entries[-graded.rubric["files_per_student"] :]:
        _review(entry, graded, options)


def _worth(student, entry, graded):
    """Points of an entry after lateness, without the written answers."""
    parts = _points(student, entry, graded.rubric)
    penalty, _ = lateness(
        student, entry.receipt, graded.rubric["late"], graded.deadline
    )
    given = sum(p.points or 0 for name, p in parts.items() if name != ANSWERS)
    return given * (1 - penalty)


def _points(student, entry, rules):
    parts = rubric.points(
        entry.review,
        entry.answers,
        rules,
        own_id=not student.uncounted,
        own_pictures=entry.own_pictures,
    )
    if ANSWERS in parts:
        parts[ANSWERS] = _answers_part(
            entry.answers, student.marks, parts[ANSWERS].most
        )
    return parts


def _answers_part(answers, marks, most):
    """The part that people mark: None until every written answer has its points."""
    written = by_question(answers)
    said = f"{len(written)} written answer{'' if len(written) == 1 else 's'}"
    if TOTAL in marks:
        return rubric.Part(marks[TOTAL], most, said)
    given = {column: marks[column] for column in written if column in marks}
    said += "".join(
        f"; {column.replace('_', ' ')}: {rubric.short(points)}"
        for column, points in given.items()
    )
    if len(given) < len(written):
        waiting = len(written) - len(given)
        return rubric.Part(None, most, f"{said}; {waiting} not marked yet")
    return rubric.Part(round(sum(given.values()), 2), most, said)


def _replay(students, graded, how_many, progress, public):
    """Compute a sample of everybody's runs again; what is refuted leads no board."""
    how_many = graded.rubric["replay"] if how_many is None else how_many
    replaying.replay(
        [(student.student_id, student.counted.review) for student in students],
        graded.image_set,
        secret=graded.rubric["salt"],
        n=how_many,
        progress=progress,
    )
    for found in (student.counted.review for student in students):
        if found.leading and found.refuted:
            lead(found, graded.image_set.true_labels, public)


def _adjust(graded, adjustments):
    """Give each student their rows of adjustments.csv."""
    by_id = {}
    for student in graded.students:
        names = student.roster.ids if student.roster else ()
        for name in (*names, student.student_id, student.code):
            by_id.setdefault(name.casefold(), student)
    for adjustment in adjustments:
        student = by_id.get(adjustment.student_id.casefold())
        if student:
            student.adjustments.append(adjustment)
        else:
            graded.problems.append(
                (
                    shown(adjustment.student_id),
                    f"is in row {adjustment.row} of the adjustments, but nobody has "
                    "this student id.",
                )
            )


# When


def _sent_at(students, times):
    """Give plain files the times that the receipts have by student id."""
    for student in students:
        for entry in student.entries:
            names = student.roster.ids if student.roster else (entry.student_id,)
            known = filter(None, map(times.time_of, filter(None, sorted(names))))
            time = None if entry.receipt.time else next(known, None)
            if time:
                entry.receipt = replace(
                    entry.receipt, time=time, time_source="receipts file"
                )
        student.entries.sort(key=in_order)


def lateness(student, receipt, how, deadline):
    """(share of the points that is lost, in words)

    The exact time counts where it is known; else what the platform says: Moodle's
    status, Canvas' LATE. Days that adjustments give are taken off.
    """
    more_time = timedelta(days=sum(a.extension_days for a in student.adjustments))
    grace = timedelta(minutes=how["grace_minutes"])
    time, source = receipt.time, receipt.time_source
    sheet = student.roster.submitted if student.roster else None
    if receipt.lms != "moodle":
        sheet = None
    if deadline and not time and sheet and sheet.time:
        time, source = sheet.time.replace(tzinfo=deadline.tzinfo), "Moodle worksheet"
    if deadline and time:
        if sheet and sheet.extension:
            deadline = max(deadline, sheet.extension.replace(tzinfo=deadline.tzinfo))
        by = time - deadline
    elif sheet and sheet.late:
        by, source = sheet.late, "Moodle worksheet"
    elif receipt.marked_late:
        if more_time:
            return 0, ""
        return _penalty(1, how), "late by its name, by how much is not known: one day"
    else:
        return 0, ""
    by -= more_time
    if by <= grace:
        return 0, ""
    days = math.ceil(by / timedelta(days=1))
    words = f"{days} day{'' if days == 1 else 's'} late by the {source}"
    return _penalty(days, how), words


def _penalty(days, how):
    return min(days * how["percent_a_day"], how["most_percent"], 100) / 100


# The class as a whole


MIN_TROUBLED, SHARE_TROUBLED = 3, 1 / 3


def troubles(graded):
    """What hit more than a third of the class, each with an example and a remedy."""
    students = [student for student in graded.students if student.entries]
    found = []

    def look(hit, what, remedy):
        named = [(s, why) for s in students if (why := hit(s))]
        if len(named) < MIN_TROUBLED or len(named) <= SHARE_TROUBLED * len(students):
            return
        student, why = named[0]
        path = (student.counted or student.entries[-1]).receipt.path
        found.append(
            f"{len(named)} of {len(students)} students {what}, for example "
            f"{shown(student.name or student.student_id)} ({shown(path)}): "
            f"{why.rstrip('.')}. {remedy}"
        )

    look(
        lambda s: s.uncounted,
        "get no points for their exercises",
        "Does the roster lack an identifier that students use? Add it as a column, for "
        "example student_id,name,email,login,lms_id.",
    )
    look(
        lambda s: s.late,
        "are late",
        "Check --deadline with its time zone, and --times: the times of files that "
        "were copied or unpacked are those of the copy.",
    )
    if graded.roster:
        look(
            lambda s: not s.roster and "it is on no row of the roster",
            "are not on the roster",
            "Export the roster of this course again, from the platform that the "
            "submissions come from.",
        )
    look(
        lambda s: s.conflict,
        "have several files and nothing says which is theirs",
        "Give the platform's own download, whose names say who handed a file in.",
    )
    look(
        lambda s: not s.counted and s.entries[-1].error,
        "have no file that can be scored",
        "Is --image-set the one that the homework asks for?",
    )
    look(
        lambda s: s.counted and _replay_words(s.counted.review),
        "have runs that do not come back when they are computed again",
        "Is this the version of the course that they were given? --replay 0 grades "
        "without computing again.",
    )
    return found


def _replay_words(review):
    return review.refuted and f"{shown(review.refuted[0].run)} does not come back"


def _rank(students):
    """Order by points, then by the best mean NMI; equal ones share a rank.

    Unscored ones come last.
    """

    def key(student):
        if student.points is None:
            return (1, 0, 0)
        lines = student.counted.review.lines if student.counted else []
        return (0, -student.points, -round(lines[0].nmi, 9) if lines else 0)

    students.sort(key=lambda s: (*key(s), s.student_id.casefold(), s.name))
    for place, student in enumerate(students, 1):
        before = students[place - 2] if place > 1 else None
        tied = before and key(before) == key(student)
        student.rank = before.rank if tied else place
