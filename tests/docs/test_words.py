"""One word for one thing: docs/glossary.md says what is looked for in docs, help, docstrings."""

import re
from collections.abc import Iterator

import pytest
from support.commands import helps
from support.tree import PACKAGES, ROOT, docstrings, markdown, name_of, prose, python, rows

GLOSSARY = ROOT / "docs" / "glossary.md"

EVERYDAY = {
    "account": "an AWS account is the provider's own word",
    "check": "a verb, of the Makefile too",
    "client": "of an API: Temporal's, the SDK's",
    "filter": "a parameter of AWS",
    "flag": "of a command line",
    "ignore": "an everyday verb",
    "incident": "an incident responder is a person",
    "lock": "lock files, and a database's locks",
    "log": "what is written for debugging; log delivery",
    "member": "of a class, of an organisation",
    "object": "of S3, and of Python",
    "path": "of a file, of IAM; an access path",
    "policy": "of a bucket, of a trust, of IAM",
    "ref": "what fetches a body from the journal",
    "report": "an everyday verb; the report of a drill",
    "response": "an everyday word",
    "result": "of a pause; an everyday word",
    "review": "of code and files, by people",
    "right": "an everyday word",
    "step": "the next step of an error message",
    "subject": "an everyday word",
}
"""Words whose plain sense no program can tell from the avoided one: PHRASES has the clear cases."""

PHRASES = (
    r"(user|person's|employee's|guest) accounts?",
    r"(containment|pause|vendor|stopline) polic(y|ies)",
    r"audit checks?",
    r"(client|customer)s? of the lab",
    r"access right",
    r"address(es)? locks?",
)

ALLOWED = {
    "asset": r"Cloud\s+Asset\s+search",
    "assignment": r"(account|application) assignments?",
    "backup": r"Backup vaults?",
    "job": r"(import|Run)\s+jobs?",  # of KMS, of Cloud Run
    "linter": r"import-linter",
    "resume": r"resume[sd]\b",  # a process, a history; a paused vendor is rolled back
}
"""The providers' and tools' own terms, cut out before a word is looked for."""


def glossary() -> list[tuple[str, str, list[str]]]:
    """The rows of the glossary: word, meaning, what not to say."""
    found = rows(GLOSSARY.read_text("utf-8"))[2:]
    return [(word, means, [a.strip() for a in avoid.split(",") if a.strip()])
            for word, means, avoid in found]  # fmt: skip


def texts() -> Iterator[tuple[str, str]]:
    """Everything that a user or a reader of the code is told, with where it stands."""
    for path in markdown():
        if path != GLOSSARY:
            yield name_of(path), prose(path.read_text("utf-8"))
    for path in python(*PACKAGES):
        for text in docstrings(path):
            yield name_of(path), re.sub(r"https?://\S+", "", prose(text))
    for name, text in helps():
        yield f"stopline {name} --help", prose(text)


AVOIDED = sorted((a, word) for word, _, avoid in glossary() for a in avoid if a not in EVERYDAY)


def used(avoided: str, told: list[tuple[str, str]]) -> list[str]:
    """Where a word is used otherwise than as somebody else's term."""
    looked_for = re.compile(rf"\b{avoided}(s|es|ed|d|ing)?\b", re.IGNORECASE)
    allowed = re.compile(ALLOWED.get(avoided, r"(?!)"), re.IGNORECASE | re.DOTALL)
    return [
        f"{where}: …{text[max(0, hit.start() - 30) : hit.end() + 30]!r}…"
        for where, said in told
        for text in [allowed.sub("", said)]
        for hit in looked_for.finditer(text)
    ]


@pytest.fixture(scope="module")
def told() -> list[tuple[str, str]]:
    """All texts, read once."""
    return list(texts())


@pytest.mark.parametrize(("avoided", "word"), AVOIDED)
def test_no_other_word_is_used_for_ours(
    avoided: str, word: str, told: list[tuple[str, str]]
) -> None:
    """A word of the glossary's last column stands in no document, docstring or help."""
    found = used(avoided, told)
    assert not found, f"say {word!r} rather than {avoided!r}:\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("said", "avoided"),
    [
        ("We revoked the grant.", "revoke"),
        ("Suppliers are paused.", "supplier"),
        ("import-linter, and no linter besides", "linter"),
        ("a Side effect", "side effect"),
    ],
)
def test_an_avoided_word_would_be_found(said: str, avoided: str) -> None:
    """The search sees other forms of a word, and what stands beside an exception."""
    assert len(used(avoided, [("here", said)])) == 1


@pytest.mark.parametrize("phrase", PHRASES)
def test_everyday_words_are_not_used_in_the_avoided_sense(
    phrase: str, told: list[tuple[str, str]]
) -> None:
    """Where an everyday word is clearly meant as one of ours, ours is used."""
    looked_for = re.compile(rf"\b{phrase}", re.IGNORECASE)
    found = [f"{where}: {hit[0]!r}" for where, text in told for hit in looked_for.finditer(text)]
    assert not found, found


def test_every_exception_is_still_needed(told: list[tuple[str, str]]) -> None:
    """An exception for a word that is not in the glossary, or not used any more, is taken out."""
    avoided = {a for _, _, avoid in glossary() for a in avoid}
    assert set(EVERYDAY) | set(ALLOWED) <= avoided
    unused = [
        word
        for word, allowed in ALLOWED.items()
        if not any(re.search(allowed, text, re.IGNORECASE | re.DOTALL) for _, text in told)
    ]
    assert not unused, unused


def test_the_glossary_is_sorted_and_says_each_word_once() -> None:
    """A word stands once, in alphabetical order, with a meaning, and is nowhere to be avoided."""
    words = [word for word, _, _ in glossary()]
    assert words == sorted(set(words))
    assert all(means for _, means, _ in glossary())
    assert not set(words) & {a for _, _, avoid in glossary() for a in avoid}


@pytest.mark.parametrize("word", [word for word, _, _ in glossary()])
def test_every_word_of_the_glossary_is_used(word: str, told: list[tuple[str, str]]) -> None:
    """A word that neither code nor documents use is taken out of the glossary."""
    looked_for = re.compile(rf"\b{word.removesuffix('y')}\w*", re.IGNORECASE)
    said = (text for _, text in told)
    code = (path.read_text("utf-8") for path in python(*PACKAGES))
    assert any(looked_for.search(text) for text in (*said, *code)), word
