"""Where a refusal stands on a page, and what of the form is filled in again."""

import re

import pytest

from api.refused.placing import Refusal, place_refusal
from api.refused.tags import read_tags

PAGE = """<html><body><main id="content"><h1>Page</h1>
<form method="get" action="/save"><input name="q" value="kept"></form>
<details><summary>Other</summary>
<form method="post" action="/save?token=1" id="f">
<input type="hidden" name="digest" value="of the page">
<p><label for="why">Because</label><input id="why" name="reason" value="old" aria-describedby="why-rule" required></p>
<p><label>Text <textarea name="text">
old &amp; gone</textarea></label></p>
<p><label for="secret">Password</label><input id="secret" name="password" type="password"></p>
<p><label for="state">State</label><select id="state" name="state">
<option>open</option><option value="closed" selected>shut</option></select></p>
<label class="check"><input type="checkbox" name="events" value="one" checked> one</label>
<label class="check"><input type="checkbox" name="events" value="two"> two</label>
<button>Save</button></form></details>
<input type="checkbox" form="f" name="rows" value="7">
</main></body></html>"""
SENT = {
    "digest": ["forged"],
    "reason": ['<"x">'],
    "text": ["new\nlines"],
    "password": ["secret"],
    "state": ["open"],
    "events": ["two"],
    "rows": ["7"],
}


def place(message: str = "give a reason", **values: object) -> str:
    return place_refusal(PAGE, Refusal(message, "/save", **values))  # type: ignore[arg-type]


def find_tag(page: str, name: str) -> str:
    found = re.search(rf'<(?:input|textarea|select)[^>]* name="{name}"[^>]*>', page)
    assert found is not None
    return found[0]


def test_the_refusal_stands_beside_its_field_and_is_linked_from_the_top() -> None:
    page = place(fields={"reason": "give a reason"})
    assert re.search(r' autofocus[^>]*> <strong class="wrong" id="why-wrong">Give a reason\.</strong></p>', page)
    assert 'aria-describedby="why-rule why-wrong"' in find_tag(page, "reason")
    assert 'aria-invalid="true"' in find_tag(page, "reason")
    top = '<main id="content">\n<div class="fault refused" role="alert"><p><a href="#why">Because: give a reason.</a>'
    assert top in page


def test_several_fields_are_listed_and_the_first_has_the_focus() -> None:
    page = place(fields={"text": "too long", "reason": "too short"})
    assert page.count("autofocus") == 1
    assert page.count("<li>") == 2
    assert 'aria-invalid="true"' in find_tag(page, "text")


def test_a_field_without_an_id_gets_one_and_is_said_after_its_label() -> None:
    page = place(fields={"text": "too long"})
    assert 'id="refused-text"' in find_tag(page, "text")
    assert '</textarea></label> <strong class="wrong" id="refused-text-wrong">Too long.</strong>' in page
    assert '<a href="#refused-text">Text: too long.</a>' in page


@pytest.mark.parametrize("fields", [{}, {"nowhere": "the quota is spent"}])
def test_what_is_about_no_field_stands_at_the_head_of_the_form(fields: dict[str, str]) -> None:
    page = place("the quota is spent", fields=fields)
    assert re.search(r'<form [^>]*id="f"><p class="wrong" id="f-wrong">The quota is spent\.</p>', page)
    assert '<a href="#f">The quota is spent.</a>' in page


def test_nothing_that_is_folded_hides_it() -> None:
    assert "<details open>" in place()


def test_what_was_typed_is_there_again_as_text() -> None:
    page = place(sent=SENT)
    assert 'value="&lt;&quot;x&quot;&gt;"' in find_tag(page, "reason")
    assert ">\nnew\nlines</textarea>" in page
    assert '<option selected>open</option><option value="closed">shut' in page
    assert '<input type="checkbox" name="events" value="one"> one' in page
    assert '<input type="checkbox" name="events" value="two" checked> two' in page
    assert '<input type="checkbox" form="f" name="rows" value="7" checked>' in page


def test_what_the_page_says_and_secrets_are_not_filled_in() -> None:
    page = place(sent=SENT)
    assert 'value="of the page"' in find_tag(page, "digest")
    assert "secret" not in find_tag(page, "password").replace('id="secret"', "")
    assert 'name="q" value="kept"' in page


def test_a_page_without_the_form_says_it_at_its_top() -> None:
    page = place_refusal(PAGE, Refusal("it is over"))
    assert '<div class="fault refused" role="alert"><p>It is over.</p></div>' in page
    assert page.replace('\n<div class="fault refused" role="alert"><p>It is over.</p></div>', "") == PAGE


def test_the_refusal_itself_is_text() -> None:
    for fields in ({}, {"reason": "<b>"}):
        assert "<b>" not in place("<b>", fields=fields)


def test_tags_know_where_they_stand() -> None:
    page = "<p>\n é <a href='x'>\nb</a ></p>"
    tags = read_tags(page)
    assert [page[tag.start : tag.end] for tag in tags] == ["<p>", "<a href='x'>", "</a >", "</p>"]
