"""Which country a text means that people typed into an address. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from ml_connector.core.match import normalise_name

#: ISO 3166-1, alpha-2 and alpha-3, and Kosovo, which has codes by custom only.
_CODE_PAIRS = """
    AD:AND AE:ARE AF:AFG AG:ATG AI:AIA AL:ALB AM:ARM AO:AGO AQ:ATA AR:ARG AS:ASM AT:AUT AU:AUS AW:ABW AX:ALA AZ:AZE
    BA:BIH BB:BRB BD:BGD BE:BEL BF:BFA BG:BGR BH:BHR BI:BDI BJ:BEN BL:BLM BM:BMU BN:BRN BO:BOL BQ:BES BR:BRA BS:BHS
    BT:BTN BV:BVT BW:BWA BY:BLR BZ:BLZ CA:CAN CC:CCK CD:COD CF:CAF CG:COG CH:CHE CI:CIV CK:COK CL:CHL CM:CMR CN:CHN
    CO:COL CR:CRI CU:CUB CV:CPV CW:CUW CX:CXR CY:CYP CZ:CZE DE:DEU DJ:DJI DK:DNK DM:DMA DO:DOM DZ:DZA EC:ECU EE:EST
    EG:EGY EH:ESH ER:ERI ES:ESP ET:ETH FI:FIN FJ:FJI FK:FLK FM:FSM FO:FRO FR:FRA GA:GAB GB:GBR GD:GRD GE:GEO GF:GUF
    GG:GGY GH:GHA GI:GIB GL:GRL GM:GMB GN:GIN GP:GLP GQ:GNQ GR:GRC GS:SGS GT:GTM GU:GUM GW:GNB GY:GUY HK:HKG HM:HMD
    HN:HND HR:HRV HT:HTI HU:HUN ID:IDN IE:IRL IL:ISR IM:IMN IN:IND IO:IOT IQ:IRQ IR:IRN IS:ISL IT:ITA JE:JEY JM:JAM
    JO:JOR JP:JPN KE:KEN KG:KGZ KH:KHM KI:KIR KM:COM KN:KNA KP:PRK KR:KOR KW:KWT KY:CYM KZ:KAZ LA:LAO LB:LBN LC:LCA
    LI:LIE LK:LKA LR:LBR LS:LSO LT:LTU LU:LUX LV:LVA LY:LBY MA:MAR MC:MCO MD:MDA ME:MNE MF:MAF MG:MDG MH:MHL MK:MKD
    ML:MLI MM:MMR MN:MNG MO:MAC MP:MNP MQ:MTQ MR:MRT MS:MSR MT:MLT MU:MUS MV:MDV MW:MWI MX:MEX MY:MYS MZ:MOZ NA:NAM
    NC:NCL NE:NER NF:NFK NG:NGA NI:NIC NL:NLD NO:NOR NP:NPL NR:NRU NU:NIU NZ:NZL OM:OMN PA:PAN PE:PER PF:PYF PG:PNG
    PH:PHL PK:PAK PL:POL PM:SPM PN:PCN PR:PRI PS:PSE PT:PRT PW:PLW PY:PRY QA:QAT RE:REU RO:ROU RS:SRB RU:RUS RW:RWA
    SA:SAU SB:SLB SC:SYC SD:SDN SE:SWE SG:SGP SH:SHN SI:SVN SJ:SJM SK:SVK SL:SLE SM:SMR SN:SEN SO:SOM SR:SUR SS:SSD
    ST:STP SV:SLV SX:SXM SY:SYR SZ:SWZ TC:TCA TD:TCD TF:ATF TG:TGO TH:THA TJ:TJK TK:TKL TL:TLS TM:TKM TN:TUN TO:TON
    TR:TUR TT:TTO TV:TUV TW:TWN TZ:TZA UA:UKR UG:UGA UM:UMI US:USA UY:URY UZ:UZB VA:VAT VC:VCT VE:VEN VG:VGB VI:VIR
    VN:VNM VU:VUT WF:WLF WS:WSM XK:XKX YE:YEM YT:MYT ZA:ZAF ZM:ZMB ZW:ZWE
    """
_CODES = dict(pair.split(":") for pair in _CODE_PAIRS.split())

#: What people write and no list of codes or names has; keys as ``_folded`` gives them.
_ALIASES: Mapping[str, str] = {
    "america": "US",
    "unitedstatesofamerica": "US",
    "uk": "GB",
    "england": "GB",
    "scotland": "GB",
    "wales": "GB",
    "northernireland": "GB",
    "greatbritain": "GB",
    "britain": "GB",
    "holland": "NL",
    "thenetherlands": "NL",
    "korea": "KR",
    "republicofkorea": "KR",
    "czechia": "CZ",
    "slovakrepublic": "SK",
    "northmacedonia": "MK",
    "russianfederation": "RU",
    "peoplesrepublicofchina": "CN",
    "prc": "CN",
    "hongkongsar": "HK",
    "republicofireland": "IE",
    "ivorycoast": "CI",
    "uae": "AE",
    "burma": "MM",
    "turkiye": "TR",
    "eswatini": "SZ",
    "kosovo": "XK",
}


@lru_cache(maxsize=10_000)
def find_region(text: str) -> str:
    """The ISO 3166 alpha-2 code that a code or a name in some language means ("USA", "Deutschland"); "" for none."""
    folded = _folded(text)
    if folded.upper() in _CODES:
        return folded.upper()
    return _by_code_or_alias().get(folded) or (_by_name().get(folded, "") if len(folded) > 3 else "")


def _folded(text: str) -> str:
    return normalise_name(text).replace(" ", "")


@lru_cache(maxsize=1)
def _by_code_or_alias() -> Mapping[str, str]:
    return {three.lower(): two for two, three in _CODES.items()} | dict(_ALIASES)


@lru_cache(maxsize=1)
def _by_name() -> Mapping[str, str]:
    """The names in all languages that phonenumbers' table has, folded; no name of it means two countries."""
    found: dict[str, str] = {}
    for region, names in _locale_data().items():
        # A name that another language shares is written as "*" and that language.
        found |= {_folded(name): region for name in set(names.values()) if not name.startswith("*")}
    return found


def _locale_data() -> Mapping[str, Mapping[str, str]]:
    """The table of phonenumbers: region -> language -> name.

    It is read as a file because importing it as a module loads the package around it: 0.6 s for areas of no use here.
    """
    import phonenumbers

    path = Path(phonenumbers.__file__).parent / "geodata" / "locale.py"
    spec = spec_from_file_location("phonenumbers.geodata.locale", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    table: Mapping[str, Mapping[str, str]] = module.LOCALE_DATA
    return table
