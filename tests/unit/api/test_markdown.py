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
