"""Ordinary lines of build logs that speak of secrets, or look a little like them, and have none."""

from __future__ import annotations

from typing import Final

ORDINARY: Final = """\
SyntaxError: Unexpected token } in JSON at position 4
SyntaxError: Unexpected token '<', "<!DOCTYPE "... is not valid JSON
SyntaxError: JSON Parse error: Unexpected token: <
SyntaxError: Unexpected token :
Module build failed: SyntaxError: Unexpected token, expected "," (12:5)
error TS1005: ';' expected.
src/login.ts(12,5): error TS2304: Cannot find name 'token'.
error: cannot find 'token' in scope
error: use of undeclared identifier 'password'; did you mean 'passwords'?
error: missing argument for parameter 'password' in call
error: incorrect argument label in call (have 'token:', expected 'key:')
error: value of type 'Session' has no member 'token'
error: cannot convert value of type 'Token' to expected argument type 'String'
error: type 'TokenStore' does not conform to protocol 'SecretStore'
/Users/vagrant/git/Shop/TokenStore.swift:12:5: error: no such module 'KeychainAccess'
Password.swift:12:5: warning: variable 'password' was never mutated
e: file:///bitrise/src/app/src/main/java/com/acme/TokenStore.kt:12:5 Unresolved reference: token
LoginTests.swift:42: error: -[ShopTests.LoginTests testExpiredSession] : XCTAssertTrue failed
Test Case '-[ShopTests.TokenTests testRefresh]' failed (0.101 seconds).
Test case 'PasswordTests.testEmptyPassword()' failed on 'iPhone 15' (0.2 seconds)
com.acme.PasswordTest > rejectsEmptyPassword FAILED
● session › asks again when it has expired
✘ Test "password is rejected, too" failed after 0.001 seconds with 1 issue.
FAILED tests/test_login.py::test_token - AssertionError: assert 2 == 1
--- FAIL: TestToken (0.00s)
Tests:       2 failed, 10 passed, 12 total
Tests passed: 1234
Passed: 12, failed: 3
passes: 12
passwords do not match
password mismatch for user ana
error: Authentication failed for 'https://github.com/acme/shop.git'
fatal: could not read Password for 'https://github.com': terminal prompts disabled
fatal: could not read Username for 'https://github.com': Device not configured
remote: Support for password authentication was removed on August 13, 2021.
remote: HTTP Basic: Access denied
Error: No key named version
npm ERR! code E401
npm error Incorrect or missing password.
npm error need auth This command requires you to be logged in to https://npm.example.com/
error: MATCH_PASSWORD is not set
Please set the GITHUB_TOKEN environment variable
You must set MATCH_PASSWORD before running fastlane
[!] Missing required option --password
Use --token to authenticate
unknown flag: --token
error: option '--api-key <key>' argument missing
Usage: login <username> <password> [options]
API_TOKEN is missing
API_TOKEN:
API_TOKEN=
API_TOKEN=$API_TOKEN
fastlane match --password $MATCH_PASSWORD --verbose
password: ********
password: [REDACTED]
password: null
"token": null,
let token: String
func login(user: String, password: String) -> Token {
val password: String,
PWD=/Users/vagrant/git
OLDPWD=/Users/vagrant
CACHE_KEY: gradle-abc123
cache key: gradle-wrapper-0123
Restoring cache with key: npm-cache-linux-x64
"key": "value"
public key: none
HEAD is now at 0123456789abcdef0123456789abcdef01234567
Checking out 0123456789abcdef0123456789abcdef01234567
git@github.com:acme/shop.git
ssh://git@github.com/acme/shop.git
https://example.com/search?q=login&page=2
https://npm.example.com/@babel/core/-/core-7.0.0.tgz
https://example.com:8443/@scope/pkg
See https://docs.example.com/authentication/tokens#expiry for more
mailto:ana@acme.com
npm install react@18.2.0 npm:foo@1.2.3
Downloading https://services.gradle.org/distributions/gradle-8.5-bin.zip
com.acme:shop-token:1.2.3
Could not resolve com.acme:auth-session:1.0.0.
> Task :app:compileTokenKotlin FAILED
Execution failed for task ':app:signRelease'.
security find-identity -v -p codesigning
security list-keychains -d user -s login.keychain
error: No signing certificate "iOS Distribution" found
error: Provisioning profile "Shop AdHoc" doesn't include signing certificate "Apple Distribution: Acme (ABCDE12345)".
Code Signing Error: No profiles for 'com.acme.shop' were found
Signing Identity:     "Apple Distribution: Acme Inc. (ABCDE12345)"
docker run -p 8080:80 nginx
mkdir -p build/outputs
cp -p a b
ssh -p 2222 git@example.com
curl: (22) The requested URL returned error: 503
curl -sSfL -o gradle.zip https://services.gradle.org/x.zip
error: session is closed
Session started
Test session starts (platform: linux, Python 3.11.7, pytest 8.0)
============================= test session starts ==============================
signature: invalid
Invalid signature for file lib/arm64/libapp.so
The cookie banner was not dismissed
Author: ana <ana@acme.com>
authors: ana, bo
authority: example.com
Keychain: login.keychain-db
keyboard: en_US
tokenizer: fast
token count: 12
KeyError: 'version'
KeyError: 'token'
java.lang.IllegalArgumentException: key 'x' not found
Caused by: java.security.UnrecoverableKeyException: Password verification failed
Keystore was tampered with, or password was incorrect
Failed to read key release from store "/bitrise/src/app/keystore.jks": keystore password was incorrect
java.io.IOException: Keystore password was incorrect
com.android.ide.common.signing.KeytoolException: Failed to read key upload from store
Invalid API key
error: Invalid token
error: invalid API token
The access token expired on 2026-01-01
Bearer token is missing
Basic authentication failed
expected token but was identifier
Expected: "login"
Received: "home"
duration: 12.4s
bundle exec fastlane beta
Undefined symbols for architecture arm64:
"_OBJC_CLASS_$_Token", referenced from:
-[LoginViewController session]: unrecognized selector sent to instance 0x600
*** Terminating app due to exception 'NSUnknownKeyException', reason: 'key token: not key value coding-compliant'
error: Could not find a key named foo
  File "/bitrise/src/token.py", line 12, in refresh_token
    at refreshToken (src/login/session.test.ts:13:20)
    at com.acme.auth.TokenStore.load(TokenStore.kt:27)
** ARCHIVE FAILED **
warning: The iOS Simulator deployment target 'IPHONEOS_DEPLOYMENT_TARGET' is set to 9.0
IPHONEOS_DEPLOYMENT_TARGET = 15.0
BITRISE_BUILD_SLUG=0123456789abcdef
BITRISE_BUILD_NUMBER: 812
md5: 0123456789abcdef0123456789abcdef
sha256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
| token store | 12 sec |
| Step | Status |
ENV setup finished
config set up
user ana logged in"""
