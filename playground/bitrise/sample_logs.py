"""Logs of failing steps as real tools print them, for `Workflow.log`. The secrets in them are invented."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

RED, GREEN, BOLD, OFF = "\x1b[31;1m", "\x1b[32;1m", "\x1b[1m", "\x1b[0m"

XCODEBUILD: Final = f"""\
{BOLD}xcode-test{OFF} - building for testing
Test Suite 'LoginTests' started at 2026-03-02 09:04:11.201
Test Case '-[ShopTests.LoginTests testExpiredSessionAsksAgain]' started.
/Users/vagrant/git/ShopTests/LoginTests.swift:42: error: -[ShopTests.LoginTests testExpiredSessionAsksAgain] : \
XCTAssertTrue failed - the login form is not shown
Test Case '-[ShopTests.LoginTests testExpiredSessionAsksAgain]' failed (0.412 seconds).
Test Case '-[ShopTests.LoginTests testLogout]' passed (0.018 seconds).
Test Suite 'LoginTests' failed at 2026-03-02 09:04:12.001.
\t Executed 2 tests, with 1 failure (0 unexpected) in 0.430 (0.800) seconds
Failing tests:
\tShopTests.LoginTests.testExpiredSessionAsksAgain()
** TEST FAILED **
{RED}Exit code: 65{OFF}
"""

SWIFT_COMPILE: Final = f"""\
CompileSwift normal arm64 /Users/vagrant/git/Shop/Cart.swift (in target 'Shop' from project 'Shop')
/Users/vagrant/git/Shop/Cart.swift:118:21: {RED}error:{OFF} cannot convert value of type 'String' to expected type 'Int'
        total += price
                 ^~~~~
** ARCHIVE FAILED **

The following build commands failed:
\tCompileSwift normal arm64 /Users/vagrant/git/Shop/Cart.swift
(1 failure)
"""

GRADLE: Final = """\
> Task :app:compileDebugUnitTestKotlin
> Task :app:testDebugUnitTest

dev.acme.shop.CartTest > emptyCartHasNoTotal FAILED
    java.lang.AssertionError: expected:<0> but was:<1>
        at org.junit.Assert.fail(Assert.java:89)
        at dev.acme.shop.CartTest.emptyCartHasNoTotal(CartTest.kt:27)

24 tests completed, 1 failed

> Task :app:testDebugUnitTest FAILED

FAILURE: Build failed with an exception.

* What went wrong:
Execution failed for task ':app:testDebugUnitTest'.
> There were failing tests. See the report at: file:///bitrise/src/app/build/reports/tests/index.html

BUILD FAILED in 1m 12s
"""

JEST: Final = f"""\
{GREEN}PASS{OFF} src/cart/total.test.ts
{RED}FAIL{OFF} src/login/session.test.ts
  ● session › asks again when it has expired

    expect(received).toBe(expected) // Object.is equality

    Expected: "login"
    Received: "home"

      12 |   expireSession()
    > 13 |   expect(screen()).toBe("login")
         |                    ^

      at Object.<anonymous> (src/login/session.test.ts:13:20)

Tests:       1 failed, 18 passed, 19 total
Time:        4.207 s
"""

FLUTTER: Final = """\
00:01 +0: loading /bitrise/src/test/cart_test.dart\r00:02 +1: an empty cart costs nothing\r\
00:03 +1 -1: a coupon is taken off [E]
  Expected: <90>
    Actual: <100>
  package:test_api           expect
  test/cart_test.dart 31:5   main.<fn>

00:04 +2 -1: Some tests failed.
"""

PYTEST: Final = """\
============================= test session starts ==============================
collected 41 items

tests/test_cart.py .....F...                                             [ 21%]

=================================== FAILURES ===================================
_____________________________ test_coupon_is_taken _____________________________

    def test_coupon_is_taken():
>       assert total(cart, coupon="TEN") == 90
E       assert 100 == 90

