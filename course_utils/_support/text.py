"""Sanitise untrusted text for display: in a message, on a page, in a table."""

import re
import unicodedata

# Characters that turn the order of the letters around them, and can disguise a name.
BIDIRECTIONAL = frozenset(
    "\u061c\u200e\u200f"
    + "".join(map(chr, [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]))
)
UNSEEN = ("Cc", "Zl", "Zp")  # control characters, line and paragraph ends

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


def plain(text, keep="", most=None):
    """The text without control characters, line ends, and what turns its order.

    keep: control characters that may stay. Half characters (surrogates) become "?".
    most: cut off after so many characters.
    """
    kept = "".join(
        "?" if "\ud800" <= c <= "\udfff" else c
        for c in text[: most and 4 * most]
        if c in keep or not (c in BIDIRECTIONAL or unicodedata.category(c) in UNSEEN)
    )
    return kept if most is None or len(kept) <= most else kept[: most - 1] + "…"


def shown(text, most=60):
    """A piece of text, quoted, as it may stand in a message: short and visible."""
    quoted = repr(text) if text.isprintable() else ascii(text)
    return quoted if len(quoted) <= most else quoted[: most - 2] + "…" + quoted[0]


def cell(text):
    """The text as a cell of a CSV that a spreadsheet may open: never a formula.

    A text that a spreadsheet would take for one gets an apostrophe in front, and so
    does what follows a semicolon or a line end in it: where semicolons part the cells,
    that is a cell of its own. Source: OWASP, *CSV Injection*.
    """
    text = re.sub(r"([;\n]\s*)([=+@|%-])", r"\1'\2", plain(str(text), keep="\n"))
    return "'" + text if text.lstrip().startswith(FORMULA) or text[:1] == "\n" else text
