"""Redact passwords in the arguments of programs that mean one by a short flag, or read it from a pipe. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bot.results.secret_names import NameKind
from bot.results.secret_values import FLAG_LIKE, QUOTE, Span, find_value, replace_values

_CURL_FLAGS = r"-[sSfLkivIgaGNq\#]{0,9}"
_SEPARATE: Mapping[str, str] = {
    r"security\W.{0,300}?(?:create|unlock)-keychain": "-p",
    r"security\W.{0,300}?set-keychain-password": "-[op]",
    r"security\W.{0,300}?set-[a-z-]{3,20}-partition-list": "-k",
    r"security\W.{0,300}?(?:im|ex)port": "-P",
    r"security\W.{0,300}?add-(?:generic|internet)-password": "-[wX]",
    r"altool|iTMSTransporter|ldap\w+": "-[pw]",
    r"(?:docker|podman|helm|oras|crane|skopeo|az|cf|oc)\W.{0,200}?login|twine|rabbitmqadmin|mongo\w*": "-p",
    r"curl|l?ftp|smbclient": rf"{_CURL_FLAGS}[uUEb]|--(?:proxy-)?user|--cert|--pass|--oauth2-bearer",
    r"https?(?![:/])|redis-cli": "-a",
    r"openssl": "-[kK]|-pass(?:in|out)?",
    r"ssh-keygen": "-[NP]",
    r"(?:un)?zip|sqlcmd|bcp": "-P",
    r"(?:nuget|dotnet)\W.{0,200}?push": "-k|-ApiKey",
    r"sshpass": "-p",
}
"""Flags before their value, by program."""
_ATTACHED: Mapping[str, str] = {
    r"sshpass|mysql\w*|mariadb[\w-]*|7z\w*|(?:un)?rar": "-p",
    r"curl": f"{_CURL_FLAGS}u",
    r"(?:un)?zip": "-P",
}
"""Flags in one word with their value: ``mysql -psesame``."""
_ANY = re.compile(
    r"echo |printf |<<<|security\W|altool|Transporter|ldap|login|twine|rabbitmq|mongo|curl|ftp |smbclient|https? "
    r"|redis-cli|openssl|ssh-keygen|zip|sqlcmd|bcp|push|sshpass|mysql|mariadb|7z|rar "
)
_READER = r"(?:-stdin|sudo -S|with-token|passphrase|login|base64)"
_PIPED = re.compile(
    rf"(?P<name>\b(?:echo|printf)[ \t]++(?:-\w++[ \t]++)?(?=[^|]{{1,500}}+\|[^|]{{0,200}}{_READER})"
    rf"|{_READER}[^<]{{0,200}}<<<[ \t]*+)"
)


def _compile(flags: Mapping[str, str], separator: str) -> tuple[tuple[re.Pattern[str], re.Pattern[str]], ...]:
    return tuple(
        (
            re.compile(rf"(?<![\w.-])(?:{program})(?![\w.-])"),
            re.compile(rf"(?P<outer>{QUOTE})?(?<![\w.-])(?P<name>{flag}){separator}"),
        )
        for program, flag in flags.items()
    )


_PROGRAMS = (
    *_compile(_SEPARATE, rf"(?P<closer>{QUOTE}?)(?:[ \t]*+[=,][ \t]*+|[ \t]++)"),
    *_compile(_ATTACHED, r"(?=[^\s=,-])"),
)


def redact_arguments(line: str) -> str:
    """Replace passwords among the arguments of programs by stars."""
    if not _ANY.search(line):
        return line
    line = replace_values(_PIPED, _argument, line)
    for program, flag in _PROGRAMS:
        if found := program.search(line):
            line = line[: found.end()] + replace_values(flag, _argument, line[found.end() :])
    return line


def _argument(head: re.Match[str]) -> Span | None:
    span = find_value(head, NameKind.SECRET)
    return None if span is None or FLAG_LIKE.fullmatch(head.string, *span) else span
