"""What the broker holds and whether it answers, asked without Celery's patience."""

import base64
import json
from collections.abc import Iterable

import redis
from kombu.transport.redis import PRIORITY_STEPS, Channel

from core.domain.errors import PlatformFault

ANSWER_SECONDS = 1.0
_STEP_MARK: str = Channel.sep  # between the name of a queue and a priority


def ping_broker(url: str) -> None:
    """Raise PlatformFault, in one line without a password, if nothing answers within a second."""
    try:
        with _connect(url) as client:
            client.ping()
    except (redis.RedisError, OSError, ValueError) as error:
        raise PlatformFault(f"the broker does not answer: {type(error).__name__}") from None


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
    return {_read_message(raw) for messages in found for raw in messages}


def _connect(url: str) -> redis.Redis:
    # Celery's name of a socket is not the one of the client library
    address = url.replace("redis+socket://", "unix://", 1)
    return redis.Redis.from_url(
        address, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS, retry=None
    )


def _read_message(raw: bytes) -> tuple[str, str]:
    message = json.loads(raw)
    arguments, *_ = json.loads(base64.b64decode(message["body"]))
    return str(message["headers"]["task"]), str(arguments[0])