tests/test_cart.py:31: AssertionError
=========================== short test summary info ============================
FAILED tests/test_cart.py::test_coupon_is_taken - assert 100 == 90
========================= 1 failed, 40 passed in 3.12s =========================
"""

PROGRESS: Final = (
    "Downloading dependencies\n"
    + "".join(f"\r\x1b[2K[{'=' * (step // 10):<10}] {step:>3}%" for step in range(0, 101, 10))
    + f"\n{RED}curl: (22) The requested URL returned error: 503{OFF}\n"
)
"""A progress bar that overwrites itself, and the one relevant line."""

LEAKY: Final = """\
+ export API_KEY=[REDACTED]
+ fastlane deliver --api_key [REDACTED]
Authorization: Bearer EXAMPLEeyJhbGciOiJub25lIn0.EXAMPLEeyJzdWIiOiJub2JvZHkifQ.EXAMPLE
AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE
SLACK_TOKEN=xoxb-EXAMPLE-EXAMPLE-not-a-token
BITRISE_TOKEN=bitpat_EXAMPLEEXAMPLEEXAMPLE
git clone https://octocat:EXAMPLE-PASSWORD@git.example.com/acme/shop.git
fatal: Authentication failed
"""
"""Bitrise redacts the secrets it knows; a script has printed others."""

SWIFTLINT: Final = f"""\
+ swiftlint lint --strict
Linting Swift files in current working directory
Linting 'Cart.swift' (88/214)
/Users/vagrant/git/Shop/Cart.swift:88:9: error: Force Unwrapping Violation: Force unwrapping should be avoided \
(force_unwrapping)
Found 1 violation, 1 serious in 214 files.
{RED}Exit code: 2{OFF}
"""

ANDROID_LINT: Final = """\
> Task :app:lintDebug FAILED
src/main/java/dev/acme/shop/CartActivity.kt:57: Error: Call requires API level 33 (current min is 26) [NewApi]
Lint found 1 error, 4 warnings

FAILURE: Build failed with an exception.

* What went wrong:
Execution failed for task ':app:lintDebug'.
> Lint found errors in the project; aborting build.

BUILD FAILED in 38s
"""

KOTLIN_COMPILE: Final = """\
> Task :app:compileReleaseKotlin FAILED
e: file:///bitrise/src/app/src/main/java/Cart.kt:31:22 Type mismatch: inferred type is String but Int was expected

FAILURE: Build failed with an exception.

* What went wrong:
Execution failed for task ':app:compileReleaseKotlin'.
> Compilation error. See log for more details

BUILD FAILED in 2m 4s
"""

DART_ANALYZE: Final = """\
Analyzing courier...
  error - The argument type 'String?' can't be assigned to the parameter type 'String' - lib/cart.dart:44:18 - \
argument_type_not_assignable
1 issue found.
"""

DART_COMPILE: Final = """\
Building with sound null safety
lib/cart.dart:44:18: Error: The argument type 'String?' can't be assigned to the parameter type 'String'.
    total(coupon.code);
                 ^
Target kernel_snapshot failed: Exception
"""

SSH_KEY: Final = """\
Error loading key "(stdin)": error in libcrypto
git@github.com: Permission denied (publickey).
"""

UPLOAD: Final = """\
Uploading Shop.ipa (48 MB)
Upload attempt 3 of 3 failed: PUT request returned 503 Service Unavailable
failed to upload artifact: giving up after 3 attempts
"""

SCRIPT: Final = """\
+ make check
python tools/check_translations.py
ERROR: missing translation for "cart.coupon_expired" in de.strings
make: *** [Makefile:12: check] Error 1
"""

LOGS_BY_STEP: Final[Mapping[str, str]] = {
    "activate-ssh-key": SSH_KEY,
    "deploy-to-bitrise-io": UPLOAD,
    "xcode-test": XCODEBUILD,
    "xcode-archive": SWIFT_COMPILE,
    "swiftlint": SWIFTLINT,
    "android-unit-test": GRADLE,
    "android-lint": ANDROID_LINT,
    "android-build": KOTLIN_COMPILE,
    "flutter-test": FLUTTER,
    "flutter-analyze": DART_ANALYZE,
    "flutter-build": DART_COMPILE,
}
"""Output of a failed step whose workflow has no log; any other step prints `SCRIPT`."""

SAMPLE_LOGS: Final[Mapping[str, str]] = {
    "xcodebuild": XCODEBUILD,
    "swift-compile": SWIFT_COMPILE,
    "gradle": GRADLE,
    "jest": JEST,
    "flutter": FLUTTER,
    "pytest": PYTEST,
    "progress": PROGRESS,
    "leaky": LEAKY,
}
"""Logs by the tool that fails."""
