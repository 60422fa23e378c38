"""What the answers of the API hold: every record by the name of its schema, every field by its own.

Messages are cut to their list when they are sent. The other lists are held by a test, which asks every address and
fails on a field that stands here under no record. Submissions, scorecards and problem files, of which not everybody
sees the same, are in `core.domain.exposure`.
"""

from collections.abc import Mapping
from typing import Any

from core.domain.exposure import SCORECARD, SUBMISSION, Audience, list_fields
from core.domain.notifications import Event

# whoever may ask for them sees all of them
EVERYBODY = {
    "AnnouncementList": "items",
    "AnnouncementView": "id title text author created_at edited_at",
    "BoardChange": "version at cause name submission_id rank_before rank_after lines digest",
    "BoardChanges": "items next_before",
    "BudgetSeconds": "node_class seconds retrain_seconds",
    "Ceiling": (
        "estimate low high corrected neurips2023 exact forgetting_quality test_quality retain_quality joint_auc"
    ),
    "Check": "part ok detail",
    "Choice": "submission_id filename note user verdict score created_at is_selected is_finalist",
    "ComparedEpsilons": "edges a b each_a each_b",
    "ComparedMetric": "id name unit better a b difference retrained",
    "ClassSizes": "name retain forget validation test",
    "Comparison": (
        "competition a b conclusion detail difference difference_error is_paired b_is_better metrics epsilons"
    ),
    "CompetitionList": "items",
    "CompetitionSummary": (
        "slug title summary cover state closes_at exposure protocol compute_budget replicas created_at"
    ),
    "CompetitionView": (
        "slug title summary cover overview state closes_at exposure protocol compute_budget replicas created_at "
        "rules_version fault metric_version daily_limit concurrent_limit total_limit selection_limit publish_approvals "
        "private_phase practice upload_bytes preparation forget_request problem evaluation headroom description "
        "budget_seconds"
    ),
    "CoverView": "address alt",
    "DecidedEarly": "after of",
    "DeliveryList": "items",
    "DeliveryView": (
        "id webhook_id target event state attempts status_code error created_at next_attempt_at finished_at"
    ),
    "ErrorCode": "code verdict hint",
    "ErrorCodeList": "items",
    "FactorOffer": "secret",
    "FactorView": "confirmed_at recovery_codes is_required",
    "FinalResult": "published_at verdict score relative_runtime rank rank_label ranked",
    "FreshWebhook": "id url events created_at disabled_at disabled_reason old_secret_until secret",
    "HeadroomView": "plain_ms fastest_ms trainer ratio fit_for_prizes",
    "Incident": "day failed",
    "HistoryLine": "competition title team is_final rank rank_label ranked score submission_id",
    "InboxMessageView": "id event subject text path created_at read_at",
    "InboxPage": "items unread next_before",
    "Interval": "estimate low high",
    "InviteView": "id team user created_at",
    "KeptBlob": "digest",
    "Leaderboard": (
        "competition title phase is_practice protocol metric_version compute_budget replicas originals requests scope "
        "version changed_at digest frozen ceiling entries ranked total next_cursor"
    ),
    "LeaderboardEntry": (
        "place rank rank_label tie_group tied_first tied_last truly_better_than_next would_win_again name filename "
        "note purpose verdict submission_id submitted_at score score_low score_high score_error score_corrected "
        "decided_early scored_replicas replicas_total neurips2023 exact forgetting_quality test_quality "
        "retain_quality balance utility unlearning_accuracy retain_accuracy test_accuracy relative_runtime over_budget "
        "relative_runtime_low relative_runtime_high runtime_clock noise_shared"
    ),
    "LedgerEntry": "at kind amount reason by submission_id",
    "LedgerView": "competition team total_limit daily_limit charged refunded granted items",
    "Library": "name version",
    "LimitsView": (
        "daily_limit used left resets_at total_limit total_used total_left granted granted_today concurrent_limit "
        "running practice upload_bytes"
    ),
    "ExampleList": "items",
    "ExampleView": "rank example_id label clean_label image epsilon attack words unlearned retrained",
    "Links": "self events scorecard report examples source cancel page",
    "Liveness": "status",
    "LoginView": "user expires_at awaits_code",
    "MailView": "address events confirmed_at recovers",
    "MemberView": "name is_leader joined_at",
    "NewToken": "id token label scopes expires_at",
    "NodeTerms": "name purposes lease_seconds upload_bytes production server_time is_draining",
    "NoteView": "where source reason",
    "NotificationsView": "events mail_available mail",
    "Observed": "at sandbox node_class versions",
    "Offer": (
        "lease shard_id fence evaluation_id position first count request purpose filename source_digest originals "
        "spare data terms retrain_seconds runs_again"
    ),
    "OwnPlace": "competition version frozen team entry over_budget position ranked",
    "OwnTeam": "team invites",
    "PhaseList": "items",
    "PhaseView": "kind state exposure published_at",
    "PoolView": "kind state finished total",
    "PracticeLimits": "daily_limit used left concurrent_limit running",
    "PracticeView": "state daily_limit concurrent_limit problem description",
    "Preparation": "stage finished total seconds_left pools",
    "PostView": "id author by_staff text created_at edited_at is_hidden hidden_reason is_own",
    "ProblemLimits": (
        "competition title replicas compute_budget memory_bytes scratch_bytes log_bytes processes "
        "wall_seconds_floor wall_seconds_ceiling batch_size batch_format"
    ),
    "ProfileView": "name role created_at history",
    "Progress": "finished total",
    "Readiness": "ready detail revision newest_revision checks",
    "Reading": "ok sha256 origin code reason hint fix files kept changed left_out warnings",
    "Rejudged": "at reason previous_verdict previous_score",
    "RecoveryCodes": "codes",
    "ResetAnswer": "detail",
    "RulesView": "version text created_at must_accept accepted_at",
    "RuntimeView": "python image sandbox device node_class upload_bytes libraries observed problems",
    "SelectionView": "limit is_open closes_at items",
    "SubmissionPage": "items next_cursor",
    "TeamView": "id competition name members invites submissions",
    "StatusView": "condition waiting running oldest_minutes nodes nodes_working incidents",
    "TeamProfile": "name members place",
    "ThreadList": "items next_cursor",
    "ThreadPage": "thread items next_after",
    "ThreadView": (
        "id title author by_staff created_at last_post_at posts is_pinned is_closed is_hidden hidden_reason"
    ),
    "TokenList": "items",
    "TokenView": "id label scopes created_at expires_at revoked_at",
    "UserView": "id name role",
    "Wanted": "wanted",
    "WebhookList": "items",
    "WebhookView": "id url events created_at disabled_at disabled_reason old_secret_until",
    "Work": "offer",
}

