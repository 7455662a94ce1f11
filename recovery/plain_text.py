"""Text for a terminal: names and definitions out of a server may be an intruder's.

An escape sequence in a user's name could erase the line that shows the user; a letter that turns
the direction of writing could make it read as another.
"""

import re

# Control characters but line breaks and tabs, those of the second set, marks of direction.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)


def plain(text: str) -> str:
    r"""``text`` with everything that isn't shown as it is written out, e.g. ``\x1b``."""
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
