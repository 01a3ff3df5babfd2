"""Relevant lines and failed tests from the logs of many tools."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.results.excerpts import MAX_LINES, MAX_SHOWN, MAX_TESTS, find_failed_tests, relevant_lines
from bot.results.log_text import plain_lines
from bot.results.redaction import redact_secrets

XCODEBUILD = """
CompileSwift normal arm64 /Users/vagrant/git/Shop/Login.swift (in target 'Shop' from project 'Shop')
/Users/vagrant/git/Shop/Login.swift:12:5: error: cannot find 'token' in scope
        token.refresh()
        ^~~~~
/Users/vagrant/git/Shop/Cart.swift:3:8: warning: unused error: nothing
note: Using new build system
/Users/vagrant/git/Shop/Login.swift:12:5: error: cannot find 'token' in scope
** BUILD FAILED **

The following build commands failed:
\tCompileSwift normal arm64 /Users/vagrant/git/Shop/Login.swift
(1 failure)
"""
XCTEST = """
Test Case '-[ShopTests.LoginTests testEmpty]' started.
/Users/vagrant/git/ShopTests/LoginTests.swift:20: error: -[ShopTests.LoginTests testEmpty] : XCTAssertEqual failed
Test Case '-[ShopTests.LoginTests testEmpty]' failed (0.101 seconds).
Test Case '-[ShopTests.LoginTests testFull]' passed (0.001 seconds).
Test case 'CartTests.testSum()' failed on 'Clone 1 of iPhone 15 - Shop (512)' (0.2 seconds)
\t Executed 3 tests, with 2 failures (0 unexpected) in 0.303 (0.310) seconds
** TEST FAILED **
"""
XCPRETTY = """
LoginTests
    ✓ testFull (0.001 seconds)
    ✗ testEmpty, XCTAssertEqual failed: ("1") is not equal to ("2")
    ✖ testSum on 'iPhone 15' (0.2 seconds)
❌  /Users/vagrant/git/Shop/Login.swift:12:5: cannot find 'token' in scope
"""
SWIFT_TESTING = """
◇ Test run started.
✔ Test full() passed after 0.001 seconds.
✘ Test empty() recorded an issue at LoginTests.swift:9:5: Expectation failed: (a → 1) == 2
✘ Test empty() failed after 0.001 seconds with 1 issue.
✘ Test "is rejected, too" failed after 0.001 seconds with 1 issue.
✘ Suite LoginTests failed after 0.002 seconds with 2 issues.
✘ Test run with 3 tests failed after 0.003 seconds with 2 issues.
"""
GRADLE = """
> Task :app:compileDebugKotlin FAILED
e: file:///bitrise/src/app/src/main/java/com/acme/Login.kt:12:5 Unresolved reference: token
w: file:///bitrise/src/app/src/main/java/com/acme/Cart.kt:3:1 Parameter 'error' is never used

FAILURE: Build failed with an exception.

* What went wrong:
Execution failed for task ':app:compileDebugKotlin'.
> A failure occurred while executing org.jetbrains.kotlin.compilerRunner.GradleCompilerRunnerWithWorkers
   > Compilation error. See log for more details

* Try:
> Run with --stacktrace option to get the stack trace.

BUILD FAILED in 12s
"""
GRADLE_TESTS = """
com.acme.LoginTest > rejectsEmpty FAILED
    java.lang.AssertionError at LoginTest.kt:12
LoginTest > Nested > rejects empty() FAILED
com.acme.CartTest > sum[Pixel_4(AVD) - 11] FAILED
com.acme.CartTest > fine PASSED
> Task :app:testDebugUnitTest FAILED
12 tests completed, 3 failed
"""
MAVEN = """
[ERROR] com.acme.LoginTest.rejectsEmpty -- Time elapsed: 0.011 s <<< FAILURE!
rejectsFull(com.acme.LoginTest)  Time elapsed: 0.01 sec  <<< ERROR!
[ERROR] Tests run: 3, Failures: 1, Errors: 1, Skipped: 0 <<< FAILURE! - in com.acme.LoginTest
[ERROR] Failed to execute goal org.apache.maven.plugins:maven-surefire-plugin
"""
COCOAPODS = """
Analyzing dependencies
[!] CocoaPods could not find compatible versions for pod "Firebase/Core":
  In Podfile:
    Firebase/Core (= 10.0.0)
"""
NPM = """
npm warn deprecated har-validator@5.1.5: this library is no longer supported
npm error code ERESOLVE
npm error ERESOLVE unable to resolve dependency tree
npm ERR! peer react@"^17" from react-native-svg@12
npm error A complete log of this run can be found in: /root/.npm/_logs/x-debug-0.log
"""
JEST = """
FAIL src/login.test.ts
  ● login › rejects empty

    expect(received).toBe(expected)

  ● Console › noise
  ● login › with "quotes" › rejects full
