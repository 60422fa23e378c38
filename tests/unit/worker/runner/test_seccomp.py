from worker.runner.seccomp import build_program, load_profile

REFUSED = (
    "ptrace process_vm_readv process_vm_writev io_uring_setup unshare setns mount umount2 keyctl add_key request_key"
    " userfaultfd pidfd_getfd vmsplice bpf perf_event_open shmget semget msgget mq_open landlock_create_ruleset"
    " open_by_handle_at chroot pivot_root init_module kexec_load reboot swapon quotactl"
    " fadvise64 readahead mincore cachestat openat2 flock inotify_init inotify_init1 inotify_add_watch"
)


def find_rules(name: str) -> list[dict[str, object]]:
    return [rule for rule in load_profile()["syscalls"] if name in rule["names"]]


def test_what_is_not_listed_is_refused() -> None:
    assert load_profile()["defaultAction"] == "SCMP_ACT_ERRNO"


def test_dangerous_calls_are_not_listed() -> None:
    assert [name for name in REFUSED.split() if find_rules(name)] == []


def test_sockets_are_unix_only_and_clone_makes_no_namespace() -> None:
    (socket,), (clone,), (clone3,) = find_rules("socket"), find_rules("clone"), find_rules("clone3")
    assert socket["args"] == [{"index": 0, "value": 1, "valueTwo": 0, "op": "SCMP_CMP_EQ"}]
    assert clone["args"] == [{"index": 0, "value": 0x7E020000, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}]
    assert (clone3["action"], clone3["errnoRet"]) == ("SCMP_ACT_ERRNO", 38)


def test_reads_that_tell_what_is_cached_and_locks_on_shared_files_are_refused() -> None:
    zero = {"value": 0, "valueTwo": 0, "op": "SCMP_CMP_EQ"}
    (flagged,) = find_rules("preadv2")
    assert flagged["args"] == [{"index": 5, **zero}]
    commands = {rule["args"][0]["value"] for rule in find_rules("fcntl")}  # type: ignore[index]
    assert commands == {*range(5), 8, 9, *range(1030, 1035)}  # no F_SETLK, no lease, no notify


def test_a_replica_changes_its_own_limits_and_schedule_alone() -> None:
    zero = {"value": 0, "valueTwo": 0, "op": "SCMP_CMP_EQ"}
    for name in ("prlimit64", "sched_setaffinity", "sched_setscheduler", "sched_setparam", "sched_setattr"):
        (rule,) = find_rules(name)
        assert rule["args"] == [{"index": 0, **zero}]
    (rule,) = find_rules("setpriority")
    assert rule["args"] == [{"index": 0, **zero}, {"index": 1, **zero}]


def test_a_call_is_allowed_once_or_under_conditions_that_differ() -> None:
    rules = [(name, str(rule.get("args"))) for rule in load_profile()["syscalls"] for name in rule["names"]]
    assert len(rules) == len(set(rules))
    free = [name for name, conditions in rules if conditions == "None"]
    assert all(sum(name == other for other, _ in rules) == 1 for name in free)


def test_the_program_is_whole_instructions() -> None:
    assert len(build_program()) % 8 == 0
    assert len(build_program()) > 1000
