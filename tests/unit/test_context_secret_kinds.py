"""Kinds of secrets in many languages: each is replaced, and the text around it is kept."""

from __future__ import annotations

import random
import re
import string

import pytest
from benchmarks.secrets import leaks

from ensemble_lsp.context.secret_redaction import PLACEHOLDER, Redactor

ALPHABETS = {
    "a": string.ascii_letters + string.digits,
    "h": "0123456789abcdef",
    "U": string.ascii_uppercase + string.digits,
    "b": string.ascii_letters + string.digits + "+/",
    "d": string.digits,
}
redact = Redactor().redact


def drawn(pattern: str) -> str:
    """A pattern with random characters: ``{a36}`` is 36 letters and digits; the same in every run."""
    rng = random.Random(pattern)

    def draw(match: re.Match[str]) -> str:
        alphabet = ALPHABETS[match[1]]
        return "".join(rng.choice(alphabet) for _ in range(int(match[2])))

    return re.sub(r"\{([ahUbd])(\d+)\}", draw, pattern)


ASSIGNMENTS = [
    "password: «hunter2»  # until Monday",
    "password: «swordfish» # staging",
    "  db_password: «Tr1cky»",
    "DB_PASS=«hunter2»",
    "export DB_PASS=«opensesame»",
    "app.password=«letmein»",
    "api.secret = «9f8s7d6f5»",
    'PASSWORD = "«swordfish»"',
    'x = {"password": "«swordfish»"}',
    "client_secret: '«Ab#9!kq»'",
    'self._password = "«Kq!82_x»"',
    'const dbPass = "«b1gCat»";',
    'val storePassword = "«an droid1»"',
    'storepass="«k3yStore»"',
    'String pwd = new String("x"); String dbPwd = "«j4vaPwd»";',
    'let token: Option<&str> = Some("«r8kQ2mZx»");',
    "password = «ini5ecret»",
    "$dbpass = '«ph9Pass»';",
    "define( 'AUTH_KEY', '«x{8s]#kq 9)zL!»' );",
    'psk="«wifi-Pa55»"',
    "private_key = «0x{h64}»",
    'mnemonic = "«ripple tiger cloud often arch net film gap wood kind ozone pulp»"',
    'token == "«m4gic»"',
    "secret_key_base: «{h64}»",
    '[assembly: Secret(Password = "«c5harp»")]',
    "spring.redis.password: «R3dis!»",
    "password_1: «num8ered»",
    'password = "«yqDVtkqPECriaLRi»"',
    'val props = mapOf("user" to "bob", "password" to "«k0tlinPw»")',
    'token = bytes.fromhex("«{h32}»")',
    'const token = atob("«{a20}ZA==»");',
    'if password in ("«swordfish9»", None):',
    'const HEROKU_KEY = "«{h8}-{h4}-{h4}-{h4}-{h12}»"',
    "Fastly-Key: «{h32}»",
    "sonar.login=«{h40}»",
    "BUNDLE_GEMS__CONTRIBSYS__COM: «c4febab3:d34dbe3f»".replace("«c4febab3:", "c4febab3:«"),
    'password = "«12345678»"',
]
ARGUMENTS = [
    "os.getenv('DB_PASSWORD', '«l0calPw»')",
    'os.environ.get("TOKEN") or "«dev7oken»"',
    'process.env.SECRET || "«s3cretDev»"',
    "getenv('DB_PASS') ?: '«phpDef4ult»'",
    'ENV.fetch("API_TOKEN") { "«rubyBl0ck»" }',
    'System.getenv().getOrDefault("DB_PASSWORD", "«j4vaDefault»")',
    'Optional.ofNullable(System.getenv("DB_PASS")).orElse("«orEls3»")',
    'env::var("DB_PASSWORD").unwrap_or_else(|_| "«ru5tDefault»".into())',
    'System.getenv("API_KEY") ?: "«k0tlinDef»"',
    'viper.SetDefault("db.password", "«v1perDef»")',
    'flag.String("token", "«fl4gTok»", "the token")',
    'parser.add_argument("--token", type=str, default="«argp4rse»")',
    'password: str = Field(default="«pyd4ntic»")',
    '@Value("${db.password:«spr1ngDef»}")',
    'builder.password("«bu1lder»")',
    "client.setApiKey('«se7ter!»')",
    'req.SetBasicAuth("svc", "«g0Basic»")',
    'client.basic_auth("svc", Some("«ru5tBasic»"))',
    'keyring.set_password("svc", "me", "«k3yring»")',
    'ftp.login("bob", "«ftpL0gin»")',
    "requests.get(u, auth=('bob', '«t1ger9»'))",
    "pymysql.connect('h', 'bob', '«p0sitional»')",
]
FILES = [
    "machine h login bob password «n3trc»",
    "machine h\n  login bob\n  password «swordFish1»\n",
    "<password>«Xml3lement»</password>",
    '<password encrypted="false">«Xml3lement»</password>',
    "<password><![CDATA[«cd4ta»]]></password>",
    "<password>\n  «0wnLine»\n</password>",
    '<add key="ApiSecret" value="«w3bConfig»"/>',
    '<bean><property name="password" value="«be4n»"/></bean>',
    '<add name="Db" connectionString="Server=h;Uid=a;Pwd=«c0nn»Str;Port=1"/>'.replace(
        "»Str", "Str»"
    ),
    '"Server=h;Database=d;User Id=sa;Pwd=«L0ng;Way»"'.replace(";Way»", "Way»;"),
    'Data Source=h;Password="«qu0ted»";Pooling=true',
    "ENV DB_PASSWORD «d0cker»",
    "ENV DB_PASSWORD=«d0cker» DB_USER=a",
    'ENV TOKEN="«d0ckerTok»"',
    "      - POSTGRES_PASSWORD=«c0mpose»",
    "    client-key-data: «LS0tLS1CRUdJTiBFQyBQUklWQVRFIEtFWS0tLS0t{b120}»",
    "    client-key-data: >-\n      «LS0tLS1CRUdJTiBFQyBQUklWQVRFIEtFWS0tLS0t{b120}»",
    "- name: DB_PASS\n  value: «k8sEnv»",
    '[{"name": "API_TOKEN", "value": "«ecsEnv7»"}]',
    "user:«$2b$12${a53}»",
    "h:5432:db:bob:«pgpa55»",
    'MYSQL_ROOT_PASSWORD: "${X:-«d3fault»}"',
    "secrets:\n  stripe: «y4mlValue»\n  file: ./db-1.txt",
    "passwords:\n  - «l1stItem9»",
    "api_keys:\n- '«{h40}»'",
    "api_keys:\n  - key: «{h40}»\n    name: first-key-2",
    "app_credentials:\n  # of the bank\n  bank: '«y4mlValue»'  # live\nother: v4lue9999",
    "master_password = <<-EOF\n  «h3redoc»\nEOF",
    "-----BEGIN OpenVPN Static key V1-----\n«{h32}»",
    'a: \'{"kind":"Secret","data":{"url":"«{a24}»"}}\'',
    'a: "{\\"data\\":{\\"url\\":\\"«{a24}»\\"},\\"kind\\":\\"Secret\\"}"',
]
STATEMENTS = [
    "CREATE USER bob IDENTIFIED BY '«0racle»';",
    "CREATE USER bob IDENTIFIED BY «0racleX»;",
    "CREATE USER bob WITH PASSWORD '«swordfish»';",
    "ALTER USER bob PASSWORD '«p9ostgres»';",
    "CREATE LOGIN bob WITH PASSWORD = '«M55ql!»';",
    "INSERT INTO users (name, password) VALUES ('bob', '«ins3rted»');",
    "UPDATE users SET password = '«upd4ted»' WHERE id = 1;",
    "SELECT pgp_sym_encrypt('data', '«encryp7»');",
    "sqlplus scott/«t1gerX»@db",
    "mysql -u root -p«r00tPw» db",
    "mysql --password «r00tPw» db",
    "curl -u bob:«cur1» https://h/",
    "curl -H 'X-Api-Key: «{a32}»' https://h/",
    "docker login -u bob -p «d0ckerPw» h",
    "echo «st6inPw» | docker login -u bob --password-stdin",
    "sshpass -p «5shpass» ssh h",
    "PGPASSWORD=«pgEnv9» psql",
    "openssl enc -pass pass:«0penssl» -in a",
    "kubectl create secret generic a --from-literal=password=«l1teral»",
    "kubectl create secret generic a --from-literal=url=«l1teral»",
    'curl -u ":«cur1-only»" https://h/',
    'curl -u "«cur1-only»:" https://h/',
    "curl --user kevin:'«cur1»' https://h/",
    "curl https://h/ \\\n  -u developer:«yqDVtkqPECriaLRi»",
    "curl -b '_gitlab_session=«{h32}»' https://h/",
    'gh secret set DSN --body "«st0red»"',
    "fly secrets set DSN=«st0red»",
    "vault kv put secret/app dsn=«st0red»",
    'dotnet user-secrets set "Conn" "«st0red»"',
    'aws ssm put-parameter --name /dsn --type SecureString --value "«st0red»"',
    "az keyvault secret set --vault-name v --name n --value «st0red»",
    "pulumi config set --secret dsn «st0red»",
    "wrangler secret put DSN <<< «st0red»",
    "cargo login «{a32}»",
    "wandb login «{h40}»",
    "ngrok config add-authtoken «{a27}_{a21}»",
    "npm config set //registry.npmjs.org/:_authToken «{h8}-{h4}-{h4}-{h4}-{h12}»",
    "composer config http-basic.repo.example.com bob «h77pbasic»",
    "poetry config pypi-token.pypi «{a32}»",
    "helm install a b --set auth.rootPassword=«h3lm»Set,auth.database=d".replace("»Set", "Set»"),
    ': "${TOKEN:=«d3fault»}"',
    "PASSWORD=${1:-«d3fault»}",
]
ADDRESSES = [
    "postgres://bob:«p@ss»@h/db",
    "postgres://bob:«p@ss:w/rd#1»@h:5432/db",
    "mysql://root:«swordfish»@127.0.0.1/db",
    "redis://:«r3dis»@h:6379",
    "https://«ghp_{a36}»@github.com/a/b",
    "https://«{a24}»@git.example.com/a",
    "https://«{a24}»:x-oauth-basic@github.com/a/b",
    "git+https://bob:«{a20}»@h/a.git",
    "jdbc:oracle:thin:scott/«t1gerX»@//h:1521/x",
    "jdbc:postgresql://h/db?user=a&password=«jdb6»x".replace("»x", "x»"),
    "https://h/?api_key=«{a24}»&x=1",
    "https://h/f?sv=1&sig=«{a40}%3D»",
    "https://hooks.slack.com/services/«T0/B0/{a24}»",
    "https://api.telegram.org/bot«{d9}:{a35}»/getMe",
    "https://«{h32}»@sentry.example.com/2",
    "https://mainnet.infura.io/v3/«{h32}»",
    "https://eth-mainnet.g.alchemy.com/v2/«{a32}»",
    "https://maker.ifttt.com/trigger/e/with/key/«{a32}»",
    "https://open.feishu.cn/open-apis/bot/v2/hook/«{h8}-{h4}-{h4}-{h4}-{h12}»",
    "Authorization: Splunk «{h8}-{h4}-{h4}-{h4}-{h12}»",
    "Authorization: Api-Token «{a32}»",
]
JOINED = [
    'TOKEN = "«{a12}»" + "«{a12}»"',
    'TOKEN = "«{a12}»" + \\\n    "«{a12}»"',
    'TOKEN = "«{a12}»" "«{a12}»"',
    "const t = '«ghp_{a12}»' +\n  '«{a24}»';",
    "const t = '«ghp_{a12}»'\n  + '«{a24}»';",
    'token = ("«{a12}»"\n         "«{a12}»")',
    'token := "«{a12}»" +\n\t"«{a12}»"',
    "$token = '«{a12}»' . '«{a12}»';",
    'String t = "«ghp_{a12}»".concat("«{a24}»");',
    'local token = "«{a12}»" .. "«{a12}»"',
    'password =\n    "«nextL1ne»"',
    "token: >-\n  «{a24}»\n  «{a24}»\nother: 1",
    "export TOKEN=«{a12}»\\\n«{a12}»",
]
TYPED = [
    'gh = Github("«ghp_{a8}»',
    'gh = Github("«ghp_{a8}»")',
    "stripe.api_key = '«sk_live_{a7}»",
    "NOTION=«ntn_{d8}»",
    'x = "«AKIA{U8}»"',
    'password = "«hunt3r»',
    'DB_URL = "postgres://bob:«hunt3r2»',
    'SECRET = "«{a60}»',
    'BLOB = "«{b110}»',
]
MORE = [
    "password: «Winter2024!»    # rotate",
    "  passwd: «trustno1»",
    '    password: "«pa$$w0rd»" # ok',
    "password: «it's-me-9»",
    "password : «spaced7»",
    "DB_PASS=«p@ssw0rd»",
    'DB_PASSWORD="«qwerty12345»"',
    "MYSQL_PWD=«toor1234»",
    "SECRET=«topsecret99»",
    "export GITHUB_TOKEN=«{h40}»",
    "machine github.com login octocat password «{h40}»",
    "machine a.b login c password «Passw0rd»",
    'API_KEY = os.getenv("API_KEY", default="«abcd1234efgh»")',
    "token = os.environ.get('SLACK_TOKEN', '«abc-def-123»')",
    "<secret>«s3cr3t-value»</secret>",
    "<api-key>«{a24}»</api-key>",
    '<Password Value="«xmlAttr9»" />',
    '<wsse:Password Type="PasswordText">«ws53cure»</wsse:Password>',
    "<token>«{h40}»</token>",
    "Server=myServer;Database=db;Uid=user;Pwd=«s3cret»;",
    "Server=.;Initial Catalog=x;User ID=sa;Password=«Passw0rd!»",
    '"Data Source=x;User ID=y;Password=«abc!23»;"',
    'var password = $"«Pa55word!»";',
    "CREATE USER 'a'@'%' IDENTIFIED BY '«pass1234!»';",
    "ALTER USER sa WITH PASSWORD = '«Abc123!»';",
    "GRANT ALL ON *.* TO 'u'@'%' IDENTIFIED BY '«gr4nt»';",
    "create user u password '«pw123456»';",
    "SET PASSWORD = '«newPw99»';",
    "ENV MYSQL_PASSWORD=«pass123»",
    "ENV SECRET_TOKEN «abc123def456»",
    "ENV A=b PASSWORD=«xyz789»",
    "ARG GH_TOKEN=«ghp_{a36}»",
    "mongodb://admin:«p@ss»@localhost:27017",
    "amqp://u:«p@ss@word»@mq/vhost",
    "https://user:«p%40ss»@example.com/x",
    "https://«glpat-{a20}»@gitlab.com/a/b.git",
    "git clone https://«{a40}»:x-oauth-basic@github.com/a/b",
    "http://«{h40}»@nexus.local/repo",
    '    client-key-data: "«LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQo{b100}»"',
    "    token: «eyJhbGciOiJSUzI1NiIsImtpZCI6IiJ9.eyJpc3MiOiJrdWJlcm5ldGVzIn0.{a80}»",
    'const token = "«ghp_{a18}»" + "«{a18}»";',
    'var key = "«sk_live_{a10}»" +\n          "«{a14}»";',
    'KEY = "«AKIA{U8}»" \\\n      "«{U8}»"',
    'apiKey: "«{a16}»" + "«{a16}»",',
    'AWS_SECRET = "«{b20}»" + "«{b20}»"',
    'const parts = ["«ghp_{a12}»", "«{a24}»"].join("");',
    'x = "".join(["«xoxb-{d12}»", "«-{d12}-{a24}»"])',
    'notion = Client(auth="«secret_{a43}»")',
    "const FIGMA = 'figd_' + '«{a40}»';",
    'client = Sentry("«{h64}»")',
    "NETLIFY_AUTH_TOKEN=«{a43}»",
    "NEW_RELIC_LICENSE_KEY=«{h40}»",
    "SENTRY_DSN=https://«{h32}»@o1.ingest.us.sentry.io/2",
    "JIRA_API_TOKEN=«{a24}»",
    "GRAFANA_API_KEY=«eyJrIjoi{a90}»",
    'FLY_API_TOKEN="«FlyV1 fm2_{b80},fm2_{b80}»"',
    "SUPABASE_SERVICE_ROLE_KEY=«eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJzdXBhYmFzZSJ9.{a43}»",
    "mapboxgl.accessToken = '«pk.eyJ1IjoibWUiLCJhIjoi{a20}.{a22}»';",
    'const t = "«ghp_ab12CD»',
    "token = '«glpat-xYz9»",
    'openai = OpenAI(api_key="«sk-proj-Ab3dEf»',
    "PASSWORD=«hunt»3",
    'LONG = "«{a100}»',
    "SECRET_KEY = '«{b95}»",
    'private_key: "«MIIEvQIBADANBgkqhkiG9w0BAQEFAASC{b300}»"',
    'String secretKey = "«{a32}»"; // TODO',
    'private static String PASSWORD = "«admin123»";',
    'private const val API_KEY = "«{a39}»"',
    "$password = '«abc»123';",
    '"password" => "«laravel1»",',
    ":password => '«r@ils»99',",
    'password="«{a8}»"',
    'conn = psycopg2.connect("dbname=x user=y password=«pg12345»")',
    'psycopg2.connect(host="h", password="«pg12345»")',
    "redis.Redis(password='«redis-pw-1»')",
    'smtp.login("me@x.org", "«gm4il app pw»")',
    "Authorization: Basic «dXNlcjpwYXNzd29yZDEyMw==»",
    '"Authorization": "Bearer «{a30}»"',
    'headers["X-API-Key"] = "«{h32}»"',
    '-H "PRIVATE-TOKEN: «{a20}»"',
    "aws configure set aws_secret_access_key «{b40}»",
    "kubectl config set-credentials u --token=«{a40}»",
    "pip install --index-url https://u:«p1pPw!»@h/simple x",
    "user_password: !!str «yaml5tr»",
    "- secret: «l1stItem»",
    "{password: '«jsObj9»'}",
    "password=«abc123»&user=x",
    'root_password = "«tfRoot9»"',
    'master_password   = "«Tf-Master-1»"',
    'connection { password = "«hcl1nline»" }',
    '(setq password "«el1sp»")',
    'password <- "«rLang9»"',
    'System.setProperty("javax.net.ssl.keyStorePassword", "«ks5tore»");',
    'keystore.load(is, "«ks5tore»".toCharArray());',
    'char pass[] = "«cArr4y»";',
    'auto token = std::string("«cpp7oken»");',
    'password := []byte("«goByt3s»")',
    "signing.secretKeyRingFile=x\nsigning.password=«s1gnPw»",
]
"""Of these the secret is replaced; a little around it may be too."""
BARE = [
    "ntn_{d11}{a35}", "secret_{a43}", "figd_{a40}", "glsa_{a32}_{h8}", "ATATT3xFfGF0{a170}={h8}", "sntrys_eyJ{b100}_{a43}",
    "sntryu_{h64}", "PMAK-{h24}-{h34}", "dp.st.dev.{a43}", "pul-{h40}", "NRAK-{U27}", "{h36}NRAL", "pscale_tkn_{a43}",
    "pscale_oauth_{a43}", "fo1_{a43}", "FlyV1 fm2_{b120}", "nfp_{a36}", "sbp_{h40}", "sb_secret_{a31}", "sk.eyJ1{a60}.{a22}",
    "pk.eyJ1{a60}.{a22}", "ghp_{a36}", "gho_{a36}", "github_pat_{a22}_{a59}", "glpat-{a20}", "glsoat-{a20}",
    "xoxb-{d12}-{d12}-{a24}", "xoxe.xoxp-1-{U160}", "xapp-1-{U11}-{d13}-{h64}", "sk_live_{a24}", "rk_live_{a24}",
    "SK{h32}", "SG.{a22}.{a43}", "npm_{a36}", "pypi-AgEIcHlwaS5vcmc{a80}", "AKIA{U16}", "ASIA{U16}", "AIza{a35}",
    "ya29.{a60}", "GOCSPX-{a28}", "hf_{a34}", "sk-proj-{a100}", "sk-{a48}", "sk-ant-api03-{a93}AA", "gsk_{a52}", "r8_{a37}",
    "xai-{a80}", "pplx-{a48}", "sk-or-v1-{h64}", "dapi{h32}", "shpat_{h32}", "lin_api_{a40}", "MT{a22}.{a6}.{a38}",
    "{d10}:AA{a33}", "dop_v1_{h64}", "dckr_pat_{a27}", "hvs.{a90}", "{a14}.atlasv1.{a67}", "pat{a14}.{h64}", "{h32}-us5",
    "AQ.Ab8RN6{a44}", "1.AXoA{a48}.AgABAwEAAAA{a200}", "1000.{h32}.{h32}", "5Aep861{a60}", "bb_ma_{h30}", "pk_{h34}",
    "api_{a22}.{a22}", "sdk-{h8}-{h4}-{h4}-{h4}-{h12}", "VF.DM.{h24}.{a16}", "{d15}|{h13}{a14}", "LLM|{d16}|{a27}",
    "sat.{a22}.{h24}.{a20}", "tr_prod_{a24}", "0.{h8}-{h4}-{h4}-{h4}-{h12}.{a30}:{b22}==", "st.{h24}.{h32}.{h32}",
    "{h32}.{a16}", "bce-v3/ALTAK-{a21}/{h40}", "packagist_ort_{h68}", "os_v2_app_{h103}", "pk_{d8}_{U32}", "dose{h32}",
    "{h8}-{h4}-{h4}-{h4}-{h12}:{h32}", "sc_{h10}.{h4}.acc_{h12}.{a60}", "essu_{b60}", "sec-c-{a48}", "ser.{a22}",
    "key-{h32}", "EAAA{a60}", "xkeysib-{h64}-{a16}", "dt0c01.{U24}.{U64}", "rubygems_{h48}", "squ_{h40}",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx{a30}.{a43}", "tskey-auth-{a17}-{a32}", "lsv2_pt_{h32}_{h10}", "rnd_{a32}",
    "phx_{a43}", "HRKU-AA{a58}", "re_{a8}_{a24}", "whsec_{a32}", "cio{a32}", "nvapi-{a64}", "gldt-{a20}", "ATBB{a32}",
]  # fmt: skip


