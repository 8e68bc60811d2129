"""Build the stamps data set from the unpacked Debian package of the Tux Paint stamps.

Get and unpack the package on a Debian or Ubuntu machine, then run this script:

    apt-get download tuxpaint-stamps-default
    dpkg -x tuxpaint-stamps-default_2022.06.04-1_all.deb unpacked
    python datasets/stamps/build.py unpacked

It writes `pictures/` and `stamps.csv` and prints the tables of the data set card.
Only Pillow is needed. The same Pillow gives the same bytes each time.
"""

import argparse
import csv
import hashlib
import re
from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path
from statistics import median

import PIL
from PIL import Image

STAMPS = Path("usr/share/tuxpaint/stamps")
SIDE = 224
# Below this many pixels on the longer side a drawing is a blur at 224 pixels.
SMALLEST_SOURCE = 48
TOO_SMALL = (f"under {SMALLEST_SOURCE} pixels", "too small")
SAVE_OPTIONS = {"quality": 92, "subsampling": 0, "optimize": True}
COLUMNS = ["image", "caption", "category", "class"]

FAMILIES = ["bears", "bovines", "cats", "deer", "dogs", "equines", "rodents"]
MAMMALS = [f"animals/mammals/{family}" for family in FAMILIES] + ["animals/marsupials"]

# Class name: how many pictures it must have, and the category patterns it is made of.
CLASSES = {
    "birds": (35, ["animals/birds"]),
    "coins": (26, ["symbols/money/*/coins", "symbols/money/japanese"]),
    "flowers": (24, ["plants/flowers"]),
    "fruit": (26, ["food/fruit"]),
    "mammals": (44, MAMMALS),
    "road signs": (20, ["town/roadsigns"]),
    "vegetables": (18, ["food/vegetables"]),
}
WITHOUT_CLASS = 246

# Patterns of categories or files that are left out, and why.
LEFT_OUT = {
    "*_mirror*": "mirrored copy",
    "*/cartoon": "cartoon",
    "military/fireman240a.png": "same pixels as people/fireman240a.png",
    "naturalforces/lightningbolt.png": "white, cannot be seen on white",
    "seasonal/halloween/ghost.png": "white, only the eyes can be seen on white",
    "symbols": "sign (a clock face without hands, the recycling mark)",
    "symbols/alphabets/*": "letter or hand sign for a letter",
    "symbols/chess": "board symbol",
    "symbols/faces": "smiley",
    "symbols/math*": "digit or operator",
    "symbols/money/00_symbols": "currency sign",
    "symbols/music": "music notation",
    "symbols/shapes": "shape or silhouette",
    "vehicles/emergency/sedan_police.png": "emblems to lay over another stamp",
}


def rule_against(category, name):
    """Return (pattern, why) for a picture that is left out, or None."""
    for pattern, why in LEFT_OUT.items():
        if fnmatchcase(category, pattern) or fnmatchcase(name, pattern):
            return pattern, why
    return None


def open_trimmed(path):
    """Open a PNG as RGBA and cut off its fully transparent margins."""
    with Image.open(path) as image:
        if image.mode not in ("L", "LA", "P", "RGB", "RGBA"):
            # Pillow would clip 16 bit grey instead of scaling it.
            raise SystemExit(f"{path}: unexpected image mode {image.mode}")
        image = image.convert("RGBA")
    return image.crop(image.getchannel("A").getbbox())


def square_on_white(image):
    """Put an RGBA picture in the middle of a white square and resize the square."""
    side = max(image.size)
    corner = (side - image.width) // 2, (side - image.height) // 2
    square = Image.new("RGBA", (side, side), "white")
    square.alpha_composite(image, corner)
    return square.convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def read_caption(path):
    """Return the first line of the caption file, without its last full stop."""
    text = path.with_suffix(".txt")
    if not text.is_file():
        return re.sub(r"[_-]+", " ", path.stem).strip().capitalize()
    return text.read_text(encoding="utf-8").splitlines()[0].strip().removesuffix(".")


def class_of(category):
    """Return the class that the category belongs to, or the empty string."""
    for name, (_, patterns) in CLASSES.items():
        if any(fnmatchcase(category, pattern) for pattern in patterns):
            return name
    return ""


