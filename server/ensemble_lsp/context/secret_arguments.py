"""Secrets known by the statement, the function or the program that takes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from .secret_names import may_name_secret, span_of_value
from .secret_values import is_app_password, is_harmless, is_mixed, is_password_word, is_words

_EXAMPLE = re.compile(r"(?i)your|change|<|\$|%|\{|example|\.\.\.|sha|md5|utf|hs\d|rs\d|es\d")
_DESCRIPTION = re.compile(
    r"(?i)secret|password|key|token|jwt|hmac|test|some|dummy|fake|sample|placeholder|signing|private|shared|super|user|value|string|demo|session|cookie|salt|hash|digest|message|data"
)
_LETTERS = re.compile("[A-Za-z]+")
_NUMBER_OF_FIELDS = 4
"""Colons in a line of PostgreSQL's file of passwords."""
_MARKS = re.compile(
    "[\"'`=@|;/-]|:.*:| login |token |[wW]ord |phrase | is |community|nemonic|secret |psk |rootpw"
)


class _ArgumentRule(NamedTuple):
    """An expression, and the words of which a line must have one, in lower case."""

    words: tuple[str, ...]
    pattern: re.Pattern[str]
    takes_words: bool = False
    """Whether plain words are a secret here: a key of a cipher or a signature is one whatever it is."""


def _rule(words: str, pattern: str, *, takes_words: bool = False) -> _ArgumentRule:
    return _ArgumentRule(tuple(words.split("|")), re.compile(pattern, re.VERBOSE), takes_words)


