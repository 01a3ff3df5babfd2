"""Redaction by structure: any secret under any name in any notation is gone."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from hypothesis import assume, given
from hypothesis import strategies as st

from bot.logs import STARS
from bot.results.redaction import redact_secrets

# Secrets of letters that no surrounding text has, so that every rest of one is seen.

LETTERS = "qxzQXZ0123456789"
PUNCTUATION = "!#$%*+,-./:;=?@^_~()[]{}"
bare = st.builds(
    "{}{}{}".format,
    st.sampled_from("qxzQXZ"),
    st.text(LETTERS + PUNCTUATION, min_size=4, max_size=30),
    st.sampled_from("qxzQXZ789"),
)
quoted = st.builds(
    "{}{}{}".format,
    st.sampled_from(LETTERS + PUNCTUATION),
    st.text(LETTERS + PUNCTUATION + " |", min_size=4, max_size=30),
    st.sampled_from("qxzQXZ789"),
)
words = st.sampled_from(
    [
        "password",
        "passwd",
        "passphrase",
        "secret",
        "token",
        "auth token",
        "api key",
        "client secret",
        "private key",
        "access token",
        "signing key",
        "keystore password",
        "store password",
        "encryption key",
        "credentials",
    ]
)
STYLES: Mapping[str, Callable[[str], str]] = {
    "snake": lambda text: text.replace(" ", "_"),
    "upper": lambda text: text.replace(" ", "_").upper(),
    "kebab": lambda text: text.replace(" ", "-"),
    "dotted": lambda text: text.replace(" ", "."),
    "camel": lambda text: text[0] + text.title().replace(" ", "")[1:],
    "pascal": lambda text: text.title().replace(" ", ""),
}
names = st.builds(
    lambda style, prefix, text: style(f"{prefix}{text}"),
    st.sampled_from(list(STYLES.values())),
    st.sampled_from(["", "match ", "android ", "bitrise io ", "my "]),
    words,
)
quotes = st.sampled_from(['"', "'", '\\"', "\\'", '\\\\\\"', "`", "&quot;"])


def assert_gone(secret: str, redacted: str) -> None:
    assert STARS in redacted
    rests = [rest for rest in re.findall(r"[qxzQXZ0-9]{3,}", secret) if rest in redacted]
    assert rests == []


ASSIGNED = [
    "{name}={value}",
    "{name} = {value}",
    "{name}: {value}",
    "{name} : {value}",
    "{name} => {value}",
    "{name}=>{value}",
    "{name} := {value}",
    "{name} -> {value}",
    "export {name}={value}",
    "+ export {name}={value}",
    "  {name}: {value}",
    "- {name}: {value}",
    "declare -x {name}={value}",
    "error: {name}={value} was refused",
    "-D{name}={value}",
    "-P{name}={value} clean",
    "--{name}={value} --verbose",
    "docker run -e {name}={value} shop",
    "let {name} = {value}",
    "val {name}: String = {value}",
    "ENV['{name}'] = {value}",
    'config["{name}"] = {value}',
    "${name} = {value};",
    '{{"user": "ci", "{name}": {value}}}',
    "{{'user': 'ci', '{name}': {value}}}",
    "{{user: ci, {name}: {value}}}",
    '{{\\"user\\":\\"ci\\",\\"{name}\\":{value}}}',
    '{{:user=>"ci", :{name}=>{value}}}',
    "Shop(user=ci, {name}={value})",
]


@given(st.sampled_from(ASSIGNED), names, bare)
def test_bare_value_of_an_assignment_is_gone(notation: str, name: str, secret: str) -> None:
    assert_gone(secret, redact_secrets(notation.format(name=name, value=secret)))


@given(st.sampled_from(ASSIGNED), names, quotes, quoted)
def test_quoted_value_of_an_assignment_is_gone(notation: str, name: str, quote: str, secret: str) -> None:
    assert_gone(secret, redact_secrets(notation.format(name=name, value=f"{quote}{secret}{quote}")))


ARGUMENTS = [
    "{name} {value} was refused",
    "{name}({value})",
    'header("{name}", {value})',
    "('{name}', {value})",
    "credentials {{ username 'ci'; {name} {value} }}",
    '.withProperty("{name}", {value})',
    'field("String", "{name}", {value})',
]


@given(st.sampled_from(ARGUMENTS), names, st.sampled_from("\"'"), quoted)
def test_argument_is_gone(notation: str, name: str, quote: str, secret: str) -> None:
    assume("{name} {value}" not in notation or not re.fullmatch("(?i)token|credentials", name))  # "unknown token 'x'"
    assert_gone(secret, redact_secrets(notation.format(name=name, value=f"{quote}{secret}{quote}")))


FLAGS = [
    "--{name} {value}",
    "-{name} {value}",
    '"--{name}" {value}',
    "'--{name}', {value}",
    '["--{name}",{value}]',
    '\\"--{name}\\" {value}',
    "--{name}={value}",
    "tool \\\n  --{name} \\\n  {value} \\\n  --more",
    'args: [\n  "--{name}",\n  {value},\n  "--more"\n]',
    "args:\n  - --{name}\n  - {value}\n  - --more",
]


@given(st.sampled_from(FLAGS), names, bare.filter(lambda text: text[-1] not in "\\"), st.booleans(), quoted)
def test_value_of_a_flag_is_gone(notation: str, name: str, secret: str, is_quoted: bool, spaced: str) -> None:
    value = f'"{spaced}"' if is_quoted else secret
    redacted = redact_secrets(f"error: tool {notation.format(name=name, value=value)}")
    assert_gone(spaced if is_quoted else secret, redacted)
    assert redacted.startswith("error: tool")


xml = quoted.map(lambda text: text.replace("<", ""))
DOCUMENTS = [
    "<{name}>{value}</{name}>",
    '<{name} type="x">{value}</{name}>',
    "<a:{name}><![CDATA[{value}]]></a:{name}>",
    "<{name}>\n  {value}\n</{name}>",
    "&lt;{name}&gt;{value}&lt;/{name}&gt;",
    '<server id="x" {name}="{value}"/>',
    '<property name="{name}" value="{value}"/>',
    '<add key="{name}" value="{value}" />',
    '<string name="{name}">{value}</string>',
    "<key>{name}</key>\n\t<string>{value}</string>",
    "<name>{name}</name><value>{value}</value>",
    '{{"name": "{name}", "value": "{value}"}}',
    '{{\n  "key": "{name}",\n  "is_expand": false,\n  "value": "{value}"\n}}',
    '{{"value": "{value}", "name": "{name}"}}',
    "- name: {name}\n  value: '{value}'",
    "envman add --key {name} --value '{value}'",
    "{name}: |\n  first\n  {value}\n  last\nnext: x",
    '"{name}": [\n  "first",\n  "{value}"\n]',
    "{name}:\n  - {value}\nnext: x",
    '{name}="first\n{value}"\nnext',
    '"{name}": "first\n{value}",\nnext',
    "{name}=\\\n    {value}\nnext",
]


@given(st.sampled_from(DOCUMENTS), names, xml)
def test_value_in_a_document_is_gone(notation: str, name: str, secret: str) -> None:
    assert_gone(secret, redact_secrets(notation.format(name=name, value=secret)))


TABLES = [
    "| {name} | {value} |",
    "| {name}        | {value}      |",
    "│ {name} │ {value} │",
    "  {name} | {value}",
    "+------+------+\n| user | {name} |\n+------+------+\n| ana  | {value} |\n| bo   | {value} |\n+------+------+",
    " user | {name} \n------+------\n ana  | {value}",
    "│ user │ {name} │\n├──────┼──────┤\n│ ana  │ {value} │",
]


@given(st.sampled_from(TABLES), names, quoted.map(lambda text: text.replace("|", "").strip()))
def test_cell_of_a_table_is_gone(notation: str, name: str, secret: str) -> None:
    assume(not re.fullmatch(r"[\W]*", secret))
    assert_gone(secret, redact_secrets(notation.format(name=name, value=secret)))


@given(names, st.sampled_from(["\t", "  ", "          "]), bare)
def test_value_in_a_column_is_gone(name: str, gap: str, secret: str) -> None:
    assert_gone(secret, redact_secrets(f"{name}{gap}{secret}"))


URLS = [
    "https://ci:{value}@git.example.com/shop.git",
    "https://{value}@git.example.com/shop.git",
    "redis://:{value}@db:6379/0",
    "postgresql+psycopg://ci:{value}@db/shop",
    "ssh://ci:{value}@git.example.com:2222/shop.git",
    "ci:{value}@git.example.com/shop.git",
    "https://example.com/a?token={value}",
    "https://example.com/a?b=c&X-Amz-Signature={value}&d=e",
    "https://example.com/a#id_token={value}",
]
url_safe = st.builds("qz{}Zx".format, st.text(LETTERS + "!$*+,-.=_~%", min_size=4, max_size=30))


@given(st.sampled_from(URLS), url_safe)
def test_secret_in_an_address_is_gone(notation: str, secret: str) -> None:
    redacted = redact_secrets(f"fatal: unable to access '{notation.format(value=secret)}': 403")
    assert_gone(secret, redacted)
    assert redacted.startswith("fatal: unable to access '")


HEADERS = [
    "Authorization: Bearer {value}",
    "> authorization: Basic {value}",
    "Proxy-Authorization: {value}",
    "X-Api-Key: {value}",
    "Cookie: a=b; c={value}",
    "Set-Cookie: a={value}; Path=/",
    "PRIVATE-TOKEN: {value}",
    'curl -H "Authorization: token {value}" x',
    "curl -H 'X-Auth-Token: {value}' x",
    '{{"Authorization": "Bearer {value}"}}',
    "headers={{'x-api-key': '{value}'}}",
    'git -c http.extraheader="AUTHORIZATION: basic {value}" fetch',
    "-H Authorization:\\ Bearer\\ {value}",
]


@given(st.sampled_from(HEADERS), url_safe)
def test_header_is_gone(notation: str, secret: str) -> None:
    assert_gone(secret, redact_secrets(notation.format(value=secret)))


COMMANDS = [
    "security unlock-keychain -p {value} login.keychain",
    "security create-keychain -p {value} build.keychain",
    "security set-key-partition-list -S apple-tool: -s -k {value} login.keychain-db",
    "/usr/bin/security import a.p12 -k build.keychain -P {value} -T /usr/bin/codesign",
    "security add-generic-password -a ci -s match -w {value}",
    "xcrun altool --upload-app -u ci@example.com -p {value}",
    "iTMSTransporter -m upload -u ci@example.com -p {value} -f a.itmsp",
    "curl -u ci:{value} https://nexus.example.com/x.aar",
    "curl -sSfLu ci:{value} https://nexus.example.com/x.aar",
    "curl --user ci:{value} x",
    "docker login -u ci -p {value} ghcr.io",
    "openssl enc -d -aes-256-cbc -k {value} -in a.enc",
    "openssl pkcs12 -in a.p12 -passin pass:{value}",
    "unzip -P {value} a.zip",
    "sshpass -p {value} ssh ci@example.com",
    "mysql -u ci -p{value} shop",
    "7z x -p{value} a.7z",
    "redis-cli -a {value} ping",
    "ssh-keygen -p -P {value} -f id_rsa",
    "ldapsearch -D ci -w {value}",
    "twine upload -u ci -p {value} dist/a.whl",
    "az login --service-principal -u ci -p {value}",
    "apksigner sign --ks a.jks --ks-pass pass:{value} a.apk",
    "jarsigner -keystore a.jks -storepass {value} -keypass {value} a.aab",
    "gpg --batch --passphrase {value} -d a.gpg",
    "echo {value} | docker login -u ci --password-stdin",
    "echo {value} | sudo -S rm a",
    "gh auth login --with-token <<< {value}",
    "npm config set //npm.example.com/:_authToken {value}",
    "aws configure set aws_secret_access_key {value}",
    "ENV NPM_TOKEN {value}",
    "machine example.com login ci password {value}",
]
argument = st.builds(
    "{}{}{}".format,
    st.sampled_from(LETTERS),
    st.text(LETTERS + "!#%*+,./:@^_~", min_size=4, max_size=20),
    st.sampled_from("qxzQXZ789"),
)


@given(st.sampled_from(COMMANDS), argument, st.sampled_from(["", "'", '"']), st.booleans())
def test_argument_of_a_program_is_gone(notation: str, secret: str, quote: str, is_each_quoted: bool) -> None:
    command = notation.format(value=f"{quote}{secret}{quote}")
    if is_each_quoted and not quote and "|" not in command and "<" not in command:
        command = " ".join(f'"{word}"' for word in command.split())
    redacted = redact_secrets(f"error: command failed with exit status 1 ({command})")
    assert_gone(secret, redacted)
    assert redacted.startswith("error: command failed with exit status 1 (")
