"""Common words of requests, some of which are also the name of a small place somewhere."""

from __future__ import annotations

_COMMON = """a able about after all also amount an and any are around arrival arrive arrives arriving as asap
    ask at avoid
    avoiding back banana bar bath bay be bell best between big board book born both box boxes bring budget but
    buoy bush by can canal cape cargo carry carrying cheap cheapest class client coal commodity company
    consignment container containers cost costs could customer date day days deadline deal dear deliver delivered
    delivery depart departing departure deep destination discharge discharging do dollars door draft draught
    drawing dry due early eden ely ende equipment ever every export factory fast fastest feeder feet fifty find
    first five fixture for freight from full get give go goes going good goods grain great hamlet have hello help
    hi home hook hope hull i if import in into is it its january just keep kind king la last latest leave leaves
    leaving less lift linden load loaded loading long look looking lot machinery mail make male many max maximum
    me metres mobile most move moving must my name near need needed needs new next nice no north not note now oil
    of off ok old on one only open or orange order orders origin our out over own par pass per pick plan please
    poplar port ports product products proceed provide quick quickest quote reach reading ready reefer regards
    request requested require reserve rice rio road route routing run rye safe sail sailing sale same sandwich sea
    sell send sending shall she ship shipment shipped shipping ships short should slot some soon south split stade
    start steel stow stuff suggest supply take tanker tell than thank thanks that the their them then there
    this three time to today tomorrow ton tonnes tons total toys transit transport travel trip two under union up
    urgent us use van vessel via voyage want wants warehouse we week west what when where which wheat who will
    willow wish with within without work would year you your monday tuesday wednesday thursday friday saturday
    sunday february march april may june july august september october november december teu feu teus usd eta etd
    pol pod fob cif max panamax neopanamax suezmax capesize handymax handysize aframax vlcc ulcv mv ms imo loa crd
    maersk msc cma cgm hapag lloyd evergreen cosco one hmm zim yang ming"""
COMMON_WORDS = frozenset(_COMMON.split())
"""Words that are no place when they stand alone in lower case or open a sentence."""