_RULES = (
    # SQL
    _rule(
        "identified|password",
        r"""(?:(?i:\bset\s+password\s+for\s+\S{1,80}\s*=\s*)
            |(?i:\bidentified\s+(?:by|with\s+\S{1,40}\s+(?:by|as))\s*(?:password\s*)?)
            |(?<!["'<])\b(?i:password)(?:\s*=\s*|\s+))
        (?:N|(?i:password)\s*\(\s*)?'(?P<v>(?:''|[^'\n]){4,200})'""",
    ),
    _rule("identified", r"""(?i:\bidentified\s+by)\s+"?(?P<v>[^\s"'`;:$@?&%][^\s"'`;]{4,200})"""),
    _rule(
        "htpasswd|net use|<<<",
        r"""(?:\bnet\s+user\s+\S{1,40}\s+|\bhtpasswd\s+-\w*b\w*\s+\S{1,80}\s+\S{1,40}\s+|/user:\S{1,60}\s+|\b(?i:pw|pass|passwd|password|secret|token)\s*<<<\s*["']?)
        (?P<v>(?=[^\s"']*\d)[^\s"'$]{5,200})""",
    ),
    _rule("password", r"\bPASSWORD\s*\(\s*'(?P<v>[^'\n]{4,200})'"),
    _rule(
        "crypt",
        r"(?i:pgp_sym_(?:en|de)crypt|aes_(?:en|de)crypt|\bcrypt)\s*\([^,\n]{1,80},\s*'(?P<v>[^'\n]{4,200})'",
    ),
    # Programs that take a name and a password, or a password alone
    _rule(
        " -u|-user| -a|--auth",
        r"""\s(?:-u|--user|--proxy-user|-a|--auth)[=\s]?\s*["']?[^\s:"'$]{0,80}["']?:["']?(?P<v>[^\s"'$]{4,200})""",
    ),
    _rule(
        " -u|-user",
        r"""\s(?:-u|--user)[=\s]?\s*["']?(?P<v>(?=[^\s:]*\d)[^\s:"'$]{8,200}):(?=["']?(?:\s|$))""",
    ),
    _rule(
        "-p|-a|-w| /p| /rp| net user|pass:",
        r"""\b(?:useradd|usermod|psexec|zip|7za?|sqlcmd|bcp|schtasks|signtool|xfreerdp|lftp|login|sshpass|mongo(?:sh|dump|restore)?|upload|mysql|mysqldump|mysqladmin|mariadb|redis-cli|ansible\S*|smbclient|ldap\w+)\b[^\n|]{0,80}?
        [\s"',](?:-(?:p|P|a|w)|/r?p|/pass:)[ :]?["']?(?P<v>(?=[^\s"']*\d)(?=[^\s"']*[A-Za-z])[^\s"'$]{5,200})""",
    ),
    _rule(
        " login | auth| set-token|login -",
        r"""\b(?:cargo|vault|wandb|huggingface-cli|hf|railway|snyk|ngrok|doppler|convex|infisical|copilot|gh)\s+
        (?:auth\s+|config\s+)?(?:login|auth(?:token)?|add-authtoken|set-token)\s+["']?(?P<v>(?=\S*\d)[\w.~+/=-]{12,200})(?=["']?(?:\s|$))""",
    ),
    _rule(
        "secret|securestring|keyvault",
        r"""\b(?:(?:user-)?secrets?\s+(?:set|put|create|add|generic)\b|kv\s+put\b|put-parameter\b[^\n]{0,200}SecureString|config\s+set\s+--secret\b
            |keyvault\s+secret\b)[^\n]{0,200}?
        (?:\s["']?(?!-)[\w.:/-]{1,60}=["']?|\s--(?:value|body|secret-string)[=\s]["']?|<<<\s*["']?|\s["']?[\w:.-]{1,60}["']?\s+["'](?=[^"'\n]+["']\s*$)
            |(?<=--secret)\s+[\w:.-]{1,60}\s+)(?P<v>[^\s"'$<{]{4,400})""",
    ),
    _rule(
        "--from-literal",
        r"""--from-literal[=\s]["']?[\w.-]{1,80}=["']?(?P<v>[^\s"'$<{]{4,400})""",
    ),
    _rule(
        "http-basic.|pypi-token.|:_auth|:_password|bundle|sonar",
        r"""(?:\bconfig\s+(?:set\s+|--\S{1,20}\s+){0,3}["']?(?:http-basic\.\S{1,60}\s+\S{1,60}|pypi-token\.\S{1,40}|//\S{1,80}:_(?:authToken|auth|password))\s+["']?
            |\bBUNDLE_\w{2,60}__\w{2,60}\s*[:=]\s*["']?[\w.-]{1,60}:|\bbundle\s+config\s+(?:set\s+|--\S{1,20}\s+){0,3}\S{1,80}\s+[\w.-]{1,60}:
            |\bsonar[._](?i:login)["']?\s*[:=]\s*["']?(?=[\w-]{40}))(?P<v>[^\s"'$<{]{6,400})""",
    ),
    # Functions that take a key: HMACs, ciphers, signed tokens
    _rule(
        "signedstring|getbytes|hmac|createcipher|createdecipher|keyspec|fernet|jwt.|secretbox|symmetrickey|openssl_|aes.new|signwith|cookieparser|password_hash|fromhex|from_hex",
        r"""(?:SignedString\(\s*(?:\[\]byte\(\s*)?|\b[kK]ey\w*\s*=\s*[\w.]{0,30}Encoding\.\w{2,8}\.GetBytes\(\s*|hmac\.(?:new|digest|HMAC)\(\s*|pbkdf2_hmac\(\s*["']\w{1,20}["'],\s*|AES\.new\(\s*|signWith\(\s*[\w.]{1,40},\s*
            |(?:cookieParser|password_hash)\(\s*|openssl_(?:en|de)crypt\([^,\n]{1,80},\s*["'][\w-]{1,30}["'],\s*
            |\b(?i:key|secret)\s*=\s*(?=[\w.]*from_?hex\()(?:\w+\.)?from_?hex\(\s*|hmac\.New\([\w.]+,\s*\[\]byte\(|SecretKeySpec\(\s*|Fernet\(\s*|SecretBox\(\s*
            |create(?:Hmac|(?:Dec|C)ipher(?:iv)?)\(\s*["'`][^"'`\n]{1,40}["'`],\s*|hash_hmac\(\s*["'][^"']{1,20}["'],[^,\n]{1,60},\s*
            |(?i:jwt)\.(?:encode|decode|sign|verify)(?:\(\s*|[ ])[^"',()\n]{1,80}(?:\([^()\n]{0,80}\))?,\s*
            |Symmetric(?:Security)?Key\(\s*)
        (?:(?:Buffer|base64|Encoding|hex)[\w.]{1,40}\(\s*|bytes(?:\.fromhex)?\(\s*)?[bu]?(?P<q>["'`])(?P<v>(?:(?!(?P=q)).){6,400})(?P=q)""",
        takes_words=True,
    ),
    _rule(
        "networkcredential|wifi.begin|setbasicauth|basic_auth|userpassword|usernamepassword|pscredential|.login(|plainauth|pw_set(|addlogin",
        r"""(?:username_pw_set|sp_addlogin|NetworkCredential|PlainAuth\([^,()\n]{0,40},|PlainAuth|WiFi\.begin|SetBasicAuth|basic_auth|UserPassword|UsernamePassword\w*
            |PSCredential|\.login)(?:\(\s*|[ ])[^,()\n]{1,80},
        \s*(?:\(ConvertTo-SecureString\s+)?\s*(?P<q>["'])(?P<v>(?:(?!(?P=q)).){4,200})(?P=q)""",
    ),
    # The third argument, after a host or an address
    _rule(
        "ftp(|ftp_tls(|url.create(|create_user(|create_superuser(|plainauth(",
        r"""(?:\bFTP(?:_TLS)?|URL\.create|create_(?:super)?user|PlainAuth)\((?:[^,()\n]{1,80},\s*){2}(?P<q>["'])(?P<v>(?:(?!(?P=q)).){4,200})(?P=q)""",
    ),
    # A password or a key that is compared, encrypted with, or signed with
    _rule(
        "comparesync|checkpw|hashpw|hashsync|cryptojs|serializer(|signer(|plaintext|algolia",
        r"""(?:(?:compare|hash)Sync\(\s*|\b(?:checkpw|hashpw)\(\s*b?|CryptoJS\.\w{1,12}\.\w{1,12}\([^,()\n]{1,80},\s*|Serializer\(\s*|Signer\(\s*
            |algoliasearch\(\s*["']\w{1,20}["'],\s*|ConvertTo-SecureString\s+(?:-String\s+)?)
        (?P<q>["'])(?P<v>(?:(?!(?P=q)).){6,200})(?P=q)""",
        takes_words=True,
    ),
    # "Jwt": {"Key": "value"} in settings of .NET
    _rule(
        '"key"',
        r"""(?:^|[{,])\s*"Key"\s*:\s*"(?P<v>(?=[^"\n]*\d)(?=[^"\n]*[a-z])(?=[^"\n]*[A-Z])[^"\s]{16,400})"\s*(?:,|\}|$)""",
    ),
    _rule(
        "ldap_bind|real_connect|connect(",
        r"""\b(?:ldap_bind|mysql_real_connect|connect)\(\s*(?:[^,()\n]{1,60},\s*){1,2}(?=(?P<u>["'][^"'\n]{1,60}["']),)(?P=u),\s*
        (?P<q>["'])(?P<v>(?=[^"'\n]*\d)(?:(?!(?P=q)).){5,200})(?P=q)""",
    ),
    _rule(" -u|{noop}", r"""(?:\s-U\s*["']?[^\s%"']{1,60}%|\{noop\})(?P<v>[^\s"'$]{4,200})"""),
    # user:password@tcp(host) of Go's MySQL driver
    _rule(
        "@tcp(|@unix(|@udp(",
        r"""["'`=\s][\w.-]{1,60}:(?P<v>[^\s"'`$%{}]{3,200})@(?:tcp|unix|udp)\(""",
    ),
    _rule("tochararray", r"""["'](?P<v>[^"'\n]{4,200})["']\.toCharArray\(\)"""),
    # Sentences, and the file of a container registry's logins
    _rule(
        "password is|password was|passphrase is|token is|secret is|key is",
        r"""(?i:\b(?:pass(?:word|phrase)|token|secret|api[ ]key)[ ](?:is|was):?[ ])[*`"'_]{0,3}
        (?P<v>(?=\S{0,40}\d)(?=\S{0,40}[A-Za-z])[^\s*`"'<>]{6,200})""",
    ),
    # name:password, encoded for a header
    _rule(
        "btoa(|b64encode|buffer.from|base64",
        r"""(?:\bbtoa|b64encode|Buffer\.from|base64_encode|[bB]ase64\.\w{1,30}|EncodeToString)\(\s*(?:\[\]byte\(\s*)?b?["'`][\w.@-]{1,60}:
        (?P<v>[^\s"'`${]{4,200})["'`]""",
    ),
    # Wallets, and secrets of one-time passwords
    _rule(
        "mnemonic|seed",
        r"""(?i:mnemonic|seed[ _-]?phrase)\w{0,10}["']?\s*[:=]\s*["']?(?P<v>(?:[a-z]{3,8}[ ]){11,23}[a-z]{3,8})""",
        takes_words=True,
    ),
    _rule(
        "wallet|from_key|account|private|signer|keypair",
        r"""(?<=["'`])(?P<v>(?:0x)?(?=[a-f]*\d)[0-9a-fA-F]{64})(?=["'`])""",
    ),
    _rule("otp(", r"""(?i:[th]?otp)\(\s*["'](?P<v>[A-Z2-7]{16,64}=*)["']"""),
    _rule(
        "password|passphrase|passcode|community|secret|psk|rootpw|pass ",
        r"""(?:\b(?:pass(?:word|phrase|code)?|Pass(?:word|phrase|code)|secret|(?:wpa-)?psk|rootpw)|\b(?:snmp-server|r[ow])\s?community
            |-password-value)[*_`]{0,3}:?[*_`]{0,3}\s+(?:\d\s+|--\w{1,12}\s+)?["'`*]{0,2}
        (?P<v>(?!(?:pass|env|file):)(?=[^\s"'`]*\d)(?=[^\s"'`]*[A-Za-z])[^\s"'`(){}=,;<>\[\]]{6,200})""",
    ),
    _rule(
        " / ",
        r"""(?i:\b(?:admin\w*|root|sa|user\w*|test\w*|guest|demo|login))[ ]/[ ]
        (?P<v>(?=\S*\d)(?=\S*[A-Z])(?=\S*[^\w\s.,/()'"-])[^\s"'<>]{6,60})""",
    ),
    _rule(
        "auth|static:",
        r"""(?:(?i:basic_?auth|http_?auth)\w{0,12}["']?\s*[:=]\s*["']|\bstatic:)[\w.@-]{1,60}:(?P<v>[^\s"'$]{4,200})""",
    ),
    _rule(
        "auth",
        r"""(?:^|[\s{,])["']?auth["']?\s*:\s*["']?(?P<v>[A-Za-z0-9+/]{15,400}={0,2})["']?(?=\s*(?:[,}]|$))""",
    ),
    _rule("pass:", r"""\bpass:(?![\w,+]*\[)(?P<v>[^\s"'$]{4,200})"""),
    _rule(
        "echo",
        r"""\becho\s+(?:-n\s+)?["']?(?P<v>[^\s"'$|]{4,200})["']?\s*\|[^\n]{0,80}
        (?:--password-stdin|\bchpasswd|\bsudo\s+-S)""",
    ),
    _rule(
        "sqlplus|connect|thin:",
        r"""(?:\b(?:sqlplus|[cC]onnect|CONNECT)\s+(?:-\w+\s+)*|thin:)\w{1,40}/(?P<v>[^\s@/"']{4,200})@""",
    ),
    # Cookies and signed addresses
    _rule(
        "cookie| -b ",
        r"""(?:(?i:cookie)["']?\s*[:=]|\s(?:-b|--cookie)(?=[\s=]))[\s=]*["']?[^"'\n]{0,80}?(?i:sess|sid|auth|token)\w{0,20}=(?P<v>[^;\s"']{16,400})""",
    ),
    _rule(
        "sig=|ature=|oken=|key=|auth=|code=",
        r"[?&](?i:sig|signature|x-amz-signature|x-goog-signature|x-amz-security-token|key|auth|code)=(?P<v>[\w%+/=-]{20,400})",
    ),
)
_CALL = re.compile(
    r"""(?:\b(?i:auth|creds?|credentials)\s*=\s*|\bauth:\s*|(?i:auth)\w{0,10}|Credentials?|\blogin|\bconnect|[cC]onnection|PDO|mysqli(?:_connect)?
        |set_password)\s*[(\[]\s*(?:[^"'(),\n]{1,60},\s*|["'][^"'\n]{1,80}["'],\s*(?=["'][^"'\n]{1,80}["'],))?
    ["'][^"'\n]{0,80}["'],\s*(?:Some\()?(?P<q>["'])(?P<v>(?:(?!(?P=q)).){4,200})(?=["']\s*[,)\]])""",
    re.VERBOSE,
)
"""A name and a password, the two last strings among the arguments."""
_PGPASS = re.compile(r"[\w.*-]{1,80}:(?:\d{2,5}|\*):[\w*-]{1,60}:[\w*.-]{1,60}:(?P<v>\S{4,200})\s*")
"""host:port:database:user:password of PostgreSQL."""
_INSERT = re.compile(r"\binsert\s+into\b.{0,400}?\bvalues\b", re.IGNORECASE)
_SQL_STRING = re.compile(r"'(?P<v>[^'\n]{5,200})'")
_IN_CALLS = ("auth", "cred", "login", "connect", "pdo", "mysqli", "set_password")
_IN_ANY = re.compile(
    "|".join(
        map(
            re.escape,
            dict.fromkeys(
                word
                for words in (*(rule.words for rule in _RULES), _IN_CALLS, ("insert",))
                for word in words
            ),
        )
    )
)


