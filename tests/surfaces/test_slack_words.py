"""What is said to the Slack app, read: words, options, Slack's own markup; what it answers with, within limits; its manifest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_research.documents.formats.slack_controls import alert_controls
from customer_research.domain.identity import Candidate, Match
from customer_research.errors import AmbiguousOperator, OperatorNotFound, UsageError
from customer_research.research.request import validated
from customer_research.research.usecases import USE_CASES, Answer, Table, Text
from customer_research.surfaces.cli.group import cli
from customer_research.surfaces.slack import modals
from customer_research.surfaces.slack.commands import COMMAND, COMMANDS, asked, said
from customer_research.surfaces.slack.manifest import LOOK_UP_SCOPES, SCOPES, manifest
from customer_research.surfaces.slack.messages import MOST_CANDIDATES, content, of_error, of_help, plain
from customer_research_sandbox.servers.slack_blocks import check_message, check_view, texts
from customer_research_sandbox.servers.slack_space import SCOPES as GRANTED
from customer_research_sandbox.servers.slack_space import commands_of

ID = "00000000-5ce0-11f0-a000-000000000002"


@pytest.mark.parametrize(
    ("text", "use_case", "request_", "again"),
    [
        ("Summit Ridge", "quick", {"operator": "Summit Ridge"}, "quick Summit Ridge"),
        ("BILLING Summit Ridge", "billing", {"operator": "Summit Ridge"}, "billing Summit Ridge"),
        ('"Brief Limo"', "quick", {"operator": "Brief Limo"}, "quick Brief Limo"),
        ("O'Tolley Cars", "quick", {"operator": "O'Tolley Cars"}, "quick O'Tolley Cars"),
        ('a" b', "quick", {"operator": "a b"}, "quick a b"),
        ("why Summit Ridge mrr", "why", {"operator": "Summit Ridge", "metric": "mrr"}, "why Summit Ridge mrr"),
        ("compare A B, C D", "compare", {"operators": ("A B", "C D")}, "compare A B, C D"),
        ("compare A vs B", "compare", {"operators": ("A", "B")}, "compare A, B"),
        (
            "brief --meeting renewal Summit Ridge",
            "brief",
            {"operator": "Summit Ridge", "meeting": "renewal"},
            "brief Summit Ridge --meeting renewal",
        ),
        (
            "assign ab12 Ida Colvander",
            "alerts assign",
            {"alert": "ab12", "name": "Ida Colvander"},
            "assign ab12 Ida Colvander",
        ),
        (
            "done Summit Ridge --kind call --note spoke with them",
            "outcome done",
            {"operator": "Summit Ridge", "kind": "call", "note": "spoke with them"},
            'done Summit Ridge --kind call --note "spoke with them"',
        ),
        ("renewals --days=30", "renewals", {"whose": {"team": True}, "days": "30"}, "renewals --days 30"),
        (
            "at-risk --segment SMB",
            "portfolio",
            {"choice": {"limit": 10, "segments": ("SMB",)}},
            "at-risk --segment SMB",
        ),
    ],
)
def test_what_was_meant(text: str, use_case: str, request_: dict[str, Any], again: str) -> None:
    found = asked(text)
    assert found is not None
    assert (found.command.use_case, dict(found.request), found.text) == (use_case, request_, again)
    validated(USE_CASES[use_case].request(), found.request)
    assert asked(found.text) == found, "what a button asks is what was asked"


def test_lists_are_of_ones_own_book_unless_all_are_wanted() -> None:
    for word, path in (("today", "whose"), ("renewals", "whose"), ("at-risk", "choice")):
        own, team, other = (asked(f"{word}{rest}", "901") for rest in ("", " --team", " --owner Ida"))
        assert own is not None
        assert team is not None
        assert other is not None
        assert own.request[path]["owner"] == "901"
        assert "owner" not in team.request[path]
        assert other.request[path]["owner"] == "Ida"


@pytest.mark.parametrize(
    "text",
    ["profile", "renewals soon", "profile x --scorecard y", "snooze ab12 --until", "x" * 301, "compare --team a b"],
)
def test_what_is_not_taken_is_told_with_what_is(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        asked(text)
    assert caught.value.hint


def test_fields_that_name_files_of_the_server_cannot_be_set() -> None:
    for command in COMMANDS.values():
        assert not {"scorecard", "rules_file", "output", "csv", "show_personal", "field"} & {
            path.rpartition(".")[2] for path in command.options.values()
        }, command.word


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("<@U0RESEARCH> profile  Summit", "profile Summit"),
        ("<mailto:ada@example.com|ada@example.com>", "ada@example.com"),
        ("<https://summit.example|summit.example>", "summit.example"),
        ("<tel:+15550100|+1 555 0100>", "+1 555 0100"),
        ("“Brief Limo” &amp; Co", '"Brief Limo" & Co'),
        ("renewals \N{EM DASH}days 30", "renewals --days 30"),
        ("<!channel> x", "x"),
    ],
)
def test_slacks_own_markup_is_undone(written: str, meant: str) -> None:
    assert said(written) == meant


@settings(max_examples=40)
@given(st.text(max_size=400))
def test_whatever_is_typed_is_understood_or_refused(text: str) -> None:
    try:
        found = asked(said(text), "901")
    except UsageError as error:
        told = of_error(error)
        check_message(told.text, told.blocks, None)
        assert not list(commands_of(told.text))
        return
    if found is not None:
        assert found.command.word in COMMANDS


def _match(number: int, name: str) -> Match:
    return Match(Candidate(f"{ID[:-4]}{number:04d}", name), "name", "<!channel> *is* like it", 0.5)


def test_candidates_are_buttons_and_nothing_of_theirs_commands() -> None:
    question = asked("why <!here> mrr")
    assert question is not None
    many = tuple(_match(number, "<!channel> " + "x" * 200) for number in range(30))
    for error in (
        AmbiguousOperator("30 operators & <!everyone>", candidates=many, hint="Give an id."),
        OperatorNotFound("Nobody.", nearest=many[:2], reasons=("<@U1>",), hint="Try."),
        OperatorNotFound("Nobody."),
    ):
        told = of_error(error, question)
        check_message(told.text, told.blocks, None)
        assert [one for text in (told.text, *texts(told.blocks, marked=True)) for one in commands_of(text)] == []
        for block in told.blocks:
            for element in block.get("elements", ()):
                if element["type"] == "button":
                    assert element["value"].endswith(" mrr")


@pytest.mark.parametrize("matches", [1, MOST_CANDIDATES - 1, MOST_CANDIDATES, MOST_CANDIDATES + 1, 30])
def test_every_candidate_is_named_or_counted(matches: int) -> None:
    question = asked("why Summit mrr")
    many = tuple(_match(number, f"Summit {number}.") for number in range(matches))
    told = of_error(AmbiguousOperator(f"{matches} operators.", candidates=many, hint="Give an id."), question)
    lines = "\n".join(texts(told.blocks, marked=True)).splitlines()
    named = [line for line in lines if line.startswith("• Summit")]
    more = [int(line.partition(" ")[0]) for line in lines if "more: write more" in line]
    assert len(named) == min(matches, MOST_CANDIDATES)
    assert len(named) + sum(more) == matches
    assert len(more) == (matches > MOST_CANDIDATES)


def test_long_answers_are_cut_and_counted() -> None:
    answers = (
        Answer(tuple(f"line {number} <!here> " + "&" * 3_000 for number in range(40))),
        Answer(Table(("A", "B"), tuple(("a", "b" * 300) for _ in range(200)), before=("x",), last="y")),
        Answer(Text(("a\nb\n" * 5_000,))),
        Answer(()),
        Answer((("lead ", "text"),), beside=("said beside",)),
    )
    for answer in answers:
        told = content(answer, by="Ida", question="x" * 300)
        check_message(told.text, told.blocks, None)
        assert not list(commands_of("".join(texts(told.blocks, marked=True))))
    assert "more lines" in "".join(texts(content(answers[0]).blocks))
    for told in (of_help(), plain("", "")):
        check_message(told.text, told.blocks, None)
    assert COMMAND in "".join(texts(of_help().blocks))


def test_what_can_be_pressed_is_within_limits() -> None:
    check_message("Alert", alert_controls("abcd1234", ID), None)
    (source,) = alert_controls("abcd1234", "")
    assert len(source["elements"]) == 3, "nothing is done for a source"
    back = modals.Back("https://hooks.slack.com/" + "x" * 200, "C1", f"abcd {ID}")
    for view in (modals.lookup(back, "y" * 5_000), modals.outcome(back)):
        check_view(view)
    assert modals.Back.of(modals.outcome(back)["private_metadata"]) == back


def test_the_manifest_asks_for_no_more_than_is_used() -> None:
    over_http, socket = manifest("https://x.example.com/", look_up=True), manifest()
    assert over_http["settings"]["interactivity"]["request_url"] == "https://x.example.com/slack/events"
    assert socket["settings"]["socket_mode_enabled"] is True
    assert "request_url" not in json.dumps(socket)
    assert socket["oauth_config"]["scopes"]["bot"] == sorted(SCOPES)
    assert set(over_http["oauth_config"]["scopes"]["bot"]) == {*SCOPES, *LOOK_UP_SCOPES}
    assert {*SCOPES, *LOOK_UP_SCOPES} <= set(GRANTED), "the sandbox's app was granted what the manifest asks for"


def test_the_commands_of_slack(tmp_path: Path) -> None:
    run = CliRunner().invoke
    shown = run(cli, ["slack", "manifest", "--url", "https://x.example.com"])
    assert json.loads(shown.output)["features"]["slash_commands"][0]["command"] == COMMAND
    assert run(cli, ["slack", "manifest", "--url", "http://x.example.com"]).exit_code == 2
    config = tmp_path / "settings.toml"
    config.write_text(f'[store]\nurl = "sqlite:///{tmp_path / "store.db"}"\n')

    def told(*words: str) -> str:
        result = run(cli, ["--config", str(config), "slack", *words], standalone_mode=False)
        return str(result.exception) if result.exception else result.output

    assert "Nobody may ask" in told("people")
    assert "ada@example.com may ask in Slack: read, act" in told("allow", "Ada@Example.com", "--act")
    assert "of owner 901 alone" in told("allow", "ada@example.com", "--owner", "901", "--only-own-book")
    assert "901 alone" in told("people")
    assert "no e-mail address" in told("allow", "ada")
    assert "needs --owner" in told("allow", "ada@example.com", "--only-own-book")
    assert "not ask in Slack any more" in told("remove", "ADA@example.com")
    assert "Nobody is let in" in told("remove", "ada@example.com")
    assert "slack.token" in told("serve")
