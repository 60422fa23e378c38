"""Whether the broker answers, asked without Celery's patience."""

import redis

from core.domain.errors import PlatformFault

ANSWER_SECONDS = 1.0


def ping_broker(url: str) -> None:
    """Raise PlatformFault, in one line without a password, if nothing answers within a second."""
    # Celery's name of a socket is not the one of the client library
    address = url.replace("redis+socket://", "unix://", 1)
    try:
        with redis.Redis.from_url(
            address, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS, retry=None
        ) as client:
            client.ping()
    except (redis.RedisError, OSError, ValueError) as error:
        raise PlatformFault(f"the broker does not answer: {type(error).__name__}") from None
