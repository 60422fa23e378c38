"""`python -m tests.integration.chaos.skewed SECONDS …`: Celery on a host whose clock is that far ahead."""

import sys
from datetime import UTC, datetime, timedelta

from celery.__main__ import main

from core.db.clock import CLOCK

if __name__ == "__main__":
    ahead = timedelta(seconds=int(sys.argv.pop(1)))
    CLOCK.host = lambda: datetime.now(UTC) + ahead
    main()
