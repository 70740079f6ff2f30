"""Which fields mean money or a quantity, by their names, and what currency their siblings give.

Only words from the lists below leave this file: a field is known by those of its words that are listed, whatever else
its name says. The lists, not the names that are out there, bound what can become a label's value.
"""

import re
from dataclasses import dataclass

from exporter.protocols.remembered import remembered


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


# What is counted in a currency, and in pieces.
MONEY = _listed(
    "amount balance bid charge commission cost credit debit deposit discount donation fare fee payment payout price "
    "refund revenue sale sales shipping spend spent subtotal sum surcharge tax tip toll total turnover value "
    "vat"
)
QUANTITY = _listed("copies count items pieces quantity seats tickets units")
# They say more of a field but do not make one.
QUALIFIERS = _listed(
    "base billed due final full grand gross item line list net order paid per retail tendered total unit"
)
SYNONYMS = {
    "qty": "quantity",
    "quantities": "quantity",
    "amt": "amount",
    "amounts": "amount",
    "prices": "price",
    "totals": "total",
    "costs": "cost",
    "fees": "fee",
    "taxes": "tax",
    "charged": "charge",
    "refunded": "refund",
    "seat": "seats",
    "unitprice": "unit_price",
    "totalprice": "total_price",
    "totalamount": "total_amount",
    "grandtotal": "grand_total",
    "itemcount": "item_count",
}
# They mean money or a quantity only beside another such word: `value` and `count` alone are anything.
WEAK = _listed("balance count credit debit items sum units value")
# Names that count or rate things which are not sold, or that identify them.
SPOILERS = _listed(
    "at by code date day days error errors factor flag hash id ids index key kind level limit max method min mode name "
    "number page pages percent percentage pct rate rating ratio ref retry retries score status time timestamp type "
    "uuid version view views"
)
MINOR = frozenset(("cents", "cent", "pence", "minor"))  # the field is in hundredths
CURRENCY_NAMES = frozenset(("currency", "currencycode", "currencyiso", "curr", "ccy", "isocurrency"))
# ISO 4217, of what is in use.
CURRENCIES = _listed(
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF "
    "CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG "
    "HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA "
    "MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD "
    "RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD "
    "UYU UZS VED VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG"
)
MAX_NAME_BYTES = 64
MAX_WORDS = 3
CACHED_NAMES = 4096

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@dataclass(frozen=True, slots=True)
class Field:
    """What a field's name means.

    Attributes:
        name: its listed words, joined by `_`.
        currency: what the name itself says, such as that of `price_usd`; else empty.
        divisor: 100 where the field is in cents.
    """

    name: str
    currency: str = ""
    divisor: int = 1


@remembered(CACHED_NAMES)
def field_of(name: bytes) -> Field | None:
    """Return what a field of that name means; None if it is neither money nor a quantity."""
    if len(name) > MAX_NAME_BYTES or not name.isascii():
        return None
    words = _words(name)
    if not words or not SPOILERS.isdisjoint(words):
        return None
    listed = [word for word in words if word in MONEY or word in QUANTITY or word in QUALIFIERS]
    strong = [word for word in listed if word in MONEY or word in QUANTITY]
    if not strong or (len(strong) == 1 and strong[0] in WEAK):
        return None
    last = words[-1].upper()
    currency = last if last in CURRENCIES and len(words) > 1 else ""
    return Field("_".join(listed[-MAX_WORDS:]), currency, 100 if not MINOR.isdisjoint(words) else 1)


def _words(name: bytes) -> list[str]:
    """Return a name's words in lower case, synonyms replaced."""
    found = (word.lower() for word in _WORD.findall(name.decode("ascii")))
    return "_".join(SYNONYMS.get(word, word) for word in found).split("_")


@remembered(CACHED_NAMES)
def names_currency(name: bytes) -> bool:
    """Return whether a field of that name holds a currency."""
    if len(name) > MAX_NAME_BYTES:
        return False
    return name.replace(b"_", b"").replace(b"-", b"").lower().decode("ascii", "replace") in CURRENCY_NAMES


def currency_of(value: bytes) -> str:
    """Return the currency that a sibling gives; empty if it is none of the list."""
    code = value[:4].decode("ascii", "replace").upper()
    return code if code in CURRENCIES else ""
