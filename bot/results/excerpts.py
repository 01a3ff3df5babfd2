"""Pick the log lines and failed tests that explain a failure: enough for the screen of a phone. Pure.

Input lines come from `bot.results.log_text.plain_lines`, without secrets of several lines
(`bot.results.redaction.redact_long_secrets`). A line is redacted before it is shortened, since half a secret can't be
recognized.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from bot.results.redaction import redact_secrets

MAX_LINES = 15
MAX_TESTS = 20
MAX_SHOWN = 200
"""Characters of a line in the result."""
MAX_READ = 1_000
"""Characters of a line that are examined."""
LAST_LINES = 10
LINES_AFTER_HEADING = 3
"""How many lines after "What went wrong:" belong to it."""

_CHECKOUT = re.compile(
    r"(?:file://)?(?:/Users/vagrant/git|/Users/\[REDACTED\]/git|/bitrise/src|/Volumes/workspace/git)/"
)
"""Bitrise's checkout directories; without them more of a line fits."""

# Lines that say what is wrong.

_ERROR = re.compile(
    r"""(?x)
      (?:^|[\s:\]✖✗❌])(?:fatal\ |internal\ compiler\ )?(?:error|ERROR|Error)\s?(?:TS\d+|\[\w+\]|\([\w\ ]+\))?\s?:\s?\S
    | ^e:\s.*\S                                                     # Kotlin
    | ^(?:\[!\]|\[x\]|❌|💥|⛔)\s*\S                               # CocoaPods, fastlane, xcbeautify, xcpretty
    | ^E\s{2,}\S                                                    # pytest
    | ^(?:FAILED|ERROR)\s+\S+::\S
    | ^npm\ (?:ERR!|error)\s(?!A\ complete\ log|.*\.log$)\S
    | ^\[ERROR\]\s+\S                                               # Maven
    | ^(?:FATA|FATAL|ERRO)\b\S*\s+\S
    | (?:^|\s)(?:fatal|FATAL|panic):\s\S
    | ^Undefined\ symbols? | ^ld:\s(?!warning) | ^duplicate\ symbol
    | ^\s*✘\s | ^\s*✖\s | ^\s*✗\s | ^\s*●\s(?!Console|Validation).+\s›\s
    | \s\[E\]$ | ^Test\ [Cc]ase\ '.*'\ failed
    | \s>\s.*\sFAILED$ | ^---\ FAIL:
    | ^(?:[\w.$]+\.)?[A-Z]\w*(?:Error|Exception)\b(?::\s|$) | ^Caused\ by:\s | ^Exception\ in\ thread
    | (?i:command\ not\ found|no\ such\ file\ or\ directory|permission\ denied|out\ of\ memory|no\ space\ left)
    | ^(?:Could\ not\ (?:resolve|find)|Unable\ to\ (?:find|resolve|load)|No\ (?:profiles?|signing\ certificate))\b
    | (?:Code\ [Ss]igning|Provisioning\ profile).*(?:[Ee]rror|expired|not\ found|doesn't|does\ not|requires)
    | (?:^|\s)Because\s.*version\ solving\ failed | ^Process\ killed | \bKilled$ | [Tt]imed\ out\ (?:after|waiting)
    """
)
_HEADING = re.compile(
    r"^(?:\* What went wrong:|Undefined symbols? |Traceback \(most recent|The following build commands failed)"
)
"""The following lines say what is wrong."""
_NO_ERROR = re.compile(
    r"(?i)\b(?:0|no|without) (?:errors?|failures?)\b|\berrors?: ?(?:0|none|null|nil|false)\b"
    r"|^(?:warning|note|info|debug|\$|\+) ?:?|(?:^|\s)warning: |-Werror"
)

# Lines that say only that something is wrong.

_SUMMARY = re.compile(
    r"""(?x)
      ^\*\*\ .*\ FAILED\ \*\* | ^BUILD\ FAILED | ^FAILURE:\s | ^Testing\ failed | ^Test\ [Rr]un\ .*\ failed
    | ^(?:Command\ failed|Failed\ to|Failing\ tests|Execution\ failed|Task\ .*\ failed|Build\ step\ .*\ failed)
    | (?i:exit(?:ed\ with)?\ (?:status|code):?\ [1-9]) | ^Tests?:?\s.*\bfail | ^=+\ .*\bfailed\b.*=+$
    | ^Some\ tests\ failed | ^Gradle\ task\ .*\ failed | ^fastlane\ finished\ with\ errors
    """
)


