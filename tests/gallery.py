"""A site with something on every page, and the list of its pages by who reads them."""

import random
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from api.configure.set_up import begin
from api.deps import Caller
from api.security import hash_token
from core.db.base import utc_now
from core.db.models.accounts import BrowserSession, PasswordReset, SecondFactor, User
from core.db.models.contests import Competition, CompetitionImage, Team, TeamInvite, TeamMember
from core.db.models.lifecycle import DiscussionPost, DiscussionThread
from core.db.models.notifications import MailAddress, Webhook
from core.db.models.operations import NodeKey
from core.db.models.rejudges import Rejudge
from core.db.models.submissions import Evaluation, EvaluationEvent, Scorecard, Shard, Submission
from core.db.queries import boards, deliveries
from core.db.queries.announcements import store_announcement
from core.db.queries.grants import store_grant
from core.db.queries.rules import store_acceptance, store_rules
from core.domain.access import Role
from core.domain.leaderboard import Purpose
from core.domain.licences import Licence
from core.domain.notifications import Event
from tests import factories
from tests.looks import Look, list_looks, list_steps, list_talks
from tests.scorecard_bodies import make_scorecard_body

NAMES = ("tabula", "obliviate", "mnemosyne", "amnesia lab", "the sieve", "lethe")


@dataclass(frozen=True)
class Gallery:
    looks: tuple[Look, ...]
    secrets: dict[str, str]  # cookie of each role


