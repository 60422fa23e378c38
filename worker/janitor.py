"""The janitor's process: `python -m worker.janitor` sweeps again and again, broker or no broker, and sends messages."""

import signal
import threading
from functools import partial

from core.domain.duties import Duty
from core.domain.errors import ContestError
from core.logs import configure_logging
from core.settings import get_settings
from worker.jobs.context import make_context
from worker.jobs.fleet import TURN_SECONDS, Dispatcher
from worker.jobs.starting import check_surroundings
from worker.jobs.sweep import sweep
from worker.jobs.turns import repeat
from worker.messages.delivery import deliver_all
from worker.runner.choose import choose_sandbox

LOOK_SECONDS = 5.0  # at most, between two looks for messages to people
COURIER_SECONDS = 5.0  # a message that is cut off goes out again, and so does a shard


def main() -> None:
    configure_logging()
    try:
        settings = get_settings()
        check_surroundings(settings)
        context = make_context(settings, choose_sandbox(settings), is_quiet=False)
    except ContestError as error:
        raise SystemExit(f"lacuna janitor: {error.message}") from None
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    turn = partial(repeat, over, settings, context.engine)
    deliver = partial(deliver_all, over, settings, context.engine)
    often = min(settings.sweep_seconds, LOOK_SECONDS)
    courier = threading.Thread(target=turn, args=(Duty.DELIVERY, often, deliver), daemon=True)
    courier.start()
    serve = Dispatcher(context).turn
    dispatcher = threading.Thread(target=turn, args=(Duty.NODES, TURN_SECONDS, serve), daemon=True)
    dispatcher.start()
    turn(Duty.SWEEP, settings.sweep_seconds, partial(sweep, context))
    for thread in (courier, dispatcher):
        thread.join(COURIER_SECONDS)


if __name__ == "__main__":
    main()
