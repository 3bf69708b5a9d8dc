"""Drawing an answer on the terminal, and the exit code of its state."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import click

from customer_research.domain.explanation import Explanation
from customer_research.domain.report import Report
from customer_research.research.usecases import EXIT_CODES, Answer, Table, Text
from customer_research.surfaces.cli import screen
from customer_research.surfaces.cli.drawing import drawn, hanging
from customer_research.surfaces.cli.output import Delivery, deliver


def show(answer: Answer, delivery: Delivery, request: Any) -> int:
    """Draw an answer, and what is said beside it on standard error; the exit code."""
    body = answer.body
    if isinstance(body, Report):
        delivery(body)
    elif delivery.format == "agent" and (small := _small(answer, delivery, request)):
        click.echo(small)
    elif delivery.format == "json" and answer.document is not None:
        click.echo(json.dumps(answer.document, indent=2, ensure_ascii=False))
    elif isinstance(body, Explanation):
        _explain(body, delivery, request)
    elif isinstance(body, Table):
        click.echo(drawn(body))
        if body.last:
            click.echo(screen.plain(body.last))
    elif isinstance(body, Text):
        _write(body.pieces, delivery)
    else:
        for line in body:
            click.echo(screen.plain(line) if isinstance(line, str) else hanging(*map(screen.plain, line)))
    for line in answer.beside:
        click.echo(screen.plain(line), err=True)
    return EXIT_CODES[answer.state]


def _small(answer: Answer, delivery: Delivery, request: Any) -> str:
    """The small answer of what is no report, where there is one."""
    from customer_research.documents.formats import agent_others as small  # noqa: PLC0415 - start-up time
    from customer_research.documents.small_answer import compact  # noqa: PLC0415

    if isinstance(answer.body, Explanation):
        told = small.of_explanation(answer.body, requests=request.requests, show_personal=delivery.show_personal)
    elif answer.document is not None:
        told = small.of_verdicts(answer.document, whole=answer.state != "partial")
    else:
        return ""
    return compact(told.fitted())


def _explain(body: Explanation, delivery: Delivery, request: Any) -> None:
    from customer_research.documents.formats import explanation as render  # noqa: PLC0415 - start-up time

    if delivery.format == "json":
        told = render.as_json(body, show_personal=delivery.show_personal)
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        click.echo(
            render.as_text(body, show_personal=delivery.show_personal, requests=request.requests, sql=request.sql)
        )


def _write(pieces: Iterable[str], delivery: Delivery) -> None:
    """Print a text piece by piece, or write it to the file."""
    if delivery.output is not None:
        deliver("".join(pieces), delivery.output)
        return
    for piece in pieces:
        click.echo(piece, nl=False)