def fill(session: Session) -> Gallery:
    secrets = {role: f"cookie-of-{role}" for role in ("participant", "organizer", "admin")}
    people = {role: factories.make_user(session, f"{role}-one", role=role) for role in secrets}
    people["participant"].password_hash = "of no password"
    for role, secret in secrets.items():
        _log_in(session, people[role], secret)
    competition = factories.make_competition(session, "digits")
    competition.created_at = utc_now() - timedelta(days=9)
    own = _fill_board(session, competition, people)
    _fill_life(session, competition, own["first"])
    _present(session, competition, people["organizer"])
    own["practised"] = _practise(session, competition, people["participant"], own["first"].team_id)
    judged = _judge_again(session, competition, own)
    _leave_traces(session, own)
    empty = factories.make_competition(session, "empty", title="Nobody yet")
    preparing = factories.make_competition(session, "preparing", state="preparing", title="Soon")
    preparing.opens_by_hand, preparing.prepared_at = True, utc_now()
    factories.make_pool(session, preparing, done=2)
    _invite(session, empty, people["participant"])
    factories.make_data_set_version(session, "faces")
    factories.make_preview(session, factories.make_competition(session, "draft", state="draft", title="A draft"))
    own["ended"] = _end(session, people["participant"])
    _choose_messages(session, people["participant"])
    until, again = utc_now() + timedelta(days=1), hash_token("lct_again")
    session.add(SecondFactor(user_id=people["organizer"].id, secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"))
    session.add(PasswordReset(user_id=people["participant"].id, secret_sha256=again, expires_at=until))
    thread = _discuss(session, competition, people)
    told = {"competition": "digits", "team": "others", "invited_by": "leader"}
    deliveries.announce(session, Event.TEAM_INVITED, [people["participant"].id], told)
    factories.make_node(session)
    for name, revoked in (("gpu-1", None), ("lent", utc_now())):
        session.add(NodeKey(name=name, token_sha256=hash_token(name), purposes=tuple(Purpose), revoked_at=revoked))
    begun = begin(session, "problem:digits", Caller(None, "admin-one", Role.ADMIN))
    return Gallery((*list_looks(own, judged), *list_talks(thread), *list_steps(begun)), secrets)


def _log_in(session: Session, user: User, secret: str) -> None:
    until = utc_now() + timedelta(days=1)
    session.add(BrowserSession(user_id=user.id, secret_sha256=hash_token(secret), expires_at=until))
    factories.make_token(session, user, hash_token(f"token-of-{user.name}")).label = "laptop"
    session.flush()


def _fill_board(session: Session, competition: Competition, people: dict[str, User]) -> dict[str, Submission]:
    chance = random.Random(5)
    for place, name in enumerate(NAMES):
        user = factories.make_user(session, name.replace(" ", "-"))
        for attempt in range(2):
            score = 0.3 - 0.02 * place + 0.02 * attempt + chance.uniform(-0.02, 0.02)
            runtime = 10 ** chance.uniform(-2.2, -1.05)
            at = competition.created_at + timedelta(hours=70 * attempt + 9 * place)
            factories.make_scored(session, competition, user, max(score, 0.01), runtime=runtime, note="", created_at=at)
    staff = people["organizer"]
    for name, score, runtime in (("retrain", 0.97, 1.0), ("identity", 0.02, 0.001)):
        reference = {"purpose": "reference", "filename": f"{name}.py"}
        factories.make_scored(session, competition, staff, score, runtime=runtime, **reference)
    greedy = factories.make_user(session, "greedy")
    factories.make_scored(session, competition, greedy, 0.62, runtime=0.31, verdict="over_budget")
    return _submit(session, competition, people["participant"])


def _submit(session: Session, competition: Competition, user: User) -> dict[str, Submission]:
    team = Team(competition_id=competition.id, name="team one", folded_name="team one", leader_id=user.id)
    session.add(team)
    session.flush()
    session.add(TeamMember(team_id=team.id, competition_id=competition.id, user_id=user.id))
    attempts = ((4, 0.12, 0.03, "noise on the last layer"), (1, 0.26, 0.06, "two passes, then repair"))
    scored = [
        factories.make_scored(
            session, competition, user, score, runtime=runtime, team_id=team.id, note=note,
            created_at=utc_now() - timedelta(days=days),
        )
        for days, score, runtime, note in attempts
    ]  # fmt: skip
    rows = {"first": scored[0], "second": scored[1]}
    _keep_examples(session)
    scored[0].published_at, scored[0].licence = utc_now(), Licence.MIT
    states = {
        "queued": {"status": "queued"},
        "running": {"status": "running", "finished": 97},
        "failed": {"verdict": "runtime_error", "code": "EXCEPTION", "reason": "ValueError: bad", "log": "epoch 1\n"},
        "rejected": {"verdict": "rejected", "code": "ENTRYPOINT_MISSING", "reason": "no function unlearning"},
    }
    for name, values in states.items():
        rows[name] = factories.make_submission(session, competition, user, team_id=team.id, filename=f"{name}.py")
        factories.make_evaluation(session, rows[name], **values)
    return rows


def _keep_examples(session: Session) -> None:
    """As a worker does with every score on an open problem."""
    chance = random.Random(7)
    for card in session.scalars(select(Scorecard)):
        card.examples = [
            {
                "rank": rank,
                "example_id": 100 + rank,
                "label": "seven",
                "clean_label": "seven",
                "image": "",
                "epsilon": 3.0 / rank,
                "attack": "one threshold on the confidence",
                "words": "Says “unlearned” where the confidence is above 2.0.",
                "unlearned": [round(chance.gauss(2, 1), 3) for _ in range(64)],
                "retrained": [round(chance.gauss(2 - 2 / rank, 1), 3) for _ in range(64)],
            }
            for rank in (1, 2, 3)
        ]


def _fill_life(session: Session, competition: Competition, finalist: Submission) -> None:
    """Rules, something announced, a deadline, and a private phase that is over."""
    competition.closes_at = utc_now() + timedelta(days=9)
    text = "# Be fair\n\n- one account a person\n- *no* hidden channels"
    rules = store_rules(session, competition.id, text, "organizer-one")
    store_acceptance(session, rules.id, finalist.user_id)
    if finalist.team_id is not None:
        store_grant(session, finalist.team_id, 2, reason="a node was down", author="organizer-one")
    store_announcement(session, competition.id, "Welcome", "Read the **rules** first.", author="organizer-one")
    phase = factories.make_private_phase(session, competition, state="published")
    phase.published_at = utc_now()
    values = {"score": 0.2, "score_low": 0.17, "score_high": 0.23, "relative_runtime": 0.04}
    row = factories.make_evaluation(
        session, finalist, verdict="scored", spec_id=phase.spec_id, phase="private", **values
    )
    factories.make_scorecard(session, row, make_scorecard_body(0.2))


def _present(session: Session, competition: Competition, user: User) -> None:
    """An overview and an image, whose bytes are gone: its words stand for it."""
    competition.overview = "# Why\n\nBecause *forgetting* can be measured.\n\n- one\n- two"
    image = CompetitionImage(competition_id=competition.id, digest="0" * 64, alt="two curves", user_id=user.id)
    image.width, image.height, image.size_bytes = 800, 300, 12_345
    session.add(image)
    session.flush()


def _practise(session: Session, competition: Competition, user: User, team_id: str | None) -> Submission:
    phase = factories.make_practice_phase(session, competition)
    failed = {"verdict": "runtime_error", "code": "EXCEPTION", "reason": "ValueError: bad", "log": "epoch 1\n"}
    submission, _ = factories.make_practised(session, competition, user, phase, **failed)
    submission.team_id = team_id
    return submission


def _end(session: Session, author: User) -> Submission:
    """A competition whose finalists are scored, and whose board two people are about to publish."""
    row = factories.make_competition(session, "ended", state="closed", title="Over", publish_approvals=2)
    phase = factories.make_private_phase(session, row, state="scoring")
    for name, score in (("first-finalist", 0.4), ("second-finalist", 0.3)):
        user = factories.make_user(session, name)
        team = factories.find_or_make_team(session, row, user)
        entry = factories.make_scored(session, row, user, score, team_id=team.id, selected_at=utc_now())
        values = {"score": score - 0.1, "score_low": score - 0.15, "score_high": score, "relative_runtime": 0.05}
        factories.make_evaluation(
            session, entry, verdict="scored", spec_id=phase.spec_id, phase="private", finished=8, **values
        )
    board = boards.fetch_board(session, row.id, phase.spec_id)
    phase.proposed_by, phase.proposed_at = "organizer-two", utc_now()
    phase.proposed_digest = board.digest if board else None
    past, card = factories.make_competition(session, "past", state="archived"), make_scorecard_body(0.1)
    last = factories.make_submission(session, past, author)
    card["flags"] = [{"code": "copied_member", "severity": "high", "value": 1, "threshold": 0.5, "detail": "A copy."}]
    factories.make_evaluation(session, last, verdict="scored", card=card, score=0.1, relative_runtime=0.05)
    return last


def _judge_again(session: Session, competition: Competition, rows: dict[str, Submission]) -> dict[str, Rejudge]:
    """A rejudge that was promoted, with a run that replaces nothing; and one that is half done."""
    made = {}
    for name, state, verdicts in (("promoted", "promoted", ("scored", "platform_error")), ("running", "running", ())):
        rejudge = Rejudge(competition_id=competition.id, spec_id=competition.spec_id, reason="a disk was full")
        rejudge.scope, rejudge.state, rejudge.started_by = {"verdicts": ["scored"], "submissions": []}, state, "olga"
        if verdicts:
            rejudge.decided_by, rejudge.decided_at = "organizer-one", utc_now()
        session.add(rejudge)
        session.flush()
        for submission, verdict in zip((rows["first"], rows["second"]), verdicts or ("scored", None), strict=True):
            card = make_scorecard_body(0.2)
            score = {"score": 0.2, "score_low": 0.15, "score_high": 0.25, "card": card} if verdict == "scored" else {}
            aside = {"rejudge_id": rejudge.id, "counts": bool(verdicts) and verdict == "scored"}
            factories.make_evaluation(session, submission, verdict=verdict, **score, **aside)
        made[name] = rejudge
    return made


def _leave_traces(session: Session, rows: dict[str, Submission]) -> None:
    """What a run spent, and one that nobody works at."""
    spent, stuck = (
        session.scalars(select(Evaluation).where(Evaluation.submission_id == rows[name].id)).first()
        for name in ("second", "queued")
    )
    if spent is not None and stuck is not None:
        spent.started_at = utc_now()
        factories.make_replicas(session, spent, 4)
        long_ago = utc_now() - timedelta(hours=2)
        session.execute(update(EvaluationEvent).where(EvaluationEvent.evaluation_id == stuck.id).values(at=long_ago))
        fault = "waits for a node of class gpu-large-memory, on which it was begun"
        session.execute(update(Shard).where(Shard.evaluation_id == stuck.id).values(fault=fault))


def _invite(session: Session, competition: Competition, user: User) -> None:
    leader = factories.make_user(session, "leader")
    team = Team(competition_id=competition.id, name="the others", folded_name="the others", leader_id=leader.id)
    session.add(team)
    session.flush()
    session.add(TeamMember(team_id=team.id, competition_id=competition.id, user_id=leader.id))
    session.add(TeamInvite(team_id=team.id, user_id=user.id))
    session.flush()


def _choose_messages(session: Session, user: User) -> None:
    """Two webhooks, one of them off; an address that was not confirmed; messages in every state."""
    until = utc_now() + timedelta(days=1)
    address = MailAddress(user_id=user.id, address="one@host.example", events=(), unsubscribe_token="farewell")
    address.confirm_sha256, address.confirm_expires_at = hash_token("sesame"), until
    session.add(address)
    for url in ("https://host.example/hook", "https://host.example/" + "a-long-path/" * 9):
        hook = Webhook(
            user_id=user.id, url=url, events=(Event.EVALUATION_FINISHED, Event.TEAM_INVITED), secret="whsec_none"
        )
        session.add(hook)
        session.flush()
        for state in ("pending", "delivered", "failed"):
            row = deliveries.store_delivery(session, user.id, "team.invited", {}, target=url, webhook_id=hook.id)
            row.state, row.attempts, row.error = state, 1, "" if state == "delivered" else "answered 500"
    hook.disabled_at, hook.disabled_reason = utc_now(), "attempt 8 of a delivery was the last: answered 500"
    session.flush()


def _discuss(session: Session, competition: Competition, people: dict[str, User]) -> DiscussionThread:
    """A pinned thread with an answer of an organizer and something hidden, and a closed one."""
    asker, staff = people["participant"], people["organizer"]
    for title in ("An old question", "May I use `torch.compile`?"):
        thread = DiscussionThread(competition_id=competition.id, user_id=asker.id, title=title, by_staff=False)
        session.add(thread)
        session.flush()
        thread.closed_at = utc_now() if title.startswith("An old") else None
        for author, text in ((asker, "# A question\n\n- *one*\n- `two`"), (staff, "Yes. " * 60), (asker, "buy this")):
            post = DiscussionPost(thread_id=thread.id, user_id=author.id, text=text, by_staff=author is staff)
            post.hidden_at, post.hidden_reason = (utc_now(), "an advertisement") if text == "buy this" else (None, "")
            session.add(post)
        session.flush()
    thread.pinned_at = utc_now()
    return thread
