"""The error tree: every failure a caller can meet, with what to do next.

```
CustomerResearchError              .hint: what to do next; .exit_code; .http_status
├─ UsageError                      the call cannot be understood
│  ├─ OperatorNotFound             .nearest
│  ├─ AmbiguousOperator            .candidates
│  ├─ NothingYet                   nothing was pulled, scored or checked yet
│  └─ TablesRefused                .faults: everything that is wrong in tables that somebody gave
├─ NotAllowed                      the actor may not have what was asked for
├─ Busy                            too many are waiting; .retry_after
├─ Overdue                         it took longer than it may
├─ ConfigError                     .setting
│  └─ ExtraMissing                 a package that only some work needs is not installed
├─ SourceError                     .source .stream .retryable
│  ├─ Denied                       401, 403
│  ├─ NotThere                     404: the record does not exist
│  ├─ RateLimited                  429, 529; .retry_after
│  ├─ Unavailable                  connection, time-out, 5xx
│  ├─ BadAnswer                    an answer that is not what the vendor's contract says (broken JSON, refused request)
│  ├─ SchemaChanged                a field or column is gone
│  └─ Truncated                    the answer says it is incomplete
├─ StoreError                      the store (score history, alerts) cannot be read or written
│  └─ StoreBusy                    another program holds it
├─ EngineError                     the engine cannot be reached, or could not run a query
└─ RenderError                     a report cannot be drawn (a figure without a receipt)
```
"""

from __future__ import annotations

from typing import Any, ClassVar, Self


class CustomerResearchError(Exception):
    """Base of all errors of this project: a sentence, and a hint that says what to do next."""

    exit_code: ClassVar[int] = 1
    http_status: ClassVar[int] = 500

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(CustomerResearchError):
    """The call cannot be understood or carried out as given (exit 2)."""

    exit_code = 2
    http_status = 400


class OperatorNotFound(UsageError):  # noqa: N818 - named as people say it
    """No operator answers to the term (exit 4); `nearest` holds matches that came close, `reasons` why it may be."""

    exit_code = 4
    http_status = 404

    def __init__(
        self, message: str, *, nearest: tuple[Any, ...] = (), reasons: tuple[str, ...] = (), hint: str = ""
    ) -> None:
        super().__init__(message, hint=hint)
        self.nearest = nearest
        self.reasons = reasons


class AmbiguousOperator(UsageError):  # noqa: N818 - named as people say it
    """More than one operator answers to the term (exit 4); `candidates` is the ranked list of matches."""

    exit_code = 4
    http_status = 409

    def __init__(self, message: str, *, candidates: tuple[Any, ...] = (), hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.candidates = candidates


class NothingYet(UsageError):  # noqa: N818 - read as a statement
    """It rests on what was pulled, scored or checked for alerts, and that was never done."""


class TablesRefused(UsageError):  # noqa: N818 - read as a statement
    """Tables that somebody gave cannot be used; `faults` (domain.faults) is everything that is wrong in them."""

    def __init__(self, message: str, *, faults: tuple[Any, ...], hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.faults = faults


class NotAllowed(CustomerResearchError):  # noqa: N818 - read as a statement
    """The actor may not have what was asked for (exit 2); `operator_id` is the operator that it is about, where it is one."""

    exit_code = 2
    http_status = 403

    def __init__(self, message: str, *, hint: str = "", operator_id: str = "") -> None:
        super().__init__(message, hint=hint)
        self.operator_id = operator_id


class Busy(CustomerResearchError):  # noqa: N818 - read as a statement
    """Too many requests are waiting already (exit 7); one more may be made after `retry_after` seconds."""

    exit_code = 7
    http_status = 503

    def __init__(self, message: str, *, retry_after: float, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class Overdue(CustomerResearchError):  # noqa: N818 - read as a statement
    """It took longer than it may; what it had begun was stopped (exit 6)."""

    exit_code = 6
    http_status = 504


class ConfigError(CustomerResearchError):
    """A setting is missing or wrong (exit 3 is partial, so 5); `setting` names it."""

    exit_code = 5

    def __init__(self, message: str, *, setting: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.setting = setting

    @classmethod
    def missing(cls, setting: str, hint: str, because: str = "") -> Self:
        """A setting is missing; `because` goes on: ", which an export needs"."""
        return cls(f"The setting {setting} is missing{because}.", setting=setting, hint=hint)


class ExtraMissing(ConfigError):  # noqa: N818 - read as a statement
    """A package that only some work needs is not installed (exit 5); the hint is the command that installs it.

    Args:
        needs: what needs which package, without a stop: "A PDF needs Typst".
        extra: the extra of the distribution that brings it: "documents".
    """

    def __init__(self, needs: str, extra: str) -> None:
        super().__init__(f"{needs}, which is not installed.", hint=f"Run: pip install 'customer-research[{extra}]'.")


class SourceError(CustomerResearchError):
    """A source did not give what was asked; `retryable` says whether the same request may succeed later.

    `code` is the vendor's own name of the failure, where it has one.
    """

    retryable: ClassVar[bool] = False
    code = ""
    exit_code = 6
    http_status = 502

    def __init__(self, message: str, *, source: str, stream: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.source = source
        self.stream = stream


class Denied(SourceError):  # noqa: N818 - named as people say it
    """The credential is missing, wrong or lacks a scope (401, 403)."""


class NotThere(SourceError):  # noqa: N818 - read as a statement
    """The record asked for does not exist at the source (404): an answer, not an outage."""


class RateLimited(SourceError):  # noqa: N818 - named as people say it
    """The source's rate limit held after bounded waiting (429, 529); `retry_after` in seconds when told."""

    retryable = True

    def __init__(
        self, message: str, *, source: str, stream: str = "", retry_after: float | None = None, hint: str = ""
    ) -> None:
        super().__init__(message, source=source, stream=stream, hint=hint)
        self.retry_after = retry_after


class Unavailable(SourceError):  # noqa: N818 - named as people say it
    """The source cannot be reached, timed out, cut the connection, or answered 5xx.

    `never_sent` says that the request certainly did not reach it: what it asked for has not been done.
    """

    retryable = True
    never_sent = False


class BadAnswer(SourceError):  # noqa: N818 - read as a statement
    """The answer is not what the vendor's contract says (broken JSON, a refused request, a failed query)."""


class SchemaChanged(SourceError):  # noqa: N818 - named as people say it
    """A field or column that the figures need is gone from the answer."""


class Truncated(SourceError):  # noqa: N818 - named as people say it
    """The source says that its answer is incomplete."""


class StoreError(CustomerResearchError):
    """The store (score history, alerts) cannot be reached, read or written, or does not hold what it should (exit 7)."""

    exit_code = 7
    http_status = 503


class StoreBusy(StoreError):  # noqa: N818 - named as people say it
    """Another program held the store for longer than we wait: the same call may succeed later."""


ENGINE_HINT = "Check the `engine` settings, or run it with engine.name = duckdb; if that fails, too, please report it."


class EngineError(CustomerResearchError):
    """The engine that computes cannot be reached, or could not run a query or read a file (exit 7, as the store)."""

    exit_code = 7
    http_status = 503

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint or ENGINE_HINT)


class OutOfMemoryError(EngineError):
    """A query needs more memory than the engine may use."""


class RenderError(CustomerResearchError):
    """A report cannot be drawn: a figure without a receipt, or an unknown format."""
