"""What a long command says while it runs: whatever the use case tells comes to standard error, before the answer."""

from __future__ import annotations

from typing import Any

import pytest
from cli_runs import command

from customer_research.errors import UsageError
from customer_research.research import usecases


def test_each_step_that_a_use_case_tells_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def use(name: str, *_: Any, progress: Any, **__: Any) -> Any:
        asked.append(name)
        progress("Measuring 3 operators.")
        progress("Scoring them.")
        raise UsageError("Enough.", hint="Stop here.")

    monkeypatch.setattr(usecases, "use_alone", use)
    done = command("portfolio", "score")
    assert asked == ["portfolio score"]
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines()[:2] == ["Measuring 3 operators.", "Scoring them."]
    assert "Enough." in done.err
