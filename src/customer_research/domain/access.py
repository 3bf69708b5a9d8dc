"""Who may ask from outside, and what is noted of each time that somebody did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Permission = Literal["read", "act", "finance", "personal"]
"""What may be granted: read reports; act on alerts and record what was done; see what operators pay; see personal data."""

PERMISSIONS: tuple[Permission, ...] = ("read", "act", "finance", "personal")

ENTERING = timedelta(minutes=10)
"""How long somebody may take to sign in at the identity provider."""

IDLE, LASTING = timedelta(hours=12), timedelta(days=7)
"""How long somebody stays signed in on the web pages without being there, and at most."""


@dataclass(frozen=True, slots=True)
class Token:
    """An API token as it is kept: never its secret.

    Args:
        id: what it is called by; it stands at the token's beginning.
        name: what it is for.
        email: whom calls with it are noted under.
        permissions: what it grants.
        owner_id: the account owner (HubSpot's id) whose operators alone it shows; empty: everybody's.
        created_at, created_by: when and by whom it was made.
        expires_at: from when on it does not count.
        revoked_at: when it was taken back; None: it was not.
        used_at: when it was last used, to the minute; None: never.
    """

    id: str
    name: str
    email: str
    permissions: tuple[Permission, ...]
    owner_id: str
    created_at: datetime
    created_by: str
    expires_at: datetime
    revoked_at: datetime | None = None
    used_at: datetime | None = None

    def counts(self, now: datetime) -> bool:
        """Whether it lets somebody in at an instant."""
        return self.revoked_at is None and now < self.expires_at

    def state(self, now: datetime) -> str:
        """How it stands, in a word."""
        if self.revoked_at is not None:
            return "revoked"
        return "valid" if now < self.expires_at else "expired"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whom a token let in: whom calls are noted under, what it grants, whose operators alone it shows (empty: everybody's)."""

    email: str
    permissions: frozenset[Permission]
    owner_id: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is, as the company's identity provider or its proxy says.

    Args:
        issuer, subject: who they are, for ever: addresses and names may change, and be given to others.
        email: their address; empty: it was not told, or it is said not to be theirs.
        verified: whether it is said that the address is theirs.
        groups: the company's groups that they are in.
        owner_id: the account owner (HubSpot's id) who they are, where the provider tells it.
    """

    issuer: str
    subject: str
    email: str = ""
    verified: bool = False
    groups: tuple[str, ...] = ()
    owner_id: str = ""

    @property
    def name(self) -> str:
        """Whom calls are noted under."""
        return self.email or f"{self.subject} of {self.issuer}"


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that has begun: what the identity provider's answer is held against. It is good once, for ten minutes.

    Args:
        state: what the answer must bring back.
        nonce: what the ID token must say.
        verifier: what proves to the provider that whoever began it also ends it (PKCE).
        place: the page that was wanted.
        at: when it began.
    """

    state: str
    nonce: str
    verifier: str
    place: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in on the web pages, as it is kept: never the secret of their cookie.

    Args:
        email: whom calls are noted under.
        permissions: what they may do and see, where they came by a token; who came by the identity provider may what the roles of
            their groups grant when they ask.
        owner_id: the account owner (HubSpot's id) whose operators alone they see; empty: everybody's. Of who came by the identity
            provider: who they are, which counts where their roles are for one's own book.
        way: how they came: by an API `token`, or by the identity provider (`oidc`).
        token_id: the token that they signed in with: the session counts as long as it does; empty: by none.
        began_at, seen_at: when they signed in, and when they were there last, to the minute.
        ended_at: when they signed out, or were signed out; None: they were not.
        issuer, subject, groups: who they are for the identity provider, and the groups that they were in when they signed in.
    """

    email: str
    permissions: tuple[Permission, ...]
    owner_id: str
    way: Literal["token", "oidc"]
    token_id: str
    began_at: datetime
    seen_at: datetime
    ended_at: datetime | None = None
    issuer: str = ""
    subject: str = ""
    groups: tuple[str, ...] = ()

    def counts(self, now: datetime) -> bool:
        """Whether it still stands: 12 hours after somebody was there last it is over, and after 7 days whatever happened."""
        return self.ended_at is None and now < min(self.seen_at + IDLE, self.began_at + LASTING)


@dataclass(frozen=True, slots=True)
class SlackPerson:
    """Somebody who may ask in Slack: known there by a confirmed e-mail address, never by what they call themselves.

    Args:
        email: the address, in small letters.
        permissions: what they may do and see.
        owner_id: the account owner (HubSpot's id) who they are; empty: none.
        alone: whether they see that owner's operators alone.
        added_at, added_by: when and by whom they were let in.
        user_id: who they are in Slack, from the first time that they asked on; empty: they did not yet.
        seen_at: when they asked last, to the hour; None: never.
    """

    email: str
    permissions: tuple[Permission, ...]
    owner_id: str
    alone: bool
    added_at: datetime
    added_by: str
    user_id: str = ""
    seen_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NotedCall:
    """One use of a use case: nothing of what was typed, and no figure.

    Args:
        at: when it began.
        actor: who asked.
        surface: where: `http`, `stdio`.
        name: the use case.
        operator_id: whom the answer, or what was refused, is about; empty: nobody alone.
        receipts: the ids of those that the answer rests on.
        size: characters that were given out.
        outcome: the answer's state, or the name of the error.
        seconds: how long it took.
    """

    at: datetime
    actor: str
    surface: str
    name: str
    operator_id: str
    receipts: tuple[str, ...]
    size: int
    outcome: str
    seconds: float
