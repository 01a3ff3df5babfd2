"""Pick the log lines and failed tests that explain a failure: enough for the screen of a phone. Pure.

Input lines come from `bot.results.log_text.plain_lines`, of a text redacted by `bot.results.redaction.mask_blocks`.
Secrets are masked before a line is cut, since half a secret can't be recognized.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from bot.results.redaction import mask

MOST_LINES = 15
MOST_TESTS = 20
LINE_CHARACTERS = 200
READ_CHARACTERS = 1_000
"""More of a line is not looked at."""
LAST_LINES = 10
FOLLOWING = 3
"""How many lines after "What went wrong:" belong to it."""

_CHECKOUT = re.compile(
    r"(?:file://)?(?:/Users/vagrant/git|/Users/\[REDACTED\]/git|/bitrise/src|/Volumes/workspace/git)/"
)
"""Where Bitrise's machines put the sources; without it more of a line fits."""

# Lines that say what is wrong.

_TELLING = re.compile(
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
_OPENING = re.compile(
    r"^(?:\* What went wrong:|Undefined symbols? |Traceback \(most recent|The following build commands failed)"
)
"""The lines after it say it."""
_NO_ERROR = re.compile(
    r"(?i)\b(?:0|no|without) (?:errors?|failures?)\b|\berrors?: ?(?:0|none|null|nil|false)\b"
    r"|^(?:warning|note|info|debug|\$|\+) ?:?|(?:^|\s)warning: |-Werror"
)

# Lines that say only that something is.

_SUMMARY = re.compile(
    r"""(?x)
      ^\*\*\ .*\ FAILED\ \*\* | ^BUILD\ FAILED | ^FAILURE:\s | ^Testing\ failed | ^Test\ [Rr]un\ .*\ failed
    | ^(?:Command\ failed|Failed\ to|Failing\ tests|Execution\ failed|Task\ .*\ failed|Build\ step\ .*\ failed)
    | (?i:exit(?:ed\ with)?\ (?:status|code):?\ [1-9]) | ^Tests?:?\s.*\bfail | ^=+\ .*\bfailed\b.*=+$
    | ^Some\ tests\ failed | ^Gradle\ task\ .*\ failed | ^fastlane\ finished\ with\ errors
    """
)


def telling_lines(lines: Sequence[str], *, most: int = MOST_LINES) -> tuple[str, ...]:
    """The lines that tell why it failed, in their order, each once; the last lines where none does."""
    lines = list(map(_beginning, lines))
    telling = _unique(_telling(lines))[:most]
    if len(telling) < most:
        wanted = set(telling) | set(_unique(filter(_SUMMARY.search, lines))[: most - len(telling)])
        telling = [line for line in _unique(lines) if line in wanted]
    if not any(map(_TELLING.search, telling)) and len(telling) < LAST_LINES:
        telling = list(lines[-min(most, LAST_LINES) :])
    return tuple(_unique(map(_short, telling))[:most])


def _telling(lines: Sequence[str]) -> Iterator[str]:
    following = 0
    for line in lines:
        if _OPENING.search(line):
            following = FOLLOWING
            yield line
        elif _TELLING.search(line) and not _NO_ERROR.search(line):
            yield line
        elif following and not line.startswith("* "):
            following -= 1
            yield line
        else:
            following = 0


def _beginning(line: str) -> str:
    """Of an enormous line; a word that would be cut in two is left out with the rest."""
    if len(line) <= READ_CHARACTERS:
        return line
    return line[:READ_CHARACTERS].rpartition(" ")[0].rstrip() or line[:READ_CHARACTERS]


def _short(line: str) -> str:
    line = mask(_CHECKOUT.sub("", line)).strip()
    return line if len(line) <= LINE_CHARACTERS else f"{line[: LINE_CHARACTERS - 1]}…"


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


def failed_tests(lines: Sequence[str]) -> tuple[str, ...]:
    """The names of the tests that failed, in the words of whatever ran them; at most 20, each once."""
    names = (name for line in lines if len(line) < READ_CHARACTERS and (name := _failed_test(line)))
    return tuple(_unique(names)[:MOST_TESTS])


def _failed_test(line: str) -> str | None:
    for pattern in _TESTS:
        if found := pattern.search(line):
            fields = found.groupdict()
            return _short(".".join(filter(None, (fields.get("suite"), fields["name"]))))
    return None