def find_arguments(line: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of secrets in statements, calls and command lines."""
    for match, takes_words in _matches(line):
        if _is_secret(match["v"]) or (takes_words and _has_own_word(match["v"])):
            yield span_of_value(match)


def _matches(line: str) -> Iterator[tuple[re.Match[str], bool]]:
    if _MARKS.search(line) is None:
        return
    if line.count(":") == _NUMBER_OF_FIELDS and (fields := _PGPASS.fullmatch(line)):
        yield fields, False
    lower = line.lower()
    if _IN_ANY.search(lower) is None:
        return
    for rule in _RULES:
        if any(map(lower.__contains__, rule.words)):
            yield from ((match, rule.takes_words) for match in rule.pattern.finditer(line))
    if line.count('"') + line.count("'") >= 4 and any(map(lower.__contains__, _IN_CALLS)):
        yield from ((match, False) for match in _CALL.finditer(line))
    if "insert" in lower and (insert := _INSERT.search(line)) and may_name_secret(insert.group()):
        for match in _SQL_STRING.finditer(line, insert.end()):
            if is_mixed(match["v"]) and "@" not in match["v"]:
                yield match, False


def _has_own_word(value: str) -> bool:
    """Return whether words are more than the description of a key, as in ``your-secret-key``."""
    if _EXAMPLE.match(value) or not any(map(str.isalnum, value)):
        return False
    return any(len(word) > 3 for word in _LETTERS.findall(_DESCRIPTION.sub(" ", value)))


def _is_secret(value: str) -> bool:
    if value.isalpha() and is_words(value):
        return is_password_word(value)
    if is_app_password(value):
        return True
    return "<redacted>" not in value and not is_harmless(value)
