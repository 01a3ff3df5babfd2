#!/usr/bin/env bash
# Asks Buildbell to stop this build because nothing has changed for it. Needs bash, curl and the Secret
# BUILDBELL_SKIP_SECRET. Ends with 0 and the build goes on: when Buildbell is away, and when it says no.
# SKIP_STRICT=1 makes that 75 (away, or not stopped in time) and 77 (no).

# Your own test comes first: where something has changed, the script ends and the build goes on. Such as:
# git diff --quiet HEAD^ HEAD -- apps/shop || exit 0

url="${SKIP_URL:-https://buildbell.example.com/ci/skip}"
wait="${SKIP_WAIT:-120}"

go_on() {
  echo "Buildbell: $1 The build goes on."
  if [ "${SKIP_STRICT:-0}" = 1 ]; then exit "$2"; fi
  exit 0
}

ask() { # the secret goes in through a pipe: it is in no list of processes
  printf 'header = "Authorization: Bearer %s"\n' "$secret" |
    curl --disable --config - --silent --show-error --connect-timeout 5 --max-time "${SKIP_SECONDS:-10}" \
      --data-urlencode "app=${BITRISE_APP_SLUG:-}" --data-urlencode "build=${BITRISE_BUILD_SLUG:-}" \
      --data-urlencode "number=${BITRISE_BUILD_NUMBER:-}" --data-urlencode "commit=${BITRISE_GIT_COMMIT:-}" \
      --data-urlencode "request=${BUILDBELL_REQUEST:-}" --data-urlencode "reason=${SKIP_REASON:-no-changes}" \
      --data-urlencode "sentence=${SKIP_SENTENCE:-}" --write-out '\n%{http_code}' "$url"
}

secret="${BUILDBELL_SKIP_SECRET:-}"
secret="${secret//[^a-z0-9_]/}"
if [ -z "$secret" ]; then go_on "BUILDBELL_SKIP_SECRET is not set here." 77; fi
if [ -z "${BITRISE_BUILD_SLUG:-}" ]; then go_on "this is no build at Bitrise." 77; fi

for pause in ${SKIP_PAUSES:-2 4 0}; do
  answer="$(ask)"
  status="${answer##*$'\n'}"
  said="${answer%$'\n'*}"
  case "$status" in "" | 000 | 429 | 5??) sleep "$pause" ;; *) break ;; esac
done

case "$status" in
  200 | 202) echo "Buildbell: $said" ;;
  "" | 000) go_on "no answer." 75 ;;
  429 | 5??) go_on "not now ($status). $said" 75 ;;
  404) go_on "it does not know this build, or the secret is not this app's." 77 ;;
  *) go_on "no ($status). $said" 77 ;;
esac
sleep "$wait" # the stop ends the script here
go_on "the stop did not come within $wait s." 75
