# sh search.sh BIB: the photos with a bib number, as JSON, one a line. It needs curl and jq.
set -eu
event="{{origin}}/api/v1/ext/903/event/456"
bib=$(printf '%s' "$1" | jq -sRr @uri)
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
after=
while :; do
  # A visitor waits for the page: 5 seconds for each try, and no try after 10 seconds.
  status=$(printf 'header = "X-API-Key: %s"\n' "${{key variable}}" |
    curl -sS -K - -D "$work/head" -o "$work/page" -w '%{http_code}' --max-time 5 --retry 2 --retry-max-time 10 \
      "$event/bibs/$bib?page_size=100$after")
  code=$(tr -d '\r' <"$work/head" |
    awk '/^HTTP/ { code = "" } tolower($1) == "x-error-code:" { code = $2 } END { print code }')
  [ "$code" != bib_not_found ] || exit 0
  if [ "$status" != 200 ]; then
    echo "refused: $status $code" >&2
    exit 1
  fi
  jq -c '.data.images[]' "$work/page"
  after=$(jq -r '.data.pagination.nextCursor | values | "&after=" + @uri' "$work/page")
  [ -n "$after" ] || exit 0
done
