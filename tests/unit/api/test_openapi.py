import re
from typing import Any

import pytest
from fastapi.testclient import TestClient


@pytest.fixture
def document(client: TestClient) -> dict[str, Any]:
    document: dict[str, Any] = client.get("/api/v1/openapi.json").json()
    return document


def list_operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for path in document["paths"].values() for operation in path.values()]


def test_operation_ids_are_stable_names(document: dict[str, Any]) -> None:
    assert sorted(operation["operationId"] for operation in list_operations(document)) == [
        "accept_invite",
        "accept_rules",
        "act_on_submissions",
        "act_on_user",
        "activate_node",
        "add_data_set_version",
        "add_image",
        "add_node_key",
        "announce",
        "apply_competition",
        "ask_for_preview",
        "ask_for_reset",
        "ask_for_work",
        "begin_factor",
        "begin_thread",
        "cancel_evaluation",
        "cancel_submission",
        "change_competition_settings",
        "change_competition_state",
        "change_notifications",
        "change_password",
        "change_role",
        "change_webhook",
        "change_webhook_secret",
        "check_submission",
        "choose_cover",
        "compare_rejudge",
        "compare_submissions",
        "confirm_factor",
        "create_own_token",
        "create_submission",
        "create_team",
        "create_token",
        "create_webhook",
        "decide_flag",
        "decide_pair",
        "decline_invite",
        "delete_webhook",
        "discard_rejudge",
        "disqualify_submission",
        "drain_node",
        "edit_announcement",
        "edit_note",
        "edit_post",
        "export_submissions",
        "follow_submission",
        "get_announcements_feed",
        "get_audit_csv",
        "get_competition",
        "get_competition_file",
        "get_costs",
        "get_data_set_lineage",
        "get_data_set_sample",
        "get_data_set_version",
        "get_factor",
        "get_final_board",
        "get_final_board_csv",
        "get_health",
        "get_image",
        "get_leaderboard",
        "get_leaderboard_csv",
        "get_leaks",
        "get_ledger",
        "get_ledger_of_team",
        "get_limits",
        "get_me",
        "get_metrics",
        "get_next_step",
        "get_notifications",
        "get_own_place",
        "get_own_team",
        "get_presentation",
        "get_preview",
        "get_preview_sample",
        "get_private_phase",
        "get_profile",
        "get_queue",
        "get_readiness",
        "get_rejudge",
        "get_report",
        "get_rules",
        "get_runtime",
        "get_scorecard",
        "get_selection",
        "get_source",
        "get_starter",
        "get_status",
        "get_submission",
        "get_team_profile",
        "grant_submissions",
        "hand_out_link",
        "import_users",
        "invite_to_team",
        "leave_as_node",
        "leave_team",
        "list_alike",
        "list_announcements",
        "list_audit",
        "list_competitions",
        "list_configured_competitions",
        "list_data_sets",
        "list_deliveries",
        "list_error_codes",
        "list_examples",
        "list_final_changes",
        "list_flags",
        "list_inbox",
        "list_leaderboard_changes",
        "list_node_keys",
        "list_nodes",
        "list_phases",
        "list_pools",
        "list_rejudges",
        "list_submissions",
        "list_threads",
        "list_tokens",
        "list_users",
        "list_webhooks",
        "log_in",
        "log_out",
        "log_out_everywhere",
        "moderate_post",
        "moderate_thread",
        "pass_code",
        "pause_rejudge",
        "preview_rejudge",
        "promote_rejudge",
        "promote_submission",
        "propose_publishing",
        "publish_private_phase",
        "publish_submission",
        "read_inbox",
        "read_message",
        "read_node_input",
        "read_thread",
        "register",
        "reinstate_submission",
        "remove_factor",
        "remove_image",
        "rename_team",
        "renew_recovery_codes",
        "reply",
        "report_node",
        "report_progress",
        "requeue_evaluation",
        "reset_password",
        "resume_rejudge",
        "retire_pools",
        "revoke_data_set_version",
        "revoke_node_key",
        "revoke_token",
        "rotate_node_key",
        "select_submissions",
        "send_node_output",
        "send_node_result",
        "start_private_phase",
        "start_rejudge",
        "test_webhook",
        "verify_audit",
        "verify_boards",
        "verify_pools",
        "withdraw_announcement",
        "write_overview",
        "write_rules",
    ]


def test_every_error_answer_is_problem_json(document: dict[str, Any]) -> None:
    for operation in list_operations(document):
        for status, response in operation["responses"].items():
            if status == "default" or (status[0] in "45" and operation["operationId"] != "get_readiness"):
                assert list(response["content"]) == ["application/problem+json"], (operation["operationId"], status)


def test_every_reference_resolves(document: dict[str, Any]) -> None:
    def walk(node: Any) -> list[str]:
        if isinstance(node, dict):
            own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
            return own + [found for value in node.values() for found in walk(value)]
        return [found for value in node for found in walk(value)] if isinstance(node, list) else []

    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(walk(document)) <= known


def test_every_json_answer_has_a_schema(document: dict[str, Any]) -> None:
    for operation in list_operations(document):
        for status, response in operation["responses"].items():
            if status.startswith("2") and "application/json" in response.get("content", {}):
                assert response["content"]["application/json"]["schema"], operation["operationId"]


def test_a_scorecards_schema_names_every_field_and_leaves_none_free(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    waiting, known = ["ScorecardRecord"], dict[str, Any]()
    while waiting:
        name = waiting.pop()
        known[name] = schemas[name]
        found = re.findall(r"#/components/schemas/(\w+)", str(known[name]))
        waiting += [each for each in found if each not in known]
    fields = {f"{name}.{key}": field for name, schema in known.items() for key, field in schema["properties"].items()}
    assert len(known) > 15
    assert [name for name, schema in known.items() if schema["additionalProperties"] is not False] == []
    assert [name for name, field in fields.items() if not field.get("description")] == []
    assert [name for name, field in fields.items() if "'additionalProperties': True" in str(field)] == []


def test_registering_and_logging_in_need_no_token(document: dict[str, Any]) -> None:
    open_ones = {op["operationId"] for op in list_operations(document) if "security" not in op}
    assert open_ones == {"register", "create_token", "ask_for_reset", "reset_password", "pass_code"}
