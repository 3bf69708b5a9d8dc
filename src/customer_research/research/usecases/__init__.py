"""Use cases: the registry of all, and the runner that serves them. Surfaces import nothing else of research.

```python
async with Runner(load_settings()) as runner:
    answer = await runner.use("profile", {"operator": "Summit Ridge Limousine"}, Actor("ada", "web"))
```

The names are loaded when first used: listing the use cases costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from customer_research.research.request import Content, schema, validated
    from customer_research.research.usecases import reference
    from customer_research.research.usecases.access import Actor
    from customer_research.research.usecases.answer import EXIT_CODES, Answer, Line, State, Table, Text, written
    from customer_research.research.usecases.background import BY_ITSELF, Background, Standing
    from customer_research.research.usecases.entrance import BACK, Entrance
    from customer_research.research.usecases.gate import Gate, audited
    from customer_research.research.usecases.registry import (
        GROUP_SENTENCES,
        GROUPS,
        RIGHTS,
        SEES,
        USE_CASES,
        UseCase,
        use_case,
    )
    from customer_research.research.usecases.runner import Call, Runner, Use, finished, use_alone
    from customer_research.research.usecases.slack_people import SlackDesk

_HOMES = {
    **dict.fromkeys(("EXIT_CODES", "Answer", "Line", "State", "Table", "Text", "written"), "answer"),
    **dict.fromkeys(("GROUP_SENTENCES", "GROUPS", "RIGHTS", "SEES", "USE_CASES", "UseCase", "use_case"), "registry"),
    **dict.fromkeys(("Content", "schema", "validated"), ".request"),
    "Actor": "access",
    **dict.fromkeys(("BY_ITSELF", "Background", "Standing"), "background"),
    **dict.fromkeys(("BACK", "Entrance"), "entrance"),
    **dict.fromkeys(("Gate", "audited"), "gate"),
    **dict.fromkeys(("Call", "Runner", "Use", "finished", "use_alone"), "runner"),
    "SlackDesk": "slack_people",
    "reference": "reference",
}


def __getattr__(name: str) -> Any:
    """Load a public name from its module."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f".{_HOMES[name]}", __name__)
    return module if name == _HOMES[name] else getattr(module, name)
