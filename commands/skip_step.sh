#!/usr/bin/env bash
# Asks Buildbell to stop this build because there is nothing to build. Needs bash, curl and the secret
# BUILDBELL_SKIP_SECRET. If Buildbell doesn't respond or refuses, the script exits with 0 and the build continues.
# With SKIP_STRICT=1 it exits with 75 (no response, or not stopped in time) or 77 (refused).

# Put your own check first. If there is something to build, exit with 0. For example:
# git diff --quiet HEAD^ HEAD -- apps/shop || exit 0

url="${SKIP_URL:-https://buildbell.example.com/ci/skip}"
wait="${SKIP_WAIT:-120}"

go_on() {
  echo "Buildbell: $1 Continuing the build."
  if [ "${SKIP_STRICT:-0}" = 1 ]; then exit "$2"; fi
  exit 0
}

ask() { # the secret is piped in, so that it doesn't show in a process list
  printf 'header = "Authorization: Bearer %s"\n' "$secret" |
    curl --disable --config - --silent --show-error --connect-timeout 5 --max-time "${SKIP_SECONDS:-10}" \
      --data-urlencode "app=${BITRISE_APP_SLUG:-}" --data-urlencode "build=${BITRISE_BUILD_SLUG:-}" \
      --data-urlencode "number=${BITRISE_BUILD_NUMBER:-}" --data-urlencode "commit=${BITRISE_GIT_COMMIT:-}" \
      --data-urlencode "request=${BUILDBELL_REQUEST:-}" --data-urlencode "reason=${SKIP_REASON:-no-changes}" \
      --data-urlencode "sentence=${SKIP_SENTENCE:-}" --write-out '\n%{http_code}' "$url"
}

secret="${BUILDBELL_SKIP_SECRET:-}"
secret="${secret//[^a-z0-9_]/}"
if [ -z "$secret" ]; then go_on "BUILDBELL_SKIP_SECRET is not set." 77; fi
if [ -z "${BITRISE_BUILD_SLUG:-}" ]; then go_on "This isn't a Bitrise build." 77; fi

for pause in ${SKIP_PAUSES:-2 4 0}; do
  answer="$(ask)"
  status="${answer##*$'\n'}"
  said="${answer%$'\n'*}"
  case "$status" in "" | 000 | 429 | 5??) sleep "$pause" ;; *) break ;; esac
done

case "$status" in
  200 | 202) echo "Buildbell: $said" ;;
  "" | 000) go_on "No response." 75 ;;
  429 | 5??) go_on "Not available ($status). $said" 75 ;;
  404) go_on "Unknown build, or BUILDBELL_SKIP_SECRET belongs to another app." 77 ;;
  *) go_on "Refused ($status). $said" 77 ;;
esac
sleep "$wait" # the stop ends the script here
go_on "The build was not stopped within $wait s." 75
