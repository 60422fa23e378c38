"""The announcements of a competition as an Atom feed (RFC 4287)."""

import re
from datetime import datetime

from markupsafe import Markup

from api.announcements.schemas import AnnouncementView
from api.markdown import render_markdown
from core.db.models.contests import Competition

# characters that XML has no way to write; whoever types one must not break every reader of the feed
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_FEED = Markup(
    '<?xml version="1.0" encoding="utf-8"?>\n'
    '<feed xmlns="http://www.w3.org/2005/Atom">\n<title>{title}</title>\n<id>{page}</id>\n'
    '<link rel="alternate" type="text/html" href="{page}"/>\n<link rel="self" href="{here}"/>\n'
    "<updated>{updated}</updated>\n{entries}</feed>\n"
)
_ENTRY = Markup(
    '<entry>\n<title>{title}</title>\n<id>urn:uuid:{id}</id>\n<link rel="alternate" href="{page}#announcements"/>\n'
    "<published>{published}</published>\n<updated>{updated}</updated>\n<author><name>{author}</name></author>\n"
    '<content type="html">{content}</content>\n</entry>\n'
)


def write_feed(competition: Competition, items: list[AnnouncementView], *, site: str) -> str:
    page = f"{site}/competitions/{competition.slug}"
    newest = max([item.edited_at or item.created_at for item in items], default=competition.created_at)
    return _FEED.format(
        title=_clean(f"{competition.title}: announcements"),
        page=page,
        here=f"{site}/api/v1/competitions/{competition.slug}/announcements.atom",
        updated=_write_moment(newest),
        entries=Markup("").join(_write_entry(item, page, site) for item in items),
    )


def _write_entry(item: AnnouncementView, page: str, site: str) -> Markup:
    html = str(render_markdown(item.text)).replace('<img src="/', f'<img src="{site}/')  # readers are elsewhere
    return _ENTRY.format(
        title=_clean(item.title),
        id=item.id,
        page=page,
        published=_write_moment(item.created_at),
        updated=_write_moment(item.edited_at or item.created_at),
        author=_clean(item.author),
        content=_clean(html),
    )


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)


def _write_moment(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
