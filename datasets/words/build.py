"""Build the words data set from three sources.

    python datasets/words/build.py openclipart/png 101_ObjectCategories

The first is the folder of Debian's `openclipart-png`, unpacked; the second Caltech-101,
which `images.load("caltech101")` downloads; the stamps are in this repository. The
script writes `pictures/` and `words.csv` and prints the tables of the data set card.
Only Pillow is needed. The same Pillow gives the same bytes each time.

The rule: of each source, the images whose caption contains one of three words. The
caption is what the source calls an image: its folders and its file name (clip art), its
class (Caltech-101), its caption (stamps). `BY_NAME` gives a folder or class its sense,
`BY_EYE` names every image whose sense a person had to judge, `LEFT_OUT` every image
that was found and not taken.
"""

import argparse
import csv
import hashlib
import re
from collections import Counter
from pathlib import Path

import PIL
from PIL import Image, ImageChops

LONGEST, MARGIN = 200, 0.04
WORDS = "cat", "horse", "orange"
CLIP_ART, CALTECH, STAMPS = "openclipart-png", "Caltech-101", "stamps"
BY_NAME = {  # the start of the path in its source: sense
    "animals/mammals/big_cats": "wild cat",
    "animals/mammals/cartoon_cat": "house cat",
    "animals/mammals/housecats": "house cat",
    "animals/mammals/horses": "horse",
    "food": "orange fruit",
    "sea_horse": "sea horse",
    "signs_and_symbols/led": "orange colour",
    "wild_cat": "wild cat",
}
BY_EYE = {  # image in its source: sense
    "recreation/games/cards/two_cats_tess_brady_01.png": "house cat",
    "pictures/seasonal/halloween/blackcat.jpg": "house cat",
    "wild_cat/image_0010.jpg": "house cat",
    "wild_cat/image_0019.jpg": "house cat",
    "wild_cat/image_0023.jpg": "house cat",
    "transportation/horse.png": "horse",
    "pictures/animals/mammals/equines/horse.jpg": "horse",
    "pictures/food/fruit/mandarine.jpg": "orange fruit",
    "pictures/food/fruit/orange.jpg": "orange fruit",
    "pictures/food/fruit/orange_seville.jpg": "orange fruit",
    "pictures/food/fruit/sliced_orange.jpg": "orange fruit",
    "computer/icons/flat-theme/folder_orange_open.png": "orange colour",
    "recreation/party/balloon-orange-aj.png": "orange colour",
    "tools/orange_burner_01.png": "orange colour",
}
WRITING = "writing or a logo in the photograph: a credit, a firm or a poster"
LEFT_OUT = {
    "animals/cani_e_gatti_cat_and_do_01.png": "a row of cats and dogs",
    "animals/mammals/housecats/cat_scrathing_post_benji_01.png": "no cat in it",
    "special/gradients/gradient-americana.png": "empty: nothing is drawn",
    "sea_horse/image_0030.jpg": "a person",
    "sea_horse/image_0033.jpg": "a person",
    **{f"wild_cat/image_00{n}.jpg": WRITING for n in (11, 13, 14, 15, 24)},
    **{
        f"sea_horse/image_00{n}.jpg": WRITING
        for n in ("03", "05", "09", 15, 19, 21, 34, 42, 43, 48)
    },
}
LICENCES = {CLIP_ART: "public domain", CALTECH: "CC BY 4.0", STAMPS: "GPL-2+"}
SAVE_OPTIONS = {"quality": 88, "subsampling": 0, "optimize": True}
COLUMNS = "image word sense caption source source_image author licence sense_from"


def split_words(text):
    """The words of a name: "big_cats" are two, "horse2" is one and a number."""
    return re.findall(r"[^\W\d_]+|\d+", text)


def word_of(caption):
    """Which of the three words a caption contains, or None."""
    found = {word.lower() for word in split_words(caption)}
    return next((w for w in WORDS if found & {w, w + "s"}), None)


def without_address(author):
    """The author without an email address; its first half if there is nothing else."""
    name = re.sub(r"\S+@\S+", "", author).strip(" -()")
    return " ".join((name or author.split("@")[0]).split())


def clip_art(root):
    """Yield (path in the source, caption, author, file) for each different file.

    The package gives a drawing that is in several folders several names: one file, and
    links to it. It counts once, by the first name that contains a word.
    """
    seen = set()
    for path in sorted(root.rglob("*.png")):
        name = path.relative_to(root)
        folders = ", ".join(" ".join(split_words(part)) for part in name.parts[:-1])
        caption = f"{folders}: {' '.join(split_words(name.stem))}"
        if word_of(caption) and path.resolve() not in seen:
            seen.add(path.resolve())
            original = path.resolve().relative_to(root.resolve())
            with Image.open(path) as opened:
                author = without_address(opened.info.get("Author", ""))
            yield original.as_posix(), caption, author, path


def caltech(root):
    """The same for the photographs: the caption is the class."""
    for path in sorted(root.glob("*/image_*.jpg")):
        caption = " ".join(split_words(path.parent.name))
        yield f"{path.parent.name}/{path.name}", caption, "", path


