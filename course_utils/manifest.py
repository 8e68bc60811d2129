"""manifest.json of a submission: JSON that nobody vouches for, against its schema."""

import functools
import json
import math
from pathlib import Path

import jsonschema

from course_utils.texts import plain, shown

SCHEMA = Path(__file__).with_name("submission.schema.json")


class BadSubmission(ValueError):
    """The file cannot be read as a submission; the message says why."""


def parse(text):
    """The manifest as dictionary, checked against the schema; or BadSubmission."""

    def unique(pairs):
        found = dict(pairs)
        if len(found) != len(pairs):
            twice = shown(repeated([key for key, _ in pairs]))
            raise BadSubmission(f"manifest.json has the key {twice} twice.")
        return found

    def constant(name):
        raise BadSubmission(f"manifest.json holds {name}: a score is a number or null.")

    def integer(digits):
        if len(digits) > 18:
            raise BadSubmission("manifest.json holds a number of over 18 digits.")
        return int(digits)

    def number(digits):
        value = float(digits)
        return value if math.isfinite(value) else constant("a number beyond 1e308")

    try:
        manifest = json.loads(
            text,
            object_pairs_hook=unique,
            parse_constant=constant,
            parse_int=integer,
            parse_float=number,
        )
        _follow_schema(manifest)
    except BadSubmission:
        raise
    except RecursionError:
        raise BadSubmission("manifest.json is nested too deeply.") from None
    except ValueError as error:
        raise BadSubmission(f"manifest.json is not JSON ({error}).") from error
    try:
        json.dumps(manifest, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise BadSubmission(
            "manifest.json holds half a character (a lone surrogate)."
        ) from None
    if not manifest["student"]["id"].isprintable():  # a $ lets one newline through
        raise BadSubmission("the student id ends in a line break.")
    for text in _texts([manifest[part] for part in ("runs", "lessons", "versions")]):
        if not text.isprintable():  # these are shown as they are
            raise BadSubmission(
                f"manifest.json holds characters that cannot be seen: {shown(text)}."
            )
    twice = repeated([run["run"] for run in manifest["runs"]])
    if twice is not None:
        raise BadSubmission(f"manifest.json has the run {shown(twice)} twice.")
    return manifest


def _follow_schema(manifest):
    for error in _validator().iter_errors(manifest):
        where = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in error.path)
        wanted = f"{error.validator}: {json.dumps(error.validator_value)}"
        raise BadSubmission(
            f"manifest.json{plain(where)[:120]} does not follow the schema, which says "
            f"{wanted[:160]}."
        )


def _texts(value):
    """Every string in it, the keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        parts = value if isinstance(value, list) else [*value, *value.values()]
        for part in parts:
            yield from _texts(part)


@functools.cache
def _validator():
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return jsonschema.validators.validator_for(schema)(schema)


def repeated(values):
    """The first value that comes a second time, or None."""
    seen = set()
    return next((v for v in values if v in seen or seen.add(v)), None)
