"""What the columns of rate decks are called, and the decks that are known without names."""

import re
from typing import NamedTuple

from .columns import name_key

# Our field: the names that vendors give it, the better ones first; as `_key` writes them.
_NAMES = {
    "prefix": (
        "prefix prefixes dialprefix dialcode dialcodes dialingcode diallingcode dialingprefix"
        " destinationcode destinationprefix destcode numberprefix numberingprefix prefixcode"
        " codes code areaprefix breakoutcode breakout e164 e164prefix numberrange networkcode"
        " fullcode dialpattern"
        " prefixe indicatif prefijo prefijos prefisso prefissi vorwahl vorwahlen rufnummernprafix"
        " codigo codice kennzahl"
    ),
    "prefix_country": "countrycode countrydialcode countrydialingcode cc codepays landesvorwahl",
    "prefix_area": "areacode areacodes citycode citycodes regioncode ndc ortsvorwahl",
    "destination": (
        "destination destinationname destinations targetpatternname patternname zone zonename"
        " description routename route location region countryname country areaname name ratename"
        " zielname ziel zielland land destinationsname pays libelle destino nombre pais"
        " destinazione descrizione paese beschreibung"
    ),
    "price_per_minute": (
        "priceperminute pricepermin pricemin pricemins rateperminute ratepermin ratemin ratemins"
        " costperminute costpermin costmin perminutecharge perminutecost perminuterate"
        " perminuteprice perminute permin chargeperminute minuteprice minuterate callrate sellrate"
        " sellprice rateinitial ratecost peakrate newrate newprice currentrate wholesalerate"
        " retailrate rate price cost charge tariff usdmin"
        " tarifmin tariffmin tarifamin tariffamin prixminute prixparminute prixmin prixlaminute"
        " prix tarifminute tarifparminute tarif"
        " cout coutminute coutparminute"
        " preisprominute preisminute preismin minutenpreis preis"
        " preciominuto precioporminuto preciomin precio tarifa costeminuto costeporminuto coste"
        " prezzominuto prezzoalminuto prezzomin prezzo costoalminuto costominuto tariffa costo"
    ),
    "price_per_second": "pricepersecond ratepersecond pricesec ratesec persecond",
    "connection_fee": (
        "connectionfee connectionfees connectioncharge connectioncost connectionprice connectfee"
        " connectcharge connectcost connect connection setupfee setupcharge setupcost setup"
        " callsetup callsetupfee callsetupcharge ratesurcharge surcharge flagfall startfee"
        " fraisdeconnexion fraisconnexion coutdeconnexion miseenrelation fraismiseenrelation"
        " fraisdetablissement connexion verbindungsgebuhr verbindungsentgelt verbindungspreis"
        " einmalgebuhr establecimiento establecimientodellamada costedeconexion cuotadeconexion"
        " cargodeconexion conexion scattoallarisposta scatto costodiconnessione connessione"
    ),
    "included_seconds": (
        "includedseconds included gracetime graceperiod grace freeseconds freetime"
        " secondesincluses secondesgratuites freisekunden inklusivsekunden segundosincluidos"
        " segundosgratis secondiinclusi secondigratuiti"
    ),
    "initial_increment": (
        "initialincrement initialinterval initialperiod initialblock initblock initialseconds"
        " initial firstincrement firstinterval firstperiod firstblock interval1 increment1"
        " 1stinterval 1stperiod intervalfirst minduration minimumduration minimumtime mintime"
        " minimum min minimalduration minsec minseconds minimumseconds rateminimum"
        " minimalcallduration dureeminimale premierpalier palierinitial mindestdauer ersttakt"
        " duracionminima incrementoinicial duratamin durataminima incrementoiniziale"
    ),
    "increment": (
        "increment increments billingincrement billingincrements billingblock billinginterval"
        " billingunit billingunits billingperiod billing chargeperiod chargeinterval interval"
        " intervaln intervals interval2 increment2 nextincrement nextinterval nextperiod nextblock"
        " additionalincrement additionalinterval subsequentincrement subsequentinterval"
        " secondinterval secondincrement rateincrement pulse step steps rounding resolution"
        " palier paliers pas cadence unitefacturation taktung takt abrechnungstakt folgetakt"
        " incremento intervalo tarificacion facturacion intervallo scattisuccessivi"
    ),
    "date_from": (
        "datefrom effectivedate effectivefrom effective effectivestartdate dateeffective startdate"
        " startsat validfrom validityfrom activationdate fromdate begindate start from begin"
        " datedebut datededebut dateeffet dateeffective datedeffet valablede debut"
        " gultigab gultigvon startdatum ab fechainicio fechadeinicio fechaefectiva desde"
        " vigenciadesde datainizio datadiinizio decorrenza validodal dal"
    ),
    "date_to": (
        "dateto enddate expirydate expirationdate expiredate expires expiry effectiveto"
        " effectiveenddate validto validuntil validtill validityto stopdate todate until end to"
        " datefin datedefin valablejusqua fin gultigbis enddatum bis fechafin fechadefin hasta"
        " vigenciahasta datafine datadifine scadenza validoal al"
    ),
    "direction": "direction calldirection sens richtung sentido direccion direzione",
    "service": "app application service servicetype product",
}
_NAMES = {field: tuple(names.split()) for field, names in _NAMES.items()}
FIELDS = tuple(_NAMES)

