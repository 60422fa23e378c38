"""The pages of the gallery, each as one reader sees it."""

from dataclasses import dataclass

from api.configure.set_up import STEPS
from core.db.models.contests import SetUp
from core.db.models.lifecycle import DiscussionThread
from core.db.models.rejudges import Rejudge
from core.db.models.submissions import Submission

OWN_LOOKS = ("queued", "running", "failed", "rejected", "practised", "ended")


@dataclass(frozen=True)
class Look:
    """One page as one reader sees it; role None is nobody logged in."""

    name: str
    route: str  # the path of the route, as the application declares it
    path: str
    role: str | None
    status: int = 200


def list_steps(row: SetUp) -> list[Look]:
    route, path = "/admin/set-up/{set_up_id}", f"/admin/set-up/{row.id}"
    looks = [Look(f"set-up-{step}", f"{route}/{{part}}", f"{path}/{step}", "admin") for step in STEPS]
    return [Look("set-up", route, path, "admin"), *looks]


def list_talks(thread: DiscussionThread) -> list[Look]:
    route, path = "/competitions/{slug}/discussion", "/competitions/digits/discussion"
    one, here = f"{route}/{{thread_id}}", f"{path}/{thread.id}"
    return [
        Look("discussion", route, path, "participant"),
        Look("discussion-empty", route, "/competitions/empty/discussion", None),
        Look("inbox", "/inbox", "/inbox", "participant"),
        Look("thread", one, here, "participant"),
        Look("thread-moderating", one, here, "organizer"),
    ]


