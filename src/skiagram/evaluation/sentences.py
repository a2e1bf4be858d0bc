"""The sentences that say what was found: a list with named places, and one function to fill it.

`sentences.yaml` has them: page, terminal, card and Python say the same of the same figures.
"""

from collections.abc import Sequence
from functools import cache

from skiagram.declared import fill, read_declared

LIST = "sentences.yaml"
# A sentence that begins with another word in a place begins with a name, which is kept as it is.
_BEGIN = ("the", "a", "an", "on", "no", "it", "in", "taken", "without")


@cache
def read_sentences() -> dict[str, str]:
    """Read key → sentence, or part of one, with its named places."""
    groups: dict[str, dict[str, str]] = read_declared("skiagram.evaluation", LIST)
    return {
        f"{group}.{key}": words
        for group, sentences in groups.items()
        for key, words in sentences.items()
    }


class Sentence(str):
    """A sentence that knows its key in the list."""

    key: str = ""


def say(key: str, **places: object) -> Sentence:
    """Fill the places of a sentence of the list; a whole one begins with a capital.

    What a decision rests on stands behind a colon.

    Args:
        key: Of the list, `group.key`.
        places: What the words in braces stand for.
    """
    kept = read_sentences()[key]
    words = fill(kept, **places)
    is_named = kept.startswith("{") and words.partition(" ")[0] not in _BEGIN
    if words.endswith(".") and not key.startswith("because.") and not is_named:
        words = words[:1].upper() + words[1:]
    said = Sentence(words)
    said.key = key
    return said


def join(words: Sequence[str], last: str = "and") -> str:
    """Return names as a list of a sentence."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"
