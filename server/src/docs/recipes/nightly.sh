#!/bin/sh
# nightly.sh ORGANISATION EVENT FOLDER: one run of mirror.py for cron. It needs flock (util-linux).
#
# Exit codes: those of mirror.py, and 75 if the run before is still working.
set -eu
{{key variable}}=$(cat "$TOKEN_FILE")
export {{key variable}}
mkdir -p "$3"
exec flock --nonblock --conflict-exit-code 75 "$3/lock" python3 "$(dirname "$0")/mirror.py" "$@"
