"""What a person should look at: a sentence, and how grave it is."""

KINDS = {  # the most serious first
    "forged": "Not what it claims to be",
    "copied": "Shared with someone else",
    "whose": "Unclear whose it is",
    "unreadable": "Cannot be scored",
    "late": "Late, or not handed in",
    "odd": "Unusual",
}


class Flag(str):
    """A sentence that is a string and has a kind.

    kind: one of `KINDS`.

    >>> Flag.of("late", "one day"), Flag.of("late", "one day").kind, Flag("?").kind
    ('one day', 'late', 'odd')
    """

    kind = "odd"

    @classmethod
    def of(cls, kind, sentence):
        """Make a flag of a kind."""
        if kind not in KINDS:
            raise ValueError(f"there is no kind {kind!r}, only {', '.join(KINDS)}.")
        flag = cls(sentence)
        flag.kind = kind
        return flag