def build(source, out):
    """Write the pictures; return the rows, source sides and what is left out."""
    rows, sides, left_out = [], {}, []
    for path in sorted(source.rglob("*.png")):
        name = path.relative_to(source).as_posix()
        category = path.relative_to(source).parent.as_posix()
        rule, where = rule_against(category, name), category
        picture = open_trimmed(path)
        if rule is None and max(picture.size) < SMALLEST_SOURCE:
            rule, where = TOO_SMALL, name
        if rule is not None:
            left_out.append((*rule, where))
            continue
        stem = re.sub(r"[^a-z0-9]+", "_", path.stem.lower()).strip("_")
        image = f"pictures/{category}/{stem}.jpg"
        if image in sides:
            raise SystemExit(f"two pictures would be named {image}")
        sides[image] = max(picture.size)
        rows.append([image, read_caption(path), category, class_of(category)])
        (out / image).parent.mkdir(parents=True, exist_ok=True)
        square_on_white(picture).save(out / image, "JPEG", **SAVE_OPTIONS)
    return sorted(rows), sides, left_out


def check(rows, out):
    """Stop with a message if a count is wrong or an old picture is left."""
    counts = Counter(row[3] for row in rows)
    expected = {name: count for name, (count, _) in CLASSES.items()}
    if counts != {**expected, "": WITHOUT_CLASS}:
        raise SystemExit(f"wrong counts, is it version 2022.06.04? {dict(counts)}")
    found = {path.relative_to(out).as_posix() for path in out.glob("pictures/**/*.*")}
    stale = sorted(found - {row[0] for row in rows})
    if stale:
        raise SystemExit("not made by this build, delete: " + ", ".join(stale))


def print_table(header, lines):
    """Print a Markdown table."""
    for line in [header, ["---"] * len(header), *lines]:
        print("|", " | ".join(map(str, line)), "|")
    print()


def print_tables(source, out, rows, sides, left_out):
    """Print every number that the data set card states."""
    lines = []
    for name in CLASSES:
        side = [sides[row[0]] for row in rows if row[3] == name]
        lines.append([name, len(side), min(side), median(side), max(side)])
    print_table(["class", "pictures", "smallest", "median", "largest"], lines)
    top = Counter(row[2].split("/")[0] for row in rows)
    with_class = Counter(row[2].split("/")[0] for row in rows if row[3])
    lines = [[name, top[name], with_class[name]] for name in sorted(top)]
    lines.append(["all", len(rows), with_class.total()])
    print_table(["top category", "pictures", "with a class"], lines)
    lines = []
    for (rule, why), count in sorted(Counter(cut[:2] for cut in left_out).items()):
        paths = sorted({cut[2] for cut in left_out if cut[0] == rule})
        lines.append([f"`{rule}`", why, count, ", ".join(paths)])
    print_table(
        ["rule", "why", "pictures", "category paths, or files if too small"], lines
    )
    print(f"PNG files: {len(rows)} kept, {len(left_out)} left out")
    twins = [path.with_suffix(".png").is_file() for path in source.rglob("*.svg")]
    print(f"SVG files: {len(twins)}, {sum(twins)} beside a PNG of the same name")
    pictures = [(out / row[0]).read_bytes() for row in rows]
    print(f"pictures: {sum(map(len, pictures))} bytes, Pillow {PIL.__version__}")
    print(f"longest caption: {max(len(row[1]) for row in rows)} characters")
    print("sha256 of all pictures:", hashlib.sha256(b"".join(pictures)).hexdigest())
    table_hash = hashlib.sha256((out / "stamps.csv").read_bytes()).hexdigest()
    print("sha256 of stamps.csv:", table_hash)


def main():
    """Read the command line, build, check and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("unpacked_dir", type=Path, help="folder made by dpkg -x")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    arguments = parser.parse_args()
    source, out = arguments.unpacked_dir / STAMPS, arguments.out
    if not source.is_dir():
        parser.error(f"{arguments.unpacked_dir} is not the package: no {STAMPS} in it")
    rows, sides, left_out = build(source, out)
    check(rows, out)
    with open(out / "stamps.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows])
    print_tables(source, out, rows, sides, left_out)


if __name__ == "__main__":
    main()
