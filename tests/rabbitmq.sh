#!/usr/bin/env bash
# A private RabbitMQ on loopback: tests stop and start it in mid-flow, so it is a command of its own.
#
#   rabbitmq.sh start DIR [PORT DIST_PORT EPMD_PORT]   starts it, again on the same ports with the same data where it was started before; waits until it answers
#   rabbitmq.sh join DIR PEER_DIR PORT DIST_PORT       starts a further node, in a cluster with the one of PEER_DIR; afterwards it is started and stopped like any
#   rabbitmq.sh stop DIR [SIGNAL]                      the broker alone, by TERM or, as after a power cut, by KILL
#   rabbitmq.sh end DIR                                the broker and the name service that it has brought up
set -euo pipefail
command=${1:?} dir=${2:?}
mkdir -p "$dir"/{home,mnesia,log}
case $command in
  start) if [ $# -gt 4 ]; then echo "$3 $4 $5 test" >"$dir/ports"; fi ;;
  join)
    read -r _ _ epmd peer <"$3/ports"
    echo "$4 $5 $epmd test$4 $peer" >"$dir/ports"
    cp -p "$3/home/.erlang.cookie" "$dir/home/"
    command=start ;;
esac
read -r port dist epmd name peer <"$dir/ports"

# Of its own in everything, so that no other RabbitMQ of this machine is touched.
[ -f "$dir/home/.erlang.cookie" ] || { head -c 15 /dev/urandom | base64 | tr -d '=+/\n' >"$dir/home/.erlang.cookie"; chmod 400 "$dir/home/.erlang.cookie"; }
export HOME=$dir/home ERL_EPMD_PORT=$epmd ERL_EPMD_ADDRESS=127.0.0.1 ERL_CRASH_DUMP=$dir/erl_crash.dump
export RABBITMQ_NODENAME=$name@localhost RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 RABBITMQ_NODE_PORT=$port RABBITMQ_DIST_PORT=$dist
export RABBITMQ_MNESIA_BASE=$dir/mnesia RABBITMQ_LOG_BASE=$dir/log RABBITMQ_PID_FILE=$dir/pid RABBITMQ_ENABLED_PLUGINS_FILE=$dir/plugins RABBITMQ_CONFIG_FILE=$dir/rabbitmq.conf
export RABBITMQ_CONF_ENV_FILE=/dev/null RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='+sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}'

alive() { [ -s "$dir/pid" ] && kill -0 "$(cat "$dir/pid")" 2>/dev/null; }
# AMQP's first word: a broker that is ready for clients answers with its own.
ready() { (exec 3<>"/dev/tcp/127.0.0.1/$port" && printf 'AMQP\0\0\011\001' >&3 && [ -n "$(timeout 2 head -c 1 <&3 | tr '\0' x)" ]) 2>/dev/null; }

case $command in
  start)
    if alive; then exit 0; fi
    printf '%s\n' "listeners.tcp.1 = 127.0.0.1:$port" 'disk_free_limit.absolute = 100MB' 'log.console = false' \
      'max_message_size = 4000000' ${peer:+"cluster_formation.classic_config.nodes.1 = $peer@localhost"} >"$dir/rabbitmq.conf"
    echo '[].' >"$dir/plugins"
    cd "$dir"
    # Not the wrapper on PATH: that one changes user and folder.
    setsid /usr/lib/rabbitmq/bin/rabbitmq-server >>"$dir/out" 2>&1 </dev/null &
    end=$((SECONDS + 120))
    until ready && alive; do
      [ $SECONDS -lt $end ] || { tail -n 20 "$dir/out" >&2; exit 1; }
      sleep 0.2
    done ;;
  stop)
    alive || { rm -f "$dir/pid"; exit 0; }
    pid=$(cat "$dir/pid")
    kill -s "${3:-TERM}" "$pid" 2>/dev/null || true
    for ((tries = 0; tries < 300; tries++)); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
    kill -s KILL "$pid" 2>/dev/null || true
    rm -f "$dir/pid" ;;
  end)
    "$0" stop "$dir"
    epmd -kill >/dev/null 2>&1 || true ;; # ours, on our own port
  *) sed -n '2,7p' "$0" >&2; exit 2 ;;
esac
