"""A form that was refused is shown as it was sent, with the refusal beside the field that it is about.

No template does this: the page is read as HTML once more and written on, so that no form can forget it. See
docs/decisions/0028-a-refusal-is-placed-not-written.md.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape, unescape
from re import sub

from api.refused.tags import Edit, Tag, apply_edits, find_end, iter_around, read_tags, write_tag

CONTROLS = ("input", "select", "textarea")
KEPT = ("hidden", "password", "file", "submit", "image", "button", "reset")  # kinds of input that stay as the page is
TICKED = ("checkbox", "radio")
HERE = "refused"  # the id of a form that has none


Changes = dict[int, dict[str, str | bool]]  # of attributes, by the index of their tag


@dataclass(frozen=True, slots=True)
class Refusal:
    message: str
    action: str = ""  # the path that the form was sent to; empty: no form was
    fields: Mapping[str, str] = field(default_factory=dict)  # what is wrong, by the name of the control
    sent: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Form:
    page: str
    tags: Sequence[Tag]
    start: int  # the indexes of its own tags
    end: int


def place_refusal(page: str, refusal: Refusal) -> str:
    """The page with the refusal at its top, linked to the field, and beside the field; the form filled in again."""
    tags = read_tags(page)
    form = _find_form(page, tags, refusal)
    changes: Changes = {}
    edits: list[Edit] = []
    told: list[tuple[str, str]] = []  # for the summary: what, as HTML, and where
    if form is not None:
        if refusal.sent:
            edits += _fill(form, refusal.sent, changes)
        _open(form, form.start, changes)
        told += [_mark(form, name, why, changes, edits) for name, why in _place_fields(form, refusal).items()]
    edits += [
        Edit(tags[index].start, tags[index].end, write_tag(tags[index], **found)) for index, found in changes.items()
    ]
    return apply_edits(page, [*edits, *_summarize(tags, refusal, told)])


def _find_form(page: str, tags: Sequence[Tag], refusal: Refusal) -> _Form | None:
    for index, tag in enumerate(tags):
        action = (tag.attributes.get("action") or "").partition("?")[0]
        if tag.name == "form" and tag.attributes.get("method") == "post" and action == refusal.action:
            return _Form(page, tags, index, find_end(tags, index))
    return None


def _iter_controls(form: _Form) -> Iterator[int]:
    """Those between its tags, and those elsewhere that name it."""
    own = form.tags[form.start].attributes.get("id")
    for index, tag in enumerate(form.tags):
        if tag.name in CONTROLS and not tag.is_end:
            named = tag.attributes.get("form")
            if named == own if named is not None else form.start < index < form.end:
                yield index


def _fill(form: _Form, sent: Mapping[str, Sequence[str]], changes: Changes) -> list[Edit]:
    left = {name: list(values) for name, values in sent.items()}
    edits: list[Edit] = []
    for index in _iter_controls(form):
        tag = form.tags[index]
        name, kind = tag.attributes.get("name") or "", (tag.attributes.get("type") or "text").lower()
        if tag.name == "select":
            edits += _choose(form, index, sent.get(name, ()))
        elif tag.name == "input" and kind in TICKED:
            changes.setdefault(index, {})["checked"] = (tag.attributes.get("value") or "on") in sent.get(name, ())
        elif left.get(name) and not (tag.name == "input" and kind in KEPT):
            value = left[name].pop(0)
            if not value and "required" in tag.attributes:
                continue  # emptied, though there must be one: what stands is shown
            if tag.name == "textarea":
                edits.append(Edit(tag.end, form.tags[find_end(form.tags, index)].start, "\n" + escape(value)))
            else:
                changes.setdefault(index, {})["value"] = value
    return edits


def _choose(form: _Form, index: int, values: Sequence[str]) -> Iterator[Edit]:
    if not values:
        return
    options = [place for place in range(index, find_end(form.tags, index)) if form.tags[place].name == "option"]
    for place in options:
        tag = form.tags[place]
        if not tag.is_end:
            value = tag.attributes.get("value")
            shown = value if value is not None else unescape(_read_text(form, place))
            yield Edit(tag.start, tag.end, write_tag(tag, selected=shown in values))


def _place_fields(form: _Form, refusal: Refusal) -> dict[str, str]:
    """What is about no control of the form is about the form."""
    names = {form.tags[index].attributes.get("name") for index in _iter_controls(form) if form.start < index < form.end}
    named = {name: why for name, why in refusal.fields.items() if name in names}
    rest = [why for name, why in refusal.fields.items() if name not in names]
    if named and not rest:
        return named
    return {"": "; ".join(dict.fromkeys(rest)) or refusal.message, **named}


def _mark(form: _Form, name: str, why: str, changes: Changes, edits: list[Edit]) -> tuple[str, str]:
    """Say it beside the control, or at the head of the form; answers what the summary says, and where it leads."""
    words = f"{why[:1].upper()}{why[1:].rstrip('.')}."
    if not name:
        tag = form.tags[form.start]
        identity = tag.attributes.get("id") or HERE
        changes.setdefault(form.start, {})["id"] = identity
        edits.append(Edit(tag.end, tag.end, f'<p class="wrong" id="{escape(identity)}-wrong">{escape(words)}</p>'))
        return escape(words), identity
    index = next(
        index
        for index in _iter_controls(form)
        if form.start < index < form.end and form.tags[index].attributes.get("name") == name
    )
    tag = form.tags[index]
    identity = tag.attributes.get("id") or f"{HERE}-{name}"
    described = " ".join(filter(None, (tag.attributes.get("aria-describedby"), f"{identity}-wrong")))
    found = changes.setdefault(index, {})
    found |= {"id": identity, "aria-describedby": described, "aria-invalid": "true"}
    found["autofocus"] = not any("autofocus" in other for place, other in changes.items() if place != index)
    _open(form, index, changes)
    label, end = _find_label(form, index, tag.attributes.get("id"))
    edits.append(Edit(end, end, f' <strong class="wrong" id="{escape(identity)}-wrong">{escape(words)}</strong>'))
    return f"{label}: {escape(words[:1].lower() + words[1:])}" if label else escape(words), identity


def _find_label(form: _Form, index: int, identity: str | None) -> tuple[str, int]:
    """What the control is called, and where it ends: a label around it ends with it."""
    end = form.tags[index].end if form.tags[index].name == "input" else form.tags[find_end(form.tags, index)].end
    around = list(iter_around(form.tags, index, "label"))
    if around:
        kind = form.tags[index].attributes.get("type")
        words = "" if kind in TICKED else _read_text(form, around[-1])
        return words, form.tags[find_end(form.tags, around[-1])].end
    for place, tag in enumerate(form.tags):
        if identity and tag.name == "label" and tag.attributes.get("for") == identity:
            return _read_text(form, place), end
    return "", end


def _open(form: _Form, index: int, changes: Changes) -> None:
    """Nothing that is folded hides it."""
    for place in iter_around(form.tags, index, "details"):
        changes.setdefault(place, {})["open"] = True


def _read_text(form: _Form, index: int) -> str:
    """Of an element, up to the first tag in it."""
    end = form.tags[index + 1].start if index + 1 < len(form.tags) else len(form.page)
    return sub(r"\s+", " ", form.page[form.tags[index].end : end]).strip()


def _summarize(tags: Sequence[Tag], refusal: Refusal, told: Sequence[tuple[str, str]]) -> Iterator[Edit]:
    """At the top of the page, where a reader begins."""
    words = f"{refusal.message[:1].upper()}{refusal.message[1:].rstrip('.')}."
    links = [f'<a href="#{escape(where)}">{what}</a>' for what, where in told]
    if len(links) > 1:
        inner = "<p>This needs a correction:</p><ul>" + "".join(f"<li>{link}</li>" for link in links) + "</ul>"
    else:
        inner = f"<p>{links[0] if links else escape(words)}</p>"
    for tag in tags:
        if tag.name == "main" and not tag.is_end:
            yield Edit(tag.end, tag.end, f'\n<div class="fault refused" role="alert">{inner}</div>')
            return
