"""why, metrics, rules, doctor and config through the real command line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import tomlkit
from cli_runs import KEYS, SILENT_CHURN, WRONG, changed, command

from customer_research.domain.catalogue import METRICS
from customer_research_sandbox.serve import Sandbox

# --- why ---------------------------------------------------------------------------------------------------------


def test_why_tells_value_formula_records_and_request(config_path: Path) -> None:
    done = command("why", SILENT_CHURN, "mrr", config=config_path)
    sent = command("why", SILENT_CHURN, "mrr", "--requests", config=config_path)

    assert (done.code, done.err, sent.code) == (0, "", 0)
    for said in ("$199.00", METRICS["mrr"].formula[:40], "2026-11-01"):
        assert said in done.out
        assert said in sent.out
    for said in ("GET /customers/", "SHA-256"):
        assert said not in done.out
        assert said in sent.out
    assert "_minor" not in done.out


def test_why_of_a_judgement_has_no_requests_of_its_own(config_path: Path) -> None:
    done = command("why", SILENT_CHURN, "usage falling", config=config_path)
    assert done.code == 0
    assert "Usage falling caps the band at Monitor" in done.out
    assert command("why", SILENT_CHURN, "usage falling", "--requests", config=config_path).code == 2
    missed = command("why", SILENT_CHURN, "usage faling", config=config_path)
    assert missed.code == 2
    assert "Did you mean usage falling" in missed.err


def test_why_as_json_with_replay(config_path: Path) -> None:
    done = command("why", SILENT_CHURN, "reservations_30d", "--replay", "--rows", "3", "--json", config=config_path)
    told = json.loads(done.out)

    assert done.code == 0
    assert told["figure"]["value"] == 20
    assert told["replay"]["differences"] == []
    assert len(told["evidence"]["rows"]) == 3


def test_why_with_sql(config_path: Path) -> None:
    plain = command("why", SILENT_CHURN, "overdue_invoices", config=config_path)
    full = command("why", SILENT_CHURN, "overdue_invoices", "--sql", config=config_path)

    assert "FROM invoice" not in plain.out
    assert "invoice" in full.out
    assert len(full.out) > len(plain.out)


@pytest.mark.parametrize("metric", ["contacts", "driver_app_rate", "net_payment_term", "owner_name", "last_contact_at"])
def test_why_shows_no_address_and_no_driver(metric: str, sandbox: Sandbox, config_path: Path) -> None:
    table = sandbox.dataset.warehouse["POSTGRES_SWOOP.DRIVER"].rows
    drivers = {f"{one['FIRST_NAME']} {one['LAST_NAME']}" for one in table if one["OPERATOR_ID"] == SILENT_CHURN}
    done = command("why", SILENT_CHURN, metric, config=config_path)

    assert done.code == 0
    assert drivers
    assert [name for name in drivers if name in done.out] == []
    assert re.search(r"[\w.+-]{2,}@[\w-]+\.", done.out) is None


def test_why_shows_a_company_by_its_name(config_path: Path) -> None:
    done = command("why", SILENT_CHURN, "lifecycle_stage", config=config_path)

    assert "| Silvermead Livery |" in done.out


def test_why_nothing_is_found_is_an_answer(config_path: Path) -> None:
    done = command("why", SILENT_CHURN, "nps_latest", config=config_path)

    assert done.code == 0
    assert "none found" in done.out


def test_why_a_source_refuses_is_partial(config_path: Path, tmp_path: Path) -> None:
    done = command("why", SILENT_CHURN, "mrr", config=changed(config_path, tmp_path, {"lago": {"api_key": WRONG}}))

    assert done.code == 3
    assert "access refused" in done.out


# --- registries --------------------------------------------------------------------------------------------------


def test_metrics_are_listed_and_searched() -> None:
    everything = command("metrics")
    some = json.loads(command("metrics", "TREND", "--json").out)

    assert [line.split()[0] for line in everything.out.splitlines()] == list(METRICS)
    assert {metric["name"] for metric in some} >= {"trend_30d", "usage_trend"}
    assert len(some) < len(METRICS)


@pytest.mark.parametrize("card", ["canonical", "guide", "billing_guide"])
def test_rules_are_listed(card: str) -> None:
    text, told = command("rules", card), json.loads(command("rules", card, "--json").out)

    assert text.code == 0
    assert len(text.out.splitlines()) == len(told)
    assert {rule["id"] for rule in told} >= {"P1", "P2"}


# --- config ------------------------------------------------------------------------------------------------------


def test_config_tells_each_origin_and_no_secret(config_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUSTOMER_RESEARCH_NOTION__TOKEN", WRONG)
    monkeypatch.setenv("CUSTOMER_RESEARCH_HUBSPOT__URL", f"https://someone:{WRONG}@crm.example.com")
    told = {one["name"]: one for one in json.loads(command("config", "show", "--json", config=config_path).out)}
    text = command("config", "show", config=config_path).out

    assert told["lago.api_key"]["value"] == "(set)"
    assert told["lago.api_key"]["origin"] == str(config_path)
    assert told["notion.token"]["origin"] == "environment CUSTOMER_RESEARCH_NOTION__TOKEN"
    assert told["hubspot.url"]["value"] == "https://(hidden)@crm.example.com"
    assert told["scorecard"]["origin"] == "default"
    assert all(name in text for name in told)
    assert not any(key in json.dumps(told) for key in KEYS)


# --- doctor ------------------------------------------------------------------------------------------------------


def test_doctor_online_finds_everything_in_order(config_path: Path, tmp_path: Path) -> None:
    page = tmp_path / "ids.md"
    done = command("doctor", "--online", "--sample", "5", "--json", "--docs", str(page), config=config_path)
    checks = {check["check"]: check for check in json.loads(done.out)}

    assert done.code == 0
    assert {check["status"] for check in checks.values()} <= {"ok", "warn"}
    assert checks["ids.consistent"]["status"] == "ok"
    assert all(name in page.read_text(encoding="utf-8").replace("\\", "") for name in checks)
    assert f"Written: {page}" in done.err


def test_doctor_names_the_fix_of_a_refused_key(config_path: Path, tmp_path: Path) -> None:
    done = command("doctor", "--online", config=changed(config_path, tmp_path, {"notion": {"token": WRONG}}))
    failed = [line for line in done.out.splitlines() if line.startswith("FAIL")]

    assert done.code == 6
    assert failed
    assert all("notion." in line for line in failed)
    assert "fix:    Check notion.token" in done.out


def test_doctor_writes_what_it_found_and_keeps_the_comments(config_path: Path, tmp_path: Path) -> None:
    config = changed(config_path, tmp_path, {"metabase": {"database": 77}})
    config.write_text("# ours, do not touch\n" + config.read_text(encoding="utf-8"), encoding="utf-8")

    done = command("doctor", "--online", "--write", config=config)
    written = tomlkit.parse(config.read_text(encoding="utf-8"))

    assert f"Written: {config}" in done.err
    assert config.read_text(encoding="utf-8").startswith("# ours, do not touch\n")
    assert written["metabase"]["database"] == 2
    assert command("doctor", "--online", "--sample", "3", config=config).code == 0


def test_doctor_changes_nothing_unasked(clean_sandbox: Sandbox, config_path: Path, tmp_path: Path) -> None:
    config = changed(config_path, tmp_path, {"metabase": {"database": 77}})
    before = config.read_text(encoding="utf-8")

    assert command("doctor", "--online", config=config).code == 6
    assert config.read_text(encoding="utf-8") == before
    assert {request.method for request in clean_sandbox.request_log} <= {"GET", "POST"}