def list_looks(rows: dict[str, Submission], rejudges: dict[str, Rejudge]) -> list[Look]:
    again = "/competitions/digits/rejudges"
    board = "/competitions/{slug}/leaderboard"
    contest, submission = "/competitions/{slug}", "/submissions/{submission_id}"
    pair = f"a={rows['first'].id}&b={rows['second'].id}"
    ledger = "/competitions/digits/organize/ledger?team=team%20one"
    looks = [
        Look("home", "/", "/", None),
        Look("competition", contest, "/competitions/digits", None),
        Look("competition-own", contest, "/competitions/digits", "participant"),
        Look("competition-preparing", contest, "/competitions/preparing", None),
        Look("data", contest + "/data", "/competitions/digits/data", None),
        Look("entries", contest + "/entries", "/competitions/digits/entries", "participant"),
        Look("announcements", contest + "/announcements", "/competitions/digits/announcements", None),
        Look("board", board, "/competitions/digits/leaderboard?phase=public", None),
        Look("board-own", board, "/competitions/digits/leaderboard?phase=public&columns=all", "participant"),
        Look(
            "board-found", board, "/competitions/digits/leaderboard?phase=public&q=t&sort=-submitted_at", "participant"
        ),
        Look("board-final", board, "/competitions/digits/leaderboard", None),
        Look("board-empty", board, "/competitions/empty/leaderboard", None),
        Look("board-preparing", board, "/competitions/preparing/leaderboard", None),
        Look("score", "/score", "/score", None),
        Look("home-own", "/", "/", "participant"),
        Look("code", "/submissions/{submission_id}/code", "/submissions/none/code", None, 404),  # no file is stored
        Look("runtime", "/runtime", "/runtime", None),
        Look("start", "/start", "/start", None),
        Look("login", "/login", "/login", None),
        Look("register", "/register", "/register", None),
        Look("nothing", "", "/competitions/none", None, 404),
        Look("users", "/admin/users", "/admin/users", "admin"),
        Look("login-code", "/login/code", "/login/code", None),
        Look("factor", "/account/factor", "/account/factor", "participant"),
        Look("factor-offer", "/account/factor", "/account/factor", "organizer"),
        Look("profile", "/people/{name}", "/people/participant-one", None),
        Look("team-profile", "/competitions/{slug}/teams/{name}", "/competitions/digits/teams/team%20one", None),
        Look("reference", "/reference", "/reference", None),
        Look("status", "/status", "/status", None),
        Look("reset", "/reset", "/reset", None),
        Look("new-password", "/reset/new", "/reset/new?token=lct_again", None),
        Look("account", "/account", "/account", "participant"),
        Look("notifications", "/account/notifications", "/account/notifications", "participant"),
        Look("security", "/account/security", "/account/security", "participant"),
        Look("confirm-mail", "/mail/confirm", "/mail/confirm?token=sesame", None),
        Look("unsubscribe", "/mail/unsubscribe", "/mail/unsubscribe?token=farewell", None),
        # without a provider there is nothing to come back from; what is said then is a page too
        Look("provider", "/login/provider", "/login/provider", None, 404),
        Look("logged-out", "/logout/provider", "/logout/provider", None, 404),
        Look("provider-callback", "/login/provider/callback", "/login/provider/callback", None, 404),
        Look("provider-name", "/login/provider/name", "/login/provider/name", None, 401),
        Look("connect", "/account/identities/connect", "/account/identities/connect", "participant", 403),
        Look("own-submissions", "/submissions", "/submissions", "participant"),
        Look("submit", contest + "/submit", "/competitions/digits/submit", "participant"),
        Look("team", contest + "/team", "/competitions/digits/team", "participant"),
        Look("team-invited", contest + "/team", "/competitions/empty/team", "participant"),
        Look("compare", contest + "/compare", f"/competitions/digits/compare?{pair}", "participant"),
        Look("compare-nothing", contest + "/compare", "/competitions/empty/compare", "participant"),
        Look("organize", contest + "/organize", "/competitions/digits/organize", "organizer"),
        *(
            Look(f"organize-{name}", f"{contest}/organize/{name}", f"/competitions/digits/organize/{name}", "organizer")
            for name in ("submissions", "settings", "grant", "announcements", "presentation")
        ),
        Look("set-ups", "/admin/set-up", "/admin/set-up", "admin"),
        Look("rules", contest + "/rules", "/competitions/digits/rules", "participant"),
        Look("rules-writing", contest + "/rules", "/competitions/digits/rules", "organizer"),
        Look("ledger", contest + "/ledger", "/competitions/digits/ledger", "participant"),
        Look("ledger-of-team", contest + "/organize/ledger", ledger, "organizer"),
        Look("selection", contest + "/selection", "/competitions/digits/selection", "participant"),
        Look("final", contest + "/final", "/competitions/digits/final", None),
        Look("final-preview", contest + "/final", "/competitions/ended/final", "organizer"),
        Look("private-scoring", contest + "/organize/private", "/competitions/ended/organize/private", "organizer"),
        Look("private", contest + "/organize/private", "/competitions/digits/organize/private", "organizer"),
        Look("audit", "/audit", "/audit", "organizer"),
        Look("admin", "/admin", "/admin", "admin"),
        Look("competition-form", "/admin/competitions/new", "/admin/competitions/new", "admin"),
        Look("preview", "/admin/competitions/{slug}/preview", "/admin/competitions/draft/preview", "admin"),
        Look("pools", "/admin/competitions/{slug}/pools", "/admin/competitions/preparing/pools", "admin"),
        Look("data-sets", "/admin/data-sets", "/admin/data-sets", "admin"),
        Look("data-set", "/admin/data-sets/{name}/{number}", "/admin/data-sets/faces/1", "admin"),
        Look("rejudges", contest + "/rejudges", again, "organizer"),
        Look("rejudge-plan", contest + "/rejudges", f"{again}?plan=true", "organizer"),
        *(
            Look(f"rejudge-{name}", contest + "/rejudges/{rejudge_id}", f"{again}/{row.id}", "organizer")
            for name, row in rejudges.items()
        ),
        Look("flags", "/admin/flags", "/admin/flags", "organizer"),
        Look("alike", "/admin/flags/alike", "/admin/flags/alike?a=none&b=none", "organizer", 404),  # no file is stored
        Look("changes", contest + "/changes", "/competitions/digits/changes", None),
        Look("queue", "/admin/queue", "/admin/queue", "admin"),
        Look("nodes", "/admin/nodes", "/admin/nodes", "admin"),
        Look("costs", "/admin/costs", "/admin/costs", "admin"),
        Look("leaks", "/admin/leaks", "/admin/leaks", "admin"),
    ]
    kinds = [("second", None)] + [(name, "participant") for name in OWN_LOOKS]
    return looks + [
        Look(f"submission-{name}", submission, f"/submissions/{rows[name].id}", role) for name, role in kinds
    ]
