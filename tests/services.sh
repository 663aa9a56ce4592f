# shellcheck shell=bash
# Private servers for tests: on free loopback ports, with data in a temporary folder, stopped by pid. Sourced by ./test.
#
# To add a server NAME: write start_NAME (choose a port, `launch NAME COMMAND...`, `wait_until NAME COMMAND...`, export what the
# tests need) and, where SIGTERM is not its clean shutdown, set STOP_SIGNAL[NAME].

declare -A SERVICE_PID=() STOP_SIGNAL=([postgres]=INT) # SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait for its clients
SERVICES_DIR=
TESTS_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

services_init() {
  SERVICES_DIR=$(mktemp -d "${TMPDIR:-/tmp}/stowline-test.XXXXXX")
  chmod 711 "$SERVICES_DIR" # a server that runs as its own user must reach its folder below
}

# Stops what was started and deletes its data.
services_stop() {
  local name
  for name in "${!SERVICE_PID[@]}"; do stop_service "$name"; done
  if [ -d "$SERVICES_DIR/kafka" ]; then "$TESTS_DIR/kafka.sh" stop "$SERVICES_DIR/kafka" || true; fi # the tests may have started it anew
  if [ -d "$SERVICES_DIR/redis" ]; then "$TESTS_DIR/redis.sh" stop "$SERVICES_DIR/redis" || true; fi
  if [ -d "$SERVICES_DIR/rabbitmq" ]; then "$TESTS_DIR/rabbitmq.sh" end "$SERVICES_DIR/rabbitmq" || true; fi
  if [ -n "$SERVICES_DIR" ]; then rm -rf "$SERVICES_DIR"; SERVICES_DIR=; fi
}

# launch NAME COMMAND...: in the background, in a session of its own (so Ctrl-C reaches the tests first and the server stops in
# order), logged, its pid remembered.
launch() {
  local name=$1; shift
  local session=(); command -v setsid >/dev/null && session=(setsid)
  "${session[@]}" "$@" >"$SERVICES_DIR/$name.log" 2>&1 </dev/null &
  SERVICE_PID[$name]=$!
}

is_running() { [ -n "${SERVICE_PID[$1]:-}" ] && kill -0 "${SERVICE_PID[$1]}" 2>/dev/null; }

# wait_until NAME COMMAND...: until the command succeeds; fails when the server ends or a minute has passed.
wait_until() {
  local name=$1 end=$((SECONDS + 60)); shift
  until "$@" >/dev/null 2>&1; do
    is_running "$name" || return 1
    [ $SECONDS -lt $end ] || { echo "$name is not ready after 60 s" >&2; return 1; }
    sleep 0.1
  done
}

stop_service() {
  local name=$1 pid=${SERVICE_PID[$1]:-} tries
  [ -n "$pid" ] || return 0
  kill -s "${STOP_SIGNAL[$name]:-TERM}" "$pid" 2>/dev/null || true
  for ((tries = 0; tries < 300; tries++)); do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  kill -s KILL "$pid" 2>/dev/null || true # only what ignored a clean shutdown for 30 s is still there
  wait "$pid" 2>/dev/null || true
  unset "SERVICE_PID[$name]"
}

# Below the range from which the kernel takes ports for outgoing connections. Somebody may still take it first, so callers retry.
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
}

# The folder of PostgreSQL's server programs: Debian keeps them off PATH, one folder per version; the newest wins.
postgres_bin() {
  local dir
  if [ -n "${PG_BIN:-}" ]; then echo "$PG_BIN"; return; fi
  dir=$(find /usr/lib/postgresql /usr/pgsql-* -maxdepth 2 -type d -name bin 2>/dev/null | sort -V | tail -n 1)
  if [ -n "$dir" ] && [ -x "$dir/initdb" ]; then echo "$dir"; return; fi
  dir=$(command -v initdb) && dirname "$dir"
}

