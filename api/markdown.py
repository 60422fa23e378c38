"""Markdown as HTML that can do nothing: no raw HTML, no scripts, links of a few kinds, images of competitions alone."""

from collections.abc import Sequence
from functools import lru_cache

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from core.domain.images import is_address

TAGS = {
    "p", "br", "hr", "h3", "h4", "h5", "h6", "ul", "ol", "li", "strong", "em", "s", "code", "pre", "blockquote", "a",
    "table", "thead", "tbody", "tr", "th", "td", "img",
}  # fmt: skip
LONGEST = 100_000  # characters of a text that anybody may write
KEPT = 256  # texts, as they are read far more often than written
# what grows more, in characters of HTML, or nests deeper is shown as it was typed: the parser would drop what is inside
MOST_GROWTH, LEAST_ROOM, DEEPEST = 16, 500, 12
_PARSER = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


@lru_cache(maxsize=KEPT)
def render_markdown(text: str) -> Markup:
    room = MOST_GROWTH * (len(text) + LEAST_ROOM)
    tokens = [_unpicture(_lower(token)) for token in _PARSER.parse(text)]
    is_deep = any(token.level > DEEPEST for token in tokens)
    html = "" if is_deep or _count_addresses(tokens) > room else _PARSER.renderer.render(tokens, _PARSER.options, {})
    if text.strip() and not 0 < len(html) <= room:
        return Markup("<pre>{}</pre>").format(text)
    clean = nh3.clean(
        html,
        tags=TAGS,
        attributes={"a": {"href"}, "img": {"src", "alt", "loading"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    return Markup(clean)  # noqa: S704  (nh3 let nothing through that is not in the lists above)


def _count_addresses(tokens: Sequence[Token]) -> int:
    """Characters of them: one that is defined once may be named a thousand times, and each time stands in the HTML."""
    inline = [child for token in tokens for child in token.children or ()]
    return sum(len(str(value)) for token in inline for value in token.attrs.values())


def _unpicture(token: Token) -> Token:
    """A picture of elsewhere would tell its host who reads: it becomes a link, named as the picture is.

    What an organizer uploaded here is shown.
    """
    is_inside = False
    children: list[Token] = []
    for each in token.children or []:
        is_inside = each.type == "link_open" or (is_inside and each.type != "link_close")
        children += [each] if each.type != "image" else _show_picture(each, is_link=not is_inside)
    token.children = children if token.children is not None else None
    return token


def _show_picture(token: Token, *, is_link: bool) -> list[Token]:
    if is_address(str(token.attrs.get("src", ""))):
        token.attrs["loading"] = "lazy"
        return [token]
    words = Token("text", "", 0, content=f"picture: {token.content}" if token.content else "picture")
    if not is_link:
        return [words]
    opening = Token("link_open", "a", 1, attrs={"href": str(token.attrs.get("src", ""))})
    return [opening, words, Token("link_close", "a", -1)]


def _lower(token: Token) -> Token:
    """Headings begin below those of the page around them."""
    if token.type in ("heading_open", "heading_close"):
        token.tag = f"h{min(int(token.tag[1]) + 2, 6)}"
    return token