def relevant_lines(lines: Sequence[str], *, limit: int = MAX_LINES) -> tuple[str, ...]:
    """Return the lines that explain a failure, in their order, each once; the last lines if none does."""
    lines = list(map(_truncate, lines))
    relevant = _unique(_find_errors(lines))[:limit]
    if len(relevant) < limit:
        chosen = {*relevant, *_unique(filter(_SUMMARY.search, lines))[: limit - len(relevant)]}
        relevant = [line for line in _unique(lines) if line in chosen]
    if not any(map(_ERROR.search, relevant)) and len(relevant) < LAST_LINES:
        relevant = list(lines[-min(limit, LAST_LINES) :])
    return tuple(_unique(map(_redact_and_shorten, relevant))[:limit])


def _find_errors(lines: Sequence[str]) -> Iterator[str]:
    below_heading = 0
    for line in lines:
        if _HEADING.search(line):
            below_heading = LINES_AFTER_HEADING
            yield line
        elif _ERROR.search(line) and not _NO_ERROR.search(line):
            yield line
        elif below_heading and not line.startswith("* "):
            below_heading -= 1
            yield line
        else:
            below_heading = 0


def _truncate(line: str) -> str:
    """Cut an enormous line between two words, so that no secret is cut in half."""
    if len(line) <= MAX_READ:
        return line
    return line[:MAX_READ].rpartition(" ")[0].rstrip() or line[:MAX_READ]


def _redact_and_shorten(line: str) -> str:
    line = redact_secrets(_CHECKOUT.sub("", line)).strip()
    return line if len(line) <= MAX_SHOWN else f"{line[: MAX_SHOWN - 1]}…"


def _unique(lines: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(lines))


# Tests.

_TESTS = tuple(
    re.compile(pattern)
    for pattern in (
        r"^Test [Cc]ase '-\[(?P<suite>\S+) (?P<name>[^\]]+)\]' failed",  # XCTest
        r"error: -\[(?P<suite>\S+) (?P<name>[^\]]+)\] : ",
        r"^Test [Cc]ase '(?P<name>[^']+)' failed",
        r"^\s*✘ Test (?!run |case )(?P<name>\".+?\"|.+?) (?:failed|recorded)\b",  # Swift Testing
        r"^\s*[✗✖] (?P<name>\w[^,]*?)(?: on '[^']*')?(?:, .*| \([\d.]+ ?s\w*\))?$",  # xcpretty, xcbeautify
        r"^(?P<suite>[\w.$]+(?: > .+)?) > (?P<name>.+?)(?:\[[^\]]*\(AVD\)[^\]]*\])? FAILED$",  # Gradle
        r"^(?:\[ERROR\] +)?(?P<suite>[\w$]+(?:\.[\w$]+)+)\.(?P<name>[\w$]+)(?: |:\d).*<<< (?:FAILURE|ERROR)!",  # JUnit
        r"^(?:\[ERROR\] +)?(?P<name>[\w$]+)\((?P<suite>[\w.$]+)\) .*<<< (?:FAILURE|ERROR)!",
        r"^\s*● (?!Console|Validation)(?P<name>.+ › .+)$",  # Jest
        r"^(?:\d+:)?\d\d:\d\d \+\d+(?: ~\d+)?(?: -\d+)?: (?P<name>.+) \[E\]$",  # Flutter
        r"^❌ (?P<name>\S+_test\.dart: .+?)(?: \(failed\))?$",
        r"^FAILED (?P<name>\S+::.+?)(?: - .*)?$",  # pytest
        r"^\s*--- FAIL: (?P<name>\S+)",  # Go
    )
)


def find_failed_tests(lines: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the failed tests as the test runner prints them; at most 20, each once."""
    names = (name for line in lines if len(line) < MAX_READ and (name := _failed_test(line)))
    return tuple(_unique(names)[:MAX_TESTS])


def _failed_test(line: str) -> str | None:
    for pattern in _TESTS:
        if match := pattern.search(line):
            groups = match.groupdict()
            return _redact_and_shorten(".".join(filter(None, (groups.get("suite"), groups["name"]))))
    return None
