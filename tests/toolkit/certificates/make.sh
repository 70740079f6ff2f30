#!/bin/sh
# Makes the certificates of the tests: each signs itself, so each is its own authority. They protect nothing.
set -eu
cd "$(dirname "$0")"
for name in server renewed client stranger; do
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500 -subj "/CN=$name.larimar.test" \
    -addext "subjectAltName=DNS:$name.larimar.test,DNS:localhost,IP:127.0.0.1" -keyout "$name.key" -out "$name.crt"
done
