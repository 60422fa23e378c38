from worker.runner.seccomp import build_program, load_profile

REFUSED = (
    "ptrace process_vm_readv process_vm_writev io_uring_setup unshare setns mount umount2 keyctl add_key request_key"
    " userfaultfd pidfd_getfd vmsplice bpf perf_event_open shmget semget msgget mq_open landlock_create_ruleset"
    " open_by_handle_at chroot pivot_root init_module kexec_load reboot swapon quotactl"
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


def test_no_call_has_two_rules() -> None:
    names = [name for rule in load_profile()["syscalls"] for name in rule["names"]]
    assert len(names) == len(set(names))


def test_the_program_is_whole_instructions() -> None:
    assert len(build_program()) % 8 == 0
    assert len(build_program()) > 1000