def stamps(root):
    """The same for the stamps: the caption is the stamp's."""
    with open(root / "stamps.csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield row["image"], row["caption"], "", root / row["image"]


def sense_of(name):
    """(sense, "name" or "eye"); stop where a person has to look."""
    if name in BY_EYE:
        return BY_EYE[name], "eye"
    found = [sense for start, sense in BY_NAME.items() if name.startswith(start)]
    if not found:
        raise SystemExit(f"{name}: which sense? Write it into BY_EYE or LEFT_OUT.")
    return found[0], "name"


def on_white(path):
    """The image in RGB, at most LONGEST pixels a side.

    A drawing is put on white and cropped to what is drawn, with a margin.
    """
    with Image.open(path) as opened:
        if path.suffix == ".png":
            drawing = opened.convert("RGBA")
            white = Image.new("RGBA", drawing.size, "white")
            image = Image.alpha_composite(white, drawing).convert("RGB")
            blank = Image.new("RGB", image.size, "white")
            left, top, right, bottom = ImageChops.difference(image, blank).getbbox()
            edge = round(MARGIN * max(right - left, bottom - top))
            box = left - edge, top - edge, right + edge, bottom + edge
            page = Image.new("RGB", (box[2] - box[0], box[3] - box[1]), "white")
            page.paste(image.crop((left, top, right, bottom)), (edge, edge))
            image = page
        else:
            image = opened.convert("RGB")
    image.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
    return image


def build(clip_art_root, caltech_root, stamps_root, out):
    """Write the images; return the rows of the table."""
    rows = []
    for source, found in (
        (CLIP_ART, clip_art(clip_art_root)),
        (CALTECH, caltech(caltech_root)),
        (STAMPS, stamps(stamps_root)),
    ):
        for name, caption, author, path in found:
            word = word_of(caption)
            if not word or name in LEFT_OUT:
                continue
            sense, how = sense_of(name)
            stem = split_words(Path(name).stem.removeprefix("image_").lower())
            image = (
                f"pictures/{word}/{source.split('-')[0].lower()}-{'-'.join(stem)}.jpg"
            )
            (out / image).parent.mkdir(parents=True, exist_ok=True)
            on_white(path).save(out / image, "JPEG", **SAVE_OPTIONS)
            known = [image, word, sense, caption, source, name, author]
            rows.append([*known, LICENCES[source], how])
    return sorted(rows)


def check(rows, out):
    """Stop with a message if a name is there twice or an old image is left."""
    if len({row[0] for row in rows}) != len(rows):
        raise SystemExit("two images would get one name")
    expected = set(BY_EYE) - {row[5] for row in rows}
    if expected:
        raise SystemExit("not found: " + ", ".join(sorted(expected)))
    found = {path.relative_to(out).as_posix() for path in out.glob("pictures/**/*.*")}
    stale = sorted(found - {row[0] for row in rows})
    if stale:
        raise SystemExit("not made by this build, delete: " + ", ".join(stale))


def print_tables(out, rows):
    """Print every number that the data set card states."""
    print(f"| word | sense | images | {CLIP_ART} | {CALTECH} | {STAMPS} | by eye |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for word, sense in sorted({(row[1], row[2]) for row in rows}):
        own = [row for row in rows if row[2] == sense]
        counts = Counter(row[4] for row in own)
        three = " | ".join(str(counts[s]) for s in (CLIP_ART, CALTECH, STAMPS))
        by_eye = sum(row[8] == "eye" for row in own)
        print(f"| {word} | {sense} | {len(own)} | {three} | {by_eye} |")
    pictures = [(out / row[0]).read_bytes() for row in rows]
    print(f"\nimages: {sum(map(len, pictures))} bytes, Pillow {PIL.__version__}")
    print("sha256 of all images:", hashlib.sha256(b"".join(pictures)).hexdigest())
    table_hash = hashlib.sha256((out / "words.csv").read_bytes()).hexdigest()
    print("sha256 of words.csv:", table_hash)


def main():
    """Read the command line, build, check and print."""
    here = Path(__file__).parent
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip_art", type=Path, help="the package's openclipart/png")
    parser.add_argument("caltech101", type=Path, help="101_ObjectCategories")
    parser.add_argument("--stamps", type=Path, default=here.parent / "stamps")
    parser.add_argument("--out", type=Path, default=here)
    arguments = parser.parse_args()
    for folder, inside in (
        (arguments.clip_art, "animals/mammals/big_cats"),
        (arguments.caltech101, "sea_horse"),
    ):
        if not (folder / inside).is_dir():
            parser.error(f"{folder} is not the source: no {inside} in it")
    out = arguments.out
    rows = build(arguments.clip_art, arguments.caltech101, arguments.stamps, out)
    check(rows, out)
    with open(out / "words.csv", "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerows([COLUMNS.split(), *rows])
    print_tables(out, rows)


if __name__ == "__main__":
    main()
