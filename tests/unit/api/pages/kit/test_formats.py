from api.pages.kit.formats import format_breakable


def test_a_long_name_breaks_behind_an_underscore_and_stays_harmless() -> None:
    assert format_breakable("vision_confusion<b>") == "vision_<wbr>confusion&lt;b&gt;"
