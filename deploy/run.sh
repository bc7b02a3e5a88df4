#!/usr/bin/env bash
# Installs what Logi needs (Debian 12 packages), builds a release and runs it with embedded storage in ./data.
#   LISTEN=0.0.0.0:3100 DATA=/var/lib/logi ./deploy/run.sh [flags of `logi serve`]
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/packages.sh

LISTEN=${LISTEN:-127.0.0.1:3100}
DATA=${DATA:-./data}

need "${build_packages[@]}"
cmake --preset release >/dev/null
cmake --build --preset release

cat <<EOF

Logi listens on http://$LISTEN and keeps its data in $DATA. End it with Ctrl-C. In another terminal, push a line and read it back:

  curl -H 'Content-Type: application/json' http://$LISTEN/loki/api/v1/push \\
    --data '{"streams":[{"stream":{"app":"demo"},"values":[["'\$(date +%s%N)'","hello, fire"]]}]}'
  curl -G http://$LISTEN/loki/api/v1/query_range --data-urlencode 'query={app="demo"} |= "fire"'

EOF
exec build/release/logi serve --listen "$LISTEN" --data "$DATA" "$@"