STAFF = {
    "AccountImportResult": "dry_run items",
    "AccountList": "items next_before",
    "AccountView": ("id name role created_at suspended_at suspended_reason address address_confirmed_at has_password"),
    "AlikeEntry": "submission_id by filename submitted_at",
    "AlikeList": "competition items",
    "AlikePair": "earlier later share is_same_file decision",
    "AffectedTeam": "team submissions",
    "AuditCheck": "intact entries head broken_at",
    "AuditPage": "items next_before",
    "AuditView": "id at actor action subject sentence detail previous_sha256 sha256",
    "BoardCheck": "kind spec_digest version digest changed_at intact broken_at reason",
    "BoardChecks": "competition intact items",
    "CalibrationView": "node_class filename wall_seconds cpu_seconds doubt",
    "Change": "field before after",
    "ChangeView": "submission_id name filename old new replaces overlaps",
    "ClassCount": "name train test",
    "CompetitionOfData": "slug state",
    "ConfiguredCompetition": (
        "slug title state exposure fault data_set forget_request spec_digest opens_by_hand prepared_at "
        "preparation calibrations learning"
    ),
    "ConfiguredList": "items",
    "CostLine": "day competition team purpose is_rejudge evaluations replicas cpu_seconds wall_seconds",
    "CostReport": "since evaluations replicas cpu_seconds wall_seconds items",
    "DataSetList": "items",
    "DataSetVersionView": (
        "name number reference status reason format note named source_digest digest created_by created_at summary "
        "waiting"
    ),
    "DataSetView": "name versions",
    "DutyView": "duty turned_at node why command",
    "Finalist": "submission_id team filename is_selected status verdict finished total",
    "FlagDecisionView": "decision reason decided_by decided_at",
    "FlagPage": "items next_before",
    "FlaggedEntry": "evaluation_id submission_id competition by filename purpose score is_disqualified is_held flags",
    "GrantView": "team amount reason granted",
    "ImageView": "digest address alt markdown width height size_bytes is_cover created_at",
    "ImportedAccount": "line name role outcome detail link",
    "Lineage": "reference problems",
    "ManyDone": "items",
    "MoveView": "name filename old new climbed overlaps",
    "NextStepView": "step done words missing path",
    "FreshNodeKey": "name purposes created_at rotated_at revoked_at token",
    "NodeKeyList": "items",
    "NodeKeyView": "name purposes created_at rotated_at revoked_at",
    "NodeList": "items",
    "NodeView": (
        "name health fault strikes resting_until rest_reason is_draining draining_since drain_reason node_class "
        "calibrated_for not_calibrated_for device sandbox clock version workers started_at last_seen_at shards "
        "pool_chunks promises"
    ),
    "LeakReport": "run_bits climb_bits items",
    "LeakLine": "competition problem team runs climbs bits limit is_spent",
    "PromiseView": "promise text tried finding detail",
    "OneDone": "submission_id done detail",
    "Plan": "slug effect applied changes consequence refused state data_set",
    "PieceView": "kind subject name since waited_seconds node obstacle why command",
    "PoolCheck": "pool faults",
    "PoolChecks": "intact items",
    "PoolDetail": (
        "role kind request state finished total seconds_left problem_digest created_at sealed_at seal fault waiting"
    ),
    "PoolList": "slug state prepared_at items",
    "PoolOfData": "kind state size",
    "LearningView": "original_retain original_test retrained_retain retrained_test guessing models doubts",
    "PresentationView": "overview images",
    "Preview": "role problem_digest made_at fault classes counts forget samples pools headroom learning",
    "PreviewList": "slug workers items",
    "PreviewPool": "kind models seconds",
    "PreviewSample": "id class clean_class text",
    "PrivateView": (
        "state fault spec_digest started_at published_at finalists unfinished failed rejudges board "
        "publish_approvals proposal"
    ),
    "ProblemOfData": "slug digest pools specs",
    "ProposalView": "by at digest is_current",
    "QueueGroup": "purpose status is_rejudge count oldest oldest_seconds",
    "QueueView": (
        "groups evaluations oldest shards_waiting pool_chunks_waiting replicas_left seconds_left workers "
        "messages_unsent oldest_unsent waiting pieces janitor"
    ),
    "RejudgeComparison": "rejudge ranking evaluations",
    "RejudgeList": "items",
    "RejudgePlan": "competition phase spec_digest evaluations replicas cpu_seconds verdicts teams",
    "RejudgeView": (
        "id competition phase state verdicts submissions reason started_by created_at decided_by decided_at "
        "evaluations finished is_complete replicas finished_replicas ended"
    ),
    "Requeued": "evaluation_id status messages",
    "ResetLink": "sent_to link",
    "ReviewedFlag": "code severity value threshold detail decision",
    "RevocationView": "applied version lineage running stopped consequence",
    "RunningOfData": "evaluation_id competition by filename purpose status",
    "SampleView": "id class",
    "ShardView": "evaluation_id submission_id first count finished attempts",
    "SpecOfData": "digest evaluations scored competitions",
    "StandingView": "submission_id rank score low high verdict",
    "VersionSummary": "train test shape dtype bytes classes samples left_out",
    "WaitingEvaluation": (
        "evaluation_id submission_id competition filename by purpose status is_rejudge moved_at waited_seconds "
        "finished total fault obstacle why command"
    ),
}

