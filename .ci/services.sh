#!/usr/bin/env bash
# Starts the servers that the tests of the sinks need and that do not listen on their standard port of the loopback yet.
# What is missing after this fails the tests there.
set -euo pipefail

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# NAME PORT COMMAND...: starts a server where its port is closed, and waits until it listens.
service() {
  local name=$1 port=$2
  shift 2
  listens "$port" && return
  printf 'starting %s\n' "$name"
  "$@" || { printf '%s cannot be started\n' "$name"; return; }
  for _ in {1..150}; do
    listens "$port" && return
    sleep 0.2
  done
  printf '%s does not listen on port %s\n' "$name" "$port"
}

postgres() { pg_ctlcluster --skip-systemctl-redirect "$(ls /etc/postgresql)" main start; }

service PostgreSQL 5432 postgres
service Redis 6379 redis-server --daemonize yes --bind 127.0.0.1 -::1 --port 6379 --save "" --appendonly no
service RabbitMQ 5672 rabbitmq-server -detached
service Mosquitto 1883 mosquitto -d -c /etc/mosquitto/mosquitto.conf
service NATS 4222 start-stop-daemon --start --oknodo --background --exec /usr/sbin/nats-server -- \
  -a 127.0.0.1 -p 4222 -js -sd /var/lib/nats-server

# COMMAND PACKAGE: installs Debian's package where the command is not there.
tool() {
  command -v "$1" >/dev/null && return
  printf 'installing %s\n' "$2"
  { apt-get update && apt-get install --yes --no-install-recommends "$2"; } >/dev/null || printf '%s cannot be installed\n' "$2"
}

# Its mock broker stands in for Kafka.
tool kcat kcat
# The shells that `trackbridge completion` writes scripts for, and a reader of manual pages.
tool zsh zsh
tool fish fish
tool mandoc mandoc
# Check the unit file and the alert rules.
tool systemd-analyze systemd
tool promtool prometheus
# The proxies whose configurations are in deploy.
tool nginx nginx-light
tool haproxy haproxy
tool caddy caddy
tool apache2 apache2
# For the SDKs that run in pages.
tool chromium chromium
