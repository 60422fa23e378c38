"""The side navigation of staff: the pages of one competition, and those of the platform."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote, urlsplit

from fastapi import Request

from core.domain.access import Action


@dataclass(frozen=True, slots=True)
class Place:
    label: str
    address: str  # `{slug}` is the competition's
    action: Action  # who may not do it does not see the link


@dataclass(frozen=True, slots=True)
class Link:
    label: str
    address: str
    current: str = ""  # "page": this is it; "true": the page belongs to it


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    links: Sequence[Link]


OF_A_COMPETITION = (
    Place("Next step", "/competitions/{slug}/organize", Action.MANAGE_COMPETITION),
    Place("Submissions", "/competitions/{slug}/organize/submissions", Action.MANAGE_COMPETITION),
    Place("Settings", "/competitions/{slug}/organize/settings", Action.MANAGE_COMPETITION),
    Place("Rules", "/competitions/{slug}/rules", Action.MANAGE_COMPETITION),
    Place("Presentation", "/competitions/{slug}/organize/presentation", Action.MANAGE_COMPETITION),
    Place("Announcements", "/competitions/{slug}/organize/announcements", Action.MANAGE_COMPETITION),
    Place("Quota", "/competitions/{slug}/organize/grant", Action.MANAGE_COMPETITION),
    Place("Rejudges", "/competitions/{slug}/rejudges", Action.REJUDGE),
    Place("Private phase", "/competitions/{slug}/organize/private", Action.MANAGE_COMPETITION),
    Place("Its flags", "/admin/flags?competition={slug}", Action.REVIEW_FLAGS),
    Place("Its costs", "/admin/costs?competition={slug}", Action.READ_OPERATIONS),
    Place("Its leaks", "/admin/leaks?competition={slug}", Action.READ_OPERATIONS),
    Place("Pools", "/admin/competitions/{slug}/pools", Action.CONFIGURE_COMPETITION),
    Place("Preview", "/admin/competitions/{slug}/preview", Action.CONFIGURE_COMPETITION),
)
OF_THE_PLATFORM = (
    Place("Competitions", "/admin", Action.CONFIGURE_COMPETITION),
    Place("Set up a competition", "/admin/set-up", Action.CONFIGURE_COMPETITION),
    Place("Data sets", "/admin/data-sets", Action.MANAGE_DATA),
    Place("Users", "/admin/users", Action.MANAGE_USERS),
    Place("Queue", "/admin/queue", Action.READ_OPERATIONS),
    Place("Nodes", "/admin/nodes", Action.READ_OPERATIONS),
    Place("Costs", "/admin/costs", Action.READ_OPERATIONS),
    Place("Leaks", "/admin/leaks", Action.READ_OPERATIONS),
    Place("Flags", "/admin/flags", Action.REVIEW_FLAGS),
    Place("Audit log", "/audit", Action.READ_AUDIT),
)


def list_groups(request: Request) -> list[Group]:
    """Of the competition that the page is about, if it is about one, and of the platform."""
    slug = str(request.path_params.get("slug") or request.query_params.get("competition") or "")
    groups = ((slug, OF_A_COMPETITION) if slug else ("", ()), ("Platform", OF_THE_PLATFORM))
    found = [Group(title, _list_links(request, places, slug)) for title, places in groups]
    nearest = max(
        (link.address for group in found for link in group.links if _leads_to(request, link.address)),
        key=len,
        default="",
    )
    marked = [Group(group.title, [_mark(request, link, nearest) for link in group.links]) for group in found]
    return [group for group in marked if group.links]


def name_current(groups: Sequence[Group]) -> str:
    return next((link.label for group in groups for link in group.links if link.current), "")


def _list_links(request: Request, places: Sequence[Place], slug: str) -> list[Link]:
    caller, name = request.state.caller, quote(slug, safe="")
    return [Link(place.label, place.address.format(slug=name)) for place in places if caller.may(place.action)]


def _mark(request: Request, link: Link, nearest: str) -> Link:
    """The link whose address says most of where this page is."""
    if link.address != nearest:
        return link
    return replace(link, current="page" if urlsplit(link.address).path == request.url.path else "true")


def _leads_to(request: Request, address: str) -> bool:
    """Whether this page stands at the address or below it; one competition's view is not the platform's."""
    wanted, here = urlsplit(address), request.url.path
    asked = request.query_params.get("competition")
    if asked and wanted.query != f"competition={quote(asked, safe='')}":
        return False
    return (bool(asked) or not wanted.query) and f"{here}/".startswith(f"{wanted.path}/")
