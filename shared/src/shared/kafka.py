"""What relay and consumer ask of Kafka alike: where a record stands in its stream, and an end of a
client that does not depend on the broker."""

import asyncio

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from aiokafka.errors import KafkaError

from shared.contracts.event import parse_source

log = structlog.get_logger()

CLOSE_SECONDS = 2.0

_left_behind: set[asyncio.Task[None]] = set()


def number_of(record: ConsumerRecord) -> tuple[int, int] | tuple[None, None]:
    """Epoch and number in the stream of its partition; a stray record has none, whatever it says.

    A stream arrives in order, and what is sent again ends where it was: the last record is enough.
    """
    headers = dict(record.headers)
    try:
        *stream, epoch = parse_source(headers["ce_source"].decode())
        sequence = int(headers["ce_sequence"])
    except (KeyError, ValueError):
        return None, None
    own = stream == [record.topic.rpartition(".")[2], record.partition]
    return (epoch, sequence) if own and epoch < 2**31 and sequence < 2**63 else (None, None)


async def close(client: AIOKafkaConsumer | AIOKafkaProducer) -> None:
    """Returns when the client is closed, or after a deadline of ours: then it is left behind.

    With a dead broker `stop()` can hang for ever, and it swallows a cancellation on the way: so it
    is a task of its own, for a time-out around it would wait for it.
    """
    closing = asyncio.create_task(_stop(client))
    _left_behind.add(closing)
    closing.add_done_callback(_left_behind.discard)
    try:
        await asyncio.wait([closing], timeout=CLOSE_SECONDS)
    finally:
        if not closing.done():
            log.warning("a kafka client was left behind")
            closing.cancel()


async def _stop(client: AIOKafkaConsumer | AIOKafkaProducer) -> None:
    try:
        await client.stop()
    except (KafkaError, OSError) as error:
        log.warning("a kafka client did not close well", error=repr(error))
