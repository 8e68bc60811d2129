"""Build the photos data set from the unpacked Caltech-101.

Get Caltech-101 (`images.load("caltech101")` does) and run this script:

    python datasets/photos/build.py 101_ObjectCategories

It writes `pictures/` and `photos.csv` and prints the tables of the data set card. Only
Pillow is needed. The same Pillow gives the same bytes each time.

The rule, which looks at nothing but names and numbers of files: the ten classes with
the most pictures, without the three whose pictures show people or whatever a web search
gave; of each class 25 pictures, evenly spread over its numbered files.
"""

import argparse
import csv
import hashlib
from pathlib import Path
from statistics import median

import PIL
from PIL import Image

N_CLASSES, N_EACH, LONGEST = 10, 25, 200
LEFT_OUT = {
    "BACKGROUND_Google": "no class: what a web search for *things* gave",
    "Faces": "people, who can be recognised",
    "Faces_easy": "the same people",
}
NAMES = {  # class: its folder, where another name reads better
    "leopards": "Leopards",
    "motorbikes": "Motorbikes",
    "watches": "watch",
    "cars": "car_side",
    "ketches": "ketch",
    "chandeliers": "chandelier",
    "turtles": "hawksbill",
    "pianos": "grand_piano",
}
SAVE_OPTIONS = {"quality": 88, "subsampling": 0, "optimize": True}
COLUMNS = ["image", "class", "source", "width", "height"]


def choose(source):
    """Return {folder: [files]}, the largest folder first."""
    files = {
        folder.name: sorted(folder.glob("image_*.jpg"))
        for folder in source.iterdir()
        if folder.is_dir() and folder.name not in LEFT_OUT
    }
    largest = sorted(files, key=lambda name: (-len(files[name]), name))[:N_CLASSES]
    return {
        name: [files[name][i * len(files[name]) // N_EACH] for i in range(N_EACH)]
        for name in largest
    }


def build(source, out):
    """Write the pictures; return the rows of the table."""
    class_of, rows = {folder: name for name, folder in NAMES.items()}, []
    for folder, paths in choose(source).items():
        name = class_of.get(folder, folder.lower())
        for path in paths:
            image = f"pictures/{name}/{path.stem.removeprefix('image_')}.jpg"
            (out / image).parent.mkdir(parents=True, exist_ok=True)
            with Image.open(path) as opened:
                picture, size = opened.convert("RGB"), opened.size
            picture.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
            picture.save(out / image, "JPEG", **SAVE_OPTIONS)
            rows.append([image, name, f"{folder}/{path.name}", *size])
    return sorted(rows)


def check(rows, out):
    """Stop with a message if a count is wrong or an old picture is left."""
    if len(rows) != N_CLASSES * N_EACH or len({row[0] for row in rows}) != len(rows):
        raise SystemExit(f"{len(rows)} pictures: is it the whole of Caltech-101?")
    found = {path.relative_to(out).as_posix() for path in out.glob("pictures/**/*.*")}
    stale = sorted(found - {row[0] for row in rows})
    if stale:
        raise SystemExit("not made by this build, delete: " + ", ".join(stale))


def print_tables(source, out, rows):
    """Print every number that the data set card states."""
    print("| class | folder | its pictures | longer side: smallest, median, largest |")
    print("| --- | --- | --- | --- |")
    for name in sorted({row[1] for row in rows}):
        own = [row for row in rows if row[1] == name]
        folder = own[0][2].split("/")[0]
        sides = [max(row[3:]) for row in own]
        number = len([*(source / folder).glob("image_*.jpg")])
        three = f"{min(sides)}, {median(sides)}, {max(sides)}"
        print(f"| {name} | `{folder}` | {number} | {three} |")
    pictures = [(out / row[0]).read_bytes() for row in rows]
    print(f"\npictures: {sum(map(len, pictures))} bytes, Pillow {PIL.__version__}")
    print("sha256 of all pictures:", hashlib.sha256(b"".join(pictures)).hexdigest())
    table_hash = hashlib.sha256((out / "photos.csv").read_bytes()).hexdigest()
    print("sha256 of photos.csv:", table_hash)


def main():
    """Read the command line, build, check and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("caltech101", type=Path, help="101_ObjectCategories")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    arguments = parser.parse_args()
    source, out = arguments.caltech101, arguments.out
    if not (source / "airplanes").is_dir():
        parser.error(f"{source} is not Caltech-101: no airplanes in it")
    rows = build(source, out)
    check(rows, out)
    with open(out / "photos.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows])
    print_tables(source, out, rows)


if __name__ == "__main__":
    main()
