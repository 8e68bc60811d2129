"""Files that `submission_file.read` must refuse, each with words of the reason."""

import copy
import csv
import io
import json
import stat
import struct
import zipfile

from sample_submissions import pack, unpack, zipped


def hostile_files(good, supplied):
    """{what: (bytes, words of the refusal)}, made out of two good submissions' bytes.

    supplied: the one with self-supplied labels.
    """
    files = _archives(good)
    for what, (manifest, words) in _manifests(unpack(good)[0]).items():
        files[what] = pack(manifest, unpack(good)[1]), words
    for what, (labels, words) in _tables(*unpack(good)).items():
        files[what] = pack(unpack(good)[0], labels), words
    manifest, labels = unpack(supplied)
    digest = labels.splitlines()[1].split(",")[1]
    files["a digest that is none"] = (
        pack(manifest, labels.replace(digest, "0" * 63 + "g")),
        "does not hold SHA-256s",
    )
    files["another digest"] = (
        pack(manifest, labels.replace(digest, "0" * 64)),
        "the fingerprint in the manifest is not that",
    )
    return files


def _archives(good):
    manifest, labels = unpack(good)
    members = {"manifest.json": json.dumps(manifest), "labels.csv": labels}

    def renamed(name, instead_of="labels.csv"):
        return zipped({name if m == instead_of else m: t for m, t in members.items()})

    link = zipfile.ZipInfo("labels.csv")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    link_bytes = zipped(
        {"manifest.json": members["manifest.json"], link: "/etc/passwd"}
    )
    twice = good.replace(b"labels.csv", b"manifest.j")  # as long as before
    plain = zipped(members, zipfile.ZIP_STORED)
    spoilt = plain.replace(labels[:40].encode(), b"x" * 40)
    lies = bytearray(zipped({"manifest.json": "0", "labels.csv": "0" * 40_000_000}))
    entry = lies.rindex(b"PK\1\2")
    lies[entry + 24 : entry + 28] = struct.pack("<L", 1000)
    zeros = "0" * 40_000_000
    return {
        "an empty file": (b"", "not a .zip file"),
        "some text": (b"Dear teacher,\n", "not a .zip file"),
        "another format": (b"7z\xbc\xaf\x27\x1c" + b"\0" * 300, "not a .zip file"),
        "half a file": (good[: len(good) // 2], "cut off"),
        "all but the last byte": (good[:-1], "damaged or cut off"),
        "a file too large": (good + b"\0" * 16 * 1024**2, "larger than 16 MB"),
        "something before it": (b"#!/bin/sh\n" + good, "not a .zip file"),
        "a bomb of labels": (
            zipped(members | {"labels.csv": zeros}),
            "labels.csv is larger than 32 MB",
        ),
        "a bomb of JSON": (
            zipped(members | {"manifest.json": zeros}),
            "manifest.json is larger than 2 MB",
        ),
        "a bomb that says it is small": (bytes(lies), ""),
        "a name with ..": (renamed("../labels.csv"), "instead of manifest.json"),
        "an absolute name": (renamed("/labels.csv"), "instead of manifest.json"),
        "a Windows name": (renamed("C:\\labels.csv"), "instead of manifest.json"),
        "a folder": (renamed("anna/labels.csv"), "instead of manifest.json"),
        "another case": (renamed("LABELS.CSV"), "instead of manifest.json"),
        "a link": (link_bytes, "labels.csv holds no pictures"),
        "a nested .zip": (zipped({"a.zip": good}), "holds 1 files instead of"),
        "a nested .zip under a good name": (
            zipped(members | {"labels.csv": good}),
            "labels.csv",
        ),
        "one file more": (zipped(members | {"x.py": "1"}), "holds 3 files"),
        "a member twice": (twice, "instead of manifest.json"),
        "a million members": (_many(1_000_000), "larger than 16 MB"),
        "as many members as fit": (_many(360_000), "its list of files has more than"),
        "many members, said to be two": (
            _many(360_000, says=2),
            "its list of files has more than",
        ),
        "members that are not there": (_many(0, says=2), ""),
        "encrypted": (_flagged(good, encrypted=True), "is encrypted"),
        "packed otherwise": (
            zipped(members, zipfile.ZIP_BZIP2),
            "packed in an uncommon way",
        ),
        "a wrong checksum": (spoilt, "damaged or cut off"),
    }


def _many(n, says=None):
    """A .zip whose directory lists n nameless members, in the large form's numbers."""
    entry = struct.pack("<4s4B4HL2L5H2L", b"PK\1\2", 20, 0, 20, *[0] * 15)
    directory = entry * n
    large = struct.pack(
        "<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, n, n, len(directory), 4
    )
    where = struct.pack("<4sLQL", b"PK\6\7", 0, 4 + len(directory), 1)
    says = min(n, 0xFFFF) if says is None else says
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, says, says, 92, 0, 0)
    return b"PK\0\0" + directory + large + where + end


def _flagged(good, encrypted):
    """The same .zip, whose directory says that its members are encrypted."""
    data, at = bytearray(good), 0
    while (at := data.find(b"PK\1\2", at)) >= 0:
        data[at + 8] |= encrypted
        at += 4
    return bytes(data)


def _manifests(manifest):
    """{what: (manifest, words)}"""
    text = json.dumps(manifest)

    def other(change):
        found = copy.deepcopy(manifest)
        change(found)
        return found

    def claim(value):
        """Text in place of the first claimed number, since JSON has no NaN."""
        marked = other(lambda m: m["runs"][0]["claimed"].update(nmi="HERE"))
        return json.dumps(marked).replace('"HERE"', value)

    def versions(value):
        return json.dumps(manifest | {"versions": "HERE"}).replace('"HERE"', value)

    return {
        "NaN": (claim("NaN"), "holds NaN: a score is a number"),
        "Infinity": (claim("Infinity"), "holds Infinity"),
        "-Infinity": (claim("-Infinity"), "holds -Infinity"),
        "a number beyond double": (claim("1e999"), "a number beyond 1e308"),
        "a huge integer": (claim("9" * 1_000_000), "over 18 digits"),
        "a score that is a text": (claim('"0.9"'), ".runs[0].claimed.nmi does not"),
        "a k of 10^17": (
            other(lambda m: m["runs"][0].update(k=10**17)),
            ".runs[0].k does not follow the schema",
        ),
        "a seed below 0": (other(lambda m: m["runs"][0].update(seed=-1)), "seed"),
        "deep JSON": ("[" * 500_000 + "]" * 500_000, "nested too deeply"),
        "deep JSON inside": (
            versions('{"a":' * 5000 + "1" + "}" * 5000),
            "nested too deeply",
        ),
        "a key twice": (text[:-1] + ', "runs": []}', "has the key 'runs' twice"),
        "a key twice inside": (
            versions('{"a": "1", "a": "2"}'),
            "has the key 'a' twice",
        ),
        "a run twice": (
            other(lambda m: m["runs"][1].update(run=m["runs"][0]["run"])),
            "has the run",
        ),
        "a run that nobody can see": (
            other(lambda m: m["runs"][0].update(run="raw\u202e")),
            "characters that cannot be seen",
        ),
        "not JSON": ("{'format': 1}", "is not JSON"),
        "cut JSON": (text[:-20], "is not JSON"),
        "a list": ("[]", "does not follow the schema"),
        "nothing": ("", "is not JSON"),
        "another version": (other(lambda m: m.update(version=2)), "version"),
        "a key too many": (other(lambda m: m.update(points=100)), "additional"),
        "a key too few": (other(lambda m: m.pop("runs")), "required"),
        "1,001 runs": (other(lambda m: m.update(runs=m["runs"] * 1001)), "maxItems"),
        "200,000 keys": ({str(i): 0 for i in range(100_000)}, "follow the schema"),
        "an id that climbs": (
            other(lambda m: m["student"].update(id="../../root")),
            ".student.id does not follow",
        ),
        "an id with a line break": (
            other(lambda m: m["student"].update(id="anna\n")),
            "student.id does not follow the schema",
        ),
        "no name": (other(lambda m: m["student"].update(name="")), "minLength"),
        "a long name": (other(lambda m: m["student"].update(name="x" * 121)), "name"),
        "half a character": (
            other(lambda m: m["student"].update(name="\ud83d")),
            "half a character",
        ),
        "a long answer": (
            other(lambda m: m["answers"][0].update(answer="x" * 5001)),
            "maxLength: 5000",
        ),
        "UTF-16": (text.encode("utf-16"), "is not UTF-8"),
        "Latin-1": (
            text.replace("Anna", "Änna").encode("latin-1"),
            "manifest.json is not UTF-8 text",
        ),
        "other pictures": (
            other(lambda m: m["image_set"].update(n_images=3)),
            "the manifest says 3",
        ),
        "no runs, but columns": (other(lambda m: m.update(runs=[])), "has, but the"),
    }


def _tables(manifest, labels):
    """{what: (labels.csv, words)}"""
    header, first, *others = csv.reader(io.StringIO(labels))

    def table(*rows):
        file = io.StringIO()
        csv.writer(file, lineterminator="\n").writerows(rows)
        return file.getvalue()

    def label(value):
        return table(header, [first[0], value, *first[2:]], *others)

    wrong = {"1.5", "nan", "inf", "1e3", "", " ", "9" * 30, "0x1", "１", "=1+1", "+1"}
    found = {f"the label {v!r}": (label(v), "has the label") for v in wrong}
    return found | {
        "the label -2": (label("-2"), "below 0 only -1"),
        "a picture twice": (
            table(header, first, first, *others[1:]),
            f"has the picture {first[0]!r} twice",
        ),
        "a picture less": (table(header, *others), "the manifest says"),
        "a picture more": (table(header, first, *others, ["x", *first[1:]]), "says"),
        "a short row": (table(header, first[:-1], *others), "row 2 of labels.csv"),
        "a long row": (table(header, [*first, 0], *others), "row 2 of labels.csv"),
        "no rows": (table(header), "holds no pictures"),
        "nothing at all": ("", "holds no pictures"),
        "a column less": (
            table(*(row[:-1] for row in (header, first, *others))),
            "lacks the column",
        ),
        "columns in another order": (
            table([header[0], *header[:0:-1]], first, *others),
            "not in the order of the manifest",
        ),
        "semicolons": (labels.replace(",", ";"), "lacks the column"),
        "an open quote": ('"' + labels, ""),
        "a cell of 200,000": (table(header, ["x" * 200_000, *first[1:]]), "not CSV"),
        "16 million lines of a byte": ("0\r" * 16_000_000, "over 2,000,000 cells"),
        "16 million cells": ("0," * 16_000_000, "over 2,000,000 cells"),
        "32 million empty lines": ("\n" * 32_000_000, "over 2,000,000 cells"),
        "labels in UTF-16": (labels.encode("utf-16"), "is not UTF-8 text"),
        "labels in Latin-1": (labels.encode() + b"\xe4", "is not UTF-8 text"),
    }
