"""Markdown of organizers as HTML that can do nothing: no raw HTML, no pictures, no scripts, links of a few kinds."""

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

TAGS = {
    "p", "br", "hr", "h3", "h4", "h5", "h6", "ul", "ol", "li", "strong", "em", "s", "code", "pre", "blockquote", "a",
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
_PARSER = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def render_markdown(text: str) -> Markup:
    tokens = [_unpicture(_lower(token)) for token in _PARSER.parse(text)]
    html = _PARSER.renderer.render(tokens, _PARSER.options, {})
    clean = nh3.clean(
        html,
        tags=TAGS,
        attributes={"a": {"href"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    return Markup(clean)  # noqa: S704  (nh3 let nothing through that is not in the lists above)


def _unpicture(token: Token) -> Token:
    """A picture of elsewhere would tell its host who reads: it becomes a link, named as the picture is."""
    is_inside = False
    children: list[Token] = []
    for each in token.children or []:
        is_inside = each.type == "link_open" or (is_inside and each.type != "link_close")
        children += [each] if each.type != "image" else _name_picture(each, is_link=not is_inside)
    token.children = children if token.children is not None else None
    return token


def _name_picture(token: Token, *, is_link: bool) -> list[Token]:
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