@pytest.mark.parametrize(
    "case", ASSIGNMENTS + ARGUMENTS + FILES + STATEMENTS + ADDRESSES + JOINED + TYPED
)
def test_the_secret_is_replaced_and_nothing_else(case: str) -> None:
    case = drawn(case)
    text = f"first = 1\n{re.sub('[«»]', '', case)}"
    clean, count = redact(text)
    expected = re.sub("«[^»]*»", PLACEHOLDER, case)
    assert clean == f"first = 1\n{expected}"
    assert count == 1
    assert redact(clean) == (clean, 0)


@pytest.mark.parametrize("case", MORE)
def test_no_part_of_the_secret_is_left(case: str) -> None:
    case = drawn(case)
    clean, count = redact(re.sub("[«»]", "", case))
    assert count >= 1
    around = re.sub("«[^»]*»", "\n", case)
    assert not any(leaks(secret, clean, around) for secret in re.findall("«([^»]*)»", case))


@pytest.mark.parametrize("pattern", BARE)
@pytest.mark.parametrize(
    "line", ["# {}", 'client = Client("{}", 2)', "- {}", "tool login {} --yes"]
)
def test_a_token_of_a_known_format_is_replaced_anywhere(pattern: str, line: str) -> None:
    assert redact(line.format(drawn(pattern))) == (line.format(PLACEHOLDER), 1)
