#!/bin/sh
# Prints what requests cost the community server, a row for each, as docs/performance.md has them.
#
# usage: tests/benches/community.sh [FOLDER OF sogs AND loadgen [MESSAGES...]]
#
# For each number of messages (1000, 100000 and 1000000 by default) a server is made in a fresh folder below $TMPDIR, its
# room is filled, and it is started anew. It takes some minutes and, for a million messages, about 1 GB of disk.
set -eu

build=${1:-target/release}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- 1000 100000 1000000

data=$(mktemp -d)
server=

stop() {
    if [ -n "$server" ]; then
        kill "$server"
        wait "$server" || true
        server=
    fi
}
trap 'stop; rm -rf "$data"' EXIT
trap 'exit 1' INT TERM

export SOGS_LISTEN="127.0.0.1:${PORT:-18080}" SOGS_LOG_LEVEL=warn SOGS_LIMITS_UPLOADS_PER_HOUR=0
export SOGS_BASE_URL="http://$SOGS_LISTEN"

# Makes a server with so many messages in its room, which has a moderator and no rate limit.
fill() {
    export SOGS_DATA="$data/$1"
    "$build/sogs" init
    "$build/sogs" room add measured
    "$build/sogs" room set measured --rate-limit off
    "$build/sogs" mod add 05bca99177c1c29e48e35dfceb0e9c1be8be9057e2e644c291db4f7f841d206658 --room measured
    key=$("$build/sogs" key show)
    "$build/loadgen" seed --database-url "sqlite:$SOGS_DATA/sogs.db" --pubkey "$key" --room measured --messages "$1"
} >"$data/log"

serve() {
    "$build/sogs" serve >"$data/log" &
    server=$!
    until grep -q 'Serving on' "$data/log"; do
        kill -0 "$server"
        sleep 0.1
    done
}

# Runs a scenario and prints its row, the first time with the heading.
measure() {
    table=$("$build/loadgen" "$@" --url "$SOGS_BASE_URL" --pubkey "$key" --room measured --pid "$server" |
        tr -s ' ')
    if [ -n "$heading" ]; then
        echo "$table" | head -n 2 | sed '1s/^/| messages /;2s/^/|---/'
        heading=
    fi
    echo "$table" | tail -n 1 | sed "s/^/| $messages /"
}

heading=yes
for messages; do
    fill "$messages"
    serve
    # What costs the same however much is in the room is measured once, in the first one. Posts come last.
    measure poll --onion --requests 5000
    measure poll --onion --requests 2000 --behind 10
    measure poll --onion --requests 1000 --behind 100
    measure recent --onion --requests 1000
    if [ "$messages" = "$1" ]; then
        measure poll --requests 5000
        measure recent --requests 1000
        measure rooms --onion --requests 5000
        measure rooms --requests 5000
        measure community-upload --onion --requests 200 --size 1MB
        measure community-download --onion --requests 400 --size 1MB
    fi
    measure post --onion --requests 1000
    stop
done
