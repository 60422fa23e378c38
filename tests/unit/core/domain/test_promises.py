import pytest

from core.domain.promises import (
    OPTIONAL,
    WORDING,
    Finding,
    Promise,
    Trial,
    dump_trials,
    explain_refusal,
    find_refused,
    keeps_quiet,
    parse_trials,
)

KEPT = {promise: Finding.HELD for promise in Promise}


def test_every_promise_has_its_words() -> None:
    assert set(WORDING) == set(Promise)


def test_a_box_that_keeps_all_is_not_refused() -> None:
    assert find_refused(KEPT, production=True) == []


@pytest.mark.parametrize("promise", list(Promise))
@pytest.mark.parametrize("production", [False, True])
def test_whatever_is_promised_and_not_held_is_refused_but_for_names(promise: Promise, production: bool) -> None:
    found = find_refused(KEPT | {promise: Finding.BROKEN}, production=production)
    assert found == ([] if promise is Promise.NAMES else [promise])


@pytest.mark.parametrize("promise", list(Promise))
def test_production_needs_a_backend_that_promises_all_but_what_is_optional(promise: Promise) -> None:
    findings = KEPT | {promise: Finding.UNPROMISED}
    assert find_refused(findings, production=False) == []
    assert find_refused(findings, production=True) == ([] if promise in OPTIONAL else [promise])


def test_a_refusal_names_the_promise_and_what_got_through() -> None:
    trials = (Trial(Promise.NETWORK, Finding.BROKEN, "opened a socket of family 2"), Trial(Promise.TIME, Finding.HELD))
    told = explain_refusal(trials, "docker", production=False)
    assert told.startswith("docker does not keep what a box promises: no network (opened a socket of family 2).")
    assert explain_refusal(trials[1:], "docker", production=True) == ""


def test_only_a_box_in_which_it_was_tried_keeps_quiet() -> None:
    assert keeps_quiet([Trial(Promise.NAMES, Finding.HELD)])
    assert not keeps_quiet([Trial(Promise.NAMES, Finding.UNPROMISED)])
    assert not keeps_quiet([])


def test_what_was_stored_is_read_and_what_is_unknown_left_out() -> None:
    trials = (Trial(Promise.NETWORK, Finding.HELD), Trial(Promise.CORE, Finding.BROKEN, "computed twice"))
    assert parse_trials(dump_trials(trials) | {"former": {"finding": "held", "detail": ""}}) == trials
