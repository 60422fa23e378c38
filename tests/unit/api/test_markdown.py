import time

import pytest

from api.markdown import render_markdown


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("# Top\n\nsome *text*", "<h3>Top</h3>\n<p>some <em>text</em></p>\n"),
        ("##### deep", "<h6>deep</h6>\n"),
        ("- one\n- two", "<ul>\n<li>one</li>\n<li>two</li>\n</ul>\n"),
        ("[a](https://a.example/)", '<p><a href="https://a.example/" rel="noopener noreferrer nofollow">a</a></p>\n'),
    ],
)
def test_plain_markdown_becomes_html(text: str, html: str) -> None:
    assert render_markdown(text) == html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![picture](https://a.example/track.png)",
        "[a](javascript:alert(1))",
        "[a](data:text/html,x)",
        '<a href="x" style="position:fixed">a</a>',
        "<iframe src='https://a.example'></iframe>",
    ],
)
def test_nothing_that_runs_loads_or_styles_gets_through(text: str) -> None:
    html = render_markdown(text)
    for hostile in ("<script", "<img", "<iframe", 'href="javascript', 'href="data', '<a href="x" style'):
        assert hostile not in html


def test_a_picture_becomes_a_link_that_says_what_it_shows() -> None:
    html = render_markdown("see ![a curve](https://a.example/curve.png)")
    assert 'href="https://a.example/curve.png"' in html
    assert ">picture: a curve</a>" in html
    assert "!" not in html
    assert render_markdown("[![x](https://a.example/x.png)](https://b.example)").count("<a ") == 1


DIGEST = "ab" * 32


def test_an_image_of_a_competition_is_shown() -> None:
    address = f"/api/v1/competitions/digits/images/{DIGEST}"
    assert render_markdown(f"![a *curve*]({address})") == (
        f'<p><img src="{address}" alt="a curve" loading="lazy"></p>\n'
    )


@pytest.mark.parametrize(
    "address",
    [
        f"//evil.example/api/v1/competitions/digits/images/{DIGEST}",
        f"https://evil.example/api/v1/competitions/digits/images/{DIGEST}",
        f"/api/v1/competitions/digits/images/{DIGEST}?x=1",
        f"/api/v1/competitions/digits/images/{DIGEST}/../../../me",
        f"/api/v1/competitions/../images/{DIGEST}",
        f"\\api/v1/competitions/digits/images/{DIGEST}",
        "/logout",
        "data:image/png;base64,AAAA",
    ],
)
def test_an_image_of_anywhere_else_is_not_loaded(address: str) -> None:
    html = render_markdown(f"![x]({address})")
    assert "<img" not in html
    assert 'href="data' not in html


GROWING = {
    "an address that is named a thousand times": "[a]: /" + "x" * 4000 + "\n\n" + "[a] " * 1500,
    "a title that is": '[a]: /x "' + "x" * 4000 + '"\n\n' + "[a] " * 1500,
    "cells that nobody wrote": "|a" * 1200 + "|\n" + "|-" * 1200 + "|\n" + "|\n" * 60,
}


@pytest.mark.parametrize("name", GROWING)
def test_a_text_does_not_grow_into_megabytes(name: str) -> None:
    html = render_markdown(GROWING[name])
    assert html.startswith("<pre>")
    assert len(html) < 2 * len(GROWING[name])


@pytest.mark.parametrize("text", ["> " * 40 + "deep", "- " * 40 + "deep", "1. > - " * 12 + "deep"])
def test_what_nests_deeper_than_a_page_can_show_is_shown_as_it_was_typed(text: str) -> None:
    assert render_markdown(text) == f"<pre>{text.replace('>', '&gt;')}</pre>"


@pytest.mark.parametrize("text", ["> " * 9 + "deep", "- " * 5 + "deep"])
def test_what_nests_a_little_is_read(text: str) -> None:
    assert render_markdown(text).count("deep") == 1
    assert "<pre>" not in render_markdown(text)


NESTED = (
    "> " * 4000,
    "- " * 4000,
    "[" * 9000,
    "![" * 4500,
    "*a " * 3000,
    "`" * 9000,
    "".join("`" * length + " " for length in range(130)),
    "[a](" * 2500,
    "<a href='" * 1000,
    "**a__b~~" * 1200,
    "&" * 9000,
    "[[]()" * 2000,
    "a\u202e" * 3000,
    "_*" * 4500 + "a" + "*_" * 4500,
    "|" * 9000 + "\n" + "|-" * 4000,
    "\\" * 9000,
)


@pytest.mark.parametrize("place", range(len(NESTED)))
def test_what_nests_endlessly_is_read_in_no_time(place: int) -> None:
    begin = time.process_time()
    render_markdown(NESTED[place])
    assert time.process_time() - begin < 1
