"""What the columns of call files are called."""

import unicodedata


def words(text):
    """The words of a text, as a set."""
    return frozenset(text.split())


OUTBOUND_WORDS = words(
    "outbound outgoing out originating origination sortant ausgehend saliente uscita uscente"
)
INBOUND_WORDS = words(
    "inbound incoming in terminating termination entrant eingehend entrante entrata"
)

# Our field: the names that switches give it, the better ones first; as `name_key` writes them.
_NAMES = {
    "uid": (
        # 3CX has a callid, too, which several of its records share
        "uid uuid uniqueid historyid callid calluuid callguid originid sipcallid callreference"
        " callref cdruniqueid cdrid cdruuid guid pkid sessionid acctuniqueid acctsessionid"
        " recordid referenceid reference interactionid id"
        " identifiant idappel anrufid gesprachsid idllamada idchiamata"
    ),
    "account_code": (
        "accountcode accountnumber accountid account billcode billingaccount customercode"
        " customernumber customerid customer clientcode clientid client subscriberid subscriber"
        " tenantaccount compte codecompte codeclient numeroclient kundennummer kunde konto cuenta"
        " codigocliente cliente conto codicecliente"
    ),
    "src": (
        "src source callingnumber callingpartynumber calling callernumber calleridnumber callerid"
        " caller clinumber cli ani anumber fromnumber fromno from srcusername srcuser origfromuser"
        " callingstationid sourcenumber originatingnumber userfrom"
        " appelant numeroappelant anrufer rufnummeranrufer origen numeroorigen llamante chiamante"
        " numerochiamante"
    ),
    "dst": (
        "dst destinationnumber callednumber calledpartynumber finalcalledpartynumber called"
        " calleenumber callee dialednumber dialledno dialednumbers diallednumber dialeddigits"
        " dialed dialled dialno dnis bnumber tonumber tono to dstusername dstuser calledstationid"
        " terminatingnumber destination finalnumber"
        " appele numeroappele numerocompose angerufener zielrufnummer ziel destino numerodestino"
        " llamado chiamato numerochiamato destinazione"
    ),
    "start": (
        "start starttime startstamp startdatetime startdate callstart callstarttime"
        " callstartdatetime setuptime setup calldate callstartdate datetime timestart"
        " datetimeorigination origination calltime timestamp eventtime date begintime begin"
        " debut datedebut heuredebut dateheure dateappel datum beginn startzeit anfang fecha inicio"
        " fechahora fechainicio data dataora inizio datainizio"
    ),
    "start_time": "time timeofday hour heure uhrzeit zeit hora ora",
    "answer": (
        "answer answertime answerstamp answerdate answerdatetime answered answeredtime timeanswer"
        " timeanswered connecttime connect connectdatetime datetimeconnect callanswerdatetime"
        " decroche beantwortet contestada risposta"
    ),
    "end": (
        "end endtime endstamp enddate stoptime stop hanguptime hangup disconnecttime disconnect"
        " releasetime timeend timerelease datetimedisconnect calldisconnectdatetime"
        " fin datefin heurefin ende endzeit fechafin fine datafine"
    ),
    "billsec": (
        "billsec billedseconds billableseconds billingseconds billseconds billedduration"
        " billableduration billedtime billabletime billedsec talktime talkseconds timetalking"
        " talkingduration calltalkingdurationseconds conversationtime answeredseconds usage"
        " chargeableseconds chargedseconds chargedduration"
        " dureefacturee secondesfacturees dureeconversation gesprachsdauer abgerechnetedauer"
        " segundosfacturados duracionfacturada secondifatturati duratafatturata"
    ),
    "billsec_ms": "billmsec billms billedms billsecms billablemilliseconds talktimems",
    "duration": (
        "duration durationseconds durationsec durationinseconds durationsecs callduration"
        " calltotaldurationseconds totalduration seconds sec length elapsed acctsessiontime"
        " duree dureesecondes dauer dauersekunden duracion durata"
    ),
    "duration_ms": "mduration durationms durationmsec msduration durationmilliseconds",
    "disposition": (
        "disposition status callstatus result callresult"
        " statut resultat ergebnis estado resultado esito stato"
        " hangupcause cause terminationcause releasecause releasetext causecode sipcode reason"
        " reasonterminated disconnectreason terminatecause q850cause"
    ),
    "direction": (
        "direction calldirection calltype type typeofcall sens richtung sentido direccion direzione"
    ),
    "sip_user": (
        "sipuser sipuserid sipusername authuser authusername username user endpoint peer extension"
        " device origdevicename channel utilisateur poste benutzer nebenstelle usuario utente"
        " interno"
    ),
    "trunk": (
        "trunk trunkname trunkid trunkgroup gateway ingressgateway sourceip srcip remoteip"
        " ipaddress ip networkip originip clientip route"
    ),
    # not the call that a row came from (parent, linked): who names it is the other leg, not the
    # one that is charged, or a call of its own
    "bleg_uid": "bleguuid bleguid otherlegcallid otherleguuid otherlegid bridgeuuid bridgeid",
}
FIELDS = tuple(_NAMES)
_NAMES = {field: tuple(names.split()) for field, names in _NAMES.items()}
for _field in ("billsec", "duration"):
    _NAMES[f"{_field}_ms"] += tuple(f"{name}ms" for name in _NAMES[_field])
_UNITS = ("inseconds", "seconds", "secs", "sec", "secondes", "sekunden", "segundos", "secondi")
_MINIMUM = 3


def name_key(name):
    """A column's name reduced to what matters for comparing it: letters and digits.

    :param name: name as it is in the file (``str``)
    :return: lower-case ASCII ``str``

    >>> name_key(' Durée (sec.)')
    'dureesec'
    """
    plain = unicodedata.normalize("NFKD", name.casefold())
    return "".join(char for char in plain if char.isascii() and char.isalnum())


def propose_columns(header):
    """Which column of a call file most likely holds which field.

    :param header: list of the columns' names
    :return: ``dict`` of field: name of the column as it is in the header; a field for which no
        usual name is there is left out, and no column serves two fields

    >>> propose_columns(['Call-ID', 'Start Time', 'From', 'To', 'Bill Sec', 'Account'])
    ... # doctest: +NORMALIZE_WHITESPACE
    {'uid': 'Call-ID', 'account_code': 'Account', 'src': 'From', 'dst': 'To',
     'start': 'Start Time', 'billsec': 'Bill Sec'}
    """
    by_key = {}
    for name in header:
        by_key.setdefault(name_key(name), name)
    for key, name in list(by_key.items()):
        for unit in _UNITS:
            if key.endswith(unit):
                by_key.setdefault(key.removesuffix(unit), name)
    mapping = {}
    for field, names in _NAMES.items():
        for name in names:
            if name in by_key:
                mapping[field] = column = by_key[name]
                by_key = {key: other for key, other in by_key.items() if other != column}
                break
    if "start" not in mapping:
        mapping.pop("start_time", None)
    return mapping


def looks_like_header(cells):
    """Whether the first line of a file is a header of call columns.

    :param cells: its cells
    :return: ``bool``
    """
    mapping = propose_columns(cells)
    return len(mapping) >= _MINIMUM and "start" in mapping and "dst" in mapping
