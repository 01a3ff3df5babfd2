"""Check the fields of a request to start a build (``v0.BuildTriggerParams`` in the API reference)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from playground.bitrise.calls import Call
from playground.bitrise.refusals import bad_request

TEXT_FIELDS = (
    "branch",
    "tag",
    "commit_hash",
    "commit_message",
    "workflow_id",
    "pipeline_id",
    "stack",
    "machine_type_id",
    "branch_dest",
    "branch_repo_owner",
    "branch_dest_repo_owner",
    "pull_request_author",
    "pull_request_head_branch",
    "pull_request_merge_branch",
    "pull_request_unverified_merge_branch",
    "pull_request_repository_url",
    "base_repository_url",
    "head_repository_url",
    "diff_url",
    "build_request_slug",
)
ONE_OF = ("branch", "tag", "commit_hash", "workflow_id", "pipeline_id")

Check = Callable[[Any], bool]


def read_trigger(call: Call) -> tuple[dict[str, Any], str | None]:
    """Read the build parameters and ``triggered_by``; the whole may be wrapped in ``payload``."""
    body = call.body()
    sent = body["payload"] if isinstance(body.get("payload"), dict) else body
    hook = sent.get("hook_info")
    if not isinstance(hook, dict) or hook.get("type") != "bitrise":
        raise bad_request("Invalid hook_info: its type should be bitrise")
    params = sent.get("build_params")
    if not isinstance(params, dict):
        raise bad_request("Invalid build_params: it should be an object")
    _check_params(params)
    if not _is_text(sent.get("triggered_by", "")):
        raise bad_request("Invalid triggered_by: it should be a string")
    return params, sent.get("triggered_by") or None


def _check_params(params: Mapping[str, Any]) -> None:
    for name, value in params.items():
        if value is not None and name in CHECKS and not CHECKS[name](value):
            raise bad_request(f"Invalid build_params.{name}: {value!r}")
    if not any(params.get(name) for name in ONE_OF):
        raise bad_request(f"Invalid build_params: at least one of {', '.join(ONE_OF)} is needed")
    if params.get("workflow_id") and params.get("pipeline_id"):
        raise bad_request("Invalid build_params: only one of workflow_id, pipeline_id can be set")


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_priority(value: Any) -> bool:
    return _is_whole(value) and -100 <= value <= 100


def _is_pull_request(value: Any) -> bool:
    """Return whether it is a number, the type in Bitrise's guide; the reference has none."""
    return _is_whole(value) or (_is_text(value) and value.isdecimal())


def _are_variables(value: Any) -> bool:
    return isinstance(value, list) and all(_is_variable(each) for each in value)


def _is_variable(value: Any) -> bool:
    """Check an environment variable: ``mapped_to`` is the old name of ``key``, every value is a string."""
    if not isinstance(value, dict):
        return False
    name = value.get("key") or value.get("mapped_to")
    return _is_text(name) and _is_text(value.get("value", "")) and _is_flag(value.get("is_expand", True))


def _are_commit_paths(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, dict) for each in value)


CHECKS: Mapping[str, Check] = {
    **dict.fromkeys(TEXT_FIELDS, _is_text),
    "environments": _are_variables,
    "secrets": _are_variables,
    "priority": _is_priority,
    "skip_git_status_report": _is_flag,
    "pull_request_id": _is_pull_request,
    "commit_paths": _are_commit_paths,
}