# webhooks and mails: what is sent is sent to whoever is told, by event
MESSAGES = {
    Event.EVALUATION_FINISHED: "submission_id competition team filename verdict code hint",
    Event.EVALUATION_REJUDGED: (
        "submission_id competition phase team filename old_verdict verdict old_score score reason"
    ),
    Event.TEAM_INVITED: "competition team invited_by",
    Event.ANNOUNCEMENT_POSTED: "competition title text",
    Event.PLACE_LOST: "competition team old_rank new_rank",
    Event.RESULTS_PUBLISHED: "competition title",
    Event.DEADLINE_NEAR: "competition title closes_at",
    Event.THREAD_ANSWERED: "competition thread_id title author",
}

NARROWER = {
    "CompetitionView": list_fields(
        (Audience.AFTERWARDS, "", "revealed"),
        (Audience.OPEN, "", "class_counts"),
        (Audience.KEYED, "", "spec_digest problem_digest"),
    ),
    "FlagView": list_fields(
        (Audience.ALL, "", "code severity"),
        (Audience.OPEN, "", "value threshold detail"),
    ),
    "Leaderboard": list_fields((Audience.KEYED, "", "spec_digest")),
    "PracticeView": list_fields((Audience.STAFF, "", "fault")),
    "Revealed": list_fields((Audience.AFTERWARDS, "", "key phases")),
    "RevealedPhase": list_fields((Audience.AFTERWARDS, "", "phase spec_digest problem_digest forget_digest")),
    "SubmissionView": SUBMISSION,
}