# Starts PostgreSQL and sets STOWLINE_TEST_POSTGRES. fsync stays on: the tests are about what survives.
start_postgres() {
  local bin dir=$SERVICES_DIR/postgres port run_as=() with_parent=()
  bin=$(postgres_bin) || { echo "no PostgreSQL server programs found" >&2; return 1; }
  mkdir -m 700 "$dir"
  if [ "$(id -u)" = 0 ]; then
    # PostgreSQL refuses to run as root; its package brings this user.
    id postgres >/dev/null || return 1
    chown postgres: "$dir"
    run_as=(setpriv "--reuid=postgres" "--regid=$(id -gn postgres)" --init-groups)
  fi
  # When ./test itself is killed with SIGKILL, no trap runs; the kernel then tells the server to stop.
  if setpriv --help 2>&1 | grep -q -- --pdeathsig; then with_parent=("${run_as[@]:-setpriv}" --pdeathsig INT); else with_parent=("${run_as[@]}"); fi

  # C.UTF-8 where there is one; macOS has only C.
  (cd / && "${run_as[@]}" "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync ||
    "${run_as[@]}" "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C --no-sync) >"$SERVICES_DIR/initdb.log" 2>&1 ||
    { tail -n 20 "$SERVICES_DIR/initdb.log" >&2; return 1; }

  for _ in 1 2 3; do
    port=$(free_port)
    # No Unix socket: its path could be longer than the system allows, and the tests use TCP anyway.
    launch postgres "${with_parent[@]}" "$bin/postgres" -D "$dir/data" -p "$port" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
      -c max_connections=400 -c fsync=on -c synchronous_commit=on -c shared_buffers=256MB -c max_wal_size=2GB
    if wait_until postgres "$bin/pg_isready" -q -h 127.0.0.1 -p "$port"; then
      export STOWLINE_TEST_POSTGRES="Host=127.0.0.1;Port=$port;Username=postgres;Database=postgres"
      return 0
    fi
    stop_service postgres
    grep -q 'Address already in use' "$SERVICES_DIR/postgres.log" || break
  done
  tail -n 20 "$SERVICES_DIR/postgres.log" >&2
  return 1
}

# Starts Kafka and sets STOWLINE_TEST_KAFKA (the setting `kafka` for it) and STOWLINE_TEST_KAFKA_DIR (for tests/kafka.sh: tests stop and start the broker).
start_kafka() {
  local port zookeeper tries
  command -v java >/dev/null && command -v kcat >/dev/null && command -v npm >/dev/null || { echo "Kafka needs java, kcat and npm" >&2; return 1; }
  for tries in 1 2 3; do
    port=$(free_port) zookeeper=$(free_port)
    if STOWLINE_KAFKA_DIST=$ARTIFACTS/kafka "$TESTS_DIR/kafka.sh" start "$SERVICES_DIR/kafka" "$port" "$zookeeper"; then
      export STOWLINE_TEST_KAFKA="127.0.0.1:$port;api.version.request=false;broker.version.fallback=0.9.0.1" STOWLINE_TEST_KAFKA_DIR=$SERVICES_DIR/kafka
      export STOWLINE_KAFKA_DIST=$ARTIFACTS/kafka
      return 0
    fi
    "$TESTS_DIR/kafka.sh" stop "$SERVICES_DIR/kafka" || true
  done
  return 1
}

# Starts Redis and sets STOWLINE_TEST_REDIS (the setting `redis` for it) and STOWLINE_TEST_REDIS_DIR (for tests/redis.sh).
start_redis() {
  local port tries
  command -v redis-server >/dev/null && command -v redis-cli >/dev/null || { echo "no redis-server and redis-cli" >&2; return 1; }
  for tries in 1 2 3; do
    port=$(free_port)
    if "$TESTS_DIR/redis.sh" start "$SERVICES_DIR/redis" "$port"; then
      export STOWLINE_TEST_REDIS=127.0.0.1:$port STOWLINE_TEST_REDIS_DIR=$SERVICES_DIR/redis
      return 0
    fi
  done
  return 1
}

# Starts RabbitMQ and sets STOWLINE_TEST_RABBITMQ (the setting `rabbitmq` for it) and STOWLINE_TEST_RABBITMQ_DIR (for tests/rabbitmq.sh).
start_rabbitmq() {
  local port dist epmd tries
  [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] || { echo "no RabbitMQ" >&2; return 1; }
  for tries in 1 2 3; do
    port=$(free_port) dist=$(free_port) epmd=$(free_port)
    if "$TESTS_DIR/rabbitmq.sh" start "$SERVICES_DIR/rabbitmq" "$port" "$dist" "$epmd"; then
      export STOWLINE_TEST_RABBITMQ=amqp://guest:guest@127.0.0.1:$port/ STOWLINE_TEST_RABBITMQ_DIR=$SERVICES_DIR/rabbitmq
      return 0
    fi
    "$TESTS_DIR/rabbitmq.sh" end "$SERVICES_DIR/rabbitmq" || true
  done
  return 1
}
