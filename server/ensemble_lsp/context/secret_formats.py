"""Formats of tokens: the prefixes and lengths that services document and secret scanners list.

Facts from the rules of gitleaks and detect-secrets, and from the services' own documents. A length
is the shortest one seen; a match takes along all characters of a token that follow it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_CLOUDS = r"""
    A3T[A-Z0-9]{17} | (?:AKIA|ASIA|AGPA|AIDA|AROA|ANPA|ANVA|AIPA|ABIA|ACCA)[A-Z0-9]{16}
    | ABSK[A-Za-z0-9+/]{100,} | bedrock-api-key-[A-Za-z0-9+/=]{20,}
    | IQoJb3JpZ2lu[A-Za-z0-9+/=]{60,} | FwoGZXIvYXdz[A-Za-z0-9+/=]{60,}
    | AIza[\w-]{35} | ya29\.[\w-]{20,} | GOCSPX-[\w-]{20,} | 1//0[\w-]{40,}
    | [A-Za-z0-9_~.-]{3}\dQ~[A-Za-z0-9_~.-]{31,34}
    | do[opr]_v1_[0-9a-f]{64} | LTAI[A-Za-z0-9]{17,21} | AKID[A-Za-z0-9]{32}
    | t1\.[A-Z0-9a-z_-]+=?\.[A-Z0-9a-z_-]{86} | AQVN[\w-]{35,38} | y0_[\w-]{50,}
    | HRKU-[\w-]{36,} | fo1_[\w-]{43} | fm[12][ar]?_[A-Za-z0-9+/]{60,} | FlyV1\s[\w,+/=-]{40,}
    | nfp_[A-Za-z0-9]{36} | vercel_blob_rw_\w{20,} | vc[apik]_[A-Za-z0-9]{24,} | rnd_[A-Za-z0-9]{28,}
    | v1\.0-[0-9a-f]{24}-[0-9a-f]{100,} | cf(?:ut|at|k)_[A-Za-z0-9]{32,}
    | sb_(?:secret|publishable)_[\w-]{20,} | sbp_(?:oauth_|v0_)?[0-9a-f]{40} | tk-us-[\w-]{48}
    | pscale_(?:tkn|pw|oauth)_[\w=.-]{30,} | napi_[A-Za-z0-9]{40,}
    | tskey-[a-z]+-[\w-]{20,} | dnkey-[\w=-]{26}-[\w=-]{52}
    | hvs\.[\w-]{20,} | hv[br]\.[\w-]{60,} | [A-Za-z0-9]{14}\.atlasv1\.[\w=-]{40,}
    | dt0[a-z]\d\d\.[A-Z0-9]{24}\.[A-Z0-9]{60,} | pul-[0-9a-f]{40} | dp\.[a-z]{2,7}(?:\.[\w-]+)?\.[A-Za-z0-9]{40,}
    | sha256~[\w-]{43} | A3-[A-Z0-9]{6}-[A-Z0-9-]{20,} | ops_eyJ[A-Za-z0-9+/]{60,} | ico-[A-Za-z0-9]{32}
    | 4b1d[A-Za-z0-9]{38} | pnu_[A-Za-z0-9]{36} | API-[A-Z0-9]{25,32} | AVNS_[\w-]{15,} | GOOG1[A-Z0-9]{50,}
    | amzn\.mws\.[0-9a-f-]{36} | s\.(?=[A-Z]*\w*\d)(?=\w*[A-Z]{2})[A-Za-z0-9]{24}(?![\w(]) | mdb_sa_sk_[\w-]{30,}
    | xa[ap]t-[0-9a-f-]{36} | hcai?[ck]_[a-z0-9]{32,}
    | signkey-[a-z]+-[0-9a-f]{32,} | AQ\.A[\w-]{40,} | [01]\.A[\w-]{40,}\.[\w-]{20,}[\w.-]* | dose[0-9a-f]{32}
    | 00D[A-Za-z0-9]{12,15}![\w.]{60,} | 5Aep861[\w.]{50,} | 1000\.[0-9a-f]{32}\.[0-9a-f]{32}
    | 0\.[0-9a-f-]{36}\.[A-Za-z0-9]{30}:[A-Za-z0-9+/]{20,} | st\.[0-9a-f]{24}\.[0-9a-f]{32}\.[0-9a-f]{32}
    | (?:bce-v3/)?ALTAK-[A-Za-z0-9]{16,}/[0-9a-f]{40} | essu_[A-Za-z0-9+/]{40,} | cflt[A-Za-z0-9+/]{60}"""

_FORGES = r"""
    gh[pousr]_[A-Za-z0-9]{30,255} | github_pat_\w{22,255}
    | gl(?:pat|dt|rt|rtr|cbt|ptt|ft|ffct|imt|agent|soat|oas|wt)-[\w.-]{20,} | GR1348941[\w-]{20,}
    | npm_[A-Za-z0-9]{30,} | pypi-[\w-]{40,} | rubygems_[0-9a-f]{40,} | cio[A-Za-z0-9]{32} | oy2[a-z0-9]{43}
    | CLOJARS_[a-z0-9]{40,} | dckr_(?:pat|oat)_[\w-]{20,} | AKCp[A-Za-z0-9]{60,} | cmVmdGtu[A-Za-z0-9]{50,}
    | ATATT3[\w=-]{60,} | ATCTT3[\w=-]{60,} | ATBB[A-Za-z0-9]{24,} | BBDC-[A-Za-z0-9+/@]{40,}
    | sq[upa]_[0-9a-f]{40} | bk[a-z]{1,2}_[0-9a-f]{40} | CCIPAT_\w{20,} | sgp_(?:\w+_)?[0-9a-fA-F]{40}
    | sntry[su]_[A-Za-z0-9+/=_]{40,} | NR(?:AK|AA|IQ|RA|II|JS|BR)-[A-Za-z0-9_-]{19,} | [0-9a-f]{32,36}(?:FFFF)?NRAL
    | gl(?:sa|c)_[A-Za-z0-9+/=]{32,}\w* | eyJrIjoi[A-Za-z0-9+/=]{40,} | PMA[KT]-[A-Za-z0-9-]{40,}
    | lin_(?:api|oauth)_[A-Za-z0-9]{32,} | figd_[\w-]{38,} | figo[a-z]?_[\w-]{30,} | ntn_[A-Za-z0-9]{40,}
    | secret_[A-Za-z0-9]{43} | pat[A-Za-z0-9]{14}\.[0-9a-f]{64} | phc_[A-Za-z0-9]{40,} | phx_[A-Za-z0-9]{40,}
    | rdme_[a-z0-9]{60,} | CFPAT-[\w-]{40,} | tfp_[\w.=-]{50,} | fio-u-[\w=-]{60,}
    | lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10} | wandb_v1_\w{40,} | ctx7sk-[\w-]{30,} | waka_[0-9a-f-]{36}
    | snyk_[us]at\.[\w.-]{40,} | pat-(?:na|eu|ap)\d-[0-9a-f-]{36} | s-s4t2(?:ud|af)-[0-9a-f]{64} | e2b_[0-9a-f]{40}
    | [0-2]/(?:\d{10,}/)?\d{10,}:[0-9a-f]{32} | sl\.(?:u\.)?[\w-]{60,} | zpka_\w{32,}
    | [sp]at\.[\w-]{22}\.[0-9a-f]{24}\.[A-Za-z0-9]{20}
    | (?:sdk|api|mob)-[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12} | sec-c-[A-Za-z0-9+/]{40,}
    | packagist_[a-z]{3}_[0-9a-f]{60,}
    | tr_(?:(?:dev|prod|stg|preview)_[A-Za-z0-9]{20,}|pat_[a-z0-9]{40}) | pk_\d{6,}_[A-Z0-9]{32}
    | ser\.(?=\w*\d)[A-Za-z0-9]{22}(?!\w)
    | api_(?=[A-Za-z]*\d)[A-Za-z0-9]{22}\.(?=[A-Za-z]*\d)[A-Za-z0-9]{22}
    | (?:sc|ext|scauth|authress)_[a-z0-9]{5,30}\.[a-z0-9]{4,6}\.acc[_-][a-z0-9-]{10,32}\.[\w+/=-]{30,}
    | p\.eyJ[\w-]{20,}\.[\w-]{30,}"""

_MODELS = r"""
    sk-(?:ant|proj|svcacct|admin|or|lf|None|kimi)-[\w-]{16,} | sk-(?=[\w-]{0,60}\d)[A-Za-z0-9_-]{20,}
    | gsk_[A-Za-z0-9]{30,} | xai-[A-Za-z0-9]{40,} | pplx-[A-Za-z0-9]{30,} | r8_[A-Za-z0-9]{30,}
    | (?:hf|api_org)_[A-Za-z0-9]{30,} | nvapi-[\w-]{40,} | fw_[A-Za-z0-9]{20,} | tgp_v1_[\w-]{40,} | csk-[a-z0-9]{40,}
    | a[ks]-(?=[A-Za-z]*\d)[A-Za-z0-9]{22}(?![\w-]) | sk_[0-9a-f]{48} | fc-[0-9a-f]{32} | scp-(?:live|test)-[0-9a-f]{32}
    | dapi[0-9a-f]{32}(?:-\d)? | jina_[A-Za-z0-9]{50,} | pa-[\w-]{40,} | pcsk_\w{50,}
    | [0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}:[0-9a-f]{32}
    | [0-9a-f]{32}\.(?=[\w-]*\d)[A-Za-z0-9_-]{16,24}(?![\w.-])
    | VF\.[A-Z]{2,3}\.[0-9a-f]{24}\.[A-Za-z0-9]{16} | LLM\|\d{10,}\|[\w-]{20,}"""

_MESSAGES = r"""
    xox[abceoprs](?:\.xox[abp])?-[\w-]{10,} | xapp-\d-[\w-]{10,} | xwfp-[\w-]{20,}
    | SG\.[\w-]{16,}\.[\w-]{16,} | (?:AC|SK)[0-9a-f]{32} | (?:pub)?key-[0-9a-z]{32} | [0-9a-f]{32}-us\d{1,2}
    | \d{8,10}:[A-Za-z0-9_-]{35} | [MNO][A-Za-z\d_-]{23,27}\.[\w-]{6}\.[\w-]{27,}
    | xkeysib-[0-9a-f]{64}-[A-Za-z0-9]{16} | xsmtpsib-[0-9a-f]{64}-[A-Za-z0-9]{16} | re_[A-Za-z0-9]{8}_[A-Za-z0-9]{20,}
    | EAA[A-Za-z0-9]{60,} | \d{15,16}(?:\||%7C)(?=[\w-]*\d)[\w-]{27}
    | os_v2_(?:app|org)_[a-z0-9]{60,} | [0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8} | mlsn\.[0-9a-f]{60,}
    | md-[\w-]{22}(?![\w-]) | GenieKey\s[0-9a-f-]{36}"""

_PAYMENTS = r"""
    [srp]k_(?:live|test|prod)_[A-Za-z0-9]{10,} | whsec_[A-Za-z0-9+/=]{20,}
    | shp(?:at|ca|pa|ss|ua|tka)_[0-9a-fA-F]{32} | sq0[a-z]{3}-[\w-]{22,} | EAAA[\w-]{22,60}
    | shippo_(?:live|test)_[0-9a-fA-F]{40} | EZ[AT]K[A-Za-z0-9]{54} | duffel_(?:test|live)_[\w=-]{40,}
    | FLW(?:SEC|PUB)K[_-]?(?:TEST)?-[a-zA-Z0-9]{12,}(?:-X)? | access-(?:sandbox|development|production)-[0-9a-f-]{36}
    | rzp_(?:live|test)_[A-Za-z0-9]{14,} | pk\.eyJ[\w-]{20,}\.[\w-]{20,} | [st]k\.eyJ[\w-]{20,}\.[\w-]{20,}
    | [A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk | p8e-[A-Za-z0-9]{32} | sm_[aps]at_[A-Za-z0-9]{16}
    | access_token\$\w{4,12}\$[0-9a-z]{16}\$[0-9a-f]{32} | (?:live|test)_(?:pub_)?[0-9a-f]{35}(?!\w)"""

_STANDARDS = r"""
    eyJ[\w-]{8,2000}\.eyJ[\w-]{8,}(?:\.[\w-]+)? | eyJ[\w-]{16,2000}\.\.?[\w-]{8,}\.[\w-]{8,}[\w.-]*
    | AGE-SECRET-KEY-1[0-9A-Z]{50,} | MII[A-Z][A-Za-z0-9+/]{2}IBA(?:DAN|AK[BC])[A-Za-z0-9+/]{20,}
    | MHcCAQEE[A-Za-z0-9+/]{20,}
    | b3BlbnNzaC1rZXktdjE[A-Za-z0-9+/]{20,} | LS0tLS1CRUdJTiB(?:SU0Eg|QUklWQVRF|FQyBQ|PUEVOU1NI|FTkNSWVBUR)[A-Za-z0-9+/]{20,}
    | \$(?:apr1|2[abxy]|[1567]|y|gy|argon2(?:id?|d))\$[\w./$=,+-]{20,}"""

_LIKE_OTHERS = r"""
    (?!(?:sha|md|crc|rev|git|commit|hash|etag|blake|img|id)[_-]?\d{0,3}[_-])
    [a-z][a-z0-9]{1,7}(?:_[a-z]{2,6})?_(?:[0-9a-f]{30,36}|[0-9a-f]{40}|[0-9a-f]{48}|[0-9a-f]{64})(?![\w.])"""
"""A short name and random hexadecimal, as most services form their tokens."""

_KEYS = re.compile(
    "(?<![A-Za-z0-9])(?:"
    + "|".join((_CLOUDS, _FORGES, _MODELS, _MESSAGES, _PAYMENTS, _STANDARDS, _LIKE_OTHERS))
    + r")[\w+/=-]*",
    re.VERBOSE,
)

_BEGUN = re.compile(
    r"""(?<![A-Za-z0-9_-])(?:
      (?P<letters>gh[pousr]_|github_pat_|gl(?:pat|rt|dt|ptt)-|xox[abpr]-|xapp-\d-|[sr]k_(?:live|test)_|whsec_
        |sk-(?:ant|proj|svcacct|or-v1)-|gsk_|xai-|pplx-|r8_|hf_|npm_|pypi-|dop_v1_|dckr_pat_|shp(?:at|ss|ca)_
        |AIza|ya29\.|GOCSPX-|SG\.|lin_api_|ntn_|figd_|glsa_|glc_|ATATT3|sntry[su]_|PMAK-|dp\.pt\.|pul-|NRAK-
        |pscale_(?:tkn|pw)_|fm2_|nfp_|sbp_|sb_secret_|hvs\.|dapi|tskey-auth-)
      (?P<body>[\w-]{6,})
    | (?:AKIA|ASIA)[A-Z0-9]{6,} | eyJ(?:hbGciOi|0eXAiOi)[\w.-]+ )""",
    re.VERBOSE,
)
"""A token that is being typed, or that was cut: its prefix and at least six characters."""

_RUN = re.compile(r"[\w.:$/~+=-]{10}")
_DIGIT = re.compile(r"\d")
_LONG = re.compile(r"[\w.:$/~+=-]{18}")
_LONG_RUN = re.compile(r"[^\W_]{20}")
_LETTERS = re.compile(r"[a-z_-][A-Z]{2}|[A-Z][a-z][A-Z]|AKIA|ASIA")
"""Begun tokens without a digit."""
_PLAIN = re.compile(
    r"[a-z]+(?:[_-][a-z]+)*[_-]?\d{0,2}|[A-Z]+(?:[_-][A-Z]+)*[_-]?\d{0,2}|[A-Z][a-z]+|.*[xX]{5}.*"
)
_NAME = re.compile(r"(?:[a-z]{1,8}[_-]){1,2}[a-z]{3,}(?:[A-Z][a-z]{2,})+")
"""``hf_requiredCharacteristicTypesForDisplay``."""
_MASKED = re.compile(r"[xX]{8}|\*{4}|\.{4}")


def find_tokens(line: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of tokens of known formats, whole or begun, where ``may_hold_token``."""
    if has_long_run(line):
        for match in _KEYS.finditer(line):
            if not is_masked(match.group()) and not _NAME.fullmatch(match.group()):
                yield match.span()
    for match in _BEGUN.finditer(line):
        body = match["body"]
        if body is None or not (_PLAIN.fullmatch(body) or _NAME.fullmatch(match.group())):
            yield match.span()


def is_masked(text: str) -> bool:
    """Return whether a token only shows what one looks like."""
    return _MASKED.search(text) is not None


def has_long_run(line: str) -> bool:
    """Return whether a run of characters is as long as a whole token."""
    return _LONG.search(line) is not None


def may_hold_token(line: str) -> bool:
    """Return whether a line has a run of characters as long as a token, and unlike names."""
    if _RUN.search(line) is None:
        return False
    if _DIGIT.search(line) or _LONG_RUN.search(line):
        return True
    return ("_" in line or "-" in line or "A" in line) and _LETTERS.search(line) is not None
