"""What a learning platform writes into the names of the files it collects."""

import re

# Canvas: lastfirst[_LATE]_USER_FILE_original, and anon_XXXXX in place of name and user;
# Moodle: Full Name_PARTICIPANT_assignsubmission_file[_], then / or _ and the original.
CANVAS = re.compile(
    r"(?P<who>.*?)(?P<late>_LATE)?_(?P<user>\d+)_(\d+_.|(text|link)\.html$)", re.ASCII
)
ANONYMOUS = re.compile(r"(?P<late>LATE_)?(?P<who>anon_[A-Za-z0-9]{5})(?P<user>)_\d+_.")
MOODLE = re.compile(
    r"(?P<who>.*?)(_(?P<user>\d+))?(?P<late>)_assignsubmission_[a-z]+(_|$)", re.ASCII
)


def sender(path):
    """{"lms", "who", "user", "marked_late"} of a Receipt, from where the file lies."""
    *folders, base = path.split("/")
    # A folder's name is the platform's own, the end of a file's name is the student's:
    # so a folder goes first, and then whatever stands nearest to the beginning.
    patterns = [(MOODLE, folder) for folder in folders], [(ANONYMOUS, base)]
    for tried in (*patterns, [(CANVAS, base), (MOODLE, base)]):
        found = [match for pattern, text in tried if (match := pattern.match(text))]
        if found:
            match = min(found, key=lambda match: match.end("who"))
            return {
                "lms": "moodle" if match.re is MOODLE else "canvas",
                "who": match["who"],
                "user": match["user"] or "",
                "marked_late": bool(match["late"]),
            }
    return {"lms": "", "who": "", "user": "", "marked_late": False}
