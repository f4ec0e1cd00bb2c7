# Mirrors the photos and originals of an event: sh mirror.sh ORGANISATION EVENT FOLDER. It needs curl and jq.
#
# Exit codes: 0 complete; 1 refused, the error code is on standard error; 75 not available, run it again later.
set -eu

api="{{origin}}/api/v1/ext/$1/event/$2"
batch=60 # The most links that one call gives.
mkdir -p "$3/photos" "$3/work"
cd "$3"

end() {
  echo "$2" >&2
  exit "$1"
}

# header NAME: its value in the last response.
header() {
  tr -d '\r' <work/head | awk -v name="$1:" 'tolower($1) == name { value = $2 } END { print value }'
}

# call CONFIGURATION OPTION…: sets status and work/response. Tries six times if the service is busy or the connection
# breaks. The configuration is curl's own.
call() {
  configuration=$1 pause=1
  shift
  while :; do
    : >work/head >work/response
    status=$(printf '%s\n' "$configuration" | curl -sS -K - --connect-timeout 10 --max-time 300 \
      -D work/head -o work/response -w '%{http_code}' "$@") || status=000
    case $status in 000 | 429 | 5*) ;; *) return ;; esac
    [ "$pause" -lt 64 ] || end 75 "not available: $status"
    wait=$(header retry-after)
    case $wait in '' | *[!0-9]*) wait=$pause ;; esac
    sleep "$wait"
    pause=$((pause * 2))
  done
}

# api PATH OPTION…: the same with the token, which no list of processes shows. Ends if the call is refused, unless
# with the accepted code.
accepted=
api() {
  path=$1
  shift
  call "header = \"X-API-Key: ${{key variable}}\"" "$@" "$api/$path"
  code=$(header x-error-code)
  case $status in 200) return ;; esac
  [ -n "$code" ] && [ "$code" = "$accepted" ] || end 1 "refused: $status $code: $(cat work/response)"
}

# fetch FILE: saves these photos, each after its original.
fetch() {
  [ -s "$1" ] || return 0
  jq -s '{ method: "image_ids", identifier: map(.image_id) }' "$1" >work/request
  # All of the batch may have been removed meanwhile. Then the change feed says so next.
  accepted=image_not_found
  api "original-photos?page_size=$batch" -H 'Content-Type: application/json' --data-binary @work/request
  accepted=
  jq -r --slurpfile photos "$1" '
    (.data.presigned_urls // [] | map({ (.image_id): . }) | add // {}) as $links
    | $photos[] | (.image_id | @uri | gsub("\\."; "%2E")) as $name | $links[.image_id] as $link
    | ($link.filename // "" | match("\\.[A-Za-z0-9]+$").string? // "") as $suffix
    | "\($name) \($link.url // "-") \($name).original\($suffix) \(tojson)"
  ' work/response >work/links
  while read -r name url original photo; do
    mkdir -p "photos/$name"
    record=photos/$name/photo.json etag= known=
    if [ "$url" = - ]; then
      original=
    else
      if [ -e "$record" ]; then
        etag=$(jq -r '.etag // ""' "$record") known=$(jq -r '.original // ""' "$record")
        [ -e "photos/$name/$known" ] || etag=
      fi
      if [ -n "$etag" ]; then call '' -H "If-None-Match: $etag" "$url"; else call '' "$url"; fi
      case $status in
        200) etag=$(header etag) && mv work/response "photos/$name/$original" ;;
        304) original=$known ;;
        404) original= etag= ;;
        # The link has expired, for example. The next run gets new ones.
        *) end 75 "not available: $status $(header x-error-code)" ;;
      esac
    fi
    find "photos/$name" -type f ! -name "$original" ! -name photo.json -exec rm {} +
    printf '%s' "$photo" | jq -c --arg original "$original" --arg etag "$etag" '
      def known: if . == "" then null else . end;
      { photo: ., original: ($original | known), etag: ($etag | known) }' >work/record
    mv work/record "$record"
  done <work/links
}

more=true
while [ "$more" = true ]; do
  after=
  [ ! -e cursor ] || after="&after=$(jq -rR @uri cursor)"
  api "changes?page_size=$batch$after"
  mv work/response work/page
  jq -c '.data.changes[].image | values' work/page >work/photos
  fetch work/photos
  jq -r '.data.changes[] | select(.kind == "removed") | .image_id | @uri | gsub("\\."; "%2E")' work/page >work/removed
  while read -r name; do rm -rf "photos/$name"; done <work/removed
  more=$(jq .data.hasNextPage work/page)
  jq -r .data.nextCursor work/page >work/cursor
  sync
  mv work/cursor cursor
done

# An original can come later than its photo.
find photos -name photo.json -exec jq -c 'select(.original == null).photo' {} + >work/missing
rm -f work/missing.*
split -l "$batch" work/missing work/missing.
for part in work/missing.*; do
  [ ! -e "$part" ] || fetch "$part"
done
