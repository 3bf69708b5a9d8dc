"""Webhooks: a program is told over HTTP, signed as Standard Webhooks says (https://www.standardwebhooks.com).

A message has the same id each time (`webhook-id`), by which its reader knows one that comes twice: it may always be sent again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

from customer_research.channels.channel import Delayed, Outgoing, Refused, Sighting, Unsure
from customer_research.channels.settings import WebhookPlace, WebhookSettings
from customer_research.connect.limits import told_wait
from customer_research.connect.source import Clock
from customer_research.errors import ExtraMissing

if TYPE_CHECKING:
    import httpx2

SECONDS, CONNECT_SECONDS = 20.0, 5.0
"""How long an answer may take, and a connection."""

AGAIN = frozenset({408, 425, 429})
"""Statuses of the 4xx that may be others later, as every 5xx may."""

_SUCCESS, _OURS, _THEIRS = range(200, 300), range(400, 500), range(500, 600)


class WebhookChannel:
    """Programs by the names that the settings give them.

    Args:
        settings: the programs.
        clock: the real time, which is signed: its reader takes no message that is minutes old.
        transport: what tests put in the place of the network.
    """

    title: ClassVar[str] = "A webhook"

    def __init__(
        self, settings: WebhookSettings, clock: Clock, transport: httpx2.AsyncBaseTransport | None = None
    ) -> None:
        self._own = settings
        self._clock = clock
        self._transport = transport
        self._client: httpx2.AsyncClient | None = None

    async def send(self, outgoing: Outgoing) -> str:
        """Post the payload, signed; see `Channel.send`."""
        place = self._place(outgoing.message.address.place)
        body = json.dumps(outgoing.message.content.get("payload") or {}, ensure_ascii=False, separators=(",", ":"))
        headers = {"Content-Type": "application/json", **self._signed(place, outgoing.key, body)}
        status, answered = await self._posted(place.url.get_secret_value(), body.encode(), headers)
        if status in _SUCCESS:
            return outgoing.key
        if status in AGAIN or status in _THEIRS:
            wait = told_wait(answered, convention="retry_after", reset_header="", now=self._clock())
            raise Delayed(f"The program answered {status}.", wait=wait)
        hint = "" if status in _OURS else "Redirects are not followed: set the address itself."
        raise Refused(f"The program answered {status}.", hint=hint)

    async def look_up(self, outgoing: Outgoing) -> Sighting:
        """It may be sent again under the same id."""
        del outgoing
        return Sighting("absent")

    async def close(self) -> None:
        """Close the pool."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _place(self, name: str) -> WebhookPlace:
        found = self._own.places.get(name)
        if found is None:
            raise Refused(f"There is no webhook {name[:40]!r} in the settings.", hint="Set webhook.places.NAME.")
        return found

    def _signed(self, place: WebhookPlace, key: str, body: str) -> dict[str, str]:
        now = self._clock().astimezone(UTC)
        return {
            "webhook-id": key,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": signature(place.secret.get_secret_value(), key, now, body),
        }

    async def _posted(self, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str]]:
        """The status and headers of the answer; its body is not read."""
        import httpx2  # noqa: PLC0415 - start-up time

        from customer_research.connect.public import NotPublicError  # noqa: PLC0415 - start-up time

        try:
            async with self._open().stream("POST", url, content=body, headers=dict(headers)) as response:
                return response.status_code, {name.lower(): value for name, value in response.headers.items()}
        except NotPublicError as error:
            raise Refused(f"The webhook's address is not told: {error}.", hint="See webhook.allow_private.") from None
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout):
            raise Delayed("The program cannot be reached.") from None
        except (httpx2.InvalidURL, httpx2.UnsupportedProtocol):
            raise Refused("The webhook's address is none.", hint="Write https://hooks.example.com/....") from None
        except httpx2.HTTPError:
            raise Unsure("The program did not answer.") from None

    def _open(self) -> httpx2.AsyncClient:
        if self._client is None:
            import httpx2  # noqa: PLC0415 - start-up time

            from customer_research.connect.public import PublicTransport  # noqa: PLC0415 - start-up time

            own = self._own.allow_private
            self._client = httpx2.AsyncClient(
                transport=self._transport or (httpx2.AsyncHTTPTransport(trust_env=False) if own else PublicTransport()),
                timeout=httpx2.Timeout(SECONDS, connect=CONNECT_SECONDS),
                follow_redirects=False,
            )
        return self._client


def signature(secret: str, key: str, now: datetime, body: str) -> str:
    """The signature of a message, as its reader checks it.

    Raises:
        Refused: the secret is none.
        ExtraMissing: the package that signs is not installed.
    """
    try:
        from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook  # noqa: PLC0415 - start-up time
    except ModuleNotFoundError:
        raise ExtraMissing("Webhooks need standardwebhooks", "delivery") from None
    try:
        return str(Webhook(secret).sign(key, now, body))
    except (ValueError, RuntimeError, EmptyWebhookSecretError):
        raise Refused("The secret of the webhook is none.", hint="Write whsec_ and base64 behind it.") from None
