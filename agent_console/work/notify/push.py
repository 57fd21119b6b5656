"""The way out: Apprise, with what it must not do taken away.

An address is one Apprise URL. It holds tokens and passwords, so it never stands in a log line, an
error or an answer of the API; what people are shown of it is the scheme.
"""

from __future__ import annotations

import logging
from typing import Protocol
from urllib.parse import parse_qsl, urlsplit

import apprise

from agent_console.work.notify import webpush
from agent_console.work.notify.plan import Message
from agent_console.work.secrets import Keyring
from agent_console.work.settings import NotifySettings

MOST_CHARACTERS = 2000

# Options that name files of this machine, switch TLS checks off or follow redirects elsewhere are
# not among them: an address is typed by a user, and the server connects to it.
_OPTIONS = frozenset(
    {
        "avatar",
        "badge",
        "bcc",
        "cc",
        "click",
        "format",
        "from",
        "group",
        "icon",
        "image",
        "key",
        "level",
        "mode",
        "name",
        "pass",
        "priority",
        "reply",
        "secret",
        "smtp",
        "sound",
        "tags",
        "to",
        "token",
        "user",
    }
)

for _name in ("apprise", "urllib3"):
    # They, and the loggers below them, write addresses into their lines, whole or in part.
    logging.getLogger(_name).addHandler(logging.NullHandler())
    logging.getLogger(_name).propagate = False


class AddressError(ValueError):
    """An address that cannot be used; the message does not quote it."""


class Sender(Protocol):
    """Pushes messages. Blocks; call it in a thread."""

    def check(self, url: str) -> str:
        """See whether an address can be used; returns its scheme.

        Raises:
            AddressError: it cannot.
        """
        ...

    def send(self, url: str, message: Message) -> bool:
        """Push one message; whether the service took it.

        Raises:
            GoneError: this browser's subscription is over.
        """
        ...


class AppriseSender:
    """Pushes through Apprise, and to browsers."""

    def __init__(self, settings: NotifySettings, keyring: Keyring) -> None:
        self._settings = settings
        self._browsers = webpush.WebPush(settings, keyring)
        self._asset = apprise.AppriseAsset(
            app_id="Tingzhen",
            app_desc="Tingzhen",
            app_url="",
            async_mode=False,
            http_redirects=False,
            pem_autogen=False,
            storage_mode="memory",
        )

    def check(self, url: str) -> str:
        """See whether an address can be used; returns its scheme.

        Raises:
            AddressError: it cannot.
        """
        if url.startswith(f"{webpush.SCHEME}:"):
            self._subscription(url)
            return webpush.SCHEME
        self._service(url)
        return url.partition("://")[0].lower()

    def send(self, url: str, message: Message) -> bool:
        """Push one message; whether the service took it.

        Raises:
            AddressError: the address is not allowed any more.
            GoneError: this browser's subscription is over.
        """
        if url.startswith(f"{webpush.SCHEME}:"):
            return self._browsers.send(self._subscription(url), message.facts)
        return self._push(self._service(url), message)

    def _push(self, service: apprise.NotifyBase, message: Message) -> bool:
        sender = apprise.Apprise(asset=self._asset)
        sender.add(service)
        return bool(
            sender.notify(
                title=message.title,
                body=message.body,
                body_format=apprise.NotifyFormat.TEXT,
                interpret_escapes=False,
            )
        )

    def _subscription(self, url: str) -> webpush.Subscription:
        if not self._settings.web_push:
            raise AddressError("pushes to browsers are not allowed here: [work.notify] web_push")
        found = webpush.parse(url, self._settings.web_push_hosts)
        if found is None:
            raise AddressError("this browser's push service is not among those allowed here")
        return found

    def _service(self, url: str) -> apprise.NotifyBase:
        scheme, found, _ = url.partition("://")
        if not found or len(url) > MOST_CHARACTERS or not url.isprintable() or " " in url:
            raise AddressError("give one Apprise URL, such as wecombot://KEY or ntfys://HOST/TOPIC")
        if scheme.lower() not in self._settings.schemes:
            raise AddressError(
                "this service is not among those allowed here: " + ", ".join(self._settings.schemes)
            )
        try:
            options = {name.lower() for name, _ in parse_qsl(urlsplit(url).query)}
        except ValueError:
            raise AddressError("this is no URL") from None
        if not options <= _OPTIONS:
            raise AddressError("this URL has an option that may not be used here")
        service = apprise.Apprise.instantiate(url, asset=self._asset, suppress_exceptions=True)
        if service is None:
            raise AddressError("Apprise cannot make sense of this URL")
        service.socket_connect_timeout = self._settings.connect_timeout_s
        service.socket_read_timeout = self._settings.read_timeout_s
        return service
