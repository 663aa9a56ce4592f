#!/usr/bin/env bash
# A private Redis on loopback: tests stop and start it in mid-flow, so it is a command of its own.
#
#   redis.sh start DIR [PORT]     starts it, again on the same port with the same data where it was started before; waits until it answers
#   redis.sh stop DIR [SIGNAL]    by TERM or, as after a power cut, by KILL
set -euo pipefail
command=${1:?} dir=${2:?}
mkdir -p "$dir"
alive() { [ -s "$dir/pid" ] && kill -0 "$(cat "$dir/pid")" 2>/dev/null; }

case $command in
  start)
    if alive; then exit 0; fi
    if [ $# -gt 2 ]; then echo "$3" >"$dir/port"; fi
    port=$(cat "$dir/port")
    setsid redis-server --port "$port" --bind 127.0.0.1 --dir "$dir" --appendonly yes --appendfsync everysec --save '' --daemonize no >>"$dir/log" 2>&1 </dev/null &
    echo $! >"$dir/pid"
    end=$((SECONDS + 60))
    until [ "$(redis-cli -h 127.0.0.1 -p "$port" ping 2>/dev/null)" = PONG ]; do
      alive && [ $SECONDS -lt $end ] || { tail -n 20 "$dir/log" >&2; exit 1; }
      sleep 0.1
    done ;;
  stop)
    alive || { rm -f "$dir/pid"; exit 0; }
    pid=$(cat "$dir/pid")
    kill -s "${3:-TERM}" "$pid" 2>/dev/null || true
    for ((tries = 0; tries < 300; tries++)); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
    kill -s KILL "$pid" 2>/dev/null || true
    rm -f "$dir/pid" ;;
  *) sed -n '2,5p' "$0" >&2; exit 2 ;;
esac
