# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154,SC2034
# ./dev run: gateway and example web server on this machine's loopback, until Ctrl-C. Sourced by ./dev.

# The one place that says how both are started. The secret goes by the environment, which other users cannot read.
gateway_command() { exec build/release/bin/isthmus run --webhook-url "http://127.0.0.1:$1/webhook" "${@:2}"; }
webserver_command() { exec python3 -u examples/webserver/server.py --port "$1"; }
webserver_port=8090  # the first that is tried

# wait_for_port PORT PID: until something accepts on the port; fails when the process ends first or after 10 s.
wait_for_port() {
  local tries
  for ((tries = 0; tries < 100; ++tries)); do
    kill -0 "$2" 2>/dev/null || return 1
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return 0
    sleep 0.1
  done
  return 1
}

port_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Ends both, in the order in which a call would like it: first the gateway, which still tells the web server.
stop_demo() {
  trap '' INT TERM HUP
  local pid
  for pid in ${gateway_pid:-} ${webserver_pid:-}; do
    kill -TERM "$pid" 2>/dev/null || continue
    wait "$pid" 2>/dev/null || true
  done
}

run_demo() {
  need run
  # The tests would need more packages; a build that has them already keeps them.
  [ -f build/release/build.ninja ] || configure release -DISTHMUS_TESTS=OFF
  compile release isthmus
  [ "$build_only" = true ] && return 0

  ISTHMUS_WEBHOOK_SECRET=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
  export ISTHMUS_WEBHOOK_SECRET
  while port_taken "$webserver_port"; do webserver_port=$((webserver_port + 1)); done

  trap 'stop_demo; exit 130' INT
  trap 'stop_demo; exit 143' TERM
  trap 'stop_demo; exit 129' HUP  # the terminal was closed
  # Each in a session of its own: Ctrl-C and a hangup reach this script alone, which then ends both in order.
  setsid bash -c "$(declare -f webserver_command); webserver_command $webserver_port" &
  webserver_pid=$!
  wait_for_port "$webserver_port" "$webserver_pid" || { stop_demo; fail "the example web server did not start"; }
  setsid bash -c "$(declare -f gateway_command)"'; gateway_command "$@"' gateway "$webserver_port" "$@" &
  gateway_pid=$!

  local status=0
  wait -n "$gateway_pid" "$webserver_pid" || status=$?
  if kill -0 "$gateway_pid" 2>/dev/null; then note "the example web server ended by itself"; else note "the gateway ended by itself"; fi
  stop_demo
  [ "$status" = 0 ] || fail "ended with status $status"
}