_PARENTHESES = re.compile(r"\([^)]*\)|\[[^]]*\]")
_CURRENCIES = re.compile(r"\b(?:usd|eur|euro|euros|gbp|chf|cad|aud|sek|nok|dkk|pln)\b|[$€£]")
_CENTS = re.compile(r"\b(?:cents?|ct|cts|pence|centimes?|c[eé]ntimos?|centesimi)\b|¢")
_PER_SECOND = re.compile(r"/ ?s(?:ec)?\b|per sec")
_DIGITS = re.compile(r"\+?\d[\d ]*")
_PREFIX = re.compile(r"\+?\d{1,12}")
_DECIMAL = re.compile(r"\d+(?:[.,]\d+)?")
_CDRTOOL = ["ops", "reseller", "rate", "destination", "app", "connect", "duration"]
_A2BILLING_COMPLEX_WIDTH = 24
# A list of numbers to rent has prices too.
_DID_KEYS = frozenset(("did", "dids", "didnumber"))


class DeckMapping(NamedTuple):
    """Where the fields of a rate are in a deck; made by :func:`propose_deck_columns`."""

    columns: dict  # field: number of the column, from 0
    options: dict  # what parse_deck_rows has to know beside it
    layout: str = ""  # '', or the vendor whose deck was recognised

    @property
    def is_complete(self):
        """Whether there is a prefix and a price."""
        columns = self.columns.keys()
        return bool(columns & {"prefix", "prefix_area", "prefix_country"}) and bool(
            columns & {"price_per_minute", "price_per_second"}
        )


def propose_deck_columns(header, sample_rows=()):
    """Which column of a rate deck most likely holds which field, and in what units.

    Known without a header are A2Billing's simple and complex rate cards, and decks that begin with
    prefix, name and price. Known units are CDRTool's (1/10000 of the currency) and, by the column's
    name, cents and prices per second. A list of phone numbers (layout 'dids') has no columns here:
    its prices are none of calls.

    :param header: list of the columns' names, or ``None``
    :param sample_rows: some rows, as lists of cells or :class:`deck_table.DeckRow`
    :return: :class:`DeckMapping`

    >>> propose_deck_columns(['Country', 'Dial Code', 'Price/min', 'Billing Increment']).columns
    {'prefix': 1, 'destination': 0, 'price_per_minute': 2, 'increment': 3}
    """
    rows = [list(getattr(row, "cells", row)) for row in sample_rows]
    rows = [row for row in rows if row]
    if not header:
        return _propose_by_content(rows)
    keys = [_key(name) for name in header]
    if keys[: len(_CDRTOOL)] == _CDRTOOL:
        return DeckMapping(
            {"prefix": 3, "service": 4, "connection_fee": 5, "price_per_minute": 6},
            {"price_scale": "0.0001", "fee_scale": "0.0001"},
            "cdrtool",
        )
    if _DID_KEYS.intersection(keys):
        return DeckMapping({}, {}, "dids")
    columns = {}
    for field, names in _NAMES.items():
        for name in names:
            if name in keys and keys.index(name) not in columns.values():
                columns[field] = keys.index(name)
                break
    _settle_prefix(columns, rows)
    options = {}
    for field, scale in (("price_per_minute", "price_scale"), ("connection_fee", "fee_scale")):
        if field in columns and _CENTS.search(header[columns[field]].lower()):
            options[scale] = "0.01"
    if "price_per_minute" in columns:
        columns.pop("price_per_second", None)
        if _PER_SECOND.search(header[columns["price_per_minute"]].lower()):
            columns["price_per_second"] = columns.pop("price_per_minute")
    return DeckMapping(columns, options)


