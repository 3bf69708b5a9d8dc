"""The public face: small, complete, documented."""

from __future__ import annotations

import inspect

import customer_research

MOST_NAMES = 20


def test_the_public_names_are_few_sorted_and_exist() -> None:
    names = customer_research.__all__

    assert len(names) <= MOST_NAMES
    assert names == sorted(names)
    assert dir(customer_research) == names
    for name in names:
        assert getattr(customer_research, name) is not None


def test_every_public_class_and_method_is_documented() -> None:
    for name in customer_research.__all__:
        thing = getattr(customer_research, name)
        assert inspect.getdoc(thing), name
        if inspect.isclass(thing):
            own = [m for key, m in vars(thing).items() if inspect.isfunction(m) and not key.startswith("_")]
            assert all(inspect.getdoc(method) for method in own), name


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(customer_research, "Nothing")
