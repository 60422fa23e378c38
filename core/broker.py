"""What the broker holds and whether it answers, asked without Celery's patience."""

import base64
import json
from collections.abc import Iterable

import redis
import structlog
from kombu.transport.redis import PRIORITY_STEPS, Channel
from redis.connection import parse_url

from core.domain.errors import PlatformFault

log = structlog.get_logger()
ANSWER_SECONDS = 1.0
OLDEST = (6, 0)  # the client library greets with HELLO, which earlier ones do not know
_STEP_MARK: str = Channel.sep  # between the name of a queue and a priority


def ping_broker(url: str) -> None:
    """Raise PlatformFault, in one line without a password, if nothing answers within a second."""
    try:
        with _connect(url) as client:
            client.ping()
    except (redis.RedisError, OSError, ValueError) as error:
        raise PlatformFault(f"the broker does not answer: {type(error).__name__}") from None


def check_broker(url: str) -> None:
    """Raise PlatformFault, in one line without a password, if what answers cannot be the broker.

    Silence is no fault: the broker may come later. Nothing is written to whatever it is.
    """
    try:
        where = _name_place(url)
        with _connect(url) as client:
            facts = {**client.info("server"), **client.info("replication")}
    except ValueError:
        raise PlatformFault("LACUNA_BROKER_URL is no address of a Redis: redis://HOST:PORT/0") from None
    except (redis.AuthenticationError, redis.exceptions.NoPermissionError):
        hint = "write it into LACUNA_BROKER_URL: redis://USER:PASSWORD@HOST:PORT/0"
        raise PlatformFault(f"the broker at {where} asks for another user or password; {hint}") from None
    except (redis.BusyLoadingError, redis.TimeoutError, OSError):
        log.warning("the broker does not answer yet", where=where)
    except redis.ConnectionError as error:
        if _hung_up(error):
            raise PlatformFault(f"what listens at {where} is no Redis: it ends the connection") from None
        log.warning("the broker does not answer yet", where=where)
    except redis.RedisError as error:
        raise PlatformFault(f"what listens at {where} is no Redis: {_cut(str(error))}") from None
    else:
        _check_facts(where, facts)


def read_messages(url: str, queues: Iterable[str]) -> set[tuple[str, str]]:
    """What the broker would still deliver: (task, object id) of every message that no worker has received.

    Messages that workers have received are not among them: they are gone with the worker, and one that is sent again
    changes nothing. Raises PlatformFault if the broker does not answer.
    """
    keys = [queue if step == 0 else f"{queue}{_STEP_MARK}{step}" for queue in queues for step in PRIORITY_STEPS]
    try:
        with _connect(url) as client:
            found = [client.lrange(key, 0, -1) for key in keys]
    except (redis.RedisError, OSError, ValueError) as error:
        raise PlatformFault(f"the broker does not answer: {type(error).__name__}") from None
    return {address for messages in found for raw in messages if (address := _read_message(raw)) is not None}


def _connect(url: str) -> redis.Redis:
    # the older protocol, which every version speaks: one that is too old can say so
    patience = {"socket_timeout": ANSWER_SECONDS, "socket_connect_timeout": ANSWER_SECONDS, "retry": None}
    return redis.Redis.from_url(_address(url), protocol=2, **patience)


def _address(url: str) -> str:
    # Celery's name of a socket is not the one of the client library
    return url.replace("redis+socket://", "unix://", 1)


def _name_place(url: str) -> str:
    """Where it is, without what it is reached with."""
    parts = parse_url(_address(url))  # type: ignore[no-untyped-call]
    return str(parts.get("path") or f"{parts.get('host', 'localhost')}:{parts.get('port', 6379)}")


def _check_facts(where: str, facts: dict[str, object]) -> None:
    version = str(facts.get("redis_version", "unknown"))
    if tuple(int(part) if part.isdigit() else 0 for part in version.split(".")[:2]) < OLDEST:
        needed = ".".join(map(str, OLDEST))
        raise PlatformFault(f"the broker at {where} is Redis {version}; at least {needed} is needed")
    if facts.get("redis_mode", "standalone") != "standalone":
        raise PlatformFault(f"the broker at {where} is a Redis {facts['redis_mode']}; a single server is needed")
    if facts.get("role", "master") != "master":
        raise PlatformFault(f"the broker at {where} is a copy that takes no messages: name the one that it copies")


def _hung_up(error: redis.ConnectionError) -> bool:
    return isinstance(error.__context__, ConnectionResetError) or "closed by server" in str(error)


def _cut(text: str) -> str:
    return " ".join(text.split())[:100]


def _read_message(raw: bytes) -> tuple[str, str] | None:
    """None for what is no message of ours: workers throw it away, and nothing waits for it."""
    try:
        message = json.loads(raw)
        arguments, *_ = json.loads(base64.b64decode(message["body"]))
        return str(message["headers"]["task"]), str(arguments[0])
    except (ValueError, LookupError, TypeError):
        return None
