"""Characters that cannot be seen or turn text around, as escapes: a name or a log must read as what it is."""

import re

# controls but tab and line ends; marks of direction, joiners of nothing, fillers, tags, halves of pairs
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)


def make_visible(text: str) -> str:
    """`a\\u202eb` where a mark turned the rest around; text without such characters stays as it is."""
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape", "surrogatepass").decode(), text)