def _key(name):
    """A column's name without currency and punctuation."""
    name = str(name).lower()
    name = _PARENTHESES.sub(" ", name)
    key = name_key(_CENTS.sub(" ", _CURRENCIES.sub(" ", name)))
    return "permin" if key in ("min", "minute") and "/" in name else key


def _settle_prefix(columns, rows):
    """Tell country and area codes from whole prefixes, and numbers in a column of names."""
    if "prefix" in columns:
        columns.pop("prefix_country", None)
        columns.pop("prefix_area", None)
    elif "prefix_area" in columns and "prefix_country" not in columns:
        columns["prefix"] = columns.pop("prefix_area")
    elif "prefix_country" in columns and "prefix_area" not in columns:
        columns["prefix"] = columns.pop("prefix_country")
    elif "prefix_country" not in columns and "destination" in columns and rows:
        at = columns["destination"]
        if all(len(row) > at and _DIGITS.fullmatch(row[at]) for row in rows[:20]):
            columns["prefix"] = columns.pop("destination")


def _propose_by_content(rows):
    rows = rows[:20]
    if not rows:
        return DeckMapping({}, {})
    if all(_is_a2billing_complex(row) for row in rows):
        return DeckMapping(
            {
                "prefix": 0,
                "destination": 1,
                "price_per_minute": 5,
                "initial_increment": 6,
                "increment": 7,
                "connection_fee": 8,
                "date_from": 22,
                "date_to": 23,
            },
            # disconnection charge, and the later price steps a, b and c
            {"extra_charges": tuple(range(9, 22))},
            "a2billing_complex",
        )
    if all(_is_a2billing_simple(row) for row in rows):
        return DeckMapping(
            {"prefix": 0, "destination": 1, "price_per_minute": 2, "date_from": 4},
            # Older cards have no date, so that the tag comes in its place.
            {"optional_dates": True},
            "a2billing_simple",
        )
    columns = {}
    tests = (("prefix", _is_prefix), ("price_per_minute", _is_price), ("destination", _is_name))
    for field, test in tests:
        for at in range(min(map(len, rows))):
            if at not in columns.values() and all(test(row[at]) for row in rows):
                columns[field] = at
                break
    return DeckMapping(columns, {})


def _is_prefix(cell):
    return bool(_PREFIX.fullmatch(cell))


def _is_price(cell):
    return bool(_DECIMAL.fullmatch(cell))


def _is_name(cell):
    return any(char.isalpha() for char in cell)


def _is_a2billing_simple(row):
    return (
        len(row) >= 5
        and _is_prefix(row[0])
        and _is_name(row[1])
        and _is_price(row[2])
        and _is_price(row[3])
        and not _is_price(row[4])
    )


def _is_a2billing_complex(row):
    return (
        len(row) >= _A2BILLING_COMPLEX_WIDTH
        and _is_prefix(row[0])
        and _is_name(row[1])
        and all(map(_is_price, row[2:22]))
    )
