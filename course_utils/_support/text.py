"""Sanitise untrusted text for display: in a message, on a page, in a table."""

import re
import unicodedata

# Characters that turn the order of the letters around them, and can disguise a name.
BIDIRECTIONAL = frozenset(
    "\u061c\u200e\u200f"
    + "".join(map(chr, [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]))
)
UNSEEN = ("Cc", "Zl", "Zp")  # control characters, line and paragraph ends

# What begins a formula. Full-width and small forms of these do so too.
SIGNS = ("=", "+", "-", "@", "|", "%")
FORMULA = (*SIGNS, "\t", "\r", "\n")

# Letters and signs that are drawn as nothing: fillers of Hangul, the empty Braille cell
NO_INK = frozenset("\u115f\u1160\u3164\uffa0\u2800")


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


def has_ink(text):
    """Whether a reader sees anything of a text: a letter, a digit, a sign.

    Spaces do not count, nor do control and zero-width characters, accents without a
    letter, and letters that are drawn as nothing.
    """
    return any(unicodedata.category(c)[0] in "LNPS" and c not in NO_INK for c in text)


def shown_name(name):
    """A name as it may be shown: without what cannot be seen, and never empty."""
    name = plain(str(name)).strip()
    return name if has_ink(name) else "(no visible name)"


def cell(value):
    """The value as a cell of a CSV that a spreadsheet may open: never a formula.

    A text that a spreadsheet would take for one gets an apostrophe in front, whatever
    quotes, spaces and invisible characters come before its sign. So does what follows a
    comma, a semicolon or a line end in it, since to some readers that is a cell of its
    own. Numbers stay as they are. Source: OWASP, *CSV Injection*.
    """
    if isinstance(value, int | float):
        return str(value)
    text = plain(str(value), keep="\n")
    parts = re.split(r"([,;\n])", text)
    guarded = "".join("'" + part if _is_formula(part) else part for part in parts)
    if _is_formula(text) and not guarded.startswith("'"):
        return "'" + guarded
    return guarded


def _is_formula(text):
    seen = next((c for c in text if c != '"' and has_ink(c)), "")
    return unicodedata.normalize("NFKC", seen).startswith(SIGNS)
