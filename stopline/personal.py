"""Personal data in a text, by type: e-mail addresses, IBANs, card numbers, phone numbers. Pure.

What only looks like one stays: a number is a card's where its network's prefix, its length and its
check digit (Luhn) agree, an account's where ISO 13616's check (mod 97) does; a phone number bears
its country's code, or is written as in North America. An address of a machine (a Google service
account's) is nobody's.
"""

import re
from collections.abc import Callable

Told = Callable[[str, str], str]
"""What is shown in place of a person's datum: given its type, and the datum as it compares.

Nothing, where it stays.
"""

EMAIL, IBAN, CARD, PHONE = "email", "iban", "card", "phone"
_EMAIL = re.compile(
    r"(?<![\w.+%'-])[\w+%'-][\w.+%'-]{0,63}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+"
    r"[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])(?![\w-])"
)
_DIGIT, _FEWEST = re.compile("[0-9]"), 8
"""How many digits an account, a card and a phone have at least."""
_MACHINES = (".gserviceaccount.com",)
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]){11,30}(?![A-Za-z0-9])")
_SHORTEST_IBAN = 15
_CARD = re.compile(r"(?<![\w.-])[2-6](?:[ -]?[0-9]){12,18}(?![\w-]|\.[0-9])")
_NETWORKS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})"  # Visa
    r"|(?:5[1-5]\d{2}|222[1-9]|22[3-9]\d|2[3-6]\d{2}|27[01]\d|2720)\d{12}"  # Mastercard
    r"|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11,16}"  # American Express, Diners Club
    r"|(?:6011|64[4-9]\d|65\d{2}|62\d{2}|35(?:2[89]|[3-8]\d))\d{12,15}"  # Discover, UnionPay, JCB
)
_PHONE = re.compile(
    r"(?<![\w+])\+[1-9](?:[ .()/-]{0,2}[0-9]){7,14}(?![\w-])"
    r"|(?<![\w.+-])(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[.-])[2-9][0-9]{2}[.-][0-9]{4}"
    r"(?![\w-]|\.[0-9])"
)


def hide_people(text: str, told: Told) -> str:
    """The text with the personal data in it replaced by what `told` says of each."""

    def email(found: re.Match[str]) -> str:
        name = found[0]
        return name if name.casefold().endswith(_MACHINES) else told(EMAIL, name.casefold()) or name

    def card(found: re.Match[str]) -> str:
        digits = re.sub(r"\D", "", found[0])
        whole = _NETWORKS.fullmatch(digits) and _luhn(digits)
        return (whole and told(CARD, digits)) or found[0]

    def phone(found: re.Match[str]) -> str:
        return told(PHONE, re.sub(r"[^\d+]", "", found[0])) or found[0]

    text = _EMAIL.sub(email, text) if "@" in text else text
    if len(_DIGIT.findall(text)) < _FEWEST:  # most texts have none of the others
        return text
    text = _IBAN.sub(lambda found: _account(found[0], told), text)
    text = _CARD.sub(card, text)
    return _PHONE.sub(phone, text)


def _account(text: str, told: Told) -> str:
    """An IBAN and what follows it: words in capitals behind one look as if they were of it."""
    for end in range(len(text), _SHORTEST_IBAN - 1, -1):
        head, rest = text[:end], text[end:]
        number = head.replace(" ", "")
        ends = not rest or rest[0] == " "
        if ends and len(number) >= _SHORTEST_IBAN and _mod97(number):
            return (told(IBAN, number) or head) + rest
    return text


def _mod97(number: str) -> bool:
    moved = number[4:] + number[:4]
    return int("".join(str(int(character, 36)) for character in moved)) % 97 == 1


def _luhn(digits: str) -> bool:
    doubled = (int(d) * (1 + number % 2) for number, d in enumerate(reversed(digits)))
    return sum(n - 9 if n > 9 else n for n in doubled) % 10 == 0  # noqa: PLR2004 - two digits
