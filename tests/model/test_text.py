"""Texts of the model's nouns."""

from stopline import text
from stopline.model import Scope


def test_a_type_is_learnt_once() -> None:
    """Writing or reading a noun does not make its type's adapter anew."""
    text.dump(Scope())
    made = text._adapter(Scope)
    assert text.load(Scope, text.dump(Scope())) == Scope()
    assert text._adapter(Scope) is made
