from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from core.domain.history import Record, keep_records, update_records
from core.domain.owner import Owner, own_as_team

START = datetime(2026, 1, 1, tzinfo=UTC)
A, B, C = OWNERS = [own_as_team(name) for name in "abc"]


def make_record(place: int, minute: int, score: float, owner: Owner = A) -> Record:
    return Record(f"s{place}", START + timedelta(minutes=minute), score, owner)


entries = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 5).map(lambda tenth: tenth / 10), st.sampled_from(OWNERS)), max_size=14
)


def list_twin(scored: list[Record]) -> list[Record]:
    """The slow way: each that beats everything that came before it."""
    ordered = sorted(scored, key=lambda each: (each.at, each.submission_id))
    return [each for place, each in enumerate(ordered) if all(each.score > other.score for other in ordered[:place])]


@given(entries)
def test_the_running_best_is_what_beats_everything_before_it(made: list[tuple[int, float, Owner]]) -> None:
    scored = [make_record(place, *each) for place, each in enumerate(made)]
    assert keep_records(scored) == list_twin(scored)


@given(entries, entries, st.sampled_from(OWNERS), st.integers(0, 20))
def test_an_update_is_what_looking_at_everything_finds_or_says_that_it_cannot_know(
    before: list[tuple[int, float, Owner]], after: list[tuple[int, float, Owner]], owner: Owner, gone: int
) -> None:
    old = [make_record(place, *each) for place, each in enumerate(before)]
    kept = [each for each in old if each.owner != owner or each.submission_id != f"s{gone}"]
    new = [make_record(100 + place, minute, score, owner) for place, (minute, score, _) in enumerate(after)]
    everything = [*kept, *new]
    own = [each for each in everything if each.owner == owner]
    concerned = next((each.submission_id for each in old if each not in kept), None)
    updated = update_records(list_twin(old), own, owners=[owner], submission_id=concerned)
    lost = [each for each in list_twin(old) if each not in kept]
    assert updated == (None if lost else list_twin(everything))


def test_a_record_that_changed_hands_or_its_score_is_noticed() -> None:
    old = [make_record(1, 1, 0.4), make_record(2, 2, 0.6, B)]
    moved = [make_record(1, 1, 0.4, B), old[1]]
    assert update_records(old, moved, owners=[B], submission_id=None) == moved
    assert update_records(old, [make_record(2, 2, 0.5, B)], owners=[B], submission_id=None) is None
    assert update_records(old, [], owners=[C], submission_id="s1") is None
