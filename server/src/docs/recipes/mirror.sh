# Mirrors the photos and originals of an event: sh mirror.sh ORGANISATION EVENT FOLDER. It needs curl and jq.
#
# Exit codes: 0 complete; 1 refused, the error code is on standard error; 75 not available, run it again later.
set -eu

api="{{origin}}/api/v1/ext/$1/event/$2"
batch=60 # The most links that one call gives.
mkdir -p "$3/photos"
cd "$3"
# Each run has its own folder for work: after a kill, the last command can still be writing to the one before. What is left
# of that is removed by a later run.
rm -rf work.* 2>/dev/null || :
work=work.$$
mkdir "$work"
trap 'rm -rf "$work"' EXIT

end() {
  echo "$2" >&2
  exit "$1"
}

# header NAME FILE: its value in the head of a response.
header() {
  tr -d '\r' <"$2" | awk -v name="$1:" 'tolower($1) == name { value = $2 } END { print value }'
}

# request HEAD OPTION…: one try with the options and the configuration for curl. Its head is in this file then. Sets
# result, the exit code of curl, and status, which is 000 if the connection broke.
configuration=
request() {
  head=$1 result=0 status=000
  shift
  : >"$head"
  printf '%s\n' "$configuration" |
    curl -sS -K - --connect-timeout 10 --max-time 300 -D "$head" "$@" || result=$?
  case $result in
    0 | 22) status=$(awk '/^HTTP/ { status = $2 } END { print status }' "$head") ;;
    23) end 1 "cannot write to the folder" ;;
  esac
}

# call TRY…: tries six times if the service is busy or the connection breaks.
call() {
  pause=1
  while :; do
    "$@"
    case $status in 000 | 429 | 5*) ;; *) return ;; esac
    [ "$pause" -lt 64 ] || end 75 "not available: $status"
    wait=$(header retry-after "$head")
    case $wait in '' | *[!0-9]*) wait=$pause ;; esac
    sleep "$wait"
    pause=$((pause * 2))
  done
}

# api PATH OPTION…: the response is in $work/response. No list of processes shows the token. Ends if the call is
# refused, unless with the accepted code.
accepted=
api() {
  path=$1
  shift
  configuration="header = \"X-API-Key: ${{key variable}}\""
  : >"$work/response"
  call request "$work/head" -o "$work/response" "$@" "$api/$path"
  configuration=
  code=$(header x-error-code "$head")
  case $status in 200) return ;; esac
  [ -n "$code" ] && [ "$code" = "$accepted" ] || end 1 "refused: $status $code: $(cat "$work/response")"
}

# receive URL OPTION…: one try to complete the file $part. The head of the response that began it is beside it.
receive() {
  : >>"$part.head"
  tag=$(header etag "$part.head")
  if [ -n "$tag" ] && [ -s "$part" ]; then
    request "$work/head" -f --no-show-error -C "$(wc -c <"$part" | tr -d ' ')" -H "If-Range: $tag" "$1" >>"$part"
    # The original has changed (33), or there is no rest (416): the next try begins again.
    case $result,$status in 33,* | *,416) rm "$part" && status=000 ;; esac
  else
    request "$part.head" -f --no-show-error "$@" >"$part"
  fi
}

# own FILE: replaces it with a copy, because curl can still be writing to it after a kill.
own() {
  [ ! -e "$1" ] || { cp "$1" "$work/own" && mv "$work/own" "$1"; }
}

# fetch FILE: saves these photos, each after its original.
fetch() {
  [ -s "$1" ] || return 0
  jq -s '{ method: "image_ids", identifier: map(.image_id) }' "$1" >"$work/request"
  # All of the batch may have been removed meanwhile. Then the change feed says so next.
  accepted=image_not_found
  api "original-photos?page_size=$batch" -H 'Content-Type: application/json' --data-binary "@$work/request"
  accepted=
  jq -r --slurpfile photos "$1" '
    (.data.presigned_urls // [] | map({ (.image_id): . }) | add // {}) as $links
    | $photos[] | (.image_id | @uri | gsub("\\."; "%2E")) as $name | $links[.image_id] as $link
    | ($link.filename // "" | match("\\.[A-Za-z0-9]+$").string? // "") as $suffix
    | "\($name) \($link.url // "-") \($name).original\($suffix) \(tojson)"
  ' "$work/response" >"$work/links"
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
      part=photos/$name/curl.part
      own "$part"
      own "$part.head"
      if [ -n "$etag" ]; then call receive "$url" -H "If-None-Match: $etag"; else call receive "$url"; fi
      case $status in
        200 | 206) etag=$(header etag "$part.head") && mv "$part" "photos/$name/$original" ;;
        304) original=$known ;;
        404) original= etag= ;;
        # The link has expired, for example. The next run gets new ones.
        *) end 75 "not available: $status $(header x-error-code "$head")" ;;
      esac
    fi
    find "photos/$name" -type f ! -name "$original" ! -name photo.json -exec rm -f {} +
    printf '%s' "$photo" | jq -c --arg original "$original" --arg etag "$etag" '
      def known: if . == "" then null else . end;
      { photo: ., original: ($original | known), etag: ($etag | known) }' >"$work/record"
    mv "$work/record" "$record"
  done <"$work/links"
}

# names_of CONDITION: the names of photos in this page of changes.
names_of() {
  jq -r ".data.changes[] | select($1)"' | .image_id | @uri | gsub("\\."; "%2E")' "$work/page"
}

more=true
while [ "$more" = true ]; do
  after=
  [ ! -e cursor ] || after="&after=$(jq -rR @uri cursor)"
  api "changes?page_size=$batch$after"
  mv "$work/response" "$work/page"
  if [ ! -e cursor ]; then
    # A run that was killed can have left photos that have been removed since.
    names_of true >"$work/named"
    ls photos | grep -vxFf "$work/named" | while read -r name; do rm -rf "photos/$name"; done
  fi
  jq -c '.data.changes[].image | values' "$work/page" >"$work/photos"
  fetch "$work/photos"
  names_of '.kind == "removed"' >"$work/removed"
  while read -r name; do rm -rf "photos/$name"; done <"$work/removed"
  more=$(jq .data.hasNextPage "$work/page")
  jq -r .data.nextCursor "$work/page" >"$work/cursor"
  sync
  mv "$work/cursor" cursor
done

# An original can come later than its photo.
find photos -name photo.json -exec jq -c 'select(.original == null).photo' {} + >"$work/missing"
split -l "$batch" "$work/missing" "$work/missing."
for some in "$work"/missing.*; do
  [ ! -e "$some" ] || fetch "$some"
done