# of a scorecard's parts: where in it they stand
PARTS = {
    "ScorecardRecord": "",
    "MeasuredScore": "score",
    "PairScores": "pairs",
    "NoiseShares": "pairs.noise",
    "ProtocolScores": "protocols",
    "AccuracyKept": "utility",
    "JointTelling": "joint",
    "SplitLikeness": "likeness",
    "PoolAccuracies": "accuracy",
    "SplitAccuracies": "accuracy.unlearned",
    "EpsilonSummary": "epsilon",
    "MeasuredRuntime": "relative_runtime",
    "ModelCounts": "replicas",
    "Provenance": "provenance",
    "PoolDigests": "provenance.pool_digests",
    "AttackLine": "attacks",
    "RaisedFlag": "flags",
    "FlagCheck": "flag_checks",
    "MetricLine": "metrics",
    "EarlyDecision": "decision",
}
FORGET_REQUEST = list_fields((Audience.ALL, "", "kind count"), (Audience.KEYED, "", "digest"))


def select_message(event: Event, data: Mapping[str, Any]) -> dict[str, Any]:
    """What of it is sent."""
    known = MESSAGES.get(event, "").split()
    return {name: value for name, value in data.items() if name in known}


def list_record(name: str) -> Mapping[str, Audience]:
    """The fields of a record of the API, with who sees them; empty for one that is on no list."""
    if name in PARTS:
        return _list_part(PARTS[name])
    found = {field: Audience.ALL for field in EVERYBODY.get(name, "").split()}
    found |= {field: Audience.STAFF for field in STAFF.get(name, "").split()}
    return found | NARROWER.get(name, {})


def _list_part(part: str) -> dict[str, Audience]:
    prefix = f"{part}." if part else ""
    inside = {known.removeprefix(prefix): who for known, who in SCORECARD.items() if known.startswith(prefix)}
    direct = {known: who for known, who in inside.items() if "." not in known}
    return {known.partition(".")[0]: Audience.ALL for known in inside if "." in known} | direct