Tests:       2 failed, 10 passed, 12 total
"""
FLUTTER = """
lib/main.dart:12:5: Error: The getter 'token' isn't defined for the class 'Login'.
00:05 +3 -1: test/login_test.dart: rejects empty [E]
00:06 +3 ~1 -2: rejects full [E]
❌ /bitrise/src/test/cart_test.dart: sums up (failed)
Some tests failed.
"""
FASTLANE = """
[09:12:33]: ▸ Compiling Login.swift
[09:12:40]: Exit status: 65
[!] Error building the application - see the log above
fastlane finished with errors
"""
PYTEST = """
    def test_empty():
>       assert login("") == 1
E       AssertionError: assert 2 == 1
tests/test_login.py:12: AssertionError
=========================== short test summary info ============================
FAILED tests/test_login.py::test_empty - AssertionError: assert 2 == 1
FAILED tests/test_login.py::TestCart::test_sum[a b]
========================= 2 failed, 10 passed in 0.12s =========================
"""
LINKER = """
Undefined symbols for architecture arm64:
  "_OBJC_CLASS_$_Token", referenced from:
      objc-class-ref in Login.o
ld: symbol(s) not found for architecture arm64
clang: error: linker command failed with exit code 1 (use -v to see invocation)
"""
SILENT = "\n".join(f"line {number}" for number in range(40))


@pytest.mark.parametrize(
    ("log", "excerpt"),
    [
        (XCODEBUILD, (
            "Shop/Login.swift:12:5: error: cannot find 'token' in scope", "** BUILD FAILED **",
            "The following build commands failed:", "CompileSwift normal arm64 Shop/Login.swift", "(1 failure)",
        )),
        (XCTEST, (
            "ShopTests/LoginTests.swift:20: error: -[ShopTests.LoginTests testEmpty] : XCTAssertEqual failed",
            "Test Case '-[ShopTests.LoginTests testEmpty]' failed (0.101 seconds).",
            "Test case 'CartTests.testSum()' failed on 'Clone 1 of iPhone 15 - Shop (512)' (0.2 seconds)",
            "** TEST FAILED **",
        )),
        (XCPRETTY, (
            '✗ testEmpty, XCTAssertEqual failed: ("1") is not equal to ("2")', "✖ testSum on 'iPhone 15' (0.2 seconds)",
            "❌  Shop/Login.swift:12:5: cannot find 'token' in scope",
        )),
        (GRADLE, (
            "e: app/src/main/java/com/acme/Login.kt:12:5 Unresolved reference: token",
            "FAILURE: Build failed with an exception.", "* What went wrong:",
            "Execution failed for task ':app:compileDebugKotlin'.",
            "> A failure occurred while executing org.jetbrains.kotlin.compilerRunner.GradleCompilerRunnerWithWorkers",
            "> Compilation error. See log for more details", "BUILD FAILED in 12s",
        )),
        (COCOAPODS, ('[!] CocoaPods could not find compatible versions for pod "Firebase/Core":',)),
        (NPM, (
            "npm error code ERESOLVE", "npm error ERESOLVE unable to resolve dependency tree",
            'npm ERR! peer react@"^17" from react-native-svg@12',
        )),
        (JEST, (
            "● login › rejects empty", '● login › with "quotes" › rejects full',
            "Tests:       2 failed, 10 passed, 12 total",
        )),
        (FASTLANE, (
            "Exit status: 65", "[!] Error building the application - see the log above",
            "fastlane finished with errors",
        )),
        (PYTEST, (
            "E       AssertionError: assert 2 == 1",
            "FAILED tests/test_login.py::test_empty - AssertionError: assert 2 == 1",
            "FAILED tests/test_login.py::TestCart::test_sum[a b]",
            "========================= 2 failed, 10 passed in 0.12s =========================",
        )),
        (LINKER, (
            "Undefined symbols for architecture arm64:", '"_OBJC_CLASS_$_Token", referenced from:',
            "objc-class-ref in Login.o", "ld: symbol(s) not found for architecture arm64",
            "clang: error: linker command failed with exit code 1 (use -v to see invocation)",
        )),
        ("Compiling\nerror: 0 errors found\nno error: fine\nDone", (
            "Compiling", "error: 0 errors found", "no error: fine", "Done",
        )),
        (SILENT, tuple(f"line {number}" for number in range(30, 40))),
        ("", ()),
    ],
)  # fmt: skip
def test_lines_that_explain_the_failure_are_extracted(log: str, excerpt: tuple[str, ...]) -> None:
    assert relevant_lines(plain_lines(log)) == excerpt


@pytest.mark.parametrize(
    "line",
    [
        "./gradlew: line 12: java: command not found",
        "xcodebuild: error: Unable to find a destination matching the provided destination specifier",
        "src/login.ts(12,5): error TS2304: Cannot find name 'token'.",
        "error[E0425]: cannot find value `token` in this scope",
        "fatal: Could not read from remote repository.",
        "Could not resolve com.acme:shop:1.0.",
        "java.lang.OutOfMemoryError: Java heap space",
        "Caused by: java.io.IOException: No space left on device",
        "panic: runtime error: index out of range",
        'Provisioning profile "Shop" has expired',
        "Because shop depends on http any which doesn't exist, version solving failed.",
        "FATA[12:00:00] Analyzer failed, error: No valid solution file found",
    ],
)
def test_one_relevant_line_is_found_among_many(line: str) -> None:
    lines = ["$ run error: no", *(f"line {number}" for number in range(50)), line, "cleaning up", "done"]
    assert relevant_lines(lines) == (line,)


def test_first_errors_are_kept_and_long_lines_shortened() -> None:
    lines = [f"error: number {number} {'x' * 500}" for number in range(40)]
    excerpt = relevant_lines(lines, limit=5)
    assert [line.split()[2] for line in excerpt] == ["0", "1", "2", "3", "4"]
    assert {len(line) for line in excerpt} == {MAX_SHOWN}
    assert excerpt[0].endswith("…")


@pytest.mark.parametrize(
    ("log", "names"),
    [
        (XCTEST, ("ShopTests.LoginTests.testEmpty", "CartTests.testSum()")),
        (XCPRETTY, ("testEmpty", "testSum")),
        (SWIFT_TESTING, ("empty()", '"is rejected, too"')),
        (GRADLE_TESTS, (
            "com.acme.LoginTest.rejectsEmpty", "LoginTest > Nested.rejects empty()", "com.acme.CartTest.sum",
        )),
        (GRADLE, ()),
        (MAVEN, ("com.acme.LoginTest.rejectsEmpty", "com.acme.LoginTest.rejectsFull")),
        (JEST, ("login › rejects empty", 'login › with "quotes" › rejects full')),
        (FLUTTER, (
            "test/login_test.dart: rejects empty", "rejects full", "/bitrise/src/test/cart_test.dart: sums up",
        )),
        (PYTEST, ("tests/test_login.py::test_empty", "tests/test_login.py::TestCart::test_sum[a b]")),
        ("--- FAIL: TestLogin (0.00s)\n    --- FAIL: TestLogin/empty (0.00s)\n", ("TestLogin", "TestLogin/empty")),
        (XCODEBUILD + COCOAPODS + NPM + LINKER + SILENT, ()),
    ],
)  # fmt: skip
def test_names_of_failed_tests_are_extracted(log: str, names: tuple[str, ...]) -> None:
    assert find_failed_tests(plain_lines(log)) == tuple(name.replace("/bitrise/src/", "") for name in names)


def test_number_of_failed_tests_is_limited() -> None:
    lines = [f"FAILED tests/test_login.py::test_{number} - no" for number in range(100)]
    assert find_failed_tests([*lines, *lines]) == tuple(f"tests/test_login.py::test_{n}" for n in range(MAX_TESTS))


ALL = "\n".join([XCODEBUILD, XCTEST, XCPRETTY, SWIFT_TESTING, GRADLE, MAVEN, NPM, JEST, FLUTTER, PYTEST, LINKER])
words = st.text() | st.sampled_from(
    [*ALL.split("\n"), "error: ", "password=sesame", "\x1b[31m", "\r", "* What went wrong:"]
)


@given(st.lists(words, max_size=60).map("\n".join), st.integers(1, 30))
def test_excerpt_of_any_log_is_short(log: str, limit: int) -> None:
    lines = plain_lines(redact_secrets(log))
    excerpt, tests = relevant_lines(lines, limit=limit), find_failed_tests(lines)
    assert len(excerpt) <= limit
    assert len(excerpt) == len(set(excerpt))
    assert len(relevant_lines(lines)) <= MAX_LINES
    assert bool(excerpt) == bool(lines)
    assert all(0 < len(line) <= MAX_SHOWN for line in (*excerpt, *tests))
    assert len(tests) <= MAX_TESTS
    assert not [line for line in (*excerpt, *tests) if "\x1b" in line or "=sesame" in line]


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece", [" > ", "● ", "error", "(", "Because ", "✘ Test ", "FAILED a::b", "Code Signing ", "x"]
)
def test_long_line_is_examined_quickly(piece: str) -> None:
    """A slow pattern would run into the time limit of tests."""
    log = piece * (256 * 1024 // len(piece))
    assert len(relevant_lines(plain_lines(log))) == 1
    assert find_failed_tests(plain_lines(log)) == ()


@pytest.mark.parametrize("before", [170, 185, 195, 985, 990])
def test_secret_is_redacted_before_the_line_is_shortened(before: int) -> None:
    """Its first letters alone would not be recognized."""
    secret = "ghp_0123456789abcdefghij0123456789abcdef"
    line = f"error: {'x ' * (before // 2 - 3)}{secret} and more"
    [excerpt] = relevant_lines([line])
    assert "0123" not in excerpt
    [test] = find_failed_tests([f"FAILED tests/{'x' * (before % 190)}::{secret}"])
    assert "0123" not in test
