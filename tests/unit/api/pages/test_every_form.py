"""Every form of the site says what is wrong beside the field, and keeps what was typed."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import unescape

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import Engine, select
from starlette.routing import compile_path

from api.refused.tags import Tag, find_end, read_tags
from core.db.models.accounts import User
from core.db.models.contests import Competition, CompetitionImage
from core.db.session import transaction
from tests import gallery

HTML = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
LONG = "x" * 120_000  # more than any field takes
UNREFUSED = {  # forms whose fields hold nothing that could be wrong
    "/account/security/logout-everywhere": "one box",
    "/account/notifications/webhooks/{webhook_id}/secret": "one box",
}
BESIDE = {  # forms that no page of the gallery has, with the test that has them
    "/markdown": "no form: a script of the editor asks it",
    "/reset": "needs mail",
    "/account/identities/{identity_id}/remove": "needs a provider",
    "/login/provider/name": "needs a provider",
    "/account/factor/codes": "needs a confirmed factor",
    "/account/factor/remove": "needs a confirmed factor",
    "/admin/apply": "needs a plan",
    "/admin/flags/alike": "needs stored files",
}


@dataclass(frozen=True)
class Control:
    name: str
    kind: str  # text, number, select, checkbox, hidden, file, password
    value: str
    is_required: bool


@dataclass(frozen=True)
class Form:
    role: str | None
    action: str
    is_multipart: bool
    controls: Sequence[Control]
    button: Mapping[str, str]

    def fill(self, **changes: str) -> dict[str, str]:
        values = {each.name: each.value for each in self.controls if each.kind != "file"}
        return {**values, **self.button, **changes}


def read_forms(page: str, role: str | None) -> Iterator[Form]:
    tags = read_tags(page)
    for index, tag in enumerate(tags):
        if tag.name == "form" and tag.attributes.get("method") == "post":
            inner = tags[index : find_end(tags, index)]
            first = next((each for each in inner if each.name == "button" and not each.is_end), tag)
            pressed = str(first.attributes.get("name") or "")
            button = {pressed: str(first.attributes.get("value"))} if pressed else {}
            controls = [_read_control(page, tags, each) for each in inner if _is_named(each)]
            multipart = "multipart" in (tag.attributes.get("enctype") or "")
            yield Form(role, str(tag.attributes["action"]), multipart, controls, button)


def _is_named(tag: Tag) -> bool:
    return tag.name in ("input", "select", "textarea") and not tag.is_end and bool(tag.attributes.get("name"))


def _read_control(page: str, tags: Sequence[Tag], tag: Tag) -> Control:
    kind = str(tag.attributes.get("type") or "text") if tag.name == "input" else tag.name
    value = tag.attributes.get("value") or ""
    if tag.name == "textarea":
        value = unescape(page[tag.end : page.index("</textarea>", tag.end)])
    elif tag.name == "select":
        options = re.findall(r"<option([^>]*)>([^<]*)", page[tag.end : page.index("</select>", tag.end)])
        chosen = next((each for each in options if " selected" in each[0]), options[0] if options else ("", ""))
        given = re.search(r'value="([^"]*)"', chosen[0])
        value = unescape(given[1] if given else chosen[1])
    return Control(str(tag.attributes["name"]), kind, value, "required" in tag.attributes)


def spoil(control: Control) -> list[str]:
    """Values that somebody could send and the form should not take."""
    if control.kind in ("hidden", "file", "submit"):
        return []
    if control.kind in ("select", "checkbox", "radio"):
        return ["nonsense"]
    if control.kind in ("number", "datetime-local"):
        return ["banana"]
    return ["", LONG] if control.is_required else [LONG]


@pytest.fixture
def site(client: TestClient, engine: Engine) -> gallery.Gallery:
    with transaction(engine) as session:
        filled = gallery.fill(session)
        row = session.scalars(select(Competition).where(Competition.slug == "digits")).one()
        person = session.scalars(select(User).where(User.name == "organizer-one")).one()
        shape = {"width": 4, "height": 4, "size_bytes": 60}
        image = CompetitionImage(competition_id=row.id, digest="a" * 64, alt="a cover", user_id=person.id, **shape)
        session.add(image)
        return filled


def enter(client: TestClient, site: gallery.Gallery, role: str | None) -> TestClient:
    client.cookies.clear()
    client.headers.update(HTML)
    if role:
        client.cookies.set("lacuna", site.secrets[role])
    return client


def collect(client: TestClient, site: gallery.Gallery) -> list[Form]:
    """One of each action; of addresses with an id in them, one a route is enough."""
    found: dict[tuple[str | None, str], Form] = {}
    for look in site.looks:
        page = enter(client, site, look.role).get(look.path).text
        for form in read_forms(page, look.role):
            found.setdefault((look.role, form.action), form)
    return list(found.values())


def find_route(app: FastAPI, action: str) -> str:
    for context in iter_route_contexts(app.routes):
        is_post = isinstance(context.route, APIRoute) and "POST" in context.route.methods
        if is_post and compile_path(str(context.path))[0].match(action.partition("?")[0]):
            return str(context.path)
    raise AssertionError(f"nothing answers {action}")


def list_posts(app: FastAPI) -> set[str]:
    routes = (each for each in iter_route_contexts(app.routes) if isinstance(each.route, APIRoute))
    return {str(each.path) for each in routes if "POST" in each.route.methods and not each.route.include_in_schema}


def send(client: TestClient, form: Form, values: Mapping[str, str]) -> Response:
    files = {"nothing": ("", b"")} if form.is_multipart else None
    return client.post(form.action, data=dict(values), files=files, follow_redirects=False)


def find_fault(answer: Response, form: Form, control: Control, value: str) -> str:
    """What the page of a refused form lacks: a summary, the form, a message in it, what was typed."""
    page = answer.text
    if 'class="fault refused" role="alert"' not in page:
        return "no summary"
    again = next(
        (
            each
            for each in re.findall(r"<form.*?</form>", page, re.S)
            if f'method="post" action="{form.action}"' in each
        ),
        "",
    )
    if not again:
        return "the form is gone"
    if not re.search(r'class="wrong" id="[^"]*-wrong"', again):
        return "nothing beside the form"
    if control.kind in ("text", "textarea", "email", "url") and value not in again:
        return "what was typed is gone"
    return ""


def test_every_form_says_what_is_wrong_beside_the_field(
    client: TestClient, site: gallery.Gallery, app: FastAPI
) -> None:
    beside: set[str] = set()
    faults: list[str] = []
    forms = collect(client, site)
    left_out = sorted(list_posts(app) - {find_route(app, form.action) for form in forms} - set(BESIDE))
    assert left_out == [], "\n".join(left_out)
    for form in forms:
        route = find_route(app, form.action)
        if route in beside:
            continue
        for control in form.controls:
            for value in spoil(control):
                answer = send(enter(client, site, form.role), form, form.fill(**{control.name: value}))
                assert answer.status_code < 500, f"{form.action} {control.name}"
                if answer.status_code < 400:
                    continue
                fault = find_fault(answer, form, control, value)
                if fault:
                    faults.append(f"{form.action} {control.name} {answer.status_code}: {fault}")
                marked = re.search(rf'<[^>]* name="{re.escape(control.name)}"[^>]* aria-invalid="true"', answer.text)
                if marked:
                    beside.add(route)
    assert faults == [], "\n".join(faults)
    asked = {find_route(app, form.action) for form in forms if any(spoil(each) for each in form.controls)}
    silent = sorted(asked - beside - set(UNREFUSED))
    assert silent == [], "\n".join(silent)
