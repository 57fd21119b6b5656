"""What the routes of the work around the calls share."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from agent_console.throttle import Throttle
from agent_console.work.hearing import Hearing
from agent_console.work.notify.push import AppriseSender, Sender
from agent_console.work.secrets import Keyring
from agent_console.work.settings import WorkSettings
from backbone.bus import Bus
from backbone.clock import Clock
from qa_engine.guidance.content import guidance_folder, load_guidance
from qa_engine.pack.loader import DEFAULT_PACK, fingerprint, load
from qa_engine.scorecard import Scorecard
from qa_engine.topics.models import Topic

_MINUTE_S = 60.0


@dataclass(slots=True)
class Desk:
    """The parts. Make it with `build`.

    `writing` is held while something is read, changed and written: what people write comes one
    after another.
    """

    settings: WorkSettings
    zone: ZoneInfo
    keyring: Keyring
    sender: Sender
    hearing: Hearing
    rules: Path
    trials: Throttle
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)

    @classmethod
    def build(
        cls,
        settings: WorkSettings,
        bus: Bus,
        clock: Clock,
        *,
        key_file: Path | None = None,
        rules: Path | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> Desk:
        """Put the parts together.

        Args:
            settings: `[work]`.
            bus: where finals come from.
            clock: the node's time.
            key_file: of the installation's key, where the settings name none; None: a key that
                lasts as long as this process.
            rules: folder of the rule pack whose scorecard is used; None: ours.
            monotonic: seconds to limit trial pushes by.

        Raises:
            UserError: the key file cannot be used.
        """
        path = settings.key_file or key_file
        keyring = Keyring.load(path) if path is not None else Keyring.made_up()
        zone = ZoneInfo(settings.zone)
        return cls(
            settings=settings,
            zone=zone,
            keyring=keyring,
            sender=AppriseSender(settings.notify, keyring),
            hearing=Hearing(zone, bus, clock),
            rules=rules or DEFAULT_PACK,
            trials=Throttle(settings.notify.tests_per_minute, _MINUTE_S, monotonic),
        )

    def topics(self) -> tuple[Topic, ...]:
        """What calls can be about, by the guidance in force. Reads files.

        Raises:
            PackError: the guidance cannot be used.
        """
        return _topics_of(self.rules, fingerprint(guidance_folder(self.rules)))

    def scorecard(self) -> tuple[Scorecard, str] | None:
        """The scorecard in force and its revision; None when the pack has none. Reads files.

        Raises:
            PackError: the pack cannot be used.
        """
        return _card_of(self.rules, fingerprint(self.rules))


@functools.lru_cache(maxsize=2)
def _topics_of(rules: Path, mark: object) -> tuple[Topic, ...]:
    del mark  # changes with the files
    return load_guidance(rules).topics


@functools.lru_cache(maxsize=2)
def _card_of(rules: Path, mark: object) -> tuple[Scorecard, str] | None:
    # Reading a whole pack takes a second; the mark changes with its files.
    del mark
    pack = load(rules)
    return None if pack.scorecard is None else (pack.scorecard, pack.version)
