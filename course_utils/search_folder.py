"""The folder of a search: the pictures, and beside them where each comes from.

`sources.csv` is for people; a hidden file holds the same and how far the search is, so
that it can be read again without a network, or go on after an interruption.
"""

import csv
import json
import re
import unicodedata
from dataclasses import asdict, dataclass, field
from pathlib import Path

from course_utils import storage, texts

STATE = ".search.json"
COLUMNS = ("image", "title", "creator", "licence", "licence_version", "landing_page")
COLUMNS += ("url",)


@dataclass
class Found:
    """What the folder holds: rows of sources.csv, problems by address."""

    folder: Path
    word: str
    api: str
    rows: list = field(default_factory=list)
    problems: dict = field(default_factory=dict)
    next_page: int = 1
    numbered: int = 0
    exhausted: bool = False

    def name(self, title):
        """The next file's name, without its suffix; of the title only ASCII letters."""
        self.numbered += 1
        return f"{self.numbered:04}-{slug(title)}"

    def add(self, row, data):
        """Keep a picture; its row is written first, so that none lacks its licence."""
        self.rows.append(row)
        self.problems.pop(row["url"], None)
        self.save()
        with storage.atomic_file(self.folder / row["image"]) as file:
            file.write(data)

    def save(self):
        """Write all but the pictures, best match first."""
        self.rows.sort(key=lambda row: int(row["image"].split("-")[0]))
        about = {**asdict(self), "folder": ""}
        with storage.atomic_file(self.folder / STATE, "w", encoding="utf-8") as file:
            json.dump(about, file)
        table = self.folder / "sources.csv"
        with storage.atomic_file(table, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for row in self.rows:
                writer.writerow([texts.cell(row[key]) for key in COLUMNS])


def earlier(folder, word, api):
    """What an earlier search for this word left in the folder."""
    path = folder / STATE
    if not path.exists():
        if folder.exists() and _in_use(folder):
            raise ValueError(f"{folder} is not an empty folder: give a new one.")
        return Found(folder, word, api)
    try:
        found = Found(**json.loads(path.read_text(encoding="utf-8")))
        found.problems.values()
        for row in found.rows:
            _ = [row[key] for key in COLUMNS]
            if not re.fullmatch(r"\d{4,}-[a-z0-9-]+\.[a-z]+", row["image"]):
                raise ValueError(f"{row['image']} is no name given here")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        message = f"{path} is damaged: delete {folder} and search again."
        raise ValueError(message) from error
    if (found.word, found.api) != (word, api):
        raise ValueError(
            f"{folder} holds the search for {texts.shown(found.word)} at {found.api}: "
            "give another folder."
        )
    found.folder = folder
    return found


def _in_use(folder):
    return not folder.is_dir() or any(f.name[0] != "." for f in folder.iterdir())


def slug(text):
    """Up to 40 small ASCII letters and digits of a text, for a file name."""
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub("[^a-z0-9]+", "-", text.lower())[:40].strip("-") or "picture"
