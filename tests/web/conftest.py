"""A portfolio that was scored and checked for alerts, with a store of its own, and the pages over it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from pydantic import SecretStr
from web_pages import Pages, served

from customer_research.research.alerting import alerts
from customer_research.settings import Settings


@pytest.fixture(scope="package")
def own(portfolio_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The whole portfolio, with a store that may be written."""
    folder = tmp_path_factory.mktemp("web")
    shutil.copy(portfolio_settings.store_url.removeprefix("sqlite:///"), folder / "own.db")
    store = portfolio_settings.store.model_copy(update={"url": SecretStr(f"sqlite:///{folder / 'own.db'}")})
    settings = portfolio_settings.model_copy(update={"store": store})
    assert settings.clock is not None
    alerts.checked(settings, now=settings.clock)
    return settings


@pytest.fixture(scope="package")
def pages(own: Settings) -> Iterator[Pages]:
    """The pages, over HTTP."""
    with served(own, own="robin") as running:
        yield running
