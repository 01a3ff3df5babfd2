"""Redaction of secrets in build logs."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.logs import STARS
from bot.results.failure import analyze_log
from bot.results.redaction import redact_secrets
from tests.bot.results.ordinary_lines import ORDINARY
from tests.bot.results.test_log_text import footer, header, summary

HEX = "0123456789abcdef" * 3
MIXED = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0dF3gH6jK9m"
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7\nq8Zx+/==\n-----END RSA PRIVATE KEY-----"

SECRETS = [
    ("PASSWORD=sesame", "PASSWORD=********"),
    ("MATCH_PASSWORD: sesame", "MATCH_PASSWORD: ********"),
    ('"keystore_password" : "open sesame"', '"keystore_password" : ********'),
    ("export API_KEY='se\\'same x'", "export API_KEY=********"),
    ("storePassword = sesame", "storePassword = ********"),
    ("FASTLANE_SESSION=--- sesame", "FASTLANE_SESSION=********"),
    ("apiKey=>sesame", "apiKey=>********"),
    ("passphrase: correct horse battery", "passphrase: ********"),
    ("client_secret=sesame&grant=x", "client_secret=********"),
    ("ENV['SENTRY_AUTH_TOKEN'] = 'sesame'", "ENV['SENTRY_AUTH_TOKEN'] = ********"),
    ("$ altool --password sesame --file x", "$ altool --password ******** --file x"),
    ("$ sign -storepass-token sesame", "$ sign -storepass-token ********"),
    ("Authorization: Bearer abc.def", "Authorization: ********"),
    ("> authorization: Basic dXNlcjpwYXNz", "> authorization: ********"),
    ("Set-Cookie: id=1; Path=/", "Set-Cookie: ********"),
    ("x-api-key: sesame", "x-api-key: ********"),
    ("sent Bearer dXNlcjpwYXNz ok", "sent Bearer ******** ok"),
    ("id AKIAIOSFODNN7EXAMPLE", "id ********"),
    ("got ghp_0123456789abcdefghij0123456789abcdef", "got ********"),
    ("got github_pat_11ABCDEFG0123456789_abcdef", "got ********"),
    ("got glpat-0123456789abcdefghij", "got ********"),
    ("got xoxb-123456789012-abcdef", "got ********"),
    ("got bitpat_0123456789abcdef", "got ********"),
    ("got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "got ********"),
    ("AIzaSyA0123456789abcdefghijklmnopqrstuv", "********"),
    ("npm_0123456789abcdefghijklmnopqrstuvwxyz", "********"),
    (f"before\n{KEY}\nafter", "before\n********\nafter"),
    (KEY.partition("\n")[2], "********"),
    (f"{KEY.partition(chr(10))[0]}\n{MIXED}\n{MIXED}\nerror: no", "********\nerror: no"),
    (f'"{KEY.replace(chr(10), chr(92) + "n")}"', '"********"'),
    ("clone https://ana:s%40same@git.acme.com/shop.git", "clone https://********@git.acme.com/shop.git"),
    ("clone https://ana:s@same@git.acme.com/x", "clone https://********@git.acme.com/x"),
    ("get https://s3.eu/a/log?X-Amz-Expires=600&X-Amz-Signature=ab", "get https://s3.eu/a/log?********"),
    ("posting to https://hooks.slack.com/services/T0/B0/sesame", "posting to https://hooks.slack.com/********"),
    (f"signing key {HEX}", "signing key ********"),
    (f"secret {MIXED}", "secret ********"),
    ("MATCH_PASSWORD=correct horse battery", "MATCH_PASSWORD=********"),
    ("API key: sesame", "API key: ********"),
    ("wrong password a1b2c3d4e5", "wrong password ********"),
    ("DB_PASS: sesame", "DB_PASS: ********"),
    ("SECRET_KEY_BASE=sesame", "SECRET_KEY_BASE=********"),
    ("BUNDLE_GEMS__EXAMPLE__COM=ana:sesame", "BUNDLE_GEMS__EXAMPLE__COM=********"),
    (f"ALGOLIA_ADMIN={HEX[:32]}", "ALGOLIA_ADMIN=********"),
    ("let apiKey: String = 'open sesame'", "let apiKey: String = ********"),
    ('{"tokens": ["open", "sesame"], "a": 1}', '{"tokens": ********, "a": 1}'),
    ("token=open\\ sesame ok", "token=******** ok"),
    ('token=open" sesame" ok', 'token=******** sesame" ok'),
    ("token=open'sesame x' ok", "token=******** ok"),
    ("password: “open sesame” was refused", "password: ******** was refused"),
    ('x password: Optional("open sesame") ok', "x password: ******** ok"),
    ("token%3Dsesame", "token%3D********"),
    ('"--password" "open sesame" "--file" "x"', '"--password" ******** "--file" "x"'),
    ("(\"--password\" \"sesame\" \"--session\" ", '("--password" ******** "--session" '),
    ("curl -XPUT -sSu ana:sesame https://x.eu", "curl -XPUT -sSu ******** https://x.eu"),
    ("security import a.p12 -k b.keychain -P sesame -T x", "security import a.p12 -k b.keychain -P ******** -T x"),
    ("x.webhook.office.com/webhookb2/se-sa@me/IncomingWebhook/1", "x.webhook.office.com/********"),
    ("https://api.telegram.org/bot123:sesame/sendMessage", "https://api.telegram.org/bot********"),
    (f"echo:\n{MIXED * 2}\n{MIXED}==\ndone", "echo:\n********\ndone"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "redacted"), SECRETS)
def test_secret_is_redacted(text: str, redacted: str) -> None:
    assert redact_secrets(text) == redacted


FAILING = [
    # https://github.com/bitrise-steplib/steps-xcode-archive/issues/328: every argument in quotes of its own
    'error: command failed with exit status 1 ("bundle" "exec" "main.rb" "--username" "a@b.c" "--password" "sesame1")',
    'error: (bundle "exec" "ruby" "main.rb" "--password" "open sesame1" "--session" ',
    # https://github.com/fastlane/fastlane/issues/16661
    "[!] Exit status of command 'security set-key-partition-list -s -k sesame1 login.keychain-db' was 51",
    # https://github.com/fastlane/fastlane/issues/19739
    "error: Command failed: xcrun altool --upload-app -f app.ipa -u ci@example.com -p sesame1",
    "error: curl -u deployer:sesame1 https://nexus.example.com/x.aar failed with 22",
    'error: upload failed: {\\"username\\":\\"ci\\",\\"password\\":\\"sesame1\\"}',
    "error: storePassword 'sesame1' was refused",
    # https://github.com/corda/corda-gradle-plugins/issues/303
    "error: Jar signing with following options: {alias=shop, storepass=sesame1, keystore=/tmp/a.jks, keypass=sesame1}",
    # https://github.com/fastlane/fastlane/issues/18404
    "[!] bundle exec fastlane reviews key_id:*** username:ana password: sesame1",
    "error: the step printed\n<key>password</key>\n<string>sesame1</string>\nerror: and failed",
    "error: the step printed\nargs:\n- --password\n- sesame1\nerror: and failed",
    "error: the step printed\npassword: |\n  sesame1\nerror: and failed",
]


@pytest.mark.parametrize("printed", FAILING)
def test_line_that_explains_a_failure_is_reported_without_its_secret(printed: str) -> None:
    title = "Xcode Archive & Export for iOS"
    report = analyze_log(f"{header(6, title)}\n{printed}\n{footer('x', f'{title} (exit code: 1)')}\n{summary()}\n")
    assert report.step == title
    assert report.lines[0].split(maxsplit=1)[0] == printed.split(maxsplit=1)[0]
    assert "sesame" not in str(report)


# What gitleaks' rules recognize without a name, put together so that no scanner takes the lines for real.
ISSUED = [
    ("AKIA", "ABCDEFGHIJKLMNOP"),
    ("ASIA", "ABCDEFGHIJKLMNOP"),
    ("gho_", MIXED),
    ("glptt-", HEX),
    ("GR1348941", MIXED[:20]),
    ("GOCSPX-", MIXED),
    ("ya29.", MIXED),
    ("pypi-", MIXED * 2),
    ("rubygems_", HEX),
    ("dckr_pat_", MIXED),
    ("sk_live_", MIXED),
    ("whsec_", MIXED),
    ("sq0atp-", MIXED[:22]),
    ("SG.", f"{MIXED}.{MIXED}"),
    ("xkeysib-", HEX + HEX),
    ("SK", HEX[:32]),
    ("sk-ant-api03-", MIXED),
    ("sk-proj-", MIXED),
    ("hf_", MIXED),
    ("dop_v1_", HEX + HEX),
    ("dapi", HEX[:32]),
    ("dp.pt.", MIXED),
    ("sntrys_", MIXED),
    ("sntryu_", HEX),
    ("NRAK-", MIXED[:27]),
    ("glsa_", MIXED),
    ("hvs.", MIXED),
    ("pul-", HEX[:40]),
    ("ATATT3", MIXED * 2),
    ("ATBB", MIXED),
    ("lin_api_", MIXED),
    ("ntn_", MIXED),
    ("figd_", MIXED),
    ("PMAK-", f"{HEX[:24]}-{HEX[:34]}"),
    ("shpat_", HEX[:32]),
    ("EZAK", MIXED * 2),
    ("squ_", HEX[:40]),
    ("p8e-", HEX[:32]),
    ("AGE-SECRET-KEY-1", "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L" * 2),
    ("123456789:AA", MIXED),
    ("eyJ", f"{MIXED}.{MIXED}.x"),
]


@pytest.mark.parametrize(("prefix", "rest"), ISSUED)
@pytest.mark.parametrize("around", ["got {}", "'{}'", "({}).", "a={};"])
def test_issued_token_is_redacted(prefix: str, rest: str, around: str) -> None:
    assert rest not in redact_secrets(around.format(prefix + rest))


PIECES = [piece for text, _ in SECRETS for piece in re.split(r"(\W)", text)] + [KEY, HEX, MIXED, STARS, "*", "\n", " "]


@given(st.text() | st.lists(st.sampled_from(PIECES), max_size=20).map("".join))
def test_redacting_again_changes_nothing(text: str) -> None:
    redacted = redact_secrets(text)
    assert redact_secrets(redacted) == redacted


@given(st.sampled_from(SECRETS), st.text(alphabet="ab \n|:=", max_size=20), st.text(alphabet="ab \n|", max_size=20))
def test_secret_is_redacted_in_any_context(secret: tuple[str, str], before: str, after: str) -> None:
    assert secret[0] not in redact_secrets(f"{before}\n{secret[0]}\n{after}")


ADVERSARIAL = [
    "a",
    "A1b2",
    "password",
    "token=",
    "--",
    "-----BEGIN PRIVATE KEY-----",
    "eyJ-",
    "http://",
    "Bearer ",
    "a\n",
    "://",
    "x@",
    '"',
    "'",
    "\\",
    '\\"',
    "<",
    "<a>",
    "<token>",
    "&lt;",
    "&quot;",
    "token='",
    'token="',
    'token=\\"',
    '"token":',
    "token: |\n",
    "token:\n  ",
    "token: [",
    "--token ",
    "--token\n",
    '"--token",',
    "| ",
    "token |",
    "value=",
    "name=token value=",
    "API key: ",
    "security ",
    "security unlock-keychain -p ",
    "curl -u",
    "docker login -p ",
    "echo ",
    "echo a | ",
    "<<<",
    "login a password ",
    "config -a ",
    "user:a@",
    "a.",
    "token a1b2c3d4e5 ",
    "A:",
    "AKIA",
    "sk-",
    "SG.a-",
    "sentry=",
    "session: ",
    ':"',
    '="\n',
    "='\n",
    "A" * 70 + "\n",
    "a\n-----END X-----\n",
    "-----",
    "| token | a |\n+---+---+\n",
    '"a","token","b"',
    " ",
    "\t",
    "é",
    "*",
    "********",
]


@pytest.mark.slow
@pytest.mark.parametrize("piece", ADVERSARIAL)
def test_time_grows_with_the_length_and_no_faster(piece: str) -> None:
    """Four times the text takes four times as long, not sixteen times."""
    short, long = (_seconds(piece * (kilobytes * 1024 // len(piece))) for kilobytes in (4, 16))
    assert long < 10 * short + 0.5


def _seconds(text: str) -> float:
    start = time.process_time()
    assert redact_secrets(text)
    return time.process_time() - start


@pytest.mark.slow
def test_log_of_a_megabyte_is_analyzed_in_time() -> None:
    """Four times what is fetched. A slow pattern would run into the time limit of tests."""
    lines = f"error: API_TOKEN=sesame is no token\n{ORDINARY}\n"
    assert "error: API_TOKEN=******** is no token" in analyze_log(lines * (1024 * 1024 // len(lines))).lines
